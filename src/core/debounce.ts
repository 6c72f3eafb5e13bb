/**
 * Debouncing by time, pure: a level counts once every sample has shown it for long enough, so that a bouncing contact says
 * nothing; and it stops counting when the samples bounce on and on, because then nobody knows the level any more.
 */

/** What one look at a line gave; true is the line's condition: open, pressed, alarm. */
export type Sample = "unreadable" | boolean;

export interface Signal {
  /** The level that counts. Undefined until there was one, and again once the line cannot be read or is unsteady. */
  readonly isOn: boolean | undefined;
  /** What the latest samples said, and since when all of them have said so. */
  readonly sample: Sample | undefined;
  readonly sinceMs: number;
  /** Since when the samples have confirmed no level; undefined while they confirm one, and before the first. */
  readonly doubtSinceMs: number | undefined;
}

/** A line that nobody has looked at yet. */
export const unseen: Signal = {
  isOn: undefined,
  sample: undefined,
  sinceMs: Number.NEGATIVE_INFINITY,
  doubtSinceMs: undefined,
};

/** Contacts bounce for less than this: tens of milliseconds, hundreds at the worst. */
export const unsteadyMs = 1000;

/** The signal after one more sample. */
export function sampled(before: Signal, sample: Sample, nowMs: number, debounceMs: number): Signal {
  const sinceMs = sample === before.sample ? before.sinceMs : nowMs;
  if (sample !== "unreadable" && nowMs - sinceMs >= debounceMs) {
    return { isOn: sample, sample, sinceMs, doubtSinceMs: undefined };
  }
  const doubtful = { sample, sinceMs, doubtSinceMs: before.doubtSinceMs ?? nowMs };
  const isLost = sample === "unreadable" || isUnsteady(doubtful, debounceMs);
  return { ...doubtful, isOn: isLost ? undefined : before.isOn };
}

/** Whether the samples still change though they have confirmed no level for so long that this is no bounce of a contact. */
export function isUnsteady(
  { sinceMs, doubtSinceMs }: Pick<Signal, "sinceMs" | "doubtSinceMs">,
  debounceMs: number,
): boolean {
  // Measured to the last change and not to now: a line that holds its level is on the way to confirming it.
  return doubtSinceMs !== undefined && sinceMs - doubtSinceMs >= Math.max(unsteadyMs, 2 * debounceMs);
}
