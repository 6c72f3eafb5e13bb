/**
 * Whether a candidate proves itself at the door: pure. It hears what the daemon's status says, and decides good only after
 * enough decided frames and enough time with the candidate, without a restart, a new fault of vision or a loss of speed.
 */
import { isSameModel, type Baseline, type ModelRef } from "./update-record.ts";

export interface ProbationPolicy {
  readonly frames: number;
  readonly probationMs: number;
  /** A probation that is not decided until then is lost: the daemon does not run, or the camera shows nothing. */
  readonly limitMs: number;
  /** How often a probation may begin, with power cuts and kills between. */
  readonly mostAttempts: number;
}

/** What counts of a status snapshot. */
export interface DaemonSample {
  readonly uptimeMs: number;
  readonly framesDecided: number;
  readonly framesPerSecond: number;
  readonly hasVisionFault: boolean;
  /** The model that decides; null where updates are off. */
  readonly running: ModelRef | null;
  /** The model that the daemon could not load. */
  readonly unloadable: { readonly id: number; readonly reason: string } | null;
}

export interface Probation {
  readonly candidate: ModelRef;
  readonly beganAtMs: number;
  /** Of the record, so that a cut does not lose it; else of the last sample before the daemon ran the candidate; null if nobody saw it. */
  readonly baseline: Baseline | null;
  readonly isBaselineRecorded: boolean;
  /** Since when, and from which count on, the candidate decides. */
  readonly first: { readonly atMs: number; readonly framesDecided: number } | undefined;
  readonly last: DaemonSample | undefined;
}

export type ProbationVerdict =
  | { readonly kind: "undecided" }
  | { readonly kind: "good" }
  | { readonly kind: "bad"; readonly reason: string };

/** A candidate that decides fewer than this share of the frames that the model before decided is too slow. */
export const leastSpeedShare = 0.5;

/** `last`: the daemon at the switch, if somebody looked. */
export function startProbation(
  candidate: ModelRef,
  nowMs: number,
  baseline: Baseline | null = null,
  last?: DaemonSample,
): Probation {
  const isBaselineRecorded = baseline !== null;
  return { candidate, beganAtMs: nowMs, baseline, isBaselineRecorded, first: undefined, last };
}

export function baselineOf({ framesPerSecond, hasVisionFault, running }: DaemonSample): Baseline {
  return { framesPerSecond, hasVisionFault, running: running?.id ?? null };
}

/** Hears one sample; the verdict is of now. */
export function observeDaemon(
  probation: Probation,
  sample: DaemonSample,
  nowMs: number,
  policy: ProbationPolicy,
): { readonly probation: Probation; readonly verdict: ProbationVerdict } {
  const { baseline, candidate, first, isBaselineRecorded } = probation;
  const runs = sample.running !== null && isSameModel(sample.running, candidate);
  const heard: Probation = {
    ...probation,
    last: sample,
    baseline: runs || first !== undefined || isBaselineRecorded ? baseline : baselineOf(sample),
    first: first ?? (runs ? { atMs: nowMs, framesDecided: sample.framesDecided } : undefined),
  };
  const reason = objection(probation, sample, runs);
  if (reason !== undefined) return { probation: heard, verdict: { kind: "bad", reason } };
  return { probation: heard, verdict: verdictOf(heard, sample, nowMs, policy) };
}

/** What time alone decides. */
export function expireProbation(
  probation: Probation,
  nowMs: number,
  policy: ProbationPolicy,
): ProbationVerdict {
  if (nowMs - probation.beganAtMs < policy.limitMs) return { kind: "undecided" };
  const minutes = Math.round(policy.limitMs / 60_000);
  const { first, last } = probation;
  const ran =
    first === undefined ? "the daemon did not come to run it" : "the daemon decided too few frames with it";
  const seen = last === undefined ? "the daemon did not answer" : ran;
  return { kind: "bad", reason: `not proven within ${minutes} minutes: ${seen}` };
}

function objection(
  { candidate, baseline, first, last }: Probation,
  sample: DaemonSample,
  runs: boolean,
): string | undefined {
  if (sample.unloadable?.id === candidate.id) return `the daemon cannot load it: ${sample.unloadable.reason}`;
  if (last !== undefined && hasRestarted(last, sample)) return "the daemon started anew during the probation";
  if (first !== undefined && !runs) return "the daemon left it";
  if (runs && sample.hasVisionFault && baseline?.hasVisionFault !== true) return "the vision failed with it";
  return undefined;
}

function hasRestarted(last: DaemonSample, sample: DaemonSample): boolean {
  return sample.uptimeMs < last.uptimeMs || sample.framesDecided < last.framesDecided;
}

function verdictOf(
  { baseline, first }: Probation,
  sample: DaemonSample,
  nowMs: number,
  policy: ProbationPolicy,
): ProbationVerdict {
  if (first === undefined) return { kind: "undecided" };
  const isLongEnough =
    nowMs - first.atMs >= policy.probationMs && sample.framesDecided - first.framesDecided >= policy.frames;
  if (!isLongEnough) return { kind: "undecided" };
  const before = baseline?.framesPerSecond ?? 0;
  if (sample.framesPerSecond >= before * leastSpeedShare) return { kind: "good" };
  const [now, then] = [sample.framesPerSecond, before].map((rate) => rate.toFixed(1));
  return { kind: "bad", reason: `too slow: ${now ?? ""} frames/s where it were ${then ?? ""} before` };
}
