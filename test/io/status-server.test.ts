import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import type { Socket } from "node:net";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { initialState } from "../../src/core/access.ts";
import { jsonSchemas } from "../../src/io/status-schema.ts";
import { faulted, snapshotOf, stateAfter } from "./status-sample.ts";
import { ask, assertFits, fileOf, follow, Kiosk, raw, until } from "./status-probe.ts";

for (const [name, schema] of Object.entries(jsonSchemas())) {
  test(`schemas/${name} is the schema that the client checks with`, () => {
    assert.deepEqual(
      JSON.parse(readFileSync(fileOf(name), "utf8")),
      JSON.parse(JSON.stringify(schema)),
      `write it anew: jsonSchemas()["${name}"] of src/io/status-schema.ts, formatted by prettier`,
    );
  });
}

test("the socket has mode 0660 and nothing else is in its folder", async () => {
  await using kiosk = new Kiosk();
  await kiosk.open();
  assert.equal(statSync(kiosk.socketPath).mode & 0o777, 0o660);
  assert.deepEqual(spawnSync("ls", ["-A", kiosk.folder], { encoding: "utf8" }).stdout, "status.sock\n");
});

test("/v1/status answers every state as the JSON schema says", async () => {
  await using kiosk = new Kiosk();
  await kiosk.open();
  const states = [
    initialState,
    stateAfter([0.9]),
    stateAfter([0.1, 0.1]),
    stateAfter([0.9, 0.9, 0.9]),
    faulted,
  ];
  const kinds = new Set<string>();
  for (const state of states) {
    kiosk.now = snapshotOf(state, state === initialState ? { stages: null } : {});
    const { status, headers, body } = await ask(kiosk.socketPath, "/v1/status?pretty");
    assert.equal(status, 200);
    assert.equal(headers["content-type"], "application/json");
    assert.deepEqual(JSON.parse(body), kiosk.now);
    assertFits("status.json", body);
    kinds.add(kiosk.now.access.kind);
  }
  assert.deepEqual([...kinds].sort(), ["checking", "faulted", "granted", "idle", "refused"]);
  assert.throws(() => {
    assertFits("status.json", JSON.stringify({ ...kiosk.now, picture: "x" }));
  }, "the schema refuses what is not in it");
});

test(
  "curl reads the socket",
  { skip: spawnSync("curl", ["--version"]).status !== 0 && "curl is not here" },
  async () => {
    await using kiosk = new Kiosk();
    await kiosk.open();
    const curl = spawn("curl", ["-s", "--unix-socket", kiosk.socketPath, "http://maskgate/metrics"]);
    let text = "";
    curl.stdout.on("data", (data: Buffer) => (text += data.toString()));
    await once(curl, "close");
    assert.equal(text, "maskgate_faces 1\n");
  },
);

test("/healthz is 200 only while decided frames are fresh", async () => {
  await using kiosk = new Kiosk();
  const server = await kiosk.open();
  const health = async (): Promise<readonly [number, unknown]> => {
    const { status, body } = await ask(kiosk.socketPath, "/healthz");
    assertFits("health.json", body);
    return [status, JSON.parse(body)];
  };
  server.update("tick");
  assert.deepEqual(await health(), [503, { kind: "failing", reason: "no frame was decided yet" }]);
  server.update("frame");
  kiosk.nowMs += 2000;
  assert.deepEqual(await health(), [200, { kind: "ok" }]);
  kiosk.nowMs += 1;
  server.update("tick");
  kiosk.now = snapshotOf(faulted);
  const reason = "no frame decided for 2001 ms: camera: no frames for 2000 ms";
  assert.deepEqual(await health(), [503, { kind: "failing", reason }]);
});

for (const [method, target, status] of [
  ["GET", "/", 404],
  ["GET", "/v1/status/", 404],
  ["GET", "/v1/../metrics", 404],
  ["POST", "/v1/status", 405],
  ["HEAD", "/healthz", 405],
  ["DELETE", "/nothing", 405],
] as const) {
  test(`${method} ${target} is refused with ${status}`, async () => {
    await using kiosk = new Kiosk();
    await kiosk.open();
    const answer = await ask(kiosk.socketPath, target, method, method === "POST" ? "x".repeat(300_000) : "");
    assert.equal(answer.status, status);
    if (method !== "HEAD") assertFits("error.json", answer.body);
    assert.equal(answer.headers.allow, status === 405 ? "GET" : undefined);
    assert.equal(answer.headers.connection, "close");
  });
}

test("a body is never taken for another request", async () => {
  await using kiosk = new Kiosk();
  await kiosk.open();
  const smuggled = "GET /v1/status HTTP/1.1\r\nhost: x\r\n\r\n";
  const head = `POST /metrics HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n`;
  const client = await raw(kiosk.socketPath, head + smuggled);
  await once(client.socket, "close");
  assert.deepEqual(client.got().match(/HTTP\/1\.1 \d+/g), ["HTTP/1.1 405"]);
});

for (const [name, text, status] of [
  ["no HTTP", "open the door please\r\n\r\n", "400"],
  ["endless headers", `GET / HTTP/1.1\r\nx: ${"y".repeat(9000)}\r\n\r\n`, "431"],
  ["headers that never end", "GET / HTTP/1.1\r\n", "408"],
  ["silence", "", "408"],
] as const) {
  test(`${name}: ${status} in JSON, and the connection is closed`, async () => {
    await using kiosk = new Kiosk();
    await kiosk.open(1, { requestMs: 200 });
    const client = await raw(kiosk.socketPath, text);
    await once(client.socket, "close");
    const [head, body] = client.got().split("\r\n\r\n");
    assert.match(head ?? "", new RegExp(`^HTTP/1\\.1 ${status} `));
    assertFits("error.json", body ?? "");
    assert.equal((await ask(kiosk.socketPath, "/v1/status")).status, 200, "its place is free again");
  });
}

test("one client above the bound gets 503 and is closed; the others notice nothing; its place comes back", async () => {
  await using kiosk = new Kiosk();
  const server = await kiosk.open(3);
  const clients = await Promise.all([1, 2, 3].map(() => raw(kiosk.socketPath, follow)));
  await until(() => clients.every((client) => client.got().includes("event: state")), "all three follow");
  const surplus = await ask(kiosk.socketPath, "/v1/status");
  assert.equal(surplus.status, 503);
  assert.deepEqual(JSON.parse(surplus.body), { error: "all 3 clients are connected, try again later" });
  server.update("frame");
  await until(() => clients.every((client) => client.got().includes("event: frame")), "the three go on");
  clients[0]?.socket.destroy();
  await wait(50);
  assert.equal((await ask(kiosk.socketPath, "/v1/status")).status, 200);
});

test("a flood of silent connections is cut off and does not last", async () => {
  await using kiosk = new Kiosk();
  await kiosk.open(2, { requestMs: 1200 });
  const flood = await Promise.all(Array.from({ length: 60 }, () => raw(kiosk.socketPath, "")));
  const isOpen = (client: { socket: Socket }): boolean => !client.socket.closed;
  await wait(300);
  assert.equal(
    flood.filter(isOpen).length,
    10,
    "2 clients and 8 that are refused stay, the rest is gone at once",
  );
  await until(() => !flood.some(isOpen), "all are closed");
  assert.equal((await ask(kiosk.socketPath, "/v1/status")).status, 200);
});

test("closing ends the streams at once and removes the socket", async () => {
  await using kiosk = new Kiosk();
  const server = await kiosk.open();
  const reader = await raw(kiosk.socketPath, follow);
  await until(() => reader.got() !== "", "follows");
  const closed = once(reader.socket, "close");
  await server[Symbol.asyncDispose]();
  await closed;
  assert.throws(() => statSync(kiosk.socketPath), /ENOENT/);
  writeFileSync(kiosk.socketPath, "of somebody else");
  await server[Symbol.asyncDispose]();
  assert.equal(readFileSync(kiosk.socketPath, "utf8"), "of somebody else");
});
