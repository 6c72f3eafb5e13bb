/** The invariants of src/core/door.ts by their number: 1 to 5 and 10, about leases and the lock. 6 to 9 are in door-opening.test.ts. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { initialDoor, leaseEndsMs, nextDoor, type DoorInput, type DoorPolicy } from "../../src/core/door.ts";
import { inputNames, type InputName } from "../../src/core/door-report.ts";
import type { DoorCommand } from "../../src/core/ports.ts";
import { atRest, DoorScene, type Levels, policy, settledDoor } from "./door-scene.ts";

const lock: DoorCommand = { kind: "lock" };

/** What ends a lease for good, and what sets it right again. */
const blocks: readonly (readonly [string, Partial<Levels>])[] = [
  ["the housing is open", { tamper: true }],
  ...inputNames.map((name) => [`${name} cannot be read`, { [name]: "unreadable" }] as const),
];

describe("invariant 1: the lock is unlocked only while a lease runs or the fire alarm has released it", () => {
  it("is locked from the start, and whatever the inputs say without fire", () => {
    assert.equal(new DoorScene().isOpen, false);
    const door = settledDoor();
    for (const level of [true, false, "unreadable"] as const) {
      door.set({ contact: level, requestToExit: level, tamper: level }).pass(2000);
      assert.equal(door.isOpen, false, String(level));
    }
  });

  it("is unlocked by a lease and by fire, and locked after both", () => {
    const door = settledDoor();
    door.unlock(1000);
    assert.equal(door.isOpen, true);
    door.pass(1000).set({ fireAlarm: true }).pass(300);
    assert.deepEqual([door.isOpen, leaseEndsMs(door.memory)], [true, undefined]);
    door.set({ fireAlarm: false }).pass(300);
    assert.equal(door.isOpen, false);
  });
});

describe("invariant 2: a lease begins with an unlock command and ends by itself at its time", () => {
  it("at its time and not before, without a look at the inputs", () => {
    const door = settledDoor();
    door.unlock(3000);
    assert.equal(leaseEndsMs(door.memory), door.nowMs + 3000);
    assert.equal(door.tick(2999).isOpen, true);
    assert.equal(door.tick(1).isOpen, false);
  });

  it("maxUnlockMs after the command that began it, however often it is said again", () => {
    const door = settledDoor();
    const command = door.unlock(100_000);
    const beganMs = door.nowMs;
    for (let ms = 0; ms < policy.maxUnlockMs; ms += 100) {
      assert.equal(leaseEndsMs(door.memory), beganMs + policy.maxUnlockMs);
      door.pass(100).say(command);
    }
    assert.equal(door.isOpen, false);
    assert.equal(door.say(command).isOpen, false);
    assert.equal(door.say(lock).say(command).isOpen, false);
  });

  it("is the same lease again after a lock command, and another one for another time", () => {
    const door = settledDoor();
    const command = door.unlock(3000);
    const endMs = leaseEndsMs(door.memory);
    assert.equal(door.say(lock).isOpen, false);
    assert.equal(leaseEndsMs(door.pass(1000).say(command).memory), endMs);
    door.unlock(4000);
    assert.equal(leaseEndsMs(door.memory), door.nowMs + 4000);
    door.unlock(500);
    assert.equal(leaseEndsMs(door.memory), door.nowMs + 500);
  });

  for (const [what, untilMs] of [
    ["now", 1000],
    ["in the past", 999],
    ["never", Infinity],
    ["always", -Infinity],
    ["no time", NaN],
  ] as const) {
    it(`locks for a lease that ends ${what}, also over one that runs`, () => {
      const door = settledDoor();
      assert.equal(door.nowMs, 1000);
      door.unlock(3000);
      assert.equal(door.isOpen, true);
      assert.equal(door.say({ kind: "unlock", untilMs }).isOpen, false);
    });
  }

  it("begins with nothing else: neither an input nor time brings a lease that was locked", () => {
    const door = settledDoor();
    door.unlock(4000);
    door.say(lock);
    for (const name of inputNames.filter((one) => one !== "fireAlarm")) {
      assert.equal(door.set({ [name]: true }).pass(300).isOpen, false, name);
      assert.equal(door.set({ [name]: false }).pass(300).isOpen, false, name);
    }
    assert.equal(door.tick(10).isOpen, false);
  });
});

describe("invariant 3: a lease ends for good when the door, opened while it ran, has closed again", () => {
  const passed = (changes: Partial<DoorPolicy> = {}): readonly [DoorScene, DoorCommand] => {
    const door = settledDoor(changes);
    const command = door.unlock(4000);
    door.set({ contact: true }).pass(500);
    assert.equal(door.isOpen, true);
    return [door.set({ contact: false }).pass(100), command];
  };

  it("with relockOnClose: the same command does not bring it back, a new one is a new lease", () => {
    const [door, command] = passed();
    assert.deepEqual([door.isOpen, door.say(command).isOpen], [false, false]);
    door.unlock(2000);
    assert.equal(door.isOpen, true);
  });

  it("without relockOnClose it runs on to its end", () => {
    assert.equal(passed({ relockOnClose: false })[0].isOpen, true);
  });

  it("not when a door that was open before the lease closes", () => {
    const door = settledDoor({}, { contact: true });
    door.unlock(4000);
    assert.equal(door.pass(100).set({ contact: false }).pass(100).isOpen, true);
    assert.equal(door.set({ contact: true }).pass(100).isOpen, true);
    assert.equal(door.set({ contact: false }).pass(100).isOpen, false);
  });

  it("not when the contact bounces faster than its debounce", () => {
    const door = settledDoor();
    door.unlock(4000);
    door.set({ contact: true }).pass(40).set({ contact: false }).pass(100);
    assert.equal(door.isOpen, true);
  });
});

describe("invariant 4: a block ends a lease for good", () => {
  for (const [what, levels] of blocks) {
    it(`when ${what}`, () => {
      const door = settledDoor();
      const command = door.unlock(4000);
      assert.equal(door.pass(100).isOpen, true);
      assert.equal(door.set(levels).pass(300).isOpen, false);
      assert.equal(door.say(command).isOpen, false);
      door.unlock(3000);
      assert.equal(door.isOpen, false, "no new lease either");
      door.set(atRest).pass(300);
      assert.equal(door.isOpen, false, "the same command said before does not bring it back");
      assert.equal(door.say(command).isOpen, true, "a command that is not the last one is a new lease");
    });
  }

  it("when the same command comes after the block is over", () => {
    const door = settledDoor();
    const command = door.unlock(4000);
    door.set({ tamper: true }).pass(300).set({ tamper: false }).pass(300);
    assert.equal(door.trouble, undefined);
    assert.equal(door.say(command).isOpen, false);
  });

  it("when the door was forced open", () => {
    const door = settledDoor().set({ contact: true }).pass(100);
    assert.equal(door.kind, "forced-open");
    const command = door.unlock(2000);
    assert.equal(door.isOpen, false);
    assert.equal(door.set({ contact: false }).pass(100).say(command).isOpen, false);
    door.unlock(2000);
    assert.equal(door.isOpen, true);
  });

  for (const input of inputNames) {
    it(`when ${input} bounces on and on, and not while it bounces as a contact does`, () => {
      const door = settledDoor();
      const command = door.unlock(4000);
      assert.equal(door.bounce(input, 900).isOpen, true);
      assert.equal(door.bounce(input, 200).isOpen, false);
      assert.deepEqual(door.trouble, { kind: "unsteady", input });
      door.pass(600);
      assert.deepEqual([door.trouble, door.say(command).isOpen], [undefined, false]);
    });
  }

  it("before the inputs have shown a level; an input that is not fitted is not asked", () => {
    const door = new DoorScene().pass(100);
    door.unlock(2000);
    assert.deepEqual([door.isOpen, door.trouble], [false, undefined]);
    const bare = new DoorScene({ debounceMs: {} }).set({ tamper: true, contact: "unreadable" }).pass(300);
    bare.unlock(2000);
    assert.deepEqual([bare.isOpen, bare.trouble], [true, undefined]);
  });

  it("when a fitted input is left out of the samples", () => {
    const door = settledDoor();
    door.unlock(3000);
    const { contact, requestToExit, fireAlarm } = atRest;
    door.hear({ kind: "samples", atMs: door.nowMs + 10, samples: { contact, requestToExit, fireAlarm } });
    assert.deepEqual([door.isOpen, door.trouble], [false, { kind: "unreadable", input: "tamper" }]);
  });
});

describe("invariant 5: where the configuration says so, the fire alarm releases the lock over everything else", () => {
  const onFire = (changes: Partial<DoorPolicy> = {}): DoorScene =>
    settledDoor(changes).set({ fireAlarm: true }).pass(300);

  it("over every command, the tamper contact and inputs that cannot be read", () => {
    const door = onFire();
    assert.deepEqual([door.isOpen, door.trouble], [true, { kind: "fire" }]);
    for (const untilMs of [0, NaN, door.nowMs + 100]) {
      assert.equal(door.say({ kind: "unlock", untilMs }).isOpen, true);
      assert.equal(door.say(lock).isOpen, true);
    }
    const others: Partial<Levels> = { contact: "unreadable", requestToExit: "unreadable", tamper: true };
    assert.deepEqual([door.set(others).pass(3000).isOpen, door.trouble], [true, { kind: "fire" }]);
  });

  it("locks again when the alarm is off, or never if only a restart clears it", () => {
    for (const [fireClears, isOpen] of [
      ["by-itself", false],
      ["by-restart", true],
    ] as const) {
      const door = onFire({ fireClears }).set({ fireAlarm: false }).pass(190);
      assert.equal(door.isOpen, true);
      assert.equal(door.pass(20).isOpen, isOpen, fireClears);
    }
  });

  it("does nothing to the lock without fireRelease, and nothing before it was debounced", () => {
    assert.equal(onFire({ fireRelease: false }).isOpen, false);
    assert.equal(settledDoor().set({ fireAlarm: true }).pass(200).isOpen, false);
  });

  it("a fire line that cannot be read or is unsteady begins no release and ends none", () => {
    const loseFireLine: readonly ((door: DoorScene) => void)[] = [
      (door) => door.set({ fireAlarm: "unreadable" }).pass(2000),
      (door) => door.bounce("fireAlarm", 2000),
    ];
    for (const lose of loseFireLine) {
      const quiet = settledDoor();
      lose(quiet);
      assert.deepEqual([quiet.isOpen, quiet.memory.signals.fireAlarm.isOn], [false, undefined]);
      const released = onFire();
      lose(released);
      assert.deepEqual([released.isOpen, released.memory.signals.fireAlarm.isOn], [true, undefined]);
      assert.equal(released.set({ fireAlarm: false }).pass(300).isOpen, false);
    }
  });
});

describe("invariant 10: time never runs backwards, and memory is bounded", () => {
  it("a time before the latest one counts as the latest one", () => {
    const door = settledDoor();
    door.unlock(1000);
    door.pass(900);
    const { nowMs } = door.memory;
    door.hear({ kind: "tick", atMs: nowMs - 500 });
    assert.deepEqual([door.memory.nowMs, door.isOpen], [nowMs, true]);
    door.hear({ kind: "command", atMs: 0, command: { kind: "unlock", untilMs: nowMs - 1 } });
    assert.equal(door.isOpen, false);
  });

  for (const atMs of [NaN, Infinity, -Infinity]) {
    it(`a time of ${atMs} locks, moves nothing, and is forgotten`, () => {
      const inputs: readonly DoorInput[] = [
        { kind: "tick", atMs },
        { kind: "samples", atMs, samples: { ...atRest, tamper: true } },
        { kind: "command", atMs, command: { kind: "unlock", untilMs: 3000 } },
      ];
      for (const input of inputs) {
        const door = settledDoor();
        const command = door.unlock(2000);
        const { nowMs, signals } = door.memory;
        assert.equal(door.hear(input).isOpen, false, input.kind);
        assert.deepEqual([door.memory.nowMs, door.memory.signals], [nowMs, signals]);
        assert.equal(door.say(command).isOpen, true);
      }
    });
  }

  it("a day of everything leaves a memory no larger than ten minutes of it", () => {
    let [door, early, late] = [initialDoor, 0, 0];
    for (let i = 1; i <= 345_600; i += 1) {
      const isOn = (name: InputName): boolean => (i >> inputNames.indexOf(name)) % 8 === 0;
      const samples = Object.fromEntries(inputNames.map((name) => [name, isOn(name)]));
      door = nextDoor(door, { kind: "samples", atMs: i * 250, samples }, policy);
      const command = { kind: "unlock", untilMs: i * 250 + 2000 } as const;
      if (i % 7 === 0) door = nextDoor(door, { kind: "command", atMs: i * 250, command }, policy);
      if (i > 2400 && i % 101 !== 0) continue;
      const size = JSON.stringify(door).replaceAll(/[\d.]+/g, "0").length;
      if (i <= 2400) early = Math.max(early, size);
      else late = Math.max(late, size);
    }
    assert.ok(early > 0 && late > 0 && late <= early, `${early}, then ${late} characters`);
  });
});
