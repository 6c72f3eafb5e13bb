/** A keeper in virtual time, its lock and its inputs on the simulated chip: what a person, the door or the fire panel does is a pull of a line. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { DoorPolicy } from "../../src/core/door.ts";
import { inputNames, type DoorEvent, type InputName } from "../../src/core/door-report.ts";
import { openBuzzer } from "../../src/io/buzzer.ts";
import { lockedLevel, openDoorKeeper, openLevel, type Wiring } from "../../src/io/door-keeper.ts";
import type { InputLine } from "../../src/io/gpio.ts";
import { openSimulatedGpio } from "../../src/io/gpio-simulated.ts";
import { SimLine } from "./sim-line.ts";
import { VirtualTime } from "./virtual-time.ts";

export interface KeeperBenchOptions {
  readonly wiring?: Wiring;
  readonly inputs?: readonly InputName[];
  readonly policy?: Partial<DoorPolicy>;
  readonly isFireReleased?: boolean;
  /** Inputs that are on before anybody looks. */
  readonly on?: readonly InputName[];
}

const debounceMs: Readonly<Record<InputName, number>> = {
  contact: 60,
  requestToExit: 40,
  fireAlarm: 200,
  tamper: 200,
};
const usualPolicy: Omit<DoorPolicy, "debounceMs"> = {
  maxUnlockMs: 3100,
  heldOpenAfterMs: 5000,
  requestToExitMs: 2000,
  relockOnClose: true,
  fireRelease: true,
  fireClears: "by-restart",
};

export function keeperBench(options: KeeperBenchOptions = {}) {
  const { wiring = "fail-secure", inputs = ["contact"], policy = {}, on = [] } = options;
  const dir = mkdtempSync(path.join(tmpdir(), "maskgate-keeper-"));
  const gpio = openSimulatedGpio(dir);
  const time = new VirtualTime();
  const fileOf = (offset: number, name: string): string => path.join(dir, `board/sim_gpio${offset}`, name);
  const write = (input: InputName, text: string): void => {
    writeFileSync(fileOf(inputNames.indexOf(input) + 1, "pull"), text);
  };
  const lines: Partial<Record<InputName, InputLine>> = {};
  for (const name of inputs) {
    const place = { chip: "board", offset: inputNames.indexOf(name) + 1, consumer: name };
    lines[name] = gpio.requestInput({ ...place, isActiveLow: false, bias: "pull-down" });
    if (on.includes(name)) write(name, "pull-up");
  }
  const lock = gpio.requestOutput(
    { chip: "board", offset: 0, isActiveLow: false, consumer: "lock" },
    options.isFireReleased === true ? openLevel(wiring) : lockedLevel(wiring),
  );
  /** Stands between the keeper and the chip: remembers, and fails on demand. */
  const line = new SimLine(lock.isActive);
  const buzzerLine = new SimLine();
  const isOpen = (): boolean =>
    readFileSync(fileOf(0, "value"), "utf8").trim() === (wiring === "fail-safe" ? "0" : "1");
  const events: string[] = [];
  /** What the line was at when each event was told. */
  const told: { readonly event: DoorEvent; readonly isOpen: boolean }[] = [];
  const door = openDoorKeeper(
    {
      lock: {
        set: (isActive) => {
          line.set(isActive);
          lock.set(isActive);
        },
        get isActive() {
          return lock.isActive;
        },
        release: (level) => {
          lock.release(level);
          line.release(level);
        },
      },
      inputs: lines,
      buzzer: openBuzzer(buzzerLine, time, time.schedule),
    },
    {
      wiring,
      policy: {
        ...usualPolicy,
        ...policy,
        debounceMs: Object.fromEntries(inputs.map((name) => [name, debounceMs[name]])),
      },
      isFireReleased: options.isFireReleased === true,
      onEvent: (event) => {
        told.push({ event, isOpen: isOpen() });
        events.push(wordsOf(event));
      },
    },
    time,
    time.schedule,
  );
  return {
    ...{ door, time, line, buzzerLine, told, isOpen, write },
    /** What was told since the last call. */
    news: () => events.splice(0),
    set: (input: InputName, isOn: boolean) => {
      write(input, isOn ? "pull-up" : "pull-down");
    },
    unlockFor: (ms: number) => {
      door.apply({ kind: "unlock", untilMs: time.nowMs() + ms });
    },
    async [Symbol.asyncDispose]() {
      await door[Symbol.asyncDispose]();
      await gpio[Symbol.asyncDispose]();
      rmSync(dir, { recursive: true });
    },
  };
}

/** An event in a few words. */
export function wordsOf(event: DoorEvent): string {
  switch (event.kind) {
    case "door":
      return `door ${event.from} -> ${event.to}`;
    case "input":
      return `${event.input} ${event.reading}`;
    case "fire-release":
      return `fire release ${event.isOn ? "on" : "off"}`;
    case "exit-stuck":
      return `exit stuck ${event.isOn ? "on" : "off"}`;
  }
}
