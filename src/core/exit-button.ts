/** The request to exit over time, pure: a press excuses an opening, a button that stays down for ever excuses nothing. */
import type { Signal } from "./debounce.ts";

/** Nobody presses for so long: the button sticks, its cable is short, or something leans on it. */
export const stuckExitMs = 60_000;

export interface ExitButton {
  /** Since when it is pressed; undefined while it is not, and while nobody knows. */
  readonly pressedSinceMs: number | undefined;
  /** It was pressed for `stuckExitMs`, and nobody has seen it released since. */
  readonly isStuck: boolean;
  /** When it was last pressed without being stuck. */
  readonly lastPressedMs: number;
}

export const untouched: ExitButton = {
  pressedSinceMs: undefined,
  isStuck: false,
  lastPressedMs: Number.NEGATIVE_INFINITY,
};

/** The button after one more look at its line. */
export function nextExitButton(before: ExitButton, { isOn, sinceMs }: Signal, nowMs: number): ExitButton {
  if (isOn !== true) {
    return { ...before, pressedSinceMs: undefined, isStuck: before.isStuck && isOn === undefined };
  }
  const pressedSinceMs = before.pressedSinceMs ?? sinceMs;
  const isStuck = before.isStuck || nowMs - pressedSinceMs >= stuckExitMs;
  return { pressedSinceMs, isStuck, lastPressedMs: isStuck ? before.lastPressedMs : nowMs };
}
