/**
 * `maskgate hold`: the small process that holds the door's lines and grants leases to the daemon. It sees no camera, no model and no
 * picture, so that little can fail in it; it locks by itself when a lease ends or the daemon is gone, hung or out of its mind.
 */
import { loadConfig } from "./config.ts";
import type { Config } from "./config-schema.ts";
import { KioskError } from "./core/errors.ts";
import type { ServiceManager } from "./core/ports.ts";
import { openDoorSide, safeLinesOf } from "./door-side.ts";
import { monotonicClock } from "./io/clock.ts";
import { LeaseServer } from "./io/lease-server.ts";
import { openLog } from "./io/log.ts";
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
  writeSafeLines(safeLinesFile(gpio.leaseSocketPath), safeLinesOf(gpio));
  await using doorSide = await openDoorSide({ ...config, gpio }, clock);
  const { door, indicator } = doorSide;
  using _exitGuard = lockAtExit(door);
  log.info({ version, driver: gpio.driver }, "door locked");
  await using _server = await LeaseServer.open({
    ...{ place, door, indicator, clock, log, silenceMs: gpio.leaseSilenceMs },
    onTick: (isSound, hasPeer) => {
      // A lock that does not obey is worth a restart: its chip may have come back under another handle.
      if (isSound) service.progress(`door ${door.state.kind}; ${hasPeer ? "daemon connected" : "no daemon"}`);
    },
  });
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
