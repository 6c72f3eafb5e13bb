/** Which of its models the daemon starts with. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { UpdateRecord } from "../../src/core/update-record.ts";
import { FollowerBench, onProbation } from "../sim/follower-bench.ts";

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
