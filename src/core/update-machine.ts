/**
 * The life of one update, as a state machine: pure. Whoever drives it does the work of the state it is in, tells the outcome as
 * an input, and writes the record down, if it changed, before doing anything else; so a kill between two steps loses nothing.
 *
 *   idle -> copying -> verifying -> staging -> switching -> probation -> good
 *              |           |           |           |            +-----> rolled-back   (the record is as before the switch)
 *              +-----------+-----------+-----------+--> refused (the bundle is to blame), failed (the machine or the stick is)
 *
 * Only the step out of `switching` names the candidate; before it the record does not change, whatever happens.
 */
import {
  baselineOf,
  expireProbation,
  observeDaemon,
  startProbation,
  type DaemonSample,
  type Probation,
  type ProbationPolicy,
} from "./probation.ts";
import {
  beginProbation,
  beginTrial,
  byHand,
  freeSlot,
  markGood,
  rollBack,
  type Candidate,
  type UpdateRecord,
} from "./update-record.ts";

/** All that the status may show of an update; `off` is the daemon's word for a fixed model. */
export const updateStates = [
  ...["off", "idle", "copying", "verifying", "staging", "switching", "probation"],
  ...["good", "rolled-back", "refused", "failed"],
] as const;

export type UpdateState =
  | { readonly kind: "idle" }
  | { readonly kind: "copying"; readonly sinceMs: number }
  | {
      readonly kind: "verifying" | "staging" | "switching";
      readonly sinceMs: number;
      readonly candidate: Candidate;
    }
  | { readonly kind: "probation"; readonly sinceMs: number; readonly probation: Probation }
  | { readonly kind: "good"; readonly version: number; readonly reason: string | null }
  | { readonly kind: "rolled-back"; readonly version: number; readonly reason: string }
  | { readonly kind: "refused" | "failed"; readonly version: number | null; readonly reason: string };

/** How a person may end a probation. */
export const probationEnds = ["good", "back"] as const;
export type ProbationEnd = (typeof probationEnds)[number];

export type UpdateInput =
  /** A bundle is there. */
  | { readonly kind: "begin"; readonly atMs: number }
  /** A trial is written in the record and nobody watches it. */
  | { readonly kind: "resume"; readonly atMs: number }
  | { readonly kind: "copied"; readonly atMs: number; readonly candidate: Candidate }
  /** The bundle is what runs already. */
  | { readonly kind: "already"; readonly atMs: number; readonly version: number }
  /** The work of the state is done; of the switch, although the daemon did not answer. */
  | { readonly kind: "done"; readonly atMs: number }
  /** The daemon now; at the switch it is what the candidate is held against. */
  | { readonly kind: "daemon"; readonly atMs: number; readonly sample: DaemonSample }
  | { readonly kind: "tick"; readonly atMs: number }
  /** Somebody ends the probation by hand. */
  | { readonly kind: "wished"; readonly atMs: number; readonly end: ProbationEnd }
  | { readonly kind: "refused" | "failed"; readonly atMs: number; readonly reason: string };

export interface UpdatePolicy {
  /** Whoever switches leaves the probation to another process, so that it is not begun with the switch. */
  readonly handsOver: boolean;
  readonly probation: ProbationPolicy;
  /** How long the work of each state may take. */
  readonly limitsMs: Readonly<Record<"copying" | "verifying" | "staging" | "switching", number>>;
}

export interface Update {
  readonly record: UpdateRecord;
  readonly state: UpdateState;
}

/** The whole update. An input that the state does not wait for changes nothing. */
export function nextUpdate(update: Update, input: UpdateInput, policy: UpdatePolicy): Update {
  const { record, state } = update;
  if (state.kind === "idle") return start(record, input, policy) ?? update;
  if (state.kind === "probation") return judge(record, state, input, policy);
  return isWorking(state) ? (forward(record, state, input, policy) ?? update) : update;
}

function isWorking(state: UpdateState): state is Working {
  const { kind } = state;
  return kind === "copying" || kind === "verifying" || kind === "staging" || kind === "switching";
}

/** Whether nothing is left to do. */
export function isOver({ kind }: UpdateState): boolean {
  return kind === "good" || kind === "rolled-back" || kind === "refused" || kind === "failed";
}

/** The version of the bundle that the update is about, if it is known. */
export function versionOf(state: UpdateState): number | null {
  if ("candidate" in state) return state.candidate.version;
  if (state.kind === "probation") return state.probation.candidate.version;
  return "version" in state ? state.version : null;
}

type Working = Extract<UpdateState, { kind: "copying" | "verifying" | "staging" | "switching" }>;
type OnProbation = Extract<UpdateState, { kind: "probation" }>;

/** Why a bundle is not taken now. */
export function onProbation(version: number): string {
  return `version ${version} is on probation; come again when it is over`;
}

function start(record: UpdateRecord, input: UpdateInput, policy: UpdatePolicy): Update | undefined {
  if (input.kind === "begin") {
    if (record.trial === null) return { record, state: { kind: "copying", sinceMs: input.atMs } };
    return { record, state: { kind: "refused", version: null, reason: onProbation(record.active.version) } };
  }
  if (input.kind !== "resume" || record.trial === null) return undefined;
  if (record.trial.attempts >= policy.probation.mostAttempts) {
    return back(record, `its probation was cut off ${record.trial.attempts} times`);
  }
  return probe(beginProbation(record), input.atMs);
}

function forward(
  record: UpdateRecord,
  state: Working,
  input: UpdateInput,
  policy: UpdatePolicy,
): Update | undefined {
  const version = versionOf(state);
  if (input.kind === "refused" || input.kind === "failed")
    return { record, state: { kind: input.kind, version, reason: input.reason } };
  if (input.kind === "tick") {
    const limitMs = policy.limitsMs[state.kind];
    if (input.atMs - state.sinceMs < limitMs) return undefined;
    const reason = `${state.kind} took longer than ${Math.round(limitMs / 1000)} s`;
    return { record, state: { kind: "failed", version, reason } };
  }
  if (state.kind === "copying") return afterCopying(record, input);
  if (state.kind === "switching") return afterSwitching(record, state.candidate, input, policy);
  if (input.kind !== "done") return undefined;
  const sinceMs = input.atMs;
  const { candidate } = state;
  if (state.kind === "verifying") return { record, state: { kind: "staging", sinceMs, candidate } };
  return { record, state: { kind: "switching", sinceMs, candidate } };
}

function afterSwitching(
  record: UpdateRecord,
  candidate: Candidate,
  input: UpdateInput,
  { handsOver }: UpdatePolicy,
): Update | undefined {
  const slot = freeSlot(record);
  if (slot === undefined || (input.kind !== "done" && input.kind !== "daemon")) return undefined;
  const sample = input.kind === "daemon" ? input.sample : undefined;
  const trial = beginTrial(record, slot, candidate, sample ? baselineOf(sample) : null);
  return probe(handsOver ? trial : beginProbation(trial), input.atMs, sample);
}

function afterCopying(record: UpdateRecord, input: UpdateInput): Update | undefined {
  if (input.kind === "copied")
    return { record, state: { kind: "verifying", sinceMs: input.atMs, candidate: input.candidate } };
  if (input.kind === "already")
    return { record, state: { kind: "good", version: input.version, reason: "already installed" } };
  return undefined;
}

function probe(record: UpdateRecord, nowMs: number, sample?: DaemonSample): Update {
  const probation = startProbation(record.active, nowMs, record.trial?.baseline, sample);
  return { record, state: { kind: "probation", sinceMs: nowMs, probation } };
}

function judge(record: UpdateRecord, state: OnProbation, input: UpdateInput, policy: UpdatePolicy): Update {
  const limits = policy.probation;
  if (input.kind === "tick") {
    const verdict = expireProbation(state.probation, input.atMs, limits);
    return verdict.kind === "bad" ? back(record, verdict.reason) : { record, state };
  }
  if (input.kind === "refused" || input.kind === "failed") return back(record, input.reason);
  if (input.kind === "wished")
    return input.end === "good" ? good(record, byHand.good) : back(record, byHand.back);
  if (input.kind !== "daemon") return { record, state };
  const { probation, verdict: heard } = observeDaemon(state.probation, input.sample, input.atMs, limits);
  // A daemon that answers and never comes to decide enough must not keep the updater for good.
  const verdict = heard.kind === "undecided" ? expireProbation(probation, input.atMs, limits) : heard;
  if (verdict.kind === "bad") return back(record, verdict.reason);
  if (verdict.kind === "undecided") return { record, state: { ...state, probation } };
  return good(record, null);
}

function good(record: UpdateRecord, reason: string | null): Update {
  return {
    record: markGood(record, reason),
    state: { kind: "good", version: record.active.version, reason },
  };
}

function back(record: UpdateRecord, reason: string): Update {
  return {
    record: rollBack(record, reason),
    state: { kind: "rolled-back", version: record.active.version, reason },
  };
}
