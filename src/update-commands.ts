/** `maskgate update`: what the updater's units run. From a stick to a switch, and a probation to its end. */
import { closeSync, writeSync } from "node:fs";
import { readdir } from "node:fs/promises";
import path from "node:path";
import { setTimeout as waitMs } from "node:timers/promises";
import type { Command } from "./command-line.ts";
import { loadConfig } from "./config.ts";
import type { Config } from "./config-schema.ts";
import { KioskError, messageOf } from "./core/errors.ts";
import { isOver, type UpdatePolicy, type UpdateState } from "./core/update-machine.ts";
import { monotonicClock } from "./io/clock.ts";
import { realDisk } from "./io/disk.ts";
import { type Log, openLog } from "./io/log.ts";
import { SlotStore } from "./io/slot-store.ts";
import { UpdateReporter } from "./io/update-reporter.ts";
import { lockUpdater, waitForUpdater } from "./io/updater-lock.ts";
import { BundleWork, daemonSample } from "./update-work.ts";
import { driveUpdate, type UpdateWork } from "./updater.ts";

/** A bundle's file name ends so. */
const suffix = ".maskgate";
/** How often a probation may be cut off before the candidate is given up. */
const mostAttempts = 3;
const minuteMs = 60_000;

/**
 * `--stick DIR` or `--resume`.
 * @returns whether all is well: a bundle that was refused or failed is not; a probation that ended, however, is
 * @throws KioskError
 */
export async function update({ name, values, flags }: Command): Promise<boolean> {
  const config = loadConfig(values.get("config"));
  const stick = values.get("stick");
  if ((stick === undefined) !== flags.has("resume"))
    throw new KioskError("bad-usage", `${name}: give --stick with a folder, or --resume`);
  const log = openLog(config.log.level);
  if (stick === undefined) {
    await resumeUpdate(config, log);
    return true;
  }
  const isWell = isFine(await fromStick(config, log, stick, values.get("copied-fd")));
  if (!isWell) endForCertain();
  return isWell;
}

/** A read that hangs in a pulled stick keeps a process alive, and with it the unit that the next stick needs. */
export function endForCertain(afterMs = 5000): void {
  setTimeout(() => process.kill(process.pid, "SIGKILL"), afterMs).unref();
}

/** Watches a probation that nobody watches, once no other updater works; idle if there is none. */
export async function resumeUpdate(config: Config, log: Log): Promise<UpdateState> {
  await using _lock = await waitForUpdater(config.update.runFolder);
  return await drive("resume", config, log, watchOnly(config));
}

/** Installs the bundle in `file`, up to the end of its probation. */
export async function installBundle(config: Config, log: Log, file: string): Promise<UpdateState> {
  refuseFixedModel(config);
  await using _lock = await lockUpdater(config.update.runFolder);
  return await drive("begin", config, log, (store) => new BundleWork({ config, store, file, log }));
}

async function fromStick(
  config: Config,
  log: Log,
  folder: string,
  copiedFd: string | undefined,
): Promise<UpdateState> {
  refuseFixedModel(config);
  await using _lock = await lockUpdater(config.update.runFolder);
  const onCopied = (): void => {
    if (copiedFd === undefined) return;
    writeSync(Number(copiedFd), "copied\n");
    closeSync(Number(copiedFd));
  };
  using reporter = new UpdateReporter(config.update.runFolder, log);
  try {
    const file = await onlyBundle(folder);
    if (file === undefined) {
      log.info(`no ${suffix} file on the stick; nothing to do`);
      return { kind: "idle" };
    }
    const work = (store: SlotStore): UpdateWork => new BundleWork({ config, store, file, log, onCopied });
    return await drive("begin", config, log, work, reporter);
  } catch (error) {
    const isRefused = error instanceof KioskError && error.code === "bundle-refused";
    reporter.tell({ kind: isRefused ? "refused" : "failed", version: null, reason: messageOf(error) });
    throw error;
  }
}

async function drive(
  start: "begin" | "resume",
  config: Config,
  log: Log,
  workOn: (store: SlotStore) => UpdateWork,
  given?: UpdateReporter,
): Promise<UpdateState> {
  using own = new UpdateReporter(config.update.runFolder, log);
  const reporter = given ?? own;
  const store = new SlotStore(config.update.stateFolder, realDisk, (damage) => {
    log.error(damage);
  });
  return await driveUpdate(start, {
    store,
    work: workOn(store),
    policy: updatePolicy(config),
    clock: monotonicClock(),
    wait: (ms, signal) => waitMs(ms, undefined, signal && { signal }).catch(() => undefined),
    tell: (state) => {
      reporter.tell(state);
    },
  });
}

/** How long everything may take. */
export function updatePolicy({
  update: { probationFrames, probationS, probationLimitS, stagingS },
}: Config): UpdatePolicy {
  return {
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
 * @throws KioskError bundle-refused if there are several
 */
export async function onlyBundle(folder: string): Promise<string | undefined> {
  const entries = await readdir(folder).catch((cause: unknown) => {
    throw new KioskError(
      "update-failed",
      `${folder}: cannot be read: ${messageOf(cause)}; plug the stick in again`,
    );
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
