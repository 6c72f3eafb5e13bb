/** The keeper with inputs: real sampling of simulated lines, in virtual time. The rules themselves are those of core/door.ts. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { KioskError } from "../../src/core/errors.ts";
import { sampleMs } from "../../src/io/door-keeper.ts";
import { keeperBench } from "../sim/keeper-bench.ts";

const shut = ["contact off", "door unknown -> locked"];

describe("an input of the keeper", () => {
  it("counts once it has been seen for its debounce time, and not before", async () => {
    await using bench = keeperBench();
    assert.equal(bench.door.report.kind, "unknown");
    bench.time.advance(59);
    assert.deepEqual([bench.door.report.inputs.contact, bench.news()], ["unknown", []]);
    bench.time.advance(1);
    assert.deepEqual([bench.door.report.inputs.contact, bench.news()], ["off", shut]);
    bench.set("contact", true);
    bench.time.advance(sampleMs + 59);
    assert.equal(bench.door.report.inputs.contact, "off");
    bench.time.advance(1);
    assert.deepEqual(bench.news(), ["contact on", "door locked -> forced-open"]);
  });

  it("that bounces for less than a second is never heard of", async () => {
    await using bench = keeperBench();
    bench.time.advance(100);
    bench.news();
    for (let bounce = 0; bounce < 20; bounce += 1) {
      bench.set("contact", bounce % 2 === 0);
      bench.time.advance(2 * sampleMs);
    }
    bench.time.advance(100);
    assert.deepEqual([bench.news(), bench.door.report.kind], [[], "locked"]);
  });

  it("is looked at while a lease runs and while nobody says anything", async () => {
    await using bench = keeperBench();
    bench.time.advance(100);
    bench.unlockFor(3000);
    bench.news();
    bench.set("contact", true);
    bench.time.advance(100);
    assert.deepEqual(bench.news(), ["contact on", "door unlocked -> open"]);
  });

  for (const wiring of ["fail-secure", "fail-safe"] as const) {
    it(`that cannot be read is a fault, locks, and takes no lease until it can: ${wiring}`, async () => {
      await using bench = keeperBench({ wiring });
      bench.time.advance(100);
      bench.unlockFor(3000);
      assert.equal(bench.isOpen(), true);
      bench.write("contact", "nonsense");
      bench.time.advance(sampleMs);
      const { report, state } = bench.door;
      assert.deepEqual([bench.isOpen(), state.kind, report.kind], [false, "locked", "unknown"]);
      assert.equal(report.fault?.code, "gpio-failed");
      assert.match(report.fault.message, /^GPIO chip "board" line 1 \(contact\): .*says "nonsense"/);
      const setCount = bench.line.setCount;
      bench.time.advance(1000);
      assert.deepEqual([bench.line.setCount, bench.isOpen()], [setCount, false], "the lock keeps its level");
      bench.unlockFor(1000);
      assert.equal(bench.isOpen(), false);
      bench.set("contact", false);
      bench.time.advance(100);
      assert.equal(bench.door.report.fault, null);
      bench.unlockFor(1000);
      assert.equal(bench.isOpen(), true);
    });
  }
});

describe("a door with a contact", () => {
  it("locks when it has been opened and shut again, before its lease ends", async () => {
    await using bench = keeperBench();
    bench.time.advance(100);
    const untilMs = bench.time.nowMs() + 3000;
    const again = (): void => {
      bench.door.apply({ kind: "unlock", untilMs });
    };
    again();
    bench.set("contact", true);
    bench.time.advance(100);
    again();
    assert.equal(bench.isOpen(), true);
    bench.set("contact", false);
    bench.time.advance(59 + sampleMs);
    bench.time.advance(sampleMs);
    assert.deepEqual([bench.isOpen(), bench.door.report.kind], [false, "locked"]);
    assert.equal(bench.door.report.spentUntilMs, untilMs);
    again();
    assert.equal(bench.isOpen(), false);
    assert.deepEqual(bench.news().slice(-2), ["contact off", "door open -> locked"]);
  });

  it("stays unlocked then for as long as its lease, if the configuration says so", async () => {
    await using bench = keeperBench({ policy: { relockOnClose: false } });
    bench.time.advance(100);
    bench.unlockFor(3000);
    for (const isOpen of [true, false]) {
      bench.set("contact", isOpen);
      bench.time.advance(100);
    }
    assert.deepEqual([bench.isOpen(), bench.door.report.kind], [true, "unlocked"]);
  });

  it("opened with no leave is forced open, sounds the alarm, and takes no lease until it is shut", async () => {
    await using bench = keeperBench();
    bench.time.advance(100);
    bench.set("contact", true);
    bench.time.advance(100);
    assert.deepEqual([bench.door.report.kind, bench.door.report.fault?.code], ["forced-open", "door-forced"]);
    assert.equal(bench.buzzerLine.isActive, true);
    bench.unlockFor(1000);
    assert.equal(bench.isOpen(), false);
    bench.set("contact", false);
    bench.time.advance(100);
    assert.deepEqual([bench.door.report.kind, bench.buzzerLine.isActive], ["locked", false]);
    bench.unlockFor(1000);
    assert.equal(bench.isOpen(), true);
  });

  it("left open is held open after its time, is heard, and is locked all the while", async () => {
    await using bench = keeperBench();
    bench.time.advance(100);
    bench.unlockFor(1000);
    bench.set("contact", true);
    bench.time.advance(1000 + 4999 - sampleMs);
    assert.deepEqual([bench.door.report.kind, bench.isOpen()], ["open", false]);
    assert.equal(bench.buzzerLine.levels.includes(true), false);
    bench.time.advance(2 * sampleMs);
    assert.deepEqual([bench.door.report.kind, bench.isOpen()], ["held-open", false]);
    assert.equal(bench.buzzerLine.isActive, true);
  });

  it("is not forced by whoever presses the button first, which moves no lock", async () => {
    await using bench = keeperBench({ inputs: ["contact", "requestToExit"] });
    bench.time.advance(100);
    bench.set("requestToExit", true);
    bench.time.advance(100);
    bench.set("requestToExit", false);
    bench.time.advance(1500);
    assert.equal(bench.line.levels.includes(true), false);
    bench.set("contact", true);
    bench.time.advance(100);
    assert.equal(bench.door.report.kind, "open");
    bench.set("contact", false);
    bench.time.advance(5000);
    bench.set("contact", true);
    bench.time.advance(100);
    assert.equal(bench.door.report.kind, "forced-open", "once the press is too long ago");
  });
});

it("an open housing ends a lease, sounds the alarm, and is a fault until it is shut", async () => {
  await using bench = keeperBench({ inputs: ["tamper"] });
  bench.time.advance(300);
  bench.unlockFor(3000);
  bench.set("tamper", true);
  bench.time.advance(300);
  assert.deepEqual([bench.isOpen(), bench.door.report.fault?.code], [false, "door-tampered"]);
  assert.equal(bench.buzzerLine.levels.includes(true), true);
  bench.unlockFor(1000);
  assert.equal(bench.isOpen(), false);
  bench.set("tamper", false);
  bench.time.advance(300);
  assert.deepEqual([bench.door.report.fault, bench.buzzerLine.isActive], [null, false]);
  bench.unlockFor(1000);
  assert.equal(bench.isOpen(), true);
});

it("an open housing is heard although another input cannot be read, and not in a fire, which has alarms of its own", async () => {
  await using bench = keeperBench({ inputs: ["tamper", "contact", "fireAlarm"] });
  bench.time.advance(300);
  bench.write("contact", "nonsense");
  bench.set("tamper", true);
  bench.time.advance(1000);
  assert.equal(bench.door.report.fault?.code, "gpio-failed");
  assert.equal(bench.buzzerLine.levels.filter((isOn) => isOn).length > 1, true);
  bench.set("fireAlarm", true);
  bench.time.advance(300);
  assert.deepEqual([bench.isOpen(), bench.buzzerLine.isActive], [true, false]);
  const soFar = bench.buzzerLine.levels.filter((isOn) => isOn).length;
  bench.time.advance(1000);
  assert.equal(bench.buzzerLine.levels.filter((isOn) => isOn).length, soFar);
});

describe("a lock that fails", () => {
  it("at a fire alarm is tried at each look until it is free", async () => {
    await using bench = keeperBench({ inputs: ["fireAlarm"] });
    bench.time.advance(300);
    bench.line.failures = { level: true, count: 3 };
    bench.set("fireAlarm", true);
    bench.time.advance(200 + 2 * sampleMs);
    assert.deepEqual([bench.isOpen(), bench.door.report.isFireReleased], [false, true]);
    bench.time.advance(3 * sampleMs);
    assert.deepEqual([bench.isOpen(), bench.door.state], [true, { kind: "unlocked", untilMs: Infinity }]);
  });

  it("when an input ends the lease is tried until it is locked, and says unlocked until then", async () => {
    await using bench = keeperBench({ inputs: ["tamper"] });
    bench.time.advance(300);
    bench.unlockFor(3000);
    bench.line.failures = { count: 1_000_000 };
    bench.set("tamper", true);
    bench.time.advance(1000);
    assert.deepEqual([bench.isOpen(), bench.door.state.kind], [true, "unlocked"]);
    assert.throws(() => {
      bench.door.apply({ kind: "lock" });
    }, KioskError);
    bench.line.failures = { count: 0 };
    bench.time.advance(100);
    assert.deepEqual([bench.isOpen(), bench.door.state], [false, { kind: "locked" }]);
  });
});

describe("what happens at the door", () => {
  it("is told after it has taken effect", async () => {
    await using bench = keeperBench({ inputs: ["contact", "fireAlarm"] });
    bench.time.advance(300);
    bench.unlockFor(1000);
    bench.time.advance(2000);
    bench.set("fireAlarm", true);
    bench.time.advance(300);
    const locks = bench.told.filter(({ event }) => event.kind !== "input");
    assert.deepEqual(
      locks.map(({ event, isOpen }) => [event.kind === "door" ? event.to : event.kind, isOpen]),
      [
        ["locked", false],
        ["unlocked", true],
        ["locked", false],
        ["fire-release", true],
        ["unlocked", true],
      ],
    );
  });

  it("is told once, with the time at which it counted", async () => {
    await using bench = keeperBench();
    const startMs = bench.time.nowMs();
    bench.time.advance(10_000);
    assert.deepEqual(
      bench.told.map(({ event }) => event.atMs - startMs),
      [60, 60],
    );
  });

  it("at the end is the locking alone: an input that nobody reads any more is no news", async () => {
    const bench = keeperBench({ inputs: ["contact", "tamper"] });
    bench.time.advance(300);
    bench.unlockFor(1000);
    bench.news();
    await bench[Symbol.asyncDispose]();
    assert.deepEqual(bench.news(), ["door unlocked -> locked"]);
    assert.equal(bench.time.pendingCount, 0, "and nothing is read or set any more");
  });
});
