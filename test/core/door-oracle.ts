/**
 * The door a second time, told as definitions over the whole history instead of step by step: for the property test to
 * compare with. It remembers all that ever happened and looks back; it is slow and never shipped.
 */
import type { DoorInput, DoorPolicy } from "../../src/core/door.ts";
import { inputNames, type DoorKind, type InputName } from "../../src/core/door-report.ts";
import { lastPressedAfter, linesAfter, releasedAfter, stuckAfter, type Line } from "./line-oracle.ts";

/** What has to be so after an input. */
export interface Expected {
  readonly leaseEndsMs: number | undefined;
  readonly isFireReleased: boolean;
  readonly isExitStuck: boolean;
  readonly spentUntilMs: number | null;
  /** Of a lock that does what it is told. */
  readonly kind: DoorKind;
  /** Why no lease is taken, the input behind it if there is one. */
  readonly trouble: string | undefined;
}

/** An input of the door, and what is known of the lines and the fire after it. */
interface Moment {
  readonly nowMs: number;
  /** Absent if its time is none. */
  readonly input: DoorInput | undefined;
  readonly lines: Readonly<Partial<Record<InputName, Line>>>;
  readonly isReleased: boolean;
  readonly isFire: boolean;
  readonly isStuck: boolean;
  readonly lastPressedMs: number;
}

/** What follows from the moments before. */
interface Fact {
  readonly running: { readonly endMs: number } | undefined;
  /** The lease was ended for good at this moment. */
  readonly isEnd: boolean;
  readonly askedMs: number | undefined;
  readonly isSpent: boolean;
  readonly opening: { readonly openedMs: number; readonly isForced: boolean } | undefined;
  readonly allowedMs: number;
}

/** A moment with all that was before it. */
interface Past {
  readonly now: Moment;
  readonly last: Moment;
  readonly lastFact: Fact;
  /** This one is the last of them. */
  readonly moments: readonly Moment[];
  /** One fewer. */
  readonly facts: readonly Fact[];
}

const nothing: Fact = {
  running: undefined,
  isEnd: false,
  askedMs: undefined,
  isSpent: false,
  opening: undefined,
  allowedMs: -Infinity,
};
const beginning: Moment = {
  nowMs: -Infinity,
  input: undefined,
  lines: {},
  isReleased: false,
  isFire: false,
  isStuck: false,
  lastPressedMs: -Infinity,
};

export function expectedDoors(inputs: readonly DoorInput[], policy: DoorPolicy): readonly Expected[] {
  const all = momentsOf(inputs, policy);
  const facts: Fact[] = [];
  return all.map((now, i): Expected => {
    const [last, lastFact] = [all[i - 1] ?? beginning, facts[i - 1] ?? nothing];
    const fact = factOf({ now, last, lastFact, moments: all.slice(0, i + 1), facts }, policy);
    facts.push(fact);
    return {
      leaseEndsMs: fact.running?.endMs,
      isFireReleased: now.isReleased,
      isExitStuck: now.isStuck,
      spentUntilMs: fact.isSpent ? (fact.askedMs ?? null) : null,
      kind: kindOf(now, fact, policy),
      trouble: troubleOf(now, fact, policy),
    };
  });
}

function momentsOf(inputs: readonly DoorInput[], policy: DoorPolicy): readonly Moment[] {
  const nowMs = inputs.map((_input, i) =>
    Math.max(
      -Infinity,
      ...inputs.slice(0, i + 1).flatMap(({ atMs }) => (Number.isFinite(atMs) ? [atMs] : [])),
    ),
  );
  const looks = inputs.flatMap((input, i) =>
    input.kind === "samples" && Number.isFinite(input.atMs)
      ? [{ atMs: nowMs[i] ?? NaN, samples: input.samples, at: i }]
      : [],
  );
  const lines = new Map(
    fitted(policy).map((name) => {
      const ofLine = looks.map(({ atMs, samples }) => ({ atMs, sample: samples[name] ?? "unreadable" }));
      return [name, linesAfter(ofLine, policy.debounceMs[name] ?? NaN)];
    }),
  );
  const fire = lines.get("fireAlarm") ?? [];
  const released = policy.fireRelease ? releasedAfter(fire, policy.fireClears) : [];
  const button = lines.get("requestToExit") ?? [];
  const stuck = stuckAfter(button);
  const lastPressedMs = lastPressedAfter(button, stuck);
  return inputs.map((input, i): Moment => {
    const look = looks.findLastIndex(({ at }) => at <= i);
    const isReleased = released[look] ?? false;
    return {
      nowMs: nowMs[i] ?? NaN,
      input: Number.isFinite(input.atMs) ? input : undefined,
      lines: Object.fromEntries([...lines].map(([name, all]) => [name, all[look]])),
      isReleased,
      isFire: isReleased || fire[look]?.isOn === true,
      isStuck: stuck[look] ?? false,
      lastPressedMs: lastPressedMs[look] ?? -Infinity,
    };
  });
}

/** The end that an unlock command asks for; null for what locks; undefined for what commands nothing. */
function askedBy({ input }: Moment): number | null | undefined {
  if (input === undefined) return null;
  if (input.kind !== "command") return undefined;
  return input.command.kind === "unlock" && Number.isFinite(input.command.untilMs)
    ? input.command.untilMs
    : null;
}

function factOf(past: Past, policy: DoorPolicy): Fact {
  const { now, lastFact, facts } = past;
  const allowedMs = Math.max(lastFact.allowedMs, allowedUntil(past));
  const opening = openingOf(past, allowedMs, policy);
  const lease = leaseOf(past, policy);
  if (lease === undefined) return { ...nothing, opening, allowedMs };
  const { askedMs, endMs } = lease;
  const wasSpent = facts.some((fact, j) => j >= lease.began && fact.isEnd);
  const runs = lease.isAsked && now.nowMs < endMs && !wasSpent;
  const isOver = isBlocked(now, opening, policy) || (policy.relockOnClose && hasPassed(past, lease.began));
  const isEnd = runs && isOver && now.input?.kind !== "tick";
  const running = runs && !isEnd ? { endMs } : undefined;
  return { running, isEnd, askedMs, isSpent: wasSpent || isEnd, opening, allowedMs };
}

function isBlocked({ lines }: Moment, opening: Fact["opening"], policy: DoorPolicy): boolean {
  const isForced = opening?.isForced === true;
  return (
    isForced || lines.tamper?.isOn === true || fitted(policy).some((name) => lines[name]?.isOn === undefined)
  );
}

/** Until when, at the most, the door could be opened between the moment before and this one. */
function allowedUntil({ now, last, lastFact: { running } }: Past): number {
  if (now.input === undefined) return -Infinity;
  if (last.isFire) return now.nowMs;
  return running === undefined ? -Infinity : Math.min(running.endMs, now.nowMs);
}

/** The newest lease that was ever asked for. It began with the first of the unlock commands that asked for this end and no other. */
function leaseOf({ moments }: Past, policy: DoorPolicy) {
  const commands = moments.flatMap((moment, at) => {
    const asked = askedBy(moment);
    return asked === undefined ? [] : [{ asked, at }];
  });
  const unlocks = commands.filter(({ asked }) => asked !== null);
  const askedMs = unlocks.at(-1)?.asked;
  if (askedMs === undefined || askedMs === null) return undefined;
  const other = unlocks.findLastIndex(({ asked }) => asked !== askedMs);
  const began = unlocks[other + 1]?.at ?? NaN;
  const endMs = Math.min(askedMs, (moments[began]?.nowMs ?? NaN) + policy.maxUnlockMs);
  return { askedMs, began, endMs, isAsked: commands.at(-1)?.asked === askedMs };
}

/** The door shuts now, and was opened while the lease ran. */
function hasPassed({ now, last, moments, facts }: Past, began: number): boolean {
  const isOn = (moment: Moment | undefined): boolean => moment?.lines.contact?.isOn === true;
  const wasOpened = facts.some(
    (fact, j) => j > began && isOn(moments[j]) && !isOn(moments[j - 1]) && fact.running !== undefined,
  );
  return wasOpened && isOn(last) && now.lines.contact?.isOn === false;
}

function openingOf({ now, last, lastFact }: Past, allowedMs: number, policy: DoorPolicy): Fact["opening"] {
  const { contact } = now.lines;
  if (contact?.isOn !== true) return undefined;
  const before = lastFact.opening;
  if (before !== undefined) return { ...before, isForced: before.isForced && !now.isFire };
  if (last.lines.contact?.isOn !== false) return { openedMs: now.nowMs, isForced: false };
  const openedMs = contact.sameSinceMs;
  const isForced = !now.isFire && openedMs - allowedMs > 1000 && !isExit(now, openedMs, policy);
  return { openedMs, isForced };
}

function isExit({ isStuck, lines, lastPressedMs }: Moment, openedMs: number, policy: DoorPolicy): boolean {
  const button = lines.requestToExit;
  const isPressed = button?.isOn !== undefined && button.sample === true;
  return !isStuck && (isPressed || openedMs - lastPressedMs <= policy.requestToExitMs);
}

function kindOf(
  { nowMs, lines, isReleased, lastPressedMs }: Moment,
  fact: Fact,
  policy: DoorPolicy,
): DoorKind {
  const { opening, running, allowedMs } = fact;
  if (policy.debounceMs.contact !== undefined && lines.contact?.isOn === undefined) return "unknown";
  if (opening === undefined) return isReleased || running !== undefined ? "unlocked" : "locked";
  if (opening.isForced) return "forced-open";
  const isLong = [opening.openedMs, allowedMs, lastPressedMs].every(
    (ms) => nowMs - ms >= policy.heldOpenAfterMs,
  );
  return isLong ? "held-open" : "open";
}

function troubleOf({ lines, isReleased }: Moment, { opening }: Fact, policy: DoorPolicy): string | undefined {
  if (isReleased) return "fire";
  const lost = fitted(policy).filter((name) => lines[name] !== undefined && lines[name].isOn === undefined);
  const unreadable = lost.find((name) => lines[name]?.sample === "unreadable");
  if (unreadable !== undefined) return `unreadable ${unreadable}`;
  const unsteady = lost.find((name) => lines[name]?.isUnsteady);
  if (unsteady !== undefined) return `unsteady ${unsteady}`;
  if (lines.tamper?.isOn === true) return "tamper";
  return opening?.isForced === true ? "forced" : undefined;
}

function fitted(policy: DoorPolicy): readonly InputName[] {
  return inputNames.filter((name) => policy.debounceMs[name] !== undefined);
}
