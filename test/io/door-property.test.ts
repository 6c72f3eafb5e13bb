/** The door's invariants under random commands, clocks and failures. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { KioskError } from "../../src/core/errors.ts";
import type { Wiring } from "../../src/io/door.ts";
import { makeDoor, maxUnlockMs } from "../sim/door-bench.ts";

test("whatever is commanded, and whenever the line fails: open only within a lease, and truly told", () => {
  let openCount = 0;
  let failureCount = 0;
  const step = fc.record({
    afterMs: fc.nat(4000),
    command: fc.oneof(
      { weight: 1, arbitrary: fc.constant("lock" as const) },
      { weight: 4, arbitrary: fc.integer({ min: -1000, max: 3 * maxUnlockMs }) },
      { weight: 1, arbitrary: fc.constantFrom(NaN, Infinity, -Infinity) },
    ),
    failures: fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, fc.nat(6)),
    earlyMs: fc.nat(3),
  });
  const property = fc.property(
    fc.constantFrom<Wiring>("fail-secure", "fail-safe"),
    fc.array(step, { maxLength: 12 }),
    (wiring, steps) => {
      const { time, line, door, isOpen, unlockFor, lock } = makeDoor(wiring);
      let latestMs = 0;
      const check = (): void => {
        // Six failures in a row are over after at most 600 ms of retrying.
        if (isOpen() && time.nowMs() >= latestMs) time.advance(601);
        if (!isOpen()) return;
        openCount++;
        assert.ok(time.nowMs() < latestMs, `open at ${time.nowMs()}, lease until ${latestMs}`);
        assert.equal(door.state.kind, "unlocked");
      };
      for (const { afterMs, command, failures, earlyMs } of steps) {
        time.advance(afterMs);
        check();
        time.earlyMs = earlyMs;
        line.failures = { count: failures };
        const isLease = typeof command === "number" && Number.isFinite(command);
        latestMs = isLease ? time.nowMs() + Math.min(command, maxUnlockMs) : 0;
        try {
          if (command === "lock") lock();
          else unlockFor(command);
        } catch (error) {
          assert.ok(error instanceof KioskError);
          failureCount++;
        }
        check();
      }
      line.failures = { count: 0 };
      time.advance(maxUnlockMs);
      assert.equal(isOpen(), false);
      assert.deepEqual(door.state, { kind: "locked" });
      assert.equal(time.pendingCount, 0);
    },
  );
  fc.assert(property, { numRuns: 300 });
  assert.ok(openCount > 300 && failureCount > 100, `opened ${openCount} times, ${failureCount} failures`);
});
