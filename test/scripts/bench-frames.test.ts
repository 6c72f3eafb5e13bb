import assert from "node:assert/strict";
import { test } from "node:test";
import { framesOfScene, windowAt } from "../../scripts/bench-frames.ts";

const photograph = { widthPx: 1920, heightPx: 1280 };
const scene = { middle: { x: 960, y: 600 }, widthPx: 800 };

test("a window has the frame's shape and sways around its middle", () => {
  const windows = Array.from({ length: framesOfScene }, (_, turn) =>
    windowAt(scene, turn, { widthPx: 640, heightPx: 480 }, photograph),
  );
  assert.ok(windows.every(({ width, height }) => width === 800 && height === 600));
  const lefts = windows.map(({ left }) => left);
  assert.equal(lefts[0], 560);
  assert.ok(Math.max(...lefts) > 580 && Math.min(...lefts) < 540);
  const steps = lefts.map((left, n) => Math.abs(left - (lefts[(n + 1) % lefts.length] ?? NaN)));
  assert.ok(Math.max(...steps) <= 7, "it jumps, also where it begins anew");
});

test("a window never leaves the photograph", () => {
  for (const middle of [
    { x: 0, y: 0 },
    { x: 1920, y: 1280 },
  ]) {
    for (let turn = 0; turn < framesOfScene; turn += 1) {
      const { left, top, width, height } = windowAt(
        { middle, widthPx: 1900 },
        turn,
        { widthPx: 640, heightPx: 480 },
        photograph,
      );
      assert.ok(left >= 0 && top >= 0 && left + width <= 1920 && top + height <= 1280);
    }
  }
});
