/** `maskgate run`: the composition root. Every adapter is opened here, in the order that keeps the door locked, and closed in reverse. */
import { openCamera, sightPolicyOf } from "./camera-side.ts";
import { loadConfig } from "./config.ts";
import type { Config } from "./config-schema.ts";
import type { DoorEvent } from "./core/door-report.ts";
import type { Camera, Clock, Door, Indicator } from "./core/ports.ts";
import { doorLog } from "./door-log.ts";
import { type DoorSide, openDoorSide } from "./door-side.ts";
import { monotonicClock } from "./io/clock.ts";
import { openLease } from "./io/lease-client.ts";
import { openLog, type Log } from "./io/log.ts";
import { Metrics } from "./io/metrics.ts";
import { StatusServer, statusPlace } from "./io/status-server.ts";
import { refuseTaken } from "./io/status-socket.ts";
import { openServiceManager } from "./io/systemd.ts";
import { Kiosk } from "./kiosk.ts";
import { lockAtExit } from "./lock-at-exit.ts";
import { ModelFollower } from "./model-follower.ts";
import { stepLog } from "./step-log.ts";
import { version } from "./version.ts";

/** /healthz is bad when nothing was decided for this long. */
const freshMs = 3000;

/**
 * Runs until the signal aborts or a replay that plays once has ended; `onStarted` is called when all is open.
 * @throws KioskError for everything that the configuration or the machine lacks
 */
export async function run(
  configFile: string | undefined,
  signal: AbortSignal,
  onStarted: () => void,
): Promise<void> {
  const config = loadConfig(configFile);
  const log = openLog(config.log.level);
  const clock = monotonicClock();
  await refuseTaken(statusPlace(config.status.socketPath));

  await using service = await openServiceManager({ clock, log });
  const late: Late = {};
  // Before the door: what happens there while the models load counts, too.
  using metrics = new Metrics(() => late.kiosk?.snapshot().camera);
  const logEvent = config.gpio.holder === "daemon" ? doorLog(log) : undefined;
  await using doorSide = await openDoorPorts(config, clock, log, (event) => {
    logEvent?.(event);
    metrics.doorEvent(event);
    late.server?.door(event);
  });
  const { door, indicator } = doorSide;
  using _exitGuard = lockAtExit(door);
  const { driver, holder } = config.gpio;
  // With a holder it is what that says, be it a fire release, or nothing.
  const known = holder === "process" ? `holder: door ${door.report.kind}` : "door locked";
  log.info({ version, driver, holder }, known);
  // Before the models, which take seconds to load: a camera that is not there is told at once.
  await using camera = await openCamera(config, clock);
  await using models = await ModelFollower.open({ config, clock, log });
  const opened = { known, config, log, clock, service, door, indicator, metrics, late, models, camera };
  await runKiosk(opened, signal, onStarted);
}

/** What there is only when all else is open. */
interface Late {
  kiosk?: Kiosk;
  server?: StatusServer;
}

interface Opened {
  /** Of the door at the start. */
  readonly known: string;
  readonly config: Config;
  readonly log: Log;
  readonly clock: Clock;
  readonly service: Awaited<ReturnType<typeof openServiceManager>>;
  readonly door: Door;
  readonly indicator: Indicator;
  readonly metrics: Metrics;
  readonly late: Late;
  readonly models: ModelFollower;
  readonly camera: Camera;
}

async function runKiosk(opened: Opened, signal: AbortSignal, onStarted: () => void): Promise<void> {
  const { config, log, clock, service, metrics, late, models } = opened;
  const steps = stepLog(log);
  metrics.provider(models.eyes.model);
  const kiosk: Kiosk = new Kiosk({
    ...opened,
    version,
    ...models.eyes,
    update: () => models.status(),
    sight: sightPolicyOf(config),
    listener: {
      stepped: (state, times) => {
        steps(state);
        metrics.state(kiosk.snapshot());
        if (times) metrics.frame(times);
        server.update(times ? "frame" : "tick");
      },
      cameraFaulted: (code) => {
        metrics.cameraFault(code);
      },
    },
  });
  late.kiosk = kiosk;
  await using server = await StatusServer.open({
    socketPath: config.status.socketPath,
    maxClients: config.status.maxClients,
    freshMs,
    clock,
    snapshot: () => kiosk.snapshot(),
    metrics,
  });
  late.server = server;
  log.info({ socketPath: config.status.socketPath }, "status socket open");
  models.follow(kiosk, ({ model }) => {
    metrics.provider(model);
    log.info({ name: model.name, version: model.version }, "another model decides from here on");
  });
  onStarted();
  await service.ready(`started; ${opened.known}; no frame yet`);
  try {
    await kiosk.run(signal);
  } finally {
    await service.stopping();
    log.info(`stopping; door ${opened.door.state.kind}`);
  }
}

/** The lines in the holder's hands, or in those of this process. */
function openDoorPorts(
  config: Config,
  clock: Clock,
  log: Log,
  onEvent: (event: DoorEvent) => void,
): Promise<DoorSide> {
  const { holder, leaseSocketPath: socketPath, leaseSilenceMs: silenceMs } = config.gpio;
  return holder === "process"
    ? openLease({ socketPath, silenceMs, clock, log, onEvent })
    : openDoorSide(config, clock, { onEvent });
}
