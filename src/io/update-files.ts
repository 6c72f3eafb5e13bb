/**
 * What the updater tells the daemon: `state.json` in the state folder, which survives power cuts and names the models, with a copy
 * for the day on which its blocks rot; and `report.json` in the run folder, which tells what it does now and is gone after a boot.
 */
import { createHash } from "node:crypto";
import path from "node:path";
import { z } from "zod";
import { KioskError, messageOf } from "../core/errors.ts";
import { updateStates } from "../core/update-machine.ts";
import { initialRecord, slotNames, type UpdateRecord } from "../core/update-record.ts";
import type { Disk } from "./disk.ts";
import type { IsSame, Mutable } from "./same-type.ts";

const count = z.int().min(0);
const ledger = z.strictObject({
  counters: z.record(z.string(), count),
  // Records from before it was kept have none.
  bundles: z.record(z.string(), z.string()).default({}),
  retired: z.array(z.string()),
});
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
  trial: z
    .strictObject({
      attempts: count,
      ledger,
      before: modelRef,
      // Trials that began under an older version have none.
      baseline: z
        .strictObject({
          framesPerSecond: z.number().min(0),
          hasVisionFault: z.boolean(),
          running: count.nullable().default(null),
        })
        .nullable()
        .default(null),
    })
    .nullable(),
  last: z
    .strictObject({ kind: z.enum(["good", "rolled-back"]), version: count, reason: z.string().nullable() })
    .nullable(),
});

const writtenRecord = z
  .record(z.string(), z.unknown())
  .refine(({ check, ...record }) => check === checkOf(record), "the checksum is wrong")
  .transform((written) => Object.fromEntries(Object.entries(written).filter(([key]) => key !== "check")))
  .pipe(recordSchema);

const reportSchema = z.strictObject({
  /** Goes up with every writing: a report that stands still while work goes on is of an updater that is gone. */
  beat: count,
  state: z.enum(updateStates),
  version: count.nullable(),
  reason: z.string().nullable(),
});

/** What the updater does now. */
export type UpdateReport = Readonly<z.output<typeof reportSchema>>;

/** The record and its copy. */
export function recordFiles(stateFolder: string): readonly [record: string, copy: string] {
  return [path.join(stateFolder, "state.json"), path.join(stateFolder, "state.copy.json")];
}

export function reportFile(runFolder: string): string {
  return path.join(runFolder, "report.json");
}

/** As `readRecord` reads it: with a checksum, since a flipped bit in a number would not show otherwise. */
export function recordText(record: UpdateRecord): string {
  return `${JSON.stringify({ ...record, check: checkOf(record) }, null, 2)}\n`;
}

function checkOf(record: object): string {
  return createHash("sha256").update(JSON.stringify(record)).digest("hex");
}

/**
 * The record of a state folder; of a kiosk that never saw a bundle if there is none. If it is damaged or gone its copy counts, and
 * `onDamage` hears that.
 * @throws KioskError update-failed if the copy is damaged, too
 */
export async function readRecord(
  disk: Disk,
  stateFolder: string,
  onDamage: (text: string) => void,
): Promise<UpdateRecord> {
  const [file, copy] = recordFiles(stateFolder);
  const mend = `remove it and its copy to begin anew with the model that comes with maskgate; older bundles count as new then`;
  const read = (name: string): Promise<UpdateRecord | KioskError | undefined> =>
    readJson(disk, name, writtenRecord, mend).catch((error: unknown) => error as KioskError);
  const first = await read(file);
  if (first !== undefined && !(first instanceof KioskError)) return first;
  const second = await read(copy);
  if (second === undefined || second instanceof KioskError) {
    const failure = first ?? second;
    if (failure === undefined) return initialRecord;
    throw failure;
  }
  const [reason = ""] = (first?.message ?? `${file}: is gone`).split(";", 1);
  onDamage(`${reason}; ${path.basename(copy)} counts in its place, the next update writes both anew`);
  return second;
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
