/** `maskgate classify`: the faces of pictures and what the classifier says of them, as people or programs read it. */
import { mkdir, readFile } from "node:fs/promises";
import path from "node:path";
import { annotate } from "./annotate.ts";
import { KioskError, messageOf } from "./core/errors.ts";
import type { Box } from "./core/face.ts";
import { pictureFiles, type PictureFile } from "./picture-files.ts";
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
  readonly paths: readonly string[];
  readonly isJson: boolean;
  /** Folder for pictures with boxes and verdicts drawn into them. */
  readonly annotateFolder: string | undefined;
  readonly threshold: number;
  readonly write: (line: string) => void;
}

/**
 * Classifies one picture after the other; one that cannot be read does not stop the others.
 * @returns how many could not be read
 * @throws KioskError bad-usage
 */
export async function classifyPictures(pipeline: Pipeline, options: ClassifyOptions): Promise<number> {
  const pictures = await pictureFiles(options.paths);
  if (options.annotateFolder !== undefined) await makeFolder(options.annotateFolder);
  let unreadable = 0;
  for (const picture of pictures) {
    const answer = await classifyOne(pipeline, picture, options);
    if ("error" in answer) unreadable += 1;
    options.write(options.isJson ? JSON.stringify(answer) : readable(answer, options.threshold));
  }
  return unreadable;
}

async function classifyOne(
  pipeline: Pipeline,
  { file, relative }: PictureFile,
  options: ClassifyOptions,
): Promise<Classified> {
  try {
    const picture = await decode(await readFile(file));
    const { verdicts } = await lookAt(pipeline, picture, { kind: "full" });
    if (options.annotateFolder !== undefined) {
      await annotate(picture, verdicts, options.threshold, annotatedPath(options.annotateFolder, relative));
    }
    const faces = verdicts.map(({ face, masked }) => ({
      box: rounded(face.box),
      score: digits(face.score),
      masked: digits(masked),
    }));
    return { file, widthPx: picture.widthPx, heightPx: picture.heightPx, faces };
  } catch (error) {
    return { file, error: readFailure(error) };
  }
}

function readable(answer: Classified, threshold: number): string {
  if ("error" in answer) return `${answer.file}: error: ${answer.error}`;
  const faces = answer.faces.map(({ box, masked }) => {
    const verdict = masked >= threshold ? "masked" : "not masked";
    return `  ${verdict.padEnd(10)} ${masked.toFixed(3)}  ${Math.round(box.width)} px at ${Math.round(box.x)},${Math.round(box.y)}`;
  });
  const count = faces.length === 1 ? "1 face" : `${faces.length} faces`;
  return [`${answer.file}: ${answer.widthPx}x${answer.heightPx}, ${count}`, ...faces].join("\n");
}

function annotatedPath(folder: string, relative: string): string {
  return path.join(folder, `${relative.replaceAll(path.sep, "-").replace(/\.[^.]*$/, "")}.jpg`);
}

async function makeFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true }).catch((cause: unknown) => {
    throw new KioskError("bad-usage", `--annotate ${folder}: cannot be made a folder: ${messageOf(cause)}`, {
      cause,
    });
  });
}

function readFailure(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "ENOENT") return "there is no such file";
  if (code === "EISDIR") return "this is a folder";
  if (code === "EACCES") return "no permission to read it";
  return messageOf(error);
}

function rounded(box: Box): Box {
  const tenth = (value: number): number => Math.round(value * 10) / 10;
  return { x: tenth(box.x), y: tenth(box.y), width: tenth(box.width), height: tenth(box.height) };
}

/** The answer lies inside (0,1): rounding must not make it 0 or 1. */
function digits(value: number): number {
  return Math.min(0.999999, Math.max(0.000001, Math.round(value * 1e6) / 1e6));
}
