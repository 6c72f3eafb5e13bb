/** Which of its models the daemon starts with. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { UpdateRecord } from "../../src/core/update-record.ts";
import { FollowerBench, onProbation } from "../sim/follower-bench.ts";
import type { SimDisk } from "../sim/sim-disk.ts";

const settled: UpdateRecord = { ...onProbation, trial: null };
for (const [what, record, broken, asked, runs, reason] of [
  ["the active one that was proven", settled, [], [2], ["slot-b", 8, null], undefined],
  ["else the one before", settled, [2], [2, 1], ["slot-a", 7, 2], "damaged 2"],
  ["else the packaged one", settled, [2, 1], [2, 1, 0], ["packaged", 0, 2], "damaged 2"],
  ["not the one on probation", onProbation, [], [1], ["slot-a", 7, null], undefined],
  ["not even if only the packaged one is left", onProbation, [1], [1, 0], ["packaged", 0, null], undefined],
  ["unless there is no other", onProbation, [1, 0], [1, 0, 2], ["slot-b", 8, null], undefined],
] as const) {
  test(`what it starts with: ${what}`, async () => {
    const it = new FollowerBench();
    for (const id of broken) it.broken.set(id, new Error(`damaged ${id}`));
    await it.open(record);
    assert.deepEqual([it.asked, it.running], [asked, runs]);
    assert.equal(it.follower.status().unloadable?.reason, reason);
    if (record.trial !== null) return;
    await it.passS(3);
    assert.deepEqual(it.asked, asked, "what could not be loaded is not tried again every second");
  });
}

test("without a model that can be loaded it does not start", async () => {
  for (const [record, says] of [
    [settled, /damaged 0/],
    [onProbation, /damaged 2/],
  ] as const) {
    const it = new FollowerBench();
    for (const id of [2, 1, 0]) it.broken.set(id, new Error(`damaged ${id}`));
    await assert.rejects(it.open(record), says);
  }
});

test("a record that nobody can read means the packaged model and an error in the log", async () => {
  const it = new FollowerBench();
  await it.disk.create("/state/state.json");
  await it.open(undefined);
  assert.deepEqual(it.running, ["packaged", 0, null]);
  assert.equal(it.follower.status().state, "idle");
  assert.equal(it.logged.filter((line) => line.includes('"level":"error"')).length, 1, it.logged.join(""));
});

/** A daemon that ends in the load of the last of these models, the others being loaded or passed over before; the disk after that. */
async function endIn(disk: SimDisk | undefined, asked: readonly number[]): Promise<SimDisk> {
  const it = new FollowerBench(disk);
  it.whileLoading = () =>
    it.asked.at(-1) === asked.at(-1) ? new Promise(() => undefined) : Promise.resolve();
  void it.open(disk === undefined ? settled : undefined);
  await it.passS(1);
  assert.deepEqual(it.asked, asked, "no load to end in");
  return it.disk.afterPowerCut(() => false);
}

test("a proven model in whose load the daemon ends twice is passed over, as is the next; a later start begins with it again", async () => {
  let disk = await endIn(undefined, [2]);
  disk = await endIn(disk, [2]);
  disk = await endIn(disk, [1]);
  disk = await endIn(disk, [1]);
  const it = new FollowerBench(disk);
  await it.open(undefined);
  assert.deepEqual([it.asked, it.running], [[0], ["packaged", 0, 2]]);
  assert.equal(
    it.follower.status().unloadable?.reason,
    "the daemon ended 2 times while it loaded this model",
  );
  await it.passS(3);
  assert.deepEqual(it.asked, [0], "what was passed over is not tried beside the one that decides");
  const next = new FollowerBench(it.disk.afterPowerCut(() => false));
  await next.open(undefined);
  assert.deepEqual([next.asked, next.running], [[2], ["slot-b", 8, null]]);
});

test("an end by chance is forgotten with the next start", async () => {
  const it = new FollowerBench(await endIn(undefined, [2]));
  await it.open(undefined);
  assert.deepEqual(it.running, ["slot-b", 8, null]);
  const disk = await endIn(
    it.disk.afterPowerCut(() => false),
    [2],
  );
  const again = new FollowerBench(disk);
  await again.open(undefined);
  assert.deepEqual(again.running, ["slot-b", 8, null]);
});

test("a disk on which nothing can be noted keeps no proven model from deciding, and that is said", async () => {
  const it = new FollowerBench();
  await it.store.write(settled);
  it.disk.failure = { at: it.disk.operations, error: new Error("EROFS") };
  await it.open(undefined);
  assert.deepEqual(it.running, ["slot-b", 8, null]);
  assert.ok(it.logged.some((line) => line.includes("/note/starting-slot-b.json: cannot be written: EROFS")));
});
