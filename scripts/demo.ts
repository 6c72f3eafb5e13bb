/** `scripts/demo`: the real daemon on photographs of people with a simulated lock, watched from outside over its socket and its line. */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { parseArgs } from "node:util";
import { followStatus } from "../src/io/status-client.ts";
import { providerWarning, watchHead, watchRow } from "../src/io/status-text.ts";
import type { StatusSnapshot } from "../src/core/status.ts";
import { writeScenes, type Scene } from "./demo-scenes.ts";
import { runScript } from "./run-script.ts";
import { placesIn, startDaemon } from "./start-daemon.ts";

const startMs = 60_000;

/** What happened in one showing of a scene. */
interface Showing {
  readonly scene: Scene;
  decided: number;
  /** Whether the lock's line went to unlocked in it, read from outside the daemon. */
  unlocked: boolean;
  readonly masked: number[];
}

const say = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

async function demo(folder: string): Promise<boolean> {
  say("Making the frames: photographs of people, with masks of our own synthesis");
  const sceneOfFrame = await writeScenes(path.join(folder, "frames"));
  const { socketPath, gpioFolder, logFile } = placesIn(folder);
  const replay = `camera.replay = { path = ${JSON.stringify(path.join(folder, "frames"))}, loop = false }`;
  const daemon = await startDaemon(folder, [replay]);
  const showings = await watch(daemon, socketPath, gpioFolder, sceneOfFrame);
  const [code] =
    daemon.exitCode === null ? ((await once(daemon, "exit")) as [number | null]) : [daemon.exitCode];
  if (code !== 0) {
    say(await readFile(logFile, "utf8"));
    say(`The daemon ended with exit code ${code ?? "none"}.`);
    return false;
  }
  return summarize(showings);
}

async function watch(
  daemon: ChildProcess,
  socketPath: string,
  gpioFolder: string,
  sceneOfFrame: readonly Scene[],
): Promise<Showing[]> {
  const ended = new AbortController();
  daemon.once("exit", () => {
    ended.abort();
  });
  await untilThere(socketPath, ended.signal);
  const showings: Showing[] = [];
  let wasUnlocked = false;
  for await (const event of followStatus(socketPath, { signal: ended.signal })) {
    if (event.kind === "lost") continue;
    const now = event.snapshot;
    const scene = sceneOfFrame[now.camera.framesDelivered - 1];
    if (event.kind !== "frame" || !scene) continue;
    const isUnlocked = await lineIsHigh(gpioFolder);
    const showing = showingOf(showings, scene, now);
    if (isUnlocked && !wasUnlocked) showing.unlocked = true;
    wasUnlocked = isUnlocked;
    showing.decided += 1;
    showing.masked.push(...now.faces.filter((face) => face.isVisible).map((face) => face.masked ?? 0));
    say(`${watchRow(now).padEnd(82)} ${scene.name}`);
  }
  return showings;
}

function showingOf(showings: Showing[], scene: Scene, now: StatusSnapshot): Showing {
  const last = showings.at(-1);
  if (last?.scene === scene) return last;
  if (!last) say([providerWarning(now), `\n${watchHead().padEnd(82)} scene`].join("\n"));
  const showing = { scene, decided: 0, unlocked: false, masked: [] };
  showings.push(showing);
  return showing;
}

async function untilThere(socketPath: string, signal: AbortSignal): Promise<void> {
  const deadlineMs = Date.now() + startMs;
  while (!signal.aborted && Date.now() < deadlineMs) {
    const isThere = await readFile(socketPath).then(
      () => true,
      (error: unknown) => (error as NodeJS.ErrnoException).code !== "ENOENT",
    );
    if (isThere) return;
    await wait(50);
  }
}

/** The lock's line as the simulated chip shows it to every process. */
async function lineIsHigh(gpioFolder: string): Promise<boolean> {
  return (await readFile(path.join(gpioFolder, "gpiochip0/sim_gpio0/value"), "utf8")).trim() === "1";
}

function summarize(showings: readonly Showing[]): boolean {
  const people = showings.filter(({ scene }) => scene.name !== "nobody");
  say("\nWhat the lock's line did, scene by scene:");
  let isRight = people.length === 5 && !showings.some(({ scene, unlocked }) => unlocked && !scene.opens);
  for (const { scene, decided, unlocked, masked } of people) {
    const isOk = unlocked === scene.opens && decided > 0;
    isRight &&= isOk;
    const range =
      masked.length > 0 ? `${Math.min(...masked).toFixed(2)}..${Math.max(...masked).toFixed(2)}` : "no face";
    const did = unlocked ? "opened" : "stayed locked";
    say(
      `  ${isOk ? "ok  " : "FAIL"} ${scene.name.padEnd(26)} ${did.padEnd(14)} masked ${range} in ${decided} frames`,
    );
  }
  say(isRight ? "\nThe door opened for the masked person only." : "\nThe door did NOT do what it must.");
  return isRight;
}

function optionsOf(args: readonly string[]): { readonly frames: string | undefined } {
  const { values } = parseArgs({ args: [...args], options: { frames: { type: "string" } } });
  return { frames: values.frames };
}

/** With `--frames DIR` it only writes the frames, for a daemon of one's own with `camera.replay.path`. */
async function main({ frames }: { readonly frames: string | undefined }): Promise<number> {
  if (frames !== undefined) {
    say(`${(await writeScenes(frames)).length} frames in ${frames}`);
    return 0;
  }
  const folder = await mkdtemp(path.join(os.tmpdir(), "maskgate-demo-"));
  try {
    return (await demo(folder)) ? 0 : 1;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

await runScript(optionsOf, main);
