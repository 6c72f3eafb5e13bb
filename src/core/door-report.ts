/**
 * What is known of the door, in the words of access control, and what happens to it: the keeper of the door tells it to
 * whoever watches. Plain JSON with monotonic times. Events are what differs between two reports, so none can be missing.
 */
import type { ErrorCode } from "./errors.ts";

/**
 * `unknown` before the contact was read, when it cannot be read and while it bounces on and on. `locked` and `unlocked` say what the lock of a shut
 * door does, and of every door without a contact. The others are a door that stands open: within a lease, a request to
 * exit or a fire alarm (`open`), for too long (`held-open`), or without any of them (`forced-open`).
 */
export const doorKinds = ["unknown", "locked", "unlocked", "open", "held-open", "forced-open"] as const;
export type DoorKind = (typeof doorKinds)[number];

/** The inputs that a door may have. */
export const inputNames = ["contact", "requestToExit", "fireAlarm", "tamper"] as const;
export type InputName = (typeof inputNames)[number];

/** What a debounced input says; on: the door is open, the button pressed, the alarm raised, the housing open. */
export type Reading = "on" | "off" | "unknown" | "not-fitted";

/** Why the door takes no lease now. */
export interface DoorFault {
  readonly code: ErrorCode;
  readonly message: string;
}

export interface DoorReport {
  readonly kind: DoorKind;
  /** Since when it is of this kind. */
  readonly sinceMs: number;
  readonly inputs: Readonly<Record<InputName, Reading>>;
  /** The lock is released, whatever is commanded, until the fire alarm is cleared. */
  readonly isFireReleased: boolean;
  /** The request to exit has been pressed for so long that it excuses nothing any more. No reason to refuse a lease. */
  readonly isExitStuck: boolean;
  /** The end that was asked of the last lease, if the door ended that lease early and for good; else null. */
  readonly spentUntilMs: number | null;
  readonly fault: DoorFault | null;
}

/** Something that happened at the door. */
export type DoorEvent =
  | { readonly kind: "door"; readonly atMs: number; readonly from: DoorKind; readonly to: DoorKind }
  | { readonly kind: "input"; readonly atMs: number; readonly input: InputName; readonly reading: Reading }
  | { readonly kind: "fire-release" | "exit-stuck"; readonly atMs: number; readonly isOn: boolean };

/** One event for each thing that differs. */
export function doorEvents(before: DoorReport, after: DoorReport, atMs: number): readonly DoorEvent[] {
  const inputs = inputNames
    .filter((input) => before.inputs[input] !== after.inputs[input])
    .map((input): DoorEvent => ({ kind: "input", atMs, input, reading: after.inputs[input] }));
  const release: readonly DoorEvent[] =
    before.isFireReleased === after.isFireReleased
      ? []
      : [{ kind: "fire-release", atMs, isOn: after.isFireReleased }];
  const stuck: readonly DoorEvent[] =
    before.isExitStuck === after.isExitStuck ? [] : [{ kind: "exit-stuck", atMs, isOn: after.isExitStuck }];
  const door: readonly DoorEvent[] =
    before.kind === after.kind ? [] : [{ kind: "door", atMs, from: before.kind, to: after.kind }];
  return [...inputs, ...release, ...stuck, ...door];
}
