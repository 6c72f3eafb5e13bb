import assert from "node:assert/strict";
import { test } from "node:test";
import { iou, type Box, type Face } from "../../src/core/face.ts";
import type { Search } from "../../src/core/ports.ts";
import { agreement, fillsPicture } from "../../src/vision/agreement.ts";
import type { FaceDetector } from "../../src/vision/detector.ts";
import { findFaces } from "../../src/vision/find-faces.ts";
import type { Square } from "../../src/vision/square.ts";

const size = { widthPx: 100, heightPx: 140 };
const picture = { ...size, pixels: new Uint8Array(size.widthPx * size.heightPx * 3) };
const large: Box = { x: 10, y: 30, width: 80, height: 80 };
const small: Box = { x: 30, y: 30, width: 36, height: 36 };
const settings = { leastFacePx: 32, minScore: 0.5 };

/** A detector that sees one box, with the score that a region's side gives it; 0 sees nothing. */
function seeing(box: Box, scoreOf: (sidePx: number, region: Square) => number): FaceDetector {
  return {
    detect: (_, region) => {
      const score = scoreOf(region.sidePx, region);
      return Promise.resolve(score > 0 ? [{ box, score }] : []);
    },
    dispose: () => undefined,
  };
}

const found = (detector: FaceDetector, search: Search = { kind: "full" }): Promise<Face[]> =>
  findFaces(detector, picture, search, settings);

/** Sides of the looks at the whole picture. */
const near = 140;
const further = 224;
const farther = 350;

test("two looks at the whole picture find a face that no close-up shows", async () => {
  const faces = await found(seeing(large, (px) => ({ [further]: 0.7, [farther]: 0.6 })[px] ?? 0));
  assert.deepEqual(
    faces.map(({ box, score }) => ({ box, score: Math.round(score * 100) })),
    [{ box: large, score: 65 }],
  );
});

test("one look at the whole picture does not, nor two that are unsure", async () => {
  assert.deepEqual(await found(seeing(large, (px) => (px === further ? 0.99 : 0))), []);
  assert.deepEqual(await found(seeing(large, (px) => (px === further || px === farther ? 0.54 : 0))), []);
  assert.equal((await found(seeing(large, (px) => (px === further || px === farther ? 0.56 : 0)))).length, 1);
});

test("a smaller face still needs its close-up, however often the whole picture shows it", async () => {
  const isWhole = (region: Square): boolean => region.sidePx >= near;
  assert.deepEqual(await found(seeing(small, (_, region) => (isWhole(region) ? 0.9 : 0))), []);
  assert.equal((await found(seeing(small, () => 0.9))).length, 1);
});

test("agreement does not count when the daemon follows: the door's faces need their second look", async () => {
  let looks = 0;
  const detector = seeing(large, (_, { sidePx }) => {
    looks += 1;
    return sidePx === near ? 0.95 : 0;
  });
  assert.deepEqual(await found(detector, { kind: "follow", around: [], turn: 0 }), []);
  assert.equal(looks, 3);
});

test("agreement is the mean of the two best looks at the same box", () => {
  const at = (box: Box, ...scores: readonly number[]): Face[] => scores.map((score) => ({ box, score }));
  const beside = { ...large, x: 75 };
  assert.ok(iou(beside, large) < 0.35);
  assert.equal(agreement(large, [at(large, 0.5, 0.75), at(large, 0.5), at(large, 0.25), []]), 0.625);
  assert.equal(agreement(large, [at(large, 0.75), at(beside, 1), []]), 0.375);
  assert.equal(agreement(large, []), 0);
});

test("a face fills its picture from three tenths of the longer side", () => {
  assert.equal(fillsPicture({ x: 0, y: 0, width: 42, height: 60 }, size), true);
  assert.equal(fillsPicture({ x: 0, y: 0, width: 41.9, height: 60 }, size), false);
});
