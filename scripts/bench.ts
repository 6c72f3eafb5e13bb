/**
 * `npm run bench`: what each stage of the path takes, beside what the two models take by themselves in the same run.
 * Path and models take turns, so that both meet the same load of the machine.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { cpus, loadavg } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { loadConfig } from "../src/config.ts";
import type { Config } from "../src/config-schema.ts";
import type { Camera, Clock } from "../src/core/ports.ts";
import { openReplayCamera } from "../src/io/camera-replay.ts";
import { monotonicClock } from "../src/io/clock.ts";
import { pipelineSettings } from "../src/pipeline-settings.ts";
import { loadFaceDetector, type FaceDetector } from "../src/vision/detector.ts";
import { findFaces } from "../src/vision/find-faces.ts";
import { pictureOf } from "../src/vision/picture.ts";
import type { PipelineSettings } from "../src/vision/pipeline.ts";
import { startVision } from "../src/vision/worker-vision.ts";
import { RawReplay } from "./bench-camera.ts";
import { rawScenes, writeFrames, type FrameSize } from "./bench-frames.ts";
import { mean, ratios, spread } from "./bench-numbers.ts";
import { decideFrames, openBench, type Bench, type DecidedFrame } from "./bench-path.ts";
import { openRawModels, RawClock, type RawModels } from "./bench-raw.ts";
import { runScript } from "./run-script.ts";
import { makeScratchFolder } from "./scratch-folder.ts";
import { benchTable, type BenchReport, type ScenarioReport } from "./bench-report.ts";

const sizes: readonly FrameSize[] = [
  { widthPx: 640, heightPx: 480 },
  { widthPx: 1280, heightPx: 720 },
];
/** Of the detector, and of the classifier for each number of crops, after each scene. */
const rawRuns = 15;
const warmUpFrames = 10;

interface Options {
  readonly frames: number;
  readonly framesPerSecond: number;
  readonly modelFolder: string | undefined;
  readonly isJson: boolean;
  readonly out: string | undefined;
}

interface Tools {
  readonly bench: Bench;
  readonly raw: RawModels;
  /** For counting its calls only. */
  readonly detector: FaceDetector;
  readonly settings: PipelineSettings;
  readonly clock: Clock;
  readonly options: Options;
  readonly folder: string;
}

function optionsOf(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      frames: { type: "string", default: "200" },
      rate: { type: "string", default: "10" },
      model: { type: "string" },
      json: { type: "boolean", default: false },
      out: { type: "string" },
    },
  });
  const [frames, framesPerSecond] = [Number(values.frames), Number(values.rate)];
  if (!(Number.isInteger(frames) && frames > 0)) throw new Error("--frames: a whole number above 0");
  if (!(framesPerSecond > 0)) throw new Error("--rate: frames a second, above 0");
  return { frames, framesPerSecond, modelFolder: values.model, isJson: values.json, out: values.out };
}

async function main(options: Options): Promise<number> {
  const folder = await makeScratchFolder("maskgate-bench");
  try {
    const report = await measure(options, folder);
    const json = `${JSON.stringify(report, undefined, 2)}\n`;
    if (options.out !== undefined) await writeFile(options.out, json);
    process.stdout.write(options.isJson ? json : benchTable(report));
    return 0;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function measure(options: Options, folder: string): Promise<BenchReport> {
  const loadBefore = loadavg()[0] ?? 0;
  const config = configOf(options);
  const settings = pipelineSettings(config);
  const clock = monotonicClock();
  const vision = await startVision(settings);
  await using bench = openBench(config, clock, vision, path.join(folder, "gpio"));
  await using raw = await openRawModels(settings.faceModelFolder, settings.classifier, vision.model.provider);
  const detector = await loadFaceDetector(settings.faceModelFolder);
  const tools = { bench, raw, detector, settings, clock, options, folder };
  const scenarios: ScenarioReport[] = [];
  for (const size of sizes) {
    const scenes = await rawScenes(size);
    for (const encoding of ["file", "rgb24"] as const)
      scenarios.push(await scenario(tools, scenes, size, encoding));
  }
  const { name, version, provider } = vision.model;
  return {
    machine: { cpu: cpus()[0]?.model ?? "?", cores: cpus().length, node: process.version, loadBefore },
    model: { name, version, provider, threads: settings.classifier.threads },
    framesPerSecond: options.framesPerSecond,
    warmUpFrames,
    scenarios,
  };
}

function configOf({ modelFolder }: Options): Config {
  const config = loadConfig(undefined);
  if (modelFolder === undefined) return config;
  return { ...config, model: { ...config.model, folder: path.resolve(modelFolder) } };
}

async function scenario(
  tools: Tools,
  scenes: readonly (readonly Buffer[])[],
  size: FrameSize,
  encoding: "file" | "rgb24",
): Promise<ScenarioReport> {
  const raw = new RawClock(1000 / tools.options.framesPerSecond);
  const decided: DecidedFrame[] = [];
  const calls: number[] = [];
  const count = Math.ceil(tools.options.frames / scenes.length);
  for (const frames of scenes) {
    const camera = await openCamera(tools, frames, size, encoding);
    const ofScene = await decideFrames(tools.bench, camera, count, warmUpFrames);
    const crops = new Set(ofScene.map(({ faces }) => faces).filter((faces) => faces > 0));
    await raw.turn(tools.raw, [...crops].sort(), rawRuns);
    for (const frame of ofScene) calls.push(await countCalls(tools, frames, size, frame));
    decided.push(...ofScene);
  }
  const name = `${size.widthPx}x${size.heightPx} ${encoding}`;
  return { name, ...size, encoding, ...summed(decided, calls, raw) };
}

async function openCamera(
  { folder, clock, bench, options: { framesPerSecond } }: Tools,
  frames: readonly Buffer[],
  size: FrameSize,
  encoding: "file" | "rgb24",
): Promise<Camera> {
  if (encoding === "rgb24") return new RawReplay(frames, size, framesPerSecond, clock);
  const pictures = await mkdtemp(path.join(folder, "pictures-"));
  await writeFrames(frames, size, pictures);
  const settings = { ...bench.config.camera, path: pictures, loop: true, framesPerSecond, program: "" };
  return openReplayCamera(settings, clock);
}

/** Repeats the search of a frame with a detector that counts. */
async function countCalls(
  { detector, settings }: Tools,
  frames: readonly Buffer[],
  { widthPx, heightPx }: FrameSize,
  { seq, search }: DecidedFrame,
): Promise<number> {
  let calls = 0;
  const counting: FaceDetector = {
    ...detector,
    detect: (picture, region) => {
      calls += 1;
      return detector.detect(picture, region);
    },
  };
  const pixels = frames[(seq - 1) % frames.length] ?? Buffer.alloc(0);
  await findFaces(counting, pictureOf(pixels, widthPx, heightPx), search, settings.faces);
  return calls;
}

function summed(
  decided: readonly DecidedFrame[],
  calls: readonly number[],
  raw: RawClock,
): Omit<ScenarioReport, "name" | "widthPx" | "heightPx" | "encoding"> {
  const faces = decided.map((frame) => frame.faces);
  const of = (key: keyof DecidedFrame["times"]) => spread(decided.map(({ times }) => times[key]));
  const measured = decided.map((frame, n) => ({
    ...frame.times,
    faces: frame.faces,
    detectorCalls: calls[n] ?? 0,
  }));
  return {
    frames: decided.length,
    faces: { mean: mean(faces), most: Math.max(...faces) },
    detectorCalls: { mean: mean(calls), most: Math.max(...calls) },
    stages: {
      decode: of("decodeMs"),
      detect: of("detectMs"),
      crop: of("cropMs"),
      classify: of("classifyMs"),
      decide: of("decideMs"),
      actuate: of("actuateMs"),
      "frame to decision": of("frameToDecisionMs"),
    },
    raw: {
      detect: spread(raw.detectMs),
      classify: Object.fromEntries(
        [...raw.classifyMs].map(([crops, times]) => [String(crops), spread(times)]),
      ),
    },
    ratios: ratios(measured, raw.medians()),
  };
}

await runScript(optionsOf, main);
