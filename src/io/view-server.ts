/**
 * The page of the installer's view over HTTP. Promises: it listens on the loopback address only; without the token of its
 * address nothing is told, whatever is asked; no other site can read it or be read by it, also not by a name that it makes
 * point here; no answer may be stored.
 */
import { randomBytes, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { KioskError, messageOf } from "../core/errors.ts";

/** A part of the page. */
export interface Asset {
  readonly type: string;
  readonly text: string;
}

/** Answers `GET frame` with JSON; the signal aborts when nobody waits any more. */
export type AnswerFrame = (signal: AbortSignal) => Promise<unknown>;

const address = "127.0.0.1";
/** A page has one question open; the rest are a second tab and a curious installer. */
const mostConnections = 8;
const longestHeaderBytes = 4096;
const requestTimeoutMs = 5000;
/** The browser is told that nothing but this page's own files may load, and that no other page may hold or read it. */
const headers = {
  "Cache-Control": "no-store",
  "Content-Security-Policy": [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; "),
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
};

/** A server that listens until it is disposed of. */
export class ViewServer implements AsyncDisposable {
  readonly #assets: ReadonlyMap<string, Asset>;
  readonly #token = randomBytes(24).toString("base64url");
  readonly #http: Server;
  #answerFrame: AnswerFrame | undefined;

  private constructor(assets: ReadonlyMap<string, Asset>) {
    this.#assets = assets;
    this.#http = createServer(
      { maxHeaderSize: longestHeaderBytes, requestTimeout: requestTimeoutMs },
      (request, response) => {
        this.#answer(request, response).catch((error: unknown) => {
          if (!response.headersSent) refuse(response, 500, messageOf(error));
          else response.destroy();
        });
      },
    );
    this.#http.maxConnections = mostConnections;
  }

  /**
   * The assets by name, "" is the page itself; port 0 takes one that is free.
   * @throws KioskError bad-usage if the port is taken or not ours to take
   */
  static async open(port: number, assets: ReadonlyMap<string, Asset>): Promise<ViewServer> {
    const server = new ViewServer(assets);
    await new Promise<void>((resolve, reject) => {
      server.#http.once("error", (cause: NodeJS.ErrnoException) => {
        reject(new KioskError("bad-usage", `view: ${portFailure(port, cause)}`, { cause }));
      });
      server.#http.listen({ host: address, port, exclusive: true }, resolve);
    });
    return server;
  }

  /** From now on frames are answered; before that the page is told to wait. */
  answerFrames(answer: AnswerFrame): void {
    this.#answerFrame = answer;
  }

  get port(): number {
    return (this.#http.address() as AddressInfo).port;
  }

  /** The address of the page, token included. */
  get url(): string {
    return `http://${address}:${this.port}/${this.#token}/`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#http.close(resolve));
    this.#http.closeAllConnections();
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    const refusal = refusalOf(request);
    if (refusal !== undefined) {
      refuse(response, refusal.status, refusal.reason);
      return;
    }
    const name = this.#nameIn(request.url ?? "");
    if (name === "frame") {
      await this.#frame(response);
      return;
    }
    const asset = name === undefined ? undefined : this.#assets.get(name);
    if (asset === undefined) refuse(response, 404, "the address is not one that maskgate view printed");
    else send(response, asset.type, asset.text);
  }

  async #frame(response: ServerResponse): Promise<void> {
    if (this.#answerFrame === undefined) {
      refuse(response, 503, "it starts");
      return;
    }
    const gone = new AbortController();
    response.once("close", () => {
      gone.abort();
    });
    send(response, "application/json", JSON.stringify(await this.#answerFrame(gone.signal)));
  }

  /** What is asked for, if the token is right. */
  #nameIn(url: string): string | undefined {
    const [, given = "", name, ...rest] = (url.split("?", 1)[0] ?? "").split("/");
    const [is, must] = [Buffer.from(given), Buffer.from(this.#token)];
    return is.length === must.length && timingSafeEqual(is, must) && rest.length === 0 ? name : undefined;
  }
}

interface Refusal {
  readonly status: number;
  readonly reason: string;
}

/** A name in `Host` that is not ours is another site that made its name point here. The port may be a tunnel's. */
function refusalOf({ method, headers: given }: IncomingMessage): Refusal | undefined {
  if (!/^(?:127\.0\.0\.1|localhost)(?::\d{1,5})?$/i.test(given.host ?? "")) {
    return { status: 421, reason: `ask for ${address} or localhost` };
  }
  const site = given["sec-fetch-site"];
  if (site !== undefined && site !== "same-origin" && site !== "none") {
    return { status: 403, reason: "other sites may not read this" };
  }
  return method === "GET" ? undefined : { status: 405, reason: "this only shows: GET" };
}

function refuse(response: ServerResponse, status: number, reason: string): void {
  response.writeHead(status, { "Content-Type": "text/plain; charset=utf-8" }).end(`${reason}\n`);
}

function send(response: ServerResponse, type: string, text: string): void {
  response.writeHead(200, { "Content-Type": type }).end(text);
}

function portFailure(port: number, { code, message }: NodeJS.ErrnoException): string {
  if (code === "EADDRINUSE") return `port ${port} is taken; choose another one with --port`;
  if (code === "EACCES") return `port ${port} is for root only; choose one from 1024 on with --port`;
  return `port ${port} cannot be used: ${message}`;
}
