/** The character-device driver keeps the contract over a kernel of the tests, explains that kernel's refusals, and really calls ioctl. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { openSync, closeSync } from "node:fs";
import { test } from "node:test";
import { openCharacterDeviceGpio } from "../../src/io/gpio-character-device.ts";
import { loadKernelCalls } from "../../src/io/gpio-kernel.ts";
import { SimGpioKernel } from "../sim/sim-gpio-kernel.ts";
import { failure, gpioContract, settings } from "./gpio-contract.ts";
import { gpioInputContract, inputSettings } from "./gpio-input-contract.ts";

for (const chip of ["gpiochip1", "/dev/gpiochip1", "main-gpio"]) {
  gpioContract(`character device, chip named ${chip}`, () => Promise.resolve(makeBench(chip)));
  gpioInputContract(`character device, chip named ${chip}`, () => Promise.resolve(makeBench(chip)));
}

function makeBench(chip = "gpiochip1") {
  const kernel = new SimGpioKernel();
  kernel.addChip("aon-gpio", 8);
  const { lines } = kernel.addChip("main-gpio", 8);
  return {
    chip,
    kernel,
    lines,
    open: () => openCharacterDeviceGpio(kernel),
    physical: (offset: number) => lines[offset]?.physical ?? 0,
    history: (offset: number) => lines[offset]?.history ?? [],
    drive: (offset: number, physical: 0 | 1) => {
      const line = lines[offset];
      if (line !== undefined) line.physical = physical;
    },
    isOutput: (offset: number) => lines[offset]?.isOutput ?? false,
    hasBias: true,
    lineCount: 8,
    knowsHolders: true,
    keepsLevel: true,
    [Symbol.asyncDispose]: () => {
      assert.equal(kernel.openFileCount, 0, "files left open");
      return Promise.resolve();
    },
  };
}

test("a line keeps one file open, a refusal none", async () => {
  await using bench = makeBench();
  await using gpio = await bench.open();
  gpio.requestOutput(settings(bench, 0), "inactive");
  assert.throws(() => gpio.requestOutput(settings(bench, 0), "inactive"));
  assert.throws(() => gpio.requestOutput(settings(bench, 99), "inactive"));
  assert.throws(() => gpio.requestOutput({ ...settings(bench, 0), chip: "nowhere" }, "inactive"));
  assert.equal(bench.kernel.openFileCount, 1);
});

test("the kernel sees the consumer, cut at 31 bytes", async () => {
  await using bench = makeBench();
  await using gpio = await bench.open();
  gpio.requestOutput(settings(bench, 0, { consumer: "maskgate door" }), "inactive");
  gpio.requestOutput(settings(bench, 1, { consumer: "x".repeat(40) }), "inactive");
  assert.equal(bench.lines[0]?.consumer, "maskgate door");
  assert.equal(bench.lines[1]?.consumer, "x".repeat(31));
});

test("no permission: the mend is the group or the udev rule", async () => {
  await using bench = makeBench();
  for (const chip of bench.kernel.chips) chip.isForbidden = true;
  await using gpio = await bench.open();
  const isRefusal = failure(
    bench,
    0,
    /no permission to open \/dev\/gpiochip1; add the user to the group .* udev rule SUBSYSTEM=="gpio"/,
  );
  assert.throws(() => gpio.requestOutput(settings(bench, 0), "inactive"), isRefusal);
  const byLabel = { chip: "main-gpio" };
  const isListed = failure(
    byLabel,
    0,
    /no such chip; this machine has: .*gpiochip1 \(this user may not open it\)/,
  );
  assert.throws(() => gpio.requestOutput(settings(byLabel, 0), "inactive"), isListed);
});

test("no chips at all: the mend is another driver", async () => {
  await using gpio = await openCharacterDeviceGpio(new SimGpioKernel());
  const isRefusal = failure({ chip: "gpiochip0" }, 0, /has no \/dev\/gpiochip\*: .*"sysfs".*"simulated"/);
  assert.throws(() => gpio.requestOutput(settings({ chip: "gpiochip0" }, 0), "inactive"), isRefusal);
});

test("an old kernel: the mend is the sysfs driver", async () => {
  await using bench = makeBench();
  bench.kernel.isOld = true;
  await using gpio = await bench.open();
  assert.throws(
    () => gpio.requestOutput(settings(bench, 0), "inactive"),
    failure(bench, 0, /EINVAL.*before 5\.10.*"sysfs"/),
  );
});

test("two chips with one label: the mend is a name", async () => {
  await using bench = makeBench("main-gpio");
  bench.kernel.addChip("main-gpio", 8);
  await using gpio = await bench.open();
  const isRefusal = failure(bench, 0, /several chips have this label: gpiochip1, gpiochip2/);
  assert.throws(() => gpio.requestOutput(settings(bench, 0), "inactive"), isRefusal);
});

test("a chip that goes away: setting throws, the level stays as it was last commanded, and the line is closed all the same", async () => {
  await using bench = makeBench();
  const gpio = await bench.open();
  const line = gpio.requestOutput(settings(bench, 0), "inactive");
  line.set(true);
  bench.kernel.setFailure = "ENODEV";
  assert.throws(
    () => {
      line.set(false);
    },
    failure(bench, 0, /cannot set its level: ENODEV/),
  );
  assert.equal(line.isActive, true);
  await assert.rejects(Promise.resolve(gpio[Symbol.asyncDispose]()), failure(bench, 0, /ENODEV/));
  assert.equal(bench.kernel.openFileCount, 0);
});

test("an input of a chip that goes away cannot be read, and says so", async () => {
  await using bench = makeBench();
  await using gpio = await bench.open();
  const line = gpio.requestInput(inputSettings(bench, 0));
  bench.kernel.readFailure = "ENODEV";
  assert.throws(() => line.read(), failure(bench, 0, /cannot read its level: ENODEV/));
  bench.kernel.readFailure = undefined;
  bench.drive(0, 1);
  assert.equal(line.read(), true);
});

test("an old kernel has no inputs either", async () => {
  await using bench = makeBench();
  bench.kernel.isOld = true;
  await using gpio = await bench.open();
  assert.throws(
    () => gpio.requestInput(inputSettings(bench, 0)),
    failure(bench, 0, /EINVAL.*"sysfs"; otherwise the chip cannot read this line/),
  );
});

test("disposing releases the other lines when one fails", async () => {
  await using bench = makeBench();
  const gpio = await bench.open();
  for (const offset of [0, 1, 2]) gpio.requestOutput(settings(bench, offset), "inactive");
  bench.kernel.setFailure = "EIO";
  await assert.rejects(Promise.resolve(gpio[Symbol.asyncDispose]()));
  assert.deepEqual(
    bench.lines.map((line) => line.consumer),
    Array.from({ length: 8 }, () => undefined),
  );
});

test("this machine's kernel: ioctl's answer and its errno arrive", async () => {
  const kernel = await loadKernelCalls();
  const fd = openSync("/proc/self/exe", "r");
  const fionread = 0x541b;
  const answer = new Uint8Array(4);
  kernel.ioctl(fd, fionread, answer);
  closeSync(fd);
  assert.ok(new DataView(answer.buffer).getUint32(0, true) > 10_000, String(answer));
  assert.throws(
    () => {
      kernel.ioctl(-1, fionread, answer);
    },
    { code: "EBADF" },
  );
  const terminal = kernel.open("/dev/null");
  assert.throws(
    () => {
      kernel.ioctl(terminal, 0x8044b401, new Uint8Array(68));
    },
    { code: "ENOTTY", message: "ENOTTY: ioctl 0x8044b401" },
  );
  kernel.close(terminal);
});

test("this machine's kernel: what is not a chip is refused", async () => {
  await using gpio = await openCharacterDeviceGpio();
  for (const [chip, pattern] of [
    ["/dev/null", /this is not a GPIO chip/],
    ["/dev/nowhere", /no such chip/],
    ["/dev", /EISDIR.*check that \/dev is a GPIO chip/],
  ] as const) {
    assert.throws(() => gpio.requestOutput(settings({ chip }, 0), "inactive"), failure({ chip }, 0, pattern));
  }
});

test("koffi is loaded when the driver is opened, not before", () => {
  const url = (file: string): string => JSON.stringify(new URL(`../../src/io/${file}`, import.meta.url).href);
  const script = `
    const isLoaded = () => process.report.getReport().sharedObjects.some((file) => file.includes("koffi"));
    await import(${url("gpio-simulated.js")});
    await import(${url("gpio-sysfs.js")});
    const { openCharacterDeviceGpio } = await import(${url("gpio-character-device.js")});
    const before = isLoaded();
    await openCharacterDeviceGpio();
    console.log(JSON.stringify([before, isLoaded()]));`;
  const output = execFileSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
  assert.deepEqual(JSON.parse(output), [false, true]);
});
