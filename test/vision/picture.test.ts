import assert from "node:assert/strict";
import { test } from "node:test";
import sharp from "sharp";
import { KioskError } from "../../src/core/errors.ts";
import { cropFace, cropPx } from "../../src/vision/crop.ts";
import { decode, pictureOf, type Picture } from "../../src/vision/picture.ts";
import { cutSquare } from "../../src/vision/square.ts";

/** A picture whose red channel is its x and whose green channel is its y. */
function gradient(widthPx: number, heightPx: number): Picture {
  const pixels = new Uint8Array(widthPx * heightPx * 3);
  for (let y = 0; y < heightPx; y += 1) {
    for (let x = 0; x < widthPx; x += 1) pixels.set([x, y, 77], (y * widthPx + x) * 3);
  }
  return { pixels, widthPx, heightPx };
}

const pixelAt = (rgb: Uint8Array, sidePx: number, x: number, y: number): number[] => [
  ...rgb.subarray((y * sidePx + x) * 3, (y * sidePx + x) * 3 + 3),
];

test("decodes to upright RGB whatever the orientation, alpha or colour space", async () => {
  const raw = { width: 4, height: 2, channels: 3 } as const;
  const base = sharp(new Uint8Array(24).fill(200), { raw });
  const turned = await decode(await base.clone().jpeg().withMetadata({ orientation: 6 }).toBuffer());
  assert.deepEqual([turned.widthPx, turned.heightPx], [2, 4]);
  const grey = await decode(await base.clone().toColourspace("b-w").png().toBuffer());
  assert.equal(grey.pixels.length, 24);
  const clear = await decode(await base.clone().ensureAlpha(0).webp().toBuffer());
  assert.deepEqual([...clear.pixels.subarray(0, 3)], [128, 128, 128]);
});

test("refuses what is no picture, and a frame whose size and bytes disagree", async () => {
  const isBadPicture = (error: unknown): boolean =>
    error instanceof KioskError && error.code === "bad-picture" && !error.message.includes("\n");
  await assert.rejects(decode(Buffer.from("this is text")), isBadPicture);
  const jpeg = await sharp({ create: { width: 64, height: 64, channels: 3, background: "red" } })
    .jpeg()
    .toBuffer();
  await assert.rejects(decode(jpeg.subarray(0, jpeg.length - 200)), isBadPicture);
  assert.throws(() => pictureOf(new Uint8Array(10), 2, 2), isBadPicture);
});

test("a square inside of the picture is that part of it", async () => {
  const cut = await cutSquare(gradient(200, 100), { x: 40, y: 20, sidePx: 50 }, 50, "black");
  assert.deepEqual(pixelAt(cut, 50, 0, 0), [40, 20, 77]);
  assert.deepEqual(pixelAt(cut, 50, 49, 49), [89, 69, 77]);
});

test("beyond the picture is black or its outermost pixels, on each side", async () => {
  const picture = gradient(40, 30);
  for (const beyond of ["black", "copy"] as const) {
    const cut = await cutSquare(picture, { x: -10, y: -15, sidePx: 60 }, 60, beyond);
    const corner = beyond === "black" ? [0, 0, 0] : [39, 29, 77];
    assert.deepEqual(pixelAt(cut, 60, 59, 59), corner);
    assert.deepEqual(pixelAt(cut, 60, 0, 0), beyond === "black" ? [0, 0, 0] : [0, 0, 77]);
    assert.deepEqual(pixelAt(cut, 60, 10, 15), [0, 0, 77]);
    assert.deepEqual(pixelAt(cut, 60, 49, 44), [39, 29, 77]);
  }
});

test("a crop is centred on the face with a fifth of its side as margin on each side", async () => {
  const crop = await cropFace(gradient(250, 250), { x: 90, y: 80, width: 80, height: 80 });
  assert.equal(crop.length, cropPx * cropPx * 3);
  assert.deepEqual(pixelAt(crop, cropPx, 0, 0), [74, 64, 77]);
  assert.deepEqual(pixelAt(crop, cropPx, 111, 111), [185, 175, 77]);
});

test("pixels in shared memory are read like any others", async () => {
  const { pixels, ...rest } = gradient(64, 64);
  const memory = new SharedArrayBuffer(pixels.length);
  new Uint8Array(memory).set(pixels);
  const shared = { ...rest, pixels: Buffer.from(memory) };
  const square = { x: 8, y: 8, sidePx: 32 };
  assert.deepEqual(
    await cutSquare(shared, square, 16, "black"),
    await cutSquare({ ...rest, pixels }, square, 16, "black"),
  );
});
