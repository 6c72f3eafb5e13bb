/** The rows of `maskgate doctor` about the door's lines. No line is ever taken: that would drive it. */
import { type Board, boardOf, readBoard } from "./boards.ts";
import type { Config } from "./config-schema.ts";
import { fail, failed, info, ok, warn, type Finding } from "./doctor-finding.ts";
import { safeLinesOf } from "./door-side.ts";
import { chipOf, lineHolder } from "./io/gpio-character-device.ts";
import type { LineSettings } from "./io/gpio.ts";
import { isExported } from "./io/gpio-sysfs.ts";
import type { KernelCalls } from "./io/gpio-kernel.ts";

const inputs = ["contact", "requestToExit", "fireAlarm", "tamper"] as const;

/**
 * One row for each line that is fitted: whether it is there, who holds it, and on a board that is known, which pin it is.
 * `compatible`: what the device tree says of the machine.
 */
export async function lineFindings(
  { gpio }: Config,
  compatible: readonly string[],
  calls?: KernelCalls,
): Promise<readonly Finding[]> {
  const id = boardOf(compatible);
  const board = id === undefined ? undefined : readBoard(id);
  switch (gpio.driver) {
    case "simulated":
      return [
        warn(
          "lines",
          `simulated, in ${gpio.simulatorDir}: no lock is driven`,
          "set gpio.driver for your board (maskgate config --board ID)",
        ),
      ];
    case "sysfs":
      return fittedLines(gpio).map(sysfsFinding);
    case "character-device":
      return Promise.all(fittedLines(gpio).map((line) => lineFinding(line, board, calls)));
  }
}

/** What is fitted at the door must be able to tell a way out from a break-in. */
export function exitFindings({ gpio }: Config): readonly Finding[] {
  if (!gpio.contact.isFitted) return [];
  return [
    gpio.requestToExit.isFitted
      ? ok("exit", "an opening after a request to exit is no forced one")
      : warn(
          "exit",
          "gpio.contact is fitted and gpio.requestToExit is not: every way out is a forced opening",
          "fit gpio.requestToExit, a contact at the button or handle inside, or set gpio.contact.isFitted = false",
        ),
  ];
}

/** The files that the holder must be allowed to open; none for chips that are not there, which the lines' rows tell. */
export async function chipFilesOf({ gpio }: Config, calls?: KernelCalls): Promise<readonly string[]> {
  switch (gpio.driver) {
    case "simulated":
      return [];
    case "sysfs":
      return ["/sys/class/gpio/export"];
    case "character-device": {
      const files = await Promise.all(fittedLines(gpio).map((line) => fileOf(line, calls)));
      return [...new Set(files.filter((file) => file !== ""))];
    }
  }
}

async function fileOf(line: LineSettings, calls?: KernelCalls): Promise<string> {
  try {
    return (await chipOf(line, calls)).file;
  } catch {
    return "";
  }
}

function fittedLines(gpio: Config["gpio"]): readonly LineSettings[] {
  const fitted = inputs.filter((name) => gpio[name].isFitted);
  return [
    ...safeLinesOf(gpio, false).lines,
    ...fitted.map((name) => ({ ...gpio[name], consumer: `maskgate-${name}` })),
  ];
}

async function lineFinding(
  line: LineSettings,
  board: Board | undefined,
  calls?: KernelCalls,
): Promise<Finding> {
  const { name, place } = wordsOf(line);
  try {
    const holder = await lineHolder(line, calls);
    const isOurs = holder?.startsWith("maskgate-") === true;
    if (holder !== undefined && !isOurs)
      return fail(name, `${place} is held by "${holder}"`, "stop that program, or choose another line");
    const state = isOurs ? `is held by maskgate (${holder})` : "is there, and free";
    if (board === undefined) return ok(name, `${place} ${state}`);
    const { label } = await chipOf(line, calls);
    const pin = board.header.pins.find(([, chip, offset]) => chip === label && offset === line.offset);
    const mend = "maskgate config --board this prints lines that are; only a carrier of your own has others";
    return pin === undefined
      ? warn(name, `${place} ${state}, but is no pin of the ${board.name}'s header`, mend)
      : ok(name, `${place}, pin ${pin[0]} of the header, ${state}`);
  } catch (error) {
    return failed(name, error);
  }
}

/** Sysfs knows no names of holders. */
function sysfsFinding(line: LineSettings): Finding {
  const { name, place } = wordsOf(line);
  try {
    return isExported(line)
      ? info(name, `${place} is exported: by maskgate, now or before, or by another program`)
      : ok(name, `${place} is there, and not exported`);
  } catch (error) {
    return failed(name, error);
  }
}

function wordsOf({ consumer, chip, offset }: LineSettings): {
  readonly name: string;
  readonly place: string;
} {
  return { name: `line ${consumer.replace("maskgate-", "")}`, place: `${chip} ${offset}` };
}
