/**
 * The door as a state machine: commands and the levels of its inputs in, lock, report and faults out as functions of the
 * state alone. Pure and total: time is an argument. The keeper runs it and drives the lines by it.
 *
 * INVARIANTS (the tests name them by number)
 *
 *  1. The lock is unlocked only while a lease runs or the fire alarm has released it.
 *  2. A lease begins with an unlock command and nothing else. It ends by itself at its time, and `maxUnlockMs` after the
 *     command that began it at the latest. The same command again is the same lease, never a longer one. A lock command, a
 *     time that is no time and a lease that is over all lock.
 *  3. With `relockOnClose` a lease ends for good when the door, opened while it ran, has closed again.
 *  4. No lease runs while the housing is open, while the door is forced open, or while a fitted input has no level that
 *     counts. Each of these ends a running lease for good: the same command does not bring it back.
 *  5. Where the configuration says so, the fire alarm releases the lock over everything else, and over every command. It
 *     locks again when the alarm is off, and only after a restart if `fireClears` says that. A fire line that cannot be
 *     read or is unsteady begins no release and ends none.
 *  6. A level counts once all samples have shown it for the input's `debounceMs`; whatever bounces faster changes nothing.
 *     The one exception: a button that is down in the moment in which an opening counts excuses it. An input that still
 *     changes when no level was confirmed for `unsteadyMs`, or twice its `debounceMs` if that is longer, is unsteady: it has
 *     no level that counts until one is confirmed. An input that holds its level is never unsteady.
 *  7. `forced-open` is a door seen shut and then open, with no lease, request to exit or fire alarm that lets it; it stays
 *     so until it is shut, has no level that counts, or there is fire. A door first seen open is `open`: nobody saw how it was
 *     opened.
 *  8. `held-open` is a door that is open for `heldOpenAfterMs`, counted from its opening, the end of the lease, the release
 *     of the button or the end of the fire alarm, whichever was last. It locks nothing: the lock is locked already.
 *  9. The request to exit only excuses an opening. It never moves the lock: the button cuts the lock's power itself. A button
 *     that was pressed for `stuckExitMs` is stuck: from then on it excuses nothing, neither an opening nor a door that stands
 *     open, until it was seen released. That is told, and no reason to refuse a lease.
 * 10. Time never runs backwards, and memory is bounded.
 *
 * A door without a contact is `locked` or `unlocked` by its lock alone.
 *
 * STATES of a door with a contact
 *
 *                 read          lease or fire          opened
 *   +---------+ shut   +--------+ --------> +----------+ ------> +------+ too long  +-----------+
 *   | unknown | -----> | locked |           | unlocked |         | open | --------> | held-open |
 *   +---------+        +--------+ <-------- +----------+         +------+ <-------- +-----------+
 *     ^     |             |  ^      over                            |   a new lease,    |
 *     |     | read open   |  |                shut                  |   request to exit |
 *     |     +---> open    |  +--------------------------------------+-------------------+
 *     |                   |  ^  shut
 *   no level that counts  v  |
 *   (from every state)  +-------------+
 *                       | forced-open |  opened with nothing that lets it
 *                       +-------------+
 */
import { isUnsteady, sampled, unseen, type Sample, type Signal } from "./debounce.ts";
import { inputNames, type DoorKind, type InputName } from "./door-report.ts";
import { nextExitButton, untouched, type ExitButton } from "./exit-button.ts";
import type { DoorCommand } from "./ports.ts";

export interface DoorPolicy {
  /** No lease lasts longer, whatever the command says. */
  readonly maxUnlockMs: number;
  /** How long each fitted input must show a level before it counts; an input that is not fitted is absent. */
  readonly debounceMs: Readonly<Partial<Record<InputName, number>>>;
  readonly heldOpenAfterMs: number;
  /** For so long after a request to exit an opening is no forced one. */
  readonly requestToExitMs: number;
  readonly relockOnClose: boolean;
  readonly fireRelease: boolean;
  readonly fireClears: "by-restart" | "by-itself";
}

/** All that the door hears. Of the inputs that are not fitted no sample counts. */
export type DoorInput =
  | { readonly kind: "command"; readonly atMs: number; readonly command: DoorCommand }
  | {
      readonly kind: "samples";
      readonly atMs: number;
      readonly samples: Readonly<Partial<Record<InputName, Sample>>>;
    }
  | { readonly kind: "tick"; readonly atMs: number };

interface Lease {
  /** What the command asked for: tells a repeated command from a new one. */
  readonly askedUntilMs: number;
  readonly untilMs: number;
  /** The door was opened while it ran. */
  readonly hasOpened: boolean;
  /** Ended for good before its time. */
  readonly isSpent: boolean;
}

interface Opening {
  readonly sinceMs: number;
  readonly isForced: boolean;
}

/** All that the door remembers. */
export interface DoorMemory {
  readonly nowMs: number;
  readonly signals: Readonly<Record<InputName, Signal>>;
  readonly lease: Lease | undefined;
  /** The last command was to unlock until a time. */
  readonly isAsked: boolean;
  /** Absent while the door is shut, and while nobody knows. */
  readonly opening: Opening | undefined;
  readonly isFireReleased: boolean;
  /** When a lease or the fire alarm last let the door be opened. */
  readonly lastAllowedMs: number;
  readonly exit: ExitButton;
}

/** Why the door takes no lease. */
export type DoorTrouble =
  | { readonly kind: "fire" | "tamper" | "forced" }
  | { readonly kind: "unreadable" | "unsteady"; readonly input: InputName };

/** An opening so shortly after a lease is no forced one: whoever pulls at its last moment opens after it. */
export const graceMs = 1000;

/** How the door starts: locked, and nothing is known. */
export const initialDoor: DoorMemory = {
  nowMs: Number.NEGATIVE_INFINITY,
  signals: { contact: unseen, requestToExit: unseen, fireAlarm: unseen, tamper: unseen },
  lease: undefined,
  isAsked: false,
  opening: undefined,
  isFireReleased: false,
  lastAllowedMs: Number.NEGATIVE_INFINITY,
  exit: untouched,
};

/** The whole door. */
export function nextDoor(door: DoorMemory, input: DoorInput, policy: DoorPolicy): DoorMemory {
  // Without a time no lease could ever end.
  if (!Number.isFinite(input.atMs)) return { ...door, isAsked: false };
  const nowMs = Math.max(door.nowMs, input.atMs);
  const later = { ...door, nowMs, lastAllowedMs: lastAllowedMs(door, nowMs) };
  switch (input.kind) {
    case "command":
      return withoutBlockedLease(command(later, input.command, policy), policy);
    case "samples":
      return withoutBlockedLease(observe(later, input.samples, policy), policy);
    case "tick":
      return later;
  }
}

/** Whether the lock is to be unlocked. */
export function isUnlocked(door: DoorMemory): boolean {
  return door.isFireReleased || leaseEndsMs(door) !== undefined;
}

/** When the running lease ends: the time of the next tick that is needed. */
export function leaseEndsMs({ lease, isAsked, nowMs }: DoorMemory): number | undefined {
  return lease !== undefined && isAsked && !lease.isSpent && nowMs < lease.untilMs
    ? lease.untilMs
    : undefined;
}

/** What the door is, given what its lock really does. */
export function doorKind(door: DoorMemory, isLockOpen: boolean, policy: DoorPolicy): DoorKind {
  const { signals, opening, nowMs } = door;
  if (policy.debounceMs.contact !== undefined) {
    if (signals.contact.isOn === undefined) return "unknown";
    if (opening?.isForced === true) return "forced-open";
    if (opening !== undefined) {
      const fromMs = Math.max(opening.sinceMs, door.lastAllowedMs, door.exit.lastPressedMs);
      return nowMs - fromMs >= policy.heldOpenAfterMs ? "held-open" : "open";
    }
  }
  return isLockOpen ? "unlocked" : "locked";
}

/** Why the door takes no lease now; the gravest first. */
export function doorTrouble(door: DoorMemory, policy: DoorPolicy): DoorTrouble | undefined {
  if (door.isFireReleased) return { kind: "fire" };
  const unknown = fitted(policy).filter((name) => door.signals[name].isOn === undefined);
  const lost = unknown.find((name) => door.signals[name].sample === "unreadable");
  if (lost !== undefined) return { kind: "unreadable", input: lost };
  const unsteady = unknown.find((name) => isUnsteady(door.signals[name], policy.debounceMs[name] ?? 0));
  if (unsteady !== undefined) return { kind: "unsteady", input: unsteady };
  if (door.signals.tamper.isOn === true) return { kind: "tamper" };
  return door.opening?.isForced === true ? { kind: "forced" } : undefined;
}

function fitted(policy: DoorPolicy): readonly InputName[] {
  return inputNames.filter((name) => policy.debounceMs[name] !== undefined);
}

function isFire(door: DoorMemory): boolean {
  return door.isFireReleased || door.signals.fireAlarm.isOn === true;
}

/** Told of the state before: until now, or until the lease's end if that was earlier, it could be opened. */
function lastAllowedMs(before: DoorMemory, nowMs: number): number {
  if (isFire(before)) return nowMs;
  const untilMs = leaseEndsMs(before);
  return untilMs === undefined
    ? before.lastAllowedMs
    : Math.max(before.lastAllowedMs, Math.min(nowMs, untilMs));
}

function command(door: DoorMemory, asked: DoorCommand, policy: DoorPolicy): DoorMemory {
  if (asked.kind === "lock" || !Number.isFinite(asked.untilMs)) return { ...door, isAsked: false };
  if (door.lease?.askedUntilMs === asked.untilMs) return { ...door, isAsked: true };
  const lease = {
    askedUntilMs: asked.untilMs,
    untilMs: Math.min(asked.untilMs, door.nowMs + policy.maxUnlockMs),
    hasOpened: false,
    isSpent: false,
  };
  return { ...door, isAsked: true, lease };
}

function observe(
  before: DoorMemory,
  samples: Readonly<Partial<Record<InputName, Sample>>>,
  policy: DoorPolicy,
): DoorMemory {
  const signals = { ...before.signals };
  for (const name of fitted(policy)) {
    // A fitted input that was not sampled is as good as one that cannot be read.
    const sample = samples[name] ?? "unreadable";
    signals[name] = sampled(signals[name], sample, before.nowMs, policy.debounceMs[name] ?? 0);
  }
  const door = {
    ...before,
    signals,
    isFireReleased: isReleased(before, signals.fireAlarm, policy),
    exit: nextExitButton(before.exit, signals.requestToExit, before.nowMs),
  };
  const opening = openingOf(before, door, policy);
  return { ...door, opening, lease: passedLease(before, opening, door, policy) };
}

function isReleased(before: DoorMemory, fireAlarm: Signal, policy: DoorPolicy): boolean {
  if (!policy.fireRelease) return false;
  if (fireAlarm.isOn === true) return true;
  const isCleared = policy.fireClears === "by-itself" && fireAlarm.isOn === false;
  return before.isFireReleased && !isCleared;
}

function openingOf(before: DoorMemory, now: DoorMemory, policy: DoorPolicy): Opening | undefined {
  const { contact } = now.signals;
  if (contact.isOn !== true) return undefined;
  if (before.opening !== undefined) {
    return isFire(now) ? { ...before.opening, isForced: false } : before.opening;
  }
  // Nobody saw it shut.
  if (before.signals.contact.isOn === undefined) return { sinceMs: now.nowMs, isForced: false };
  const openedMs = contact.sinceMs;
  const isAllowed =
    isFire(now) || openedMs <= now.lastAllowedMs + graceMs || isExit(now, openedMs, policy.requestToExitMs);
  return { sinceMs: openedMs, isForced: !isAllowed };
}

function isExit({ exit, signals }: DoorMemory, openedMs: number, requestToExitMs: number): boolean {
  if (exit.isStuck) return false;
  // A button that goes with the handle may settle later than the door. One that never settles says nothing.
  const { isOn, sample } = signals.requestToExit;
  const isJustPressed = isOn !== undefined && sample === true;
  return isJustPressed || openedMs <= exit.lastPressedMs + requestToExitMs;
}

/** The lease after whoever it was given to has passed. */
function passedLease(
  before: DoorMemory,
  opening: Opening | undefined,
  now: DoorMemory,
  policy: DoorPolicy,
): Lease | undefined {
  const { lease } = now;
  if (lease === undefined || leaseEndsMs(now) === undefined) return lease;
  const hasOpened = lease.hasOpened || (before.opening === undefined && opening !== undefined);
  const hasClosed = before.opening !== undefined && now.signals.contact.isOn === false;
  const isSpent = policy.relockOnClose && hasOpened && hasClosed;
  return { ...lease, hasOpened, isSpent };
}

function withoutBlockedLease(door: DoorMemory, policy: DoorPolicy): DoorMemory {
  const { lease, signals } = door;
  if (lease === undefined || leaseEndsMs(door) === undefined) return door;
  const isBlocked =
    signals.tamper.isOn === true ||
    door.opening?.isForced === true ||
    fitted(policy).some((name) => signals[name].isOn === undefined);
  return isBlocked ? { ...door, lease: { ...lease, isSpent: true } } : door;
}
