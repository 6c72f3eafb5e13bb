/** Rows in which processes die or hang while the door is unlocked. */
import { lines, msBetween, need, startSeconds, type Bench } from "./bench.ts";
import type { Span } from "./edges.ts";
import type { Row, RowOptions } from "./row.ts";

const unlockMs = 3000;
const safeMs = 1000;
/** Between a lease's end and the line, on a machine this slow. */
const leaseSlackMs = 500;
const watchdogSeconds = 20;
/** The holder's own, which is what ends a lease when the holder itself hangs. */
const holderWatchdogMs = 1000;

/** A way to hurt processes: a guest script that prints the time at which it did. */
interface Harm {
  readonly name: string;
  readonly script: string;
}

export const killGroups = (signal: number, groups: string): string =>
  `/usr/lib/bench/bench kill ${signal} ${groups}`;
export const groupOf = (unit: string): string => `$(systemctl show -P ControlGroup ${unit})`;

/** One moment while unlocked: hurts, and returns when, with the span that it fell into; nothing if the door was locked by then. */
export async function hurt(
  bench: Bench,
  harm: Harm,
  afterMs: number,
): Promise<{ atNs: number; span: Span } | undefined> {
  await bench.unlock();
  const { stdout } = await bench.sh(`sleep ${(afterMs / 1000).toFixed(3)}; ${harm.script}`);
  const atNs = Number(stdout.split(" ", 1)[0]);
  await bench.show("nobody");
  await bench.sh(`sleep ${(unlockMs + 1500) / 1000}`);
  const all = await bench.unlockedSince(atNs);
  const span = all.find(({ fromNs }) => fromNs <= atNs);
  need(
    all.every(({ fromNs }) => fromNs <= atNs),
    `${harm.name}: unlocked again after it`,
  );
  return span && { atNs, span };
}

/** Everything of ours up again, whatever was done to it. */
export async function recover(bench: Bench): Promise<void> {
  await bench.sh(
    "systemctl kill -s CONT 'maskgate*' || true; systemctl reset-failed 'maskgate*' || true; systemctl start maskgate",
  );
  await bench.untilReady(startSeconds);
}

async function killed(bench: Bench, { rounds }: RowOptions): Promise<string> {
  await bench.ready("brightness");
  const units = await bench.units();
  const harms: readonly Harm[] = [
    { name: "all", script: killGroups(9, "$(control_groups)") },
    ...units.map((unit) => ({ name: unit, script: killGroups(9, groupOf(unit)) })),
    { name: "camera program", script: "/usr/lib/bench/bench now; pkill -KILL -x gst-launch-1.0" },
  ];
  const worst = new Map<string, number>();
  let hit = 0;
  for (let draw = 0; hit < rounds; draw += 1) {
    need(draw < rounds * 3, `only ${hit} of ${draw} moments were while unlocked`);
    const harm = harms[hit % harms.length];
    if (!harm) break;
    const caught = await hurt(bench, harm, Math.random() * unlockMs * 0.8);
    if (caught) {
      hit += 1;
      const tookMs = msBetween(caught.atNs, caught.span.toNs ?? Infinity);
      need(
        tookMs <= safeMs,
        `${harm.name}: the line was unlocked for ${tookMs.toFixed(0)} ms after the kill`,
      );
      worst.set(harm.name, Math.max(worst.get(harm.name) ?? 0, tookMs));
    }
    await recover(bench);
  }
  return `${hit} moments; locked within ms at worst: ${[...worst].map(([name, ms]) => `${name} ${ms.toFixed(0)}`).join(", ")}`;
}

/** Hangs at a random moment, and holds that the lease ends all the same; if the holder itself hangs, by its watchdog. */
async function withinLease(bench: Bench, harm: Harm): Promise<number> {
  const isHolder = harm.name === "maskgate-door.service";
  const mostMs = unlockMs + (isHolder ? holderWatchdogMs + safeMs : leaseSlackMs);
  for (let draw = 0; draw < 6; draw += 1) {
    const caught = await hurt(bench, harm, Math.random() * unlockMs * 0.9);
    if (!caught) continue;
    const openMs = msBetween(caught.span.fromNs, caught.span.toNs ?? Infinity);
    need(openMs <= mostMs, `${harm.name}: unlocked for ${openMs.toFixed(0)} ms, the lease is ${unlockMs}`);
    return openMs;
  }
  throw new Error(`${harm.name}: no moment was while unlocked`);
}

async function stopped(bench: Bench): Promise<string> {
  await bench.ready("brightness");
  const units = await bench.units();
  const figures: string[] = [];
  for (const unit of units) {
    const openMs = await withinLease(bench, { name: unit, script: killGroups(19, groupOf(unit)) });
    figures.push(`${unit} ${openMs.toFixed(0)}`);
    await bench.sh(`${killGroups(9, "$(control_groups)")} || true`);
    await recover(bench);
  }
  return `unlocked for ms, at a lease of ${unlockMs}: ${figures.join(", ")}`;
}

async function spinning(bench: Bench): Promise<string> {
  await bench.ready("brightness");
  const units = await bench.units();
  for (const unit of units)
    await bench.dropIn(unit, ["Environment=NODE_OPTIONS=--import=/usr/lib/bench/spin.mjs"]);
  await bench.restartAll();
  const figures: string[] = [];
  for (const unit of units) {
    // A process that does not know the signal would die of it, and nothing would have hung.
    const script = `pid=$(systemctl show -P MainPID ${unit}); /usr/lib/bench/bench now; kill -USR2 $pid; sleep 0.2; kill -0 $pid`;
    figures.push(`${unit} ${(await withinLease(bench, { name: unit, script })).toFixed(0)}`);
    await bench.sh(`${killGroups(9, "$(control_groups)")} || true`);
    await recover(bench);
  }
  await bench.plain();
  await bench.restartAll();
  return `unlocked for ms, at a lease of ${unlockMs}: ${figures.join(", ")}`;
}

/** The worker hangs, the event loop lives: the timers go on, the frames do not. */
async function watchdog(bench: Bench): Promise<string> {
  await bench.dropIn("maskgate.service", ["Environment=NODE_OPTIONS=--import=/usr/lib/bench/spin.mjs"]);
  await bench.ready("brightness");
  await bench.restart();
  const hang = {
    name: "worker",
    script: "/usr/lib/bench/bench now; systemctl kill --kill-who=main -s WINCH maskgate",
  };
  const fromNs = await bench.nowNs();
  const openMs = await withinLease(bench, hang);
  await bench.sh(`await ${watchdogSeconds + 15} '[ $(systemctl show -P NRestarts maskgate) != 0 ]'`);
  const restartedNs = await bench.nowNs();
  const { stdout } = await bench.sh(
    "journalctl -b -u maskgate --no-pager | grep -i 'watchdog timeout' | tail -n 1",
  );
  need(stdout.includes("atchdog"), "systemd tells of no watchdog timeout");
  await bench.plain();
  await bench.restart();
  return `unlocked for ${openMs.toFixed(0)} ms; restarted ${(msBetween(fromNs, restartedNs) / 1000).toFixed(0)} s after the last person came`;
}

/** Kills the holder while unlocked, and lets the next person in. @returns ms from the kill to the locked line */
export async function killHolder(bench: Bench): Promise<number> {
  const caught = await hurt(bench, { name: "holder", script: killGroups(9, groupOf("maskgate-door")) }, 500);
  need(caught !== undefined, "the door was locked before the kill");
  const tookMs = msBetween(caught?.atNs ?? NaN, caught?.span.toNs ?? Infinity);
  need(tookMs <= safeMs, `the line was unlocked for ${tookMs.toFixed(0)} ms after the kill`);
  await recover(bench);
  await bench.unlock();
  return tookMs;
}

/** Sysfs gives no line back when its owner dies, whatever the chip does. */
async function sysfs(bench: Bench): Promise<string> {
  await bench.ready("brightness");
  const fromNs = await bench.nowNs();
  const driver = (name: string): Promise<void> => bench.configure({ "gpio.driver": `"${name}"` });
  await driver("sysfs");
  try {
    await bench.restartAll();
    const { stdout: held } = await bench.sh("gpioinfo | grep LOCK");
    need(held.includes('"sysfs"'), `the kernel sees the lock's line held by another: ${held}`);
    await bench.neverUnlocked(fromNs);
    const tookMs = await killHolder(bench);
    return `the kernel sees the line held by sysfs; locked ${tookMs.toFixed(0)} ms after kill -9 of the holder; lets the next one in`;
  } finally {
    await driver("character-device");
    await bench.restartAll();
  }
}

export const killRows: readonly Row[] = [
  {
    name: "kill",
    asserts: `kill -9 of processes of ours at random moments while unlocked: line ${lines.lock} locked within ${safeMs} ms`,
    run: killed,
  },
  {
    name: "stop",
    asserts:
      "SIGSTOP of each process of ours while unlocked: locked when the lease ends; of the holder, by its watchdog of a second",
    run: stopped,
  },
  {
    name: "spin",
    asserts: "a busy loop in each main thread while unlocked: the same",
    run: spinning,
  },
  {
    name: "watchdog",
    asserts:
      "a hung vision worker: locked when the lease ends, and the daemon is restarted although its event loop lives",
    run: watchdog,
  },
  {
    name: "sysfs",
    asserts: `the driver for old kernels, with units and udev rules as installed: held, never unlocked at its start, locked within ${safeMs} ms of kill -9`,
    run: sysfs,
  },
];
