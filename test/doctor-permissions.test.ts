/** Whether the doctor's rows about permission say what the kernel would: by owner, group and mode of each file. */
import assert from "node:assert/strict";
import { chmodSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { permissionFindings } from "../src/doctor-permissions.ts";
import { type Host, type Ownership, thisHost } from "../src/io/host.ts";
import { configOf, folder, onDevice, sound } from "./sim/sim-host.ts";

const chip = "/dev/gpiochip0";
const raspberry = configOf('[camera]\nsource = "libcamera"\n');
const throughGstreamer = configOf(
  '[camera]\nsource = "gstreamer"\n[camera.gstreamer]\npreset = "libcamera"\n',
);

/** Rows as "name: kind: text". */
function rows(
  host: Partial<Host>,
  config = onDevice,
  chipFiles: readonly string[] = [chip],
): readonly string[] {
  const found = permissionFindings({ ...sound, ...host }, config, chipFiles);
  for (const { kind, mend = "" } of found) assert.equal(mend.length > 10, kind === "fail", "and what to do");
  return found.map(({ name, kind, text }) => `${name}: ${kind}: ${text}`);
}

const root: Ownership = { userId: 0, groupId: 0, mode: 0o660 };
/** The user is 999, in the groups 999 and, by its unit, 20. */
const files: readonly (readonly [what: string, file: Partial<Ownership>, says: string])[] = [
  ["a file of its group", { groupId: 20 }, "ok: maskgate-door may open it"],
  ["a file of its user's own group", { groupId: 999 }, "ok: maskgate-door may open it"],
  ["a file of another group", {}, "fail: maskgate-door is not in the group that owns it"],
  [
    "one that only its owner may open",
    { groupId: 20, mode: 0o600 },
    "fail: its mode 0600 keeps maskgate-door out",
  ],
  [
    "one that its group may only read",
    { groupId: 20, mode: 0o640 },
    "fail: its mode 0640 keeps maskgate-door out",
  ],
  [
    "one that its group may only write",
    { groupId: 20, mode: 0o620 },
    "fail: its mode 0620 keeps maskgate-door out",
  ],
  ["one for all but its group", { groupId: 20, mode: 0o606 }, "fail: its mode 0606 keeps maskgate-door out"],
  ["one for everybody", { mode: 0o666 }, "ok: maskgate-door may open it"],
  ["its own file", { userId: 999, mode: 0o600 }, "ok: maskgate-door may open it"],
  [
    "its own file, for others only",
    { userId: 999, mode: 0o066 },
    "fail: its mode 0066 keeps maskgate-door out",
  ],
];
for (const [what, file, says] of files) {
  test(`${what}: ${says}`, () => {
    assert.deepEqual(rows({ ownership: () => ({ ...root, ...file }) }).at(0), `permission ${chip}: ${says}`);
  });
}

test("what makes lines of sysfs need be written only", () => {
  const file = "/sys/class/gpio/export";
  for (const [mode, kind] of [
    [0o220, "ok"],
    [0o200, "fail"],
  ] as const) {
    const [row = ""] = rows({ ownership: () => ({ ...root, groupId: 20, mode }) }, onDevice, [file]);
    assert.ok(row.startsWith(`permission ${file}: ${kind}: `), row);
  }
});

const devices: Readonly<Record<string, readonly string[]>> = {
  "/dev": ["/dev/gpiochip0", "/dev/media0", "/dev/null", "/dev/video0", "/dev/video19"],
  "/dev/dma_heap": ["/dev/dma_heap/linux,cma", "/dev/dma_heap/system"],
};
const filesIn = (at: string): readonly string[] => devices[at] ?? [];

test("libcamera needs all its devices, sought for by their kind", () => {
  for (const config of [raspberry, throughGstreamer]) {
    assert.deepEqual(rows({ filesIn }, config, []), [
      "permission /dev/video*: ok: maskgate may open all 2",
      "permission /dev/media*: ok: maskgate may open all 1",
      "permission /dev/dma_heap/*: ok: maskgate may open all 2",
    ]);
    for (const locked of ["/dev/video19", "/dev/media0", "/dev/dma_heap/system"]) {
      const ownership = (file: string) => ({ ...root, groupId: file === locked ? 0 : 44 });
      const failing = rows({ filesIn, ownership }, config, []).filter((row) => row.includes(": fail: "));
      const what = locked.replace(/(\/)(system)$|\d+$/, "$1*");
      assert.deepEqual(failing, [
        `permission ${what}: fail: ${locked}: maskgate is not in the group that owns it`,
      ]);
    }
  }
});

test("only devices that are there have a row, and only users that are there", () => {
  assert.deepEqual(rows({}, raspberry, []), []);
  assert.deepEqual(rows({ filesIn: (at) => (at === "/dev" ? ["/dev/video0"] : []) }, raspberry, []), [
    "permission /dev/video*: ok: maskgate may open all 1",
  ]);
  for (const host of [{ ownership: () => undefined }, { groupIdsOf: () => undefined }])
    assert.deepEqual(rows(host), []);
});

test("groups of the unit count only where systemd adds them", () => {
  assert.match(rows({ hasSystemd: () => false }).at(0) ?? "", /fail: maskgate-door is not in/);
});

test("this machine's files have the mode and the owner that they have", () => {
  const file = path.join(folder, "device");
  writeFileSync(file, "");
  chmodSync(file, 0o640);
  assert.deepEqual(thisHost.ownership(file), {
    userId: process.getuid?.(),
    groupId: process.getgid?.(),
    mode: 0o640,
  });
  assert.equal(thisHost.ownership(`${file}.none`), undefined);
  assert.ok(thisHost.filesIn(folder).includes(file));
  assert.deepEqual(thisHost.filesIn(`${folder}/none`), []);
  assert.deepEqual([thisHost.userIdOf("root"), thisHost.userIdOf("nobody-of-that-name")], [0, undefined]);
});
