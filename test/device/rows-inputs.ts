/** Rows about the door's inputs: what a person, the door or the fire panel does to a line, by the simulated pull of that line. */
import { lines, msBetween, need, type Bench } from "./bench.ts";
import type { Row } from "./row.ts";

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
  name: "contact" | "fireAlarm",
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

const fire = (bench: Bench): Promise<string> =>
  withInput(bench, "fireAlarm", lines.fire, async () => {
    await bench.sh("systemctl stop maskgate");
    const alarmNs = Number(
      (await bench.sh(`/usr/lib/bench/bench now; ${pull(lines.fire, opened)}; sleep 2`)).stdout,
    );
    await bench.sh(`${pull(lines.fire, atRest)}; sleep 2`);
    const endNs = Number(
      (await bench.sh("/usr/lib/bench/bench now; systemctl restart maskgate-door")).stdout,
    );
    const [released, ...more] = await bench.unlockedSince(alarmNs);
    need(released !== undefined && released.fromNs >= alarmNs, "the alarm did not release the lock");
    need(more.length === 0, "released more than once");
    const tookMs = msBetween(alarmNs, released?.fromNs ?? Infinity);
    need(tookMs <= inputMs, `released ${tookMs.toFixed(0)} ms after the alarm`);
    need((released?.toNs ?? 0) >= endNs, "locked again before the holder was restarted");
    need(released?.toNs !== undefined, "not locked after the alarm was over and the holder restarted");
    return `the daemon is not there; released ${tookMs.toFixed(0)} ms after the alarm; locked by the restart after it was over`;
  });

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
      "the fire alarm releases the lock without the daemon, and stays latched until the holder restarts",
    run: fire,
  },
  { name: "relock", asserts: "the lease ends as soon as the door was opened and shut again", run: relock },
];
