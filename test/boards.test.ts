/** The boards of device/boards: each is whole, and each gives a configuration that the daemon takes. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { boardConfig, boardIds, boardOf, lineNames, pinOf, readBoard } from "../src/boards.ts";
import { loadConfig } from "../src/config.ts";

const folder = mkdtempSync(path.join(tmpdir(), "maskgate-boards-"));
process.once("exit", () => {
  rmSync(folder, { recursive: true, force: true });
});

test("the boards that were promised are there", () => {
  assert.deepEqual(boardIds(), [
    "jetson-agx-orin",
    "jetson-nano",
    "jetson-orin-nano",
    "jetson-orin-nx",
    "jetson-xavier-nx",
    "raspberry-pi-4",
    "raspberry-pi-5",
    "sim",
  ]);
});

for (const id of boardIds()) {
  test(`${id}: no pin and no line twice, every function on a pin of its own`, () => {
    const board = readBoard(id);
    const { pins } = board.header;
    assert.equal(new Set(pins.map(([header]) => header)).size, pins.length);
    assert.equal(new Set(pins.map(([, chip, offset]) => `${chip} ${offset}`)).size, pins.length);
    assert.equal(new Set(lineNames.map((name) => pinOf(board, name)[0])).size, lineNames.length);
  });

  test(`${id}: its configuration is whole, and its lines are the board's`, () => {
    const file = path.join(folder, `${id}.toml`);
    writeFileSync(file, boardConfig(id));
    const { gpio, camera } = loadConfig(file);
    const board = readBoard(id);
    assert.equal(gpio.driver, board.driver);
    assert.equal(camera.source === "gstreamer" ? camera.gstreamer.preset : camera.source, board.camera);
    for (const name of lineNames) {
      const [, chip, offset] = pinOf(board, name);
      assert.deepEqual([gpio[name].chip, gpio[name].offset], [chip, offset], name);
    }
  });
}

test("all that is fitted is taken by the daemon, too, whatever the board's driver", () => {
  for (const id of boardIds()) {
    const file = path.join(folder, "fitted.toml");
    writeFileSync(file, boardConfig(id).replaceAll("isFitted = false", "isFitted = true"));
    assert.ok(loadConfig(file).gpio.tamper.isFitted, id);
  }
});

test("the printed file says what an installer must know, and keeps the comments of the general one", () => {
  const printed = boardConfig("jetson-orin-nano");
  assert.match(printed, /^# For NVIDIA Jetson Orin Nano .*\n# On JetPack 6 set these pins to GPIO/);
  assert.match(printed, /^preset = "argus" {11}# "v4l2" USB, "argus" Jetson CSI/m);
  assert.match(printed, /^offset = 106 # pin 31 of the header, GPIO11$/m);
});

/** Read off the vendors' pinouts by hand: a slip in a table would open a door, or none. */
test("well-known pins are where the vendors' pinouts have them", () => {
  const known = [
    ["jetson-nano", 12, "tegra-gpio", 79],
    ["jetson-xavier-nx", 31, "tegra194-gpio", 106],
    ["jetson-orin-nano", 7, "tegra234-gpio", 144],
    ["jetson-orin-nx", 31, "tegra234-gpio", 106],
    ["jetson-agx-orin", 16, "tegra234-gpio-aon", 9],
    ["raspberry-pi-4", 11, "pinctrl-bcm2711", 17],
    ["raspberry-pi-5", 40, "pinctrl-rp1", 21],
  ] as const;
  for (const [id, header, chip, offset] of known) {
    const pin = readBoard(id).header.pins.find(([number]) => number === header);
    assert.deepEqual(pin?.slice(1, 3), [chip, offset], `${id} pin ${header}`);
  }
});

test("a Raspberry Pi's door is on a line that is pulled down at power-on", () => {
  for (const id of ["raspberry-pi-4", "raspberry-pi-5"]) assert.ok(pinOf(readBoard(id), "door")[2] >= 9, id);
});

test("a board is known by its device tree, and no two claim the same name", () => {
  assert.equal(
    boardOf(["nvidia,p3768-0000+p3767-0005", "nvidia,p3767-0005", "nvidia,tegra234"]),
    "jetson-orin-nano",
  );
  assert.equal(boardOf(["nvidia,p3768-0000+p3767-0005-super", "nvidia,tegra234"]), "jetson-orin-nano");
  assert.equal(boardOf(["raspberrypi,5-model-b", "brcm,bcm2712"]), "raspberry-pi-5");
  assert.equal(boardOf(["qemu"]), undefined);
  const names = boardIds().flatMap((id) => readBoard(id).compatible);
  assert.equal(new Set(names).size, names.length);
});

test("an unknown board is refused with those that there are", () => {
  assert.throws(
    () => boardConfig("jetson-tx2"),
    /config: --board jetson-tx2 is not known; there are jetson-agx-orin, /,
  );
});

test("the board of this machine can be asked for without its name", () => {
  const compatible = ["raspberrypi,5-model-b", "brcm,bcm2712"];
  assert.match(boardConfig("this", compatible), /^# For Raspberry Pi 5 .* --board raspberry-pi-5/);
  assert.match(boardConfig("sim", compatible), /^# For no hardware/);
  assert.throws(() => boardConfig("this", []), /--board this: this machine has no device tree, none of/);
  assert.throws(() => boardConfig("this", ["acme,door"]), /this is acme,door, none of jetson-agx-orin, /);
});
