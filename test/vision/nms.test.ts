import assert from "node:assert/strict";
import { test } from "node:test";
import { mergeFaces } from "../../src/vision/nms.ts";

const face = (x: number, y: number, side: number, score: number) => ({
  box: { x, y, width: side, height: side },
  score,
});
const byScore = (f: { readonly score: number }): number => f.score;

test("of overlapping boxes the best stays", () => {
  const best = face(10, 10, 100, 0.9);
  assert.deepEqual(mergeFaces([face(20, 15, 100, 0.7), best, face(0, 5, 95, 0.6)], byScore), [best]);
});

test("faces side by side all stay", () => {
  const both = [face(0, 0, 100, 0.9), face(80, 0, 100, 0.8)];
  assert.deepEqual(mergeFaces(both, byScore), both);
});

test("a box that is cut off by a tile is a part of the whole face", () => {
  const whole = face(0, 0, 100, 0.8);
  assert.deepEqual(mergeFaces([whole, face(50, 50, 45, 0.7)], byScore), [whole]);
});

test("the rank decides, not the order", () => {
  const [small, large] = [face(0, 0, 90, 0.9), face(5, 5, 100, 0.5)];
  assert.deepEqual(
    mergeFaces([small, large], (f) => f.box.width),
    [large],
  );
});
