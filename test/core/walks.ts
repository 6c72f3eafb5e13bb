/**
 * Random visitors for the property tests: people who stand at three places, mostly steadily, with odd frames, gaps,
 * old and doubled frames, faults and recoveries between. Weighted so that the door really opens.
 */
import fc from "fast-check";
import type { Input } from "../../src/core/access.ts";
import type { Policy } from "../../src/core/policy.ts";
import type { Verdict } from "../../src/core/verdict.ts";
import { cameraFault, doorFault, observation, policy, verdict } from "./scene.ts";

type Look = "masked" | "bare" | "small" | "unclear" | "absent";

interface Shot {
  readonly looks: readonly Look[];
  readonly afterMs: number;
  readonly ageMs: number;
  readonly jitterPx: number;
  readonly isDoubled: boolean;
}

type Step =
  | { readonly kind: "shots"; readonly shots: readonly Shot[] }
  | { readonly kind: "tick"; readonly afterMs: number }
  | { readonly kind: "fault" | "recovered"; readonly afterMs: number; readonly isDoor: boolean };

/** A tick by so much is ahead of the clock by which the frames come. */
const aheadMs = 150;

function weighted<T>(...choices: readonly (readonly [number, T])[]): fc.Arbitrary<T> {
  return fc.oneof(...choices.map(([weight, value]) => ({ weight, arbitrary: fc.constant(value) })));
}

const look = weighted<Look>([8, "masked"], [3, "bare"], [2, "small"], [1, "unclear"], [6, "absent"]);
const oddity = weighted<Look | undefined>(
  [40, undefined],
  [2, "absent"],
  [2, "bare"],
  [2, "masked"],
  [1, "small"],
  [1, "unclear"],
);

const shots = fc
  .record({
    looks: fc.tuple(look, look, look),
    each: fc.array(
      fc.record({
        odd: fc.tuple(oddity, oddity, oddity),
        afterMs: weighted([20, 100], [3, 250], [2, 300], [1, 301], [1, 1]),
        ageMs: weighted([20, 0], [5, 40], [1, 300], [1, 301]),
        jitterPx: fc.integer({ min: -5, max: 5 }),
        isDoubled: weighted([9, false], [1, true]),
      }),
      { minLength: 1, maxLength: 12 },
    ),
  })
  .map(({ looks, each }): Step => ({
    kind: "shots",
    shots: each.map(({ odd, ...rest }) => ({ ...rest, looks: looks.map((usual, i) => odd[i] ?? usual) })),
  }));

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: shots },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("tick" as const),
      afterMs: weighted([3, 100], [2, 400], [2, 1500], [1, -200], [1, aheadMs]),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("fault" as const),
      afterMs: fc.constant(10),
      isDoor: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("recovered" as const),
      afterMs: fc.constant(10),
      isDoor: fc.boolean(),
    }),
  },
);

const sizes: Readonly<Record<Exclude<Look, "absent">, number>> = {
  masked: 100,
  bare: 100,
  small: 70,
  unclear: 100,
};
const probabilities = { masked: 0.95, bare: 0.1, small: 0.95, unclear: Number.NaN } as const;

function verdicts(shot: Shot): readonly Verdict[] {
  return shot.looks.flatMap((is, place) => {
    if (is === "absent") return [];
    // The one in the middle stands closer; boxes of all sizes of a place share their centre.
    const px = sizes[is] + (place === 1 ? 8 : 0);
    const box = { x: 400 * place - px / 2 + shot.jitterPx, y: 300 - px / 2, width: px, height: px };
    return [verdict(probabilities[is], box)];
  });
}

function inputsOf(steps: readonly Step[]): readonly Input[] {
  let [nowMs, seq] = [0, 0];
  const inputs: Input[] = [];
  for (const one of steps) {
    if (one.kind === "shots") {
      for (const shot of one.shots) {
        [nowMs, seq] = [nowMs + shot.afterMs, seq + 1];
        const capturedAtMs = nowMs - shot.ageMs;
        const seen: Input = {
          kind: "observed",
          atMs: nowMs,
          observation: observation(seq, capturedAtMs, verdicts(shot)),
        };
        inputs.push(seen);
        if (shot.isDoubled) inputs.push(seen);
      }
    } else if (one.kind === "tick") {
      inputs.push({ kind: "tick", atMs: nowMs + one.afterMs });
      if (one.afterMs !== aheadMs) nowMs += Math.max(0, one.afterMs);
    } else {
      nowMs += one.afterMs;
      const what = one.isDoor ? doorFault : cameraFault;
      inputs.push(
        one.kind === "fault"
          ? { kind: "fault", atMs: nowMs, fault: what }
          : { kind: "recovered", atMs: nowMs, source: what.source },
      );
    }
  }
  return inputs;
}

/** A long sequence of inputs. */
export const walk: fc.Arbitrary<readonly Input[]> = fc
  .array(step, { minLength: 4, maxLength: 24, size: "max" })
  .map(inputsOf);

/** Every policy that the walks can meet. */
export const rules: fc.Arbitrary<Policy> = fc.record({
  mode: fc.constantFrom<Policy["mode"]>("must-wear", "remind"),
  several: fc.constantFrom<Policy["several"]>("all", "any", "largest"),
  threshold: fc.constant(policy.threshold),
  leastFacePx: fc.constant(policy.leastFacePx),
  framesToGrant: fc.integer({ min: 1, max: 5 }),
  maxGapMs: fc.constant(policy.maxGapMs),
  unlockMs: fc.constantFrom(50, 250, 1000),
});

/** Numbers that make no sense somewhere. */
export const oddNumber: fc.Arbitrary<number> = fc.oneof(
  fc.constantFrom(Number.NaN, Infinity, -Infinity, 0, -1, 1e300, 0.5),
  fc.double(),
);

/** An input with one of its numbers replaced. */
export function spoilt(input: Input, field: number, number: number): Input {
  if (input.kind !== "observed" || field === 0) return { ...input, atMs: number };
  const seen = input.observation;
  if (field === 1) return { ...input, observation: { ...seen, seq: number } };
  if (field === 2) return { ...input, observation: { ...seen, capturedAtMs: number } };
  const spoil = (one: Verdict): Verdict => {
    if (field === 3) return { ...one, masked: number };
    if (field === 4) return { ...one, face: { ...one.face, score: number } };
    const key = (["x", "y", "width", "height"] as const)[field % 4] ?? "x";
    return { ...one, face: { ...one.face, box: { ...one.face.box, [key]: number } } };
  };
  const [first, ...others] = seen.verdicts;
  return {
    ...input,
    observation: { ...seen, verdicts: first === undefined ? [] : [spoil(first), ...others] },
  };
}
