/**
 * The path as the daemon runs it: camera, vision worker, decision, door and LEDs of a simulated chip. Returns what each
 * decided frame took; the first frames of each run are left out, as are frames that were never looked at.
 */
import { initialState } from "../src/core/access.ts";
import type { Camera, Clock, Door, Indicator, Search, Vision } from "../src/core/ports.ts";
import type { FrameTimes } from "../src/core/status.ts";
import type { Config } from "../src/config-schema.ts";
import { lockedLevel, openDoor } from "../src/io/door.ts";
import { openSimulatedGpio } from "../src/io/gpio-simulated.ts";
import { openIndicator } from "../src/io/indicator.ts";
import { createLog } from "../src/io/log.ts";
import { openServiceManager } from "../src/io/systemd.ts";
import { Kiosk } from "../src/kiosk.ts";

/** A frame that went the whole way. */
export interface DecidedFrame {
  readonly seq: number;
  readonly search: Search;
  readonly faces: number;
  readonly times: FrameTimes;
}

/** What stays open from run to run. */
export interface Bench extends AsyncDisposable {
  readonly config: Config;
  readonly clock: Clock;
  readonly vision: Vision;
  readonly door: Door;
  readonly indicator: Indicator;
}

/** The outputs of a kiosk on a simulated chip in `folder`, and the vision. */
export function openBench(config: Config, clock: Clock, vision: Vision, folder: string): Bench {
  const gpio = openSimulatedGpio(folder);
  const { door: lock, green, red, amber } = config.gpio;
  const line = (place: typeof green, name: string) =>
    gpio.requestOutput({ ...place, consumer: `bench-${name}` }, "inactive");
  const door = openDoor(
    gpio.requestOutput({ ...lock, consumer: "bench-door" }, lockedLevel(lock.wiring)),
    { wiring: lock.wiring, maxUnlockMs: config.access.unlockMs },
    clock,
  );
  const indicator = openIndicator(
    { green: line(green, "green"), red: line(red, "red"), amber: line(amber, "amber") },
    clock,
  );
  return {
    config,
    clock,
    vision,
    door,
    indicator,
    [Symbol.asyncDispose]: async () => {
      await indicator[Symbol.asyncDispose]();
      await door[Symbol.asyncDispose]();
      await gpio[Symbol.asyncDispose]();
      await vision[Symbol.asyncDispose]();
    },
  };
}

/** Runs until `count` frames were decided after the first `warmUp` ones. */
export async function decideFrames(
  bench: Bench,
  camera: Camera,
  count: number,
  warmUp: number,
): Promise<readonly DecidedFrame[]> {
  const { config, clock, door, indicator } = bench;
  const log = createLog({ level: "error", style: "json", sink: process.stderr });
  const done = new AbortController();
  const watched = watch(bench.vision);
  const decided: DecidedFrame[] = [];
  await using service = await openServiceManager({ clock, log, env: {} });
  const kiosk = new Kiosk({
    sight: { leastDetail: 0, frozenMs: 0 },
    version: "bench",
    policy: { ...config.access, threshold: config.access.threshold ?? bench.vision.model.threshold },
    model: { ...bench.vision.model, askedProvider: bench.vision.model.provider, isFirstChoice: true },
    ...{ camera, door, indicator, service, clock, log, vision: watched },
    listener: {
      stepped: (state, times) => {
        if (!times || state === initialState) return;
        decided.push({ ...watched.last(), times });
        if (decided.length >= count + warmUp) done.abort();
      },
      cameraFaulted: (code) => {
        throw new Error(`the bench's camera failed: ${code}`);
      },
    },
  });
  await kiosk.run(done.signal);
  await camera[Symbol.asyncDispose]();
  await watched.idle();
  return decided.slice(warmUp, warmUp + count);
}

interface WatchedVision extends Vision {
  last(): Omit<DecidedFrame, "times">;
  idle(): Promise<unknown>;
}

/** Remembers what was asked, so that the detector calls can be counted afterwards without slowing the path. */
function watch(vision: Vision): WatchedVision {
  let last: Omit<DecidedFrame, "times"> = { seq: 0, search: { kind: "full" }, faces: 0 };
  let looking: Promise<unknown> = Promise.resolve();
  return {
    model: vision.model,
    look: async (frame, search) => {
      const look = vision.look(frame, search);
      looking = look.catch(() => undefined);
      const seen = await look;
      last = { seq: seen.seq, search, faces: seen.verdicts.length };
      return seen;
    },
    last: () => last,
    idle: () => looking,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
