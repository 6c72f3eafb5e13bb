/** `maskgate update`: what the updater's units run. From a stick to a switch, and a probation to its end. */
import { closeSync, writeSync } from "node:fs";
import { readdir } from "node:fs/promises";
import path from "node:path";
import { setTimeout as waitMs } from "node:timers/promises";
import type { Command } from "./command-line.ts";
import { loadConfig } from "./config.ts";
import type { Config } from "./config-schema.ts";
import { KioskError, messageOf } from "./core/errors.ts";
import { isOver, onProbation, type UpdatePolicy, type UpdateState } from "./core/update-machine.ts";
import { monotonicClock } from "./io/clock.ts";
import { realDisk } from "./io/disk.ts";
import { type Log, openLog } from "./io/log.ts";
import { SlotStore } from "./io/slot-store.ts";
import { UpdateReporter } from "./io/update-reporter.ts";
import { takeWish } from "./io/update-wish.ts";
import { lockUpdater, waitForUpdater } from "./io/updater-lock.ts";
import { BundleWork, daemonSample } from "./update-work.ts";
import { driveUpdate, type UpdateWork } from "./updater.ts";

/** A bundle's file name ends so. */
const suffix = ".maskgate";
/** How long a stick waits for another updater, such as one that finds after a boot that nothing is left to do. */
const busyMs = 30_000;
/** How long a stick may take to say what is on it. */
const listMs = 30_000;
/** How often a probation may be cut off before the candidate is given up. */
const mostAttempts = 3;
const minuteMs = 60_000;

/**
 * `--stick DIR`, `--stick-failed REASON` or `--resume`. With `--hand-over` a stick's updater ends when it has switched, and another one,
 * with `--resume`, watches the probation: the next stick's unit must not find itself busy with this one's for half an hour.
 * @returns whether all is well: a bundle that was refused or failed is not; a probation that ended, however, is
 * @throws KioskError
 */
export async function update({ name, values, flags }: Command): Promise<boolean> {
  const config = loadConfig(values.get("config"));
  const [stick, failure] = [values.get("stick"), values.get("stick-failed")];
  const wishes = [stick !== undefined, failure !== undefined, flags.has("resume")];
  if (wishes.filter(Boolean).length !== 1) {
    const text = "give --stick with a folder, --stick-failed with the reason, or --resume";
    throw new KioskError("bad-usage", `${name}: ${text}`);
  }
  const log = openLog(config.log.level);
  try {
    if (stick !== undefined) {
      const plugged = { folder: stick, copiedFd: values.get("copied-fd"), handsOver: flags.has("hand-over") };
      return isFine(await fromStick(config, log, plugged));
    }
    if (failure !== undefined) await tellStickFailed(config, log, failure);
    await resumeUpdate(config, log);
    return true;
  } finally {
    endForCertain();
  }
}

/** What hangs in a pulled stick or a dying disk keeps a process alive, and with it the unit that the next stick needs. */
export function endForCertain(afterMs = 5000): void {
  setTimeout(() => process.kill(process.pid, "SIGKILL"), afterMs).unref();
}

/** Watches a probation that nobody watches, once no other updater works; idle if there is none. */
export async function resumeUpdate(config: Config, log: Log): Promise<UpdateState> {
  await using _lock = await waitForUpdater(config.update.runFolder);
  using reporter = new UpdateReporter(config.update.runFolder, log);
  return await drive("resume", config, reporter, log, watchOnly(config));
}

/** Installs the bundle in `file`, up to the end of its probation. */
export async function installBundle(config: Config, log: Log, file: string): Promise<UpdateState> {
  refuseFixedModel(config);
  await using _lock = await lockUpdater(config.update.runFolder);
  using reporter = new UpdateReporter(config.update.runFolder, log);
  const work = (store: SlotStore): UpdateWork => new BundleWork({ config, store, file, log });
  try {
    return await drive("begin", config, reporter, log, work);
  } finally {
    endForCertain();
  }
}

/** Why the stick never came so far as to be read. */
async function tellStickFailed(config: Config, log: Log, reason: string): Promise<never> {
  using reporter = new UpdateReporter(config.update.runFolder, log);
  return await told(reporter, async () => {
    // The reports of whoever works are worth more; after so long this one is told beside them.
    await using _lock = await waitForUpdater(config.update.runFolder, busyMs).catch(() => undefined);
    throw new KioskError("update-failed", reason);
  });
}

interface Plugged {
  readonly folder: string;
  readonly copiedFd: string | undefined;
  readonly handsOver: boolean;
}

async function fromStick(
  config: Config,
  log: Log,
  { folder, copiedFd, handsOver }: Plugged,
): Promise<UpdateState> {
  const onCopied = (): void => {
    if (copiedFd === undefined) return;
    writeSync(Number(copiedFd), "copied\n");
    closeSync(Number(copiedFd));
  };
  using reporter = new UpdateReporter(config.update.runFolder, log);
  return await told(reporter, async (): Promise<UpdateState> => {
    refuseFixedModel(config);
    // Before any waiting: a stick without a bundle, such as the small partition of a large one, is nobody's concern.
    const file = await onlyBundle(folder);
    if (file === undefined) {
      log.info(`no ${suffix} file on the stick; nothing to do`);
      return { kind: "idle" };
    }
    await refuseOnProbation(storeOf(config, log));
    await using _lock = await waitForUpdater(config.update.runFolder, busyMs);
    // Told while the lock is held, too: the next updater's reports come after it.
    return await told(reporter, async () => {
      const work = (store: SlotStore): UpdateWork => new BundleWork({ config, store, file, log, onCopied });
      return await drive("begin", config, reporter, log, work, handsOver);
    });
  });
}

/** What is on probation stays so for minutes: nobody waits for that before he is told. */
async function refuseOnProbation(store: SlotStore): Promise<void> {
  const { active, trial } = await store.record();
  if (trial !== null) throw new KioskError("bundle-refused", onProbation(active.version));
}

/** The work; what it throws is told, too. */
async function told<T>(reporter: UpdateReporter, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const isRefused = error instanceof KioskError && error.code === "bundle-refused";
    reporter.tell({ kind: isRefused ? "refused" : "failed", version: null, reason: messageOf(error) });
    throw error;
  }
}

async function drive(
  start: "begin" | "resume",
  config: Config,
  reporter: UpdateReporter,
  log: Log,
  workOn: (store: SlotStore) => UpdateWork,
  handsOver = false,
): Promise<UpdateState> {
  const store = storeOf(config, log);
  const update = driveUpdate(start, {
    store,
    work: workOn(store),
    policy: updatePolicy(config, handsOver),
    clock: monotonicClock(),
    wait: (ms, signal) => waitMs(ms, undefined, signal && { signal }).catch(() => undefined),
    wish: (trial) =>
      takeWish(config.update.runFolder, trial, (text) => {
        log.warn(text);
      }),
    tell: (state) => {
      reporter.tell(state);
    },
  });
  return await told(reporter, () => update);
}

function storeOf({ update: { stateFolder } }: Config, log: Log): SlotStore {
  return new SlotStore(stateFolder, realDisk, (damage) => {
    log.error(damage);
  });
}

/** How long everything may take. */
export function updatePolicy(
  { update: { probationFrames, probationS, probationLimitS, stagingS } }: Config,
  handsOver = false,
): UpdatePolicy {
  return {
    handsOver,
    probation: {
      frames: probationFrames,
      probationMs: probationS * 1000,
      limitMs: probationLimitS * 1000,
      mostAttempts,
    },
    limitsMs: {
      copying: 10 * minuteMs,
      verifying: 5 * minuteMs,
      staging: stagingS * 1000,
      switching: minuteMs,
    },
  };
}

/**
 * The one bundle in the root of a stick. What begins with a dot is of other systems' making: macOS writes `._NAME` beside NAME.
 * @throws KioskError bundle-refused if there are several, update-failed if the folder cannot be read in its time
 */
export async function onlyBundle(
  folder: string,
  list: (folder: string) => Promise<readonly string[]> = readdir,
  limitMs = listMs,
): Promise<string | undefined> {
  const isDone = new AbortController();
  const late = waitMs(limitMs, undefined, { signal: isDone.signal }).then(() => {
    throw new Error(`it takes longer than ${limitMs / 1000} s`);
  });
  const entries = await Promise.race([list(folder), late])
    .catch((cause: unknown) => {
      const text = `${folder}: cannot be read: ${messageOf(cause)}; plug the stick in again`;
      throw new KioskError("update-failed", text, { cause });
    })
    .finally(() => {
      isDone.abort();
    });
  const names = entries.filter((name) => name.toLowerCase().endsWith(suffix) && !name.startsWith(".")).sort();
  const [first] = names;
  if (first === undefined) return undefined;
  if (names.length === 1) return path.join(folder, first);
  const shown = names.slice(0, 5).map((name) => JSON.stringify(name));
  const text = `the stick holds ${names.length} bundles, ${shown.join(", ")}; leave one on it`;
  throw new KioskError("bundle-refused", text);
}

function watchOnly(config: Config): () => UpdateWork {
  const never = (): Promise<never> => Promise.reject(new Error("there is no bundle"));
  return () => ({
    copying: never,
    verifying: never,
    staging: never,
    daemon: () => daemonSample(config.status.socketPath),
    discard: () => Promise.resolve(),
  });
}

function refuseFixedModel({ model }: Config): void {
  if (model.folder === "") return;
  const text = `model.folder is ${JSON.stringify(model.folder)}, so no bundle changes the model; make it empty`;
  throw new KioskError("bad-config", text);
}

function isFine(state: UpdateState): boolean {
  return !isOver(state) || state.kind === "good";
}
