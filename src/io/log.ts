/**
 * The daemon's log: one JSON object a line, with a priority `<N>` before it when the journal reads, or readable lines when a
 * person does. It is handed on as an argument. Promise: no picture and nothing of a face gets into it, whatever a caller logs.
 */
import { fstatSync } from "node:fs";
import { isatty } from "node:tty";
import pino from "pino";
import { KioskError } from "../core/errors.ts";

/** What the adapters and the loop write to. Without pino's `child`, whose bindings nothing could look through. */
export type Log = Pick<pino.Logger, pino.Level>;

export type LogStyle = "json" | "journal" | "terminal";

/** Where finished lines go. */
export interface LogSink {
  write(line: string): void;
}

export interface LogOptions {
  readonly level: pino.Level;
  readonly style: LogStyle;
  readonly sink: LogSink;
}

/** syslog's numbers, which the journal takes from the start of a line (sd-daemon(3)). */
const priorities: Readonly<Record<pino.Level, number>> = {
  fatal: 2,
  error: 3,
  warn: 4,
  info: 6,
  debug: 7,
  trace: 7,
};

/** Keys under which pictures and faces travel through maskgate. */
const withheldKeys: ReadonlySet<string> = new Set([
  ...["pixels", "memory", "picture", "image", "crop", "crops", "observation"],
  ...["box", "boxes", "verdict", "verdicts", "tracks", "masked", "score"],
]);

/** As `withheldKeys`, but a plain number under these is a count or a sequence number. */
const countedKeys: ReadonlySet<string> = new Set(["face", "faces", "frame", "frames"]);

const withheld = "[withheld]";

/** A logger of its own: no global, no shared destination. */
export function createLog({ level, style, sink }: LogOptions): Log {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: {
        level: (label) => ({ level: label }),
        log: (object) => discreet(object, 0) as Record<string, unknown>,
      },
      serializers: { err: describeError },
    },
    {
      write: (line: string) => {
        sink.write(styled(line, style));
      },
    },
  );
}

/** The log on a file descriptor, in the style that fits whoever reads there; written at once, so that a crash loses nothing. */
export function openLog(level: pino.Level, fd = 1, env: NodeJS.ProcessEnv = process.env): Log {
  return createLog({ level, style: styleOf(fd, env), sink: pino.destination({ dest: fd, sync: true }) });
}

/**
 * Who reads a file descriptor. JOURNAL_STREAM is inherited by children whose output goes elsewhere, so it counts only if
 * it names the very file (systemd.exec(5)).
 */
export function styleOf(fd: number, env: NodeJS.ProcessEnv): LogStyle {
  const { dev, ino } = fstatSync(fd, { bigint: true });
  if (env["JOURNAL_STREAM"] === `${dev}:${ino}`) return "journal";
  return isatty(fd) ? "terminal" : "json";
}

function styled(line: string, style: LogStyle): string {
  if (style === "json") return line;
  const entry = JSON.parse(line) as Record<string, unknown> & {
    level: pino.Level;
    time: string;
    msg?: string;
  };
  return style === "journal" ? `<${priorities[entry.level]}>${line}` : readable(entry);
}

function readable(
  entry: Readonly<Record<string, unknown>> & { level: pino.Level; time: string; msg?: string },
): string {
  const { level, time, msg, ...rest } = entry;
  const details = Object.entries(rest).map(
    ([key, value]) =>
      ` ${key}=${typeof value === "string" && !/\s/.test(value) ? value : JSON.stringify(value)}`,
  );
  return `${time.slice(11, 23)} ${level.padEnd(5)} ${msg ?? ""}${details.join("")}\n`;
}

/** An expected failure is its code and its line; only a bug needs its stack. */
function describeError(error: unknown): unknown {
  if (error instanceof KioskError) return { code: error.code, message: error.message };
  return error instanceof Error ? { message: error.message, stack: error.stack } : error;
}

function discreet(value: unknown, depth: number): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (
    ArrayBuffer.isView(value) ||
    value instanceof ArrayBuffer ||
    value instanceof SharedArrayBuffer ||
    depth > 6
  ) {
    return withheld;
  }
  if (value instanceof Error || "toJSON" in value) return value;
  if (Array.isArray(value)) return value.map((item) => discreet(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([key, child]) => [
      key,
      isWithheld(key, child) ? withheld : discreet(child, depth + 1),
    ]),
  );
}

function isWithheld(key: string, value: unknown): boolean {
  return withheldKeys.has(key) || (countedKeys.has(key) && typeof value !== "number");
}
