/** The daemon's side of an update: what it loads, what it swaps, what it says; on a simulated disk, in virtual time. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { rollBack, type UpdateRecord } from "../../src/core/update-record.ts";
import { FollowerBench, good, onProbation, second, stagingS } from "../sim/follower-bench.ts";
import { settle } from "../sim/kiosk-bench.ts";

async function daemon(record?: UpdateRecord): Promise<FollowerBench> {
  return new FollowerBench().open(record);
}

/** Loads begin and do not come back. @returns what lets the one that was begun last come back */
function holdLoads(it: FollowerBench): () => void {
  let finish = (): void => undefined;
  it.whileLoading = () =>
    new Promise((done) => {
      finish = done;
    });
  return () => {
    finish();
  };
}

test("a new kiosk runs the packaged model, and loads nothing again while nothing changes", async () => {
  const it = await daemon();
  await it.passS(5);
  assert.deepEqual([it.running, it.asked], [["packaged", 0, null], [0]]);
  const { state, version, reason, notice, sinceMs } = it.follower.status();
  assert.deepEqual([state, version, reason, notice, sinceMs], ["idle", null, null, null, 5000]);
});

test("a model that the configuration names is never followed by another", async () => {
  const it = await new FollowerBench().open(good, "/model");
  await it.store.write(onProbation);
  await it.passS(3);
  assert.deepEqual(it.asked, [0]);
  const { state, running } = it.follower.status();
  assert.deepEqual([state, running], ["off", null]);
  it.broken.set(0, new Error("no"));
  await assert.rejects(
    new FollowerBench().open(good, "/model").then(() => it.open(good, "/model")),
    /no/,
  );
});

test("where the configuration names a model, a stick that was not taken is told, and nothing else of updates", async () => {
  const it = await new FollowerBench().open(good, "/model");
  for (const [beat, state, told, notice] of [
    [1, "good", "off", null],
    [2, "staging", "off", null],
    [3, "failed", "failed", "bad"],
    [4, "refused", "refused", "bad"],
  ] as const) {
    await it.report(beat, state, 8, "make model.folder empty");
    await it.passS(1);
    const now = it.follower.status();
    assert.deepEqual([now.state, now.notice, now.running], [told, notice, null]);
    assert.equal(now.reason, told === "off" ? null : "make model.folder empty");
  }
  // The record of models is of no interest, not even a damaged one.
  await it.disk.remove("/state/state.json");
  await it.passS(10);
  assert.deepEqual([it.follower.status().notice, it.asked], [null, [0]]);
  assert.deepEqual(
    it.logged.filter((line) => line.includes("state.json")),
    [],
  );
});

test("a switch is loaded, swapped and heard of within a second or two, and the old model is closed", async () => {
  const it = await daemon(good);
  await it.store.write(onProbation);
  await it.passS(1);
  assert.deepEqual([it.running, it.asked, it.loaded], [["slot-b", 8, null], [1, 2], ["8"]]);
  assert.deepEqual(it.given, it.opened);
  assert.deepEqual(it.swapped, it.opened.slice(1));
  assert.equal(it.follower.eyes, it.opened[1]);
  await it.store.write(rollBack(onProbation, "too slow"));
  await it.passS(1);
  assert.deepEqual([it.running, it.asked, it.loaded], [["slot-a", 7, null], [1, 2, 1], ["7"]]);
});

test("the same place with another id is another model", async () => {
  const it = await daemon(good);
  await it.store.write({ ...good, lastId: 2, active: { ...second, place: "slot-a" } });
  await it.passS(1);
  assert.deepEqual(it.running, ["slot-a", 8, null]);
});

test("one that cannot be loaded changes nothing, is tried once, and is said with its reason; the next one is tried", async () => {
  const it = await daemon(good);
  it.broken.set(2, new Error("model.onnx: has 3 bytes"));
  await it.store.write(onProbation);
  await it.passS(3);
  assert.deepEqual([it.running, it.asked, it.given.length], [["slot-a", 7, 2], [1, 2], 1]);
  assert.equal(it.follower.status().unloadable?.reason, "model.onnx: has 3 bytes");
  assert.equal(it.logged.filter((line) => line.includes("the new model cannot be loaded")).length, 1);
  await it.store.write(rollBack(onProbation, "cannot be loaded"));
  await it.passS(1);
  assert.deepEqual(it.running, ["slot-a", 7, null]);
  await it.store.write({ ...onProbation, lastId: 3, active: { ...second, id: 3 } });
  await it.passS(1);
  assert.deepEqual(it.running, ["slot-b", 8, null]);
});

test("a switch that is taken back while its model is loaded is none, and its eyes are closed", async () => {
  const it = await daemon(good);
  it.whileLoading = () => it.store.write(rollBack(onProbation, "no"));
  await it.store.write(onProbation);
  await it.passS(1);
  assert.deepEqual([it.running, it.given.length, it.loaded], [["slot-a", 7, null], 1, ["7"]]);
});

test("a record that cannot be read after the load changes nothing and leaves no eyes open; it is said once", async () => {
  const it = await daemon(good);
  it.whileLoading = async () => {
    for (const name of ["state.json", "state.copy.json"]) await it.disk.create(`/state/${name}`);
  };
  await it.store.write(onProbation);
  await it.passS(5);
  assert.deepEqual([it.running, it.given.length, it.loaded], [["slot-a", 7, null], 1, ["7"]]);
  assert.equal(it.logged.filter((line) => line.includes('"level":"warn"')).length, 1, it.logged.join(""));
});

test("that both files of the record are unreadable is told, since no stick is taken until that is mended", async () => {
  const it = await daemon(good);
  for (const name of ["state.json", "state.copy.json"]) await it.disk.create(`/state/${name}`);
  await it.passS(2);
  const { state, notice, reason } = it.follower.status();
  assert.deepEqual([state, notice], ["failed", "bad"]);
  assert.match(reason ?? "", /state\.json/);
  await it.report(1, "refused");
  await it.passS(1);
  assert.equal(it.follower.status().state, "refused");
});

test("a slow load is waited for, not doubled, also by the end of the daemon", async () => {
  const it = await daemon(good);
  const finish = holdLoads(it);
  await it.store.write(onProbation);
  await it.passS(5);
  assert.deepEqual(
    [it.asked, it.running],
    [
      [1, 2],
      ["slot-a", 7, null],
    ],
  );
  let hasEnded = false;
  const ended = it.follower[Symbol.asyncDispose]().then(() => {
    hasEnded = true;
  });
  await settle();
  assert.equal(hasEnded, false);
  finish();
  await ended;
  assert.deepEqual([it.loaded, it.time.pendingCount], [[], 0]);
});

test("a load that hangs is given up after update.stagingS: that is said, what it brings later is closed, and the next record is followed", async () => {
  const it = await daemon(good);
  const finish = holdLoads(it);
  await it.store.write(onProbation);
  await it.passS(1 + stagingS - 1);
  assert.deepEqual([it.running, it.signals[1]?.aborted], [["slot-a", 7, null], false]);
  await it.passS(1);
  assert.deepEqual([it.running, it.signals[1]?.aborted], [["slot-a", 7, 2], true]);
  assert.equal(it.follower.status().unloadable?.reason, `loading it took longer than ${stagingS} s`);
  await it.passS(2);
  assert.deepEqual(it.asked, [1, 2]);
  it.whileLoading = () => Promise.resolve();
  await it.store.write({ ...onProbation, lastId: 3, active: { ...second, id: 3 } });
  await it.passS(1);
  assert.deepEqual([it.running, it.loaded], [["slot-b", 8, null], ["8"]]);
  finish();
  await settle();
  assert.deepEqual([it.opened.length, it.loaded, it.given.length], [3, ["8"], 2]);
});

test("back from a rejected model to one that cannot be loaded any more: the one before that decides, not the rejected one", async () => {
  const it = await daemon(good);
  await it.store.write(onProbation);
  await it.passS(1);
  it.broken.set(1, new Error("EIO"));
  await it.store.write(rollBack(onProbation, "too slow"));
  await it.passS(2);
  assert.deepEqual([it.running, it.loaded], [["packaged", 0, 1], ["0"]]);
  assert.equal(it.follower.status().unloadable?.reason, "EIO");
  await it.passS(3);
  assert.deepEqual(it.asked, [1, 2, 1, 0]);
  it.broken.clear();
  await it.store.write({ ...onProbation, lastId: 3, active: { ...second, id: 3 } });
  await it.passS(2);
  await it.store.write({ ...good, lastId: 3 });
  await it.passS(1);
  assert.deepEqual(
    it.running,
    ["slot-a", 7, null],
    "what could not be loaded once is tried again after another model decided",
  );
  it.broken.set(2, new Error("no")).set(0, new Error("no"));
  await it.store.write({ ...good, lastId: 3, active: second, previous: second });
  await it.passS(4);
  assert.deepEqual(
    [it.running, it.asked.slice(-2)],
    [
      ["slot-a", 7, 2],
      [2, 0],
    ],
    "with none that can be loaded the one that decides goes on",
  );
});

test("it tells what the updater says, shows how it ended for 10 s, and says since when", async () => {
  const it = await daemon(good);
  const now = (): readonly unknown[] => {
    const { state, version, notice, sinceMs } = it.follower.status();
    return [state, version, notice, sinceMs];
  };
  await it.passS(2);
  assert.deepEqual(now(), ["good", 7, null, 2000]);
  await it.report(1, "copying", null);
  await it.passS(1);
  assert.deepEqual(now(), ["copying", null, "under-way", 0]);
  await it.report(2, "copying", null);
  await it.passS(1);
  assert.deepEqual(now(), ["copying", null, "under-way", 1000]);
  await it.report(3, "refused", 8, "too old");
  await it.passS(1);
  assert.deepEqual(now(), ["refused", 8, "bad", 0]);
  assert.equal(it.follower.status().reason, "too old");
  await it.passS(9);
  assert.deepEqual(now(), ["refused", 8, "bad", 9000]);
  await it.passS(1);
  assert.deepEqual(now(), ["refused", 8, null, 10_000]);
});

test("what an updater said before the daemon started is told, but is no news", async () => {
  const it = new FollowerBench();
  await it.report(9, "refused", 8, "too old");
  await it.open(good);
  await settle();
  const { state, notice } = it.follower.status();
  assert.deepEqual([state, notice], ["refused", null]);
  await it.report(1, "copying", null);
  await it.passS(1);
  assert.equal(it.follower.status().notice, "under-way");
});

test("an update that ends within the daemon's first second is news", async () => {
  const it = await daemon(good);
  await settle();
  await it.report(1, "refused", 8, "too old");
  await it.passS(1);
  assert.deepEqual([it.follower.status().state, it.follower.status().notice], ["refused", "bad"]);
});

test("an updater that is silent for more than 15 s is gone", async () => {
  const it = await daemon(good);
  await it.report(1, "staging");
  await it.passS(1);
  await it.passS(15);
  assert.equal(it.follower.status().state, "staging");
  await it.passS(1);
  const { state, reason, notice } = it.follower.status();
  assert.deepEqual([state, reason, notice], ["failed", "the updater ended while staging", "bad"]);
  await it.report(2, "staging");
  await it.passS(1);
  assert.equal(it.follower.status().state, "staging");
});

test("a probation that nobody watches is still one, as the record says", async () => {
  const it = await daemon(onProbation);
  assert.deepEqual([it.follower.status().state, it.follower.status().version], ["probation", 8]);
  await it.report(1, "probation");
  await it.passS(30);
  assert.deepEqual([it.follower.status().state, it.follower.status().notice], ["probation", "under-way"]);
});

test("every state that an updater can be in is told", async () => {
  const it = await daemon(good);
  const states = [
    ...["idle", "copying", "verifying", "staging", "switching", "probation"],
    ...["good", "rolled-back", "refused", "failed"],
  ];
  for (const [beat, state] of states.entries()) {
    await it.report(beat, state);
    await it.passS(1);
    assert.deepEqual([it.follower.status().state, it.follower.status().version], [state, 8]);
  }
});

test("a report that is no report is passed over", async () => {
  const it = await daemon(good);
  await it.disk.create("/run/report.json");
  await it.passS(2);
  assert.deepEqual([it.follower.status().state, it.running], ["good", ["slot-a", 7, null]]);
});

test("damage of the record is said once, and again when it comes back after it was mended", async () => {
  const it = await daemon(good);
  const said = (): number => it.logged.filter((line) => line.includes("counts in its place")).length;
  for (const times of [1, 2]) {
    it.disk.rot("/state/state.json", 0);
    await it.passS(3);
    assert.equal(said(), times);
    await it.store.write(good);
    await it.passS(2);
  }
});
