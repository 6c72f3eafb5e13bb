/** A model that kills the daemon while it is loaded: the daemon comes back with the one before, and tries it twice at most. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { rollBack } from "../../src/core/update-record.ts";
import { FollowerBench, good, onProbation, second } from "../sim/follower-bench.ts";
import type { SimDisk } from "../sim/sim-disk.ts";

const file = "/note/loading.json";
const reason = "the daemon ended 2 times while it loaded this model";
const never = (): Promise<never> => new Promise(() => undefined);

async function noteOn(disk: SimDisk): Promise<unknown> {
  const bytes = await disk.read(file);
  return bytes && JSON.parse(Buffer.from(bytes).toString());
}

/** A daemon that has started on this disk, and to which nothing has happened yet. */
async function startOn(disk?: SimDisk): Promise<FollowerBench> {
  return new FollowerBench(disk).open(disk ? undefined : good);
}

/** One that ends while it loads the model on probation; the disk after that, without whatever was not synced. */
async function endInLoad(it: FollowerBench): Promise<SimDisk> {
  it.whileLoading = never;
  await it.passS(1);
  assert.equal(it.asked.at(-1), second.id, "no load to end in");
  return it.disk.afterPowerCut(() => false);
}

async function onTrial(): Promise<FollowerBench> {
  const it = await startOn();
  await it.store.write(onProbation);
  return it;
}

test("after the second end during its load it is tried no more, that is said, and the next model is followed", async () => {
  const one = await endInLoad(await onTrial());
  assert.deepEqual(await noteOn(one), { id: 2, bundle: "b8", attempts: 1 });
  const again = await startOn(one);
  assert.deepEqual([again.asked, again.running], [[1], ["slot-a", 7, null]], "the proven one comes first");
  const two = await endInLoad(again);
  const it = await startOn(two);
  await it.passS(5);
  assert.deepEqual([it.asked, it.running, it.given.length], [[1], ["slot-a", 7, 2], 1]);
  assert.equal(it.follower.status().unloadable?.reason, reason);
  await it.store.write({ ...onProbation, lastId: 3, active: { ...second, id: 3 } });
  await it.passS(1);
  assert.deepEqual([it.running, await noteOn(it.disk)], [["slot-b", 8, null], undefined]);
});

test("an end by chance costs nothing: the next load counts anew, as after every one that comes back", async () => {
  let disk = await endInLoad(await onTrial());
  for (const comeBack of ["well", "with an error", "too late"]) {
    const it = await startOn(disk);
    if (comeBack === "with an error") it.broken.set(2, new Error("no"));
    if (comeBack === "too late") it.whileLoading = never;
    await it.passS(40);
    assert.deepEqual([it.asked, await noteOn(it.disk)], [[1, 2], undefined], comeBack);
    disk = await endInLoad(await startOn(it.disk));
  }
});

test("only a model on probation is noted", async () => {
  const it = await onTrial();
  await it.passS(2);
  await it.store.write(rollBack(onProbation, "too slow"));
  await endedIn(it, 1);
  const other = await startOn();
  await other.store.write({ ...good, lastId: 2, active: second });
  await endedIn(other, 2);
  const third = await startOn();
  third.broken.set(2, new Error("no"));
  await third.store.write({ ...onProbation, previous: { ...second, place: "slot-c", id: 9 } });
  await endedIn(third, 9);
});

async function endedIn(it: FollowerBench, id: number): Promise<void> {
  it.whileLoading = never;
  await it.passS(3);
  assert.deepEqual([it.asked.at(-1), await noteOn(it.disk)], [id, undefined]);
}

for (const [what, note, warnings] of [
  ["of another model", { id: 1, bundle: "b8", attempts: 2 }, 0],
  ["of another bundle with its id", { id: 2, bundle: "b7", attempts: 2 }, 0],
  ["that is none", { id: 2 }, 1],
] as const) {
  test(`a note ${what} does not count`, async () => {
    const it = await onTrial();
    await (await it.disk.create(file)).write(Buffer.from(JSON.stringify(note)));
    const disk = await endInLoad(it);
    assert.deepEqual(await noteOn(disk), { id: 2, bundle: "b8", attempts: 1 });
    const said = it.logged.filter((line) => line.includes(`${file}: is not what the daemon writes`));
    assert.equal(said.length, warnings);
  });
}

test("without a note nothing is tried; one that cannot be taken away is said", async () => {
  const full = await onTrial();
  full.disk.failure = { at: full.disk.operations, error: new Error("ENOSPC") };
  await full.passS(3);
  assert.deepEqual([full.asked, full.running], [[1], ["slot-a", 7, 2]]);
  assert.equal(
    full.follower.status().unloadable?.reason,
    `${file}: cannot be written: ENOSPC; no new model is tried without that`,
  );
  const it = await onTrial();
  it.whileLoading = () => {
    it.disk.failure = { at: it.disk.operations, error: new Error("EROFS") };
    return Promise.resolve();
  };
  await it.passS(1);
  assert.deepEqual(it.running, ["slot-b", 8, null]);
  assert.ok(it.logged.some((line) => line.includes(`${file}: cannot be removed: EROFS`)));
});

test("wherever the power goes while a note is written or taken away, what is found is whole, and the model runs in the end", async () => {
  const whole = await onTrial();
  const first = whole.disk.operations;
  await whole.passS(1);
  const count = whole.disk.operations;
  assert.equal(count - first, 7);
  const found = new Set<unknown>();
  for (let cut = first; cut < count; cut++) {
    for (const isKept of [true, false]) {
      const it = await onTrial();
      it.disk.cutBefore = cut;
      await it.passS(1);
      const disk = it.disk.afterPowerCut(() => isKept);
      found.add(JSON.stringify(await noteOn(disk)));
      const next = await startOn(disk);
      await next.passS(1);
      assert.deepEqual([next.running, await noteOn(disk)], [["slot-b", 8, null], undefined]);
    }
  }
  assert.deepEqual([...found].sort(), ['{"id":2,"bundle":"b8","attempts":1}', undefined]);
});

test("whatever ends the daemons: each starts with the proven model, and no more than two in a row end in a load", async () => {
  const reached = { first: 0, second: 0, givenUp: 0, backAgain: 0 };
  const life = fc.record({
    ends: fc.constantFrom("in the load", "in the load", "after the load", "after a failure"),
    isPowerCut: fc.boolean(),
    kept: fc.infiniteStream(fc.boolean()),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(life, { minLength: 1, maxLength: 8 }), async (lives) => {
      let disk = (await onTrial()).disk;
      let inARow = 0;
      for (const { ends, isPowerCut, kept } of lives) {
        const it = await startOn(disk);
        assert.deepEqual([it.asked, it.running.slice(0, 2)], [[1], ["slot-a", 7]]);
        if (ends === "in the load") it.whileLoading = never;
        if (ends === "after a failure") it.broken.set(2, new Error("no"));
        await it.passS(2);
        assert.deepEqual(it.asked, inARow < 2 ? [1, 2] : [1]);
        if (inARow === 2) {
          reached.givenUp += 1;
          assert.equal(it.follower.status().unloadable?.reason, reason);
        } else if (ends === "in the load") {
          inARow += 1;
          reached[inARow === 1 ? "first" : "second"] += 1;
        } else {
          if (inARow === 1) reached.backAgain += 1;
          inARow = 0;
        }
        disk = it.disk.afterPowerCut(() => !isPowerCut || kept.next().value === true);
      }
    }),
    { numRuns: 60 },
  );
  for (const [state, times] of Object.entries(reached))
    assert.ok(times > 5, `reached ${state} ${times} times`);
});
