/**
 * The status socket: HTTP over a Unix socket that only speaks. Nothing that a client sends is more than a choice among four
 * answers: /v1/status, /v1/events, /metrics, /healthz. Clients, their requests and what waits for them are bounded in number,
 * size and time, so that none of them can hold up the door.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { DoorEvent } from "../core/door-report.ts";
import type { Clock } from "../core/ports.ts";
import type { StatusSnapshot } from "../core/status.ts";
import { type EventLimits, StatusEvents } from "./status-events.ts";
import type { Health } from "./status-schema.ts";
import { type ClaimedPath, listenAt, type SocketPlace } from "./status-socket.ts";

export interface StatusLimits extends EventLimits {
  /** How long a request, or a client with none, may take. */
  readonly requestMs: number;
}

const usualLimits: StatusLimits = {
  bufferedBytes: 64 * 1024,
  stalledMs: 5000,
  heartbeatMs: 10_000,
  requestMs: 5000,
};

/** Clients beyond the bound that are told so; still more are closed without a word. */
const mostRefusals = 8;
const longestHeaderBytes = 8192;

/** Where the status socket goes. */
export function statusPlace(path: string): SocketPlace {
  return { path, key: "status.socketPath", owner: "daemon" };
}

export interface StatusServerOptions {
  readonly socketPath: string;
  readonly maxClients: number;
  /** /healthz fails when the last decided frame is older. */
  readonly freshMs: number;
  readonly clock: Clock;
  readonly snapshot: () => StatusSnapshot;
  readonly metrics: { readonly contentType: string; text(): Promise<string> };
  readonly limits?: Partial<StatusLimits>;
}

/** Owns the socket path while it lives. */
export class StatusServer implements AsyncDisposable {
  readonly #options: StatusServerOptions;
  readonly #http: Server;
  readonly #events: StatusEvents;
  readonly #clients = new Set<Socket>();
  readonly #surplus = new WeakSet<Socket>();
  #claimed: ClaimedPath | undefined;
  #decidedAtMs: number | undefined;

  private constructor(options: StatusServerOptions) {
    const limits = { ...usualLimits, ...options.limits };
    this.#options = options;
    this.#events = new StatusEvents(options.snapshot, options.clock, limits);
    this.#http = createServer({
      maxHeaderSize: longestHeaderBytes,
      headersTimeout: limits.requestMs,
      requestTimeout: limits.requestMs,
      keepAliveTimeout: limits.requestMs,
      connectionsCheckingInterval: Math.min(limits.requestMs, 1000),
    });
    this.#http.maxConnections = options.maxClients + mostRefusals;
    this.#http.on("connection", (socket) => {
      this.#count(socket, limits.requestMs);
    });
    this.#http.on("request", (request, response) => void this.#answer(request, response));
    this.#http.on("checkContinue", (request, response) => void this.#answer(request, response));
    this.#http.on("clientError", refuseRequest);
  }

  /** Listens, or fails with a KioskError "socket-busy" or "socket-failed". */
  static async open(options: StatusServerOptions): Promise<StatusServer> {
    const server = new StatusServer(options);
    try {
      server.#claimed = await listenAt(server.#http, statusPlace(options.socketPath));
      return server;
    } catch (error) {
      server.#events[Symbol.dispose]();
      throw error;
    }
  }

  /** Tells the readers of /v1/events what is new; `frame` for a decided frame, on which /healthz depends. */
  update(what: "frame" | "tick"): void {
    if (what === "frame") this.#decidedAtMs = this.#options.clock.nowMs();
    this.#events.update(what);
  }

  /** Tells the readers of /v1/events what happened at the door. */
  door(event: DoorEvent): void {
    this.#events.door(event);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#events[Symbol.dispose]();
    this.#claimed?.release();
    this.#claimed = undefined;
    const closed = new Promise((resolve) => this.#http.close(resolve));
    this.#http.closeAllConnections();
    await closed;
  }

  #count(socket: Socket, refusalMs: number): void {
    if (this.#clients.size < this.#options.maxClients) {
      this.#clients.add(socket);
      socket.once("close", () => this.#clients.delete(socket));
      return;
    }
    this.#surplus.add(socket);
    const timeout = setTimeout(() => socket.destroy(), Math.min(refusalMs, 1000));
    socket.once("close", () => {
      clearTimeout(timeout);
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.#surplus.has(request.socket)) {
      const error = `all ${this.#options.maxClients} clients are connected, try again later`;
      response.setHeader("retry-after", "1");
      answerJson(response, 503, { error });
      return;
    }
    if (request.method !== "GET") {
      response.setHeader("allow", "GET");
      answerJson(response, 405, { error: "this socket only speaks: GET" });
      return;
    }
    switch (request.url?.split("?")[0] ?? "") {
      case "/v1/status":
        answerJson(response, 200, this.#options.snapshot());
        return;
      case "/v1/events":
        this.#events.add(response);
        return;
      case "/healthz": {
        const health = this.#health();
        answerJson(response, health.kind === "ok" ? 200 : 503, health);
        return;
      }
      case "/metrics":
        answer(response, 200, this.#options.metrics.contentType, await this.#options.metrics.text());
        return;
      default:
        answerJson(response, 404, { error: "there are /v1/status, /v1/events, /metrics and /healthz" });
    }
  }

  #health(): Health {
    const { clock, freshMs, snapshot } = this.#options;
    const ageMs = this.#decidedAtMs === undefined ? undefined : clock.nowMs() - this.#decidedAtMs;
    if (ageMs !== undefined && ageMs <= freshMs) return { kind: "ok" };
    const fault = snapshot().fault;
    const because = fault === null ? "" : `: ${fault.source}: ${fault.message}`;
    const age =
      ageMs === undefined ? "no frame was decided yet" : `no frame decided for ${Math.round(ageMs)} ms`;
    return { kind: "failing", reason: `${age}${because}`.replaceAll(/\s+/g, " ") };
  }
}

function answerJson(response: ServerResponse, status: number, body: object): void {
  answer(response, status, "application/json", `${JSON.stringify(body)}\n`);
}

/** One answer a connection: a body that a client goes on sending is never read as its next request. */
function answer(response: ServerResponse, status: number, contentType: string, body: string): void {
  response.writeHead(status, {
    "content-type": contentType,
    "content-length": Buffer.byteLength(body),
    "cache-control": "no-store",
    connection: "close",
  });
  response.end(body);
}

function refuseRequest(
  error: NodeJS.ErrnoException,
  socket: NodeJS.WritableStream & { destroy(): void },
): void {
  if (!socket.writable || error.code === "ECONNRESET") {
    socket.destroy();
    return;
  }
  const [status, reason] = statusOf(error.code);
  const body = `${JSON.stringify({ error: reason })}\n`;
  socket.end(
    `HTTP/1.1 ${status}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
    () => {
      socket.destroy();
    },
  );
}

function statusOf(code: string | undefined): readonly [string, string] {
  switch (code ?? "") {
    case "HPE_HEADER_OVERFLOW":
      return [
        "431 Request Header Fields Too Large",
        `a request has at most ${longestHeaderBytes} bytes of headers`,
      ];
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return ["408 Request Timeout", "the request took too long"];
    default:
      return ["400 Bad Request", "this is no HTTP request"];
  }
}
