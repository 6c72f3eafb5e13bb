/** Real status servers in temporary folders, and clients that speak raw bytes to them. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { request, type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { Ajv2020 } from "ajv/dist/2020.js";
import { initialState } from "../../src/core/access.ts";
import type { StatusSnapshot } from "../../src/core/status.ts";
import { jsonSchemas } from "../../src/io/status-schema.ts";
import { StatusServer, type StatusLimits } from "../../src/io/status-server.ts";
import { snapshotOf } from "./status-sample.ts";

/** A server whose clock and snapshot are the test's. */
export class Kiosk implements AsyncDisposable {
  readonly folder = mkdtempSync(path.join(tmpdir(), "maskgate-status-"));
  readonly socketPath = path.join(this.folder, "status.sock");
  nowMs = 1000;
  now: StatusSnapshot = snapshotOf(initialState);
  server: StatusServer | undefined;

  async open(maxClients = 4, limits: Partial<StatusLimits> = {}): Promise<StatusServer> {
    this.server = await StatusServer.open({
      socketPath: this.socketPath,
      maxClients,
      freshMs: 2000,
      clock: { nowMs: () => this.nowMs },
      snapshot: () => this.now,
      metrics: {
        contentType: "text/plain; version=0.0.4",
        text: () => Promise.resolve("maskgate_faces 1\n"),
      },
      limits,
    });
    return this.server;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server?.[Symbol.asyncDispose]();
    rmSync(this.folder, { recursive: true });
  }
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** One whole request and answer. */
export async function ask(socketPath: string, target: string, method = "GET", body = ""): Promise<Answer> {
  const asked = request({ socketPath, path: target, method, agent: false });
  asked.on("error", () => undefined);
  asked.end(body);
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  let text = "";
  for await (const piece of response as AsyncIterable<Buffer>) text += piece.toString();
  return { status: response.statusCode ?? 0, headers: response.headers, body: text };
}

/** A connection that sends `text` and gathers what comes. */
export async function raw(socketPath: string, text: string): Promise<{ socket: Socket; got: () => string }> {
  const socket = connect(socketPath);
  let got = "";
  socket.on("data", (data) => (got += data.toString()));
  socket.on("error", () => undefined);
  await once(socket, "connect");
  if (text !== "") socket.write(text);
  return { socket, got: () => got };
}

/** What asks for the stream of events. */
export const follow = "GET /v1/events HTTP/1.1\r\nhost: x\r\n\r\n";

/** Waits for at most three seconds. */
export async function until(isTrue: () => boolean, what: string): Promise<void> {
  for (let tries = 0; tries < 300; tries += 1) {
    if (isTrue()) return;
    await wait(10);
  }
  assert.fail(what);
}

/** Where a schema lies. */
export const fileOf = (name: string): string => `src/io/schemas/${name}`;

const validators = new Map(
  Object.keys(jsonSchemas()).map((name) => {
    return [name, new Ajv2020().compile(JSON.parse(readFileSync(fileOf(name), "utf8")) as object)] as const;
  }),
);

/** Fails if the text is not as the schema of that name says. */
export function assertFits(name: string, text: string): void {
  const validate = validators.get(name);
  assert.ok(validate !== undefined);
  assert.ok(validate(JSON.parse(text)), JSON.stringify(validate.errors));
}
