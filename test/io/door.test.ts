/** Each invariant of src/io/door.ts, for both wirings, in virtual time; and once with real timers on the simulated chip. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, it, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { KioskError } from "../../src/core/errors.ts";
import { lockedLevel, openDoor } from "../../src/io/door.ts";
import { openSimulatedGpio } from "../../src/io/gpio-simulated.ts";
import { makeDoor, maxUnlockMs } from "../sim/door-bench.ts";
import { SimLine } from "../sim/sim-line.ts";
import { VirtualTime } from "../sim/virtual-time.ts";

for (const wiring of ["fail-secure", "fail-safe"] as const) {
  describe(`a ${wiring} door`, () => {
    it("is locked from the start", () => {
      const { door, line, isOpen } = makeDoor(wiring);
      assert.equal(lockedLevel(wiring), wiring === "fail-safe" ? "active" : "inactive");
      assert.deepEqual(line.levels, [wiring === "fail-safe", wiring === "fail-safe"]);
      assert.equal(isOpen(), false);
      assert.deepEqual(door.state, { kind: "locked" });
    });

    it("unlocks, and locks by itself at the lease's end and not before", () => {
      const { door, time, isOpen, unlockFor } = makeDoor(wiring);
      unlockFor(3000);
      assert.deepEqual(door.state, { kind: "unlocked", untilMs: time.nowMs() + 3000 });
      time.advance(2999);
      assert.equal(isOpen(), true);
      time.advance(1);
      assert.equal(isOpen(), false);
      assert.deepEqual(door.state, { kind: "locked" });
      assert.equal(time.pendingCount, 0);
    });

    it("locks when told to, and then has no timer left", () => {
      const { door, time, isOpen, unlockFor, lock } = makeDoor(wiring);
      unlockFor(3000);
      lock();
      assert.equal(isOpen(), false);
      assert.deepEqual(door.state, { kind: "locked" });
      assert.equal(time.pendingCount, 0);
    });

    it("locks when disposed of, releases the line, and stays locked", async () => {
      const { door, line, time, isOpen, unlockFor, lock } = makeDoor(wiring);
      unlockFor(3000);
      await door[Symbol.asyncDispose]();
      await door[Symbol.asyncDispose]();
      assert.equal(isOpen(), false);
      assert.equal(line.isReleased, true);
      assert.deepEqual(door.state, { kind: "locked" });
      assert.equal(time.pendingCount, 0);
      assert.throws(() => {
        unlockFor(1000);
      }, /after it was disposed of/);
      lock();
      assert.equal(isOpen(), false);
    });
  });
}

describe("a lease", () => {
  it("in the past, now or at no time locks", () => {
    const { door, time, isOpen, unlockFor } = makeDoor();
    for (const untilMs of [time.nowMs(), time.nowMs() - 1, -Infinity, Infinity, NaN]) {
      unlockFor(1000);
      assert.equal(isOpen(), true);
      door.apply({ kind: "unlock", untilMs });
      assert.equal(isOpen(), false, String(untilMs));
      assert.deepEqual(door.state, { kind: "locked" });
    }
  });

  it("at a clock that has gone wrong locks", () => {
    const line = new SimLine();
    const time = new VirtualTime();
    const door = openDoor(line, { wiring: "fail-secure", maxUnlockMs }, { nowMs: () => NaN }, time.schedule);
    door.apply({ kind: "unlock", untilMs: 5000 });
    assert.deepEqual(line.levels, [false, false, false]);
  });

  it("that is too long is cut, also when it is asked for again and again", () => {
    const { door, time, isOpen } = makeDoor();
    const untilMs = time.nowMs() + 1_000_000;
    const cutMs = time.nowMs() + maxUnlockMs;
    for (let i = 0; i < 99; i++) {
      door.apply({ kind: "unlock", untilMs });
      assert.deepEqual(door.state, { kind: "unlocked", untilMs: cutMs });
      time.advance(100);
    }
    assert.equal(isOpen(), true);
    time.advance(100);
    assert.equal(isOpen(), false);
    door.apply({ kind: "unlock", untilMs });
    assert.equal(isOpen(), false);
    assert.deepEqual(door.state, { kind: "locked" });
  });

  it("is replaced by the next one, longer or shorter", () => {
    const { time, isOpen, unlockFor } = makeDoor();
    unlockFor(1000);
    time.advance(500);
    unlockFor(2000);
    time.advance(1999);
    assert.equal(isOpen(), true);
    unlockFor(100);
    time.advance(100);
    assert.equal(isOpen(), false);
    assert.equal(time.pendingCount, 0);
  });

  it("ends after a hang of the process as soon as its timer runs", () => {
    const { time, isOpen, unlockFor } = makeDoor();
    unlockFor(1000);
    time.hang(60_000);
    time.advance(0);
    assert.equal(isOpen(), false);
  });

  it("is not shortened by timers that fire early", () => {
    const { time, isOpen, unlockFor } = makeDoor();
    time.earlyMs = 3;
    unlockFor(1000);
    time.advance(999.9);
    assert.equal(isOpen(), true);
    time.advance(1.1);
    assert.equal(isOpen(), false);
  });

  it("of months does not overflow the timer", () => {
    const time = new VirtualTime();
    const line = new SimLine();
    const door = openDoor(line, { wiring: "fail-secure", maxUnlockMs: 2 ** 33 }, time, time.schedule);
    door.apply({ kind: "unlock", untilMs: time.nowMs() + 2 ** 32 });
    time.advance(600_000);
    assert.equal(line.isActive, true);
    assert.ok(Math.max(...time.delaysMs) <= 60_000);
  });
});

describe("the level", () => {
  it("is set by every command, not only by a change", () => {
    const { line, unlockFor, lock } = makeDoor();
    for (const act of [
      () => {
        unlockFor(1000);
      },
      lock,
    ]) {
      act();
      const before = line.setCount;
      act();
      act();
      assert.equal(line.setCount, before + 2);
    }
  });
});

describe("a line that fails", () => {
  it("on lock: throws, says unlocked, and is tried again until it locks", () => {
    const { door, line, time, isOpen, unlockFor, lock } = makeDoor();
    unlockFor(1000);
    line.failures = { count: 3 };
    assert.throws(lock, KioskError);
    assert.equal(door.state.kind, "unlocked");
    time.advance(250);
    assert.equal(isOpen(), true);
    assert.equal(door.state.kind, "unlocked");
    time.advance(100);
    assert.equal(isOpen(), false);
    assert.deepEqual(door.state, { kind: "locked" });
    assert.equal(time.pendingCount, 0);
  });

  it("at the lease's end: is tried again, and the next command throws", () => {
    const { door, line, time, unlockFor, lock } = makeDoor();
    unlockFor(1000);
    line.failures = { count: 1000 };
    time.advance(2000);
    assert.equal(door.state.kind, "unlocked");
    assert.throws(lock, KioskError);
    assert.ok(line.failures.count < 990, "tried every 100 ms");
    line.failures = { count: 0 };
    time.advance(100);
    assert.deepEqual(door.state, { kind: "locked" });
  });

  it("on lock while locked: no longer says locked", () => {
    const { door, line, lock } = makeDoor();
    line.failures = { count: 1 };
    assert.throws(lock, KioskError);
    assert.equal(door.state.kind, "unlocked");
  });

  it("on unlock: throws, and is locked, because its level is unknown", () => {
    const { door, line, unlockFor, time } = makeDoor();
    line.failures = { level: true, count: 1 };
    const before = line.setCount;
    assert.throws(() => {
      unlockFor(1000);
    }, KioskError);
    assert.equal(line.setCount, before + 2);
    assert.deepEqual(door.state, { kind: "locked" });
    assert.equal(time.pendingCount, 0);
  });

  it("on a renewed unlock: locks at once", () => {
    const { door, line, unlockFor, isOpen } = makeDoor();
    unlockFor(1000);
    line.failures = { level: true, count: 1 };
    assert.throws(() => {
      unlockFor(2000);
    }, KioskError);
    assert.equal(isOpen(), false);
    assert.deepEqual(door.state, { kind: "locked" });
  });

  it("on disposing: is tried again, released all the same, and reported", async () => {
    const passing = makeDoor();
    passing.unlockFor(1000);
    passing.line.failures = { count: 2 };
    await passing.door[Symbol.asyncDispose]();
    assert.equal(passing.isOpen(), false);

    const lasting = makeDoor();
    lasting.unlockFor(1000);
    lasting.line.failures = { count: 1000 };
    await assert.rejects(Promise.resolve(lasting.door[Symbol.asyncDispose]()), KioskError);
    assert.equal(lasting.line.isReleased, true);
    assert.equal(lasting.door.state.kind, "unlocked");
    assert.equal(lasting.time.pendingCount, 0);
  });
});

test("a hard maximum that is no time is refused", () => {
  for (const wrong of [0, -1, NaN, Infinity]) {
    assert.throws(
      () => openDoor(new SimLine(), { wiring: "fail-secure", maxUnlockMs: wrong }, new VirtualTime()),
      RangeError,
    );
  }
});

test("with real timers, on a line that others can read", async () => {
  const dir = mkdtempSync(path.join(tmpdir(), "maskgate-door-"));
  try {
    await using gpio = openSimulatedGpio(dir);
    const line = gpio.requestOutput(
      { chip: "board", offset: 7, isActiveLow: true, consumer: "door" },
      lockedLevel("fail-safe"),
    );
    const clock = { nowMs: () => performance.now() };
    await using door = openDoor(line, { wiring: "fail-safe", maxUnlockMs: 1000 }, clock);
    const level = (): string => readFileSync(path.join(dir, "board/sim_gpio7/value"), "utf8");
    assert.equal(level(), "0\n");
    door.apply({ kind: "unlock", untilMs: clock.nowMs() + 80 });
    assert.equal(level(), "1\n");
    await sleep(200);
    assert.equal(level(), "0\n");
    assert.deepEqual(door.state, { kind: "locked" });
  } finally {
    rmSync(dir, { recursive: true });
  }
});
