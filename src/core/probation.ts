/**
 * Whether a candidate proves itself at the door: pure. It hears what the daemon's status says, and decides good only after
 * enough decided frames and enough time with the candidate, without a restart, a new fault of vision or a loss of speed.
 */
import type { ModelRef } from "./update-record.ts";
import { isSameModel } from "./update-record.ts";

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
  /** The daemon before it ran the candidate; undefined if nobody saw it. */
  readonly before: DaemonSample | undefined;
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

export function startProbation(candidate: ModelRef, nowMs: number): Probation {
  return { candidate, beganAtMs: nowMs, before: undefined, first: undefined, last: undefined };
}

/** Hears one sample; the verdict is of now. */
export function observeDaemon(
  probation: Probation,
  sample: DaemonSample,
  nowMs: number,
  policy: ProbationPolicy,
): { readonly probation: Probation; readonly verdict: ProbationVerdict } {
  const { candidate, last } = probation;
  const runs = sample.running !== null && isSameModel(sample.running, candidate);
  const heard: Probation = {
    ...probation,
    last: sample,
    before: runs || probation.first !== undefined ? probation.before : sample,
    first: probation.first ?? (runs ? { atMs: nowMs, framesDecided: sample.framesDecided } : undefined),
  };
  const reason = objection(probation, sample, runs) ?? (last && restarted(last, sample));
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
  const seen =
    probation.last === undefined ? "the daemon did not answer" : "the daemon decided too few frames with it";
  return { kind: "bad", reason: `not proven within ${minutes} minutes: ${seen}` };
}

function objection(
  { candidate, before, first }: Probation,
  sample: DaemonSample,
  runs: boolean,
): string | undefined {
  if (sample.unloadable?.id === candidate.id) return `the daemon cannot load it: ${sample.unloadable.reason}`;
  if (first !== undefined && !runs) return "the daemon left it";
  if (runs && sample.hasVisionFault && before?.hasVisionFault !== true) return "the vision failed with it";
  return undefined;
}

function restarted(last: DaemonSample, sample: DaemonSample): string | undefined {
  const isAnew = sample.uptimeMs < last.uptimeMs || sample.framesDecided < last.framesDecided;
  return isAnew ? "the daemon started anew during the probation" : undefined;
}

function verdictOf(
  { before, first }: Probation,
  sample: DaemonSample,
  nowMs: number,
  policy: ProbationPolicy,
): ProbationVerdict {
  if (first === undefined) return { kind: "undecided" };
  const isLongEnough =
    nowMs - first.atMs >= policy.probationMs && sample.framesDecided - first.framesDecided >= policy.frames;
  if (!isLongEnough) return { kind: "undecided" };
  const least = (before?.framesPerSecond ?? 0) * leastSpeedShare;
  if (sample.framesPerSecond >= least) return { kind: "good" };
  const [now, then] = [sample.framesPerSecond, before?.framesPerSecond ?? 0].map((rate) => rate.toFixed(1));
  return { kind: "bad", reason: `too slow: ${now ?? ""} frames/s where it were ${then ?? ""} before` };
}
