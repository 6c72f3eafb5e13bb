#!/usr/bin/env node
/** The entry point of every command. Bad input ends with one clear line and exit code 2; only a bug shows its stack. */
import { helpText, parseCommand, type Command } from "./command-line.ts";
import { configTable, formatConfigTable } from "./config-table.ts";
import { loadConfig } from "./config.ts";
import { KioskError, type ErrorCode } from "./core/errors.ts";
import { showStatus, watchStatus } from "./show-status.ts";
import { version } from "./version.ts";

const exitCodes = { done: 0, failed: 1, badInput: 2 } as const;

// What needs neither cameras nor models must not wait until the code for them is loaded.
const load = {
  run: () => import("./run.ts"),
  hold: () => import("./hold.ts"),
  view: () => import("./view.ts"),
  doctor: () => import("./doctor.ts"),
  boards: () => import("./boards.ts"),
  pictures: () => import("./picture-commands.ts"),
};

/** Failures of a daemon that nothing the user typed can have caused. */
const runtimeFailures: ReadonlySet<ErrorCode> = new Set(["vision-failed"]);
/** Once the daemon has started, nothing that fails is wrong input any more. */
const daemon = { hasStarted: false };
const hasStarted = (): void => {
  daemon.hasStarted = true;
};

const write = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

const complain = (line: string): void => {
  process.stderr.write(`maskgate: ${line}\n`);
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
  return runCommand(parseCommand(args));
}

async function runCommand(command: Command): Promise<number> {
  const isJson = command.flags.has("json");
  switch (command.name) {
    case "run":
      await (await load.run()).run(command.values.get("config"), untilStopped(), hasStarted);
      return exitCodes.done;
    case "hold":
      await (await load.hold()).hold(command.values.get("config"), untilStopped(), hasStarted);
      return exitCodes.done;
    case "status":
      write(await showStatus(socketOf(command), isJson));
      return exitCodes.done;
    case "watch":
      await watchStatus(socketOf(command), isJson, write, untilStopped());
      return exitCodes.done;
    case "view": {
      const [configFile, port] = [command.values.get("config"), command.values.get("port")];
      await (await load.view()).view({ configFile, port, write }, untilStopped(), hasStarted);
      return exitCodes.done;
    }
    case "doctor": {
      const [configFile, { doctor }] = [command.values.get("config"), await load.doctor()];
      return (await doctor({ configFile, isJson, write })) ? exitCodes.done : exitCodes.failed;
    }
    case "classify":
      return pictureExit(await (await load.pictures()).classify(command, { write, complain }));
    case "crops":
      return pictureExit(await (await load.pictures()).crops(command, { write, complain }));
    case "config":
      process.stdout.write(await configText(command.values.get("board"), isJson));
      return exitCodes.done;
  }
}

async function configText(board: string | undefined, isJson: boolean): Promise<string> {
  if (board === undefined) return formatConfigTable(configTable(), isJson ? "json" : "text");
  if (isJson) throw new KioskError("bad-usage", "config: --board prints TOML; leave --json out");
  return (await load.boards()).boardConfig(board);
}

function socketOf({ values }: Command): string {
  return values.get("socket") ?? loadConfig(values.get("config")).status.socketPath;
}

function pictureExit(unreadable: number): number {
  return unreadable > 0 ? exitCodes.badInput : exitCodes.done;
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

/** Of failures that came while another one was being cleaned up after, that one first. */
function* eachOf(error: unknown): Generator {
  if (error instanceof Error && "suppressed" in error && "error" in error) {
    yield* eachOf(error.suppressed);
    yield* eachOf(error.error);
  } else yield error;
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
