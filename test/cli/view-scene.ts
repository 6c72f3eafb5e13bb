/** What happens before the camera of the view's tests: real photographs, with a mask of the fixtures and without. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import sharp from "sharp";
import type { Seen } from "./view-probe.ts";

const overlays = path.resolve("test/fixtures/masked");
const photograph = path.resolve("node_modules/@vladmandic/face-api/demo/sample6.jpg");

interface OverlayIndex {
  readonly overlays: readonly { readonly file: string; readonly x: number; readonly y: number }[];
}

/** A woman of the photograph, with the mask of the fixtures or bare. */
export async function portrait(isMasked: boolean): Promise<Buffer> {
  const file = "sample6-masked.png";
  const index = JSON.parse(readFileSync(path.join(overlays, "index.json"), "utf8")) as OverlayIndex;
  const place = index.overlays.find((overlay) => overlay.file === file);
  assert.ok(place);
  const mask = { input: path.join(overlays, file), left: place.x, top: place.y };
  const dressed = await sharp(photograph)
    .composite(isMasked ? [mask] : [])
    .png({ compressionLevel: 0 })
    .toBuffer();
  const part = { left: 70, top: 430, width: 560, height: 420 };
  return sharp(dressed).extract(part).resize({ width: 480 }).jpeg({ quality: 90 }).toBuffer();
}

const covered = (): Promise<Buffer> =>
  sharp({ create: { width: 480, height: 360, channels: 3, background: "#050505" } })
    .jpeg()
    .toBuffer();

/** Two seconds of each, again and again: masked, bare, covered. */
const secondsEach = 2;
export const framesPerSecond = 5;

/** @returns the three pictures */
export async function writeFrames(folder: string): Promise<readonly Buffer[]> {
  const pictures = [await portrait(true), await portrait(false), await covered()];
  let count = 0;
  for (const picture of pictures) {
    for (let n = 0; n < secondsEach * framesPerSecond; n++) {
      writeFileSync(path.join(folder, `${++count}.jpg`), picture);
    }
  }
  return pictures;
}

/** How far two thumbnails are apart, 0..255; boxes and words are drawn over one of them. */
export async function difference({ thumbnail }: Seen, picture: Buffer | undefined): Promise<number> {
  const small = await sharp(picture).resize(16, 12, { fit: "fill" }).removeAlpha().raw().toBuffer();
  assert.equal(thumbnail.length, small.length);
  return thumbnail.reduce((sum, value, at) => sum + Math.abs(value - (small[at] ?? 0)), 0) / small.length;
}
