/** The invariants 2 to 5 and 10 of src/core/access.ts: who has to agree, and how often, before the door opens. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { initialState, next, type Access, type Input } from "../../src/core/access.ts";
import type { Policy } from "../../src/core/policy.ts";

import { bare, frame, frames, masked, observation, play, policy, unclear, verdict } from "./scene.ts";

const kindAfter = (inputs: readonly Input[], rules: Policy = policy, start = initialState): Access["kind"] =>
  play(inputs, rules, start).access.kind;

describe("2: a lease begins with the full votes of a face that is there", () => {
  const again = (...gapsMs: readonly number[]): readonly Input[] => {
    let atMs = 0;
    return [0, ...gapsMs].map((gapMs, seq) => {
      atMs += gapMs;
      return { kind: "observed", atMs, observation: observation(seq, atMs, [masked()]) };
    });
  };
  const table: readonly (readonly [string, readonly Input[], Access["kind"]])[] = [
    ["one vote too few", frames(1, 2, masked()), "checking"],
    ["exactly the votes", frames(1, 3, masked()), "granted"],
    ["gaps as long as allowed", again(300, 300), "granted"],
    ["the last gap too long", again(300, 301), "checking"],
    ["the first gap too long", again(301, 300), "checking"],
    ["hidden for one frame between", [...frames(1, 2, masked()), frame(3), frame(4, masked())], "granted"],
    ["exactly the threshold", frames(1, 3, verdict(0.8)), "granted"],
    ["just below the threshold", frames(1, 3, verdict(0.7999)), "refused"],
    ["exactly large enough", frames(1, 3, masked(0, 80)), "granted"],
    ["too small", frames(1, 9, masked(0, 79.9)), "idle"],
    ["votes full of one who is gone", [...frames(1, 3, masked(0), bare(1)), frame(4), frame(6)], "refused"],
  ];
  for (const [what, inputs, target] of table) {
    test(`${what} -> ${target}`, () => {
      assert.equal(kindAfter(inputs), target);
    });
  }

  test("full votes of a hidden face do not open when the bare one beside it is forgotten", () => {
    // 0 is masked and full in frame 3, 1 is bare until frame 2; in frame 6 nobody has been seen for as long.
    const inputs = [...frames(1, 2, masked(0), bare(1)), frame(3, masked(0)), frame(6)];
    const state = play(inputs);
    assert.deepEqual(
      state.tracks.map((track) => track.agreed),
      [3],
    );
    assert.equal(state.access.kind, "checking");
    assert.equal(next(state, frame(7, masked(5)), policy).access.kind, "checking");
  });
});

describe("3: votes belong to one track", () => {
  test("a face that jumps begins with no votes", () => {
    const state = play([...frames(1, 2, masked(0)), ...frames(3, 4, masked(1))], {
      ...policy,
      several: "any",
    });
    assert.equal(state.access.kind, "checking");
    assert.deepEqual(
      state.tracks.map((track) => track.agreed),
      [2, 2],
    );
  });

  test("two faces that take turns never open", () => {
    const turns = Array.from({ length: 12 }, (_, i) => frame(i, i % 2 === 0 ? masked(0) : bare(0), bare(1)));
    assert.notEqual(kindAfter(turns, { ...policy, several: "any" }), "granted");
    const places = Array.from({ length: 4 }, (_, i) => frame(i, masked(i % 2)));
    assert.equal(kindAfter(places, { ...policy, several: "any" }), "checking");
  });

  test("a face that comes closer fast keeps its votes", () => {
    const grown = [80, 130, 210].map((px, seq) =>
      frame(seq, verdict(0.99, { x: 500 - px / 2, y: 300 - px / 2, width: px, height: px })),
    );
    assert.equal(kindAfter(grown), "granted");
  });
});

describe("4: a sighting that does not agree sets the votes back", () => {
  const before = frames(1, 2, masked());
  const table: readonly (readonly [string, Input])[] = [
    ["bare", frame(3, bare())],
    ["unclear", frame(3, unclear())],
    ["too small", frame(3, masked(0, 79))],
  ];
  for (const [what, odd] of table) {
    test(what, () => {
      assert.equal(play([...before, odd]).tracks[0]?.agreed, 0);
      assert.equal(kindAfter([...before, odd, ...frames(4, 5, masked())]), "checking");
      assert.equal(kindAfter([...before, odd, ...frames(4, 6, masked())]), "granted");
    });
  }
});

describe("5: several faces", () => {
  type Row = readonly [string, readonly Input[], Record<Policy["several"], Access["kind"]>];
  const table: readonly Row[] = [
    [
      "two masked",
      frames(1, 3, masked(0), masked(1)),
      { all: "granted", any: "granted", largest: "granted" },
    ],
    ["two bare", frames(1, 3, bare(0), bare(1)), { all: "refused", any: "refused", largest: "refused" }],
    [
      "the larger one bare",
      frames(1, 3, masked(0), bare(1, 120)),
      { all: "refused", any: "granted", largest: "refused" },
    ],
    [
      "the smaller one bare",
      frames(1, 3, masked(0, 120), bare(1)),
      { all: "refused", any: "granted", largest: "granted" },
    ],
    [
      "a far bare one",
      frames(1, 3, masked(0), bare(1, 79)),
      { all: "granted", any: "granted", largest: "granted" },
    ],
    [
      "equally large, one bare",
      frames(1, 3, masked(0), bare(1)),
      { all: "refused", any: "granted", largest: "refused" },
    ],
    [
      "one who came late",
      [...frames(1, 2, masked(0)), frame(3, masked(0), masked(1, 120))],
      { all: "checking", any: "granted", largest: "checking" },
    ],
    [
      "a larger bare one hidden in the deciding frame",
      [...frames(1, 2, masked(0), bare(1, 120)), frame(3, masked(0))],
      { all: "refused", any: "granted", largest: "refused" },
    ],
    [
      "a bare one hidden but for one frame",
      [frame(1, bare(1, 120)), ...frames(2, 4, masked(0))],
      { all: "checking", any: "granted", largest: "checking" },
    ],
    [
      "a bare one gone for longer than the gap",
      [frame(1, bare(1, 120)), ...frames(2, 5, masked(0))],
      { all: "granted", any: "granted", largest: "granted" },
    ],
    [
      "a bare one who hides half of his face",
      [...frames(1, 2, masked(0), bare(1)), frame(3, masked(0), bare(1, 70))],
      { all: "refused", any: "granted", largest: "granted" },
    ],
    [
      "an unclear one",
      frames(1, 3, masked(0), unclear(1, 120)),
      { all: "refused", any: "granted", largest: "refused" },
    ],
  ];
  for (const [what, inputs, targets] of table) {
    for (const several of ["all", "any", "largest"] as const) {
      test(`${what}, ${several} -> ${targets[several]}`, () => {
        // Stops at the first lease, as the door does.
        let state = initialState;
        for (const input of inputs) {
          state = next(state, input, { ...policy, several });
        }
        assert.equal(state.access.kind, targets[several]);
      });
    }
  }
});

describe("10: remind", () => {
  const remind: Policy = { ...policy, mode: "remind" };
  const table: readonly (readonly [string, readonly Input[], Partial<Policy>, Access["kind"]])[] = [
    ["a masked face", frames(1, 3, masked()), {}, "granted"],
    ["a bare face", frames(1, 3, bare()), {}, "reminded"],
    ["a bare face, one frame too few", frames(1, 2, bare()), {}, "checking"],
    ["one bare vote among the last", [...frames(1, 2, masked()), frame(3, bare())], {}, "reminded"],
    ["masked and bare", frames(1, 3, masked(0), bare(1)), {}, "reminded"],
    ["masked and bare, any", frames(1, 3, masked(0), bare(1)), { several: "any" }, "reminded"],
    ["large masked and bare", frames(1, 3, masked(0, 120), bare(1)), { several: "largest" }, "granted"],
    ["masked and far bare", frames(1, 3, masked(0), bare(1, 60)), {}, "granted"],
    ["unclear faces", frames(1, 9, unclear()), {}, "checking"],
    ["one unclear vote among the last", [...frames(1, 2, bare()), frame(3, unclear())], {}, "checking"],
    ["one who came late", [...frames(1, 2, masked(0)), frame(3, masked(0), masked(1))], {}, "checking"],
    [
      "bare before the last votes",
      [frame(1, bare(), bare(1)), frame(2, bare()), ...frames(3, 5, masked())],
      {},
      "granted",
    ],
  ];
  for (const [what, inputs, change, target] of table) {
    test(`${what} -> ${target}`, () => {
      assert.equal(kindAfter(inputs, { ...remind, ...change }), target);
    });
  }
});
