/** What every GPIO driver promises of outputs. It runs on the simulator, on both drivers over kernels of the tests, and on the real kernel's gpio-sim where there is one. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { KioskError } from "../../src/core/errors.ts";
import type { Gpio, LineSettings } from "../../src/io/gpio.ts";

/** A machine with one chip, seen from outside the driver. */
export interface GpioBench extends AsyncDisposable {
  readonly chip: string;
  open(): Gpio | Promise<Gpio>;
  /** The physical level of a line. */
  physical(offset: number): 0 | 1;
  /** Every physical level of a line since it became an output. */
  history?(offset: number): readonly (0 | 1)[];
  /** How many lines the chip has, where there is an end to them. */
  readonly lineCount?: number;
  /** The driver can refuse a line that another opener holds, and say who. */
  readonly knowsHolders: boolean;
  /** The chip keeps its level when the line is given up. */
  readonly keepsLevel: boolean;
}

export function gpioContract(name: string, makeBench: () => Promise<GpioBench>): void {
  describe(`GPIO contract: ${name}`, () => {
    const onBench = (title: string, run: (bench: GpioBench, gpio: Gpio) => void | Promise<void>): void => {
      it(title, async () => {
        await using bench = await makeBench();
        await using gpio = await bench.open();
        await run(bench, gpio);
      });
    };

    for (const isActiveLow of [false, true]) {
      for (const initial of ["active", "inactive"] as const) {
        onBench(
          `starts ${initial}, active-low ${isActiveLow ? "yes" : "no"}, without a glitch`,
          (bench, gpio) => {
            const line = gpio.requestOutput(settings(bench, 1, { isActiveLow }), initial);
            const start = (initial === "active") === isActiveLow ? 0 : 1;
            assert.equal(bench.physical(1), start);
            assert.equal(line.isActive, initial === "active");
            assert.deepEqual(bench.history?.(1) ?? [start], [start]);
            line.set(true);
            assert.equal(bench.physical(1), isActiveLow ? 0 : 1);
            assert.equal(line.isActive, true);
            line.set(false);
            assert.equal(bench.physical(1), isActiveLow ? 1 : 0);
            assert.equal(line.isActive, false);
            assert.equal(bench.history?.(1).length ?? 3, 3);
          },
        );

        onBench(
          `goes back to ${initial} on release, active-low ${isActiveLow ? "yes" : "no"}`,
          (bench, gpio) => {
            const line = gpio.requestOutput(settings(bench, 2, { isActiveLow }), initial);
            line.set(initial !== "active");
            line.release();
            if (bench.keepsLevel)
              assert.equal(bench.physical(2), (initial === "active") === isActiveLow ? 0 : 1);
            assert.equal(line.isActive, initial === "active");
          },
        );

        onBench(
          `is left as its owner asks though it began ${initial}, active-low ${isActiveLow ? "yes" : "no"}`,
          (bench, gpio) => {
            const line = gpio.requestOutput(settings(bench, 2, { isActiveLow }), initial);
            line.release(initial === "active" ? "inactive" : "active");
            assert.equal(line.isActive, initial !== "active");
            if (bench.keepsLevel)
              assert.equal(bench.physical(2), (initial === "active") === isActiveLow ? 1 : 0);
          },
        );
      }
    }

    onBench("moves one line and no other", (bench, gpio) => {
      const first = gpio.requestOutput(settings(bench, 0), "inactive");
      const second = gpio.requestOutput(settings(bench, 3), "inactive");
      second.set(true);
      assert.deepEqual([bench.physical(0), bench.physical(3)], [0, 1]);
      first.set(true);
      second.set(false);
      assert.deepEqual([bench.physical(0), bench.physical(3)], [1, 0]);
    });

    onBench(
      "a released line can be requested again, and its old holder can do nothing more",
      (bench, gpio) => {
        const line = gpio.requestOutput(settings(bench, 2), "inactive");
        line.release();
        const next = gpio.requestOutput(settings(bench, 2), "active");
        line.release();
        assert.throws(() => {
          line.set(false);
        }, /after its release/);
        assert.equal(bench.physical(2), 1);
        next.release();
      },
    );

    onBench("disposing releases every line and ends the port", async (bench, gpio) => {
      const lines = [0, 1, 2].map((offset) => gpio.requestOutput(settings(bench, offset), "inactive"));
      for (const line of lines) line.set(true);
      await gpio[Symbol.asyncDispose]();
      assert.deepEqual(
        lines.map((line) => line.isActive),
        [false, false, false],
      );
      assert.throws(() => gpio.requestOutput(settings(bench, 0), "inactive"), /after it was disposed of/);
      await using again = await bench.open();
      for (const offset of [0, 1, 2]) again.requestOutput(settings(bench, offset), "inactive");
    });

    onBench("a held line is refused, by name, and unharmed", async (bench, gpio) => {
      const line = gpio.requestOutput(settings(bench, 1, { consumer: "maskgate door" }), "active");
      const again = settings(bench, 1, { consumer: "another" });
      const isRefusal = failure(bench, 1, /held by "maskgate door"/);
      assert.throws(() => gpio.requestOutput(again, "inactive"), isRefusal);
      if (bench.knowsHolders) {
        await using other = await bench.open();
        assert.throws(() => other.requestOutput(again, "inactive"), isRefusal);
      }
      assert.equal(bench.physical(1), 1);
      line.set(false);
      assert.equal(bench.physical(1), 0);
    });

    onBench("a line beyond the chip's end is refused, with the allowed range", (bench, gpio) => {
      const { lineCount } = bench;
      if (lineCount === undefined) return;
      gpio.requestOutput(settings(bench, lineCount - 1), "inactive");
      const isRefusal = failure(bench, lineCount, new RegExp(`from 0 to ${lineCount - 1}$`));
      assert.throws(() => gpio.requestOutput(settings(bench, lineCount), "inactive"), isRefusal);
    });

    onBench("an unknown chip is refused, with those that are there", (bench, gpio) => {
      if (bench.lineCount === undefined) return;
      const unknown = { ...settings(bench, 0), chip: "nowhere" };
      assert.throws(
        () => gpio.requestOutput(unknown, "inactive"),
        failure(
          { chip: "nowhere" },
          0,
          new RegExp(`no such chip; this machine has: .*gpiochip\\d+ \\(.*${bench.lineCount} lines\\)`),
        ),
      );
    });

    onBench("an offset that is no line number is refused", (bench, gpio) => {
      for (const offset of [-1, 1.5, Number.NaN]) {
        assert.throws(
          () => gpio.requestOutput(settings(bench, offset), "inactive"),
          failure(bench, offset, /whole number/),
        );
      }
    });
  });
}

export function settings(
  bench: { readonly chip: string },
  offset: number,
  rest: Partial<LineSettings> = {},
): LineSettings {
  return { chip: bench.chip, offset, isActiveLow: false, consumer: "maskgate test", ...rest };
}

/** Is it the KioskError that names the chip, the line and what the pattern says, in one line? */
export function failure(
  bench: { readonly chip: string },
  offset: number,
  pattern: RegExp,
): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof KioskError, String(error));
    assert.equal(error.code, "gpio-failed");
    assert.ok(error.message.startsWith(`GPIO chip "${bench.chip}" line ${offset} (`), error.message);
    assert.match(error.message, pattern);
    assert.doesNotMatch(error.message, /\n/);
    return true;
  };
}
