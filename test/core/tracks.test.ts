/** Matching and counting of tracks: one-to-one, best first, with the motion that SORT's IoU allows. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { iou, type Box } from "../../src/core/face.ts";
import { follow, isSaneBox, leastOverlap, type Track } from "../../src/core/tracks.ts";
import { bare, boxAt, masked, observation, policy, unclear, verdict } from "./scene.ts";

const box = (x: number, width = 100, y = 0): Box => ({ x, y, width, height: width });

/** The tracks after frames 100 ms apart, each given as its verdicts. */
function after(...frames: readonly (readonly ReturnType<typeof verdict>[])[]): readonly Track[] {
  let known = { tracks: [] as readonly Track[], nextTrackId: 1 };
  frames.forEach((verdicts, seq) => {
    known = follow(known.tracks, observation(seq, seq * 100, verdicts), policy, known.nextTrackId);
  });
  return known.tracks;
}

const votes = (tracks: readonly Track[]): readonly (readonly number[])[] =>
  tracks.map(({ id, agreed, bare: bareVotes, steady }) => [id, agreed, bareVotes, steady]);

describe("motion", () => {
  const table: readonly (readonly [string, Box, Box, boolean])[] = [
    ["standing still", box(0), box(0), true],
    ["half a width aside", box(0), box(50), true],
    ["most of a width aside", box(0), box(60), false],
    ["growing to 1.8 times", box(0), box(-40, 180, -40), true],
    ["growing to 1.9 times", box(0), box(-45, 190, -45), false],
    ["shrinking to half", box(0), box(22, 56, 22), true],
    ["side by side", box(0), box(100), false],
    ["elsewhere", box(0), box(400), false],
  ];
  for (const [what, from, to, isSame] of table) {
    test(`${what}: ${isSame ? "the same track" : "another track"}`, () => {
      assert.equal(iou(from, to) >= leastOverlap, isSame);
      assert.equal(after([verdict(0.9, from)], [verdict(0.9, to)]).length, isSame ? 1 : 2);
    });
  }
});

test("the best overlap is matched first, whatever the order of faces and tracks", () => {
  const before = [verdict(0.99, box(0)), verdict(0.01, box(60))];
  // Both move aside, so that one of them overlaps both tracks, its neighbour's no less than leastOverlap.
  for (const shiftPx of [25, -25]) {
    const now = [verdict(0.99, box(shiftPx)), verdict(0.01, box(60 + shiftPx))];
    for (const seen of [now, now.toReversed()]) {
      assert.deepEqual(votes(after(before, seen)), [
        [1, 2, 0, 2],
        [2, 0, 2, 2],
      ]);
    }
  }
});

test("one face between two tracks gives one vote", () => {
  assert.deepEqual(votes(after([verdict(0.99, box(0)), verdict(0.99, box(60))], [verdict(0.99, box(25))])), [
    [1, 2, 0, 2],
    [2, 1, 0, 1],
  ]);
});

test("two faces on one track: the better one votes, the other begins a track", () => {
  const tracks = after([masked()], [verdict(0.99, box(5)), verdict(0.99, box(10))]);
  assert.deepEqual(votes(tracks), [
    [1, 2, 0, 2],
    [2, 1, 0, 1],
  ]);
  assert.deepEqual(
    after([masked()], [verdict(0.99, box(-20)), verdict(0.99, box(-10))]).map((track) => track.box.x),
    [-10, -20],
  );
});

test("the order of the faces in a frame does not matter", () => {
  const first = [masked(0), bare(1)];
  const tracks = after(first, [bare(1), masked(0)]);
  assert.deepEqual(votes(tracks), votes(after(first, first)));
});

test("verdicts count as votes by size, probability and clearness", () => {
  assert.deepEqual(votes(after([masked()], [masked()])), [[1, 2, 0, 2]]);
  assert.deepEqual(votes(after([masked()], [bare()])), [[1, 0, 1, 2]]);
  assert.deepEqual(votes(after([bare()], [masked()])), [[1, 1, 0, 2]]);
  assert.deepEqual(votes(after([bare()], [unclear()])), [[1, 0, 2, 0]]);
  assert.deepEqual(votes(after([masked()], [masked(0, 79)])), [[1, 0, 0, 0]]);
});

test("a track remembers when it was seen and when it was large", () => {
  const [track] = after([masked(0, 70)], [masked(0, 80)], [masked(0, 79)], []);
  assert.deepEqual(
    [track?.firstSeenAtMs, track?.lastLargeAtMs, track?.lastSeenAtMs, track?.box],
    [0, 100, 200, boxAt(0, 79)],
  );
});

test("boxes that no picture has make no track", () => {
  const wrong = [box(Number.NaN), box(0, 0), box(0, -5), box(0, Number.POSITIVE_INFINITY), box(2e6)];
  assert.deepEqual(wrong.map(isSaneBox), Array(5).fill(false));
  assert.deepEqual(after(wrong.map((one) => verdict(0.99, one))), []);
  assert.ok(isSaneBox(box(-30)));
});
