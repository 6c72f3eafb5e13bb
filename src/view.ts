/**
 * `maskgate view`: shows an installer what the camera and the vision see, on a page for this machine alone. Run while the daemon
 * is stopped. Promises: it never touches the door (nothing that it imports can), and it stores nothing.
 */
import { openCamera, policyOf, reportModel, sightPolicyOf } from "./camera-side.ts";
import { loadConfig } from "./config.ts";
import { KioskError } from "./core/errors.ts";
import { monotonicClock } from "./io/clock.ts";
import { thisHost, type Host } from "./io/host.ts";
import { isDaemonAlive, isDaemonStarting } from "./io/live-daemon.ts";
import { openLog } from "./io/log.ts";
import { ViewServer } from "./io/view-server.ts";
import { pipelineSettings } from "./pipeline-settings.ts";
import { viewAssets } from "./view-page.ts";
import { previewOf } from "./view-picture.ts";
import { Viewer, type Answer } from "./viewer.ts";
import { startVision } from "./vision/worker-vision.ts";

const usualPort = 8375;

export interface ViewOptions {
  readonly configFile: string | undefined;
  /** As it was typed. */
  readonly port: string | undefined;
  readonly write: (line: string) => void;
}

/**
 * Runs until the signal aborts; `onStarted` is called when all is open.
 * @throws KioskError for everything that the configuration or the machine lacks, and while a daemon runs
 */
export async function view(
  options: ViewOptions,
  signal: AbortSignal,
  onStarted: () => void,
  host: Host = thisHost,
): Promise<void> {
  const port = portOf(options.port);
  const config = loadConfig(options.configFile);
  await refuseBesideDaemon(config.status.socketPath, host);
  const log = openLog(config.log.level, 2);
  const clock = monotonicClock();
  await using camera = await openCamera(config, clock);
  // Before the models, which take seconds to load: a port that is taken is told at once.
  await using server = await ViewServer.open(port, viewAssets);
  await using vision = await startVision(pipelineSettings(config));
  const viewer = new Viewer({
    ...{ camera, vision, clock, log },
    policy: policyOf(config, vision.model),
    sight: sightPolicyOf(config),
    model: reportModel(vision, config, log),
    leastSearchedPx: config.faces.leastFacePx,
  });
  server.answerFrames(async (gone) => answerOf(await viewer.ask(gone)));
  onStarted();
  for (const line of greeting(server)) options.write(line);
  await viewer.run(signal);
}

async function answerOf({ state, frame }: Answer): Promise<unknown> {
  const picture = frame === undefined ? null : (await previewOf(frame)).toString("base64");
  return { ...state, picture };
}

function greeting({ url, port }: ViewServer): readonly string[] {
  return [
    `The camera's view is at ${url}`,
    `From another machine: ssh -L ${port}:127.0.0.1:${port} USER@THIS-MACHINE, then the same address there.`,
    "The door is not touched and nothing is stored. Ctrl+C ends it.",
  ];
}

/** systemd is asked before the socket: whoever ends its start in between has opened the socket by then. */
async function refuseBesideDaemon(socketPath: string, host: Host): Promise<void> {
  const isStarting = isDaemonStarting(host);
  if (!isStarting && !(await isDaemonAlive(socketPath))) return;
  const who = isStarting ? "maskgate.service: the daemon is starting" : `${socketPath}: the daemon runs`;
  throw new KioskError("socket-busy", `${who} and has the camera; stop it first (systemctl stop maskgate)`);
}

function portOf(text: string | undefined): number {
  if (text === undefined) return usualPort;
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port;
  throw new KioskError("bad-usage", `view: --port takes a number from 0 (any that is free) to 65535`);
}
