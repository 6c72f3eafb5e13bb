/** The keeper and the fire alarm, in virtual time. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { sampleMs } from "../../src/io/door-keeper.ts";
import { keeperBench, type KeeperBenchOptions } from "../sim/keeper-bench.ts";

const lock = { kind: "lock" } as const;
const endless = { kind: "unlocked", untilMs: Infinity };
const fitted = ["fireAlarm"] as const;

/** With the alarm raised, read, and over again. */
function afterFire(options: KeeperBenchOptions) {
  const bench = keeperBench({ inputs: fitted, ...options });
  bench.time.advance(300);
  bench.set("fireAlarm", true);
  bench.time.advance(300);
  assert.equal(bench.isOpen(), true);
  bench.set("fireAlarm", false);
  bench.time.advance(300);
  return bench;
}

for (const wiring of ["fail-secure", "fail-safe"] as const) {
  describe(`a fire alarm, ${wiring}`, () => {
    it("releases the lock once it counts, over every command", async () => {
      await using bench = keeperBench({ wiring, inputs: fitted });
      bench.time.advance(300);
      bench.news();
      bench.set("fireAlarm", true);
      bench.time.advance(199);
      assert.equal(bench.isOpen(), false);
      bench.time.advance(1 + sampleMs);
      assert.equal(bench.isOpen(), true);
      assert.deepEqual(bench.news(), ["fireAlarm on", "fire release on", "door locked -> unlocked"]);
      bench.door.apply(lock);
      bench.unlockFor(100);
      bench.time.advance(5000);
      assert.deepEqual([bench.isOpen(), bench.door.state], [true, endless]);
      assert.equal(bench.door.report.fault?.code, "fire-alarm");
    });

    it("that is over locks by itself if the configuration says so", async () => {
      await using bench = afterFire({ wiring, policy: { fireClears: "by-itself" } });
      assert.deepEqual([bench.isOpen(), bench.door.state], [false, { kind: "locked" }]);
      assert.deepEqual(bench.news().slice(-3), [
        "fireAlarm off",
        "fire release off",
        "door unlocked -> locked",
      ]);
    });

    it("that is over leaves the lock free until the keeper ends, which locks", async () => {
      const bench = afterFire({ wiring });
      bench.time.advance(5000);
      bench.door.apply(lock);
      assert.equal(bench.isOpen(), true);
      bench.news();
      await bench.door[Symbol.asyncDispose]();
      assert.deepEqual([bench.isOpen(), bench.door.state], [false, { kind: "locked" }]);
      assert.deepEqual(bench.news(), ["fire release off", "door unlocked -> locked"]);
      await bench[Symbol.asyncDispose]();
    });

    it("that cannot be read any more ends no release", async () => {
      await using bench = keeperBench({ wiring, inputs: fitted, policy: { fireClears: "by-itself" } });
      bench.time.advance(300);
      bench.set("fireAlarm", true);
      bench.time.advance(300);
      bench.write("fireAlarm", "nonsense");
      bench.time.advance(3000);
      assert.equal(bench.isOpen(), true);
    });

    it("of before the keeper is a release from its first moment, that no command and no alarm-free line ends", async () => {
      await using bench = keeperBench({ wiring, inputs: fitted, isFireReleased: true });
      const { door, line, time } = bench;
      assert.deepEqual(
        [door.state, door.report.kind, door.report.isFireReleased],
        [endless, "unlocked", true],
      );
      time.advance(1000);
      door.apply(lock);
      bench.unlockFor(100);
      time.advance(5000);
      assert.deepEqual(new Set(line.levels), new Set([wiring === "fail-secure"]), "never locked");
      assert.ok(line.setCount > 0);
      assert.deepEqual(bench.news(), ["fireAlarm off"], "the release is no news");
      await door[Symbol.asyncDispose]();
      assert.equal(bench.isOpen(), false, "though its line was requested open");
    });

    it("of before the keeper, which clears by itself, locks when the alarm is read as over and not before", async () => {
      const policy = { fireClears: "by-itself" } as const;
      const on = fitted;
      await using bench = keeperBench({ wiring, inputs: fitted, isFireReleased: true, policy, on });
      bench.time.advance(3000);
      assert.equal(bench.isOpen(), true);
      bench.set("fireAlarm", false);
      bench.time.advance(199);
      assert.equal(bench.isOpen(), true);
      bench.time.advance(1 + sampleMs);
      assert.equal(bench.isOpen(), false);
    });
  });
}

it("a fire alarm that is to release nothing is told, and moves no lock", async () => {
  await using bench = keeperBench({ inputs: fitted, policy: { fireRelease: false } });
  bench.time.advance(300);
  bench.news();
  bench.set("fireAlarm", true);
  bench.time.advance(1000);
  assert.deepEqual([bench.news(), bench.isOpen()], [["fireAlarm on"], false]);
});
