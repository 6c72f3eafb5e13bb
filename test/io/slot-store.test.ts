import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { eachOf, messageOf } from "../../src/core/errors.ts";
import { initialRecord, namedSlots, rollBack } from "../../src/core/update-record.ts";
import { PowerCut } from "../sim/sim-disk.ts";
import {
  copy,
  folder,
  freshDisk,
  install,
  life,
  live,
  model,
  storeOn,
  switchTo,
  wholeModels,
} from "./store-life.ts";

test("1, 3: wherever the power is cut and whatever is lost, every model that the record names is whole, and the next one installs", async () => {
  const whole = freshDisk();
  await live(storeOn(whole));
  const count = whole.operations;
  assert.ok(count > 60, `only ${count} operations`);
  const seen = new Set<string>();
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: count - 1 }),
      fc.infiniteStream(fc.boolean()),
      async (cut, kept) => {
        const disk = freshDisk();
        disk.cutBefore = cut;
        await assert.rejects(live(storeOn(disk)), PowerCut);
        const after = disk.afterPowerCut(() => kept.next().value === true);
        const versions = await wholeModels(after);
        seen.add(versions.join());
        const store = storeOn(after);
        const record = await store.record();
        if (record.trial !== null) await store.write(rollBack(record, "cut off"));
        await install(store, model(9));
        assert.equal((await wholeModels(after))[0], 9);
      },
    ),
    { numRuns: 1500 },
  );
  // The property reached states before, in and after each of the installations.
  for (const state of ["0", "1,0,0", "1,0", "2,1,0,0", "2,1,0", "3,2,0,1", "4,2,0,1"])
    assert.ok(seen.has(state), `never saw ${state}`);
});

test("2: nothing that the record names is ever written or cleared", async () => {
  const disk = freshDisk();
  const store = storeOn(disk);
  for (const step of life) {
    const named = namedSlots(await store.record());
    disk.touched.length = 0;
    await step(store);
    for (const slot of named) {
      const hits = disk.touched.filter((path) => path.startsWith(`${folder}/${slot}`));
      // After mark-good the model before the previous one is free, and only the next candidate clears it.
      assert.deepEqual(hits, [], `${slot} is named and was touched`);
    }
  }
});

test("3: a record that cannot be written leaves the old one", async () => {
  // Five operations for the copy and four for the record; once that is renamed, the new one counts.
  for (let at = 0; at < 9; at++) {
    const disk = freshDisk();
    const store = storeOn(disk);
    await install(store, model(1));
    const before = await store.record();
    disk.failure = { at: disk.operations + at, error: new Error("ENOSPC") };
    await assert.rejects(store.write(rollBack(before, "x")), /ENOSPC/);
    assert.deepEqual(await store.record(), before);
  }
});

test("3: the reason why a record cannot be written is told before what fails at closing its file", async () => {
  const disk = freshDisk();
  const create = disk.create.bind(disk);
  disk.create = async (path) => ({
    ...(await create(path)),
    write: () => Promise.reject(new Error("ENOSPC")),
    close: () => Promise.reject(new Error("EIO")),
  });
  const failure = await storeOn(disk)
    .write(initialRecord)
    .catch((error: unknown) => error);
  assert.deepEqual([...eachOf(failure)].map(messageOf), ["ENOSPC", "EIO"]);
});

test("4: without room nothing is written, and the line says how much is missing", async () => {
  const disk = freshDisk();
  disk.free = 4 * 1024 * 1024;
  await assert.rejects(storeOn(disk).open(model(1).parts.map(({ part }) => part)), {
    code: "update-failed",
    message: "/store: three models of this size need 5 MiB and 4 MiB are free; make room",
  });
  for (const slot of ["slot-a", "slot-b", "slot-c"])
    assert.equal(await disk.read(`${folder}/${slot}/manifest.json`), undefined);
  disk.free += 1024;
  await install(storeOn(disk), model(1));
});

test("4: there must be room for two models and a candidate, of which those count that are there", async () => {
  const disk = freshDisk();
  const store = storeOn(disk);
  const mib = 1024 * 1024;
  const parts = [{ name: "model.onnx", sizeBytes: 10 * mib, sha256: "" }];
  for (const [before, wanted, says] of [
    [0, 34, "three models of this size need"],
    [1, 24, "two models of this size need"],
    [2, 14, "the model needs"],
    [3, 14, "the model needs"],
  ] as const) {
    disk.free = 2 ** 30;
    if (before > 0) await install(store, model(before));
    disk.free = wanted * mib - 1;
    await assert.rejects(store.open(parts), {
      message: `/store: ${says} ${wanted} MiB and ${wanted - 1} MiB are free; make room`,
    });
    disk.free = wanted * mib;
    await (await store.open(parts)).discard();
  }
});

test("5: what an interrupted copy left is gone before the next one", async () => {
  const disk = freshDisk();
  const store = storeOn(disk);
  const { parts } = model(1);
  const writer = await store.open(parts.map(({ part }) => part));
  await writer.write({ name: "other.onnx", sizeBytes: 1, sha256: "" }, Buffer.from("x"));
  await install(store, model(2));
  assert.equal(await disk.read(`${writer.folder}/other.onnx`), undefined);
  assert.ok(await disk.read(`${writer.folder}/model.onnx`));
});

test("a disk that gives back other bytes is found out before the switch", async () => {
  const disk = freshDisk();
  const store = storeOn(disk);
  const { parts } = model(1);
  const writer = await store.open(parts.map(({ part }) => part));
  for (const { part, bytes } of parts)
    await writer.write(part, part.name === "model.onnx" ? bytes.fill(0, 0, 1) : bytes);
  await assert.rejects(writer.seal(), { code: "update-failed", message: /other bytes than were written/ });
});

test("a disk that only says that it has written is found out before the switch, and so is one that cannot be read", async () => {
  const lying = freshDisk();
  lying.isLying = true;
  await assert.rejects(copy(storeOn(lying), model(1)), {
    code: "update-failed",
    message: "/store/slot-a/manifest.json: the disk gives back other bytes than were written; replace it",
  });
  const broken = freshDisk();
  // eslint-disable-next-line require-yield
  broken.readBack = async function* () {
    await Promise.reject(new Error("EIO"));
  };
  await assert.rejects(copy(storeOn(broken), model(1)), {
    code: "update-failed",
    message: "/store/slot-a/manifest.json: cannot be read back: EIO; replace the disk",
  });
});

test("a copy that was given up and still goes on writes nothing into the slot, which may be the next candidate's", async () => {
  const disk = freshDisk();
  const store = storeOn(disk);
  const [first] = model(1).parts;
  assert.ok(first);
  const late = await store.open([first.part]);
  await late.discard();
  const { folder: slot } = await copy(store, model(2));
  assert.equal(slot, late.folder);
  const before = await disk.read(`${slot}/${first.part.name}`);
  await assert.rejects(late.write(first.part, first.bytes), {
    code: "update-failed",
    message: "/store/slot-a: was given up; plug the stick in again",
  });
  assert.deepEqual(await disk.read(`${slot}/${first.part.name}`), before);
});

test("during a trial no other candidate is taken", async () => {
  const store = storeOn(freshDisk());
  await switchTo(store, model(1));
  await assert.rejects(store.open([]), { code: "update-failed", message: /on probation/ });
});

test("a record that nobody wrote is refused with its mend; no record is a new kiosk", async () => {
  const disk = freshDisk();
  assert.deepEqual(await storeOn(disk).record(), initialRecord);
  const file = await disk.create(`${folder}/state.json`);
  await file.write(Buffer.from("{"));
  await assert.rejects(storeOn(disk).record(), {
    code: "update-failed",
    message: /^\/store\/state\.json: is not what the updater writes; remove it and its copy to begin anew/,
  });
});
