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
  /** Whether it takes paths; `one` is exactly one, called what `path` says. */
  readonly paths: "none" | "one" | "some";
  readonly path?: string;
  readonly text: string;
}

const config = { config: "FILE" };

const bundle = { paths: "one", path: "FILE" } as const;

/** Every command with its options: what is parsed, and what `--help` prints. A name may be of two words. */
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
  "model list": {
    flags: ["json"],
    values: config,
    paths: "none",
    text: "which models the kiosk has, and which is active",
  },
  "model install": {
    ...bundle,
    flags: [],
    values: config,
    text: "install a bundle by hand, up to the end of its probation",
  },
  "model rollback": { flags: [], values: config, paths: "none", text: "go back to the previous model" },
  "model mark-good": {
    flags: [],
    values: config,
    paths: "none",
    text: "end the probation of the active model",
  },
  update: {
    flags: ["resume", "hand-over"],
    values: { ...config, stick: "DIR", "copied-fd": "NUMBER", "stick-failed": "REASON" },
    paths: "none",
    text: "what the updater's units run: install from a stick, tell why it cannot be read, or go on with a probation",
  },
  "bundle keygen": {
    flags: [],
    values: { out: "NAME" },
    paths: "none",
    text: "make a pair of keys for bundles: NAME.key.pem signs, NAME.pub.pem goes to the kiosks",
  },
  "bundle create": {
    flags: [],
    values: {
      version: "NUMBER",
      out: "FILE",
      key: "PEM",
      compatible: '"BOARD ..."',
      "least-daemon": "VERSION",
      retires: '"KEY-ID ..."',
    },
    paths: "one",
    path: "MODEL-FOLDER",
    text: "pack a model into a bundle for kiosks; signed at once with --key",
  },
  "bundle sign": {
    ...bundle,
    flags: [],
    values: { key: "PEM", signature: "FILE", "public-key": "PEM" },
    text: "sign a bundle, or put a signature into it that openssl has made",
  },
  "bundle verify": {
    ...bundle,
    flags: [],
    values: { keys: "DIR" },
    text: "check every byte of a bundle the way a kiosk with these keys does",
  },
  "bundle inspect": {
    ...bundle,
    flags: ["json"],
    values: {},
    text: "print what a bundle says of itself, whoever signed it",
  },
} as const satisfies Record<string, CommandShape>;

export type CommandName = keyof typeof commands;

/** @throws KioskError bad-usage */
export function parseCommand(args: readonly string[]): Command {
  const { name, rest } = namedCommand(args);
  const shape: CommandShape = commands[name];
  const { values, positionals } = parsed(name, rest, shape);
  checkPaths(name, shape, positionals);
  const entries = Object.entries(values);
  return {
    name,
    flags: new Set(entries.filter(([, value]) => value === true).map(([key]) => key)),
    values: new Map(entries.filter((entry): entry is [string, string] => typeof entry[1] === "string")),
    paths: positionals,
  };
}

interface NamedCommand {
  readonly name: CommandName;
  readonly rest: readonly string[];
}

function namedCommand([first, second, ...others]: readonly string[]): NamedCommand {
  if (first === undefined) throw new KioskError("bad-usage", "a command is missing; see maskgate --help");
  if (isCommand(first)) return { name: first, rest: second === undefined ? [] : [second, ...others] };
  const name = `${first} ${second ?? ""}`;
  if (isCommand(name)) return { name, rest: others };
  const words = Object.keys(commands).filter((known) => known.startsWith(`${first} `));
  if (words.length > 0) {
    const known = words.map((command) => command.slice(first.length + 1)).join(", ");
    throw new KioskError("bad-usage", `${first}: say which of ${known}; see maskgate --help`);
  }
  throw new KioskError("bad-usage", `unknown command ${JSON.stringify(first)}; see maskgate --help`);
}

function checkPaths(name: string, { paths, path = "PATH" }: CommandShape, given: readonly string[]): void {
  if (paths === "none" && given.length > 0) {
    throw new KioskError("bad-usage", `${name}: takes no path, but got ${JSON.stringify(given[0])}`);
  }
  if (paths === "some" && given.length === 0) {
    throw new KioskError("bad-usage", `${name}: name at least one picture or folder`);
  }
  if (paths === "one" && given.length !== 1) {
    throw new KioskError(
      "bad-usage",
      `${name}: name one ${path}, but got ${given.length}; see maskgate --help`,
    );
  }
}

/** The text of `--help`. */
export function helpText(): string {
  const lines = Object.entries(commands).map(([name, shape]: [string, CommandShape]) => {
    const options = [
      ...shape.flags.map((flag) => `[--${flag}]`),
      ...Object.entries(shape.values).map(([option, value]) => `[--${option} ${value}]`),
    ];
    const paths = { none: [], one: [shape.path ?? "PATH"], some: ["PATH..."] }[shape.paths];
    const usage = [name, ...paths, ...options].join(" ");
    return `  maskgate ${usage}\n      ${shape.text}`;
  });
  return [
    "maskgate opens a door only for people who wear a face mask properly.",
    "",
    ...lines,
    "  maskgate --version | --help",
    "",
    "Without --config the documented defaults hold: `maskgate config` prints them.",
    "Exit codes: 0 done; 1 failed while it ran; 2 wrong input: command, configuration, model, picture, bundle or socket.",
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
