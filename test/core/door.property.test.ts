/** Random days against the door's machine: it does what its definition says, and its invariants hold between any two states. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  doorKind,
  doorTrouble,
  initialDoor,
  isUnlocked,
  leaseEndsMs,
  nextDoor,
  type DoorInput,
  type DoorMemory,
  type DoorPolicy,
} from "../../src/core/door.ts";
import { doorKinds, inputNames } from "../../src/core/door-report.ts";
import { expectedDoors, type Expected } from "./door-oracle.ts";
import { doorRules, doorWalk } from "./door-walks.ts";

function seen(door: DoorMemory, policy: DoorPolicy): Expected {
  const trouble = doorTrouble(door, policy);
  const input = trouble !== undefined && "input" in trouble ? ` ${trouble.input}` : "";
  return {
    leaseEndsMs: leaseEndsMs(door),
    isFireReleased: door.isFireReleased,
    isExitStuck: door.exit.isStuck,
    spentUntilMs: door.lease?.isSpent === true ? door.lease.askedUntilMs : null,
    kind: doorKind(door, isUnlocked(door), policy),
    trouble: trouble && `${trouble.kind}${input}`,
  };
}

function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(deepFreeze);
  }
  return value;
}

/** Two states, and the input between them. */
interface Step {
  readonly before: DoorMemory;
  readonly input: DoorInput;
  readonly after: DoorMemory;
  readonly was: Expected;
  readonly is: Expected;
  readonly policy: DoorPolicy;
}

/** What holds between any two states, by the numbers of the invariants: each is asked wherever it says something. */
const invariants: readonly (readonly [string, (step: Step) => boolean])[] = [
  ["1", ({ after, is }) => isUnlocked(after) === (is.leaseEndsMs !== undefined || is.isFireReleased)],
  [
    "2: its end",
    ({ after, is: { leaseEndsMs: endMs }, policy }) => {
      return endMs === undefined || (endMs > after.nowMs && endMs <= after.nowMs + policy.maxUnlockMs);
    },
  ],
  [
    "2: begins with a command",
    ({ input, was, is }) => {
      return (
        is.leaseEndsMs === undefined || is.leaseEndsMs === was.leaseEndsMs || asksUntil(input) !== undefined
      );
    },
  ],
  [
    "3, 4: for good",
    ({ input, was, is }) => {
      return (
        was.spentUntilMs === null || asksUntil(input) !== was.spentUntilMs || is.leaseEndsMs === undefined
      );
    },
  ],
  [
    "4",
    ({ after, is, policy }) => {
      const isKnown = inputNames.every(
        (name) => policy.debounceMs[name] === undefined || after.signals[name].isOn !== undefined,
      );
      const isFree = isKnown && after.signals.tamper.isOn !== true && is.kind !== "forced-open";
      return is.leaseEndsMs === undefined || isFree;
    },
  ],
  [
    "5: begins",
    ({ after, was, is, policy }) => {
      const begins = is.isFireReleased && !was.isFireReleased;
      return !begins || (policy.fireRelease && after.signals.fireAlarm.isOn === true);
    },
  ],
  [
    "5: ends",
    ({ after, was, is, policy }) => {
      const ends = was.isFireReleased && !is.isFireReleased;
      return !ends || (policy.fireClears === "by-itself" && after.signals.fireAlarm.isOn === false);
    },
  ],
  [
    "7: begins",
    ({ before, was, is }) => {
      return is.kind !== "forced-open" || was.kind === "forced-open" || before.signals.contact.isOn === false;
    },
  ],
  [
    "7: ends",
    ({ after: { signals }, was, is }) => {
      const ends = was.kind === "forced-open" && is.kind !== "forced-open";
      return !ends || signals.contact.isOn !== true || is.isFireReleased || signals.fireAlarm.isOn === true;
    },
  ],
  [
    "9: released",
    ({ after, was, is }) => {
      return !was.isExitStuck || is.isExitStuck || after.signals.requestToExit.isOn === false;
    },
  ],
  ["10", ({ before, after }) => after.nowMs >= before.nowMs],
];

function asksUntil(input: DoorInput): number | undefined {
  return input.kind === "command" && input.command.kind === "unlock" ? input.command.untilMs : undefined;
}

/** What the walks must reach, by its name. */
const goals: readonly (readonly [string, (was: Expected, is: Expected) => boolean])[] = [
  ...doorKinds.map(
    (kind) => [kind, (was: Expected, is: Expected) => began(was, is, (now) => now.kind === kind)] as const,
  ),
  ...[
    "fire",
    "tamper",
    "forced",
    ...inputNames.flatMap((name) => [`unreadable ${name}`, `unsteady ${name}`]),
  ].map(
    (trouble) =>
      [
        `trouble: ${trouble}`,
        (was: Expected, is: Expected) => began(was, is, (now) => now.trouble === trouble),
      ] as const,
  ),
  ["a lease", (was, is) => began(was, is, (now) => now.leaseEndsMs !== undefined)],
  ["a spent lease", (was, is) => began(was, is, (now) => now.spentUntilMs !== null)],
  [
    "a lease spent by a visitor",
    (was, is) => was.kind === "open" && is.kind === "locked" && is.spentUntilMs !== was.spentUntilMs,
  ],
  ["a fire release", (was, is) => began(was, is, (now) => now.isFireReleased)],
  ["the end of a fire release", (was, is) => began(was, is, (now) => !now.isFireReleased)],
  ["a stuck button", (was, is) => began(was, is, (now) => now.isExitStuck)],
  ["a stuck button released", (was, is) => began(was, is, (now) => !now.isExitStuck)],
  [
    "forced open with a stuck button",
    (was, is) => began(was, is, (now) => now.kind === "forced-open" && now.isExitStuck),
  ],
];

function began(was: Expected, is: Expected, holds: (now: Expected) => boolean): boolean {
  return holds(is) && !holds(was);
}

test("the door does what its definition over the whole history says, and the invariants hold", () => {
  const reached = new Map<string, number>();
  fc.assert(
    fc.property(doorWalk, doorRules, (inputs, policy) => {
      const expected = expectedDoors(inputs, policy);
      let door = initialDoor;
      inputs.forEach((input, i) => {
        const after = deepFreeze(nextDoor(door, deepFreeze(input), policy));
        assert.deepEqual(nextDoor(door, input, policy), after);
        const [was, is] = [seen(door, policy), seen(after, policy)];
        const step = { before: door, input, after, was, is, policy };
        for (const [number, holds] of invariants) assert.ok(holds(step), `invariant ${number}, input ${i}`);
        assert.deepEqual(is, expected[i], `input ${i}`);
        for (const [goal, isReached] of goals) {
          if (isReached(was, is)) reached.set(goal, (reached.get(goal) ?? 0) + 1);
        }
        door = after;
      });
    }),
    { numRuns: 400 },
  );
  for (const [goal] of goals) {
    const count = reached.get(goal) ?? 0;
    assert.ok(count >= 5, `the walks reached "${goal}" only ${count} times`);
  }
});
