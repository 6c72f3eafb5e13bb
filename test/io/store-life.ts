/** What the tests of the store of models install, and a kiosk's life with it. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  beginTrial,
  markGood,
  modelsToTry,
  rollBack,
  type UpdateRecord,
} from "../../src/core/update-record.ts";
import { SlotStore, type SlotWriter } from "../../src/io/slot-store.ts";
import type { Part } from "../../src/update/bundle-manifest.ts";
import { SimDisk } from "../sim/sim-disk.ts";

export const folder = "/store";

/** What a bundle brings. */
export interface Sample {
  readonly version: number;
  readonly parts: readonly { readonly part: Part; readonly bytes: Buffer }[];
}

/** A model whose content says its version. */
export function model(version: number): Sample {
  const parts = ["manifest.json", "model.onnx"].map((name) => {
    const bytes = Buffer.from(`${name} of ${version}`.repeat(5));
    return { bytes, part: { name, sizeBytes: bytes.length, sha256: sha256(bytes) } };
  });
  return { version, parts };
}

/** In hex. */
export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

const ledgerOf = (version: number) => ({ counters: { key: version }, bundles: {}, retired: [] });

/** Puts it into the free slot and seals that. */
export async function copy(store: SlotStore, { parts }: Sample): Promise<SlotWriter> {
  const writer = await store.open(parts.map(({ part }) => part));
  for (const { part, bytes } of parts) {
    for (let at = 0; at < bytes.length; at += 40) await writer.write(part, bytes.subarray(at, at + 40));
    await writer.verified();
  }
  await writer.seal();
  return writer;
}

/** Installs it and begins its trial. */
export async function switchTo(store: SlotStore, sample: Sample): Promise<UpdateRecord> {
  const { slot } = await copy(store, sample);
  const { version } = sample;
  const record = beginTrial(await store.record(), slot, {
    version,
    bundle: String(version),
    ledger: ledgerOf(version),
  });
  await store.write(record);
  return record;
}

/** Installs it and marks it good. */
export async function install(store: SlotStore, sample: Sample): Promise<void> {
  await store.write(markGood(await switchTo(store, sample)));
}

/** With the store's folder and nothing in it. */
export const freshDisk = (): SimDisk => new SimDisk().folder(folder);
/** The store on a disk on which nothing rots. */
export const storeOn = (disk: SimDisk): SlotStore =>
  new SlotStore(folder, disk, (damage) => assert.fail(`no record is damaged here: ${damage}`));

/** All models that the record names are whole; the versions, active first. */
export async function wholeModels(disk: SimDisk, store = storeOn(disk)): Promise<readonly number[]> {
  const record = await store.record();
  const settled = modelsToTry({ ...record, trial: null });
  const refs = record.trial === null ? settled : [...settled, record.trial.before];
  for (const { place, version } of refs) {
    if (place === "packaged") continue;
    for (const { part } of model(version).parts) {
      const bytes = await disk.read(`${folder}/${place}/${part.name}`);
      assert.ok(bytes, `${place} lacks ${part.name}`);
      assert.equal(sha256(bytes), part.sha256, `${place}/${part.name} is not that of version ${version}`);
    }
  }
  return refs.map(({ version }) => version);
}

/** A kiosk's life: two good models, one that is rolled back, one more good one. */
export const life: readonly ((store: SlotStore) => Promise<void>)[] = [
  (store) => install(store, model(1)),
  (store) => install(store, model(2)),
  async (store) => {
    await store.write(rollBack(await switchTo(store, model(3)), "bad"));
  },
  (store) => install(store, model(4)),
];

/** All of it. */
export async function live(store: SlotStore): Promise<void> {
  for (const step of life) await step(store);
}
