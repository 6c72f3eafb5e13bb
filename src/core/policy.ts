/**
 * What the owner of the door has chosen. The configuration parses it once, with ranges and defaults; the decision gets
 * it as an argument and opens nothing under a policy that the configuration would have refused.
 */

/** `must-wear` opens for properly worn masks only; `remind` opens for every steadily seen face and reminds the bare. */
export type Mode = "must-wear" | "remind";

/**
 * Who has to agree when several faces are large enough: every one of them (`all`), one of them (`any`), or the largest
 * and nobody else (`largest`).
 */
export type Several = "all" | "any" | "largest";

export interface Policy {
  readonly mode: Mode;
  readonly several: Several;
  /** A face counts as masked from this probability on, above 0 and up to 1. */
  readonly threshold: number;
  /** Smaller faces are seen, tracked and shown, but decide nothing: they are far away. */
  readonly leastFacePx: number;
  /** Consecutive agreeing frames of one track before the door opens, at least 1. */
  readonly framesToGrant: number;
  /**
   * Longest time between the captures of two consecutive votes of one track, and from the capture of a frame to its
   * decision. For as long, a face that is not seen is not forgotten either.
   */
  readonly maxGapMs: number;
  /** Length of the lease that a grant gives. */
  readonly unlockMs: number;
}

/** Whether every number of the policy makes sense; a policy that is not usable never opens the door. */
export function isUsable(policy: Policy): boolean {
  return (
    policy.threshold > 0 &&
    policy.threshold <= 1 &&
    isPositive(policy.leastFacePx) &&
    Number.isSafeInteger(policy.framesToGrant) &&
    policy.framesToGrant >= 1 &&
    isPositive(policy.maxGapMs) &&
    isPositive(policy.unlockMs)
  );
}

function isPositive(value: number): boolean {
  return value > 0 && Number.isFinite(value);
}
