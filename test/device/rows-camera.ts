/** Rows about a camera that fails in one of the ways in which cameras fail. */
import { lines, msBetween, need, type Bench } from "./bench.ts";
import type { BootRecord, Edge } from "./edges.ts";
import type { Row } from "./row.ts";

const unlockMs = 3000;
const leaseSlackMs = 500;
const faultSeconds = 20;
const backMs = 5000;
/** So long the camera is away: longer than the first waits before it is tried again. */
const outageSeconds = 12;
/** And so long in the rows that hold that the watchdog, of 20 s, lets the daemon live. */
const longSeconds = 45;

interface Failure {
  readonly name: string;
  readonly begin: string;
  readonly end: string;
  readonly asserts: string;
  readonly seconds?: number;
}

const shown = (scene: string): string => `echo ${scene} >/run/bench/scene`;

const unplugged: Failure = {
  name: "unplugged",
  // The device is gone, its node too, as soon as nobody reads it any more.
  begin: "systemctl stop bench-camera; await 30 'rmmod v4l2loopback 2>/dev/null'",
  end: `${shown("nobody")}; plug_camera; systemctl start bench-camera`,
  asserts: "an unplugged camera",
};
const frozen: Failure = {
  name: "frozen",
  begin: shown("frozen"),
  end: shown("nobody"),
  asserts: "a camera that sends the same picture again and again",
};

const failures: readonly Failure[] = [
  unplugged,
  { ...unplugged, name: "long-unplugged", seconds: longSeconds },
  { name: "silent", begin: shown("silent"), end: shown("nobody"), asserts: "a camera that sends nothing" },
  frozen,
  { ...frozen, name: "long-frozen", seconds: longSeconds },
  { name: "black", begin: shown("black"), end: shown("nobody"), asserts: "a black picture" },
  { name: "covered", begin: shown("covered"), end: shown("nobody"), asserts: "a covered lens" },
];

/** Red and amber change over twice a second while at fault. One change is no sign of it: so goes a person who was looked at, too. */
const mostNsBetweenChanges = 750e6;
const leastChanges = 6;

/** The changes of red and amber, both edges together, that belong to a row of them. */
function changesOver(boot: BootRecord, fromNs: number): readonly Edge[] {
  const changes = boot.edges.filter(
    ({ line, atNs, level }, at) =>
      line === lines.amber &&
      atNs >= fromNs &&
      [boot.edges[at - 1], boot.edges[at + 1]].some(
        (other) => other?.line === lines.red && other.level !== level && Math.abs(other.atNs - atNs) < 50e6,
      ),
  );
  const series: Edge[][] = [];
  for (const change of changes) {
    const last = series.at(-1);
    if (change.atNs - (last?.at(-1)?.atNs ?? -Infinity) <= mostNsBetweenChanges) last?.push(change);
    else series.push([change]);
  }
  return series.filter(({ length }) => length >= leastChanges).flat();
}

async function fails(bench: Bench, failure: Failure): Promise<string> {
  const { seconds = outageSeconds } = failure;
  await bench.ready("brightness");
  const daemonBefore = await bench.daemon();
  await bench.unlock();
  const beganNs = Number((await bench.sh(`/usr/lib/bench/bench now; ${failure.begin}`)).stdout);
  const isFault = `{ a=$(level ${lines.amber}); r=$(level ${lines.red}); [ $a$r = 10 ] || [ $a$r = 01 ]; } && { sleep 0.5; [ $a != $(level ${lines.amber}) ]; }`;
  try {
    await bench.sh(
      `await ${faultSeconds} '${isFault}' || { echo "no fault is shown by the LEDs" >&2; exit 1; }; sleep ${seconds}`,
    );
  } finally {
    await bench.sh(`/usr/lib/bench/bench now >/run/bench/cured; ${failure.end}`);
  }
  const curedNs = Number((await bench.sh("cat /run/bench/cured")).stdout);
  await bench.untilReady(60);
  const unlocked = await bench.unlockedSince(beganNs);
  const signs = changesOver(await bench.boot(), beganNs);
  const [first, last] = [signs.at(0), signs.at(-1)];
  if (first === undefined || last === undefined) throw new Error("no fault is shown by the LEDs");
  // Until the fault is noticed, the last picture is of somebody who may go in.
  need(
    unlocked.every(({ fromNs }) => fromNs < first.atNs),
    "unlocked again after the fault was shown",
  );
  for (const { fromNs, toNs } of unlocked) {
    const openMs = msBetween(fromNs, toNs ?? Infinity);
    need(openMs <= unlockMs + leaseSlackMs, `unlocked for ${openMs.toFixed(0)} ms, the lease is ${unlockMs}`);
  }
  const tookMs = Math.max(0, msBetween(curedNs, last.atNs));
  need(tookMs <= backMs, `the fault is shown until ${tookMs.toFixed(0)} ms after the cure`);
  need((await bench.daemon()) === daemonBefore, "the daemon was restarted meanwhile");
  await bench.unlock();
  return `fault after ${msBetween(beganNs, first.atNs).toFixed(0)} ms, back ${tookMs.toFixed(0)} ms after the cure`;
}

/** systemd makes the rules for devices at the start of a unit, out of the names that the kernel knows by then. */
async function firstAfterStart(bench: Bench): Promise<string> {
  await bench.ready("brightness");
  await bench.sh(
    `systemctl stop maskgate bench-camera; await 30 'modprobe -r v4l2loopback 2>/dev/null'
     ! grep video4linux /proc/devices >&2 || exit 1
     systemctl start maskgate`,
  );
  const daemonBefore = await bench.daemon();
  const curedNs = await bench.nowNs();
  await bench.sh(`${shown("nobody")}; plug_camera; systemctl start bench-camera`);
  await bench.untilReady(60);
  const tookMs = msBetween(curedNs, await bench.nowNs());
  need((await bench.daemon()) === daemonBefore, "the daemon was restarted meanwhile");
  await bench.unlock();
  return `ready ${tookMs.toFixed(0)} ms after it was plugged in`;
}

const ofFailures: readonly Row[] = failures.map((failure) => ({
  name: failure.name,
  asserts: `${failure.asserts}${failure.seconds === undefined ? "" : ` for ${failure.seconds} s`}: locked, fault shown, back within ${backMs / 1000} s of the cure`,
  run: (bench: Bench) => fails(bench, failure),
}));

export const cameraRows: readonly Row[] = [
  ...ofFailures,
  {
    name: "late-camera",
    asserts: "the first camera that the kernel sees comes after the daemon's start, and works",
    run: firstAfterStart,
  },
];
