/** Watches a camera from outside: keeps copies of what it delivers, and waits for what a test expects. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { ErrorCode, KioskError } from "../../src/core/errors.ts";
import type { Frame } from "../../src/core/frame.ts";
import type { Camera, Clock } from "../../src/core/ports.ts";
import { openGstreamerCamera, type GstreamerCameraSettings } from "../../src/io/camera-gstreamer.ts";

export const clock: Clock = { nowMs: () => performance.now() };

/** The program that misbehaves as asked. */
export const standIn = path.resolve("test/fixtures/camera-program.mjs");

process.setMaxListeners(100);

/** A folder for the time of the test file. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), "maskgate-camera-"));
  process.once("exit", () => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

/** A custom pipeline with waits that are short enough for tests. */
export function customCamera(
  pipeline: string,
  over: Partial<GstreamerCameraSettings> = {},
): GstreamerCameraSettings {
  return {
    preset: "custom",
    pipeline,
    ...{ device: "/dev/video0", sensorId: 0, url: "", program: "gst-launch-1.0" },
    widthPx: 32,
    heightPx: 24,
    framesPerSecond: 50,
    silenceMs: 250,
    startMs: 5000,
    restartMinMs: 20,
    restartMaxMs: 100,
    ...over,
  };
}

/** When which process started. */
export interface Start {
  readonly pid: number;
  readonly atMs: number;
}

/** What the contract of program cameras must know of one kind of them. */
export interface CameraKind {
  readonly name: "gstreamer" | "libcamera";
  /** What its messages call the camera. */
  readonly camera: string;
  readonly misbehaving: (behaviour: string, over?: Partial<Timing>) => Misbehaving;
  /** The number of a frame that is whole; throws for one that is not. */
  readonly numberOf: (frame: TakenFrame) => number | Promise<number>;
}

/** What the contract sets, beside the behaviour. */
export type Timing = Pick<
  GstreamerCameraSettings,
  "widthPx" | "heightPx" | "framesPerSecond" | "silenceMs" | "startMs" | "restartMinMs" | "restartMaxMs"
>;

/** A camera whose program misbehaves. */
export interface Misbehaving {
  readonly settings: unknown;
  readonly open: () => Promise<Camera>;
  /** Which processes it has started. */
  readonly starts: () => readonly Start[];
}

export const gstreamer: CameraKind = {
  name: "gstreamer",
  camera: "camera pipeline",
  misbehaving: (behaviour, over) => {
    const record = path.join(temporaryFolder(), "starts");
    const settings = customCamera(`${behaviour} ${record}`, { program: standIn, ...over });
    return { settings, starts: () => startsIn(record), open: () => openGstreamerCamera(settings, clock) };
  },
  numberOf: ({ bytes }) => {
    const [number = 0] = bytes;
    assert.ok(bytes.every((value) => value === number));
    return number;
  },
};

/** The processes that a stand-in has noted. */
export function startsIn(record: string): readonly Start[] {
  try {
    const lines = readFileSync(record, "utf8").trim().split("\n");
    return lines.map((line) => ({ pid: Number(line.split(" ")[0]), atMs: Number(line.split(" ")[1]) }));
  } catch {
    return [];
  }
}

/** A process that runs; one that ended and waits to be reaped counts as gone. */
export function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

/** Polls until it holds; throws with `what` if it does not in time. */
export async function until(what: string, holds: () => boolean, limitMs = 20_000): Promise<void> {
  const endMs = performance.now() + limitMs;
  while (!holds()) {
    if (performance.now() > endMs) throw new Error(`in vain: ${what}`);
    await wait(5);
  }
}

export interface TakenFrame extends Frame {
  readonly bytes: Buffer;
}

/** What a camera has told so far. */
export interface Probe {
  readonly frames: TakenFrame[];
  readonly faults: KioskError[];
  /** "frame", "fault" and "end" in their order. */
  readonly story: string[];
}

export async function watch(camera: Camera): Promise<Probe> {
  const probe: Probe = { frames: [], faults: [], story: [] };
  await camera.start({
    onFrame() {
      probe.story.push("frame");
      const frame = camera.take();
      if (frame === undefined) throw new Error("onFrame without a frame");
      probe.frames.push({ ...frame, bytes: Buffer.from(new Uint8Array(frame.memory, 0, frame.sizeBytes)) });
    },
    onFault(error) {
      probe.story.push("fault");
      probe.faults.push(error);
    },
    onEnd() {
      probe.story.push("end");
    },
  });
  return probe;
}
/** The first fault has this code, and this is what it says. */
export function assertFault(faults: readonly KioskError[], code: ErrorCode, message: RegExp | string): void {
  const [fault] = faults;
  assert.equal(fault?.code, code);
  if (typeof message === "string") assert.equal(fault.message, message);
  else assert.match(fault.message, message);
}
