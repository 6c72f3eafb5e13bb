/**
 * The camera of demonstrations, tests and benchmarks: a picture, a folder of pictures or a video file.
 * Promises: a path that cannot be replayed is refused at the start, by its name.
 */
import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import { KioskError, messageOf } from "../core/errors.ts";
import type { Frame } from "../core/frame.ts";
import type { Camera, CameraEvents, Clock } from "../core/ports.ts";
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
  const entries = await readdir(folder, { withFileTypes: true });
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
    `camera.replay.path: no pictures (JPEG, PNG, WebP) in the folder ${folder}`,
  );
}

async function openReplay(settings: ReplayCameraSettings, clock: Clock): Promise<Camera> {
  const { path: file, framesPerSecond, loop } = settings;
  try {
    const isFolder = (await stat(file)).isDirectory();
    if (isFolder) return new PictureReplay({ files: await picturesIn(file), framesPerSecond, loop }, clock);
    if (pictureTypes.includes(typeOf(file)))
      return new PictureReplay({ files: [file], framesPerSecond, loop }, clock);
    if (videoTypes.includes(typeOf(file))) return new ProgramCamera(await planVideoReplay(settings), clock);
  } catch (error) {
    if (error instanceof KioskError) throw error;
    throw new KioskError("camera-missing", `camera.replay.path: ${messageOf(error)}`, { cause: error });
  }
  const known = [...pictureTypes, ...videoTypes].join(", ");
  throw new KioskError(
    "camera-missing",
    `camera.replay.path: ${file} is neither a folder nor one of ${known}`,
  );
}

/** Becomes the camera that its path asks for when it is started, because only the disk knows which. */
class ReplayCamera implements Camera {
  readonly #settings: ReplayCameraSettings;
  readonly #clock: Clock;
  #camera: Camera | undefined;
  #isDisposed = false;

  constructor(settings: ReplayCameraSettings, clock: Clock) {
    this.#settings = settings;
    this.#clock = clock;
  }

  async start(events: CameraEvents): Promise<void> {
    const camera = await openReplay(this.#settings, this.#clock);
    if (this.#isDisposed) return;
    this.#camera = camera;
    await camera.start(events);
  }

  take(): Frame | undefined {
    return this.#camera?.take();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true;
    await this.#camera?.[Symbol.asyncDispose]();
  }
}

/** A camera that replays files. `start()` rejects with a KioskError if there is nothing to replay. */
export function openReplayCamera(settings: ReplayCameraSettings, clock: Clock): Camera {
  return new ReplayCamera(settings, clock);
}
