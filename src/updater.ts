/**
 * Drives one update through its machine. Promises: the record is written, if it changed, before anything else is done; work that
 * fails or hangs ends the update without a change; only a probation whose end cannot be written down is left to the next process.
 * Whoever drives must end after it: what hangs in the kernel keeps the process alive.
 */
import { eachOf, KioskError, messageOf, type ErrorCode } from "./core/errors.ts";
import type { Clock } from "./core/ports.ts";
import type { DaemonSample } from "./core/probation.ts";
import {
  isOver,
  nextUpdate,
  type ProbationEnd,
  type Update,
  type UpdateInput,
  type UpdatePolicy,
  type UpdateState,
} from "./core/update-machine.ts";
import type { Candidate, UpdateRecord } from "./core/update-record.ts";

/** What there is to do in each state; a rejection is the state's failure. */
export interface UpdateWork {
  copying(
    record: UpdateRecord,
  ): Promise<
    | { readonly kind: "copied"; readonly candidate: Candidate }
    | { readonly kind: "already"; readonly version: number }
  >;
  verifying(): Promise<void>;
  staging(): Promise<void>;
  /** The daemon now; undefined if it does not answer. */
  daemon(): Promise<DaemonSample | undefined>;
  /** Forgets a candidate that was never named. */
  discard(): Promise<void>;
}

export interface UpdaterParts {
  readonly store: {
    record(): Promise<UpdateRecord>;
    /** Once the signal has aborted, nothing more of it may come to the disk. */
    write(record: UpdateRecord, signal: AbortSignal): Promise<void>;
  };
  readonly work: UpdateWork;
  readonly policy: UpdatePolicy;
  readonly clock: Clock;
  /** Resolves after so long, or when the signal aborts. */
  readonly wait: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** How somebody wants this trial to end, taken once; it never rejects. */
  readonly wish: (trial: number) => Promise<ProbationEnd | undefined>;
  /** Hears each state after the record was written. */
  readonly tell: (state: UpdateState) => void;
}

/** How often the daemon is looked at during the probation. */
const sampleMs = 500;
/** How long forgetting a candidate may take. */
const discardMs = 60_000;

/** The bundle is to blame for these; for everything else the machine or the stick is. */
const refusals: ReadonlySet<ErrorCode> = new Set([
  ...(["bad-bundle", "bundle-refused", "bundle-untrusted", "bad-model"] as const),
]);

/**
 * Runs an update to its end: from a bundle (`begin`), or a probation that was cut off or handed over (`resume`); idle if there is none.
 * @throws what reading the record throws, and writing down how a probation began anew or ended; update-failed if that hangs
 */
export async function driveUpdate(start: "begin" | "resume", parts: UpdaterParts): Promise<UpdateState> {
  const { clock, policy, store, tell } = parts;
  let update: Update = { record: await store.record(), state: { kind: "idle" } };
  let input: UpdateInput = { kind: start, atMs: clock.nowMs() };
  for (;;) {
    const next: Update = nextUpdate(update, input, policy);
    const wasWorking = update.state.kind;
    try {
      if (next.record !== update.record) await written(next.record, parts);
    } catch (error) {
      // Nothing is discarded here: the record on the disk may be the new one already, and then the probation is resumed.
      if (wasWorking !== "switching") throw error;
      update = nextUpdate(update, failure(error, clock), policy);
      tell(update.state);
      return update.state;
    }
    update = next;
    if (update.state.kind !== "idle") tell(update.state);
    if (isDone(update.state, wasWorking, policy)) {
      const wasCopied = wasWorking === "copying" || wasWorking === "verifying" || wasWorking === "staging";
      return wasCopied ? await discarded(update.state, parts) : update.state;
    }
    input = await inputOf(update, parts);
  }
}

/** Whether nothing is left for this process to do. */
function isDone(state: UpdateState, before: UpdateState["kind"], { handsOver }: UpdatePolicy): boolean {
  return isOver(state) || state.kind === "idle" || (handsOver && before === "switching");
}

/** Writes the record, or gives that up for good after its time. */
async function written(record: UpdateRecord, { policy, store, wait }: UpdaterParts): Promise<void> {
  const limitMs = policy.limitsMs.switching;
  const isGivenUp = new AbortController();
  const write = store.write(record, isGivenUp.signal).then(() => "written" as const);
  if ((await inTime(write, limitMs, wait, () => "late" as const)) === "written") return;
  isGivenUp.abort();
  const text = `the disk took longer than ${limitMs / 1000} s to write down what runs; see whether it still works`;
  throw new KioskError("update-failed", text);
}

/** What the work gives, or what `late` does where it took longer. */
async function inTime<T, Late>(
  work: Promise<T>,
  limitMs: number,
  wait: UpdaterParts["wait"],
  late: () => Late,
): Promise<T | Late> {
  const isDone = new AbortController();
  try {
    return await Promise.race([work, wait(limitMs, isDone.signal).then(late)]);
  } finally {
    isDone.abort();
  }
}

/** Forgets what was copied. What goes wrong with that is told beside the reason and no more: the next update clears first. */
async function discarded(state: UpdateState, { tell, wait, work }: UpdaterParts): Promise<UpdateState> {
  const discard = work.discard().then(() => undefined, messageOf);
  const second = await inTime(discard, discardMs, wait, () => `it takes longer than ${discardMs / 1000} s`);
  if (second === undefined || (state.kind !== "refused" && state.kind !== "failed")) return state;
  const told = { ...state, reason: `${state.reason} (and clearing the slot failed: ${second})` };
  tell(told);
  return told;
}

async function inputOf(update: Update, parts: UpdaterParts): Promise<UpdateInput> {
  const { state } = update;
  const { clock, policy, wait, wish, work } = parts;
  if (state.kind === "probation") {
    await wait(sampleMs);
    const end = await wish(update.record.active.id);
    if (end !== undefined) return { kind: "wished", atMs: clock.nowMs(), end };
    return await daemonOr("tick", parts);
  }
  const { kind } = state;
  if (kind !== "copying" && kind !== "verifying" && kind !== "staging" && kind !== "switching")
    throw new Error(`nothing is to be done in ${kind}`);
  const done =
    kind === "switching"
      ? daemonOr("done", parts)
      : workOf(kind, update.record, work).then(
          (outcome): UpdateInput => ({ ...outcome, atMs: clock.nowMs() }),
          (error: unknown) => failure(error, clock),
        );
  const limitMs = policy.limitsMs[kind];
  // A timer may be a little early; taken at its word, the work would begin a second time.
  return inTime(done, limitMs, wait, (): UpdateInput => ({
    kind: "tick",
    atMs: Math.max(clock.nowMs(), state.sinceMs + limitMs),
  }));
}

/** What the daemon says; the other input if it does not answer. */
async function daemonOr(kind: "done" | "tick", { clock, work }: UpdaterParts): Promise<UpdateInput> {
  const sample = await work.daemon().catch(() => undefined);
  const atMs = clock.nowMs();
  return sample === undefined ? { kind, atMs } : { kind: "daemon", atMs, sample };
}

async function workOf(
  kind: "copying" | "verifying" | "staging",
  record: UpdateRecord,
  work: UpdateWork,
): Promise<Awaited<ReturnType<UpdateWork["copying"]>> | { readonly kind: "done" }> {
  if (kind === "copying") return work.copying(record);
  await work[kind]();
  return { kind: "done" };
}

function failure(error: unknown, clock: Clock): UpdateInput {
  const [first, ...others] = eachOf(error);
  const kind = first instanceof KioskError && refusals.has(first.code) ? "refused" : "failed";
  const reason = [first, ...others].map(messageOf).join("; and then ");
  return { kind, atMs: clock.nowMs(), reason };
}
