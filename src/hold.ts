/**
 * `maskgate hold`: the small process that holds the door's lines and grants leases to the daemon. It sees no camera, no model and no
 * picture, so that little can fail in it; it locks by itself when a lease ends or the daemon is gone, hung or out of its mind.
 */
import { loadConfig } from "./config.ts";
import type { Config } from "./config-schema.ts";
import { KioskError } from "./core/errors.ts";
import type { ServiceManager } from "./core/ports.ts";
import { doorLog } from "./door-log.ts";
import { openDoorSide, safeLinesOf } from "./door-side.ts";
import { monotonicClock } from "./io/clock.ts";
import { LeaseServer } from "./io/lease-server.ts";
import { type Log, openLog } from "./io/log.ts";
import { safeLinesFile, writeSafeLines } from "./io/safe-lines.ts";
import { refuseTaken, type SocketPlace } from "./io/status-socket.ts";
import { openServiceManager } from "./io/systemd.ts";
import { lockAtExit } from "./lock-at-exit.ts";
import { version } from "./version.ts";

/**
 * Runs until the signal aborts; `onStarted` is called when the door is held and the socket is open.
 * @throws KioskError for everything that the configuration or the machine lacks
 */
export async function hold(
  configFile: string | undefined,
  signal: AbortSignal,
  onStarted: () => void,
): Promise<void> {
  const { gpio, ...config } = loadConfig(configFile);
  requireHolder(gpio, configFile);
  const log = openLog(config.log.level);
  const clock = monotonicClock();
  const place: SocketPlace = { path: gpio.leaseSocketPath, key: "gpio.leaseSocketPath", owner: "holder" };
  await refuseTaken(place);

  await using service = await openServiceManager({ clock, log });
  using safe = recordSafeLines(gpio, log);
  const holder: { server?: LeaseServer } = {};
  // The holder's own log: a daemon may be there to hear of it, or none.
  const logEvent = doorLog(log);
  await using doorSide = await openDoorSide({ ...config, gpio }, clock, (event) => {
    if (event.kind === "fire-release") safe.write(event.isOn);
    holder.server?.report();
    logEvent(event);
  });
  const { door, indicator } = doorSide;
  using _exitGuard = lockAtExit(door);
  log.info({ version, driver: gpio.driver }, "door locked");
  await using server = await LeaseServer.open({
    ...{ place, door, indicator, clock, log, silenceMs: gpio.leaseSilenceMs },
    onTick: (isSound, hasPeer) => {
      // A lock that does not obey is worth a restart: its chip may have come back under another handle.
      if (isSound)
        service.progress(`door ${door.report.kind}; ${hasPeer ? "daemon connected" : "no daemon"}`);
    },
  });
  holder.server = server;
  log.info({ socketPath: place.path }, "lease socket open");
  onStarted();
  await untilAborted(signal, service);
}

function requireHolder({ holder }: Config["gpio"], configFile: string | undefined): void {
  if (holder === "process") return;
  throw new KioskError(
    "bad-config",
    `${configFile ?? "(defaults)"}: gpio.holder is "${holder}": the daemon drives the lines itself; set it to "process" or don't start the holder`,
  );
}

interface SafeRecord extends Disposable {
  write(isFireReleased: boolean): void;
}

/** A holder that is killed during a fire must leave the door free; one that ends by itself locks, and a new one reads the alarm again. */
function recordSafeLines(gpio: Config["gpio"], log: Log): SafeRecord {
  const file = safeLinesFile(gpio.leaseSocketPath);
  const write = (isFireReleased: boolean): void => {
    writeSafeLines(file, safeLinesOf(gpio, isFireReleased));
  };
  const tryToWrite = (isFireReleased: boolean): void => {
    try {
      write(isFireReleased);
    } catch (error) {
      log.error({ err: error }, "what is safe after a kill cannot be written down");
    }
  };
  write(false);
  return {
    write: tryToWrite,
    [Symbol.dispose]: () => {
      tryToWrite(false);
    },
  };
}

async function untilAborted(signal: AbortSignal, service: ServiceManager): Promise<void> {
  await service.ready("door locked; no daemon yet");
  await new Promise<void>((resolve) => {
    signal.addEventListener(
      "abort",
      () => {
        resolve();
      },
      { once: true },
    );
    if (signal.aborted) resolve();
  });
  await service.stopping();
}
