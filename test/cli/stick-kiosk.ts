/** A kiosk of the updater's tests that take real processes: folders, keys, bundles of a stand-in model, and a stick. */
import assert from "node:assert/strict";
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { StatusSnapshot } from "../../src/core/status.ts";
import type { UpdateRecord } from "../../src/core/update-record.ts";
import { fetchStatus } from "../../src/io/status-client.ts";
import { writeGoldenValues } from "../fixtures/golden-values.ts";
import { configFile, maskgate, modelFolder, photograph, temporaryFolder, type Outcome } from "./probe.ts";

const folder = temporaryFolder();
export const at = (...names: readonly string[]): string => path.join(folder, ...names);
export const stick = at("stick");
const socket = at("status.sock");

/** Folders, pictures for the daemon, a key that is trusted. @returns the configuration file, over which `keys` go */
export async function stickKiosk(keys: Readonly<Record<string, unknown>> = {}): Promise<string> {
  for (const name of ["frames", "state", "run", "note", "keys"]) mkdirSync(at(name));
  await photograph(at("frames", "a.jpg"));
  await makeKey("k");
  return kioskConfig(keys);
}

/** Another configuration file of the same kiosk. */
export function kioskConfig(keys: Readonly<Record<string, unknown>>): string {
  return configFile(folder, {
    "model.folder": "",
    "update.stateFolder": at("state"),
    "update.runFolder": at("run"),
    "update.noteFolder": at("note"),
    "update.keysFolder": at("keys"),
    "update.probationFrames": 4,
    "update.probationS": 2,
    ...keys,
  });
}

/** One more key that the kiosk trusts. @returns its id */
export async function makeKey(name: string): Promise<string> {
  const out = await done("bundle", "keygen", "--out", at(name));
  cpSync(at(`${name}.pub.pem`), at("keys", `${name}.pub.pem`));
  return /^key (\w+):/.exec(out)?.[1] ?? "";
}

/** What a command that ends well says. */
export async function done(...args: readonly string[]): Promise<string> {
  const { code, out, err } = await maskgate(...args);
  assert.deepEqual([code, err], [0, ""], out);
  return out;
}

export interface BundleChange {
  /** False: its values are not those of the model. */
  readonly golden?: boolean;
  /** More words for `bundle create`. */
  readonly terms?: readonly string[];
  readonly key?: string;
}

/** A bundle whose model's name says the version. @returns its file */
export async function bundle(
  version: number,
  { golden = true, terms = [], key = "k" }: BundleChange = {},
): Promise<string> {
  const folder = at(`model-${version}`);
  cpSync(modelFolder("brightness"), folder, { recursive: true });
  const file = path.join(folder, "manifest.json");
  const manifest = JSON.parse(readFileSync(file, "utf8")) as object;
  writeFileSync(file, JSON.stringify({ ...manifest, version: `${version}.0.0` }));
  const wrong = (masked: number): number => (masked > 0.5 ? masked - 0.3 : masked + 0.3);
  await writeGoldenValues(folder, golden ? undefined : wrong);
  const out = at(`v${version}.maskgate`);
  const words = ["--version", String(version), "--out", out, "--key", at(`${key}.key.pem`)];
  await done("bundle", "create", folder, ...words, ...terms);
  return out;
}

/** What is on the stick now, beside what macOS leaves there. */
export function put(...versions: readonly number[]): void {
  rmSync(stick, { recursive: true, force: true });
  mkdirSync(stick);
  for (const version of versions)
    cpSync(at(`v${version}.maskgate`), path.join(stick, `Model v${version} (final).MASKGATE`));
  writeFileSync(path.join(stick, "._Model.maskgate"), "\0\x05\x16\x07");
}

export function update(config: string): Promise<Outcome> {
  return maskgate("update", "--stick", stick, "--config", config);
}

export async function record(config: string): Promise<UpdateRecord> {
  return JSON.parse(await done("model", "list", "--json", "--config", config)) as UpdateRecord;
}

export function status(): Promise<StatusSnapshot> {
  return fetchStatus(socket);
}

export async function statusWhere(holds: (now: StatusSnapshot) => boolean): Promise<StatusSnapshot> {
  for (let tries = 0; tries < 150; tries++) {
    const now = await status();
    if (holds(now)) return now;
    await wait(200);
  }
  throw new Error(`in vain: ${JSON.stringify((await status()).update)}`);
}
