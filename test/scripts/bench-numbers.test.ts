import assert from "node:assert/strict";
import { test } from "node:test";
import { growth, quantile, ratios, spread } from "../../scripts/bench-numbers.ts";

const hundred = Array.from({ length: 100 }, (_, n) => 100 - n);

test("quantiles are values that were measured, whatever their order", () => {
  assert.deepEqual(spread(hundred), { n: 100, p50: 50, p95: 95, p99: 99 });
  assert.equal(quantile([7], 0.99), 7);
  assert.equal(quantile([30, 10, 20], 0.5), 20);
  assert.equal(quantile([3, 1, 2], 0), 1);
  assert.ok(Number.isNaN(quantile([], 0.5)));
});

test("ratios divide each frame by the raw inference of the same work", () => {
  const frame = { faces: 2, detectorCalls: 3, detectMs: 18, cropMs: 2, classifyMs: 10 };
  const raw = {
    detectMs: 4,
    classifyMsOf: new Map([
      [1, 100],
      [2, 8],
    ]),
  };
  assert.deepEqual(ratios([frame], raw), { cropToVerdict: 1.5, detect: 1.5 });
});

test("frames without a face say nothing of the classifier", () => {
  const frame = { faces: 0, detectorCalls: 2, detectMs: 8, cropMs: 0.1, classifyMs: 0 };
  const { cropToVerdict, detect } = ratios([frame], { detectMs: 4, classifyMsOf: new Map([[1, 5]]) });
  assert.ok(Number.isNaN(cropToVerdict));
  assert.equal(detect, 1);
});

test("growth is a share of the first minute", () => {
  assert.ok(Math.abs(growth([100, 100], [110, 120]) - 0.15) < 1e-9);
});
