/** Each row of the doctor about the machine, well and ill, on machines that were made up; and the lines on a kernel of the tests. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { loadConfig } from "../src/config.ts";
import type { Config } from "../src/config-schema.ts";
import { KioskError } from "../src/core/errors.ts";
import { failed, findingsText, type Finding } from "../src/doctor-finding.ts";
import { hostFindings } from "../src/doctor-host.ts";
import { chipFilesOf, lineFindings } from "../src/doctor-lines.ts";
import { partFindings, pictureFindings, speedFinding } from "../src/doctor-parts.ts";
import { serviceFindings } from "../src/doctor-service.ts";
import { lineHolder } from "../src/io/gpio-character-device.ts";
import { isExported } from "../src/io/gpio-sysfs.ts";
import { thisHost, type Host } from "../src/io/host.ts";
import { SimGpioKernel } from "./sim/sim-gpio-kernel.ts";
import { SimSysfs } from "./sim/sim-sysfs.ts";

const folder = mkdtempSync(path.join(tmpdir(), "maskgate-doctor-"));
process.once("exit", () => {
  rmSync(folder, { recursive: true, force: true });
});

function configOf(toml: string): Config {
  const file = path.join(folder, "config.toml");
  writeFileSync(file, toml);
  return loadConfig(file);
}

const onDevice = configOf(
  '[gpio]\ndriver = "character-device"\nholder = "process"\n[gpio.door]\nchip = "gpiochip0"\n[camera]\nsource = "gstreamer"\n',
);
const elsewhere = configOf('[status]\nsocketPath = "/srv/kiosk/status.sock"\n');
const unitProperties: Readonly<Record<string, string>> = {
  LoadState: "loaded",
  ActiveState: "active",
  UnitFileState: "enabled",
  StatusText: "door locked; daemon connected",
  SupplementaryGroups: "gpio video",
  RuntimeDirectory: "maskgate maskgate-door",
};
const groups: Readonly<Record<string, number>> = { gpio: 20, video: 44 };

/** All is well on this one. */
const sound: Host = {
  compatible: () => ["nvidia,p3768-0000+p3767-0005", "nvidia,tegra234"],
  zones: () => [
    { name: "cpu-thermal", celsius: 48 },
    { name: "gpu-thermal", celsius: 51 },
  ],
  throttles: () => [],
  freeBytes: () => 5e9,
  availableMemoryBytes: () => 3e9,
  wallClockS: () => Date.UTC(2027, 4, 1) / 1000,
  isTimeSynchronized: () => true,
  isFolder: () => true,
  isWritable: () => true,
  hasSystemd: () => true,
  unit: (_, property) => unitProperties[property] ?? "",
  groupIdOf: (file) => (file === "/dev/video0" ? 44 : 20),
  groupIdNamed: (name) => groups[name],
  groupIdsOf: () => [999],
};

const chipFiles = ["/dev/gpiochip0"];
const allFindings = (host: Host, config = onDevice): readonly Finding[] => [
  ...hostFindings(host),
  ...serviceFindings(host, config, chipFiles),
];

function kindOf(host: Partial<Host>, name: string, config = onDevice): string {
  const found = allFindings({ ...sound, ...host }, config).find((finding) => finding.name === name);
  assert.ok(found, `there is no row ${name}`);
  if (found.kind === "warn" || found.kind === "fail")
    assert.ok((found.mend ?? "").length > 10, `${name} says what to do`);
  return `${found.kind}: ${found.text}`;
}

test("a sound device has nothing to mend, and every row", () => {
  const findings = allFindings(sound);
  assert.deepEqual(
    findings.filter(({ kind }) => kind !== "ok"),
    [],
  );
  assert.deepEqual(
    findings.map(({ name }) => name),
    [
      ...["board", "clock", "disk", "memory", "temperature", "throttling"],
      ...["maskgate-door.service", "maskgate.service", "permission /dev/gpiochip0", "permission /dev/video0"],
      ...["folder /run/maskgate", "folder /run/maskgate-door"],
    ],
  );
});

const ills: readonly (readonly [what: string, host: Partial<Host>, row: string, says: RegExp])[] = [
  ["another board", { compatible: () => ["acme,door"] }, "board", /^info: acme,door: none of device\/boards/],
  ["no device tree", { compatible: () => [] }, "board", /^info: no device tree/],
  ["a clock that was never set", { wallClockS: () => 0 }, "clock", /^warn: it says 1970-01-01/],
  ["a clock of its own", { isTimeSynchronized: () => false }, "clock", /^ok: .*no time server sets it/],
  [
    "a throttled board",
    { throttles: () => ["cpufreq-cpu0 by 2 steps"] },
    "throttling",
    /^warn: cpufreq-cpu0 by 2/,
  ],
  [
    "no folder for the socket",
    { hasSystemd: () => false, isFolder: () => false },
    "folder /run/maskgate",
    /^fail: missing/,
  ],
  [
    "a folder of somebody else",
    { hasSystemd: () => false, isWritable: () => false },
    "folder /run/maskgate",
    /^fail: this user may not/,
  ],
  [
    "a unit that makes no folder",
    {
      isFolder: () => false,
      unit: (_, property) => (property === "RuntimeDirectory" ? "" : (unitProperties[property] ?? "")),
    },
    "folder /run/maskgate-door",
    /^fail: missing/,
  ],
  [
    "a socket that is in no folder of the unit",
    { isFolder: () => false },
    "folder /srv/kiosk",
    /^fail: missing/,
  ],
  ["a full disk", { freeBytes: () => 1e6 }, "disk", /^warn: 1 MiB free/],
  ["little memory", { availableMemoryBytes: () => 1e8 }, "memory", /^warn: 95 MiB/],
  ["a warm board", { zones: () => [{ name: "cpu", celsius: 85 }] }, "temperature", /^warn: 85 degrees/],
  ["a hot board", { zones: () => [{ name: "cpu", celsius: 99 }] }, "temperature", /^fail: 99 degrees/],
  ["no zones", { zones: () => [] }, "temperature", /^info: /],
  ["no systemd", { hasSystemd: () => false }, "service", /^info: systemd does not run/],
  ["no unit", { unit: () => "" }, "maskgate.service", /^fail: not installed/],
  [
    "a failed unit",
    { unit: (_, property) => (property === "ActiveState" ? "failed" : (unitProperties[property] ?? "")) },
    "maskgate-door.service",
    /^fail: failed/,
  ],
  [
    "a unit that is not enabled",
    { unit: (_, property) => (property === "UnitFileState" ? "disabled" : (unitProperties[property] ?? "")) },
    "maskgate.service",
    /^warn: active, but not enabled/,
  ],
  [
    "a stopped unit",
    { unit: (_, property) => (property === "ActiveState" ? "inactive" : (unitProperties[property] ?? "")) },
    "maskgate.service",
    /^warn: inactive/,
  ],
  [
    "a chip of another group",
    { groupIdOf: () => 0 },
    "permission /dev/gpiochip0",
    /^fail: maskgate-door is not in/,
  ],
];
for (const [what, host, row, says] of ills) {
  test(`${what} is told`, () => {
    assert.match(kindOf(host, row, row === "folder /srv/kiosk" ? elsewhere : onDevice), says);
  });
}

test("devices and users that are not there have no row about permission", () => {
  for (const host of [{ groupIdOf: () => undefined }, { groupIdsOf: () => undefined }]) {
    const rows = allFindings({ ...sound, ...host }).map(({ name }) => name);
    assert.ok(rows.every((name) => !name.startsWith("permission")));
  }
});

test("what to do stands below its row; an error of ours is parted into cause and mend", () => {
  const finding: Finding = failed("camera", new KioskError("camera-missing", "no /dev/video0; plug it in"));
  assert.deepEqual(finding, { name: "camera", kind: "fail", text: "no /dev/video0", mend: "plug it in" });
  assert.equal(findingsText([finding], 6), "FAIL  camera  no /dev/video0\n              -> plug it in");
});

test("this machine can be asked everything", () => {
  const findings = allFindings(thisHost);
  assert.ok(findings.length >= 6);
  assert.ok(findings.every(({ text }) => !text.includes("NaN")));
});

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

test("a picture of another size than asked fails; one that is played back has its own", () => {
  const seen = { widthPx: 1280, heightPx: 480 };
  const of = (config: Config): readonly string[] => pictureFindings(config, seen).map(({ kind }) => kind);
  assert.deepEqual(of(onDevice), ["fail"]);
  assert.deepEqual(of(configOf('[camera]\nsource = "libcamera"\nwidthPx = 1280\n')), ["ok"]);
  assert.deepEqual(of(configOf("")), []);
});

test("a look that takes the longest gap fails, half of it is a warning", () => {
  const kinds = [249, 250, 499, 500].map((ms) => speedFinding(ms, 500).kind);
  assert.deepEqual(kinds, ["ok", "warn", "warn", "fail"]);
});

test("a daemon that is starting keeps its camera", async () => {
  const config = configOf(`[status]\nsocketPath = ${JSON.stringify(path.join(folder, "none.sock"))}\n`);
  const starting = { ...sound, unit: () => "activating" };
  const rows: Finding[] = [];
  for await (const found of partFindings(config, { nowMs: () => 0 }, starting)) rows.push(...found);
  assert.deepEqual(
    rows.map(({ name, kind }) => `${name} ${kind}`),
    ["daemon warn"],
  );
});
