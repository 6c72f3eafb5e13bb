/** Rows about the door's inputs: what a person, the door or the fire panel does to a line, by the simulated pull of that line. */
import { lines, msBetween, need, type Bench } from "./bench.ts";
import type { Row } from "./row.ts";
import { groupOf, killGroups, killHolder } from "./rows-kill.ts";

const inputMs = 1000;
const unlockMs = 3000;

/** Both circuits are closed to ground at rest, so a closed one reads low. */
const atRest = "pull-down";
const opened = "pull-up";

const pull = (line: number, level: typeof atRest | typeof opened): string =>
  `echo ${level} >/run/bench/chip/sim_gpio${line}/pull`;

/** Fits an input, and takes it out again whatever the row did. The simulator takes a bias for its pull, hence none. */
async function withInput(
  bench: Bench,
  name: "contact" | "fireAlarm" | "tamper",
  line: number,
  run: () => Promise<string>,
): Promise<string> {
  await bench.sh(pull(line, atRest));
  const at = `gpio.${name}`;
  await bench.configure({ [`${at}.isFitted`]: "true", [`${at}.chip`]: '"board"', [`${at}.bias`]: '"none"' });
  try {
    await bench.sh("systemctl restart maskgate-door");
    return await run();
  } finally {
    await bench.configure({ [`${at}.isFitted`]: "false" });
    await bench.sh(`${pull(line, atRest)}; systemctl restart maskgate-door; systemctl start maskgate`);
  }
}

/** An alarm that was over when the holder was killed. @returns ms from the alarm to the released line */
async function alarmed(bench: Bench): Promise<number> {
  await bench.sh("systemctl stop maskgate");
  const alarmNs = Number(
    (await bench.sh(`/usr/lib/bench/bench now; ${pull(lines.fire, opened)}; sleep 2`)).stdout,
  );
  await bench.sh(`${pull(lines.fire, atRest)}; sleep 1; ${killGroups(9, groupOf("maskgate-door"))}; sleep 4`);
  const { stdout } = await bench.sh("/usr/lib/bench/bench now; systemctl restart maskgate-door");
  const endNs = Number(stdout);
  const [released, ...more] = await bench.unlockedSince(alarmNs);
  need(released !== undefined && released.fromNs >= alarmNs, "the alarm did not release the lock");
  need(more.length === 0, "released more than once");
  const tookMs = msBetween(alarmNs, released?.fromNs ?? Infinity);
  need(tookMs <= inputMs, `released ${tookMs.toFixed(0)} ms after the alarm`);
  need((released?.toNs ?? Infinity) >= endNs, "locked again before the holder was restarted");
  need(released?.toNs !== undefined, "not locked after the alarm was over and the holder restarted");
  return tookMs;
}

const fire = (bench: Bench): Promise<string> =>
  withInput(bench, "fireAlarm", lines.fire, async () => {
    const tookMs = await alarmed(bench);
    return `the daemon is not there; released ${tookMs.toFixed(0)} ms after the alarm, and so through kill -9 of the holder; locked by its restart`;
  });

/** Both turned round, the lock's line has the levels that it has without: whoever forgets one of them unlocks at rest. */
async function wiring(bench: Bench): Promise<string> {
  await bench.ready("brightness");
  const fromNs = await bench.nowNs();
  const turned = (wired: string, isActiveLow: boolean): Promise<void> =>
    bench.configure({ "gpio.door.wiring": `"${wired}"`, "gpio.door.isActiveLow": String(isActiveLow) });
  await turned("fail-safe", true);
  try {
    await bench.restartAll();
    const { stdout: held } = await bench.sh("gpioinfo | grep LOCK");
    need(held.includes("active-low"), `the kernel does not see the lock's line as active-low: ${held}`);
    await bench.neverUnlocked(fromNs);
    const killedMs = await killHolder(bench);
    const firedMs = await withInput(bench, "fireAlarm", lines.fire, async () =>
      (await alarmed(bench)).toFixed(0),
    );
    return `locked ${killedMs.toFixed(0)} ms after kill -9 of the holder, released ${firedMs} ms after the alarm`;
  } finally {
    await turned("fail-secure", false);
    await bench.restartAll();
  }
}

/** Somebody who may go in stands there all the while. */
async function takesNoLease(bench: Bench, sinceNs: number): Promise<void> {
  await bench.sh("echo bright >/run/bench/scene; sleep 10");
  await bench.neverUnlocked(sinceNs);
  await bench.show("nobody");
}

async function forced(bench: Bench): Promise<string> {
  await bench.ready("brightness");
  return withInput(bench, "contact", lines.contact, async () => {
    await bench.untilReady();
    await bench.sh("sleep 2");
    const openedNs = Number(
      (await bench.sh(`/usr/lib/bench/bench now; ${pull(lines.contact, opened)}`)).stdout,
    );
    await bench.sh(`await 5 '[ $(level ${lines.red})$(level ${lines.amber}) = 01 ]'`);
    await takesNoLease(bench, openedNs);
    await bench.sh(pull(lines.contact, atRest));
    await bench.untilReady();
    await bench.unlock();
    return "a fault by the LEDs, and nobody is let in, until the door is shut";
  });
}

async function tamper(bench: Bench): Promise<string> {
  await bench.ready("brightness");
  return withInput(bench, "tamper", lines.tamper, async () => {
    await bench.untilReady();
    await bench.unlock();
    const openedNs = Number(
      (await bench.sh(`/usr/lib/bench/bench now; ${pull(lines.tamper, opened)}; sleep 1`)).stdout,
    );
    const [span] = await bench.unlockedSince(openedNs);
    const tookMs = msBetween(openedNs, span?.toNs ?? Infinity);
    need(tookMs <= inputMs, `unlocked for ${tookMs.toFixed(0)} ms after the housing was opened`);
    await bench.show("nobody");
    await takesNoLease(bench, openedNs + inputMs * 1e6);
    await bench.sh(pull(lines.tamper, atRest));
    await bench.untilReady();
    await bench.unlock();
    return `the lease ended ${tookMs.toFixed(0)} ms after the housing was opened; nobody is let in until it is shut`;
  });
}

async function relock(bench: Bench): Promise<string> {
  await bench.ready("brightness");
  return withInput(bench, "contact", lines.contact, async () => {
    await bench.untilReady();
    await bench.unlock();
    const { stdout } = await bench.sh(
      `${pull(lines.contact, opened)}; sleep 0.3; /usr/lib/bench/bench now; ${pull(lines.contact, atRest)}; echo nobody >/run/bench/scene; sleep ${unlockMs / 1000}`,
    );
    const shutNs = Number(stdout);
    const span = (await bench.unlockedSince(shutNs)).at(0);
    need(span !== undefined && span.fromNs < shutNs, "the door was shut after the lease");
    const tookMs = msBetween(shutNs, span?.toNs ?? Infinity);
    const openMs = msBetween(span?.fromNs ?? 0, span?.toNs ?? Infinity);
    need(tookMs <= inputMs && openMs < unlockMs, `locked ${tookMs.toFixed(0)} ms after the door was shut`);
    return `locked ${tookMs.toFixed(0)} ms after the door was shut, ${openMs.toFixed(0)} ms into a lease of ${unlockMs}`;
  });
}

export const inputRows: readonly Row[] = [
  {
    name: "fire",
    asserts:
      "the fire alarm releases the lock without the daemon, and stays latched, through kill -9 too, until the holder is restarted",
    run: fire,
  },
  {
    name: "wiring",
    asserts:
      "a fail-safe lock on an active-low line: the same on the wire, at rest, in a fire and after kill -9",
    run: wiring,
  },
  {
    name: "forced",
    asserts: "a door that was opened without a grant is a fault, and nobody is let in until it is shut",
    run: forced,
  },
  {
    name: "tamper",
    asserts: "an opened housing ends the lease, and nobody is let in until it is shut",
    run: tamper,
  },
  { name: "relock", asserts: "the lease ends as soon as the door was opened and shut again", run: relock },
];
