import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Box } from "../../src/core/face.ts";
import { closeUpShare, regionsOf } from "../../src/vision/search-plan.ts";
import type { Square } from "../../src/vision/square.ts";

const size = { widthPx: 640, heightPx: 480 };

const holds = (region: Square, box: Box): boolean =>
  box.x >= region.x &&
  box.y >= region.y &&
  box.x + box.width <= region.x + region.sidePx &&
  box.y + box.height <= region.y + region.sidePx;

test("a full search shows every face of at least the least size whole, and as large as the detector needs it", () => {
  let inTile = 0;
  let inLong = 0;
  const lengthPx = fc.oneof(fc.integer({ min: 160, max: 2000 }), fc.constantFrom(160, 2000));
  fc.assert(
    fc.property(
      lengthPx,
      lengthPx,
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (widthPx, heightPx, u, v, w) => {
        const shorterPx = Math.min(widthPx, heightPx);
        const sidePx = 40 + w * (shorterPx - 40);
        const box = { x: u * (widthPx - sidePx), y: v * (heightPx - sidePx), width: sidePx, height: sidePx };
        const showing = regionsOf({ kind: "full" }, { widthPx, heightPx }, 40).filter((r) => holds(r, box));
        const fill = Math.max(0, ...showing.map((region) => sidePx / region.sidePx));
        if (fill < 1 && showing.length > 1) inTile += 1;
        if (sidePx < 0.12 * Math.max(widthPx, heightPx) && sidePx > 0.3 * shorterPx) inLong += 1;
        assert.ok(fill >= 0.12, `a face of ${sidePx} px fills ${fill} of its best region`);
      },
    ),
    { numRuns: 1000 },
  );
  assert.ok(
    inLong > 10,
    `only ${inLong} faces were large for a long picture's shorter side, and small in the whole`,
  );
  assert.ok(inTile > 100, `only ${inTile} faces lay in more than one region`);
});

test("every region touches the picture", () => {
  for (const search of [
    { kind: "full" },
    {
      kind: "follow",
      around: [
        { x: 900, y: 900, width: 50, height: 50 },
        { x: -20, y: -30, width: 60, height: 60 },
      ],
      turn: 3,
    },
  ] as const) {
    for (const { x, y, sidePx } of regionsOf(search, size, 40)) {
      assert.ok(x < size.widthPx && y < size.heightPx && x + sidePx > 0 && y + sidePx > 0);
    }
  }
});

test("following costs two detector calls a frame with nobody or one person", () => {
  const face = { x: 200, y: 150, width: 120, height: 120 };
  for (let turn = 0; turn < 40; turn += 1) {
    assert.equal(regionsOf({ kind: "follow", around: [], turn }, size, 40).length, 2);
    assert.equal(regionsOf({ kind: "follow", around: [face], turn }, size, 40).length, 2);
  }
});

test("following sees a known face at close-up size in every frame", () => {
  const face = { x: 200, y: 150, width: 100, height: 100 };
  const shares = regionsOf({ kind: "follow", around: [face], turn: 1 }, size, 40)
    .filter((region) => holds(region, face))
    .map((region) => region.sidePx / 100);
  assert.ok(shares.some((share) => Math.abs(share - closeUpShare) < 0.1));
});

test("faces that stand together share a close-up, a small one beside a large one gets its own", () => {
  const left = { x: 200, y: 150, width: 100, height: 100 };
  const near = { x: 250, y: 160, width: 90, height: 90 };
  const small = { x: 230, y: 160, width: 30, height: 30 };
  const count = (around: readonly Box[]): number =>
    regionsOf({ kind: "follow", around, turn: 0 }, size, 40).length;
  assert.equal(count([left, near]), 2);
  assert.equal(count([left, small]), 3);
});

test("the sweep sees the whole picture every other frame, and every tile in its turn", () => {
  const face = { x: 10, y: 10, width: 80, height: 80 };
  const extras = Array.from(
    { length: 60 },
    (_, turn) => regionsOf({ kind: "follow", around: [face], turn }, size, 40)[1],
  );
  const whole = extras.filter((region) => region?.sidePx === size.widthPx);
  assert.equal(whole.length, 30);
  const tiles = new Set(
    extras.filter((region) => region?.sidePx !== size.widthPx).map((region) => JSON.stringify(region)),
  );
  const empty = Array.from(
    { length: 60 },
    (_, turn) => regionsOf({ kind: "follow", around: [], turn }, size, 40)[1],
  );
  assert.deepEqual(tiles, new Set(empty.map((region) => JSON.stringify(region))));
  assert.ok(tiles.size >= 4);
});
