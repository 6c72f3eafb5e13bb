/**
 * `maskgate hold`: the small process that holds the door's lines and grants leases to the daemon. It sees no camera, no model and no
 * picture, so that little can fail in it; it locks by itself when a lease ends or the daemon is gone, hung or out of its mind.
 */
import { loadConfig } from "./config.ts";
import type { Config } from "./config-schema.ts";
import type { DoorEvent } from "./core/door-report.ts";
import { KioskError } from "./core/errors.ts";
import { doorLog } from "./door-log.ts";
import { openDoorSide } from "./door-side.ts";
import { monotonicClock } from "./io/clock.ts";
import { LeaseServer } from "./io/lease-server.ts";
import { openLog } from "./io/log.ts";
import { refuseTaken, type SocketPlace } from "./io/status-socket.ts";
import { openServiceManager } from "./io/systemd.ts";
import { lockAtExit } from "./lock-at-exit.ts";
import { openSafeRecord } from "./safe-record.ts";
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
  const safe = openSafeRecord({ ...config, gpio }, log, signal);
  const { isFireReleased } = safe;
  const holder: { server?: LeaseServer } = {};
  // The holder's own log: a daemon may be there to hear of it, or none.
  const logEvent = doorLog(log);
  const onEvent = (event: DoorEvent): void => {
    if (event.kind === "fire-release") safe.write(event.isOn);
    holder.server?.report();
    logEvent(event);
  };
  await using doorSide = await openDoorSide({ ...config, gpio }, clock, { onEvent, isFireReleased });
  const { door, indicator } = doorSide;
  using _record = safe;
  using _exitGuard = lockAtExit(door);
  const about = { version, driver: gpio.driver };
  if (isFireReleased) log.error(about, "door released: so the fire alarm left it when the last holder ended");
  else log.info(about, "door locked");
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
  await service.ready(`${isFireReleased ? "door released by the fire alarm" : "door locked"}; no daemon yet`);
  await untilAborted(signal);
  await service.stopping();
}

function requireHolder({ holder }: Config["gpio"], configFile: string | undefined): void {
  if (holder === "process") return;
  throw new KioskError(
    "bad-config",
    `${configFile ?? "(defaults)"}: gpio.holder is "${holder}": the daemon drives the lines itself; set it to "process" or don't start the holder`,
  );
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    signal.addEventListener(
      "abort",
      () => {
        resolve();
      },
      { once: true },
    );
    if (signal.aborted) resolve();
  });
}
