/** Rows about people before the camera, with the model that ships. */
import { lines, msBetween, need, type Bench } from "./bench.ts";
import { spans } from "./edges.ts";
import type { Row } from "./row.ts";

const unlockMs = 3000;
/** Late timers of a slow machine; the lease itself has 100 ms to spare. */
const slackMs = 300;
/** The real classifier takes a good part of a second for a face here. */
const grantSeconds = 120;
const bareSeconds = 8;

async function masked(bench: Bench): Promise<string> {
  await bench.ready("shipped");
  const fromNs = await bench.nowNs();
  await bench.unlock("masked", grantSeconds);
  await bench.sh(`await 30 '[ $(level ${lines.lock}) = 0 ]'`);
  await bench.show("nobody");
  const [first] = await bench.unlockedSince(fromNs);
  need(first?.toNs !== undefined, "the lock's line did not lock again");
  const openMs = msBetween(first?.fromNs ?? NaN, first?.toNs ?? NaN);
  need(
    openMs > unlockMs - slackMs && openMs < unlockMs + slackMs,
    `unlocked for ${openMs.toFixed(0)} ms, not ${unlockMs}`,
  );
  return `unlocked ${msBetween(fromNs, first?.fromNs ?? NaN).toFixed(0)} ms after the person came, for ${openMs.toFixed(0)} ms`;
}

async function bare(bench: Bench): Promise<string> {
  await bench.ready("shipped");
  const fromNs = await bench.nowNs();
  await bench.show("bare");
  // Refused is red and amber: the person was seen and judged. An unlocked lock ends the waiting, too, and is what fails then.
  await bench.sh(
    `await ${grantSeconds} '[ $(level ${lines.red})$(level ${lines.amber}) = 11 ] || [ $(level ${lines.lock}) = 1 ]'; sleep ${bareSeconds}`,
  );
  await bench.show("nobody");
  await bench.neverUnlocked(fromNs);
  const boot = await bench.boot();
  const refused = spans(boot.edges, lines.amber, 1).filter(({ fromNs: at }) => at >= fromNs).length;
  return `refused by the LEDs (${refused} time(s)), never unlocked in ${bareSeconds} s and more of it`;
}

export const peopleRows: readonly Row[] = [
  {
    name: "masked",
    asserts: `a masked person unlocks the line for ${unlockMs} ms, then it locks by itself`,
    run: masked,
  },
  { name: "bare", asserts: "a bare face never unlocks the line", run: bare },
];
