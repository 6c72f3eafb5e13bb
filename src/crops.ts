/**
 * `maskgate crops`: writes the very pixels that the daemon would classify, for training. An engineer's tool on
 * pictures the engineer brings; nothing of it is part of `run`.
 */
import { appendFile, mkdir, readFile, rm } from "node:fs/promises";
import path from "node:path";
import sharp from "sharp";
import { pictureFailure, type PictureFile } from "./picture-files.ts";
import { cropFace, cropPx } from "./vision/crop.ts";
import type { FaceDetector } from "./vision/detector.ts";
import { findFaces, type FaceSettings } from "./vision/find-faces.ts";
import { decode } from "./vision/picture.ts";

/** One line of crops.jsonl. */
interface CropLine {
  readonly file: string;
  readonly widthPx?: number;
  readonly heightPx?: number;
  readonly faces?: readonly { readonly crop: string; readonly box: object; readonly score: number }[];
  readonly error?: string;
}

export interface CropsResult {
  readonly pictures: number;
  readonly faces: number;
  readonly unreadable: number;
}

export interface CropsOptions {
  readonly out: string;
  readonly faces: FaceSettings;
  /** Hears of each picture that cannot be read. */
  readonly complain: (line: string) => void;
}

/** Writes `<out>/<picture>-<n>.png`, largest face first, and one line a picture to `<out>/crops.jsonl`. */
export async function writeCrops(
  pictures: readonly PictureFile[],
  detector: FaceDetector,
  { out, faces: settings, complain }: CropsOptions,
): Promise<CropsResult> {
  const index = path.join(out, "crops.jsonl");
  await rm(index, { force: true });
  let faces = 0;
  let unreadable = 0;
  for (const picture of pictures) {
    const line = await cropsOf(picture, out, detector, settings);
    if (line.error !== undefined) {
      unreadable += 1;
      complain(`${line.file}: ${line.error}`);
    }
    faces += line.faces?.length ?? 0;
    await appendFile(index, `${JSON.stringify(line)}\n`);
  }
  return { pictures: pictures.length, faces, unreadable };
}

async function cropsOf(
  { file, stem }: PictureFile,
  out: string,
  detector: FaceDetector,
  settings: FaceSettings,
): Promise<CropLine> {
  try {
    const picture = await decode(await readFile(file));
    const found = await findFaces(detector, picture, { kind: "full" }, settings);
    if (path.dirname(stem) !== ".") await mkdir(path.join(out, path.dirname(stem)), { recursive: true });
    const faces = [];
    for (const [n, face] of found.entries()) {
      const crop = `${stem}-${n}.png`;
      const raw = { width: cropPx, height: cropPx, channels: 3 } as const;
      await sharp(await cropFace(picture, face.box), { raw })
        .png()
        .toFile(path.join(out, crop));
      faces.push({ crop, box: face.box, score: face.score });
    }
    return { file, widthPx: picture.widthPx, heightPx: picture.heightPx, faces };
  } catch (error) {
    return { file, error: pictureFailure(error) };
  }
}
