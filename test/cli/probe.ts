/** Uses the compiled command line as a person does: real processes in temporary folders, a few at a time. */
import { spawn, type ChildProcess, type SpawnOptions } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import sharp from "sharp";

/** How the process ended and what it wrote. */
export interface Outcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
}

/** A process and what it has written so far. */
export interface Running {
  readonly child: ChildProcess;
  readonly written: { out: string; err: string };
  readonly ended: Promise<Outcome>;
}

export const program = fileURLToPath(new URL("../../src/main.js", import.meta.url));
export const afterwards = fileURLToPath(new URL("../../src/lock-lines.js", import.meta.url));
const models = path.resolve("test/fixtures/models");
const demo = path.resolve("node_modules/@vladmandic/face-api/demo");
/** Nothing that is tested takes longer, even on a busy machine. */
const limitMs = 60_000;
/** On how many processes a test file waits at once; `describe` takes it as its concurrency. */
export const concurrency = 3;

/** A folder for the time of the test file. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), "maskgate-cli-"));
  process.once("exit", () => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}
process.setMaxListeners(200);

/** Starts `maskgate` with these arguments. */
export function start(...args: readonly string[]): Running {
  return startWith([], [program, ...args]);
}

/** Starts `maskgate` where a user may have started it: in this folder, with these variables as well. */
export function startIn(
  folder: string,
  variables: Readonly<Record<string, string>>,
  ...args: readonly string[]
): Running {
  return startWith([], [program, ...args], { cwd: folder, env: { ...process.env, ...variables } });
}

/** Starts `maskgate` in a Node that runs this script first, in each of its threads. */
export function startScripted(script: string, ...args: readonly string[]): Running {
  return startWith(["--import", dataUrl(script)], [program, ...args]);
}

/** Runs `maskgate` in a Node in which nothing of ONNX Runtime and tfjs can be loaded. */
export function maskgateWithoutModels(...args: readonly string[]): Promise<Outcome> {
  const script =
    "if (/onnxruntime|tensorflow/.test(name)) throw new Error(name); return next(name, context);";
  return startWith(resolvedBy(script), [program, ...args]).ended;
}

/** Starts `maskgate` in a Node, and so do its own processes, in which this script stands for ONNX Runtime. */
export function startWithOnnx(script: string, ...args: readonly string[]): Running {
  const url = JSON.stringify(dataUrl(script));
  const swap = `return name === "onnxruntime-node" ? { url: ${url}, shortCircuit: true } : next(name, context);`;
  return startWith(resolvedBy(swap), [program, ...args]);
}

/** Arguments for a Node that writes the address of every module that it loads to this file, one a line. */
export function tellingModules(file: string): readonly string[] {
  return hooked(
    `import { appendFileSync } from "node:fs"; export const resolve = async (name, context, next) => { const found = await next(name, context); appendFileSync(${JSON.stringify(file)}, found.url + "\\n"); return found; };`,
  );
}

/** Runs `maskgate` in a Node that finds these names in the device tree. */
export function maskgateOnBoard(names: readonly string[], ...args: readonly string[]): Promise<Outcome> {
  const script = `import fs from "node:fs"; import { syncBuiltinESMExports } from "node:module";
    const { readFile } = fs.promises;
    fs.promises.readFile = (file, ...rest) => file === "/proc/device-tree/compatible"
      ? Promise.resolve(${JSON.stringify(names.map((name) => `${name}\0`).join(""))}) : readFile(file, ...rest);
    syncBuiltinESMExports();`;
  return startWith(["--import", dataUrl(script)], [program, ...args]).ended;
}

/** What tells Node how to find a module: the body of a function of `name`, `context` and `next`. */
function resolvedBy(body: string): readonly string[] {
  return hooked(`export const resolve = (name, context, next) => { ${body} };`);
}

function hooked(hook: string): readonly string[] {
  const register = `import { register } from "node:module"; register(${JSON.stringify(dataUrl(hook))});`;
  return ["--import", dataUrl(register)];
}

function dataUrl(script: string): string {
  return `data:text/javascript,${encodeURIComponent(script)}`;
}

export function startWith(
  nodeArgs: readonly string[],
  args: readonly string[],
  place: Pick<SpawnOptions, "cwd" | "env"> = {},
): Running {
  const child = spawn(process.execPath, [...nodeArgs, ...args], {
    ...place,
    stdio: ["ignore", "pipe", "pipe"],
    timeout: limitMs,
    killSignal: "SIGKILL",
  });
  const written = { out: "", err: "" };
  child.stdout.setEncoding("utf8").on("data", (piece: string) => (written.out += piece));
  child.stderr.setEncoding("utf8").on("data", (piece: string) => (written.err += piece));
  const ended = once(child, "close").then(([code, signal]) => ({
    code: code as number | null,
    signal: signal as NodeJS.Signals | null,
    ...written,
  }));
  return { child, written, ended };
}

/** Runs `maskgate` to its end. */
export function maskgate(...args: readonly string[]): Promise<Outcome> {
  return start(...args).ended;
}

/** A configuration file of these keys over a small, quick setup that touches nothing outside of the folder. */
export function configFile(folder: string, keys: Readonly<Record<string, unknown>> = {}): string {
  const all = {
    "camera.replay.path": path.join(folder, "frames"),
    "camera.framesPerSecond": 5,
    "model.folder": path.join(models, "brightness"),
    "model.providers": ["cpu"],
    "model.threads": 1,
    "access.leastFacePx": 40,
    "gpio.simulatorDir": path.join(folder, "gpio"),
    "gpio.leaseSocketPath": path.join(folder, "lease.sock"),
    "status.socketPath": path.join(folder, "status.sock"),
    ...keys,
  };
  const file = path.join(mkdtempSync(path.join(folder, "config-")), "maskgate.toml");
  writeFileSync(
    file,
    Object.entries(all)
      .map(([key, value]) => `${key} = ${JSON.stringify(value)}\n`)
      .join(""),
  );
  return file;
}

export const modelFolder = (name: string): string => path.join(models, name);

/** A photograph with three bare faces of 40 px and more, small so that it is looked at quickly. */
export async function photograph(file: string, brighten = false): Promise<void> {
  const small = sharp(path.join(demo, "sample1.jpg")).resize({ width: 480 });
  // The stand-in model takes what is bright for masked.
  await (brighten ? small.linear(0.4, 153) : small).jpeg().toFile(file);
}

/** Waits for what must come; whatever the process wrote is in the error if it does not. */
export async function until(what: string, running: Running, holds: () => boolean): Promise<void> {
  const endMs = performance.now() + limitMs / 2;
  while (!holds()) {
    if (performance.now() > endMs || running.child.exitCode !== null) {
      throw new Error(`in vain: ${what}\n${running.written.out}\n${running.written.err}`);
    }
    await wait(20);
  }
}

/** A daemon that speaks on its socket; with a script, one whose threads have run that. */
export async function startDaemon(config: string, script = ""): Promise<Running> {
  const running = startScripted(script, "run", "--config", config);
  await until("an open status socket", running, () => running.written.out.includes("status socket open"));
  return running;
}

/** A holder whose door is held and whose socket is open; killed when disposed of, if it still lives. */
export async function startHolder(config: string): Promise<Running & Disposable> {
  const running = start("hold", "--config", config);
  await until("an open lease socket", running, () => running.written.out.includes("lease socket open"));
  return { ...running, [Symbol.dispose]: () => void running.child.kill("SIGKILL") };
}

/** What systemd runs after the holder's end, for the holder of this folder. */
export function lockLines(folder: string): Promise<Outcome> {
  return startWith([], [afterwards, path.join(folder, "safe-lines.json")]).ended;
}

/** Ends it the way systemd does. */
export async function stop(running: Running): Promise<Outcome> {
  running.child.kill("SIGTERM");
  return running.ended;
}

/** The level of the lock's line, as any other process reads it; undefined before the line is there. */
export function lockLine(folder: string): string | undefined {
  return lineValue(folder, 0);
}

export function lineValue(folder: string, offset: number): string | undefined {
  const file = path.join(folder, `gpio/gpiochip0/sim_gpio${offset}/value`);
  return existsSync(file) ? readFileSync(file, "utf8") : undefined;
}

/** Puts the line of an input at a level from outside, also before anybody holds it. */
export function pullLine(folder: string, offset: number, pull: "pull-up" | "pull-down"): void {
  const line = path.join(folder, `gpio/gpiochip0/sim_gpio${offset}`);
  mkdirSync(line, { recursive: true });
  writeFileSync(path.join(line, "pull"), pull);
}
