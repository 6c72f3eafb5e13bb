/** Ending a probation by hand while another process holds the updater's lock: it, or its absence, is played here. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import {
  beginProbation,
  beginTrial,
  initialRecord,
  markGood,
  packaged,
  rollBack,
  type UpdateRecord,
} from "../../src/core/update-record.ts";
import { realDisk } from "../../src/io/disk.ts";
import { SlotStore } from "../../src/io/slot-store.ts";
import { wishFile } from "../../src/io/update-wish.ts";
import { lockUpdater } from "../../src/io/updater-lock.ts";
import { endByHand } from "../../src/model-by-hand.ts";
import { temporaryFolder } from "../cli/probe.ts";

const warn = (text: string): void => assert.fail(text);
const candidate = { version: 7, bundle: "b7", ledger: { counters: { k: 7 }, retired: [], bundles: {} } };
const onTrial = beginProbation(beginTrial(initialRecord, "slot-a", candidate));
const trial = onTrial.active.id;

/** Folders, a store that holds this record, and what `endByHand` needs. */
async function kiosk(record: UpdateRecord, limitMs = 20_000) {
  const folder = temporaryFolder();
  const [stateFolder, runFolder] = ["state", "run"].map((name) => path.join(folder, name)) as [
    string,
    string,
  ];
  for (const made of [stateFolder, runFolder]) mkdirSync(made);
  const store = new SlotStore(stateFolder, realDisk, warn);
  await store.write(record);
  return { store, runFolder, parts: { stateFolder, runFolder, warn, limitMs } };
}

/** The wish, once it is there. */
async function wished(runFolder: string): Promise<unknown> {
  while (!existsSync(wishFile(runFolder))) await wait(20);
  return JSON.parse(readFileSync(wishFile(runFolder), "utf8"));
}

for (const [end, after] of [
  ["good", markGood(onTrial)],
  ["back", rollBack(onTrial, "r")],
] as const) {
  test(`leaves a wish (${end}) with whoever watches, and returns what comes of it`, async () => {
    const { store, runFolder, parts } = await kiosk(onTrial);
    await using _lock = await lockUpdater(runFolder);
    const ending = endByHand(end, parts);
    assert.deepEqual(await wished(runFolder), { trial, end });
    await store.write(after);
    assert.deepEqual(await ending, after);
    assert.ok(!existsSync(wishFile(runFolder)));
  });

  test(`says so if the probation was over before, as its wish (${end}) did not want it`, async () => {
    const { store, runFolder, parts } = await kiosk(onTrial);
    await using _lock = await lockUpdater(runFolder);
    const ending = endByHand(end, parts);
    await wished(runFolder);
    await store.write(end === "good" ? rollBack(onTrial, "too slow") : markGood(onTrial));
    const says = end === "good" ? "version 7 is rolled-back: too slow;" : "version 7 is good;";
    await assert.rejects(ending, { code: "update-failed", message: new RegExp(`was over before: ${says}`) });
  });

  test(`does it (${end}) itself when whoever watched is gone without having done it, once`, async () => {
    const { store, runFolder, parts } = await kiosk(onTrial);
    const lock = await lockUpdater(runFolder);
    const ending = endByHand(end, parts);
    await wished(runFolder);
    await lock[Symbol.asyncDispose]();
    const record = await ending;
    assert.deepEqual(record, await store.record());
    const [version, reason] = end === "good" ? [7, "marked good by hand"] : [0, "by hand"];
    assert.deepEqual([record.active.version, record.trial, record.last?.reason], [version, null, reason]);
  });
}

test("does not go back a second time when whoever watched did it and ended", async () => {
  const first = markGood(onTrial);
  const second = beginTrial(first, "slot-b", { ...candidate, version: 8, bundle: "b8" });
  const { store, runFolder, parts } = await kiosk(second);
  const lock = await lockUpdater(runFolder);
  const ending = endByHand("back", parts);
  await wished(runFolder);
  await store.write(rollBack(second, "by hand"));
  await lock[Symbol.asyncDispose]();
  assert.deepEqual((await ending).active, first.active);
  assert.deepEqual((await store.record()).active, first.active);
});

test("gives up, and takes its wish back, when whoever holds the lock does not answer", async () => {
  const { store, runFolder, parts } = await kiosk(onTrial, 600);
  await using _lock = await lockUpdater(runFolder);
  await assert.rejects(endByHand("good", parts), { message: /does not answer for 0.6 s/ });
  assert.ok(!existsSync(wishFile(runFolder)));
  assert.deepEqual(await store.record(), onTrial);
});

test("leaves no wish where nothing is on probation", async () => {
  for (const [record, end, code] of [
    [initialRecord, "good", "update-failed"],
    [initialRecord, "back", "update-failed"],
  ] as const) {
    const { runFolder, parts } = await kiosk(record);
    await assert.rejects(endByHand(end, parts), { code });
    await using _lock = await lockUpdater(runFolder);
    await assert.rejects(endByHand(end, parts), {
      code: "socket-busy",
      message: "another update is under way; try again when it is over",
    });
    assert.ok(!existsSync(wishFile(runFolder)));
    assert.deepEqual(record.active, packaged);
  }
});
