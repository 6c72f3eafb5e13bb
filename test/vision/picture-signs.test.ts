/** What pictures tell of the camera: photographs and scenes against covered and dark lenses. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { test } from "node:test";
import sharp, { type Sharp } from "sharp";
import { signsOf } from "../../src/vision/picture-signs.ts";
import { decode, type Picture } from "../../src/vision/picture.ts";

/** The default of camera.leastDetail. */
const leastDetail = 6;
const demo = path.join(
  path.dirname(createRequire(import.meta.url).resolve("@vladmandic/face-api/package.json")),
  "demo",
);
const photographs = [1, 2, 3, 4, 5, 6].map((n) => readFileSync(path.join(demo, `sample${n}.jpg`)));

async function rendered(image: Sharp): Promise<Picture> {
  return decode(await image.png().toBuffer());
}

const noise = (mean: number, sigma: number): Sharp =>
  sharp({
    create: {
      width: 640,
      height: 480,
      channels: 3,
      background: "#000",
      noise: { type: "gaussian", mean, sigma },
    },
  });

test("photographs have far more to see than the least, dim ones and small ones too", async () => {
  for (const photograph of photographs) {
    const usual = signsOf(await decode(photograph)).detail;
    const dim = signsOf(await rendered(sharp(photograph).linear(0.35, 0))).detail;
    const small = signsOf(await rendered(sharp(photograph).resize(320, 240))).detail;
    assert.ok(Math.min(usual, dim, small) > 1.5 * leastDetail, `${usual} ${dim} ${small}`);
  }
});

test("a black picture, a covered lens with the sensor's noise, and light that seeps past a hand show nothing", async () => {
  const seeping = await sharp({ create: { width: 2, height: 1, channels: 3, background: "#100808" } })
    .composite([
      { input: Buffer.from([90, 40, 30]), raw: { width: 1, height: 1, channels: 3 }, left: 1, top: 0 },
    ])
    .png()
    .toBuffer();
  const covered = {
    black: await rendered(sharp({ create: { width: 640, height: 480, channels: 3, background: "#000" } })),
    noise: await rendered(noise(25, 6)),
    seeping: await rendered(sharp(seeping).resize(640, 480, { kernel: "linear", fit: "fill" })),
  };
  for (const [name, picture] of Object.entries(covered)) {
    assert.ok(signsOf(picture).detail < leastDetail / 1.5, `${name}: ${signsOf(picture).detail}`);
  }
});

test("equal pictures have equal fingerprints, and a sensor's faint noise makes any two differ", async () => {
  const [first] = photographs;
  assert.ok(first);
  const picture = await decode(first);
  const again = { ...picture, pixels: Uint8Array.from(picture.pixels) };
  assert.equal(signsOf(again).fingerprint, signsOf(picture).fingerprint);
  const noisy = {
    ...picture,
    pixels: picture.pixels.map((value, at) => (at % 37 === 0 ? value ^ 1 : value)),
  };
  assert.notEqual(signsOf(noisy).fingerprint, signsOf(picture).fingerprint);
  assert.ok(signsOf(picture).fingerprint >= 0);
});
