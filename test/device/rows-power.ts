/** Rows about starting, ending and losing power: nothing of it may be a glitch to unlocked. */
import { lines, msBetween, need, startSeconds, type Bench } from "./bench.ts";
import { spans, type BootRecord, type Span } from "./edges.ts";
import type { Row } from "./row.ts";

const safeMs = 1000;
const cycles = 3;

async function cycled(bench: Bench): Promise<string> {
  await bench.ready("brightness");
  const fromNs = await bench.nowNs();
  for (let n = 0; n < cycles; n += 1) {
    await bench.sh("systemctl stop 'maskgate*'; systemctl start maskgate");
    await bench.restart();
  }
  await bench.neverUnlocked(fromNs);
  await bench.unlock();
  const stopNs = await bench.nowNs();
  await bench.sh("systemctl stop 'maskgate*'");
  const open = (await bench.unlockedSince(stopNs)).at(-1);
  const tookMs = msBetween(stopNs, open?.toNs ?? Infinity);
  need(tookMs <= safeMs, `stopped while unlocked: still unlocked after ${tookMs.toFixed(0)} ms`);
  await bench.restart();
  return `${cycles} stops and restarts without a glitch; stopped while unlocked: locked after ${tookMs.toFixed(0)} ms`;
}

async function crashLoop(bench: Bench): Promise<string> {
  await bench.ready("brightness");
  const fromNs = await bench.nowNs();
  await bench.sh(
    `for n in 1 2 3 4 5 6 7 8; do
       await ${startSeconds} '[ $(systemctl show -P MainPID maskgate) != 0 ]'
       sleep 0.$n; /usr/lib/bench/bench kill 9 $(control_groups) >/dev/null || true
       await 60 '[ $(systemctl show -P MainPID maskgate) = 0 ]'
     done`,
  );
  await bench.neverUnlocked(fromNs);
  const restarts = Number((await bench.sh("systemctl show -P NRestarts maskgate")).stdout);
  need(restarts >= 7, `only ${restarts} restarts`);
  // Nobody logs in: it comes back by itself when its cause is gone.
  await bench.untilReady();
  await bench.neverUnlocked(fromNs);
  await bench.unlock();
  return `killed at each of its starts (${restarts} restarts); never unlocked, and it came back by itself`;
}

function lastUnlock(boot: BootRecord): Span | undefined {
  return spans(boot.edges, lines.lock, 1).at(-1);
}

async function reboot(bench: Bench): Promise<string> {
  await bench.ready("brightness");
  const before = await bench.boots();
  await bench.unlock();
  const fromNs = await bench.nowNs();
  await bench.sh("systemctl reboot --no-block", { check: false });
  const [last] = await bench.afterBoot(before);
  const open = lastUnlock(last);
  const tookMs = msBetween(fromNs, open?.toNs ?? Infinity);
  need(tookMs <= safeMs, `still unlocked ${tookMs.toFixed(0)} ms after the reboot was asked for`);
  return `locked ${tookMs.toFixed(0)} ms after it was asked for; started by itself, and locked from the first look on`;
}

async function powerCut(bench: Bench): Promise<string> {
  await bench.ready("brightness");
  const before = await bench.boots();
  await bench.unlock();
  await bench.machine.qmp("system_reset");
  const [last, since] = await bench.afterBoot(before);
  need(lastUnlock(last)?.toNs === undefined, "the power was not cut while the line was unlocked");
  await bench.unlock();
  const first = spans(since.edges, lines.lock, 0).at(0);
  need(first !== undefined, "the line was never seen locked after the start");
  return "cut while unlocked; started by itself, locked from the first look on, and the door works";
}

export const powerRows: readonly Row[] = [
  {
    name: "restart",
    asserts:
      "stop, start and restart never unlock the line, not even for less than the time between two looks",
    run: cycled,
  },
  {
    name: "crash-loop",
    asserts: "a daemon that crashes at every start never unlocks the line",
    run: crashLoop,
  },
  { name: "reboot", asserts: "a reboot while unlocked locks, and the new start never unlocks", run: reboot },
  {
    name: "power-cut",
    asserts: "a power cut while unlocked: the new start never unlocks, and the kiosk works again by itself",
    run: powerCut,
  },
];
