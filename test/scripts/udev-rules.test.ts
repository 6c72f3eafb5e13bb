/** Which devices the updater is started for, by the rules as udev reads them. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

type Device = Readonly<Record<string, string>>;

/** Matches of the form KEY=="a|b" and KEY!="a|b"; whatever else a line has is what it does. */
function isMatched(line: string, device: Device): boolean {
  const matches = [...line.matchAll(/([A-Z]+(?:\{\w+\})?)(==|!=)"([^"]*)"/g)];
  return matches.every(([, key = "", operator, values = ""]) => {
    const isOne = values.split("|").includes(device[key] ?? "");
    return isOne === (operator === "==");
  });
}

const starting = readFileSync("device/99-maskgate.rules", "utf8")
  .split("\n")
  .filter((line) => !line.startsWith("#") && line.includes("maskgate-updater@%k.service"));

const stick: Device = {
  ACTION: "add",
  SUBSYSTEM: "block",
  "ENV{ID_BUS}": "usb",
  "ENV{ID_FS_USAGE}": "filesystem",
  "ENV{ID_FS_TYPE}": "vfat",
  "ATTRS{removable}": "1",
};

const devices: readonly (readonly [string, Device, number])[] = [
  ["a stick with FAT", {}, 1],
  ["a stick with exFAT", { "ENV{ID_FS_TYPE}": "exfat" }, 1],
  ["a stick with FAT that calls itself a disk, as some do", { "ATTRS{removable}": "0" }, 1],
  ["a stick with exFAT that calls itself a disk", { "ENV{ID_FS_TYPE}": "exfat", "ATTRS{removable}": "0" }, 1],
  ["a stick with another file system, to say so", { "ENV{ID_FS_TYPE}": "ntfs" }, 1],
  ["an encrypted stick, to say so", { "ENV{ID_FS_TYPE}": "BitLocker", "ENV{ID_FS_USAGE}": "crypto" }, 1],
  ["the disk that a kiosk boots from", { "ENV{ID_FS_TYPE}": "ext4", "ATTRS{removable}": "0" }, 0],
  ["a card in a slot of the board", { "ENV{ID_BUS}": "", "ENV{ID_FS_TYPE}": "ext4" }, 0],
  ["a stick's swap", { "ENV{ID_FS_TYPE}": "swap", "ENV{ID_FS_USAGE}": "other" }, 0],
  ["a whole stick whose partitions come by themselves", { "ENV{ID_FS_TYPE}": "", "ENV{ID_FS_USAGE}": "" }, 0],
  ["a stick that goes", { ACTION: "remove" }, 0],
  ["a stick that only changes", { ACTION: "change" }, 0],
  ["what is no block device", { SUBSYSTEM: "usb" }, 0],
];

for (const [what, change, times] of devices) {
  test(`the updater is ${times === 1 ? "" : "not "}started for ${what}`, () => {
    const started = starting.filter((line) => isMatched(line, { ...stick, ...change }));
    assert.equal(started.length, times, started.join("\n"));
    for (const line of started)
      assert.match(line, / TAG\+="systemd", ENV\{SYSTEMD_WANTS\}\+="maskgate-updater@%k\.service"$/);
  });
}
