/** The holder's socket as any program may meet it: raw bytes on a real socket, real time. */
import assert from "node:assert/strict";
import { lstatSync } from "node:fs";
import type { Socket } from "node:net";
import path from "node:path";
import { describe, it } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { KioskError } from "../../src/core/errors.ts";
import { monotonicClock } from "../../src/io/clock.ts";
import { openDoor } from "../../src/io/door.ts";
import { openIndicator } from "../../src/io/indicator.ts";
import { leaseVersion } from "../../src/io/lease-protocol.ts";
import { LeaseServer } from "../../src/io/lease-server.ts";
import { silentLog, socketFolder, until } from "../sim/door-benches.ts";
import { LeasePeer } from "../sim/lease-peer.ts";
import { SimLine } from "../sim/sim-line.ts";

const clock = monotonicClock();
/** Long, so that a busy machine is not taken for a silent peer. */
const silenceMs = 5000;

interface Holder extends AsyncDisposable {
  readonly socketPath: string;
  readonly line: SimLine;
  readonly green: SimLine;
}

async function openHolder(overrides: { readonly silenceMs?: number } = {}): Promise<Holder> {
  const [line, green] = [new SimLine(), new SimLine()];
  const door = openDoor(line, { wiring: "fail-secure", maxUnlockMs: 60_000 }, clock);
  const indicator = openIndicator({ green }, clock);
  const socketPath = path.join(socketFolder(), "lease.sock");
  const server = await LeaseServer.open({
    place: { path: socketPath, key: "gpio.leaseSocketPath", owner: "holder" },
    ...{ door, indicator, clock, log: silentLog, silenceMs, onTick: () => undefined, ...overrides },
  });
  return {
    ...{ socketPath, line, green },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      assert.equal(line.isActive, false);
      await door[Symbol.asyncDispose]();
      await indicator[Symbol.asyncDispose]();
    },
  };
}

/** A client that has the door open. */
async function unlocked({ socketPath, line }: Holder): Promise<LeasePeer> {
  const client = new LeasePeer(socketPath);
  client.say({ kind: "lock" });
  client.say({ kind: "unlock", untilMs: clock.nowMs() + 30_000 });
  client.say({ kind: "indicate", indication: "granted" });
  await until("an open door", () => line.isActive);
  return client;
}

describe("the lease socket", () => {
  it("belongs to owner and group alone", async () => {
    await using holder = await openHolder();
    assert.equal(lstatSync(holder.socketPath).mode & 0o777, 0o660);
  });

  it("tells at once what there is, and again and again", async () => {
    await using holder = await openHolder();
    using client = new LeasePeer(holder.socketPath);
    await until("reports", () => client.answers.length > 3);
    assert.deepEqual(client.account?.state, { kind: "locked" });
    assert.equal(client.account.heardAtMs, null);
  });

  it("obeys, and tells what it obeyed", async () => {
    await using holder = await openHolder();
    using client = await unlocked(holder);
    await until("the report", () => client.account?.state.kind === "unlocked" && holder.green.isActive);
    client.say({ kind: "lock" });
    await until("the lock", () => !holder.line.isActive);
    await until("its report", () => client.account?.state.kind === "locked");
  });

  it("turns a second client away, tells it why, and leaves the first alone", async () => {
    await using holder = await openHolder();
    using first = await unlocked(holder);
    using second = new LeasePeer(holder.socketPath);
    second.say({ kind: "lock" });
    await until("the end of the second", () => second.isClosed);
    assert.match(second.refusal ?? "", /another client has the door/);
    assert.equal(second.account, undefined);
    assert.equal(holder.line.isActive, true);
    assert.equal(first.isClosed, false);
  });

  it("takes the next client after the first", async () => {
    await using holder = await openHolder();
    (await unlocked(holder))[Symbol.dispose]();
    await until("the lock", () => !holder.line.isActive);
    using second = await unlocked(holder);
    assert.equal(second.refusal, undefined);
  });

  for (const [how, end] of [
    ["ends", (socket: Socket) => void socket.end()],
    ["breaks", (socket: Socket) => void socket.pause().destroy()],
    [
      "breaks in the middle of an order",
      (socket: Socket) => void socket.end(`{"version":${leaseVersion},"kind":"unl`),
    ],
  ] as const) {
    it(`locks at once when the connection ${how}`, async () => {
      await using holder = await openHolder();
      const client = await unlocked(holder);
      end(client.socket);
      await until("the lock", () => !holder.line.isActive && !holder.green.isActive, silenceMs - 1000);
    });
  }

  it("locks when the client says nothing more, though it is there", async () => {
    await using holder = await openHolder({ silenceMs: 200 });
    using client = await unlocked(holder);
    await until("the lock", () => !holder.line.isActive);
    assert.equal(client.isClosed, false);
    // A lone word may come too late on a busy machine; some of many do not.
    await until("the lock to be heard", () => {
      client.say({ kind: "lock" });
      return clock.nowMs() - (client.account?.heardAtMs ?? 0) < 200;
    });
    await until("the next lease", () => {
      client.say({ kind: "lock" });
      client.say({ kind: "unlock", untilMs: clock.nowMs() + 1000 });
      return holder.line.isActive;
    });
  });
});

describe("on the lease socket", () => {
  const now = (): number => clock.nowMs();
  const nonsense: Readonly<Record<string, () => string | Buffer>> = {
    "an empty line": () => "\n",
    "bytes that are no text": () => Buffer.from([0xff, 0x00, 0xfe, 0x0a]),
    "no JSON": () => "unlock\n",
    "JSON that is no object": () => "[1,2]\n",
    "no version": () => `{"sentAtMs":${now()},"kind":"lock"}\n`,
    "another version": () => `{"version":${leaseVersion - 1},"sentAtMs":${now()},"kind":"lock"}\n`,
    "an unknown kind": () => `{"version":${leaseVersion},"sentAtMs":${now()},"kind":"open"}\n`,
    "an unknown key": () => `{"version":${leaseVersion},"sentAtMs":${now()},"kind":"lock","force":true}\n`,
    "no time": () => `{"version":${leaseVersion},"sentAtMs":"soon","kind":"lock"}\n`,
    "an unlock without end": () =>
      `{"version":${leaseVersion},"sentAtMs":${now()},"kind":"unlock","untilMs":null}\n`,
    "an endless unlock": () =>
      `{"version":${leaseVersion},"sentAtMs":${now()},"kind":"unlock","untilMs":1e999}\n`,
    "a time of another clock": () =>
      `{"version":${leaseVersion},"sentAtMs":${now() + 60_000},"kind":"lock"}\n`,
    "an unknown indication": () =>
      `{"version":${leaseVersion},"sentAtMs":${now()},"kind":"indicate","indication":"party"}\n`,
    "a line that is too long": () => `${" ".repeat(5000)}\n`,
    "a line without end": () => "x".repeat(100_000),
  };
  for (const [what, bytes] of Object.entries(nonsense)) {
    it(`${what} locks, is named, and costs the connection`, async () => {
      await using holder = await openHolder();
      using client = await unlocked(holder);
      client.socket.write(bytes());
      await until("the end", () => client.isClosed);
      assert.equal(holder.line.isActive, false);
      assert.notEqual(client.refusal ?? "", "");
      using next = await unlocked(holder);
      assert.equal(next.refusal, undefined);
    });
  }

  it("nothing after nonsense is obeyed, though it came with it", async () => {
    await using holder = await openHolder();
    using client = await unlocked(holder);
    const unlock = client.order({ kind: "unlock", untilMs: now() + 30_000 });
    client.socket.write(`nonsense\n${client.order({ kind: "lock" })}${unlock}`);
    await until("the end", () => client.isClosed);
    await wait(100);
    assert.equal(holder.line.isActive, false);
  });

  it("an order may come in pieces", async () => {
    await using holder = await openHolder();
    using client = new LeasePeer(holder.socketPath);
    client.say({ kind: "lock" });
    const text = client.order({ kind: "unlock", untilMs: now() + 30_000 });
    for (const piece of [text.slice(0, 10), text.slice(10, 11), text.slice(11, -1)]) {
      client.socket.write(piece);
      await wait(20);
    }
    assert.equal(holder.line.isActive, false);
    client.socket.write("\n");
    await until("the unlock", () => holder.line.isActive);
  });

  it("an order that comes too slowly is none", async () => {
    await using holder = await openHolder({ silenceMs: 200 });
    using client = new LeasePeer(holder.socketPath);
    client.say({ kind: "lock" });
    const text = client.order({ kind: "unlock", untilMs: now() + 30_000 });
    client.socket.write(text.slice(0, 20));
    await wait(300);
    client.socket.write(text.slice(20));
    await wait(200);
    assert.deepEqual([holder.line.levels.includes(true), client.isClosed], [false, false]);
  });

  it("a client that never reads costs no memory, and can still lock", async () => {
    await using holder = await openHolder();
    const client = new LeasePeer(holder.socketPath);
    client.socket.pause();
    const lock = client.order({ kind: "lock" });
    const before = process.memoryUsage().rss;
    // Each is answered with a report of some hundred bytes.
    for (let i = 0; i < 20_000; i++) client.socket.write(lock);
    await until("all to be sent", () => client.socket.writableLength === 0);
    client.say({ kind: "unlock", untilMs: now() + 30_000 });
    await until("the unlock", () => holder.line.isActive);
    assert.ok(process.memoryUsage().rss - before < 100 * 2 ** 20);
    client.socket.destroy();
    await until("the lock", () => !holder.line.isActive);
  });
});

it("a second holder on the socket is refused in one line", async () => {
  await using holder = await openHolder();
  const place = { path: holder.socketPath, key: "gpio.leaseSocketPath", owner: "holder" } as const;
  await using door = openDoor(new SimLine(), { wiring: "fail-secure", maxUnlockMs: 1000 }, clock);
  await using indicator = openIndicator({}, clock);
  await assert.rejects(
    LeaseServer.open({ place, door, indicator, clock, log: silentLog, silenceMs, onTick: () => undefined }),
    (error) =>
      error instanceof KioskError &&
      error.code === "socket-busy" &&
      error.message.endsWith("a live holder has this socket; stop it or change gpio.leaseSocketPath"),
  );
});
