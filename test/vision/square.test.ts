import assert from "node:assert/strict";
import { test } from "node:test";
import sharp from "sharp";
import type { Picture } from "../../src/vision/picture.ts";
import { cutSquare, squareAround, type Beyond, type Square } from "../../src/vision/square.ts";

const widthPx = 50;
const heightPx = 30;
const picture: Picture = {
  pixels: Uint8Array.from({ length: widthPx * heightPx * 3 }, (_, i) => (i * 7919) % 251),
  widthPx,
  heightPx,
};

/** The same by definition, pixel by pixel. */
function slowSquare({ x, y, sidePx }: Square, beyond: Beyond): Uint8Array {
  return Uint8Array.from({ length: sidePx * sidePx * 3 }, (_, i) => {
    const [column, row] = [x + (Math.floor(i / 3) % sidePx), y + Math.floor(i / (3 * sidePx))];
    const isInside = column >= 0 && row >= 0 && column < widthPx && row < heightPx;
    if (!isInside && beyond === "black") return 0;
    const from =
      Math.min(heightPx - 1, Math.max(0, row)) * widthPx + Math.min(widthPx - 1, Math.max(0, column));
    return picture.pixels[from * 3 + (i % 3)] ?? 0;
  });
}

const squares: Readonly<Record<string, Square>> = {
  "lies inside": { x: 5, y: 3, sidePx: 20 },
  "is as high as the picture": { x: 12, y: 0, sidePx: 30 },
  "reaches over the left upper corner": { x: -4, y: -9, sidePx: 24 },
  "reaches over the right lower corner": { x: 40, y: 20, sidePx: 24 },
  "shows the last column only": { x: 49, y: 5, sidePx: 16 },
  "holds the whole picture": { x: -10, y: -20, sidePx: 70 },
};

for (const [name, square] of Object.entries(squares)) {
  for (const beyond of ["black", "copy"] as const) {
    test(`a square that ${name}, beyond it ${beyond}, has the pixels that it should`, async () => {
      assert.deepEqual(
        new Uint8Array(await cutSquare(picture, square, square.sidePx, beyond)),
        slowSquare(square, beyond),
      );
      const { sidePx } = square;
      const scaled = await sharp(slowSquare(square, beyond), {
        raw: { width: sidePx, height: sidePx, channels: 3 },
      })
        .resize(9, 9, { fit: "fill", kernel: "lanczos3" })
        .raw()
        .toBuffer();
      assert.deepEqual(new Uint8Array(await cutSquare(picture, square, 9, beyond)), new Uint8Array(scaled));
    });
  }
}

test("pixels in shared memory are cut as others are", async () => {
  const shared = new Uint8Array(new SharedArrayBuffer(picture.pixels.length + 5), 5);
  shared.set(picture.pixels);
  const square = { x: -3, y: 2, sidePx: 12 };
  assert.deepEqual(
    new Uint8Array(await cutSquare({ ...picture, pixels: shared }, square, 12, "copy")),
    slowSquare(square, "copy"),
  );
});

test("a square beside the picture is refused", async () => {
  await assert.rejects(cutSquare(picture, { x: 50, y: 0, sidePx: 10 }, 10, "copy"), RangeError);
});

test("a square around a box has the box's middle", () => {
  assert.deepEqual(squareAround({ x: 10, y: 20, width: 30, height: 10 }, 40), { x: 5, y: 5, sidePx: 40 });
});
