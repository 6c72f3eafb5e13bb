/** What is heard, and when; and that a buzzer that fails is heard of but holds up nobody. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { openBuzzer, type Sound, type SoundSource, withBuzzer } from "../../src/io/buzzer.ts";
import { openDoorKeeper } from "../../src/io/door-keeper.ts";
import { openIndicator } from "../../src/io/indicator.ts";
import { SimLine } from "../sim/sim-line.ts";
import { VirtualTime } from "../sim/virtual-time.ts";

function makeBuzzer() {
  const time = new VirtualTime();
  const line = new SimLine();
  const buzzer = openBuzzer(line, time, time.schedule);
  /** One sign for each 50 ms from now on: # is on. */
  const heard = (ms: number): string => {
    let text = "";
    for (let passedMs = 0; passedMs < ms; passedMs += 50) {
      text += line.isActive ? "#" : ".";
      time.advance(50);
    }
    return text;
  };
  return { time, line, buzzer, heard };
}

const patterns: readonly (readonly [Sound, string])[] = [
  ["alarm", "#####.....#####.....#####.....#####....."],
  ["held-open", "###.................###................."],
  ["refused", "##..##.................................."],
];

describe("a buzzer", () => {
  for (const [sound, pattern] of patterns) {
    it(`sounds ${sound} in its pattern`, () => {
      const { buzzer, heard } = makeBuzzer();
      buzzer.sound("door", sound);
      assert.equal(heard(2000), pattern);
    });

    it(`goes on with ${sound} when that is said again and again`, () => {
      const { buzzer, heard } = makeBuzzer();
      let text = "";
      for (let cycle = 0; cycle < 20; cycle += 1) {
        buzzer.sound("door", sound);
        text += heard(100);
      }
      assert.equal(text, pattern);
    });
  }

  it("is silent at first, and at once when nobody wants anything any more, with no timer left", () => {
    const { buzzer, line, time, heard } = makeBuzzer();
    assert.equal(heard(500), "..........");
    buzzer.sound("door", "alarm");
    assert.equal(line.isActive, true);
    buzzer.sound("door", undefined);
    assert.deepEqual([line.isActive, time.pendingCount], [false, 0]);
  });

  it("sounds the gravest of what its sources want, from its beginning, and then what is left", () => {
    const gravestFirst: readonly Sound[] = ["alarm", "held-open", "refused"];
    let pairs = 0;
    for (const [index, grave] of gravestFirst.entries()) {
      for (const lesser of gravestFirst.slice(index + 1)) {
        for (const [first, second] of [
          ["door", "indication"],
          ["indication", "door"],
        ] as const satisfies readonly (readonly [SoundSource, SoundSource])[]) {
          const { buzzer, heard } = makeBuzzer();
          const patternOf = (sound: Sound): string =>
            (patterns.find(([name]) => name === sound)?.[1] ?? "").slice(0, 20);
          buzzer.sound(first, lesser);
          heard(400);
          buzzer.sound(second, grave);
          assert.equal(heard(1000), patternOf(grave), `${grave} over ${lesser}`);
          buzzer.sound(first, lesser);
          assert.equal(heard(1000), patternOf(grave), `${grave} over ${lesser} said again`);
          buzzer.sound(second, undefined);
          assert.equal(heard(1000), patternOf(lesser), `${lesser} after ${grave}`);
          pairs += 1;
        }
      }
    }
    assert.equal(pairs, 6);
  });

  it("whose line fails throws nothing, says why, and says so no longer when it works again", () => {
    const { buzzer, line, time } = makeBuzzer();
    line.failures = { count: 3 };
    buzzer.sound("door", "alarm");
    assert.deepEqual(buzzer.failure, { code: "gpio-failed", message: "the line failed" });
    time.advance(100);
    assert.notEqual(buzzer.failure, undefined);
    time.advance(50);
    assert.deepEqual([buzzer.failure, line.isActive], [undefined, true]);
  });

  it("whose line fails while it should be silent is set to silent by the next word", () => {
    const { buzzer, line } = makeBuzzer();
    buzzer.sound("door", "alarm");
    line.failures = { level: false, count: 1 };
    buzzer.sound("door", undefined);
    assert.equal(line.isActive, true);
    buzzer.sound("door", undefined);
    assert.deepEqual([line.isActive, buzzer.failure], [false, undefined]);
  });

  it("is silent, released and without a timer when disposed of, and stays so", async () => {
    const { buzzer, line, time } = makeBuzzer();
    buzzer.sound("door", "alarm");
    await buzzer[Symbol.asyncDispose]();
    await buzzer[Symbol.asyncDispose]();
    assert.deepEqual([line.isActive, line.isReleased, time.pendingCount], [false, true, 0]);
    buzzer.sound("door", "held-open");
    time.advance(1000);
    assert.deepEqual([line.isActive, time.pendingCount, buzzer.failure], [false, 0, undefined]);
  });

  it("that cannot be silenced at its end is told", async () => {
    const { buzzer, line } = makeBuzzer();
    line.failures = { count: 1 };
    await assert.rejects(Promise.resolve(buzzer[Symbol.asyncDispose]()), /the line failed/);
    assert.equal(line.isReleased, true);
  });
});

describe("with a buzzer", () => {
  it("an indicator is heard when it refuses, once for each refusal, and with its lights as without", () => {
    const { buzzer, time, heard, line } = makeBuzzer();
    const indicator = withBuzzer(openIndicator({ red: new SimLine() }, time, time.schedule), buzzer);
    indicator.apply("refused");
    indicator.apply("refused");
    assert.equal(heard(500), "##..##....");
    assert.equal(indicator.lit.red, true);
    indicator.apply("ready");
    indicator.apply("granted");
    assert.equal(heard(500), "..........");
    indicator.apply("refused");
    assert.equal(line.isActive, true);
  });

  it("that fails a door reports a fault and works all the same", () => {
    const { buzzer, line: buzzerLine, time } = makeBuzzer();
    const lock = new SimLine();
    const policy = {
      maxUnlockMs: 5000,
      debounceMs: {},
      heldOpenAfterMs: 1000,
      requestToExitMs: 1000,
      relockOnClose: true,
      fireRelease: true,
      fireClears: "by-itself",
    } as const;
    const door = openDoorKeeper({ lock, buzzer }, { wiring: "fail-secure", policy }, time, time.schedule);
    assert.deepEqual([lock.isActive, door.report.fault], [false, null]);
    buzzerLine.failures = { count: 1_000_000 };
    const untilMs = time.nowMs() + 1000;
    // As the loop does, which says each command again.
    for (let cycle = 0; cycle < 2; cycle += 1) door.apply({ kind: "unlock", untilMs });
    assert.deepEqual([lock.isActive, door.report.fault?.code], [true, "gpio-failed"]);
    time.advance(1000);
    assert.equal(lock.isActive, false);
  });
});
