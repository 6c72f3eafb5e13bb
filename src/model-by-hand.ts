/**
 * Changes what the kiosk's models are because a person wants it: at once if no updater works, else by a wish, which whoever watches
 * the probation fulfils. Whoever holds the updater's lock is the only one who writes the record.
 */
import { setTimeout as waitMs } from "node:timers/promises";
import { KioskError } from "./core/errors.ts";
import type { ProbationEnd } from "./core/update-machine.ts";
import {
  byHand,
  isSameModel,
  markGood,
  packaged,
  rollBack,
  type UpdateRecord,
} from "./core/update-record.ts";
import { realDisk } from "./io/disk.ts";
import { SlotStore } from "./io/slot-store.ts";
import { reportFile } from "./io/update-files.ts";
import { leaveWish, withdrawWish } from "./io/update-wish.ts";
import { lockUpdater } from "./io/updater-lock.ts";

const pollMs = 250;
/** Whoever watches looks twice a second, and waits 5 s for a daemon that does not answer. */
const wishLimitMs = 30_000;

export interface ByHandParts {
  readonly stateFolder: string;
  readonly runFolder: string;
  readonly warn: (text: string) => void;
  /** How long whoever watches may take. */
  readonly limitMs?: number;
}

/**
 * Marks the model on probation good, or goes back to the one before.
 * @returns the record after it
 * @throws KioskError update-failed, and socket-busy if an update is under way that has nothing on probation yet
 */
export async function endByHand(end: ProbationEnd, parts: ByHandParts): Promise<UpdateRecord> {
  let trial: number | undefined;
  const { limitMs = wishLimitMs, runFolder } = parts;
  const untilMs = performance.now() + limitMs;
  try {
    for (;;) {
      const record = await tryOnce(end, trial, parts);
      if ("active" in record) return record;
      trial = record.trial;
      if (performance.now() > untilMs)
        throw failed(`whoever watches the probation does not answer for ${limitMs / 1000} s; try again`);
      await waitMs(pollMs);
    }
  } finally {
    if (trial !== undefined) await withdrawWish(runFolder);
  }
}

/** The record if the change is made, by whomever; else the trial that a wish is left for. */
async function tryOnce(
  end: ProbationEnd,
  wished: number | undefined,
  { runFolder, stateFolder, warn }: ByHandParts,
): Promise<UpdateRecord | { readonly trial: number }> {
  const held = await lockUpdater(runFolder).catch((error: unknown) => {
    if (error instanceof KioskError && error.code === "socket-busy") return error;
    throw error;
  });
  await using _lock = held instanceof KioskError ? undefined : held;
  const store = new SlotStore(stateFolder, realDisk, warn);
  const record = await store.record();
  const { active, trial } = record;
  if (wished !== undefined && (trial === null || active.id !== wished)) return ended(end, wished, record);
  if (!(held instanceof KioskError)) {
    const changed = change(end, record);
    await store.write(changed);
    // What the last update told is over; without it the daemon tells what the record says.
    await realDisk.remove(reportFile(runFolder));
    return changed;
  }
  if (trial === null)
    throw new KioskError("socket-busy", "another update is under way; try again when it is over", {
      cause: held,
    });
  if (wished === undefined) await leaveWish(runFolder, { trial: active.id, end });
  return { trial: active.id };
}

function change(end: ProbationEnd, record: UpdateRecord): UpdateRecord {
  if (end === "good") {
    if (record.trial === null) throw failed("no model is on probation");
    return markGood(record, byHand.good);
  }
  if (isSameModel(record.active, packaged))
    throw failed("the model that comes with maskgate is active; nothing is behind it");
  return rollBack(record, byHand.back);
}

/** The trial is over: as it was wanted, or otherwise in the same moment. */
function ended(end: ProbationEnd, trial: number, record: UpdateRecord): UpdateRecord {
  if ((end === "good") === (record.active.id === trial)) return record;
  const { kind, version, reason } = record.last ?? { kind: "over", version: 0, reason: null };
  const why = reason === null ? "" : `: ${reason}`;
  throw failed(
    `the probation was over before: version ${version} is ${kind}${why}; maskgate model list says what runs`,
  );
}

function failed(text: string): KioskError {
  return new KioskError("update-failed", text);
}
