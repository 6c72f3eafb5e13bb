/** The table of the LEDs, blinking, LEDs that are absent and LEDs that fail. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { KioskError } from "../../src/core/errors.ts";
import { indications, type Indication } from "../../src/core/ports.ts";
import { litFor, openIndicator } from "../../src/io/indicator.ts";
import { SimLine } from "../sim/sim-line.ts";
import { VirtualTime } from "../sim/virtual-time.ts";

const steady: readonly (readonly [Indication, string])[] = [
  ["ready", "red"],
  ["checking", "amber"],
  ["granted", "green"],
  ["reminded", "green amber"],
  ["refused", "red amber"],
];
const all = indications;

const named = (lit: Readonly<Record<string, boolean>>): string =>
  ["green", "red", "amber"].filter((colour) => lit[colour] === true).join(" ");

function makeIndicator() {
  // A multiple of the blinking period.
  const time = new VirtualTime(1_000_000);
  const leds = { green: new SimLine(), red: new SimLine(), amber: new SimLine() };
  return { time, leds, indicator: openIndicator(leds, time, time.schedule) };
}

test("each indication has its own lights, whatever was shown before, and no timer", () => {
  for (const before of all) {
    for (const [indication, expected] of steady) {
      const { time, leds, indicator } = makeIndicator();
      indicator.apply(before);
      indicator.apply(indication);
      assert.equal(named(indicator.lit), expected);
      assert.equal(
        named({ green: leds.green.isActive, red: leds.red.isActive, amber: leds.amber.isActive }),
        expected,
      );
      assert.equal(time.pendingCount, 0);
    }
  }
});

test("dark for no longer than a blink, and green without red only when one may pass", () => {
  for (const indication of all) {
    for (let nowMs = 0; nowMs < 2000; nowMs += 50) {
      const lit = litFor(indication, nowMs);
      const isDarkHalf = indication === "not-updated" && nowMs % 1000 >= 500;
      assert.equal(named(lit) === "", isDarkHalf);
      assert.equal(lit.green && !lit.red, indication === "granted" || indication === "reminded");
    }
  }
});

test("a fault blinks red and amber in turn by itself", () => {
  const { time, indicator } = makeIndicator();
  indicator.apply("fault");
  const seen: string[] = [];
  for (let i = 0; i < 8; i++) {
    time.advance(250);
    seen.push(named(indicator.lit));
  }
  assert.deepEqual(seen, ["red", "amber", "amber", "red", "red", "amber", "amber", "red"]);
});

test("a new model blinks by itself while red says that the door is locked, and green alone never shines", () => {
  for (const [indication, first, second] of [
    ["updating", "red amber", "red"],
    ["updated", "green red", "red"],
    ["not-updated", "red", ""],
  ] as const) {
    const { time, indicator } = makeIndicator();
    indicator.apply(indication);
    for (let k = 0; k < 3; k++) {
      assert.equal(named(indicator.lit), first);
      time.advance(500);
      assert.equal(named(indicator.lit), second);
      time.advance(500);
    }
  }
});

test("a fault that is applied again and again blinks at the same pace, with one timer", () => {
  const { time, indicator } = makeIndicator();
  const seen: string[] = [];
  for (let i = 0; i < 20; i++) {
    indicator.apply("fault");
    assert.equal(time.pendingCount, 1);
    time.advance(100);
    seen.push(named(indicator.lit));
  }
  const half = (name: string): string[] => Array.from({ length: 5 }, () => name);
  assert.deepEqual(seen, [
    ...half("red").slice(1),
    ...half("amber"),
    ...half("red"),
    ...half("amber"),
    "red",
  ]);
});

test("every command sets every level again", () => {
  const { leds, indicator } = makeIndicator();
  for (let i = 1; i <= 3; i++) {
    indicator.apply("granted");
    for (const led of Object.values(leds)) assert.equal(led.setCount, i);
  }
});

test("LEDs that the kiosk lacks are left out", async () => {
  const time = new VirtualTime();
  const green = new SimLine();
  const indicator = openIndicator({ green, amber: undefined }, time, time.schedule);
  indicator.apply("refused");
  assert.equal(named(indicator.lit), "");
  indicator.apply("reminded");
  assert.equal(named(indicator.lit), "green");
  await indicator[Symbol.asyncDispose]();
  await openIndicator({}, time)[Symbol.asyncDispose]();
});

test("one that fails does not keep the others at a wrong level", () => {
  for (const broken of ["green", "red", "amber"] as const) {
    const { leds, indicator } = makeIndicator();
    indicator.apply("reminded");
    leds[broken].failures = { count: 1 };
    assert.throws(() => {
      indicator.apply("ready");
    }, KioskError);
    for (const colour of ["green", "red", "amber"] as const) {
      if (colour !== broken) assert.equal(leds[colour].isActive, colour === "red");
    }
  }
});

test("a failure while blinking does not end the blinking", () => {
  const { time, leds, indicator } = makeIndicator();
  indicator.apply("fault");
  leds.amber.failures = { count: 1 };
  time.advance(500);
  assert.equal(named(indicator.lit), "");
  time.advance(1000);
  assert.equal(named(indicator.lit), "amber");
});

test("disposing darkens and releases all, also when one fails, and ends the blinking", async () => {
  const { time, leds, indicator } = makeIndicator();
  indicator.apply("fault");
  leds.red.failures = { count: 1 };
  await assert.rejects(Promise.resolve(indicator[Symbol.asyncDispose]()), KioskError);
  for (const led of Object.values(leds)) assert.equal(led.isReleased, true);
  assert.equal(named({ green: leds.green.isActive, amber: leds.amber.isActive }), "");
  assert.equal(time.pendingCount, 0);
  assert.throws(() => {
    indicator.apply("ready");
  }, /after it was disposed of/);
});
