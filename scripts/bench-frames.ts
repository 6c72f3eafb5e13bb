/**
 * The frames of the benchmark and the soak: windows that sway over real photographs of one to four people, as if these
 * moved before the camera. Faces are 80 px and larger in both sizes.
 */
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import sharp from "sharp";
import { packageFolder } from "../src/vision/packaged.ts";

export interface FrameSize {
  readonly widthPx: number;
  readonly heightPx: number;
}

/** Where in which photograph the camera looks. */
interface Scene {
  readonly people: number;
  readonly photograph: string;
  readonly middle: { readonly x: number; readonly y: number };
  readonly widthPx: number;
}

const scenes: readonly Scene[] = [
  { people: 1, photograph: "sample3.jpg", middle: { x: 693, y: 490 }, widthPx: 700 },
  { people: 2, photograph: "sample1.jpg", middle: { x: 730, y: 520 }, widthPx: 1000 },
  { people: 3, photograph: "sample3.jpg", middle: { x: 1136, y: 440 }, widthPx: 1300 },
  { people: 4, photograph: "sample4.jpg", middle: { x: 853, y: 300 }, widthPx: 1360 },
];

/** Frames of one scene; after them it begins anew. */
export const framesOfScene = 25;

/** How far people sway, as a share of the window's width. */
const swayShare = 0.03;

const photographFolder = path.join(packageFolder, "node_modules", "@vladmandic", "face-api", "demo");

export interface Window {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** The window of one frame of a scene, in the frame's shape and within the photograph. */
export function windowAt(
  scene: Pick<Scene, "middle" | "widthPx">,
  turn: number,
  size: FrameSize,
  photograph: FrameSize,
): Window {
  const width = Math.min(scene.widthPx, photograph.widthPx);
  const height = Math.min(Math.round((width * size.heightPx) / size.widthPx), photograph.heightPx);
  const swayPx = swayShare * width * Math.sin((2 * Math.PI * turn) / framesOfScene);
  const within = (at: number, sidePx: number, lengthPx: number): number =>
    Math.max(0, Math.min(lengthPx - sidePx, Math.round(at - sidePx / 2)));
  return {
    left: within(scene.middle.x + swayPx, width, photograph.widthPx),
    top: within(scene.middle.y + swayPx / 2, height, photograph.heightPx),
    width,
    height,
  };
}

/** Raw RGB frames, scene by scene. */
export async function rawScenes(size: FrameSize): Promise<Buffer[][]> {
  return Promise.all(scenes.map((scene) => rawFrames(scene, size)));
}

async function rawFrames(scene: Scene, size: FrameSize): Promise<Buffer[]> {
  const { data, info } = await sharp(path.join(photographFolder, scene.photograph))
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  const photograph = { widthPx: info.width, heightPx: info.height };
  const turns = Array.from({ length: framesOfScene }, (_, turn) => turn);
  return Promise.all(
    turns.map((turn) =>
      sharp(data, { raw: { width: info.width, height: info.height, channels: 3 } })
        .extract(windowAt(scene, turn, size, photograph))
        .resize(size.widthPx, size.heightPx, { fit: "fill" })
        .raw()
        .toBuffer(),
    ),
  );
}

/** The frames as JPEG pictures in a folder, named so that they replay in order. */
export async function writeFrames(frames: readonly Buffer[], size: FrameSize, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [n, frame] of frames.entries()) {
    const jpeg = await sharp(frame, { raw: { width: size.widthPx, height: size.heightPx, channels: 3 } })
      .jpeg({ quality: 90 })
      .toBuffer();
    await writeFile(path.join(folder, `${n}.jpg`), jpeg);
  }
}
