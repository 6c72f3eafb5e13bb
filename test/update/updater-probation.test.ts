/** The end of a probation: by a wish, and by what the daemon was seen to do at the switch, after it and before a power cut. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { PowerCut } from "../sim/sim-disk.ts";
import { Kiosk, kiosk, nextWorks } from "./updater-kiosk.ts";

for (const [end, kind, version] of [
  ["good", "good", 2],
  ["back", "rolled-back", 1],
] as const) {
  test(`a wish (${end}) ends the probation that it names before that decides, and is asked for before the daemon`, async () => {
    const it = await kiosk();
    const asked: number[] = [];
    it.wish = (trial) => {
      asked.push(trial);
      return asked.length === 2 ? end : undefined;
    };
    let answers = 0;
    it.instead = {
      daemon: () => {
        answers += 1;
        return Promise.reject(new Error("no answer"));
      },
    };
    const { lastId } = await it.store.record();
    assert.equal((await it.update("begin", 2)).kind, kind);
    assert.deepEqual([asked, answers], [[lastId + 1, lastId + 1], 2]);
    assert.equal(await it.works(), version);
    it.wish = () => undefined;
    await nextWorks(it);
  });
}
test("a daemon that hangs at the switch ends the update without one, and the next bundle installs", async () => {
  const it = await kiosk();
  it.instead = { daemon: () => new Promise<never>(() => undefined) };
  const ending = await it.update("begin", 2);
  assert.deepEqual(
    [ending.kind, "reason" in ending && ending.reason],
    ["failed", "switching took longer than 5 s"],
  );
  assert.equal(await it.works(), 1);
  await nextWorks(it);
});

test("a daemon that ended and came back between the switch and the first look has started anew", async () => {
  const it = await kiosk();
  it.sample = { uptimeMs: 0 };
  const ending = await it.update("begin", 2);
  assert.equal("reason" in ending && ending.reason, "the daemon started anew during the probation");
  assert.deepEqual(it.told.slice(-2), ["probation", "rolled-back"]);
  await nextWorks(it);
});

test("a candidate that is too slow is rolled back also by the process that resumes its probation after a power cut", async () => {
  const unproven = { running: null };
  const whole = await kiosk();
  whole.sample = unproven;
  assert.equal((await whole.update("begin", 2)).kind, "rolled-back");
  const it = await kiosk();
  it.sample = unproven;
  // The rollback is two files, five operations each.
  it.disk.cutBefore = whole.disk.operations - 10;
  await assert.rejects(it.update("begin", 2), PowerCut);
  const after = new Kiosk(it.disk.afterPowerCut(() => false));
  after.sample = { framesPerSecond: 4.9 };
  const ending = await after.update("resume");
  assert.equal("reason" in ending && ending.reason, "too slow: 4.9 frames/s where it were 10.0 before");
  assert.equal(await after.works(), 1);
  await nextWorks(after);
});

test("an updater that hands over ends with the switch, and whoever resumes begins the first of three probations", async () => {
  const it = await kiosk();
  const { ledger } = await it.store.record();
  const ending = await it.update("begin", 2, true);
  assert.deepEqual([ending.kind, it.told.at(-1)], ["probation", "probation"]);
  const { active, trial, ledger: during } = await it.store.record();
  assert.deepEqual([active.version, trial?.attempts, during], [2, 0, ledger]);
  assert.equal((await it.update("begin", 3)).kind, "refused");
  assert.equal((await it.update("resume")).kind, "good");
  assert.deepEqual((await it.store.record()).ledger.counters, { key: 2 });
  await nextWorks(it);
});

test("a candidate that was handed over goes back after the third probation that was cut off, and no sooner", async () => {
  const it = await kiosk();
  await it.update("begin", 2, true);
  for (const attempts of [1, 2, 3]) {
    it.wish = () => {
      throw new PowerCut();
    };
    await assert.rejects(it.update("resume"), PowerCut);
    assert.equal((await it.store.record()).trial?.attempts, attempts);
  }
  it.wish = () => undefined;
  const ending = await it.update("resume");
  assert.equal("reason" in ending && ending.reason, "its probation was cut off 3 times");
  assert.equal(await it.works(), 1);
  await nextWorks(it);
});
