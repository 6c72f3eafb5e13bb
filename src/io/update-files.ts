/**
 * The two files through which the updater speaks to the daemon: `state.json` in the state folder, which survives power cuts and
 * names the models, and `report.json` in the run folder, which tells what the updater does now and is gone after a boot.
 */
import path from "node:path";
import { z } from "zod";
import { KioskError, messageOf } from "../core/errors.ts";
import { updateStates } from "../core/update-machine.ts";
import { initialRecord, slotNames, type UpdateRecord } from "../core/update-record.ts";
import type { Disk } from "./disk.ts";
import type { IsSame, Mutable } from "./same-type.ts";

const count = z.int().min(0);
const ledger = z.strictObject({ counters: z.record(z.string(), count), retired: z.array(z.string()) });
const modelRef = z.strictObject({
  place: z.enum([...slotNames, "packaged"]),
  id: count,
  version: count,
  bundle: z.string().nullable(),
});

const recordSchema = z.strictObject({
  schema: z.literal(1),
  lastId: count,
  active: modelRef,
  previous: modelRef,
  ledger,
  trial: z.strictObject({ attempts: count, ledger, before: modelRef }).nullable(),
  last: z
    .strictObject({ kind: z.enum(["good", "rolled-back"]), version: count, reason: z.string().nullable() })
    .nullable(),
});

const reportSchema = z.strictObject({
  /** Goes up with every writing: a report that stands still while work goes on is of an updater that is gone. */
  beat: count,
  state: z.enum(updateStates),
  version: count.nullable(),
  reason: z.string().nullable(),
});

/** What the updater does now. */
export type UpdateReport = Readonly<z.output<typeof reportSchema>>;

export function recordFile(stateFolder: string): string {
  return path.join(stateFolder, "state.json");
}

export function reportFile(runFolder: string): string {
  return path.join(runFolder, "report.json");
}

/**
 * The record of a state folder; of a kiosk that never saw a bundle if there is none.
 * @throws KioskError update-failed
 */
export async function readRecord(disk: Disk, stateFolder: string): Promise<UpdateRecord> {
  const file = recordFile(stateFolder);
  const mend =
    "remove it to begin anew with the model that comes with maskgate; older bundles count as new then";
  return (await readJson(disk, file, recordSchema, mend)) ?? initialRecord;
}

/**
 * Undefined if the updater did nothing since the machine started.
 * @throws KioskError update-failed
 */
export function readReport(disk: Disk, runFolder: string): Promise<UpdateReport | undefined> {
  return readJson(disk, reportFile(runFolder), reportSchema, "remove it");
}

async function readJson<Schema extends z.ZodType>(
  disk: Disk,
  file: string,
  schema: Schema,
  mend: string,
): Promise<z.output<Schema> | undefined> {
  const fail = (reason: string, cause?: unknown): never => {
    throw new KioskError("update-failed", `${file}: ${reason}; ${mend}`, { cause });
  };
  const bytes = await disk
    .read(file)
    .catch((error: unknown) => fail(`cannot be read: ${messageOf(error)}`, error));
  if (bytes === undefined) return undefined;
  try {
    return schema.parse(JSON.parse(Buffer.from(bytes).toString()));
  } catch (cause) {
    return fail("is not what the updater writes", cause);
  }
}

/** Does not compile when schema and core's type part. */
export const isRecordSchema: IsSame<z.output<typeof recordSchema>, Mutable<UpdateRecord>> = true;
