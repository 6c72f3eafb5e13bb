/** `maskgate classify`: the faces of pictures and what the classifier says of them, as people or programs read it. */
import { mkdir, readFile } from "node:fs/promises";
import path from "node:path";
import { annotate } from "./annotate.ts";
import type { Box } from "./core/face.ts";
import {
  makeFolder,
  pictureFailure,
  pictureFiles,
  refuseOverwriting,
  type PictureFile,
} from "./picture-files.ts";
import { lookAt, type Pipeline } from "./vision/pipeline.ts";
import { decode } from "./vision/picture.ts";

/** One picture's answer: a line of `--json`. Boxes in pixels of the upright picture. */
export type Classified =
  | {
      readonly file: string;
      readonly widthPx: number;
      readonly heightPx: number;
      readonly faces: readonly { readonly box: Box; readonly score: number; readonly masked: number }[];
    }
  | { readonly file: string; readonly error: string };

export interface ClassifyOptions {
  readonly isJson: boolean;
  /** Folder for pictures with boxes and verdicts drawn into them. */
  readonly annotateFolder: string | undefined;
  readonly threshold: number;
  readonly write: (line: string) => void;
  /** Where people, not programs, hear of a picture that cannot be read. */
  readonly complain: (line: string) => void;
}

/**
 * The pictures to classify, once nothing that was typed stands in the way.
 * @throws KioskError bad-usage
 */
export async function picturesToClassify(
  paths: readonly string[],
  annotateFolder: string | undefined,
): Promise<readonly PictureFile[]> {
  const pictures = await pictureFiles(paths);
  if (annotateFolder === undefined) return pictures;
  const targets = pictures.map((picture) => annotatedPath(annotateFolder, picture));
  refuseOverwriting("--annotate", pictures, targets);
  await makeFolder("--annotate", annotateFolder);
  return pictures;
}

/**
 * Classifies one picture after the other; one that cannot be read does not stop the others.
 * @returns how many could not be read
 */
export async function classifyPictures(
  pipeline: Pipeline,
  pictures: readonly PictureFile[],
  options: ClassifyOptions,
): Promise<number> {
  let unreadable = 0;
  for (const picture of pictures) {
    const answer = await classifyOne(pipeline, picture, options);
    if ("error" in answer) unreadable += 1;
    if (options.isJson) options.write(JSON.stringify(answer));
    else if ("error" in answer) options.complain(`${answer.file}: ${answer.error}`);
    else options.write(readable(answer, options.threshold));
  }
  return unreadable;
}

async function classifyOne(
  pipeline: Pipeline,
  source: PictureFile,
  options: ClassifyOptions,
): Promise<Classified> {
  const { file } = source;
  try {
    const picture = await decode(await readFile(file));
    const { verdicts } = await lookAt(pipeline, picture, { kind: "full" });
    if (options.annotateFolder !== undefined) {
      const target = annotatedPath(options.annotateFolder, source);
      await mkdir(path.dirname(target), { recursive: true });
      await annotate(picture, verdicts, options.threshold, target);
    }
    const faces = verdicts.map(({ face, masked }) => ({
      box: rounded(face.box),
      score: digits(face.score),
      masked: digits(masked),
    }));
    return { file, widthPx: picture.widthPx, heightPx: picture.heightPx, faces };
  } catch (error) {
    return { file, error: pictureFailure(error) };
  }
}

function readable(answer: Exclude<Classified, { readonly error: string }>, threshold: number): string {
  const faces = answer.faces.map(({ box, masked }) => {
    const verdict = masked >= threshold ? "masked" : "not masked";
    return `  ${verdict.padEnd(10)} ${masked.toFixed(3)}  ${Math.round(box.width)} px at ${Math.round(box.x)},${Math.round(box.y)}`;
  });
  const count = faces.length === 1 ? "1 face" : `${faces.length} faces`;
  return [`${answer.file}: ${answer.widthPx}x${answer.heightPx}, ${count}`, ...faces].join("\n");
}

function annotatedPath(folder: string, { stem }: PictureFile): string {
  return path.join(folder, `${stem}.jpg`);
}

function rounded(box: Box): Box {
  const tenth = (value: number): number => Math.round(value * 10) / 10;
  return { x: tenth(box.x), y: tenth(box.y), width: tenth(box.width), height: tenth(box.height) };
}

/** The answer lies inside (0,1): rounding must not make it 0 or 1. */
function digits(value: number): number {
  return Math.min(0.999999, Math.max(0.000001, Math.round(value * 1e6) / 1e6));
}
