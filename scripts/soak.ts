/**
 * `node dist/scripts/soak.js [--minutes N] [--model FOLDER] [--frames FOLDER]`: runs the real daemon on replayed
 * photographs at 10 frames/s and watches it from outside. Exits with 1 if its memory grows by more than 10 % from the
 * first minute to the last, or if its main thread ever keeps events waiting for 20 ms or more (p99 of a minute).
 */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFile, rm } from "node:fs/promises";
import { loadavg } from "node:os";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { parseArgs } from "node:util";
import { rawScenes, writeFrames } from "./bench-frames.ts";
import { runScript } from "./run-script.ts";
import { makeScratchFolder } from "./scratch-folder.ts";
import { metricOf, residentBytes, scrape, soakTable, verdictOf, type SoakSample } from "./soak-samples.ts";
import { placesIn, startDaemon } from "./start-daemon.ts";

const size = { widthPx: 640, heightPx: 480 };
const framesPerSecond = 10;
const startMs = 60_000;
const sampleMs = 1000;
/** Loading the models is over by then; the first minute begins here. */
const settleMs = 5000;

interface Options {
  readonly minutes: number;
  readonly modelFolder: string | undefined;
  /** A folder of pictures; without it, photographs of one to four people are used. */
  readonly framesFolder: string | undefined;
}

function optionsOf(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: "string", default: "10" },
      model: { type: "string" },
      frames: { type: "string" },
    },
  });
  const minutes = Number(values.minutes);
  if (!(minutes >= 2)) throw new Error("--minutes: at least 2, a first one and a last one");
  return { minutes, modelFolder: values.model, framesFolder: values.frames };
}

async function main(options: Options): Promise<number> {
  const folder = await makeScratchFolder("maskgate-soak");
  const { socketPath, logFile } = placesIn(folder);
  try {
    const daemon = await startDaemon(folder, await settingsOf(options, folder));
    try {
      const samples = await watch(daemon, socketPath, options.minutes);
      const verdict = verdictOf(samples);
      process.stdout.write(soakTable(verdict, loadavg()[0] ?? 0));
      return verdict.failures.length > 0 ? 1 : 0;
    } finally {
      await stop(daemon);
    }
  } catch (error) {
    process.stderr.write(await readFile(logFile, "utf8").catch(() => ""));
    throw error;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Lines of TOML; without a folder of frames, some are written first. */
async function settingsOf(options: Options, folder: string): Promise<string[]> {
  const frames = options.framesFolder ?? path.join(folder, "frames");
  if (options.framesFolder === undefined) await writeFrames((await rawScenes(size)).flat(), size, frames);
  const model = options.modelFolder === undefined ? "" : path.resolve(options.modelFolder);
  return [
    `camera.framesPerSecond = ${framesPerSecond}`,
    `camera.replay = { path = ${JSON.stringify(path.resolve(frames))}, loop = true }`,
    `model.folder = ${JSON.stringify(model)}`,
  ];
}

async function watch(
  daemon: ChildProcess,
  socketPath: string,
  minutes: number,
): Promise<readonly SoakSample[]> {
  await untilDeciding(daemon, socketPath);
  await wait(settleMs);
  const samples: SoakSample[] = [];
  const startedAtMs = performance.now();
  const endMs = minutes * 60_000;
  for (let atMs = 0; atMs <= endMs; atMs += sampleMs) {
    await wait(Math.max(0, startedAtMs + atMs - performance.now()));
    if (!isAlive(daemon)) throw new Error("the daemon ended by itself");
    const metrics = await scrape(socketPath);
    samples.push({
      atMs: performance.now() - startedAtMs,
      residentBytes: await residentBytes(daemon.pid ?? 0),
      delayP99Ms: metricOf(metrics, "maskgate_event_loop_delay_p99_seconds") * 1000,
      framesDecided: metricOf(metrics, "maskgate_frames_decided_total"),
    });
    if (samples.length % 60 === 1) process.stderr.write(progress(samples.at(-1)));
  }
  return samples;
}

async function untilDeciding(daemon: ChildProcess, socketPath: string): Promise<void> {
  const giveUpMs = performance.now() + startMs;
  while (isAlive(daemon) && performance.now() < giveUpMs) {
    const metrics = await scrape(socketPath).catch(() => "");
    if (metricOf(metrics, "maskgate_frames_decided_total") > 0) return;
    await wait(200);
  }
  throw new Error("the daemon decided no frame");
}

function isAlive(daemon: ChildProcess): boolean {
  return daemon.exitCode === null && daemon.signalCode === null;
}

async function stop(daemon: ChildProcess): Promise<void> {
  if (!isAlive(daemon)) return;
  const ended = once(daemon, "exit");
  daemon.kill("SIGTERM");
  await ended;
}

function progress(sample: SoakSample | undefined): string {
  if (!sample) return "";
  const mebibytes = (sample.residentBytes / 2 ** 20).toFixed(1);
  return (
    `${(sample.atMs / 60_000).toFixed(1)} min: ${mebibytes} MiB, ${sample.framesDecided} frames decided, ` +
    `event loop delay p99 ${sample.delayP99Ms.toFixed(1)} ms\n`
  );
}

await runScript(optionsOf, main);
