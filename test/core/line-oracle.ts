/**
 * One input a second time: which level counts, whether it is unsteady, and whether a button is stuck, told as definitions over
 * all looks at its line instead of step by step. For the property test of the door to compare with.
 */
import type { Sample } from "../../src/core/debounce.ts";

/** A look at a line. Times never run backwards. */
export interface Look {
  readonly atMs: number;
  readonly sample: Sample;
}

/** What is so after a look. */
export interface Line {
  readonly atMs: number;
  readonly isOn: boolean | undefined;
  readonly sample: Sample;
  /** The first look of those that have said the same as this one, without another between. */
  readonly sameSinceMs: number;
  readonly isUnsteady: boolean;
}

/** After each look. */
export function linesAfter(looks: readonly Look[], debounceMs: number): readonly Line[] {
  const sameSinceMs = looks.map(({ sample }, i) => {
    const other = looks.findLastIndex((look, j) => j < i && look.sample !== sample);
    return looks[other + 1]?.atMs ?? NaN;
  });
  const since = (i: number): number => sameSinceMs[i] ?? NaN;
  const confirms = looks.map((look, i) => look.sample !== "unreadable" && look.atMs - since(i) >= debounceMs);
  return looks.map(({ atMs, sample }, i): Line => {
    const confirmed = confirms.lastIndexOf(true, i);
    const doubtful = looks.slice(confirmed + 1, i + 1);
    const boundMs = Math.max(1000, 2 * debounceMs);
    const isUnsteady = doubtful.some(
      (_look, n) => since(confirmed + 1 + n) - (doubtful[0]?.atMs ?? NaN) >= boundMs,
    );
    const isLost = isUnsteady || doubtful.some((look) => look.sample === "unreadable");
    const level = confirmed === -1 || isLost ? undefined : looks[confirmed]?.sample === true;
    return { atMs, isOn: level, sample, sameSinceMs: since(i), isUnsteady };
  });
}

/** Whether the fire alarm has released the lock after each look: it was raised, and its end, if that counts, was not seen since. */
export function releasedAfter(
  alarm: readonly Line[],
  clears: "by-restart" | "by-itself",
): readonly boolean[] {
  return alarm.map((_line, i) => {
    const raised = alarm.findLastIndex(({ isOn }, j) => j <= i && isOn === true);
    const isOver = alarm.some(({ isOn }, j) => j > raised && j <= i && isOn === false);
    return raised !== -1 && (clears === "by-restart" || !isOver);
  });
}

/** When a button was last down without being stuck. */
export function lastPressedAfter(button: readonly Line[], stuck: readonly boolean[]): readonly number[] {
  return button.map((_line, i) => {
    const last = button.findLastIndex(({ isOn }, j) => j <= i && isOn === true && stuck[j] === false);
    return button[last]?.atMs ?? -Infinity;
  });
}

/** Whether a button is stuck after each look: down for a minute without a break, and not seen released since. */
export function stuckAfter(button: readonly Line[]): readonly boolean[] {
  const wasLong = button.map((line, i) => {
    const before = button.findLastIndex((other, j) => j < i && other.isOn !== true);
    const first = button[before + 1];
    return line.isOn === true && first !== undefined && line.atMs - first.sameSinceMs >= 60_000;
  });
  return button.map((_line, i) => {
    const released = button.findLastIndex((other, j) => j <= i && other.isOn === false);
    return wasLong.some((isLong, j) => isLong && j > released && j <= i);
  });
}
