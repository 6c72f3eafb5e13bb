/**
 * The decision a second time, told as a definition over the whole history instead of step by step: for the property
 * tests to compare with. It knows people by their place, so it needs no tracks; it is slow and never shipped.
 */
import type { Input } from "../../src/core/access.ts";
import { sidePx } from "../../src/core/face.ts";
import type { Policy } from "../../src/core/policy.ts";
import type { Observation } from "../../src/core/verdict.ts";

/** What the door and the indicator may show; all that waits is `locked`. */
export type Outcome = "locked" | "granted" | "reminded" | "faulted";

interface Seen {
  readonly masked: number;
  readonly px: number;
}

/** A frame in order. One that does not count takes all votes; so does the entry that stands for a grant. */
interface Entry {
  readonly capturedAtMs: number;
  readonly counts: boolean;
  readonly places: ReadonlyMap<number, Seen>;
}

interface Memory {
  history: Entry[];
  lease: { readonly kind: "granted" | "reminded"; readonly untilMs: number } | undefined;
  readonly faulty: Set<string>;
  nowMs: number;
  lastSeq: number;
  oldestMs: number;
}

/** What has to be the outcome after each input. Faces stand at the places of scene.ts, 400 px apart. */
export function outcomes(inputs: readonly Input[], policy: Policy): readonly Outcome[] {
  const memory: Memory = {
    history: [],
    lease: undefined,
    faulty: new Set(),
    nowMs: -Infinity,
    lastSeq: -1,
    oldestMs: -Infinity,
  };
  return inputs.map((input) => outcome(memory, input, policy));
}

function outcome(memory: Memory, input: Input, policy: Policy): Outcome {
  const isBackwards = input.atMs < memory.nowMs;
  memory.nowMs = Math.max(memory.nowMs, input.atMs);
  if (input.kind === "fault") {
    memory.faulty.add(input.fault.source);
    memory.history = [];
    memory.lease = undefined;
    memory.oldestMs = Math.max(memory.oldestMs, memory.nowMs);
  }
  if (input.kind === "recovered" && memory.faulty.delete(input.source) && memory.faulty.size === 0) {
    memory.lastSeq = -1;
  }
  if (memory.faulty.size > 0) return "faulted";
  const wasLeased = memory.lease !== undefined;
  if (memory.lease !== undefined && memory.nowMs >= memory.lease.untilMs) memory.lease = undefined;
  if (input.kind === "observed" && !isBackwards) look(memory, input.observation, wasLeased, policy);
  return memory.lease?.kind ?? "locked";
}

function look(memory: Memory, seen: Observation, wasLeased: boolean, policy: Policy): void {
  const { seq, capturedAtMs } = seen;
  if (seq <= memory.lastSeq || capturedAtMs <= memory.oldestMs || capturedAtMs > memory.nowMs) return;
  memory.lastSeq = seq;
  memory.oldestMs = capturedAtMs;
  const counts = memory.nowMs - capturedAtMs <= policy.maxGapMs && !wasLeased;
  memory.history.push({ capturedAtMs, counts, places: placesOf(seen) });
  const kind = counts ? opens(memory.history, policy) : undefined;
  if (kind === undefined) return;
  memory.lease = { kind, untilMs: memory.nowMs + policy.unlockMs };
  memory.history.push({ capturedAtMs, counts: false, places: new Map() });
}

function placesOf(seen: Observation): ReadonlyMap<number, Seen> {
  return new Map(
    seen.verdicts.map(({ face, masked }) => [
      Math.floor((face.box.x + 200) / 400),
      { masked, px: sidePx(face.box) },
    ]),
  );
}

function opens(history: readonly Entry[], policy: Policy): "granted" | "reminded" | undefined {
  const latest = history[history.length - 1];
  if (latest === undefined) return undefined;
  const newestFirst = history.toReversed();
  const isLarge = (seen: Seen): boolean => seen.px >= policy.leastFacePx;
  const recent = newestFirst.filter((e) => latest.capturedAtMs - e.capturedAtMs <= policy.maxGapMs);
  const near = new Map<number, number>();
  for (const entry of recent.toReversed()) {
    for (const [place, seen] of entry.places) {
      if (isLarge(seen) || near.has(place)) near.set(place, seen.px);
    }
  }
  const largestPx = Math.max(...near.values());
  const asked = [...near.keys()].filter((p) => policy.several !== "largest" || near.get(p) === largestPx);

  const streak = (place: number, agrees: (seen: Seen) => boolean): number => {
    let [count, laterMs] = [0, latest.capturedAtMs];
    for (const entry of newestFirst) {
      if (!entry.counts) break;
      const seen = entry.places.get(place);
      if (seen === undefined) continue;
      if (laterMs - entry.capturedAtMs > policy.maxGapMs || !isLarge(seen) || !agrees(seen)) break;
      [count, laterMs] = [count + 1, entry.capturedAtMs];
    }
    return count;
  };
  const agreed = (place: number): number => streak(place, (seen) => seen.masked >= policy.threshold);
  const steady = (place: number): number => streak(place, (seen) => seen.masked >= 0);
  const isFull = (place: number): boolean =>
    (policy.mode === "remind" ? steady(place) : agreed(place)) >= policy.framesToGrant;
  const isOpen =
    asked.some((place) => latest.places.has(place) && isFull(place)) &&
    (policy.several === "any" || asked.every(isFull));
  if (!isOpen) return undefined;
  const wasBare = (place: number): boolean => agreed(place) < Math.min(steady(place), policy.framesToGrant);
  return policy.mode === "remind" && asked.some(wasBare) ? "reminded" : "granted";
}
