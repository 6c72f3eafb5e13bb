/** When a picture as a whole is a fault of the camera. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  initialSight,
  nextSight,
  type PictureSigns,
  type Sight,
  type SightPolicy,
} from "../../src/core/sight.ts";

const policy: SightPolicy = { leastDetail: 6, frozenMs: 5000 };
const stepMs = 100;

/** Frames one step apart; the findings of all. */
function findings(signs: readonly PictureSigns[], rules = policy): readonly Sight["finding"][] {
  let sight = initialSight;
  return signs.map((sign, n) => (sight = nextSight(sight, sign, n * stepMs, rules)).finding);
}

const clear = (count: number): readonly PictureSigns[] =>
  Array.from({ length: count }, (_, n) => ({ detail: 60, fingerprint: n }));
const empty = (count: number, detail = 0.5): readonly PictureSigns[] =>
  Array.from({ length: count }, (_, n) => ({ detail, fingerprint: n }));
const still = (count: number): readonly PictureSigns[] =>
  Array.from({ length: count }, () => ({ detail: 60, fingerprint: 7 }));

test("pictures that change and show something are clear", () => {
  assert.deepEqual(new Set(findings(clear(200))), new Set(["clear"]));
});

test("nothing to see for a second is blind, from there on, and the first picture that shows something ends it", () => {
  const found = findings([...clear(3), ...empty(12), ...clear(1)]);
  assert.deepEqual(found.slice(0, 13), Array<string>(13).fill("clear"));
  assert.deepEqual(found.slice(13), ["blind", "blind", "clear"]);
});

test("a flash shorter than a second is nothing, however often it comes", () => {
  const found = findings([...empty(9), ...clear(1), ...empty(9), ...clear(1)]);
  assert.deepEqual(new Set(found), new Set(["clear"]));
});

test("the least detail itself shows something; a number that makes no sense shows nothing", () => {
  assert.equal(findings(empty(20, policy.leastDetail)).at(-1), "clear");
  assert.equal(findings(empty(20, Number.NaN)).at(-1), "blind");
});

test("the same picture for frozenMs is frozen, from there on, and the first other one ends it", () => {
  const found = findings([...still(52), ...clear(1)]);
  assert.equal(found.indexOf("frozen"), policy.frozenMs / stepMs);
  assert.deepEqual(found.slice(50), ["frozen", "frozen", "clear"]);
});

test("a covered lens that is frozen, too, is told as blind", () => {
  assert.equal(findings(Array.from({ length: 60 }, () => ({ detail: 0, fingerprint: 1 }))).at(-1), "blind");
});

test("0 switches each off", () => {
  assert.equal(findings(empty(100), { ...policy, leastDetail: 0 }).at(-1), "clear");
  assert.equal(findings(still(100), { ...policy, frozenMs: 0 }).at(-1), "clear");
});
