/** The record rots, or its copy does: the other one counts, loudly, and is never an older one. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { initialRecord, rollBack, type UpdateRecord } from "../../src/core/update-record.ts";
import { SlotStore } from "../../src/io/slot-store.ts";
import { recordText } from "../../src/io/update-files.ts";
import { PowerCut, type SimDisk } from "../sim/sim-disk.ts";
import { folder, freshDisk, install, live, model, storeOn, switchTo, wholeModels } from "./store-life.ts";

const files = { record: `${folder}/state.json`, copy: `${folder}/state.copy.json` } as const;

/** A store that keeps what it hears of damage. */
function listening(disk: SimDisk): { readonly store: SlotStore; readonly heard: string[] } {
  const heard: string[] = [];
  return { heard, store: new SlotStore(folder, disk, (text) => heard.push(text)) };
}

async function contentOf(disk: SimDisk, file: string): Promise<string | undefined> {
  const bytes = await disk.read(file);
  return bytes && Buffer.from(bytes).toString();
}

const counterOf = ({ ledger }: UpdateRecord): number => ledger.counters["key"] ?? 0;

test("each single bit of the record may turn over: the copy counts, and that is said", async () => {
  const disk = freshDisk();
  await install(storeOn(disk), model(1));
  const record = await storeOn(disk).record();
  const bits = ((await contentOf(disk, files.record)) ?? "").length * 8;
  assert.ok(bits > 3000);
  for (let bit = 0; bit < bits; bit++) {
    const { store, heard } = listening(disk);
    disk.rot(files.record, bit);
    assert.deepEqual(await store.record(), record, `bit ${bit}`);
    assert.equal(heard.length, 1, `bit ${bit}`);
    disk.rot(files.record, bit);
  }
  const { store, heard } = listening(disk);
  await store.record();
  assert.deepEqual(heard, []);
});

test("a record that is damaged, gone or cannot be read is told with its reason, and the next write mends it", async () => {
  for (const [damage, says] of [
    [
      (disk: SimDisk) => {
        disk.rot(files.record, 0);
        return Promise.resolve();
      },
      "is not what the updater writes",
    ],
    [(disk: SimDisk) => disk.remove(files.record), "is gone"],
    [
      (disk: SimDisk) => {
        const read = disk.read.bind(disk);
        let hasFailed = false;
        disk.read = (path) => {
          if (path !== files.record || hasFailed) return read(path);
          hasFailed = true;
          return Promise.reject(new Error("EIO"));
        };
        return Promise.resolve();
      },
      "cannot be read: EIO",
    ],
  ] as const) {
    const disk = freshDisk();
    await install(storeOn(disk), model(1));
    const before = await storeOn(disk).record();
    await damage(disk);
    const { store, heard } = listening(disk);
    assert.deepEqual(await store.record(), before);
    const text = `${files.record}: ${says}; state.copy.json counts in its place, the next update writes both anew`;
    assert.deepEqual(heard, [text]);
    await store.write(before);
    assert.equal(await contentOf(disk, files.record), await contentOf(disk, files.copy));
    assert.deepEqual(await storeOn(disk).record(), before);
  }
});

test("a record whose copy is damaged or missing counts, and the next candidate finds both whole", async () => {
  for (const damage of ["rot", "remove"] as const) {
    const disk = freshDisk();
    await install(storeOn(disk), model(1));
    if (damage === "rot") disk.rot(files.copy, 0);
    else await disk.remove(files.copy);
    await storeOn(disk).open(model(2).parts.map(({ part }) => part));
    assert.equal(await contentOf(disk, files.record), await contentOf(disk, files.copy));
  }
});

test("a trial that an older version began is read, with its checksum, and has nothing to be held against", async () => {
  const disk = freshDisk();
  const trial = await switchTo(storeOn(disk), model(1));
  const { attempts, ledger, before } = trial.trial ?? assert.fail();
  const older = { attempts, ledger, before };
  const text = recordText({ ...trial, trial: older } as UpdateRecord);
  await (await disk.create(files.record)).write(Buffer.from(text));
  assert.deepEqual(await storeOn(disk).record(), trial);
  const baseline = { framesPerSecond: 29.97, hasVisionFault: true, running: 1 };
  const newer: UpdateRecord = { ...trial, trial: { ...older, baseline } };
  await storeOn(disk).write(newer);
  assert.deepEqual(await storeOn(disk).record(), newer);
});

test("nobody takes the first writing of all for damage", async () => {
  const disk = freshDisk();
  const rename = disk.rename.bind(disk);
  disk.rename = async (from, to) => {
    await rename(from, to);
    await storeOn(disk).record();
  };
  await storeOn(disk).write(initialRecord);
});

test("when both are damaged, or the only one is, everything is refused as before", async () => {
  const disk = freshDisk();
  await install(storeOn(disk), model(1));
  for (const file of Object.values(files)) disk.rot(file, 3);
  await assert.rejects(storeOn(disk).record(), {
    code: "update-failed",
    message: /^\/store\/state\.json: is not/,
  });
  await assert.rejects(storeOn(disk).open([]), { code: "update-failed" });
  await disk.remove(files.copy);
  await assert.rejects(storeOn(disk).record(), { message: /^\/store\/state\.json: is not/ });
  const other = freshDisk();
  await install(storeOn(other), model(1));
  await other.remove(files.record);
  other.rot(files.copy, 3);
  await assert.rejects(storeOn(other).record(), { message: /^\/store\/state\.copy\.json: is not/ });
});

test("6: wherever the power is cut, and whichever of the two rots after it: models are whole, the counter is no lower, the next one installs", async () => {
  const whole = freshDisk();
  await live(storeOn(whole));
  const count = whole.operations;
  const reached = { cutBetween: 0, wentOnWithCopy: 0, wentOnWithNewer: 0, copyRotted: 0 };
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: count - 1 }),
      fc.infiniteStream(fc.boolean()),
      fc.constantFrom("record", "copy"),
      fc.nat(),
      async (cut, kept, rotting, bit) => {
        const disk = freshDisk();
        disk.cutBefore = cut;
        await assert.rejects(live(storeOn(disk)), PowerCut);
        const after = disk.afterPowerCut(() => kept.next().value === true);
        const before = await storeOn(after).record();
        const [record, copy] = await Promise.all(Object.values(files).map((file) => contentOf(after, file)));
        if (record === undefined || copy === undefined) return;
        if (record !== copy) reached.cutBetween += 1;
        after.rot(files[rotting], bit);
        const { store, heard } = listening(after);
        const counted = await store.record();
        assert.ok(counterOf(counted) >= counterOf(before), "the counter fell");
        assert.ok(counted.lastId >= before.lastId, "an older record");
        assert.equal(heard.length, rotting === "record" ? 1 : 0);
        if (rotting === "copy") reached.copyRotted += 1;
        else if (record === copy) reached.wentOnWithCopy += 1;
        else reached.wentOnWithNewer += 1;
        await wholeModels(after, store);
        if (counted.trial !== null) await store.write(rollBack(counted, "cut off"));
        // Cut off once more while the next one is copied: the slot that is cleared is named by neither of the two.
        await store.open(model(8).parts.map(({ part }) => part));
        assert.equal(await contentOf(after, files.record), await contentOf(after, files.copy));
        await install(storeOn(after), model(9));
        assert.equal((await wholeModels(after))[0], 9);
      },
    ),
    { numRuns: 600 },
  );
  for (const [state, times] of Object.entries(reached))
    assert.ok(times > 10, `reached ${state} ${times} times`);
});

test("a slot that only an outdated copy names is not cleared before that is mended", async () => {
  const disk = freshDisk();
  const store = storeOn(disk);
  await install(store, model(1));
  const before = await store.record();
  const trial = await switchTo(store, model(2));
  // The power goes after the copy of a rollback was written and before the record is.
  disk.cutBefore = disk.operations + 5;
  await assert.rejects(store.write(rollBack(trial, "no")), PowerCut);
  const after = disk.afterPowerCut(() => true);
  assert.equal((await storeOn(after).record()).active.version, 2);
  await storeOn(after).write(rollBack(trial, "no"));
  after.touched.length = 0;
  await storeOn(after).open(model(3).parts.map(({ part }) => part));
  const cleared = after.touched.indexOf(`${folder}/slot-b`);
  assert.ok(cleared >= 0 && after.touched.slice(cleared).every((path) => !path.includes("state")));
  assert.equal((await storeOn(after).record()).active.version, before.active.version);
});

test("a record from before good bundles were kept is read, and its next copy has a place for them", async () => {
  const disk = freshDisk();
  const old = { ...initialRecord, ledger: { counters: { key: 7 }, retired: [] } };
  for (const name of Object.values(files)) {
    const file = await disk.create(name);
    await file.write(Buffer.from(recordText(old as unknown as UpdateRecord)));
  }
  const record = await storeOn(disk).record();
  assert.deepEqual(record.ledger, { counters: { key: 7 }, bundles: {}, retired: [] });
  await install(storeOn(disk), model(8));
  assert.match((await contentOf(disk, files.record)) ?? "", /"bundles"/);
});
