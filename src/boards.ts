/**
 * The boards of device/boards, and the configuration of a board: device/config.toml with the board's driver, camera and lines
 * written into it, so that an installer only has to check them against the wiring.
 */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "smol-toml";
import { z } from "zod";
import { KioskError } from "./core/errors.ts";
import { thisHost } from "./io/host.ts";

const deviceFolder = fileURLToPath(new URL("../../device", import.meta.url));

/** In the order of the configuration. */
export const lineNames = [
  "door",
  "green",
  "red",
  "amber",
  "buzzer",
  "contact",
  "requestToExit",
  "fireAlarm",
  "tamper",
] as const;

const boardSchema = z.strictObject({
  name: z.string().min(1),
  source: z.string().min(1),
  /** What an installer must know before anything is wired. */
  note: z.string().min(1).optional(),
  compatible: z.array(z.string()),
  driver: z.enum(["simulated", "character-device", "sysfs"]),
  camera: z.enum(["v4l2", "argus", "libcamera"]),
  lines: z.strictObject(
    Object.fromEntries(lineNames.map((name) => [name, z.int()])) as Record<
      (typeof lineNames)[number],
      z.ZodInt
    >,
  ),
  header: z.strictObject({
    pins: z.array(z.tuple([z.int(), z.string(), z.int().min(0), z.string()])),
  }),
});

export type Board = z.infer<typeof boardSchema>;

/** The names that `maskgate config --board` takes. */
export function boardIds(): readonly string[] {
  return readdirSync(path.join(deviceFolder, "boards"))
    .filter((file) => file.endsWith(".toml"))
    .map((file) => file.slice(0, -".toml".length))
    .sort();
}

/** @throws KioskError bad-usage for a board that is not known */
export function readBoard(id: string): Board {
  if (!boardIds().includes(id)) {
    throw new KioskError(
      "bad-usage",
      `config: --board ${id} is not known; there are ${boardIds().join(", ")}`,
    );
  }
  return boardSchema.parse(parse(readFileSync(path.join(deviceFolder, "boards", `${id}.toml`), "utf8")));
}

/** The board that the device tree names; undefined if it is none of ours. */
export function boardOf(compatible: readonly string[]): string | undefined {
  return boardIds().find((id) => readBoard(id).compatible.some((name) => compatible.includes(name)));
}

/**
 * The board that was asked for; `this` is the one that the device tree names.
 * @throws KioskError bad-usage
 */
function boardAskedFor(id: string, compatible: readonly string[]): string {
  if (id !== "this") return id;
  const found = boardOf(compatible);
  if (found !== undefined) return found;
  const machine =
    compatible[0] === undefined ? "this machine has no device tree" : `this is ${compatible[0]}`;
  throw new KioskError(
    "bad-usage",
    `config: --board this: ${machine}, none of ${boardIds().join(", ")}; name one of them, or edit device/config.toml`,
  );
}

/**
 * A whole config.toml for the board. Every line says which pin of the header it is.
 * @throws KioskError bad-usage for a board that is not known
 */
export function boardConfig(asked: string, compatible = thisHost.compatible()): string {
  const id = boardAskedFor(asked, compatible);
  const board = readBoard(id);
  const template = readFileSync(path.join(deviceFolder, "config.toml"), "utf8");
  let section = "";
  const lines = template.split("\n").map((line) => {
    section = /^\[(.+?)\]/.exec(line)?.[1] ?? section;
    const [, key = "", comment = ""] = /^(\w+) = (?:"[^"]*"|[^ ]+)(.*)$/.exec(line) ?? [];
    const value = valueOf(board, section, key);
    return value === undefined ? line : `${key} = ${value}${comment}`;
  });
  const note = board.note === undefined ? [] : [`# ${board.note}`];
  return [`# For ${board.name} (maskgate config --board ${id}).`, ...note, ...lines].join("\n");
}

function valueOf(board: Board, section: string, key: string): string | undefined {
  switch (`${section}.${key}`) {
    case "gpio.driver":
      return `"${board.driver}"`;
    // libcamera's own program, not the preset: it needs no more than the board's system has.
    case "camera.source":
      return board.camera === "libcamera" ? '"libcamera"' : undefined;
    case "camera.gstreamer.preset":
      return board.camera === "libcamera" ? undefined : `"${board.camera}"`;
  }
  if (key === "bias" && board.driver === "sysfs") return '"none"';
  const name = lineNames.find((known) => section === `gpio.${known}`);
  if (name === undefined) return undefined;
  const [header, chip, offset, pin] = pinOf(board, name);
  if (key === "chip") return `"${chip}"`;
  return key === "offset" ? `${offset} # pin ${header} of the header, ${pin}` : undefined;
}

/** @throws Error if the board's file is wrong, which a test keeps from happening */
export function pinOf(board: Board, name: (typeof lineNames)[number]): Board["header"]["pins"][number] {
  const pin = board.header.pins.find(([header]) => header === board.lines[name]);
  if (!pin)
    throw new Error(`${board.name}: ${name} is on pin ${board.lines[name]}, which is not in its list`);
  return pin;
}
