/** The transition table of src/core/access.ts and its invariants 1, 6, 7, 11 and 12: the lease and what is shown. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  doorCommand,
  indication,
  initialState,
  next,
  type Access,
  type AccessState,
  type Input,
} from "../../src/core/access.ts";
import type { Policy } from "../../src/core/policy.ts";
import { framesToShow } from "../../src/core/tracks.ts";
import {
  bare,
  cameraFault,
  doorFault,
  fault,
  frame,
  frames,
  masked,
  observation,
  play,
  policy,
  recovered,
  tick,
} from "./scene.ts";

const kindAfter = (inputs: readonly Input[], rules: Policy = policy, start = initialState): Access["kind"] =>
  play(inputs, rules, start).access.kind;

/** One state of each kind, all of them at 300 ms after frame 3. */
const checking = play(frames(1, 2, masked()));
const starts = {
  idle: play([...frames(1, 3)]),
  checking: play([frame(1), ...frames(2, 3, masked())]),
  refused: play(frames(1, 3, bare())),
  granted: play(frames(1, 3, masked())),
  reminded: play(frames(1, 3, bare()), { ...policy, mode: "remind" }),
  faulted: play([...frames(1, 2, masked()), fault(300)]),
} satisfies Record<Access["kind"], AccessState>;

test("the starts of the tables are what they are called", () => {
  for (const [kind, start] of Object.entries(starts)) assert.equal(start.access.kind, kind);
});

describe("transitions", () => {
  const overMs = 1300;
  const late = (input: Input): Input =>
    input.kind === "observed"
      ? { ...input, atMs: overMs, observation: { ...input.observation, capturedAtMs: overMs } }
      : { ...input, atMs: overMs };
  const table: readonly (readonly [keyof typeof starts, string, Input, Access["kind"]])[] = [
    ["idle", "nobody", frame(4), "idle"],
    ["idle", "a masked face", frame(4, masked()), "checking"],
    ["idle", "a bare face", frame(4, bare()), "checking"],
    ["idle", "a small masked face", frame(4, masked(0, 79)), "idle"],
    ["idle", "a tick", tick(400), "idle"],
    ["idle", "a fault", fault(400), "faulted"],
    ["idle", "recovered", recovered(400), "idle"],
    ["checking", "the last vote", frame(4, masked()), "granted"],
    ["checking", "a bare face", frame(4, bare()), "checking"],
    ["checking", "nobody, once", frame(4), "checking"],
    ["checking", "a tick", tick(400), "checking"],
    ["checking", "a tick long after", tick(901), "idle"],
    ["checking", "a fault", fault(400), "faulted"],
    ["checking", "recovered", recovered(400), "checking"],
    ["refused", "a masked face", frame(4, masked()), "refused"],
    ["refused", "a bare face", frame(4, bare()), "refused"],
    ["refused", "a tick", tick(400), "refused"],
    ["refused", "a tick long after", tick(901), "idle"],
    ["refused", "a fault", fault(400), "faulted"],
    ["refused", "recovered", recovered(400), "refused"],
    ["granted", "a masked face", frame(4, masked()), "granted"],
    ["granted", "a bare face", frame(4, bare()), "granted"],
    ["granted", "nobody", frame(4), "granted"],
    ["granted", "a tick", tick(1299), "granted"],
    ["granted", "a fault", fault(400), "faulted"],
    ["granted", "recovered", recovered(400), "granted"],
    ["granted", "a tick at its end", tick(overMs), "idle"],
    ["granted", "a masked face at its end", late(frame(4, masked())), "checking"],
    ["granted", "recovered at its end", recovered(overMs), "idle"],
    ["reminded", "a bare face", frame(4, bare()), "reminded"],
    ["reminded", "a tick", tick(1299), "reminded"],
    ["reminded", "a fault", fault(400), "faulted"],
    ["reminded", "a tick at its end", tick(overMs), "idle"],
    ["faulted", "a masked face", frame(4, masked()), "faulted"],
    ["faulted", "a tick", tick(99_999), "faulted"],
    ["faulted", "another fault", fault(400, doorFault), "faulted"],
    ["faulted", "recovered of another source", recovered(400, "door"), "faulted"],
    ["faulted", "recovered", recovered(400), "idle"],
  ];
  for (const [start, what, input, target] of table) {
    test(`${start} + ${what} -> ${target}`, () => {
      assert.equal(next(starts[start], input, policy).access.kind, target);
    });
  }

  test("idle and refused open at once where one frame is enough", () => {
    const quick = { ...policy, framesToGrant: 1 };
    assert.equal(next(starts.idle, frame(4, masked()), quick).access.kind, "granted");
    assert.equal(next(starts.refused, frame(4, masked()), quick).access.kind, "granted");
  });
});

test("1: locked unless granted or reminded; the indication names the state", () => {
  const shown = Object.values(starts).map((state) => [doorCommand(state), indication(state)]);
  assert.deepEqual(shown, [
    [{ kind: "lock" }, "ready"],
    [{ kind: "lock" }, "checking"],
    [{ kind: "lock" }, "refused"],
    [{ kind: "unlock", untilMs: 1300 }, "granted"],
    [{ kind: "unlock", untilMs: 1300 }, "reminded"],
    [{ kind: "lock" }, "fault"],
  ]);
  assert.deepEqual(doorCommand(initialState), { kind: "lock" });
});

describe("6: a grant is a lease", () => {
  test("it runs from the decision, not from the capture", () => {
    const last: Input = { kind: "observed", atMs: 350, observation: observation(3, 300, [masked()]) };
    assert.deepEqual(play([...frames(1, 2, masked()), last]).access, { kind: "granted", untilMs: 1350 });
  });

  test("nothing lengthens it, and no frame votes while it runs", () => {
    const state = play(frames(4, 12, masked()), policy, starts.granted);
    assert.deepEqual(state.access, { kind: "granted", untilMs: 1300 });
    assert.equal(state.tracks[0]?.agreed, 0);
    assert.equal(kindAfter(frames(4, 12, bare()), policy, starts.granted), "granted");
  });

  test("whoever stays is locked out first and needs all votes again", () => {
    const kinds = Array.from({ length: 30 }, (_, i) => kindAfter(frames(1, i + 1, masked())));
    const leased = [...Array<string>(10).fill("granted"), ...Array<string>(3).fill("checking")];
    assert.deepEqual(kinds, ["checking", "checking", ...leased, ...leased, "granted", "granted"]);
  });

  test("even where one frame is enough, the frame that ends a lease does not begin the next", () => {
    const quick = { ...policy, framesToGrant: 1 };
    const state = play([frame(1, masked())], quick);
    const over = next(state, frame(11, masked()), quick);
    assert.deepEqual([state.access.kind, over.access.kind], ["granted", "checking"]);
    assert.equal(next(over, frame(12, masked()), quick).access.kind, "granted");
  });

  test("votes are spent, also where the lease is shorter than the memory of a face", () => {
    const brief = { ...policy, unlockMs: 50 };
    const over = play([...frames(1, 3, masked()), tick(350), frame(4, masked())], brief);
    assert.deepEqual([over.access.kind, over.tracks[0]?.agreed], ["checking", 1]);
  });

  test("a bare face that came during the lease blocks the next one", () => {
    const state = play(
      [...frames(4, 12, masked(0), bare(1)), ...frames(13, 20, masked(0), bare(1))],
      policy,
      starts.granted,
    );
    assert.equal(state.access.kind, "refused");
  });
});

describe("7: faults", () => {
  test("all tracks are forgotten and votes begin again after the recovery", () => {
    const back = play([...frames(1, 2, masked()), fault(250), recovered(260)]);
    assert.deepEqual(back.tracks, []);
    assert.equal(kindAfter(frames(3, 4, masked()), policy, back), "checking");
    assert.equal(kindAfter(frames(3, 5, masked()), policy, back), "granted");
  });

  test("frames during the fault do not count", () => {
    assert.equal(
      kindAfter([fault(50), ...frames(1, 3, masked()), recovered(350), ...frames(4, 5, masked())]),
      "checking",
    );
  });

  test("a frame captured before the fault does not count after it", () => {
    const old: Input = { kind: "observed", atMs: 400, observation: observation(9, 300, [masked()]) };
    const state = play([fault(300), recovered(350), old]);
    assert.deepEqual(state.tracks, []);
  });

  test("every source that faulted has to recover", () => {
    const both = play([fault(100), fault(110, doorFault), fault(120)]);
    assert.deepEqual(both.access, { kind: "faulted", faults: [cameraFault, doorFault] });
    const one = next(both, recovered(130), policy);
    assert.deepEqual(one.access, { kind: "faulted", faults: [doorFault] });
    assert.equal(next(one, recovered(140, "door"), policy).access.kind, "idle");
  });

  test("the latest fault of a source is the one that is told", () => {
    const worse = { ...cameraFault, message: "no frames for 9 s" };
    assert.deepEqual(play([fault(100), fault(200, worse)]).access, { kind: "faulted", faults: [worse] });
  });

  test("a fault locks whatever its time", () => {
    for (const atMs of [Number.NaN, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, -5]) {
      assert.deepEqual(doorCommand(next(starts.granted, fault(atMs), policy)), { kind: "lock" });
    }
  });

  test("a camera that counts from zero again is looked at", () => {
    const back = play([...frames(51, 52, masked()), fault(5250), recovered(5260)]);
    const restarted = [53, 54, 55].map((step): Input => ({
      kind: "observed",
      atMs: step * 100,
      observation: observation(step - 53, step * 100, [masked()]),
    }));
    assert.equal(kindAfter(restarted, policy, back), "granted");
  });
});

describe("11: the shown refusal does not flicker", () => {
  const kinds = (faces: readonly ReturnType<typeof masked>[], rules: Policy): readonly string[] =>
    faces.map((_, i) =>
      kindAfter(
        faces.slice(0, i + 1).map((face, seq) => frame(seq, face)),
        rules,
      ),
    );
  const slow = { ...policy, framesToGrant: 5 };

  test("one odd frame changes nothing, two do", () => {
    assert.equal(framesToShow, 2);
    assert.deepEqual(
      kinds([masked(), bare(), masked(), masked(), bare(), masked()], slow),
      Array(6).fill("checking"),
    );
    assert.deepEqual(kinds([bare(), bare(), masked(), bare(), masked(), masked(), masked()], slow), [
      "checking",
      ...Array<string>(4).fill("refused"),
      "checking",
      "checking",
    ]);
  });

  test("any refuses when all are refused, all when one is", () => {
    const seen = [...frames(1, 2, masked(0), bare(1))];
    assert.equal(kindAfter(seen, { ...slow, several: "any" }), "checking");
    assert.equal(kindAfter(seen, { ...slow, several: "all" }), "refused");
  });

  test("a hidden frame changes nothing", () => {
    assert.equal(kindAfter([...frames(1, 3, bare()), frame(4)]), "refused");
    assert.equal(kindAfter([...frames(1, 3, bare()), frame(7)]), "idle");
  });
});

describe("12: memory", () => {
  test("unseen tracks are forgotten, by frames after one gap and by ticks after two", () => {
    assert.equal(next(checking, frame(5), policy).tracks.length, 1);
    assert.equal(next(checking, frame(6), policy).tracks.length, 0);
    assert.equal(next(checking, tick(800), policy).tracks.length, 1);
    assert.equal(next(checking, tick(801), policy).tracks.length, 0);
  });

  test("track numbers are never used again", () => {
    const ids = [
      frames(1, 2, masked(0)),
      [fault(250), recovered(260)],
      frames(3, 4, masked(0), masked(1)),
    ].flat();
    assert.deepEqual(
      play(ids).tracks.map((track) => track.id),
      [2, 3],
    );
  });
});
