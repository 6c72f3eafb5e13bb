/**
 * The other end of the status socket, for `maskgate status` and `maskgate watch`. What does not answer as a maskgate does is a
 * KioskError that names the socket and what to do; a stream that broke is followed again by itself.
 */
import { once } from "node:events";
import { type ClientRequest, type IncomingMessage, request } from "node:http";
import { setTimeout as wait } from "node:timers/promises";
import { KioskError, messageOf } from "../core/errors.ts";
import type { StatusSnapshot } from "../core/status.ts";
import { eventStreamParser, type ServerEvent } from "./event-stream.ts";
import { errorSchema, statusSchema } from "./status-schema.ts";

export interface FollowOptions {
  readonly signal: AbortSignal;
  /** Wait before the stream is followed again. */
  readonly reconnectMs?: number;
  /** Silence after which the stream counts as broken; the daemon says something every 10 s. */
  readonly silenceMs?: number;
}

export type StatusEvent =
  | { readonly kind: "state" | "frame"; readonly snapshot: StatusSnapshot }
  /** The stream broke and is tried again; told once for each break. */
  | { readonly kind: "lost"; readonly reason: KioskError };

const answerMs = 5000;
const mostAnswerBytes = 1024 * 1024;

/** The state now. */
export async function fetchStatus(socketPath: string): Promise<StatusSnapshot> {
  const signal = AbortSignal.timeout(answerMs);
  try {
    const response = await open(socketPath, "/v1/status", signal);
    return parseSnapshot(socketPath, await readAll(socketPath, response));
  } catch (error) {
    throw explain(socketPath, error);
  }
}

/**
 * The state, then everything that happens, until the signal is aborted. Throws if the first try fails; later ones are
 * repeated for as long as it takes.
 */
export async function* followStatus(
  socketPath: string,
  { signal, reconnectMs = 1000, silenceMs = 25_000 }: FollowOptions,
): AsyncGenerator<StatusEvent, void, void> {
  let isKnown = false;
  let isLost = false;
  const isOver = (): boolean => signal.aborted;
  while (!isOver()) {
    try {
      for await (const event of followOnce(socketPath, signal, silenceMs)) {
        isKnown = true;
        isLost = false;
        yield event;
      }
    } catch (error) {
      if (isOver()) return;
      const reason = explain(socketPath, error);
      if (!isKnown) throw reason;
      if (!isLost) yield { kind: "lost", reason };
      isLost = true;
    }
    await wait(reconnectMs, undefined, { signal }).catch(() => undefined);
  }
}

async function* followOnce(
  socketPath: string,
  signal: AbortSignal,
  silenceMs: number,
): AsyncGenerator<StatusEvent> {
  const response = await open(socketPath, "/v1/events", signal);
  response.setTimeout(silenceMs, () => response.destroy(new Error(`nothing came for ${silenceMs} ms`)));
  const parse = eventStreamParser();
  response.setEncoding("utf8");
  for await (const piece of response as AsyncIterable<string>) {
    for (const event of parse(piece)) {
      if (isOurs(event)) yield { kind: event.name, snapshot: parseSnapshot(socketPath, event.data) };
    }
  }
  throw new Error("the daemon closed the stream");
}

function isOurs(event: ServerEvent): event is ServerEvent & { readonly name: "state" | "frame" } {
  return event.name === "state" || event.name === "frame";
}

async function open(socketPath: string, path: string, signal: AbortSignal): Promise<IncomingMessage> {
  const asked: ClientRequest = request({ socketPath, path, signal, agent: false, timeout: answerMs });
  asked.on("timeout", () => asked.destroy(new Error(`no answer within ${answerMs} ms`)));
  asked.end();
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  // From here on an error of the request, such as an abort, reaches the reader through the response.
  asked.on("error", () => undefined);
  if (response.statusCode === 200) return response;
  const told = errorSchema.safeParse(parseJson(await readAll(socketPath, response)));
  if (!told.success) throw stranger(socketPath);
  throw new KioskError("socket-failed", `${socketPath}: ${told.data.error}`);
}

async function readAll(socketPath: string, response: IncomingMessage): Promise<string> {
  response.setEncoding("utf8");
  let text = "";
  for await (const piece of response as AsyncIterable<string>) {
    text += piece;
    if (text.length > mostAnswerBytes) throw stranger(socketPath);
  }
  return text;
}

function parseSnapshot(socketPath: string, text: string): StatusSnapshot {
  const parsed = statusSchema.safeParse(parseJson(text));
  if (!parsed.success) throw stranger(socketPath);
  return parsed.data;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function stranger(socketPath: string): KioskError {
  return new KioskError(
    "socket-failed",
    `${socketPath}: what answers is no maskgate, or one of another version; check status.socketPath`,
  );
}

function explain(socketPath: string, error: unknown): KioskError {
  if (error instanceof KioskError) return error;
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (code.startsWith("HPE_")) return stranger(socketPath);
  const reasons: Readonly<Record<string, string>> = {
    ENOENT: "there is no such socket; is the daemon running, and is this its status.socketPath?",
    ENOTDIR: "there is no such socket; is the daemon running, and is this its status.socketPath?",
    ECONNREFUSED: "nobody answers there; is the daemon running?",
    EACCES: "no permission; use the socket as a member of its group (ls -l shows it)",
    ECONNRESET: "the daemon closed the connection",
    ABORT_ERR: `no answer within ${answerMs / 1000} s; the daemon is there but hangs: restart it (systemctl restart maskgate)`,
  };
  return new KioskError("socket-failed", `${socketPath}: ${reasons[code] ?? messageOf(error)}`, {
    cause: error,
  });
}
