/** The rows of `maskgate doctor` about the daemon, or while it is stopped about camera, model and detector, and their speed. */
import { openCamera, policyOf, sightPolicyOf } from "./camera-side.ts";
import type { Config } from "./config-schema.ts";
import type { Frame } from "./core/frame.ts";
import type { Camera, Clock, Vision } from "./core/ports.ts";
import type { Observation } from "./core/verdict.ts";
import { fail, failed, ok, warn, type Finding } from "./doctor-finding.ts";
import { pictureFindings, scaledPictureFindings } from "./doctor-picture.ts";
import type { Host } from "./io/host.ts";
import { isDaemonAlive, isDaemonStarting } from "./io/live-daemon.ts";
import { fetchStatus } from "./io/status-client.ts";
import { pipelineSettings } from "./pipeline-settings.ts";
import { startVision } from "./vision/worker-vision.ts";

/** A camera has this long for its first frame, then is watched for as long as `watchMs`. */
const firstFrameMs = 10_000;
const watchMs = 3000;
/** Slower than this share of the asked rate is worth a word. */
const leastRateShare = 0.8;

/** Model and camera: of the daemon, if it runs and has both, else by opening them. In pieces, as each takes seconds. */
export async function* partFindings(
  config: Config,
  clock: Clock,
  host: Host,
): AsyncGenerator<readonly Finding[]> {
  const { socketPath } = config.status;
  const isAlive = await isDaemonAlive(socketPath).catch(() => undefined);
  if (isAlive === undefined) {
    yield [fail("daemon", `${socketPath}: no permission to ask`, "be root, or join the socket's group")];
    return;
  }
  if (isAlive) {
    yield await daemonFindings(config);
    return;
  }
  if (isDaemonStarting(host)) {
    yield [warn("daemon", "it is starting and has camera and model", "look again in a minute")];
    return;
  }
  const camera = await cameraFindings(config, clock);
  yield camera.findings;
  // Closed by now: its pipeline has the camera for itself.
  if (camera.frame !== undefined) yield await scaledPictureFindings(config.camera);
  const { findings, vision } = await modelFindings(config);
  yield findings;
  if (vision === undefined) return;
  await using opened = vision;
  yield await sightFindings(config, opened, camera.frame);
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
    return { findings: [finding, ok("detector", "loads, and finds the places of faces")], vision };
  } catch (error) {
    const isDetector = error instanceof Error && error.message.includes("face detector");
    return { findings: [failed(isDetector ? "detector" : "model", error)] };
  }
}

async function sightFindings(
  config: Config,
  vision: Vision,
  frame: Frame | undefined,
): Promise<readonly Finding[]> {
  if (frame === undefined) return [];
  const times: number[] = [];
  const looks: Observation[] = [];
  for (let turn = 0; turn < 5; turn += 1) {
    const startMs = performance.now();
    looks.push(await vision.look(frame, { kind: "follow", around: [], turn }));
    times.push(performance.now() - startMs);
  }
  const [seen] = looks;
  if (seen === undefined) return [];
  return [
    ...pictureFindings(config.camera, seen),
    speedFinding(times.sort((a, b) => a - b)[2] ?? Infinity, policyOf(config, vision.model).maxGapMs),
    seen.signs.detail >= sightPolicyOf(config).leastDetail
      ? ok("sight", "the picture shows something")
      : fail(
          "sight",
          "the picture shows nothing",
          "uncover the lens, light the place, or lower camera.leastDetail",
        ),
  ];
}

/** Frames that are decided too late never open the door. */
export function speedFinding(medianMs: number, maxGapMs: number): Finding {
  const text = `a look takes ${medianMs.toFixed(0)} ms, each person adds some 10 ms`;
  const mend = `access.maxGapMs is ${maxGapMs}: frames that come later never open the door; take a faster provider, or a larger gap`;
  if (medianMs >= maxGapMs) return fail("speed", text, mend);
  return medianMs >= maxGapMs / 2 ? warn("speed", text, mend) : ok("speed", text);
}
