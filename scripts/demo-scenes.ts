/**
 * What happens before the camera of the demo: parts of real photographs, with the masks that our own synthesis drew.
 * The photographs come from the development dependency @vladmandic/face-api; no picture of a person lies in the repository.
 */
import { mkdir, readFile } from "node:fs/promises";
import path from "node:path";
import sharp from "sharp";
import { packageFolder } from "../src/vision/packaged.ts";

export interface Scene {
  readonly name: string;
  readonly frames: number;
  /** Whether the door must open in it. */
  readonly opens: boolean;
  readonly picture: string;
  /** Files of test/fixtures/masked laid over the photograph. */
  readonly overlays: readonly string[];
  /** What the camera sees: a 4:3 part of the photograph; of overlays only what lies in `masked`, if given. */
  readonly view: Rectangle;
  readonly masked?: Rectangle;
}

interface Rectangle {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

const nobody = {
  name: "nobody",
  opens: false,
  picture: "sample6.jpg",
  overlays: [],
  view: { left: 1440, top: 960, width: 440, height: 330 },
} as const;

const woman = { picture: "sample6.jpg", view: { left: 70, top: 430, width: 560, height: 420 } };
const pair = { picture: "sample6.jpg", view: { left: 1010, top: 150, width: 800, height: 600 } };

/** In the order in which they are shown, at 10 frames a second. */
export const scenes: readonly Scene[] = [
  { ...nobody, frames: 8 },
  { ...woman, name: "bare face", frames: 20, opens: false, overlays: [] },
  { ...nobody, frames: 10 },
  { ...woman, name: "masked", frames: 22, opens: true, overlays: ["sample6-masked.png"] },
  { ...nobody, frames: 34 },
  { ...woman, name: "mask under the nose", frames: 20, opens: false, overlays: ["sample6-under-nose.png"] },
  { ...nobody, frames: 10 },
  {
    ...woman,
    name: "notebook before the face",
    frames: 20,
    opens: false,
    overlays: ["sample6-notebook.png"],
  },
  { ...nobody, frames: 10 },
  {
    ...pair,
    name: "one masked, one bare",
    frames: 20,
    opens: false,
    overlays: ["sample6-masked.png"],
    masked: { left: 1000, top: 300, width: 400, height: 400 },
  },
  { ...nobody, frames: 8 },
];

const photographs = path.join(packageFolder, "node_modules/@vladmandic/face-api/demo");
const overlayFolder = path.join(packageFolder, "test/fixtures/masked");
const frame = { width: 640, height: 480 } as const;

interface OverlayIndex {
  readonly overlays: readonly { readonly file: string; readonly x: number; readonly y: number }[];
}

/** Writes the frames of all scenes into a folder, numbered in their order; returns the scene of each frame. */
export async function writeScenes(folder: string): Promise<readonly Scene[]> {
  await mkdir(folder, { recursive: true });
  const index = JSON.parse(await readFile(path.join(overlayFolder, "index.json"), "utf8")) as OverlayIndex;
  const shown: Scene[] = [];
  for (const scene of scenes) {
    const photograph = await dressed(scene, index);
    for (let n = 0; n < scene.frames; n += 1) {
      const file = path.join(folder, `frame-${String(shown.length).padStart(4, "0")}.jpg`);
      await sharp(photograph)
        .extract(swaying(scene.view, n))
        .resize(frame)
        .jpeg({ quality: 88 })
        .toFile(file);
      shown.push(scene);
    }
  }
  return shown;
}

/** The photograph with its overlays, as an uncompressed PNG that can be cut quickly. */
async function dressed(scene: Scene, index: OverlayIndex): Promise<Buffer> {
  const layers = await Promise.all(
    scene.overlays.map(async (file) => {
      const place = index.overlays.find((overlay) => overlay.file === file);
      if (!place) throw new Error(`${overlayFolder}/index.json knows no ${file}`);
      return layerOf(path.join(overlayFolder, file), place, scene.masked);
    }),
  );
  return sharp(path.join(photographs, scene.picture))
    .composite(layers)
    .png({ compressionLevel: 0 })
    .toBuffer();
}

async function layerOf(file: string, place: { x: number; y: number }, part: Rectangle | undefined) {
  if (!part) return { input: file, left: place.x, top: place.y };
  const { width, height } = await sharp(file).metadata();
  const left = Math.max(part.left, place.x);
  const top = Math.max(part.top, place.y);
  const right = Math.min(part.left + part.width, place.x + width);
  const bottom = Math.min(part.top + part.height, place.y + height);
  const area = { left: left - place.x, top: top - place.y, width: right - left, height: bottom - top };
  return { input: await sharp(file).extract(area).png().toBuffer(), left, top };
}

/** Nobody stands quite still. */
function swaying(view: Rectangle, n: number): Rectangle {
  const sway = (period: number): number =>
    Math.round((Math.sin((n * 2 * Math.PI) / period) * view.width) / 60);
  return { ...view, left: view.left + sway(17), top: view.top + sway(11) };
}
