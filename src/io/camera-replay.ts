/**
 * The camera of demonstrations, tests and benchmarks: a picture, a folder of pictures or a video file.
 * Promises: a path that cannot be replayed is refused when it is opened, by its name.
 */
import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import { KioskError, messageOf } from "../core/errors.ts";
import type { Camera, Clock } from "../core/ports.ts";
import { PictureReplay } from "./picture-replay.ts";
import { ProgramCamera } from "./program-camera.ts";
import { planVideoReplay, type VideoReplaySettings } from "./video-replay.ts";

/** Plain values of the configuration's `camera` and `camera.replay`. */
export type ReplayCameraSettings = VideoReplaySettings;

const pictureTypes: readonly string[] = [".jpg", ".jpeg", ".png", ".webp"];
const videoTypes: readonly string[] = [
  ".mp4",
  ".m4v",
  ".mov",
  ".mkv",
  ".webm",
  ".avi",
  ".ogv",
  ".mpg",
  ".mpeg",
  ".ts",
  ".gif",
];
const byName = new Intl.Collator("en", { numeric: true });

function typeOf(file: string): string {
  return path.extname(file).toLowerCase();
}

/** The pictures of a folder as people sort them (2 before 10), without hidden and other files. */
async function picturesIn(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
    throw new KioskError("camera-missing", `camera.replay.path: ${failure(folder, cause)}`, { cause });
  });
  const names = entries
    .filter(
      (entry) =>
        !entry.isDirectory() && !entry.name.startsWith(".") && pictureTypes.includes(typeOf(entry.name)),
    )
    .map((entry) => entry.name)
    .sort((a, b) => byName.compare(a, b));
  if (names.length > 0) return names.map((name) => path.join(folder, name));
  throw new KioskError(
    "camera-missing",
    `camera.replay.path: no pictures (JPEG, PNG, WebP) in the folder ${folder}; name a folder with some`,
  );
}

/**
 * A camera that replays files.
 * @throws KioskError camera-missing if there is nothing to replay
 */
export async function openReplayCamera(settings: ReplayCameraSettings, clock: Clock): Promise<Camera> {
  const { path: file, framesPerSecond, loop } = settings;
  const found = await stat(file).catch((cause: unknown) => {
    throw new KioskError("camera-missing", `camera.replay.path: ${failure(file, cause)}`, { cause });
  });
  if (found.isDirectory()) {
    return new PictureReplay({ files: await picturesIn(file), framesPerSecond, loop }, clock);
  }
  if (pictureTypes.includes(typeOf(file)))
    return new PictureReplay({ files: [file], framesPerSecond, loop }, clock);
  if (videoTypes.includes(typeOf(file))) return ProgramCamera.open(await planVideoReplay(settings), clock);
  const known = [...pictureTypes, ...videoTypes].join(", ");
  throw new KioskError(
    "camera-missing",
    `camera.replay.path: ${file} is neither a folder nor one of ${known}`,
  );
}

function failure(file: string, error: unknown): string {
  const isMissing = error instanceof Error && "code" in error && error.code === "ENOENT";
  return isMissing
    ? `there is no ${file}; name a folder of pictures or a video file`
    : `${file} cannot be read: ${messageOf(error)}`;
}
