/**
 * The access decision: the one file that must never be wrong. A Moore machine: `next` turns a state and an input into
 * the next state, and door and LEDs are functions of the state alone, applied again in every cycle. Pure and total: no
 * clock, no memory of its own, nothing that throws.
 *
 * INVARIANTS (the tests name them by number)
 *
 *  1. The door is locked unless the state is `granted` or `reminded`.
 *  2. A lease begins only with an observed frame in which one track, seen in that very frame, has cast `framesToGrant`
 *     consecutive agreeing votes, each with a face of `leastFacePx` or more and captured at most `maxGapMs` after the
 *     vote before. Agreeing is: masked (`must-wear`), or seen at all (`remind`).
 *  3. Votes belong to one track. Tracks and faces are matched one-to-one, the best IoU first and never below
 *     `leastOverlap`; a face that jumps begins a new track without votes.
 *  4. A bare, an unclear and a too small sighting each set the masked votes of their track back to zero.
 *  5. `all`: every track needs the full votes of its own that was large enough within the last `maxGapMs`, hidden since
 *     or not. `any`: one is enough. `largest`: the largest of these alone decides, hidden or not.
 *  6. A grant is a lease until `untilMs`, the time of the grant + `unlockMs`, or until the door tells that it has ended this
 *     very lease (`relocked`): whoever was granted has passed. It spends all votes of all tracks; while it runs nothing
 *     lengthens it and no frame votes; the input that ends it leads to a locked state. So the door is locked between two
 *     leases, and the second costs `framesToGrant` new frames.
 *  7. A fault locks at once, also during a lease, and forgets all tracks. Only `recovered` of every source that faulted
 *     leaves `faulted`. No frame captured before a fault counts after it.
 *  8. An observation out of order (seq or capture time not larger than the last, captured after it was decided, decided
 *     before the input before) is worth a tick. One decided more than `maxGapMs` after its capture is too old: its faces
 *     are followed, and all votes go back to zero.
 *  9. Numbers that make no sense never help to open. A probability or score outside of 0..1 is an unclear vote; a frame
 *     with a box that makes no sense sets all votes back to zero; time never runs backwards; a policy that is not
 *     usable opens nothing.
 * 10. `remind` never refuses. It grants if no deciding track cast a bare vote among its last `framesToGrant`, and else
 *     opens as `reminded`.
 * 11. One odd frame does not change `refused` to `checking` or back: that takes `framesToShow` equal votes of a track.
 *     `any` refuses when all deciding tracks are refused, `all` and `largest` when one is.
 * 12. Memory is bounded: a track is gone after 2 x `maxGapMs` without a sighting, whatever the inputs are (no frame
 *     that counts could continue it any more).
 *
 * A bare face that comes while a lease runs does not end it: the one who was granted is in the door, and locking does
 * not shut a door. It is shown, and it blocks the next grant.
 *
 * STATES
 *
 *               faces                 full votes                    +--------------------------+
 *      +------+ ------> +----------+ ------------> +----------+     | from every state:        |
 *      | idle |         | checking |               | granted  |     |   fault --> faulted      |
 *      +------+ <------ +----------+ ------------> | reminded |     | faulted:                 |
 *         ^    nobody    |   ^   ^      remind     +----------+     |   last recovered -> idle |
 *         |     2 bare   v   |   |                      |           +--------------------------+
 *         |           +---------+                       |
 *         +---------- | refused | <---------------------+  lease over: idle, checking or refused
 *           nobody    +---------+    (2 masked: back to checking)
 *
 * TRANSITIONS ("waiting" is idle, checking or refused, whichever the tracks show)
 *
 *   state               observed, votes full   observed, else     tick             fault     recovered
 *   idle                granted / reminded *   waiting            waiting          faulted   waiting
 *   checking            granted / reminded     waiting            waiting          faulted   waiting
 *   refused             granted / reminded     waiting            waiting          faulted   waiting
 *   granted, reminded   itself                 itself             itself           faulted   itself
 *     from untilMs on   waiting, votes zero    waiting            waiting          faulted   waiting
 *     relocked          waiting
 *   faulted             faulted                faulted            faulted          faulted   idle, if no source is left
 *
 *   * only where framesToGrant is 1
 */
import type { ErrorCode } from "./errors.ts";
import { isUsable, type Policy } from "./policy.ts";
import type { DoorCommand, Indication } from "./ports.ts";
import { deciders, follow, isSaneBox, withoutVotes, type Track } from "./tracks.ts";
import type { Observation } from "./verdict.ts";

/** What can fail by itself and come back by itself. */
export type FaultSource = "camera" | "sight" | "vision" | "door" | "indicator";

/** A failure that keeps the door locked until its source has recovered. */
export interface Fault {
  readonly source: FaultSource;
  readonly code: ErrorCode;
  readonly message: string;
}

/** All that the decision hears, each with the monotonic time at which it is told. */
export type Input =
  | { readonly kind: "observed"; readonly atMs: number; readonly observation: Observation }
  | { readonly kind: "tick"; readonly atMs: number }
  /** The door has ended the lease until `untilMs` early and for good. */
  | { readonly kind: "relocked"; readonly atMs: number; readonly untilMs: number }
  | { readonly kind: "fault"; readonly atMs: number; readonly fault: Fault }
  | { readonly kind: "recovered"; readonly atMs: number; readonly source: FaultSource };

export type Access =
  | { readonly kind: "idle" }
  | { readonly kind: "checking" }
  | { readonly kind: "refused" }
  | { readonly kind: "granted"; readonly untilMs: number }
  | { readonly kind: "reminded"; readonly untilMs: number }
  /** The latest fault of each source that has not recovered, never empty; the one that stood first is first. */
  | { readonly kind: "faulted"; readonly faults: readonly Fault[] };

/** All that the decision remembers. */
export interface AccessState {
  readonly access: Access;
  readonly tracks: readonly Track[];
  readonly nextTrackId: number;
  /** Sequence number of the last frame that was in order, -1 before the first and after a fault. */
  readonly lastSeq: number;
  /** Capture time of the last frame in order, or the time of the last fault: older frames tell nothing. */
  readonly lastCapturedAtMs: number;
  /** The latest time told. */
  readonly nowMs: number;
}

/** How the daemon starts: locked, knowing nobody. */
export const initialState: AccessState = {
  access: { kind: "idle" },
  tracks: [],
  nextTrackId: 1,
  lastSeq: -1,
  lastCapturedAtMs: Number.NEGATIVE_INFINITY,
  nowMs: Number.NEGATIVE_INFINITY,
};

/** The whole access decision. */
export function next(state: AccessState, input: Input, policy: Policy): AccessState {
  const nowMs = Number.isFinite(input.atMs) ? Math.max(state.nowMs, input.atMs) : state.nowMs;
  const later = { ...state, nowMs };
  if (input.kind === "fault") return fail(later, input.fault);
  if (state.access.kind === "faulted") {
    return input.kind === "recovered" ? recover(later, state.access.faults, input.source) : later;
  }
  if (input.kind === "observed" && isInOrder(state, input.observation, input.atMs)) {
    return observe(later, input.observation, policy);
  }
  const isOver = input.kind === "relocked" && leaseEndMs(state.access) === input.untilMs;
  return elapse(isOver ? { ...later, access: { kind: "idle" } } : later, policy);
}

/** Level, not edge: the door is told its state again in every cycle, so no lost command can leave it open. */
export function doorCommand(state: AccessState): DoorCommand {
  const untilMs = leaseEndMs(state.access);
  return untilMs === undefined ? { kind: "lock" } : { kind: "unlock", untilMs };
}

/** What a kiosk shows while no new model is being installed. */
export type AccessIndication = Exclude<Indication, "updating" | "updated" | "not-updated">;

/** What the person at the door is shown. */
export function indication(state: AccessState): AccessIndication {
  switch (state.access.kind) {
    case "idle":
      return "ready";
    case "faulted":
      return "fault";
    case "checking":
    case "refused":
    case "granted":
    case "reminded":
      return state.access.kind;
  }
}

/** When the lease of a state that opens ends. */
export function leaseEndMs(access: Access): number | undefined {
  return access.kind === "granted" || access.kind === "reminded" ? access.untilMs : undefined;
}

/** Whether the last frame showed the track, or it is only remembered. */
export function isVisible(state: AccessState, track: Track): boolean {
  return track.lastSeenAtMs === state.lastCapturedAtMs;
}

function fail(state: AccessState, fault: Fault): AccessState {
  const standing = state.access.kind === "faulted" ? state.access.faults : [];
  const isKnown = standing.some((other) => other.source === fault.source);
  const faults = isKnown
    ? standing.map((other) => (other.source === fault.source ? fault : other))
    : [...standing, fault];
  return {
    ...state,
    access: { kind: "faulted", faults },
    tracks: [],
    lastCapturedAtMs: Math.max(state.lastCapturedAtMs, state.nowMs),
  };
}

/** A camera that was started again may count its frames from zero; capture times still tell old frames from new ones. */
function recover(state: AccessState, faults: readonly Fault[], source: FaultSource): AccessState {
  const left = faults.filter((fault) => fault.source !== source);
  return left.length > 0
    ? { ...state, access: { kind: "faulted", faults: left } }
    : { ...state, access: { kind: "idle" }, lastSeq: -1 };
}

function isInOrder(state: AccessState, seen: Observation, atMs: number): boolean {
  return (
    Number.isFinite(atMs) &&
    atMs >= state.nowMs &&
    Number.isSafeInteger(seen.seq) &&
    seen.seq > state.lastSeq &&
    seen.capturedAtMs > state.lastCapturedAtMs &&
    seen.capturedAtMs <= atMs
  );
}

function observe(before: AccessState, seen: Observation, policy: Policy): AccessState {
  const followed = follow(before.tracks, seen, policy, before.nextTrackId);
  const isFresh = before.nowMs - seen.capturedAtMs <= policy.maxGapMs;
  const isSane = seen.verdicts.every((verdict) => isSaneBox(verdict.face.box));
  // Asked of the state before: the frame that ends a lease does not vote, so that the door locks between two leases.
  const isLeased = leaseEndMs(before.access) !== undefined;
  const votes = isFresh && isSane && !isLeased;
  const state: AccessState = {
    ...before,
    ...followed,
    tracks: votes ? followed.tracks : followed.tracks.map(withoutVotes),
    lastSeq: seen.seq,
    lastCapturedAtMs: seen.capturedAtMs,
  };
  return votes && isAgreed(state, policy) ? grant(state, policy) : elapse(state, policy);
}

/** Lets time pass: ends a lease that is over and forgets whom no frame can continue. */
function elapse(state: AccessState, policy: Policy): AccessState {
  const tracks = state.tracks.filter((track) => state.nowMs - track.lastSeenAtMs <= 2 * policy.maxGapMs);
  const untilMs = leaseEndMs(state.access);
  const isRunning = untilMs !== undefined && state.nowMs < untilMs;
  return {
    ...state,
    tracks,
    access: isRunning ? state.access : waiting(tracks, state.lastCapturedAtMs, policy),
  };
}

/** What is shown to whoever has no lease. */
function waiting(tracks: readonly Track[], capturedAtMs: number, policy: Policy): Access {
  const asked = deciders(tracks, capturedAtMs, policy);
  if (asked.length === 0) return { kind: "idle" };
  if (policy.mode === "remind") return { kind: "checking" };
  const isRefused =
    policy.several === "any"
      ? asked.every((track) => track.isRefused)
      : asked.some((track) => track.isRefused);
  return { kind: isRefused ? "refused" : "checking" };
}

function isAgreed(state: AccessState, policy: Policy): boolean {
  const hasFullVotes = (track: Track): boolean =>
    (policy.mode === "remind" ? track.steady : track.agreed) >= policy.framesToGrant;
  const asked = deciders(state.tracks, state.lastCapturedAtMs, policy);
  const isSomeoneHere = asked.some((track) => isVisible(state, track) && hasFullVotes(track));
  return isUsable(policy) && isSomeoneHere && (policy.several === "any" || asked.every(hasFullVotes));
}

function grant(state: AccessState, policy: Policy): AccessState {
  const wasBare = (track: Track): boolean => track.agreed < Math.min(track.steady, policy.framesToGrant);
  // In must-wear a bare face beside the one who was granted (`any`) takes nothing from the grant.
  const isReminder =
    policy.mode === "remind" && deciders(state.tracks, state.lastCapturedAtMs, policy).some(wasBare);
  return {
    ...state,
    access: { kind: isReminder ? "reminded" : "granted", untilMs: state.nowMs + policy.unlockMs },
    tracks: state.tracks.map(withoutVotes),
  };
}
