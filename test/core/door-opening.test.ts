/** The invariants 6 to 9 of src/core/door.ts by their number: what counts as an opening, and who excuses it. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { graceMs } from "../../src/core/door.ts";
import { inputNames } from "../../src/core/door-report.ts";
import { stuckExitMs } from "../../src/core/exit-button.ts";
import { atRest, DoorScene, policy, settledDoor } from "./door-scene.ts";

const opened = (door: DoorScene): DoorScene => door.set({ contact: true }).pass(60);
const shut = (door: DoorScene): DoorScene => door.set({ contact: false }).pass(60);
const press = (door: DoorScene, ms: number): DoorScene =>
  door.set({ requestToExit: true }).pass(ms).set({ requestToExit: false });

describe("invariant 6: a level counts once all samples have shown it for the input's debounceMs", () => {
  for (const name of inputNames) {
    it(`${name}: not before, and from then on`, () => {
      const debounceMs = policy.debounceMs[name] ?? 0;
      const door = settledDoor().set({ [name]: true });
      assert.equal(door.pass(debounceMs).memory.signals[name].isOn, false);
      assert.equal(door.pass(10).memory.signals[name].isOn, true);
    });

    it(`${name}: a bounce of 900 ms changes nothing`, () => {
      const [door, still] = [settledDoor().bounce(name, 900).pass(300), settledDoor().pass(1200)];
      assert.deepEqual([door.kind, door.isOpen, door.trouble], [still.kind, still.isOpen, still.trouble]);
      assert.equal(door.memory.signals[name].isOn, false);
    });
  }

  it("a door that bounces while it opens and shuts is open and shut once", () => {
    const door = settledDoor();
    door.unlock(4000);
    const kinds = [door.kind];
    const see = (): void => {
      if (kinds.at(-1) !== door.kind) kinds.push(door.kind);
    };
    for (const isOpen of [true, false]) {
      for (let ms = 0; ms < 200; ms += 10) {
        door.bounce("contact", 10);
        see();
      }
      for (let ms = 0; ms < 200; ms += 10) {
        door.set({ contact: isOpen }).pass(10);
        see();
      }
    }
    assert.deepEqual(kinds, ["unlocked", "open", "locked"]);
  });

  it("the one exception: a button that is down when an opening counts excuses it", () => {
    const door = settledDoor().set({ contact: true }).pass(50).set({ requestToExit: true }).pass(10);
    assert.deepEqual([door.memory.signals.requestToExit.isOn, door.kind], [false, "open"]);
    const late = settledDoor().set({ contact: true }).pass(60).set({ requestToExit: true }).pass(100);
    assert.equal(late.kind, "forced-open");
  });

  it("not if that button bounces on and on", () => {
    const door = settledDoor().bounce("requestToExit", 1200);
    assert.deepEqual(door.trouble, { kind: "unsteady", input: "requestToExit" });
    door.set({ contact: true }).bounce("requestToExit", 50).set({ requestToExit: true }).pass(10);
    assert.deepEqual([door.memory.signals.requestToExit.sample, door.kind], [true, "forced-open"]);
  });

  it("an input that holds its level is never unsteady, whatever its debounce", () => {
    for (const ms of [0, 30, 999, 1001, 2000]) {
      const debounceMs = { contact: ms, requestToExit: ms, fireAlarm: ms, tamper: ms };
      const door = new DoorScene({ debounceMs });
      for (let passed = 0; passed < 2 * ms + 1000; passed += 10) {
        assert.equal(door.pass(10).trouble, undefined, `after ${passed} of ${ms} ms`);
      }
      assert.equal(door.kind, "locked");
    }
  });
});

describe("invariant 7: forced-open is a door seen shut and then open, with nothing that lets it", () => {
  it("is locked, forced open, and locked when it is shut", () => {
    const door = settledDoor();
    assert.equal(door.kind, "locked");
    assert.equal(opened(door).kind, "forced-open");
    assert.deepEqual(door.trouble, { kind: "forced" });
    assert.equal(door.pass(100_000).kind, "forced-open");
    assert.equal(shut(door).kind, "locked");
    assert.equal(door.trouble, undefined);
  });

  it("not within a lease, nor in the grace after its end", () => {
    for (const [afterMs, kind] of [
      [500, "open"],
      [1000 + graceMs - 10, "open"],
      [1000 + graceMs, "forced-open"],
    ] as const) {
      const door = settledDoor();
      door.unlock(1000);
      assert.equal(opened(door.pass(afterMs)).kind, kind, `${afterMs} ms`);
    }
  });

  it("a lease that is locked early excuses until then only", () => {
    const door = settledDoor();
    door.unlock(5000);
    assert.equal(opened(door.say({ kind: "lock" }).pass(graceMs)).kind, "forced-open");
  });

  it("not during a fire alarm, which also excuses an opening before it, with and without a release", () => {
    for (const fireRelease of [true, false]) {
      const fire = settledDoor({ fireRelease }).set({ fireAlarm: true }).pass(300);
      assert.equal(opened(fire).kind, "open");
      const atOnce = settledDoor({ fireRelease }).set({ fireAlarm: true }).pass(150);
      assert.equal(opened(atOnce).kind, "open", "both count in the same look");
      const before = opened(settledDoor({ fireRelease }));
      assert.equal(before.kind, "forced-open");
      assert.equal(before.set({ fireAlarm: true }).pass(300).kind, "open");
      assert.equal(before.set({ fireAlarm: false }).pass(300).kind, "open");
    }
  });

  it("a door first seen open is open: at the start, and after its contact had no level that counts", () => {
    assert.equal(settledDoor({}, { contact: true }).kind, "open");
    for (const lose of [
      (door: DoorScene) => door.set({ contact: "unreadable" }).pass(100),
      (door: DoorScene) => door.bounce("contact", 1200),
    ]) {
      const door = lose(opened(settledDoor()));
      assert.equal(door.kind, "unknown");
      assert.equal(opened(door).kind, "open");
    }
  });

  it("without a contact a door is locked or unlocked by its lock alone", () => {
    const { requestToExit, fireAlarm, tamper } = { requestToExit: 30, fireAlarm: 200, tamper: 200 };
    const door = settledDoor({ debounceMs: { requestToExit, fireAlarm, tamper } });
    assert.equal(opened(door).kind, "locked");
    door.unlock(1000);
    assert.equal(door.kind, "unlocked");
    assert.equal(door.pass(1000).kind, "locked");
  });
});

describe("invariant 8: held-open is a door that is open for heldOpenAfterMs since the last thing that let it", () => {
  const { heldOpenAfterMs } = policy;

  const heldFrom = (door: DoorScene): number => {
    const startMs = door.nowMs;
    while (door.kind === "open" && door.nowMs < startMs + 60_000) door.pass(10);
    assert.equal(door.kind, "held-open");
    return door.nowMs;
  };

  it("counted from its opening", () => {
    const door = settledDoor();
    door.unlock(1000);
    const firstSeenOpenMs = door.pass(1500).nowMs + 10;
    assert.equal(heldFrom(opened(door)), firstSeenOpenMs + heldOpenAfterMs);
  });

  it("counted from the end of the lease", () => {
    const door = settledDoor();
    door.unlock(4000);
    const endMs = door.nowMs + 4000;
    assert.equal(heldFrom(opened(door)), endMs + heldOpenAfterMs);
  });

  it("counted from the release of the button", () => {
    const door = opened(settledDoor().set({ requestToExit: true }).pass(100));
    door.pass(5000).set({ requestToExit: false });
    const releasedMs = door.nowMs + 30;
    assert.equal(heldFrom(door), releasedMs + heldOpenAfterMs);
  });

  it("counted from the end of the fire alarm", () => {
    const door = opened(settledDoor().set({ fireAlarm: true }).pass(300));
    const overMs = door.pass(20_000).set({ fireAlarm: false }).nowMs + 210;
    assert.equal(heldFrom(door), overMs + heldOpenAfterMs);
  });

  it("ends with a new lease and a new request to exit, and locks nothing", () => {
    const door = opened(settledDoor().set({ requestToExit: true }).pass(100)).set({ requestToExit: false });
    door.pass(heldOpenAfterMs + 100);
    assert.deepEqual([door.kind, door.isOpen, door.trouble], ["held-open", false, undefined]);
    door.unlock(1000);
    assert.deepEqual([door.tick(10).kind, door.isOpen], ["open", true]);
    door.pass(heldOpenAfterMs + 1000);
    assert.equal(door.kind, "held-open");
    assert.equal(press(door, 100).kind, "open");
    assert.equal(shut(door).kind, "locked");
  });
});

describe("invariant 9: the request to exit only excuses an opening", () => {
  it("never moves the lock", () => {
    const door = settledDoor();
    for (let ms = 0; ms < 70_000; ms += 1000) assert.equal(press(door, 1000).isOpen, false);
    assert.equal(door.set({ requestToExit: true }).pass(70_000).isOpen, false);
  });

  it("excuses for requestToExitMs after it was last pressed, and no longer", () => {
    for (const [afterMs, kind] of [
      [0, "open"],
      [policy.requestToExitMs - 10, "open"],
      [policy.requestToExitMs + 30, "forced-open"],
    ] as const) {
      assert.equal(opened(press(settledDoor(), 100).pass(afterMs)).kind, kind, `${afterMs} ms`);
    }
  });

  const stuck = (): DoorScene =>
    settledDoor()
      .set({ requestToExit: true })
      .pass(stuckExitMs + 10);

  it("excuses nothing once it was pressed for stuckExitMs, and is no trouble", () => {
    const almost = settledDoor()
      .set({ requestToExit: true })
      .pass(stuckExitMs - 100);
    assert.equal(almost.memory.exit.isStuck, false);
    assert.equal(opened(almost).kind, "open");
    const door = stuck();
    assert.deepEqual([door.memory.exit.isStuck, door.trouble], [true, undefined]);
    assert.equal(opened(door).kind, "forced-open");
  });

  it("lets a door stand open no longer than from the moment in which it stuck", () => {
    const door = opened(settledDoor().set({ requestToExit: true }).pass(100));
    const stuckMs = door.nowMs + stuckExitMs - 150;
    door.pass(stuckExitMs);
    assert.deepEqual([door.memory.exit.isStuck, door.kind], [true, "open"]);
    door.pass(stuckMs + policy.heldOpenAfterMs - door.nowMs - 50);
    assert.equal(door.kind, "open");
    assert.equal(door.pass(100).kind, "held-open");
  });

  it("refuses no lease, and an opening within one is none that needs an excuse", () => {
    const door = stuck();
    door.unlock(2000);
    assert.equal(door.isOpen, true);
    assert.deepEqual([opened(door).kind, door.isOpen], ["open", true]);
  });

  it("excuses again after it was seen released, and not while nobody knows", () => {
    const door = stuck();
    assert.equal(door.set({ requestToExit: "unreadable" }).pass(1000).memory.exit.isStuck, true);
    assert.equal(door.set({ requestToExit: true }).pass(1000).memory.exit.isStuck, true);
    assert.equal(door.bounce("requestToExit", 1500).memory.exit.isStuck, true);
    assert.equal(door.set(atRest).pass(100).memory.exit.isStuck, false);
    assert.equal(opened(press(door, 100)).kind, "open");
  });

  it("is not stuck when it is pressed again and again, bounces while it is down, or was not read for a time", () => {
    const often = settledDoor();
    for (let ms = 0; ms < 2 * stuckExitMs; ms += 1100) press(often, 1000).pass(100);
    assert.equal(often.memory.exit.isStuck, false);
    const unread = settledDoor().set({ requestToExit: true }).pass(30_000);
    unread.set({ requestToExit: "unreadable" }).pass(40_000).set({ requestToExit: true }).pass(30_000);
    assert.equal(unread.memory.exit.isStuck, false);
    const bouncing = settledDoor().set({ requestToExit: true }).pass(30_000);
    bouncing.bounce("requestToExit", 500).pass(30_000);
    assert.equal(bouncing.memory.exit.isStuck, true);
  });
});
