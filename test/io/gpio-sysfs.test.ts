/** The sysfs driver keeps the contract: the real onoff over a /sys/class/gpio of the tests. */
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import { loadOnoff } from "../../src/io/gpio-onoff.ts";
import { openSysfsGpio } from "../../src/io/gpio-sysfs.ts";
import { SimSysfs } from "../sim/sim-sysfs.ts";
import { failure, gpioContract, settings } from "./gpio-contract.ts";
import { gpioInputContract, inputSettings } from "./gpio-input-contract.ts";

for (const chip of ["gpiochip512", "tegra-gpio"]) {
  gpioContract(`sysfs, chip named ${chip}`, () => Promise.resolve(makeBench(chip)));
  gpioInputContract(`sysfs, chip named ${chip}`, () => Promise.resolve(makeBench(chip)));
}

function makeBench(chip = "tegra-gpio") {
  const sysfs = new SimSysfs();
  sysfs.addChip("max77620-gpio", 1000, 8);
  const { lines } = sysfs.addChip("tegra-gpio", 512, 8);
  return {
    chip,
    sysfs,
    lines,
    open: () => openSysfsGpio(sysfs),
    physical: (offset: number) => lines[offset]?.physical ?? 0,
    history: (offset: number) => lines[offset]?.history ?? [],
    drive: (offset: number, physical: 0 | 1) => {
      const line = lines[offset];
      if (line !== undefined) line.physical = physical;
    },
    isOutput: (offset: number) => lines[offset]?.direction === "out",
    hasBias: false,
    lineCount: 8,
    knowsHolders: false,
    keepsLevel: true,
    [Symbol.asyncDispose]: () => {
      assert.equal(sysfs.openFileCount, 0, "files left open");
      assert.deepEqual(
        lines.filter((line) => line.isExported),
        [],
        "lines left exported",
      );
      return Promise.resolve();
    },
  };
}

test("a line that a killed daemon left exported, active and inverted is taken over without a further pulse", async () => {
  for (const physical of [0, 1] as const) {
    await using bench = makeBench();
    const [line] = bench.lines;
    assert.ok(line);
    Object.assign(line, { isExported: true, direction: "out", isActiveLow: true, physical });
    await using gpio = bench.open();
    gpio.requestOutput(settings(bench, 0), "inactive").set(true);
    assert.deepEqual(line.history, [0, 1]);
    assert.equal(line.isActiveLow, false);
  }
});

test("a line that a killed daemon left as an output becomes an input, or is refused", async () => {
  await using bench = makeBench();
  const [line] = bench.lines;
  assert.ok(line);
  Object.assign(line, { isExported: true, direction: "out", isActiveLow: true, physical: 1 });
  await using gpio = bench.open();
  const input = gpio.requestInput(inputSettings(bench, 0));
  assert.deepEqual([line.direction, line.isActiveLow, input.read()], ["in", false, true]);
  input.release();
  Object.assign(line, { isExported: true, direction: "out" });
  bench.sysfs.readOnly.add("direction");
  assert.throws(
    () => gpio.requestInput(inputSettings(bench, 0)),
    failure(bench, 0, /whose settings cannot be changed/),
  );
});

test("a bias is refused, because sysfs has none", async () => {
  await using bench = makeBench();
  await using gpio = bench.open();
  for (const bias of ["pull-up", "pull-down"] as const) {
    assert.throws(
      () => gpio.requestInput({ ...inputSettings(bench, 0), bias }),
      failure(
        bench,
        0,
        new RegExp(`cannot set the bias "${bias}"; fit a resistor .* choose the bias "none"`),
      ),
    );
  }
});

test("a line held by a driver of the kernel is refused", async () => {
  await using bench = makeBench();
  Object.assign(bench.lines[0] ?? {}, { isBusy: true });
  await using gpio = bench.open();
  const isRefusal = failure(bench, 0, /held by a driver or another program; .*\/sys\/kernel\/debug\/gpio/);
  assert.throws(() => gpio.requestOutput(settings(bench, 0), "inactive"), isRefusal);
});

test("no permission: the mend is the group and the udev rule", async () => {
  await using bench = makeBench();
  bench.sysfs.isForbidden = true;
  await using gpio = bench.open();
  const isRefusal = failure(
    bench,
    0,
    /no permission .*add the user to the group that owns \/sys\/class\/gpio\/export/,
  );
  assert.throws(() => gpio.requestOutput(settings(bench, 0), "inactive"), isRefusal);
});

test("a line's files that udev gives to the group late are waited for, up to three seconds", async () => {
  // onoff opens the first file 10,000 times before it gives up.
  for (const [denied, pauses] of [
    [10_003, 3],
    [Infinity, 150],
  ] as const) {
    await using bench = makeBench();
    bench.sysfs.deniedOpens = denied;
    const pausedMs: number[] = [];
    await using gpio = openSysfsGpio(bench.sysfs, (ms) => pausedMs.push(ms));
    const request = () => gpio.requestOutput(settings(bench, 0), "active");
    if (denied === Infinity) assert.throws(request, failure(bench, 0, /no permission .*udev rule/));
    else {
      request();
      assert.deepEqual(bench.lines[0]?.history, [1]);
    }
    assert.deepEqual(pausedMs, Array<number>(pauses).fill(20));
    bench.sysfs.deniedOpens = 0;
    if (denied === Infinity) bench.sysfs.writeFileSync("/sys/class/gpio/unexport", "512");
  }
});

test("an exported line whose direction cannot be changed is refused, though onoff passes over that", async () => {
  await using bench = makeBench();
  Object.assign(bench.lines[0] ?? {}, { isExported: true });
  bench.sysfs.readOnly.add("direction");
  await using gpio = bench.open();
  assert.throws(
    () => gpio.requestOutput(settings(bench, 0), "active"),
    failure(bench, 0, /whose settings cannot be changed/),
  );
});

test("a kernel without /sys/class/gpio: the mend is another driver", async () => {
  await using gpio = openSysfsGpio(new SimSysfs());
  const isRefusal = failure(
    { chip: "gpiochip0" },
    0,
    /shows no chips in \/sys\/class\/gpio: .*"character-device".*"simulated"/,
  );
  assert.throws(() => gpio.requestOutput(settings({ chip: "gpiochip0" }, 0), "inactive"), isRefusal);
});

test("two chips with one label: the mend is a folder's name", async () => {
  await using bench = makeBench();
  bench.sysfs.addChip("tegra-gpio", 2000, 8);
  await using gpio = bench.open();
  const isRefusal = failure(bench, 0, /several chips have this label: gpiochip512, gpiochip2000/);
  assert.throws(() => gpio.requestOutput(settings(bench, 0), "inactive"), isRefusal);
});

test("loading onoff needs no built epoll and leaves require as it was", () => {
  const { cache } = createRequire(import.meta.url);
  const before = Object.keys(cache);
  assert.equal(loadOnoff().name, "Gpio");
  assert.notEqual(loadOnoff(new SimSysfs()), loadOnoff());
  const left = Object.keys(cache).filter((id) => !before.includes(id));
  assert.deepEqual(
    left.filter((id) => !id.includes("lodash.debounce")),
    [],
  );
});
