/**
 * The kiosk's lines as this process drives them: lock and LEDs over GPIO. The holder opens them, or the daemon itself where
 * `gpio.holder` says so. Promise: the lock's line comes first and is at its locked level from its first moment.
 */
import type { Config } from "./config-schema.ts";
import type { Clock, Door, Indicator } from "./core/ports.ts";
import { lockedLevel, openDoor } from "./io/door.ts";
import { openGpio } from "./io/gpio-drivers.ts";
import type { Gpio, OutputLine } from "./io/gpio.ts";
import { openIndicator } from "./io/indicator.ts";

/** No lease of the lock outlives the policy's by more than this. */
const leaseSlackMs = 100;

/** Lock and LEDs; closing locks, and gives the lines up last. */
export interface DoorSide extends AsyncDisposable {
  readonly door: Door;
  readonly indicator: Indicator;
}

/** @throws KioskError gpio-failed */
export async function openDoorSide(config: Config, clock: Clock): Promise<DoorSide> {
  const gpio = await openGpio(config.gpio.driver, config.gpio.simulatorDir);
  try {
    const door = openLock(gpio, config, clock);
    const indicator = openLeds(gpio, config, clock);
    return { door, indicator, [Symbol.asyncDispose]: () => close(gpio, door, indicator) };
  } catch (error) {
    await gpio[Symbol.asyncDispose]();
    throw error;
  }
}

/** In reverse order, each of them even if another one fails. */
async function close(gpio: Gpio, door: Door, indicator: Indicator): Promise<void> {
  await using _gpio = gpio;
  await using _door = door;
  await using _indicator = indicator;
}

function openLock(gpio: Gpio, { gpio: { door }, access }: Config, clock: Clock): Door {
  const line = gpio.requestOutput({ ...door, consumer: "maskgate-door" }, lockedLevel(door.wiring));
  return openDoor(line, { wiring: door.wiring, maxUnlockMs: access.unlockMs + leaseSlackMs }, clock);
}

function openLeds(gpio: Gpio, config: Config, clock: Clock): Indicator {
  const line = (colour: "green" | "red" | "amber"): OutputLine | undefined => {
    const { isFitted, ...place } = config.gpio[colour];
    return isFitted
      ? gpio.requestOutput({ ...place, consumer: `maskgate-${colour}` }, "inactive")
      : undefined;
  };
  const [green, red, amber] = [line("green"), line("red"), line("amber")];
  return openIndicator({ ...(green && { green }), ...(red && { red }), ...(amber && { amber }) }, clock);
}
