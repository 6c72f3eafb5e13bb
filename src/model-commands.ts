/** `maskgate model`: what the kiosk's models are, and changing them by hand, as the updater's user or as root. */
import { stat } from "node:fs/promises";
import type { Command } from "./command-line.ts";
import { loadConfig } from "./config.ts";
import { KioskError, messageOf } from "./core/errors.ts";
import type { ProbationEnd } from "./core/update-machine.ts";
import type { ModelRef } from "./core/update-record.ts";
import { realDisk } from "./io/disk.ts";
import { openLog } from "./io/log.ts";
import { SlotStore } from "./io/slot-store.ts";
import { endByHand } from "./model-by-hand.ts";
import { installBundle } from "./update-commands.ts";

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
  const { stateFolder, runFolder } = loadConfig(values.get("config")).update;
  await becomeUpdater(stateFolder);
  const { active } = await endByHand(end, { stateFolder, runFolder, warn });
  write(`active    ${refText(active)}`);
}

/** What root writes here, the daemon could not read and the updater could not replace: root goes on as the folder's owner. */
async function becomeUpdater(stateFolder: string): Promise<void> {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = await stat(stateFolder).catch((error: unknown) => {
    throw new KioskError("update-failed", `${stateFolder}: ${messageOf(error)}; is maskgate installed here?`);
  });
  if (uid === 0) return;
  const { initgroups } = process as { readonly initgroups?: (user: number, group: number) => void };
  initgroups?.(uid, gid);
  process.setgid?.(gid);
  process.setuid?.(uid);
}

function refText({ place, version }: ModelRef): string {
  return place === "packaged" ? "the model that comes with maskgate" : `version ${version} in ${place}`;
}
