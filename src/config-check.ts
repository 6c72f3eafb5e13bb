/** What no single key can say: contradictions between the keys of one configuration. Runs after each key is right by itself. */
import type { Config } from "./config-schema.ts";
import { longestSocketPathBytes } from "./io/status-socket.ts";

/** A key whose value does not fit the others. */
export interface Contradiction {
  readonly key: string;
  readonly value: unknown;
  /** What would be right, in words. */
  readonly allowed: string;
}

/** All contradictions of a configuration. */
export function contradictions(config: Config): readonly Contradiction[] {
  return [
    ...cameraContradictions(config.camera),
    ...accessContradictions(config),
    ...gpioContradictions(config.gpio),
    ...socketContradictions("gpio.leaseSocketPath", config.gpio.leaseSocketPath),
    ...socketContradictions("status.socketPath", config.status.socketPath),
    ...unless(config.update.probationLimitS > config.update.probationS, {
      key: "update.probationLimitS",
      value: config.update.probationLimitS,
      allowed: `longer than update.probationS, which is ${config.update.probationS}`,
    }),
    ...unless(config.gpio.leaseSocketPath !== config.status.socketPath, {
      key: "gpio.leaseSocketPath",
      value: config.gpio.leaseSocketPath,
      allowed: "another path than status.socketPath",
    }),
  ];
}

function cameraContradictions(camera: Config["camera"]): readonly Contradiction[] {
  const { gstreamer, replay } = camera;
  const isGstreamer = camera.source === "gstreamer";
  return [
    ...unless(camera.source !== "replay" || replay.path !== "", {
      key: "camera.replay.path",
      value: replay.path,
      allowed: 'a folder of pictures or a video file, because camera.source is "replay"',
    }),
    ...unless(!isGstreamer || gstreamer.preset !== "rtsp" || /^rtsps?:\/\/./.test(gstreamer.url), {
      key: "camera.gstreamer.url",
      value: withoutPassword(gstreamer.url),
      allowed: 'an rtsp:// or rtsps:// address, because camera.gstreamer.preset is "rtsp"',
    }),
    ...unless(!isGstreamer || gstreamer.preset !== "custom" || gstreamer.pipeline.trim() !== "", {
      key: "camera.gstreamer.pipeline",
      value: gstreamer.pipeline,
      allowed: 'a pipeline, because camera.gstreamer.preset is "custom"',
    }),
    ...unless(camera.restartMinMs <= camera.restartMaxMs, {
      key: "camera.restartMinMs",
      value: camera.restartMinMs,
      allowed: `at most camera.restartMaxMs, which is ${camera.restartMaxMs}`,
    }),
    ...unless(camera.silenceMs > framePeriodMs(camera), {
      key: "camera.silenceMs",
      value: camera.silenceMs,
      allowed: `longer than one frame, ${framePeriodMs(camera)} ms at camera.framesPerSecond = ${camera.framesPerSecond}`,
    }),
  ];
}

function accessContradictions({ access, camera, faces }: Config): readonly Contradiction[] {
  return [
    ...unless(access.leastFacePx >= faces.leastFacePx, {
      key: "access.leastFacePx",
      value: access.leastFacePx,
      allowed: `at least faces.leastFacePx, which is ${faces.leastFacePx}: smaller faces are not even searched`,
    }),
    ...unless(access.maxGapMs > framePeriodMs(camera), {
      key: "access.maxGapMs",
      value: access.maxGapMs,
      allowed: `longer than one frame, ${framePeriodMs(camera)} ms at camera.framesPerSecond = ${camera.framesPerSecond}: no two frames would ever agree`,
    }),
  ];
}

const inputs = ["contact", "requestToExit", "fireAlarm", "tamper"] as const;

function gpioContradictions(gpio: Config["gpio"]): readonly Contradiction[] {
  const fitted = (["green", "red", "amber", "buzzer", ...inputs] as const).filter(
    (name) => gpio[name].isFitted,
  );
  const taken = new Map<string, string>();
  const lines = (["door", ...fitted] as const).flatMap((name) => {
    const { chip, offset } = gpio[name];
    const line = `${chip} ${offset}`;
    const owner = taken.get(line);
    taken.set(line, owner ?? name);
    return unless(owner === undefined, {
      key: `gpio.${name}.offset`,
      value: offset,
      allowed: `a line of its own: line ${offset} of ${chip} is gpio.${owner ?? ""} (what is not there: isFitted = false)`,
    });
  });
  const biases = inputs
    .filter((name) => gpio.driver === "sysfs" && gpio[name].isFitted)
    .flatMap((name) =>
      unless(gpio[name].bias === "none", {
        key: `gpio.${name}.bias`,
        value: gpio[name].bias,
        allowed: '"none", because gpio.driver is "sysfs", which sets no resistor: fit one to the board',
      }),
    );
  return [...lines, ...biases];
}

function socketContradictions(key: string, socketPath: string): readonly Contradiction[] {
  const sizeBytes = new TextEncoder().encode(socketPath).length;
  return unless(sizeBytes <= longestSocketPathBytes, {
    key,
    value: socketPath,
    allowed: `at most ${longestSocketPathBytes} bytes, which is what Linux takes; this one has ${sizeBytes}`,
  });
}

function unless(isFine: boolean, contradiction: Contradiction): readonly Contradiction[] {
  return isFine ? [] : [contradiction];
}

function framePeriodMs(camera: Config["camera"]): number {
  return Math.ceil(1000 / camera.framesPerSecond);
}

function withoutPassword(url: string): string {
  return url.replace(/\/\/[^/@]*@/, "//***@");
}
