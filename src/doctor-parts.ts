/** The rows of `maskgate doctor` about the parts: lines, holder, camera, model and its speed. */
import { openCamera, policyOf, sightPolicyOf } from "./camera-side.ts";
import type { Config } from "./config-schema.ts";
import type { Frame } from "./core/frame.ts";
import type { Camera, Clock, Vision } from "./core/ports.ts";
import { fail, failed, info, ok, warn, type Finding } from "./doctor-finding.ts";
import { safeLinesOf } from "./door-side.ts";
import { lineHolder } from "./io/gpio-character-device.ts";
import { isDaemonAlive } from "./io/live-daemon.ts";
import { fetchStatus } from "./io/status-client.ts";
import { pipelineSettings } from "./pipeline-settings.ts";
import { startVision } from "./vision/worker-vision.ts";

const inputs = ["contact", "requestToExit", "fireAlarm", "tamper"] as const;
/** A camera has this long for its first frame, then is watched for as long as `watchMs`. */
const firstFrameMs = 10_000;
const watchMs = 3000;
/** Slower than this share of the asked rate is worth a word. */
const leastRateShare = 0.8;

/** Lines of the character device; the other drivers have nothing that could be asked without taking a line. */
export async function lineFindings({ gpio }: Config): Promise<readonly Finding[]> {
  if (gpio.driver === "simulated") {
    return [
      warn(
        "lines",
        `simulated, in ${gpio.simulatorDir}: no lock is driven`,
        "set gpio.driver for your board (maskgate config --board ID)",
      ),
    ];
  }
  if (gpio.driver === "sysfs")
    return [info("lines", "sysfs tells no holder of a line; the daemon's log does")];
  const outputs = safeLinesOf(gpio, false).lines;
  const fitted = inputs.filter((name) => gpio[name].isFitted);
  const asked = [...outputs, ...fitted.map((name) => ({ ...gpio[name], consumer: `maskgate-${name}` }))];
  return Promise.all(
    asked.map(async (line): Promise<Finding> => {
      const name = `line ${line.consumer.replace("maskgate-", "")}`;
      try {
        const holder = await lineHolder(line);
        const place = `${line.chip} ${line.offset}`;
        if (holder === undefined) return ok(name, `${place} is there, and free`);
        if (holder.startsWith("maskgate-")) return ok(name, `${place} is held by maskgate (${holder})`);
        return fail(name, `${place} is held by "${holder}"`, "stop that program, or choose another line");
      } catch (error) {
        return failed(name, error);
      }
    }),
  );
}

/** Model and camera: of the daemon, if it runs and has both, else by opening them. */
export async function partFindings(config: Config, clock: Clock): Promise<readonly Finding[]> {
  const { socketPath } = config.status;
  const isAlive = await isDaemonAlive(socketPath).catch(() => undefined);
  if (isAlive === undefined)
    return [fail("daemon", `${socketPath}: no permission to ask`, "be root, or join the socket's group")];
  if (isAlive) return daemonFindings(config);
  const camera = await cameraFindings(config, clock);
  const { findings, vision } = await modelFindings(config);
  if (vision === undefined) return [...camera.findings, ...findings];
  await using opened = vision;
  return [...camera.findings, ...findings, ...(await speedFindings(config, opened, camera.frame))];
}

async function daemonFindings(config: Config): Promise<readonly Finding[]> {
  try {
    const now = await fetchStatus(config.status.socketPath);
    const { provider, askedProvider, isFirstChoice, name, version } = now.model;
    const model = `${name} ${version} on ${provider} (the daemon's)`;
    const rate = `${now.camera.framesPerSecond.toFixed(1)} frames/s decided, ${config.camera.framesPerSecond} asked for (the daemon's)`;
    const isFast = now.camera.framesPerSecond >= leastRateShare * config.camera.framesPerSecond;
    return [
      now.fault === null
        ? ok("daemon", `runs; ${now.access.kind}, door ${now.door.kind}`)
        : fail("daemon", `at fault: ${now.fault.message}`, "see that part's row, or journalctl -u maskgate"),
      isFirstChoice
        ? ok("model", model)
        : warn("model", `${model}, ${askedProvider} was asked for`, "journalctl -u maskgate tells why"),
      isFast
        ? ok("camera", rate)
        : warn("camera", rate, "lower camera.framesPerSecond, or the picture's size"),
    ];
  } catch (error) {
    return [failed("daemon", error)];
  }
}

interface CameraFindings {
  readonly findings: readonly Finding[];
  readonly frame?: Frame;
}

async function cameraFindings(config: Config, clock: Clock): Promise<CameraFindings> {
  try {
    await using camera = await openCamera(config, clock);
    const { frame, framesPerSecond } = await watched(camera);
    const asked = config.camera.framesPerSecond;
    const size = frame.encoding === "rgb24" ? `${frame.widthPx}x${frame.heightPx}` : "pictures";
    const text = `${size} at ${framesPerSecond.toFixed(1)} frames/s, ${asked} asked for`;
    const finding =
      framesPerSecond >= leastRateShare * asked
        ? ok("camera", text)
        : warn("camera", text, "more light, a smaller picture, or a lower camera.framesPerSecond");
    // The camera's memory is gone with it.
    return { findings: [finding], frame: { ...frame, memory: copyOf(frame.memory) } };
  } catch (error) {
    return { findings: [failed("camera", error)] };
  }
}

function copyOf(memory: SharedArrayBuffer): SharedArrayBuffer {
  const copy = new SharedArrayBuffer(memory.byteLength);
  new Uint8Array(copy).set(new Uint8Array(memory));
  return copy;
}

/** The newest frame of a while, and how many came in it. */
function watched(camera: Camera): Promise<{ frame: Frame; framesPerSecond: number }> {
  return new Promise((resolve, reject) => {
    let first: Frame | undefined;
    let last: Frame | undefined;
    const conclude = (): void => {
      if (first === undefined || last === undefined) return;
      const spanMs = last.capturedAtMs - first.capturedAtMs;
      resolve({ frame: last, framesPerSecond: spanMs > 0 ? ((last.seq - first.seq) * 1000) / spanMs : 0 });
    };
    const giveUp = setTimeout(() => {
      reject(
        new Error(`no frame within ${firstFrameMs / 1000} s; check cable, camera.source and its device`),
      );
    }, firstFrameMs);
    camera
      .start({
        onFrame: () => {
          last = camera.take() ?? last;
          if (first !== undefined) return;
          first = last;
          clearTimeout(giveUp);
          setTimeout(conclude, watchMs);
        },
        onFault: (error) => {
          clearTimeout(giveUp);
          reject(error);
        },
        onEnd: conclude,
      })
      .catch(reject);
  });
}

async function modelFindings(
  config: Config,
): Promise<{ readonly findings: readonly Finding[]; readonly vision?: Vision }> {
  try {
    const vision = await startVision(pipelineSettings(config));
    const { name, version, provider, precision, passedOver } = vision.model;
    const text = `${name} ${version} on ${provider}, ${precision}; its self-test passed`;
    const [first] = passedOver;
    const finding =
      first === undefined
        ? ok("model", text)
        : warn(
            "model",
            `${text}; ${first.provider} was asked for: ${first.reason}`,
            "see README, Acceleration; or set model.providers to what is there",
          );
    return { findings: [finding], vision };
  } catch (error) {
    return { findings: [failed("model", error)] };
  }
}

/** Frames that are decided too late never open the door. */
async function speedFindings(
  config: Config,
  vision: Vision,
  frame: Frame | undefined,
): Promise<readonly Finding[]> {
  if (frame === undefined) return [];
  const policy = policyOf(config, vision.model);
  const times: number[] = [];
  let detail = 0;
  for (let turn = 0; turn < 5; turn += 1) {
    const startMs = performance.now();
    const seen = await vision.look(frame, { kind: "follow", around: [], turn });
    detail = seen.signs.detail;
    times.push(performance.now() - startMs);
  }
  const median = times.sort((a, b) => a - b)[2] ?? Infinity;
  const text = `a look at an empty place takes ${median.toFixed(0)} ms, a person adds some 10 ms each`;
  return [
    median < policy.maxGapMs / 2
      ? ok("speed", text)
      : fail(
          "speed",
          text,
          `access.maxGapMs is ${policy.maxGapMs}: frames would come too late to open; a faster provider, or a larger gap`,
        ),
    detail >= sightPolicyOf(config).leastDetail
      ? ok("sight", "the picture shows something")
      : fail(
          "sight",
          "the picture shows nothing",
          "uncover the lens, light the place, or lower camera.leastDetail",
        ),
  ];
}
