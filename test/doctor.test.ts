/** Each row of the doctor about the machine, well and ill, on machines that were made up. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { KioskError } from "../src/core/errors.ts";
import { doctor } from "../src/doctor.ts";
import { failed, findingsText, type Finding } from "../src/doctor-finding.ts";
import { hostFindings } from "../src/doctor-host.ts";
import { partFindings, speedFinding } from "../src/doctor-parts.ts";
import { permissionFindings } from "../src/doctor-permissions.ts";
import { serviceFindings } from "../src/doctor-service.ts";
import { thisHost, type Host } from "../src/io/host.ts";
import { configOf, folder, onDevice, sound, unitProperties } from "./sim/sim-host.ts";

const elsewhere = configOf('[status]\nsocketPath = "/srv/kiosk/status.sock"\n');

const allFindings = (host: Host, config = onDevice): readonly Finding[] => [
  ...hostFindings(host),
  ...serviceFindings(host, config),
  ...permissionFindings(host, config, ["/dev/gpiochip0"]),
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
      ...["maskgate-door.service", "maskgate.service", "folder /run/maskgate", "folder /run/maskgate-door"],
      ...["permission /dev/gpiochip0", "permission /dev/video0"],
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
];
for (const [what, host, row, says] of ills) {
  test(`${what} is told`, () => {
    assert.match(kindOf(host, row, row === "folder /srv/kiosk" ? elsewhere : onDevice), says);
  });
}

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

test("a look that takes the longest gap fails, half of it is a warning", () => {
  const kinds = [249, 250, 499, 500].map((ms) => speedFinding(ms, 500).kind);
  assert.deepEqual(kinds, ["ok", "warn", "warn", "fail"]);
});

test("the doctor asks all of its parts", async () => {
  const file = path.join(folder, "starting.toml");
  const socket = JSON.stringify(path.join(folder, "none.sock"));
  writeFileSync(
    file,
    `[gpio]\ndriver = "character-device"\n[gpio.contact]\nisFitted = true\n[camera]\nsource = "gstreamer"\n[status]\nsocketPath = ${socket}\n`,
  );
  const unit: Host["unit"] = (_, property) =>
    property === "ActiveState" ? "activating" : (unitProperties[property] ?? "");
  const written: string[] = [];
  await doctor({ configFile: file, isJson: true, write: (line) => written.push(line) }, { ...sound, unit });
  const { findings } = JSON.parse(written.join("")) as { readonly findings: readonly Finding[] };
  const names = findings.map(({ name }) => name);
  for (const row of [
    "configuration",
    "board",
    "maskgate.service",
    "permission /dev/video0",
    "line door",
    "exit",
    "daemon",
  ])
    assert.ok(names.includes(row), row);
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
