/** The rows of the doctor about lines, on a kernel of the tests; no row takes one. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Finding } from "../src/doctor-finding.ts";
import { chipFilesOf, exitFindings, lineFindings } from "../src/doctor-lines.ts";
import { lineHolder } from "../src/io/gpio-character-device.ts";
import { isExported } from "../src/io/gpio-sysfs.ts";
import { SimGpioKernel } from "./sim/sim-gpio-kernel.ts";
import { configOf } from "./sim/sim-host.ts";
import { SimSysfs } from "./sim/sim-sysfs.ts";

test("a line's holder is told without taking the line", async () => {
  const kernel = new SimGpioKernel();
  const { lines } = kernel.addChip("main-gpio", 8);
  const line = { chip: "main-gpio", offset: 3, isActiveLow: false, consumer: "asks" };
  assert.equal(await lineHolder(line, kernel), undefined);
  const [, , , third] = lines;
  assert.ok(third);
  assert.equal(third.consumer, undefined, "asking takes nothing");
  third.consumer = "other-program";
  assert.equal(await lineHolder(line, kernel), "other-program");
  await assert.rejects(
    lineHolder({ ...line, offset: 8 }, kernel),
    /the chip has 8 lines; choose an offset from 0 to 7/,
  );
  await assert.rejects(lineHolder({ ...line, chip: "none" }, kernel), /no such chip/);
});

const labelled = configOf(
  '[gpio]\ndriver = "character-device"\n' +
    ["door", "green", "red", "amber"].map((name) => `[gpio.${name}]\nchip = "main-gpio"\n`).join("") +
    '[gpio.contact]\nisFitted = true\nchip = "aon-gpio"\noffset = 7\n',
);

test("every fitted line has a row: free, ours, another's, or not there at all", async () => {
  const kernel = new SimGpioKernel();
  const { lines } = kernel.addChip("main-gpio", 8);
  kernel.addChip("aon-gpio", 4);
  const [door, green] = lines;
  assert.ok(door && green);
  door.consumer = "maskgate-door";
  green.consumer = "heartbeat";
  const rows = await lineFindings(labelled, [], kernel);
  assert.deepEqual(
    rows.map(({ name, kind, text }) => `${name}: ${kind}: ${text}`),
    [
      "line door: ok: main-gpio 0 is held by maskgate (maskgate-door)",
      'line green: fail: main-gpio 1 is held by "heartbeat"',
      "line red: ok: main-gpio 2 is there, and free",
      "line amber: ok: main-gpio 3 is there, and free",
      'line contact: fail: GPIO chip "aon-gpio" line 7 (maskgate-contact): the chip has 4 lines',
    ],
  );
});

test("on a known board each line has its pin of the header; one that has none is a warning", async () => {
  const kernel = new SimGpioKernel();
  kernel.addChip("tegra234-gpio", 164);
  const names = ["green", "red", "amber"].map((name) => `[gpio.${name}]\nisFitted = false\n`).join("");
  const of = async (door: string): Promise<Finding | undefined> => {
    const config = configOf(`[gpio]\ndriver = "character-device"\n[gpio.door]\n${door}${names}`);
    return (await lineFindings(config, ["nvidia,p3768-0000+p3767-0005"], kernel)).at(0);
  };
  const pin = "pin 31 of the header, is there, and free";
  assert.equal((await of('chip = "tegra234-gpio"\noffset = 106\n'))?.text, `tegra234-gpio 106, ${pin}`);
  assert.equal((await of("offset = 106\n"))?.text, `gpiochip0 106, ${pin}`);
  const stray = await of("offset = 0\n");
  assert.equal(stray?.kind, "warn");
  assert.match(stray.text, /gpiochip0 0 is there, and free, but is no pin of the NVIDIA Jetson Orin Nano/);
});

test("permissions are looked at for each chip that is in use, also where its label names it", async () => {
  const kernel = new SimGpioKernel();
  kernel.addChip("other", 4);
  kernel.addChip("main-gpio", 8);
  kernel.addChip("aon-gpio", 8);
  const [main, aon] = await chipFilesOf(labelled, kernel);
  assert.deepEqual([main, aon], ["/dev/gpiochip1", "/dev/gpiochip2"]);
  assert.deepEqual(await chipFilesOf(labelled, new SimGpioKernel()), []);
});

test("a line of sysfs is looked at without being exported", () => {
  const sysfs = new SimSysfs();
  sysfs.addChip("tegra-gpio", 512, 8);
  const line = { chip: "tegra-gpio", offset: 3, isActiveLow: false, consumer: "asks" };
  assert.equal(isExported(line, sysfs), false);
  sysfs.writeFileSync("/sys/class/gpio/export", "515");
  assert.equal(isExported(line, sysfs), true);
  assert.throws(() => isExported({ ...line, offset: 8 }, sysfs), /the chip has 8 lines/);
  assert.throws(() => isExported({ ...line, chip: "none" }, sysfs), /no such chip/);
});

test("a contact without a request to exit makes every way out a forced opening, which is told", () => {
  const of = (...fitted: readonly string[]): readonly string[] =>
    exitFindings(configOf(fitted.map((name) => `[gpio.${name}]\nisFitted = true\n`).join(""))).map(
      ({ name, kind, text, mend }) => `${kind} ${name}: ${text} -> ${mend ?? ""}`,
    );
  assert.deepEqual(of(), []);
  assert.deepEqual(of("requestToExit"), []);
  assert.deepEqual(of("contact", "requestToExit"), [
    "ok exit: an opening after a request to exit is no forced one -> ",
  ]);
  for (const fitted of [["contact"], ["contact", "fireAlarm", "tamper"]]) {
    assert.match(
      of(...fitted).join(),
      /^warn exit: .* every way out is a forced opening -> fit gpio.requestToExit/,
    );
  }
});
