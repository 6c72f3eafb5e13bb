/** Plays a video file as a camera would, through gst-launch-1.0 or ffmpeg, in the video's own time. */
import path from "node:path";
import { KioskError } from "../core/errors.ts";
import { findProgram } from "./find-program.ts";
import { gstreamerFault } from "./gstreamer-fault.ts";
import { rowAlignBytes, videoPipeline } from "./gstreamer-pipeline.ts";
import { frameFd, type ProgramEnd } from "./piped-program.ts";
import type { Patience, ProgramCameraPlan } from "./program-camera.ts";

/** What is played, and how. */
export interface VideoReplaySettings extends Patience {
  readonly path: string;
  readonly loop: boolean;
  readonly widthPx: number;
  readonly heightPx: number;
  readonly framesPerSecond: number;
  /** Name or path of gst-launch-1.0 (or of ffmpeg); where it is not installed, ffmpeg plays the video. */
  readonly program: string;
}

function ffmpegArguments({ path: file, widthPx, heightPx }: VideoReplaySettings): readonly string[] {
  const scale = `scale=${widthPx}:${heightPx}:force_original_aspect_ratio=decrease`;
  const filter = `${scale},pad=${widthPx}:${heightPx}:-1:-1,setsar=1`;
  const input = ["-nostdin", "-hide_banner", "-loglevel", "error", "-re", "-i", `file:${file}`];
  return [...input, "-an", "-vf", filter, "-pix_fmt", "rgb24", "-f", "rawvideo", `pipe:${frameFd}`];
}

function ffmpegFault(name: string, end: ProgramEnd): KioskError {
  const cause = end.lastLines[0] ?? "it said nothing";
  return new KioskError("camera-ended", `${name}: ffmpeg ended (${end.how}): ${cause}`);
}

async function chooseProgram(wanted: string): Promise<string> {
  for (const program of [wanted, "ffmpeg"]) if ((await findProgram(program)) !== undefined) return program;
  const mend = "install the packages gstreamer1.0-tools and gstreamer1.0-plugins-good, or ffmpeg";
  throw new KioskError(
    "camera-missing",
    `neither ${wanted} nor ffmpeg is installed to play the video; ${mend}`,
  );
}

/** How the video is played; rejects with a KioskError if there is no program for it. */
export async function planVideoReplay(settings: VideoReplaySettings): Promise<ProgramCameraPlan> {
  const { widthPx, heightPx, framesPerSecond, silenceMs, startMs, restartMinMs, restartMaxMs, loop } =
    settings;
  const program = await chooseProgram(settings.program);
  const isFfmpeg = path.basename(program).startsWith("ffmpeg");
  const name = `video ${settings.path}`;
  return {
    ...{ name, program, framesPerSecond, silenceMs, startMs, restartMinMs, restartMaxMs },
    packageName: isFfmpeg ? "ffmpeg" : "gstreamer1.0-tools",
    args: isFfmpeg ? ffmpegArguments(settings) : videoPipeline(settings.path, widthPx, heightPx),
    stopSignal: isFfmpeg ? "SIGTERM" : "SIGINT",
    framesOn: "pipe",
    format: { kind: "raw", widthPx, heightPx, rowAlignBytes: isFfmpeg ? 1 : rowAlignBytes },
    whenDone: loop ? "again" : "end",
    explain: (end) => (isFfmpeg ? ffmpegFault(name, end) : gstreamerFault(name, end)),
  };
}
