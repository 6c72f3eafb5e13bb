/** What a person typed, as a command with its options; what cannot be understood is refused in one line. */
import { parseArgs, type ParseArgsConfig } from "node:util";
import { KioskError, messageOf } from "./core/errors.ts";

export interface Command {
  readonly name: CommandName;
  readonly flags: ReadonlySet<string>;
  readonly values: ReadonlyMap<string, string>;
  readonly paths: readonly string[];
}

interface CommandShape {
  readonly flags: readonly string[];
  /** Options with a value, and what the value is. */
  readonly values: Readonly<Record<string, string>>;
  /** Whether it takes paths. */
  readonly paths: "none" | "some";
  readonly text: string;
}

const config = { config: "FILE" };

/** Every command with its options: what is parsed, and what `--help` prints. */
export const commands = {
  run: {
    flags: [],
    values: config,
    paths: "none",
    text: "be the daemon: camera, decision, door, status socket",
  },
  hold: {
    flags: [],
    values: config,
    paths: "none",
    text: "hold the door's lines for the daemon and lock when it is gone (gpio.holder)",
  },
  status: {
    flags: ["json"],
    values: { ...config, socket: "PATH" },
    paths: "none",
    text: "what the daemon does now",
  },
  watch: {
    flags: ["json"],
    values: { ...config, socket: "PATH" },
    paths: "none",
    text: "follow what the daemon does",
  },
  view: {
    flags: [],
    values: { ...config, port: "NUMBER" },
    paths: "none",
    text: "show what the camera and the model see, to aim the camera while the daemon is stopped",
  },
  doctor: {
    flags: ["json"],
    values: config,
    paths: "none",
    text: "look at board, lines, camera, model and services, and say what to do about what is wrong",
  },
  classify: {
    flags: ["json"],
    values: { ...config, annotate: "DIR" },
    paths: "some",
    text: "find and classify the faces of pictures or of folders of them",
  },
  crops: {
    flags: [],
    values: { ...config, out: "DIR" },
    paths: "some",
    text: "write the 112x112 crops that the classifier sees, for training",
  },
  config: {
    flags: ["json"],
    values: { board: "ID" },
    paths: "none",
    text: "print every key of the configuration, or with --board a whole config.toml for that board",
  },
} as const satisfies Record<string, CommandShape>;

export type CommandName = keyof typeof commands;

/** @throws KioskError bad-usage */
export function parseCommand(args: readonly string[]): Command {
  const [name, ...rest] = args;
  if (name === undefined) throw new KioskError("bad-usage", "a command is missing; see maskgate --help");
  if (!isCommand(name)) {
    throw new KioskError("bad-usage", `unknown command ${JSON.stringify(name)}; see maskgate --help`);
  }
  const shape: CommandShape = commands[name];
  const { values, positionals } = parsed(name, rest, shape);
  if (shape.paths === "none" && positionals.length > 0) {
    throw new KioskError("bad-usage", `${name}: takes no path, but got ${JSON.stringify(positionals[0])}`);
  }
  if (shape.paths === "some" && positionals.length === 0) {
    throw new KioskError("bad-usage", `${name}: name at least one picture or folder`);
  }
  const entries = Object.entries(values);
  return {
    name,
    flags: new Set(entries.filter(([, value]) => value === true).map(([key]) => key)),
    values: new Map(entries.filter((entry): entry is [string, string] => typeof entry[1] === "string")),
    paths: positionals,
  };
}

/** The text of `--help`. */
export function helpText(): string {
  const lines = Object.entries(commands).map(([name, shape]: [string, CommandShape]) => {
    const options = [
      ...shape.flags.map((flag) => `[--${flag}]`),
      ...Object.entries(shape.values).map(([option, value]) => `[--${option} ${value}]`),
    ];
    const usage = [name, ...(shape.paths === "some" ? ["PATH..."] : []), ...options].join(" ");
    return `  maskgate ${usage}\n      ${shape.text}`;
  });
  return [
    "maskgate opens a door only for people who wear a face mask properly.",
    "",
    ...lines,
    "  maskgate --version | --help",
    "",
    "Without --config the documented defaults hold: `maskgate config` prints them.",
    "Exit codes: 0 done; 1 failed while it ran; 2 wrong input: command, configuration, model, picture or socket.",
    "",
  ].join("\n");
}

function isCommand(name: string): name is CommandName {
  return Object.hasOwn(commands, name);
}

interface Parsed {
  readonly values: Readonly<Record<string, unknown>>;
  readonly positionals: readonly string[];
}

function parsed(name: string, args: readonly string[], shape: CommandShape): Parsed {
  const options: NonNullable<ParseArgsConfig["options"]> = {};
  for (const flag of shape.flags) options[flag] = { type: "boolean" };
  for (const option of Object.keys(shape.values)) options[option] = { type: "string" };
  const fail = (reason: string, cause?: unknown): never => {
    throw new KioskError("bad-usage", `${name}: ${reason}; see maskgate --help`, { cause });
  };
  try {
    const found = parseArgs({ args: [...args], options, allowPositionals: true });
    const empty = Object.entries(found.values).find(([, value]) => value === "");
    return empty === undefined ? found : fail(`Option '--${empty[0]}' has an empty value`);
  } catch (error) {
    if (error instanceof KioskError) throw error;
    const [reason = ""] = messageOf(error).split(/\.(?: |\n|$)|\n/, 1);
    return fail(reason.replace("argument is ambiguous", "argument missing"), error);
  }
}
