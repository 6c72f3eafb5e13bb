/** `maskgate model`: what the kiosk's models are, and changing them by hand, as the updater's user or as root. */
import { stat } from "node:fs/promises";
import type { Command } from "./command-line.ts";
import { loadConfig } from "./config.ts";
import type { Config } from "./config-schema.ts";
import { KioskError, messageOf } from "./core/errors.ts";
import type { ProbationEnd } from "./core/update-machine.ts";
import { isSameModel, type ModelRef } from "./core/update-record.ts";
import { realDisk } from "./io/disk.ts";
import { openLog } from "./io/log.ts";
import { SlotStore } from "./io/slot-store.ts";
import { endByHand } from "./model-by-hand.ts";
import { installBundle } from "./update-commands.ts";
import { daemonSample } from "./update-work.ts";

type Write = (line: string) => void;

const warn = (text: string): void => {
  process.stderr.write(`maskgate: ${text}\n`);
};

/** @throws KioskError update-failed */
export async function listModels({ values, flags }: Command, write: Write): Promise<void> {
  const { stateFolder } = loadConfig(values.get("config")).update;
  const record = await new SlotStore(stateFolder, realDisk, warn).record();
  if (flags.has("json")) {
    write(JSON.stringify(record));
    return;
  }
  const { active, previous, trial, ledger } = record;
  write(`active    ${refText(active)}${trial === null ? "" : ", on probation"}`);
  write(`previous  ${refText(previous)}`);
  const highest = Math.max(0, ...Object.values(ledger.counters));
  write(`good      up to version ${highest}; ${ledger.retired.length} keys retired`);
}

/**
 * Up to the end of the probation, which the running daemon must carry.
 * @throws KioskError with what was wrong with it
 */
export async function installModel({ paths, values }: Command, write: Write): Promise<void> {
  const config = loadConfig(values.get("config"));
  await becomeUpdater(config.update.stateFolder);
  const [file = ""] = paths;
  const state = await installBundle(config, openLog(config.log.level), file);
  if (state.kind === "good") {
    write(`version ${state.version}: ${state.reason ?? "good"}`);
    return;
  }
  const reason = "reason" in state ? state.reason : "";
  throw new KioskError(
    state.kind === "refused" ? "bundle-refused" : "update-failed",
    `${state.kind}: ${reason}`,
  );
}

/** @throws KioskError update-failed, socket-busy */
export function rollBackModel(command: Command, write: Write): Promise<void> {
  return change("back", command, write);
}

/** @throws KioskError update-failed, socket-busy */
export function markModelGood(command: Command, write: Write): Promise<void> {
  return change("good", command, write);
}

async function change(end: ProbationEnd, { values }: Command, write: Write): Promise<void> {
  const config = loadConfig(values.get("config"));
  const { stateFolder, runFolder } = config.update;
  await becomeUpdater(stateFolder);
  if (end === "good") await needDecided(config);
  const { active } = await endByHand(end, { stateFolder, runFolder, warn });
  write(`active    ${refText(active)}`);
}

/** The counter that rises with it never falls again, so a model that the daemon does not decide with is no good one. */
async function needDecided({ status, update }: Config): Promise<void> {
  const { active, trial } = await new SlotStore(update.stateFolder, realDisk, warn).record();
  if (trial === null) return;
  const { running } = await daemonSample(status.socketPath).catch((cause: unknown) => {
    const text = `${messageOf(cause)}; only a daemon that decides with it shows that it is good`;
    throw new KioskError("update-failed", text, { cause });
  });
  if (running !== null && isSameModel(running, active)) return;
  const text = `the daemon does not decide with version ${active.version} yet; maskgate status says why, try again once it does`;
  throw new KioskError("update-failed", text);
}

/**
 * Whatever is written here, the daemon must be able to read and the updater to replace: root goes on as the folder's owner, and a
 * person's own mask does not count.
 */
async function becomeUpdater(stateFolder: string): Promise<void> {
  process.umask(0o027);
  const { uid, gid } = await stat(stateFolder).catch((error: unknown) => {
    throw new KioskError("update-failed", `${stateFolder}: ${messageOf(error)}; is maskgate installed here?`);
  });
  if (process.getuid?.() !== 0) {
    if (process.getegid?.() === gid) return;
    const mend = "run this as root, or with sudo -u maskgate-updater -g maskgate";
    throw new KioskError(
      "update-failed",
      `${stateFolder}: is of another group, so the daemon could not read what is written; ${mend}`,
    );
  }
  if (uid === 0) return;
  const { initgroups } = process as { readonly initgroups?: (user: number, group: number) => void };
  initgroups?.(uid, gid);
  process.setgid?.(gid);
  process.setuid?.(uid);
}

function refText({ place, version }: ModelRef): string {
  return place === "packaged" ? "the model that comes with maskgate" : `version ${version} in ${place}`;
}
