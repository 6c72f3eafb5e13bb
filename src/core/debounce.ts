/** Debouncing by time, pure: a level counts once every sample has shown it for long enough, so that a bouncing contact says nothing. */

/** What one look at a line gave; true is the line's condition: open, pressed, alarm. */
export type Sample = "unreadable" | boolean;

export interface Signal {
  /** The level that counts. Undefined until there was one, and again once the line could not be read. */
  readonly isOn: boolean | undefined;
  /** What the latest samples said, and since when all of them have said so. */
  readonly sample: Sample | undefined;
  readonly sinceMs: number;
  /** Since when there is no level that counts; meaningless while there is one. */
  readonly unknownSinceMs: number;
}

/** A line that nobody has looked at yet. */
export const unseen: Signal = {
  isOn: undefined,
  sample: undefined,
  sinceMs: Number.NEGATIVE_INFINITY,
  unknownSinceMs: Number.NEGATIVE_INFINITY,
};

/** The signal after one more sample. */
export function sampled(before: Signal, sample: Sample, nowMs: number, debounceMs: number): Signal {
  const sinceMs = sample === before.sample ? before.sinceMs : nowMs;
  if (sample === "unreadable") {
    const isNew = before.isOn !== undefined || before.sample === undefined;
    return { isOn: undefined, sample, sinceMs, unknownSinceMs: isNew ? nowMs : before.unknownSinceMs };
  }
  const isOn = nowMs - sinceMs >= debounceMs ? sample : before.isOn;
  return {
    isOn,
    sample,
    sinceMs,
    unknownSinceMs: before.sample === undefined ? nowMs : before.unknownSinceMs,
  };
}
