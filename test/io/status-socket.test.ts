import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { KioskError, type ErrorCode } from "../../src/core/errors.ts";
import type { StatusServer } from "../../src/io/status-server.ts";
import { ask, Kiosk } from "./status-probe.ts";

async function refused(opening: Promise<StatusServer>, code: ErrorCode, reason: RegExp): Promise<void> {
  await assert.rejects(opening, (error) => {
    assert.ok(error instanceof KioskError, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, reason);
    assert.doesNotMatch(error.message, /\n/);
    return true;
  });
}

/** A process that listens on the path and, unless it is to live on, dies without cleaning up. */
async function listener(socketPath: string, then: "lives" | "dies"): Promise<() => Promise<void>> {
  const program = `require("net").createServer(() => {}).listen(${JSON.stringify(socketPath)}, () => console.log("up"))`;
  const child = spawn(process.execPath, ["-e", program], { stdio: ["ignore", "pipe", "inherit"] });
  await once(child.stdout, "data");
  const kill = async (): Promise<void> => {
    const exit = once(child, "exit");
    child.kill("SIGKILL");
    await exit;
  };
  if (then === "dies") await kill();
  return kill;
}

test("the socket of a live daemon stays and is named", async () => {
  await using kiosk = new Kiosk();
  await kiosk.open();
  await using second = new Kiosk();
  Object.assign(second, { socketPath: kiosk.socketPath });
  await refused(
    second.open(),
    "socket-busy",
    new RegExp(`^${kiosk.socketPath}: a live daemon has this socket`),
  );
  assert.equal((await ask(kiosk.socketPath, "/v1/status")).status, 200);
  assert.deepEqual(readdirSync(kiosk.folder), ["status.sock"]);
});

test("so does one of another program that listens", async () => {
  await using kiosk = new Kiosk();
  const kill = await listener(kiosk.socketPath, "lives");
  await refused(kiosk.open(), "socket-busy", /a live daemon/);
  await kill();
});

test("the socket of a dead daemon is replaced", async () => {
  await using kiosk = new Kiosk();
  await listener(kiosk.socketPath, "dies");
  assert.ok(lstatSync(kiosk.socketPath).isSocket());
  await kiosk.open();
  assert.equal((await ask(kiosk.socketPath, "/v1/status")).status, 200);
});

for (const [name, make, isThere] of [
  [
    "a file",
    (at: string) => {
      writeFileSync(at, "precious");
    },
    (at: string) => readFileSync(at, "utf8") === "precious",
  ],
  [
    "a folder",
    (at: string) => {
      mkdirSync(at);
    },
    (at: string) => lstatSync(at).isDirectory(),
  ],
  [
    "a dangling link",
    (at: string) => {
      symlinkSync("/nowhere/x", at);
    },
    (at: string) => lstatSync(at).isSymbolicLink(),
  ],
] as const) {
  test(`${name} in the socket's place is refused and untouched`, async () => {
    await using kiosk = new Kiosk();
    make(kiosk.socketPath);
    await refused(kiosk.open(), "socket-failed", /: this is no socket and stays untouched/);
    assert.ok(isThere(kiosk.socketPath));
    assert.deepEqual(readdirSync(kiosk.folder), ["status.sock"]);
  });
}

test("a path of 107 bytes is taken, one of 108 is refused clearly", async () => {
  await using kiosk = new Kiosk();
  const longest = path.join(kiosk.folder, "x".repeat(106 - kiosk.folder.length));
  Object.assign(kiosk, { socketPath: `${longest}x` });
  await refused(kiosk.open(), "socket-failed", /too long for a socket, Linux takes 107 bytes/);
  Object.assign(kiosk, { socketPath: longest });
  await kiosk.open();
  assert.equal((await ask(longest, "/v1/status")).status, 200);
});

test("a missing folder, and a file in its place, are named", async () => {
  await using kiosk = new Kiosk();
  Object.assign(kiosk, { socketPath: path.join(kiosk.folder, "none", "s") });
  await refused(kiosk.open(), "socket-failed", /the folder \S+\/none is missing; make it/);
  writeFileSync(path.join(kiosk.folder, "file"), "");
  Object.assign(kiosk, { socketPath: path.join(kiosk.folder, "file", "s") });
  await refused(kiosk.open(), "socket-failed", /\/file is no folder/);
});

test("on closing, what somebody else has put in our place stays", async () => {
  await using kiosk = new Kiosk();
  const server = await kiosk.open();
  renameSync(kiosk.socketPath, path.join(kiosk.folder, "moved"));
  await using other = new Kiosk();
  Object.assign(other, { socketPath: kiosk.socketPath });
  await other.open();
  await server[Symbol.asyncDispose]();
  assert.equal((await ask(kiosk.socketPath, "/v1/status")).status, 200);
});
