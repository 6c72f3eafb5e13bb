/** The lines as the configuration wires them, by their physical level: what the kernel, and so the lock, would see. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, it } from "node:test";
import type { Config } from "../src/config-schema.ts";
import { parseConfig } from "../src/config.ts";
import { type InputName, inputNames } from "../src/core/door-report.ts";
import { doorPolicyOf, openDoorSide, safeLinesOf } from "../src/door-side.ts";
import { monotonicClock } from "../src/io/clock.ts";
import { driveSafe, writeSafeLines } from "../src/io/safe-lines.ts";
import { until } from "./sim/door-benches.ts";

const clock = monotonicClock();
const outputs = { green: 1, red: 2, amber: 3, buzzer: 8 } as const;
const inputOffsets: Readonly<Record<InputName, number>> = {
  contact: 4,
  requestToExit: 5,
  fireAlarm: 6,
  tamper: 7,
};

function makeBoard(keys: Readonly<Record<string, unknown>> = {}) {
  const dir = mkdtempSync(path.join(tmpdir(), "maskgate-side-"));
  const fileOf = (offset: number, file: string): string =>
    path.join(dir, `gpiochip0/sim_gpio${offset}`, file);
  const all = { "camera.replay.path": "frames", "gpio.simulatorDir": dir, ...keys };
  const lines = Object.entries(all).map(([key, value]) => `${key} = ${JSON.stringify(value)}\n`);
  return {
    config: parseConfig(lines.join(""), "test"),
    level: (offset: number): number => Number(readFileSync(fileOf(offset, "value"), "utf8")),
    isHeld: (offset: number): boolean => existsSync(fileOf(offset, "owner")),
    pull: (offset: number, level: 0 | 1): void => {
      put(fileOf(offset, "pull"), level === 1 ? "pull-up" : "pull-down");
    },
    /** As somebody left an output who is dead. */
    leave: (offset: number, level: 0 | 1): void => {
      put(fileOf(offset, "value"), `${level}\n`);
    },
    driveSafe: async ({ gpio }: Config, isFireReleased: boolean): Promise<readonly string[]> => {
      const file = path.join(dir, "safe-lines.json");
      writeSafeLines(file, safeLinesOf(gpio, isFireReleased));
      return driveSafe(file);
    },
    [Symbol.dispose]: () => {
      rmSync(dir, { recursive: true });
    },
  };
}

function put(file: string, text: string): void {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
}

for (const [wiring, isActiveLow, locked, open] of [
  ["fail-secure", false, 0, 1],
  ["fail-secure", true, 1, 0],
  ["fail-safe", false, 1, 0],
  ["fail-safe", true, 0, 1],
] as const) {
  describe(`a ${wiring} lock, ${isActiveLow ? "active-low" : "active-high"}`, () => {
    const keys = {
      "gpio.door.wiring": wiring,
      "gpio.door.isActiveLow": isActiveLow,
      "gpio.fireAlarm.isFitted": true,
      "gpio.fireAlarm.debounceMs": 0,
    };

    it("is locked at the start, opens for a lease, and is locked when closed", async () => {
      using board = makeBoard(keys);
      board.pull(inputOffsets.fireAlarm, 0);
      const side = await openDoorSide(board.config, clock);
      assert.equal(board.level(0), locked);
      await until("the alarm's line to be read", () => side.door.report.inputs.fireAlarm === "off");
      side.door.apply({ kind: "unlock", untilMs: clock.nowMs() + 2000 });
      assert.equal(board.level(0), open);
      await side[Symbol.asyncDispose]();
      assert.deepEqual([board.level(0), board.isHeld(0)], [locked, false]);
    });

    it("is open in a fire, and locked when closed", async () => {
      using board = makeBoard(keys);
      board.pull(inputOffsets.fireAlarm, 1);
      const side = await openDoorSide(board.config, clock);
      await until("the release", () => side.door.report.isFireReleased);
      assert.equal(board.level(0), open);
      await side[Symbol.asyncDispose]();
      assert.equal(board.level(0), locked);
    });

    it("is open at the start while a fire release goes on, and locked when closed", async () => {
      using board = makeBoard(keys);
      board.pull(inputOffsets.fireAlarm, 0);
      const side = await openDoorSide(board.config, clock, { isFireReleased: true });
      assert.equal(board.level(0), open);
      await until("the alarm's line to be read", () => side.door.report.inputs.fireAlarm === "off");
      side.door.apply({ kind: "lock" });
      assert.equal(board.level(0), open);
      await side[Symbol.asyncDispose]();
      assert.equal(board.level(0), locked);
    });

    it("is left as it has to be when another line cannot be had, and no line stays held", async () => {
      for (const isFireReleased of [false, true]) {
        using board = makeBoard({ ...keys, "gpio.buzzer.isFitted": true, "gpio.buzzer.chip": "no/chip" });
        await assert.rejects(openDoorSide(board.config, clock, { isFireReleased }), /rename the chip/);
        assert.equal(board.level(0), isFireReleased ? open : locked);
        for (const offset of [0, inputOffsets.fireAlarm]) assert.equal(board.isHeld(offset), false);
      }
    });

    it("is driven to its safe level from either level: locked, in a fire open", async () => {
      for (const isFireReleased of [false, true]) {
        for (const before of [0, 1] as const) {
          using board = makeBoard(keys);
          board.leave(0, before);
          assert.deepEqual(await board.driveSafe(board.config, isFireReleased), []);
          assert.deepEqual([board.level(0), board.isHeld(0)], [isFireReleased ? open : locked, false]);
        }
      }
    });
  });
}

for (const isActiveLow of [false, true]) {
  it(`LEDs and buzzer are dark and silent at the start, when closed, and by driveSafe: active-low ${isActiveLow ? "yes" : "no"}`, async () => {
    const names = Object.keys(outputs) as (keyof typeof outputs)[];
    const off = isActiveLow ? 1 : 0;
    const keys = Object.fromEntries(
      names.flatMap((name) => [
        [`gpio.${name}.isActiveLow`, isActiveLow],
        [`gpio.${name}.isFitted`, true],
      ]),
    );
    using board = makeBoard(keys);
    const levels = (): readonly number[] => names.map((name) => board.level(outputs[name]));
    const allOff = names.map(() => off);
    const side = await openDoorSide(board.config, clock);
    assert.deepEqual(levels(), allOff);
    side.indicator.apply("refused");
    assert.deepEqual(levels(), [off, 1 - off, 1 - off, 1 - off], "red, amber and the buzzer");
    await side[Symbol.asyncDispose]();
    assert.deepEqual(levels(), allOff);
    for (const name of names) board.leave(outputs[name], off === 1 ? 0 : 1);
    assert.deepEqual(await board.driveSafe(board.config, true), []);
    assert.deepEqual(levels(), allOff);
  });
}

it("what is not fitted is neither taken nor driven", async () => {
  const unfitted = Object.fromEntries(Object.keys(outputs).map((name) => [`gpio.${name}.isFitted`, false]));
  using board = makeBoard(unfitted);
  const side = await openDoorSide(board.config, clock);
  for (const offset of [...Object.values(outputs), ...Object.values(inputOffsets)])
    assert.equal(board.isHeld(offset), false);
  assert.equal(board.isHeld(0), true);
  await side[Symbol.asyncDispose]();
  assert.deepEqual(
    safeLinesOf(board.config.gpio, false).lines.map(({ consumer }) => consumer),
    ["maskgate-door"],
  );
});

describe("an input", () => {
  for (const [circuit, isActiveLow, rest, raised] of [
    ["normally-closed", true, 0, 1],
    ["normally-closed", false, 1, 0],
    ["normally-open", true, 1, 0],
    ["normally-open", false, 0, 1],
  ] as const) {
    it(`${circuit}, closed at the ${isActiveLow ? "low" : "high"} level, is on at ${raised}`, async () => {
      const keys: Readonly<Record<string, unknown>> = Object.fromEntries(
        inputNames.flatMap((name): readonly (readonly [string, unknown])[] => [
          [`gpio.${name}.isFitted`, true],
          [`gpio.${name}.circuit`, circuit],
          [`gpio.${name}.isActiveLow`, isActiveLow],
          [`gpio.${name}.debounceMs`, 0],
        ]),
      );
      using board = makeBoard({ ...keys, "door.fireRelease": false });
      for (const offset of Object.values(inputOffsets)) board.pull(offset, rest);
      await using side = await openDoorSide(board.config, clock);
      const { door } = side;
      const isAll = (reading: string) => () =>
        inputNames.every((name) => door.report.inputs[name] === reading);
      await until("all at rest", isAll("off"));
      for (const name of inputNames) {
        board.pull(inputOffsets[name], raised);
        await until(`${name} on`, () => door.report.inputs[name] === "on");
        const others = inputNames.filter((other) => other !== name);
        for (const other of others) assert.equal(door.report.inputs[other], "off", `${other} with ${name}`);
        board.pull(inputOffsets[name], rest);
        await until(`${name} off`, () => door.report.inputs[name] === "off");
      }
    });
  }

  it("whose cable is cut, at the pull-up of its line, is on where the circuit is closed at rest", async () => {
    using board = makeBoard({ "gpio.tamper.isFitted": true, "gpio.tamper.debounceMs": 0 });
    await using side = await openDoorSide(board.config, clock);
    await until("an open housing", () => side.door.report.inputs.tamper === "on");
  });
});

it("the configuration's times are the machine's: seconds as milliseconds, a lease with its slack, fitted inputs alone", () => {
  using board = makeBoard({
    "access.unlockMs": 2000,
    "door.heldOpenAfterS": 20,
    "door.requestToExitS": 7,
    "door.relockOnClose": false,
    "door.fireRelease": false,
    "door.fireClears": "by-itself",
    "gpio.tamper.isFitted": true,
    "gpio.tamper.debounceMs": 123,
  });
  assert.deepEqual(doorPolicyOf(board.config), {
    maxUnlockMs: 2100,
    debounceMs: { tamper: 123 },
    heldOpenAfterMs: 20_000,
    requestToExitMs: 7000,
    relockOnClose: false,
    fireRelease: false,
    fireClears: "by-itself",
  });
});
