/** The invariants 8 and 9 of src/core/access.ts: late, doubled and senseless inputs never help to open. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { doorCommand, initialState, next, type Access, type Input } from "../../src/core/access.ts";
import type { Policy } from "../../src/core/policy.ts";

import { bare, boxAt, frame, frames, masked, observation, play, policy, tick, verdict } from "./scene.ts";

const kindAfter = (inputs: readonly Input[], rules: Policy = policy, start = initialState): Access["kind"] =>
  play(inputs, rules, start).access.kind;

const checking = play(frames(1, 2, masked()));
const granted = play(frames(1, 3, masked()));

describe("8: order and age", () => {
  const at = (atMs: number, seq: number, capturedAtMs: number): Input => ({
    kind: "observed",
    atMs,
    observation: observation(seq, capturedAtMs, [masked()]),
  });
  const table: readonly (readonly [string, Input])[] = [
    ["the same frame again", at(210, 2, 200)],
    ["an older frame", at(210, 1, 205)],
    ["an older capture", at(210, 3, 190)],
    ["the same capture under a new number", at(210, 3, 200)],
    ["a capture from the future", at(210, 3, 211)],
    ["decided before the input before", at(199, 3, 199)],
    ["a number that is none", at(210, Number.NaN, 205)],
    ["half a number", at(210, 2.5, 205)],
    ["a capture time that is none", at(210, 3, Number.NaN)],
    ["a time that is none", at(Number.NaN, 3, 205)],
    ["an endless time", at(Number.POSITIVE_INFINITY, 3, 205)],
  ];
  for (const [what, input] of table) {
    test(`${what} is worth a tick`, () => {
      assert.deepEqual(next(checking, input, policy), next(checking, tick(input.atMs), policy));
    });
  }

  test("a frame decided before the latest tick is worth a tick", () => {
    const ticked = next(checking, tick(400), policy);
    assert.deepEqual(next(ticked, at(390, 3, 350), policy), ticked);
    assert.equal(next(ticked, at(400, 3, 350), policy).access.kind, "granted");
  });

  test("frames decided too late are followed but do not vote", () => {
    const late = (seq: number, ageMs: number): Input => at(seq * 100 + ageMs, seq, seq * 100);
    assert.equal(kindAfter([1, 2, 3].map((seq) => late(seq, 300))), "granted");
    const state = play([...frames(1, 2, masked()), late(3, 301)]);
    assert.deepEqual([state.access.kind, state.tracks.length, state.tracks[0]?.agreed], ["checking", 1, 0]);
    assert.equal(state.tracks[0]?.lastSeenAtMs, 300);
  });

  test("a clock that runs backwards or stands for nothing moves no time, and lengthens no lease", () => {
    const state = next(granted, tick(1299), policy);
    for (const atMs of [100, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      assert.deepEqual(next(state, tick(atMs), policy), state);
    }
    assert.equal(kindAfter([tick(100), tick(1300)], policy, state), "idle");
    assert.equal(kindAfter([tick(Number.NaN)], policy, next(state, tick(1300), policy)), "idle");
  });
});

describe("9: numbers that make no sense", () => {
  const wrong = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1.001, 42, -0.001];
  for (const number of wrong) {
    test(`a probability or score of ${number} opens nothing, in either mode`, () => {
      for (const mode of ["must-wear", "remind"] as const) {
        const rules = { ...policy, mode };
        const judged = play(frames(1, 9, verdict(number)), rules);
        assert.deepEqual([doorCommand(judged), judged.tracks[0]?.masked], [{ kind: "lock" }, null]);
        const state = play(frames(1, 9, verdict(0.99, boxAt(0), number)), rules);
        assert.deepEqual(doorCommand(state), { kind: "lock" });
      }
    });
  }

  const big = 1e9;
  for (const key of ["x", "y", "width", "height"] as const) {
    for (const number of [
      Number.NaN,
      Number.POSITIVE_INFINITY,
      big,
      ...(key === "x" || key === "y" ? [] : [0, -100]),
    ]) {
      test(`a box with ${key} ${number} takes the votes of its frame`, () => {
        const broken = verdict(0.99, { ...boxAt(1), [key]: number });
        assert.equal(kindAfter(frames(1, 9, broken)), "idle");
        const state = play([...frames(1, 2, masked()), frame(3, masked(), broken)], {
          ...policy,
          several: "any",
        });
        assert.deepEqual([state.access.kind, state.tracks.map((track) => track.agreed)], ["checking", [0]]);
      });
    }
  }

  const policies: readonly Partial<Policy>[] = [
    ...[Number.NaN, 0, -1, 1.5].map((threshold) => ({ threshold })),
    ...[Number.NaN, 0, -1, Number.NEGATIVE_INFINITY].map((leastFacePx) => ({ leastFacePx })),
    ...[Number.NaN, 0, -1, 2.5].map((framesToGrant) => ({ framesToGrant })),
    ...[Number.NaN, 0, -1, Number.POSITIVE_INFINITY].map((maxGapMs) => ({ maxGapMs })),
    ...[Number.NaN, 0, -1, Number.POSITIVE_INFINITY].map((unlockMs) => ({ unlockMs })),
  ];
  for (const change of policies) {
    test(`a policy with ${Object.entries(change).join().replace(",", " ")} opens nothing`, () => {
      for (const face of [masked(), bare()]) {
        const state = play(frames(1, 9, face), { ...policy, ...change });
        assert.deepEqual(doorCommand(state), { kind: "lock" });
      }
    });
  }
});
