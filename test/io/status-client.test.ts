import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { test } from "node:test";
import { initialState } from "../../src/core/access.ts";
import { KioskError } from "../../src/core/errors.ts";
import { fetchStatus, followStatus, type StatusEvent } from "../../src/io/status-client.ts";
import { Kiosk, raw } from "./status-probe.ts";
import { faulted, snapshotOf, stateAfter } from "./status-sample.ts";

function isRefusal(socketPath: string, reason: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof KioskError, String(error));
    assert.ok(error.message.startsWith(`${socketPath}: `), error.message);
    assert.match(error.message, reason);
    assert.doesNotMatch(error.message, /\n/);
    return true;
  };
}

/** Both ways to ask fail for the same reason. */
async function refuses(socketPath: string, reason: RegExp): Promise<void> {
  await assert.rejects(fetchStatus(socketPath), isRefusal(socketPath, reason));
  const follow = followStatus(socketPath, { signal: new AbortController().signal });
  await assert.rejects(follow.next(), isRefusal(socketPath, reason));
}

async function answering(socketPath: string, bytes: string): Promise<Server> {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => socket.end(bytes));
  });
  server.listen(socketPath);
  await once(server, "listening");
  return server;
}

test("the state comes as the daemon tells it", async () => {
  await using kiosk = new Kiosk();
  await kiosk.open();
  for (const state of [initialState, stateAfter([0.9, 0.9, 0.9]), faulted]) {
    kiosk.now = snapshotOf(state);
    assert.deepEqual(await fetchStatus(kiosk.socketPath), kiosk.now);
  }
});

test("no socket, a file, and a dead socket are told apart from nothing to say", async () => {
  await using kiosk = new Kiosk();
  await refuses(kiosk.socketPath, /there is no such socket; is the daemon running/);
  writeFileSync(kiosk.socketPath, "");
  await refuses(kiosk.socketPath, /nobody answers there; is the daemon running/);
});

test(
  "no permission",
  { skip: process.getuid?.() !== 0 && "needs root, to become somebody else" },
  async () => {
    await using kiosk = new Kiosk();
    await kiosk.open();
    chmodSync(kiosk.folder, 0o755);
    const client = JSON.stringify(new URL("../../src/io/status-client.js", import.meta.url).href);
    // The modules are read before the change of user, who may not read them.
    const program = `import { fetchStatus } from ${client}; process.setgroups([]); process.setgid(65534); process.setuid(65534);
    await fetchStatus(${JSON.stringify(kiosk.socketPath)}).catch((error) => console.log(error.message));`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [line] = (await once(child.stdout, "data")) as [Buffer];
    assert.match(line.toString(), /no permission; use the socket as a member of its group/);
  },
);

for (const [name, bytes] of [
  ["no HTTP", "SSH-2.0-OpenSSH_9.2\r\n"],
  ["another HTTP server", "HTTP/1.1 404 Not Found\r\ncontent-length: 5\r\n\r\nnope\n"],
  ["other JSON", 'HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{"status":"fine"}'],
] as const) {
  test(`what answers ${name} is no maskgate`, async () => {
    await using kiosk = new Kiosk();
    const server = await answering(kiosk.socketPath, bytes);
    await assert.rejects(fetchStatus(kiosk.socketPath), isRefusal(kiosk.socketPath, /is no maskgate/));
    server.close();
  });
}

test("a full daemon says so", async () => {
  await using kiosk = new Kiosk();
  await kiosk.open(1);
  await raw(kiosk.socketPath, "");
  await refuses(kiosk.socketPath, /all 1 clients are connected/);
});

test("the events are followed, over the daemon's end and its new start, until the signal", async () => {
  await using kiosk = new Kiosk();
  let server = await kiosk.open();
  const stop = new AbortController();
  const seen: string[] = [];
  const kinds = (event: StatusEvent): string =>
    event.kind === "lost" ? `lost ${event.reason.code}` : `${event.kind} ${event.snapshot.access.kind}`;
  for await (const event of followStatus(kiosk.socketPath, { signal: stop.signal, reconnectMs: 20 })) {
    seen.push(kinds(event));
    if (seen.length === 1) server.update("frame");
    if (seen.length === 2) await server[Symbol.asyncDispose]();
    if (seen.length === 3) {
      // Several tries fail before the daemon is back; they are told once.
      await new Promise((done) => setTimeout(done, 100));
      kiosk.now = snapshotOf(faulted);
      setTimeout(() => void kiosk.open().then((again) => (server = again)), 100);
    }
    if (seen.length === 4) stop.abort();
  }
  assert.deepEqual(seen, ["state idle", "frame idle", "lost socket-failed", "state faulted"]);
});

test("a stream that went silent is followed anew", async () => {
  await using kiosk = new Kiosk();
  await kiosk.open();
  const stop = new AbortController();
  const seen: string[] = [];
  for await (const event of followStatus(kiosk.socketPath, {
    signal: stop.signal,
    reconnectMs: 1,
    silenceMs: 50,
  })) {
    seen.push(event.kind === "lost" ? event.reason.message : event.kind);
    if (seen.length === 3) stop.abort();
  }
  assert.deepEqual(seen, ["state", `${kiosk.socketPath}: nothing came for 50 ms`, "state"]);
});

test("the signal ends a follower that waits for the next event", async () => {
  await using kiosk = new Kiosk();
  await kiosk.open();
  const stop = new AbortController();
  const follow = followStatus(kiosk.socketPath, { signal: stop.signal });
  await follow.next();
  const next = follow.next();
  setTimeout(() => {
    stop.abort();
  }, 20);
  assert.deepEqual(await next, { done: true, value: undefined });
});
