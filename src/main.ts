#!/usr/bin/env node
/** The entry point of every command. Bad input ends with one clear line and exit code 2; only a bug shows its stack. */
import { setTimeout as wait } from "node:timers/promises";
import { helpText, parseCommand, type Command, type CommandName } from "./command-line.ts";
import { configTable, formatConfigTable } from "./config-table.ts";
import { loadConfig } from "./config.ts";
import { eachOf, KioskError, type ErrorCode } from "./core/errors.ts";
import { plainText } from "./core/plain-text.ts";
import { version } from "./version.ts";

const exitCodes = { done: 0, failed: 1, badInput: 2 } as const;

// What needs neither cameras nor models must not wait until the code for them is loaded, and the holder has none that it does not need.
const load = {
  run: () => import("./run.ts"),
  hold: () => import("./hold.ts"),
  status: () => import("./show-status.ts"),
  view: () => import("./view.ts"),
  doctor: () => import("./doctor.ts"),
  boards: () => import("./boards.ts"),
  pictures: () => import("./picture-commands.ts"),
  models: () => import("./model-commands.ts"),
  updates: () => import("./update-commands.ts"),
  bundles: () => import("./bundle-commands.ts"),
};

/** Failures of a daemon that nothing the user typed can have caused. */
const runtimeFailures: ReadonlySet<ErrorCode> = new Set(["update-failed", "vision-failed"]);
/** Once the daemon has started, nothing that fails is wrong input any more. */
const daemon = { hasStarted: false };
const hasStarted = (): void => {
  daemon.hasStarted = true;
};

const startPauseMs = 3000;

const write = (text: string): void => {
  process.stdout.write(`${text.split("\n").map(plainText).join("\n")}\n`);
};

const complain = (line: string): void => {
  process.stderr.write(`maskgate: ${plainText(line)}\n`);
};

async function main(args: readonly string[]): Promise<number> {
  if (args.includes("--help") || args.includes("-h")) {
    process.stdout.write(helpText());
    return exitCodes.done;
  }
  if (args[0] === "--version") {
    write(version);
    return exitCodes.done;
  }
  const command = parseCommand(args);
  return does[command.name](command);
}

/** What each command does; the number is the exit code. */
const does: Readonly<Record<CommandName, (command: Command) => Promise<number>>> = {
  run: async ({ values }) => {
    await (await load.run()).run(values.get("config"), untilStopped(), hasStarted);
    return exitCodes.done;
  },
  hold: async ({ values }) => {
    const signal = untilStopped();
    try {
      await (await load.hold()).hold(values.get("config"), signal, hasStarted);
    } catch (error) {
      if (!daemon.hasStarted) await pauseUnderSystemd(signal);
      throw error;
    }
    return exitCodes.done;
  },
  status: async (command) => {
    write(await (await load.status()).showStatus(socketOf(command), isJson(command)));
    return exitCodes.done;
  },
  watch: async (command) => {
    const [socketPath, { watchStatus }] = [socketOf(command), await load.status()];
    await watchStatus(socketPath, isJson(command), write, untilStopped());
    return exitCodes.done;
  },
  view: async ({ values }) => {
    const [configFile, port] = [values.get("config"), values.get("port")];
    await (await load.view()).view({ configFile, port, write }, untilStopped(), hasStarted);
    return exitCodes.done;
  },
  doctor: async (command) => {
    const [configFile, { doctor }] = [command.values.get("config"), await load.doctor()];
    const isWell = await doctor({ configFile, isJson: isJson(command), write });
    return isWell ? exitCodes.done : exitCodes.failed;
  },
  classify: async (command) =>
    pictureExit(await (await load.pictures()).classify(command, { write, complain })),
  crops: async (command) => pictureExit(await (await load.pictures()).crops(command, { write, complain })),
  config: async (command) => {
    process.stdout.write(await configText(command.values.get("board"), isJson(command)));
    return exitCodes.done;
  },
  "model list": async (command) => done((await load.models()).listModels(command, write)),
  "model install": async (command) => done((await load.models()).installModel(command, write)),
  "model rollback": async (command) => done((await load.models()).rollBackModel(command, write)),
  "model mark-good": async (command) => done((await load.models()).markModelGood(command, write)),
  update: async (command) =>
    (await (await load.updates()).update(command)) ? exitCodes.done : exitCodes.failed,
  "bundle keygen": async (command) => done((await load.bundles()).keygen(command, write)),
  "bundle create": async (command) => done((await load.bundles()).create(command, write)),
  "bundle sign": async (command) => done((await load.bundles()).sign(command, write)),
  "bundle verify": async (command) => done((await load.bundles()).verify(command, write)),
  "bundle inspect": async (command) => done((await load.bundles()).inspect(command, write)),
};

async function done(work: Promise<void>): Promise<number> {
  await work;
  return exitCodes.done;
}

function isJson({ flags }: Command): boolean {
  return flags.has("json");
}

async function configText(board: string | undefined, asJson: boolean): Promise<string> {
  if (board === undefined) return formatConfigTable(configTable(), asJson ? "json" : "text");
  if (asJson) throw new KioskError("bad-usage", "config: --board prints TOML; leave --json out");
  return (await load.boards()).boardConfig(board);
}

function socketOf({ values }: Command): string {
  return values.get("socket") ?? loadConfig(values.get("config")).status.socketPath;
}

function pictureExit(unreadable: number): number {
  return unreadable > 0 ? exitCodes.badInput : exitCodes.done;
}

/** systemd starts the holder again at once, whatever its end: one that cannot start must not do so five times a second for days. */
async function pauseUnderSystemd(signal: AbortSignal): Promise<void> {
  if (process.env["NOTIFY_SOCKET"] === undefined) return;
  await wait(startPauseMs, undefined, { signal }).catch(() => undefined);
}

/** Aborts at the first SIGTERM or SIGINT; a second one ends the process as if nobody had listened. */
function untilStopped(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.once(signal, () => {
      controller.abort();
    });
  }
  return controller.signal;
}

function report(failure: unknown): number {
  const [first = exitCodes.failed] = [...eachOf(failure)].map(reportOne);
  return first;
}

function reportOne(error: unknown): number {
  if (!(error instanceof KioskError)) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.stderr.write(`maskgate: this is a bug: ${text}\n`);
    return exitCodes.failed;
  }
  for (const line of error.message.split("\n")) complain(line);
  return daemon.hasStarted || runtimeFailures.has(error.code) ? exitCodes.failed : exitCodes.badInput;
}

// `| head` closes the pipe early: that is the reader's choice and no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  process.exit(error.code === "EPIPE" ? exitCodes.done : exitCodes.failed);
});

process.exitCode = await main(process.argv.slice(2)).catch(report);
