/**
 * Argument lists for gst-launch-1.0: how each kind of camera becomes raw RGB frames on file descriptor 3.
 * Promises: nothing queues in the pipeline (only the newest picture waits), pictures keep their proportions, and every
 * value reaches GStreamer literally, whatever characters it has.
 */
import { KioskError } from "../core/errors.ts";
import { frameFd } from "./piped-program.ts";

/** Where the pictures come from; see the preset's pipeline below. */
export type Preset = "v4l2" | "argus" | "libcamera" | "rtsp" | "custom";

/** What the pipelines are made of. */
export interface PipelineSettings {
  readonly preset: Preset;
  /** v4l2: device file. */
  readonly device: string;
  /** argus: which CSI sensor. */
  readonly sensorId: number;
  /** rtsp: address, with credentials if the camera wants any. */
  readonly url: string;
  /** custom: a gst-launch pipeline, written as for the shell, that ends where its pictures come out. */
  readonly pipeline: string;
  readonly widthPx: number;
  readonly heightPx: number;
  readonly framesPerSecond: number;
}

/** GStreamer pads rows of RGB to this. */
export const rowAlignBytes = 4;

const newestOnly = ["queue", "leaky=downstream", "max-size-buffers=1", "max-size-bytes=0", "max-size-time=0"];

/** `name=value` such that gst-launch reads the value literally. */
function property(name: string, value: string): string {
  return `${name}="${value.replaceAll(/["\\]/g, "\\$&")}"`;
}

/** Elements, joined as gst-launch wants them. */
function chain(...elements: readonly (readonly string[])[]): readonly string[] {
  return elements.flatMap((element, index) => (index === 0 ? element : ["!", ...element]));
}

/**
 * Splits text into words as a POSIX shell does, without its expansions, so that a pipeline that was tried on the
 * command line can be pasted into the configuration.
 */
export function splitWords(text: string): readonly string[] {
  const part = /'[^']*'|"(?:[^"\\]|\\[^])*"|\\[^]|[^\s'"\\]+/g;
  const word = new RegExp(`(?:${part.source})+`, "g");
  if (text.replaceAll(word, "").trim() !== "") {
    throw new KioskError("bad-config", "camera.gstreamer.pipeline: a quote or a backslash has no end");
  }
  return (text.match(word) ?? []).map((quoted) => quoted.replaceAll(part, unquote));
}

function unquote(part: string): string {
  if (part.startsWith("'")) return part.slice(1, -1);
  if (part.startsWith('"')) return part.slice(1, -1).replaceAll(/\\(["\\$`])/g, "$1");
  return part.startsWith("\\") ? part.slice(1) : part;
}

function required(value: string, key: string, preset: Preset): string {
  if (value.trim() !== "") return value;
  throw new KioskError("bad-config", `camera.gstreamer.${key} is empty; the preset "${preset}" needs it`);
}

function source(settings: PipelineSettings): readonly string[] {
  const { preset, device, sensorId, url, pipeline, widthPx, heightPx, framesPerSecond } = settings;
  const size = `width=${widthPx},height=${heightPx}`;
  const atMost = `width=[1,${widthPx}],height=[1,${heightPx}]`;
  // Dropping needs the source's frame rate, which network streams do not always tell: videorate aborts on those.
  const fewer = ["videorate", "drop-only=true", `max-rate=${Math.ceil(framesPerSecond)}`];
  switch (preset) {
    case "v4l2": {
      const camera = ["v4l2src", property("device", required(device, "device", preset))];
      // Left alone, v4l2src takes the largest picture, which many USB cameras give at a few frames a second only.
      return chain(camera, [`video/x-raw,${atMost};image/jpeg,${atMost}`], ["decodebin"], newestOnly, fewer);
    }
    case "argus": {
      const camera = ["nvarguscamerasrc", `sensor-id=${sensorId}`];
      const rate = `framerate=${Math.ceil(framesPerSecond)}/1`;
      const fromGpu = [["nvvidconv"], [`video/x-raw,format=BGRx,${size}`]];
      return chain(camera, [`video/x-raw(memory:NVMM),${size},${rate}`], newestOnly, ...fromGpu);
    }
    case "libcamera": {
      return chain(["libcamerasrc"], [`video/x-raw,${size}`], newestOnly, fewer);
    }
    case "rtsp": {
      const location = property("location", required(url, "url", preset));
      const camera = ["rtspsrc", location, "latency=0", "drop-on-latency=true", "protocols=tcp"];
      return chain(camera, ["application/x-rtp,media=video"], ["decodebin"], newestOnly);
    }
    case "custom":
      return chain(splitWords(required(pipeline, "pipeline", preset)), newestOnly);
  }
}

/** From pictures of any kind to RGB of the wanted size; black borders where the proportions differ. */
function scaled(widthPx: number, heightPx: number): readonly (readonly string[])[] {
  const caps = `video/x-raw,format=RGB,width=${widthPx},height=${heightPx},pixel-aspect-ratio=1/1`;
  return [["videoconvert"], ["videoscale", "add-borders=true"], [caps]];
}

function sink(isPaced: boolean): readonly string[] {
  return ["fdsink", `fd=${frameFd}`, `sync=${isPaced}`];
}

/** Arguments of gst-launch-1.0 for a camera. */
export function cameraPipeline(settings: PipelineSettings): readonly string[] {
  const { widthPx, heightPx } = settings;
  return ["-q", ...chain(source(settings), ...scaled(widthPx, heightPx), sink(false))];
}

/**
 * Arguments of gst-launch-1.0 that make it print what the elements of a camera's pipeline agree on, up to the first picture. All
 * of the pipeline, since a source that has several sizes chooses by what comes after it.
 */
export function printedPipeline(settings: PipelineSettings): readonly string[] {
  const { widthPx, heightPx } = settings;
  const end = ["fakesink", "num-buffers=1"];
  return ["-v", ...chain(source(settings), ...scaled(widthPx, heightPx), end)];
}

/** Arguments of gst-launch-1.0 for a video file, played in its own time. */
export function videoPipeline(file: string, widthPx: number, heightPx: number): readonly string[] {
  const upright = ["videoflip", "video-direction=auto"];
  const decode = [["decodebin"], ["videoconvert"], upright];
  return [
    "-q",
    ...chain(["filesrc", property("location", file)], ...decode, ...scaled(widthPx, heightPx), sink(true)),
  ];
}
