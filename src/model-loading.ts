/** Loads the daemon's models: the first one at its start, and each that follows beside the one that decides. */
import { policyOf, reportModel } from "./camera-side.ts";
import type { Config } from "./config-schema.ts";
import { KioskError, messageOf } from "./core/errors.ts";
import { mostLoads, nextNote } from "./core/load-note.ts";
import type { Clock } from "./core/ports.ts";
import { modelsToStart, packaged, type ModelRef, type UpdateRecord } from "./core/update-record.ts";
import { realDisk, type Disk } from "./io/disk.ts";
import { LoadNoteFile } from "./io/load-note.ts";
import type { Log } from "./io/log.ts";
import { scheduleTimeout, type Schedule } from "./io/timer.ts";
import { readRecord } from "./io/update-files.ts";
import type { Eyes } from "./kiosk-parts.ts";
import { modelFolder, pipelineSettings } from "./pipeline-settings.ts";
import { needAsSigned } from "./slot-check.ts";
import { startVision } from "./vision/worker-vision.ts";

export interface LoadingParts {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Log;
  /** Where the updater's files are; the machine's own disk if nothing else is given. */
  readonly disk?: Disk;
  readonly schedule?: Schedule;
  /** Loads a model, until the signal aborts; in a worker of its own if nothing else is given. */
  readonly load?: (ref: ModelRef, signal?: AbortSignal) => Promise<Eyes>;
}

/** What the daemon starts with. */
export interface First {
  readonly eyes: Eyes;
  /** Null if the configuration names the model. */
  readonly running: ModelRef | null;
  /** Of a record that can be read. */
  readonly record: UpdateRecord | undefined;
  /** Why models could not be loaded, by their ids. */
  readonly failures: ReadonlyMap<number, string>;
}

/**
 * The first model that can be loaded, for as long as that takes: nothing could decide meanwhile. One during whose load the daemon
 * ended twice in a row is passed over once; the next start begins with it again.
 * @throws KioskError bad-model, vision-failed
 */
export async function firstModel(parts: LoadingParts): Promise<First> {
  const failures = new Map<number, string>();
  if (parts.config.model.folder !== "")
    return { eyes: await load(parts, packaged), running: null, record: undefined, failures };
  const record = await recordAtStart(parts);
  const refs = record === undefined ? [packaged] : modelsToStart(record);
  for (const [at, ref] of refs.entries()) {
    try {
      const eyes = await loadAtStart(parts, ref);
      await forgetStarts(parts, refs.slice(0, at));
      return { eyes, running: ref, record, failures };
    } catch (error) {
      if (ref === refs.at(-1)) throw error;
      const { id, place, version } = ref;
      const reason = messageOf(error);
      parts.log.error({ place, version, reason }, "a model cannot be loaded; trying another one");
      failures.set(id, reason);
    }
  }
  throw new Error("there is always a model to try");
}

async function recordAtStart({
  config,
  disk = realDisk,
  log,
}: LoadingParts): Promise<UpdateRecord | undefined> {
  const complain = (text: string): void => {
    log.error(text);
  };
  try {
    return await readRecord(disk, config.update.stateFolder, complain);
  } catch (error) {
    complain(messageOf(error));
    return undefined;
  }
}

/** A proven model is loaded although that cannot be noted: a full disk keeps no door shut. */
function loadAtStart(parts: LoadingParts, ref: ModelRef): Promise<Eyes> {
  const file = startNote(parts, ref);
  if (file === undefined) return load(parts, ref);
  return loadNoted(parts, ref, file, load, (error) => {
    parts.log.warn(error.message);
  });
}

/** The next start tries again what this one passed over. */
async function forgetStarts(parts: LoadingParts, refs: readonly ModelRef[]): Promise<void> {
  for (const ref of refs) await removeNote(parts, startNote(parts, ref));
}

/** Each slot has its own: behind one that ends the daemon another may do so, too. */
function startNote({ config, disk = realDisk }: LoadingParts, { place }: ModelRef): LoadNoteFile | undefined {
  return place === "packaged"
    ? undefined
    : new LoadNoteFile(config.update.noteFolder, `starting-${place}`, disk);
}

/**
 * Loads a model on probation beside the one that decides. A daemon that ended while it did so, and was started again, does it no
 * more after the second time: what cannot be noted on the disk before is not loaded at all.
 * @throws KioskError with the reason
 */
export function loadOnProbation(parts: LoadingParts, ref: ModelRef): Promise<Eyes> {
  const { config, disk = realDisk } = parts;
  const file = new LoadNoteFile(config.update.noteFolder, "loading", disk);
  return loadNoted(parts, ref, file, loadBeside, ({ message, cause }) => {
    throw new KioskError("update-failed", `${message}; no new model is tried without that`, { cause });
  });
}

async function loadNoted(
  parts: LoadingParts,
  ref: ModelRef,
  file: LoadNoteFile,
  loading: (parts: LoadingParts, ref: ModelRef) => Promise<Eyes>,
  onUnnoted: (error: Error) => void,
): Promise<Eyes> {
  const found = await file.read().catch((error: unknown) => {
    parts.log.warn(`${messageOf(error)}; it is written anew`);
    return undefined;
  });
  const note = nextNote(found, ref);
  if (note === undefined)
    throw new KioskError("bad-model", `the daemon ended ${mostLoads} times while it loaded this model`);
  await file.write(note).catch((cause: unknown) => {
    onUnnoted(new Error(`${file.path}: cannot be written: ${messageOf(cause)}`, { cause }));
  });
  try {
    return await loading(parts, ref);
  } finally {
    await removeNote(parts, file);
  }
}

async function removeNote({ log }: LoadingParts, file: LoadNoteFile | undefined): Promise<void> {
  await file?.remove().catch((error: unknown) => {
    log.warn(`${file.path}: cannot be removed: ${messageOf(error)}`);
  });
}

/**
 * Loads a model while another one decides. One that does not come back within `update.stagingS` is given up: a worker that is stuck
 * in native code cannot be ended, so nobody waits for it; its thread ends with the daemon.
 * @throws KioskError with the reason
 */
export async function loadBeside(parts: LoadingParts, ref: ModelRef): Promise<Eyes> {
  const { config, schedule = scheduleTimeout } = parts;
  const { stagingS } = config.update;
  const giveUp = new AbortController();
  const loading = load(parts, ref, giveUp.signal);
  let cancel = (): void => undefined;
  const late = new Promise<never>((_, reject) => {
    cancel = schedule(() => {
      reject(new KioskError("bad-model", `loading it took longer than ${stagingS} s`));
      giveUp.abort();
      // What comes after all, nobody looks with.
      void loading.then((eyes) => eyes.vision[Symbol.asyncDispose]()).catch(() => undefined);
    }, stagingS * 1000);
  });
  try {
    return await Promise.race([loading, late]);
  } finally {
    cancel();
  }
}

async function load(parts: LoadingParts, ref: ModelRef, signal?: AbortSignal): Promise<Eyes> {
  if (parts.load) return parts.load(ref, signal);
  const { config, disk = realDisk, log } = parts;
  const folder = modelFolder(config, ref.place);
  if (ref.bundle !== null) await needAsSigned(disk, folder, ref.bundle);
  const vision = await startVision(pipelineSettings(config, folder), signal);
  return { vision, model: reportModel(vision, config, log), policy: policyOf(config, vision.model) };
}
