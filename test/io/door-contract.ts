/** What every `Door` promises, whoever drives its line: one suite for the lines in this process and for those behind the lease socket. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { KioskError } from "../../src/core/errors.ts";
import type { Door, DoorCommand } from "../../src/core/ports.ts";
import type { Wiring } from "../../src/io/door.ts";
import type { SimLine } from "../sim/sim-line.ts";

export const maxUnlockMs = 10_000;

export interface DoorBench extends AsyncDisposable {
  readonly door: Door;
  readonly line: SimLine;
  nowMs(): number;
  /** Applies it and waits until that has taken effect; returns what `apply` threw. */
  apply(command: DoorCommand): Promise<unknown>;
  /** Lets time pass in which the command is said again and again, as the loop does. */
  pass(ms: number, command: DoorCommand): Promise<void>;
}

const lock: DoorCommand = { kind: "lock" };

export function doorContract(name: string, open: (wiring: Wiring) => Promise<DoorBench>): void {
  for (const wiring of ["fail-secure", "fail-safe"] as const) {
    describe(`${name}, ${wiring}`, () => {
      const isOpen = ({ line }: DoorBench): boolean => line.isActive !== (wiring === "fail-safe");
      const unlock = (bench: DoorBench, ms: number): DoorCommand => ({
        kind: "unlock",
        untilMs: bench.nowMs() + ms,
      });

      it("is locked from the start", async () => {
        await using bench = await open(wiring);
        assert.equal(isOpen(bench), false);
        assert.deepEqual(new Set(bench.line.levels), new Set([wiring === "fail-safe"]));
        assert.deepEqual(bench.door.state, { kind: "locked" });
        assert.equal(bench.door.report.kind, "locked");
      });

      it("unlocks, and locks by itself at the lease's end and not before", async () => {
        await using bench = await open(wiring);
        const command = unlock(bench, 3000);
        assert.equal(await bench.apply(command), undefined);
        assert.deepEqual(bench.door.state, command.kind === "unlock" && { ...command, kind: "unlocked" });
        await bench.pass(2950, command);
        assert.equal(isOpen(bench), true);
        assert.equal(bench.door.report.kind, "unlocked");
        await bench.pass(50, command);
        assert.equal(isOpen(bench), false);
        assert.deepEqual(bench.door.state, { kind: "locked" });
        await bench.pass(500, command);
        assert.equal(isOpen(bench), false);
      });

      it("locks when told to", async () => {
        await using bench = await open(wiring);
        await bench.apply(unlock(bench, 3000));
        assert.equal(isOpen(bench), true);
        assert.equal(await bench.apply(lock), undefined);
        assert.equal(isOpen(bench), false);
        assert.deepEqual(bench.door.state, { kind: "locked" });
      });

      it("locks for a time that is over, now, or no time", async () => {
        await using bench = await open(wiring);
        const now = bench.nowMs();
        for (const untilMs of [now, now - 1, -Infinity, Infinity, NaN]) {
          await bench.apply(unlock(bench, 1000));
          assert.equal(isOpen(bench), true);
          await bench.apply({ kind: "unlock", untilMs });
          assert.equal(isOpen(bench), false, String(untilMs));
          assert.deepEqual(bench.door.state, { kind: "locked" });
        }
      });

      it("cuts a lease that is too long, however often it is asked for", async () => {
        await using bench = await open(wiring);
        const command = unlock(bench, 1_000_000);
        await bench.apply(command);
        await bench.pass(maxUnlockMs - 100, command);
        assert.equal(isOpen(bench), true);
        await bench.pass(100, command);
        assert.equal(isOpen(bench), false);
        await bench.pass(1000, command);
        assert.equal(isOpen(bench), false);
      });

      it("takes the next lease instead of the last, longer or shorter", async () => {
        await using bench = await open(wiring);
        const first = unlock(bench, 1000);
        await bench.apply(first);
        await bench.pass(500, first);
        const longer = unlock(bench, 2000);
        await bench.pass(1950, longer);
        assert.equal(isOpen(bench), true);
        const shorter = unlock(bench, 100);
        await bench.apply(shorter);
        await bench.pass(100, shorter);
        assert.equal(isOpen(bench), false);
      });

      it("sets the level with every command, not only with a change", async () => {
        await using bench = await open(wiring);
        for (const command of [unlock(bench, 1000), lock]) {
          await bench.apply(command);
          const before = bench.line.setCount;
          await bench.apply(command);
          await bench.apply(command);
          assert.ok(bench.line.setCount >= before + 2, command.kind);
        }
      });

      it("throws when its line fails, by the next command at the latest, and tries until it locks", async () => {
        await using bench = await open(wiring);
        await bench.apply(unlock(bench, 1000));
        bench.line.failures = { count: 1_000_000 };
        const thrown = [await bench.apply(lock), await bench.apply(lock)].find((one) => one !== undefined);
        assert.ok(thrown instanceof KioskError);
        assert.equal(thrown.code, "gpio-failed");
        assert.equal(bench.door.state.kind, "unlocked");
        bench.line.failures = { count: 2 };
        await bench.pass(400, lock);
        assert.equal(isOpen(bench), false);
        assert.equal(await bench.apply(lock), undefined);
        assert.deepEqual(bench.door.state, { kind: "locked" });
      });

      it("locks when disposed of, and stays locked", async () => {
        await using bench = await open(wiring);
        await bench.apply(unlock(bench, 3000));
        assert.equal(isOpen(bench), true);
        await bench[Symbol.asyncDispose]();
        assert.equal(isOpen(bench), false);
        assert.throws(() => {
          bench.door.apply(unlock(bench, 1000));
        }, /after it was disposed of/);
        bench.door.apply(lock);
        assert.equal(isOpen(bench), false);
      });
    });
  }
}
