/** What stands before the bench's camera, as files of raw YUYV frames that `bench camera` shows: people of the demo, and what may be done to a camera. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import sharp from "sharp";
import { writeScenes } from "../../scripts/demo-scenes.ts";

/** As guest/bench-camera.service has it. */
const size = { width: 320, height: 240 } as const;
const framesOfScene = 10;

/** Scenes of the demo, by the names that the bench gives them. */
const people = new Map([
  ["nobody", "nobody"],
  ["bare face", "bare"],
  ["masked", "masked"],
]);

/** Writes the scenes into a folder. */
export async function writeBenchScenes(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const pictures = await mkdtemp(path.join(tmpdir(), "maskgate-scenes-"));
  try {
    const shown = await writeScenes(pictures);
    for (const [demoName, name] of people) {
      const first = shown.findIndex((scene) => scene.name === demoName);
      const files = Array.from({ length: Math.min(framesOfScene, shown[first]?.frames ?? 0) }, (_, n) =>
        path.join(pictures, `frame-${String(first + n).padStart(4, "0")}.jpg`),
      );
      const frames = await Promise.all(files.map(rgbOf));
      await writeScene(folder, name, frames);
      // For the model of test/fixtures that takes brightness for a mask: rows about locks need no costly verdicts.
      if (name === "masked") await writeScene(folder, "bright", frames.map(brightened));
      // Tells that model from the one that ships by what the door does.
      if (name === "bare") await writeScene(folder, "pale", frames.map(brightened));
    }
  } finally {
    await rm(pictures, { recursive: true, force: true });
  }
  await writeScene(folder, "black", [Buffer.alloc(size.width * size.height * 3)]);
  await writeScene(
    folder,
    "covered",
    Array.from({ length: framesOfScene }, (_, n) => coveredFrame(n)),
  );
}

function rgbOf(file: string): Promise<Buffer> {
  return sharp(file).resize(size).removeAlpha().raw().toBuffer();
}

function brightened(rgb: Buffer): Buffer {
  return Buffer.from(rgb.map((value) => 110 + value * 0.55));
}

/** A hand on the lens: dark, reddish, nothing but the sensor's noise. */
function coveredFrame(n: number): Buffer {
  let state = 1 + n;
  const frame = Buffer.alloc(size.width * size.height * 3);
  for (let at = 0; at < frame.length; at += 1) {
    state = (state * 48271) % 2147483647;
    frame[at] = (at % 3 === 0 ? 34 : 16) + (state % 5);
  }
  return frame;
}

async function writeScene(folder: string, name: string, frames: readonly Buffer[]): Promise<void> {
  await writeFile(path.join(folder, `${name}.yuyv`), Buffer.concat(frames.map(yuyvOf)));
}

/** BT.601, two pixels in four bytes. */
function yuyvOf(rgb: Buffer): Buffer {
  const yuyv = Buffer.alloc((rgb.length / 3) * 2);
  const luma = (at: number): number =>
    16 + 0.257 * (rgb[at] ?? 0) + 0.504 * (rgb[at + 1] ?? 0) + 0.098 * (rgb[at + 2] ?? 0);
  for (let from = 0, to = 0; from < rgb.length; from += 6, to += 4) {
    const [red = 0, green = 0, blue = 0] = rgb.subarray(from, from + 3);
    yuyv[to] = Math.round(luma(from));
    yuyv[to + 1] = Math.round(128 - 0.148 * red - 0.291 * green + 0.439 * blue);
    yuyv[to + 2] = Math.round(luma(from + 3));
    yuyv[to + 3] = Math.round(128 + 0.439 * red - 0.368 * green - 0.071 * blue);
  }
  return yuyv;
}
