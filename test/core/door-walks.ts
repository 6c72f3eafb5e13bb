/**
 * Random days of a door for the property test: visitors with and without leave, buttons that stick, contacts that bounce,
 * lines that cannot be read, fire, commands and times that make no sense. Weighted so that every state is reached.
 */
import fc from "fast-check";
import type { Sample } from "../../src/core/debounce.ts";
import type { DoorInput, DoorPolicy } from "../../src/core/door.ts";
import { inputNames, type InputName } from "../../src/core/door-report.ts";
import type { DoorCommand } from "../../src/core/ports.ts";
import { atRest, type Levels } from "./door-scene.ts";

type Step =
  /** The lines hold these levels for so many looks. */
  | { readonly kind: "hold"; readonly levels: Levels; readonly looks: number; readonly everyMs: number }
  /** One line changes with every look. */
  | { readonly kind: "bounce"; readonly input: InputName; readonly looks: number }
  | { readonly kind: "unlock"; readonly forMs: number }
  | { readonly kind: "again" | "lock" }
  | { readonly kind: "tick"; readonly afterMs: number };

function weighted<T>(...choices: readonly (readonly [number, T])[]): fc.Arbitrary<T> {
  return fc.oneof(...choices.map(([weight, value]) => ({ weight, arbitrary: fc.constant(value) })));
}

const lost = fc.constantFrom(...inputNames).map((name): Partial<Levels> => ({ [name]: "unreadable" }));
const anything = fc.record({
  contact: fc.constantFrom<Sample>(true, false, "unreadable"),
  requestToExit: fc.boolean(),
  fireAlarm: fc.boolean(),
  tamper: fc.boolean(),
});
const scene: fc.Arbitrary<Partial<Levels>> = fc.oneof(
  {
    weight: 40,
    arbitrary: weighted<Partial<Levels>>(
      [14, {}],
      [12, { contact: true }],
      [4, { requestToExit: true }],
      [4, { requestToExit: true, contact: true }],
      [1, { tamper: true }],
      [1, { fireAlarm: true }],
    ),
  },
  { weight: 2, arbitrary: lost },
  { weight: 1, arbitrary: anything },
);
const length = weighted<{ readonly looks: number; readonly everyMs: number }>(
  [3, { looks: 2, everyMs: 20 }],
  [14, { looks: 14, everyMs: 20 }],
  [4, { looks: 8, everyMs: 250 }],
  [2, { looks: 14, everyMs: 5000 }],
);

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 14,
    arbitrary: fc.tuple(scene, length).map(([levels, { looks, everyMs }]): Step => {
      return { kind: "hold", levels: { ...atRest, ...levels }, looks, everyMs };
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("bounce" as const),
      input: fc.constantFrom(...inputNames),
      looks: weighted([5, 7], [2, 30], [4, 70]),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("unlock" as const),
      forMs: weighted([4, 3000], [3, 400], [2, 100_000], [1, 0], [1, -5], [1, Infinity], [1, NaN]),
    }),
  },
  { weight: 3, arbitrary: weighted<Step>([3, { kind: "again" }], [1, { kind: "lock" }]) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("tick" as const),
      afterMs: weighted([3, 10], [3, 900], [2, -400], [1, NaN], [1, -Infinity]),
    }),
  },
);

function inputsOf(steps: readonly Step[]): readonly DoorInput[] {
  const inputs: DoorInput[] = [];
  let [nowMs, untilMs, levels] = [0, 0, atRest];
  const look = (samples: Levels, everyMs: number): void => {
    nowMs += everyMs;
    inputs.push({ kind: "samples", atMs: nowMs, samples });
  };
  const say = (command: DoorCommand): void => void inputs.push({ kind: "command", atMs: nowMs, command });
  for (const one of steps) {
    switch (one.kind) {
      case "hold":
        levels = one.levels;
        for (let count = 0; count < one.looks; count += 1) look(levels, one.everyMs);
        break;
      case "bounce":
        for (let count = 0; count < one.looks; count += 1)
          look({ ...levels, [one.input]: count % 2 === 0 }, 20);
        break;
      case "unlock":
        untilMs = nowMs + one.forMs;
        say({ kind: "unlock", untilMs });
        break;
      case "again":
        say({ kind: "unlock", untilMs });
        break;
      case "lock":
        say({ kind: "lock" });
        break;
      case "tick":
        inputs.push({ kind: "tick", atMs: nowMs + one.afterMs });
        if (one.afterMs > 0) nowMs += one.afterMs;
    }
  }
  return inputs;
}

const pressed: Levels = { ...atRest, requestToExit: true };
const onFire: Levels = { ...atRest, fireAlarm: true };
const hold = (levels: Levels, looks: number, everyMs: number): Step => ({
  ...{ kind: "hold", levels, looks, everyMs },
});

/** What chance alone hardly ever puts together. */
const stories: fc.Arbitrary<readonly Step[]> = fc.constantFrom<readonly Step[]>(
  // A button sticks while the door is shut, and then somebody opens it.
  [hold(pressed, 14, 5000), hold({ ...pressed, contact: true }, 14, 20)],
  // A button bounces while it is down.
  [hold(pressed, 7, 5000), { kind: "bounce", input: "requestToExit", looks: 8 }, hold(pressed, 7, 5000)],
  // The fire line is lost while the alarm is on.
  [hold(onFire, 14, 20), hold({ ...onFire, fireAlarm: "unreadable" }, 4, 20)],
  [hold(onFire, 14, 20), { kind: "bounce", input: "fireAlarm", looks: 70 }],
);

/** A long sequence of inputs. */
export const doorWalk: fc.Arbitrary<readonly DoorInput[]> = fc
  .array(fc.oneof({ weight: 40, arbitrary: step.map((one) => [one]) }, { weight: 2, arbitrary: stories }), {
    minLength: 6,
    maxLength: 30,
    size: "max",
  })
  .map((stories) => inputsOf(stories.flat()));

const debounce = fc.record({
  contact: weighted<number | undefined>([5, 50], [1, 0], [1, 600], [1, undefined]),
  requestToExit: weighted<number | undefined>([5, 30], [1, 0], [1, 500], [1, undefined]),
  fireAlarm: weighted<number | undefined>([5, 200], [1, 0], [1, undefined]),
  tamper: weighted<number | undefined>([5, 200], [1, 0], [1, undefined]),
});

/** Every policy that the walks can meet: each choice, and each input fitted and not. */
export const doorRules: fc.Arbitrary<DoorPolicy> = fc.record({
  maxUnlockMs: fc.constantFrom(1000, 6000),
  debounceMs: debounce.map((all) =>
    Object.fromEntries(Object.entries(all).filter(([, ms]) => ms !== undefined)),
  ),
  heldOpenAfterMs: fc.constantFrom(1000, 10_000),
  requestToExitMs: fc.constantFrom(1000, 5000),
  relockOnClose: fc.boolean(),
  fireRelease: fc.boolean(),
  fireClears: fc.constantFrom<DoorPolicy["fireClears"]>("by-restart", "by-itself"),
});
