/** What the report says of the door's memory: kind, readings, flags, and each fault's code and message. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { DoorReport, Reading } from "../../src/core/door-report.ts";
import { doorReport, type DoorCircumstances } from "../../src/core/door-view.ts";
import type { ErrorCode } from "../../src/core/errors.ts";
import { stuckExitMs } from "../../src/core/exit-button.ts";
import { DoorScene, policy, settledDoor } from "./door-scene.ts";

/** Of a lock that does what it is told. */
function reportOf(
  door: DoorScene,
  about: Partial<DoorCircumstances> = {},
  changes: Partial<typeof policy> = {},
): DoorReport {
  return doorReport(
    door.memory,
    { ...policy, ...changes },
    {
      isLockOpen: door.isOpen,
      before: undefined,
      readFailure: (input) => `${input} says EIO`,
      ...about,
    },
  );
}

describe("the fault of a door", () => {
  const bySelf = "the fire alarm has released the lock; it locks again when the alarm is over";
  const steady = (input: string): string =>
    `gpio.${input} shows no steady level; check its wiring, its pull resistor and its debounceMs`;
  const faults: readonly (readonly [string, DoorScene, ErrorCode, string])[] = [
    ["fire", settledDoor().set({ fireAlarm: true }).pass(300), "fire-alarm", bySelf],
    [
      "an input that cannot be read",
      settledDoor().set({ tamper: "unreadable" }).pass(10),
      "gpio-failed",
      "tamper says EIO",
    ],
    [
      "an input that bounces on and on",
      settledDoor().bounce("contact", 1100),
      "gpio-failed",
      steady("contact"),
    ],
    [
      "an input without a level from the start",
      new DoorScene().bounce("tamper", 1100),
      "gpio-failed",
      steady("tamper"),
    ],
    [
      "an open housing",
      settledDoor().set({ tamper: true }).pass(300),
      "door-tampered",
      "the housing is open (gpio.tamper); close it",
    ],
    [
      "a door that was forced open",
      settledDoor().set({ contact: true }).pass(100),
      "door-forced",
      "the door was opened without a grant and without a request to exit; shut it",
    ],
  ];
  for (const [what, door, code, message] of faults) {
    it(`is told: ${what}`, () => {
      assert.deepEqual(reportOf(door).fault, { code, message });
    });
  }

  it("says what clears a fire release", () => {
    const door = settledDoor().set({ fireAlarm: true }).pass(300);
    assert.equal(
      reportOf(door, {}, { fireClears: "by-restart" }).fault?.message,
      "the fire alarm has released the lock; when the alarm is over, restart the service that holds the lock",
    );
  });

  it("is the gravest one", () => {
    const door = settledDoor().set({ contact: true }).pass(100);
    const code = (): string | undefined => reportOf(door).fault?.code;
    const message = (): string | undefined => reportOf(door).fault?.message;
    assert.equal(code(), "door-forced");
    door.set({ tamper: true }).pass(300);
    assert.equal(code(), "door-tampered");
    door.bounce("requestToExit", 1100);
    assert.equal(message(), steady("requestToExit"));
    door.set({ contact: "unreadable" }).pass(10);
    assert.equal(message(), "contact says EIO");
    door.set({ fireAlarm: true }).pass(300);
    assert.equal(code(), "fire-alarm");
  });

  it("is none of a door at rest, leased, open, held open, or with a stuck button", () => {
    const door = settledDoor();
    assert.equal(reportOf(door).fault, null);
    door.unlock(1000);
    for (const [ms, kind] of [
      [100, "open"],
      [policy.heldOpenAfterMs + 2000, "held-open"],
    ] as const) {
      door.set({ contact: true }).pass(ms);
      assert.deepEqual([reportOf(door).kind, reportOf(door).fault], [kind, null]);
    }
    door.set({ requestToExit: true }).pass(stuckExitMs + 100);
    assert.deepEqual([reportOf(door).isExitStuck, reportOf(door).fault], [true, null]);
  });
});

describe("the report of a door", () => {
  it("has a reading for each input: before it has a level, off, on, and of one that is not fitted", () => {
    const readings = (door: DoorScene): readonly Reading[] => Object.values(reportOf(door).inputs);
    assert.deepEqual(readings(new DoorScene()), ["unknown", "unknown", "unknown", "unknown"]);
    for (const input of ["contact", "requestToExit", "fireAlarm", "tamper"] as const) {
      const door = settledDoor();
      const { inputs } = reportOf(door);
      assert.deepEqual(inputs, { contact: "off", requestToExit: "off", fireAlarm: "off", tamper: "off" });
      assert.deepEqual(reportOf(door.set({ [input]: true }).pass(300)).inputs, { ...inputs, [input]: "on" });
      const debounceMs = Object.fromEntries(
        Object.entries(policy.debounceMs).filter(([name]) => name !== input),
      );
      assert.equal(reportOf(door, {}, { debounceMs }).inputs[input], "not-fitted");
    }
  });

  it("has the kind of what the lock really does", () => {
    const door = settledDoor();
    assert.equal(reportOf(door, { isLockOpen: true }).kind, "unlocked");
    door.unlock(1000);
    assert.equal(reportOf(door, { isLockOpen: false }).kind, "locked");
  });

  it("keeps the time since when it is of its kind, and takes the time of now with a new one", () => {
    const door = settledDoor();
    const first = reportOf(door);
    assert.deepEqual([first.kind, first.sinceMs], ["locked", door.nowMs]);
    const later = reportOf(door.pass(500), { before: first });
    assert.equal(later.sinceMs, first.sinceMs);
    door.unlock(1000);
    const unlocked = reportOf(door, { before: later });
    assert.deepEqual([unlocked.kind, unlocked.sinceMs], ["unlocked", door.nowMs]);
  });

  it("says that the fire alarm has released the lock", () => {
    const door = settledDoor();
    assert.equal(reportOf(door).isFireReleased, false);
    assert.equal(reportOf(door.set({ fireAlarm: true }).pass(300)).isFireReleased, true);
  });

  it("names the end that was asked of a lease that was ended early, and of no other", () => {
    const door = settledDoor();
    assert.equal(reportOf(door).spentUntilMs, null);
    const askedUntilMs = door.nowMs + 60_000;
    door.say({ kind: "unlock", untilMs: askedUntilMs });
    assert.equal(reportOf(door).spentUntilMs, null);
    door.set({ contact: true }).pass(100).set({ contact: false }).pass(100);
    assert.equal(reportOf(door).spentUntilMs, askedUntilMs);
    door.unlock(1000);
    assert.equal(reportOf(door.pass(2000)).spentUntilMs, null);
  });
});
