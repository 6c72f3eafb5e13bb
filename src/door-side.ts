/**
 * The kiosk's lines as this process drives them: lock, LEDs, buzzer and inputs over GPIO. The holder opens them, or the daemon itself
 * where `gpio.holder` says so. Promise: the lock's line comes first and is at its locked level from its first moment; at its open one
 * while a fire release goes on.
 */
import type { Config } from "./config-schema.ts";
import type { DoorPolicy } from "./core/door.ts";
import { type InputName, inputNames } from "./core/door-report.ts";
import type { Clock, Door, Indicator } from "./core/ports.ts";
import { type Buzzer, openBuzzer, withBuzzer } from "./io/buzzer.ts";
import { type KeeperOptions, lockedLevel, openDoorKeeper, openLevel, type Wiring } from "./io/door-keeper.ts";
import { openGpio } from "./io/gpio-drivers.ts";
import type { Gpio, InputLine, Level, OutputLine } from "./io/gpio.ts";
import { openIndicator } from "./io/indicator.ts";
import type { SafeLines } from "./io/safe-lines.ts";

/** No lease of the lock outlives the policy's by more than this. */
const leaseSlackMs = 100;

/** Lock and LEDs; closing locks, and gives the lines up last. */
export interface DoorSide extends AsyncDisposable {
  readonly door: Door;
  readonly indicator: Indicator;
}

/** @throws KioskError gpio-failed */
export async function openDoorSide(
  config: Config,
  clock: Clock,
  options: Pick<KeeperOptions, "onEvent" | "isFireReleased"> = {},
): Promise<DoorSide> {
  const gpio = await openGpio(config.gpio.driver, config.gpio.simulatorDir);
  try {
    const { wiring, ...place } = config.gpio.door;
    const level = lockLevel(wiring, options.isFireReleased === true);
    const lock = gpio.requestOutput({ ...place, consumer: "maskgate-door" }, level);
    const inputs = openInputs(gpio, config);
    const line = openFitted(gpio, config, "buzzer");
    const leds = openLeds(gpio, config, clock);
    // All lines are there: from here on nothing is refused any more, and timers may run.
    const buzzer = line === undefined ? undefined : openBuzzer(line, clock);
    const indicator = buzzer === undefined ? leds : withBuzzer(leds, buzzer);
    const door = openDoorKeeper(
      { lock, inputs, ...(buzzer && { buzzer }) },
      { wiring, policy: doorPolicyOf(config), ...options },
      clock,
    );
    return { door, indicator, [Symbol.asyncDispose]: () => close(gpio, door, indicator, buzzer) };
  } catch (error) {
    await gpio[Symbol.asyncDispose]();
    throw error;
  }
}

/** What the configuration says of the door, as its machine takes it. */
export function doorPolicyOf({ access, door, gpio }: Config): DoorPolicy {
  const fitted = inputNames.filter((name) => gpio[name].isFitted);
  return {
    maxUnlockMs: access.unlockMs + leaseSlackMs,
    debounceMs: Object.fromEntries(fitted.map((name) => [name, gpio[name].debounceMs])),
    heldOpenAfterMs: door.heldOpenAfterS * 1000,
    requestToExitMs: door.requestToExitS * 1000,
    relockOnClose: door.relockOnClose,
    fireRelease: door.fireRelease,
    fireClears: door.fireClears,
  };
}

/** The same lines as they must be when nobody holds them: dark, silent, and locked or, in a fire, released. */
export function safeLinesOf(gpio: Config["gpio"], isFireReleased: boolean): SafeLines {
  const { driver, simulatorDir, door } = gpio;
  const others = (["green", "red", "amber", "buzzer"] as const).filter((name) => gpio[name].isFitted);
  return {
    driver,
    simulatorDir,
    isFireReleased,
    lines: [
      { ...placeOf(door), consumer: "maskgate-door", level: lockLevel(door.wiring, isFireReleased) },
      ...others.map((name) => ({
        ...placeOf(gpio[name]),
        consumer: `maskgate-${name}`,
        level: "inactive" as const,
      })),
    ],
  };
}

function lockLevel(wiring: Wiring, isFireReleased: boolean): Level {
  return isFireReleased ? openLevel(wiring) : lockedLevel(wiring);
}

function placeOf({ chip, offset, isActiveLow }: Config["gpio"]["door"] | Config["gpio"]["green"]) {
  return { chip, offset, isActiveLow };
}

/** In reverse order, each of them even if another one fails. */
async function close(
  gpio: Gpio,
  door: Door,
  indicator: Indicator,
  buzzer: Buzzer | undefined,
): Promise<void> {
  await using _gpio = gpio;
  await using _buzzer = buzzer;
  await using _door = door;
  await using _indicator = indicator;
}

function openFitted(
  gpio: Gpio,
  config: Config,
  name: "green" | "red" | "amber" | "buzzer",
): OutputLine | undefined {
  const { isFitted, ...place } = config.gpio[name];
  return isFitted ? gpio.requestOutput({ ...place, consumer: `maskgate-${name}` }, "inactive") : undefined;
}

/** Active is what the machine calls on: the circuit is not as it is at rest. */
function openInputs(gpio: Gpio, config: Config): Readonly<Partial<Record<InputName, InputLine>>> {
  const lines: Partial<Record<InputName, InputLine>> = {};
  for (const name of inputNames) {
    const { isFitted, circuit, chip, offset, bias, isActiveLow } = config.gpio[name];
    if (!isFitted) continue;
    const isOnLow = circuit === "normally-open" ? isActiveLow : !isActiveLow;
    const consumer = `maskgate-${consumers[name]}`;
    lines[name] = gpio.requestInput({ chip, offset, bias, isActiveLow: isOnLow, consumer });
  }
  return lines;
}

const consumers = {
  contact: "contact",
  requestToExit: "request-to-exit",
  fireAlarm: "fire-alarm",
  tamper: "tamper",
} as const satisfies Record<InputName, string>;

function openLeds(gpio: Gpio, config: Config, clock: Clock): Indicator {
  const [green, red, amber] = (["green", "red", "amber"] as const).map((colour) =>
    openFitted(gpio, config, colour),
  );
  return openIndicator({ green, red, amber }, clock);
}
