/** What every GPIO driver promises of inputs. It runs wherever the contract of the outputs runs. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Gpio, InputSettings } from "../../src/io/gpio.ts";
import { failure, type GpioBench, settings } from "./gpio-contract.ts";

/** A machine whose inputs can be moved from outside. */
export interface GpioInputBench extends Omit<GpioBench, "keepsLevel" | "history"> {
  /** Puts a line that is held as an input, or by nobody, at a level from outside. */
  drive(offset: number, physical: 0 | 1): void;
  /** Whether this process drives the line. */
  isOutput?(offset: number): boolean;
  /** The driver can choose a pull resistor. */
  readonly hasBias: boolean;
}

export function gpioInputContract(name: string, makeBench: () => Promise<GpioInputBench>): void {
  describe(`GPIO input contract: ${name}`, () => {
    const onBench = (
      title: string,
      run: (bench: GpioInputBench, gpio: Gpio) => void | Promise<void>,
    ): void => {
      it(title, async () => {
        await using bench = await makeBench();
        await using gpio = await bench.open();
        await run(bench, gpio);
      });
    };

    for (const isActiveLow of [false, true]) {
      onBench(`reads the level from outside, active-low ${isActiveLow ? "yes" : "no"}`, (bench, gpio) => {
        const line = gpio.requestInput({ ...inputSettings(bench, 1), isActiveLow });
        for (const physical of [1, 0, 1, 1, 0, 0] as const) {
          bench.drive(1, physical);
          assert.equal(line.read(), (physical === 1) !== isActiveLow);
          assert.equal(line.read(), (physical === 1) !== isActiveLow, "a second look changes nothing");
          assert.equal(bench.physical(1), physical);
        }
      });
    }

    onBench("is never driven: not on request, not by reading, not on release", (bench, gpio) => {
      const line = gpio.requestInput(inputSettings(bench, 1));
      bench.drive(1, 1);
      line.read();
      assert.notEqual(bench.isOutput?.(1), true);
      line.release();
      assert.notEqual(bench.isOutput?.(1), true);
    });

    onBench("rests at its bias until something moves it", (bench, gpio) => {
      if (!bench.hasBias) return;
      const up = gpio.requestInput({ ...inputSettings(bench, 0), bias: "pull-up" });
      const down = gpio.requestInput({ ...inputSettings(bench, 1), bias: "pull-down" });
      assert.deepEqual([up.read(), down.read()], [true, false]);
      bench.drive(0, 0);
      bench.drive(1, 1);
      assert.deepEqual([up.read(), down.read()], [false, true]);
    });

    onBench("stands beside outputs, and each moves alone", (bench, gpio) => {
      const output = gpio.requestOutput(settings(bench, 0), "inactive");
      const first = gpio.requestInput(inputSettings(bench, 1));
      const second = gpio.requestInput(inputSettings(bench, 2));
      bench.drive(1, 1);
      bench.drive(2, 0);
      output.set(true);
      assert.deepEqual([first.read(), second.read(), bench.physical(0)], [true, false, 1]);
      bench.drive(2, 1);
      output.set(false);
      assert.deepEqual([first.read(), second.read(), bench.physical(0)], [true, true, 0]);
    });

    onBench("a held input is refused, by name, as an input and as an output", async (bench, gpio) => {
      gpio.requestInput({ ...inputSettings(bench, 1), consumer: "maskgate contact" });
      const isRefusal = failure(bench, 1, /held by "maskgate contact"/);
      assert.throws(() => gpio.requestInput(inputSettings(bench, 1)), isRefusal);
      assert.throws(() => gpio.requestOutput(settings(bench, 1), "inactive"), isRefusal);
      if (!bench.knowsHolders) return;
      await using other = await bench.open();
      assert.throws(() => other.requestInput(inputSettings(bench, 1)), isRefusal);
    });

    onBench(
      "a released input can be requested again, and its old holder reads nothing more",
      (bench, gpio) => {
        const line = gpio.requestInput(inputSettings(bench, 2));
        line.release();
        line.release();
        assert.throws(() => line.read(), /after its release/);
        gpio.requestOutput(settings(bench, 2), "inactive").release();
        bench.drive(2, 0);
        assert.equal(gpio.requestInput(inputSettings(bench, 2)).read(), false);
      },
    );

    onBench("disposing releases inputs, too", async (bench, gpio) => {
      for (const offset of [0, 1]) gpio.requestInput(inputSettings(bench, offset));
      await gpio[Symbol.asyncDispose]();
      assert.throws(() => gpio.requestInput(inputSettings(bench, 0)), /after it was disposed of/);
      await using again = await bench.open();
      for (const offset of [0, 1]) again.requestInput(inputSettings(bench, offset));
    });

    onBench("a line beyond the chip's end and one that is no number are refused", (bench, gpio) => {
      const { lineCount } = bench;
      assert.throws(() => gpio.requestInput(inputSettings(bench, 1.5)), failure(bench, 1.5, /whole number/));
      if (lineCount === undefined) return;
      const isRefusal = failure(bench, lineCount, new RegExp(`from 0 to ${lineCount - 1}$`));
      assert.throws(() => gpio.requestInput(inputSettings(bench, lineCount)), isRefusal);
    });
  });
}

/** An input without a bias, which every driver takes. */
export function inputSettings(bench: { readonly chip: string }, offset: number): InputSettings {
  return { ...settings(bench, offset), bias: "none" };
}
