/** The stream of events: what a reader gets, and what becomes of one that does not read. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { initialState } from "../../src/core/access.ts";
import type { DoorEvent } from "../../src/core/door-report.ts";
import { faulted, snapshotOf, stateAfter } from "./status-sample.ts";
import { ask, assertFits, follow, Kiosk, raw, until } from "./status-probe.ts";

test("events: the whole state first, then state for changes and frame for every decided frame, ids counting up", async () => {
  await using kiosk = new Kiosk();
  const server = await kiosk.open();
  const client = await raw(kiosk.socketPath, follow);
  await until(() => client.got().includes("event: state"), "first event");
  assert.match(
    client.got(),
    /content-type: text\/event-stream[^]*retry: 1000\nid: 1\nevent: state\ndata: \{/,
  );
  server.update("tick");
  server.update("frame");
  kiosk.now = snapshotOf(stateAfter([0.9, 0.9, 0.9]));
  server.update("frame");
  server.update("tick");
  kiosk.now = snapshotOf(faulted);
  server.update("tick");
  await until(() => client.got().includes('"kind":"faulted"'), "the fault");
  assert.deepEqual(
    [...client.got().matchAll(/^event: (\w+)\ndata: (.*)$/gm)].map(([, name, data]) => {
      assertFits("status.json", data ?? "");
      const { access } = JSON.parse(data ?? "") as { access: { kind: string } };
      return `${name ?? ""} ${access.kind}`;
    }),
    ["state idle", "frame idle", "state granted", "frame granted", "state faulted"],
  );
  const ids = [...client.got().matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
  assert.ok(
    ids.every((id, index) => index === 0 || id > (ids[index - 1] ?? id)),
    ids.join(),
  );
});

test("an update that goes on, and all that changes at the door, is a change of the state, told at once", async () => {
  await using kiosk = new Kiosk();
  const server = await kiosk.open();
  const reader = await raw(kiosk.socketPath, follow);
  await until(() => reader.got() !== "", "follows");
  const states = (): number => reader.got().split("event: state").length - 1;
  const { inputs } = kiosk.now.door;
  const changes: readonly Readonly<Partial<Record<"update" | "door", object>>>[] = [
    ...[{ state: "copying" }, { version: 7 }, { reason: "no room" }].map((update) => ({ update })),
    ...[{ kind: "open" }, { lock: "unlocked" }, { isFireReleased: true }, { isExitStuck: true }].map(
      (door) => ({
        door,
      }),
    ),
    { door: { inputs: { ...inputs, contact: "on" } } },
  ];
  for (const [count, change] of changes.entries()) {
    const { door, update } = kiosk.now;
    kiosk.now = {
      ...kiosk.now,
      door: { ...door, ...change.door },
      update: { ...update, ...change.update },
    };
    server.update("tick");
    await until(() => states() === count + 2, `a state for ${JSON.stringify(change)}`);
  }
  server.update("tick");
  await wait(50);
  assert.equal(states(), changes.length + 1, "and only for a change");
});

test("each thing that happens at the door is a door event, as it is and as the schema says, in order with the states", async () => {
  await using kiosk = new Kiosk();
  const server = await kiosk.open();
  const happened: readonly DoorEvent[] = [
    { kind: "input", atMs: 10, input: "contact", reading: "on" },
    { kind: "door", atMs: 10, from: "locked", to: "forced-open" },
    { kind: "fire-release", atMs: 20.5, isOn: true },
  ];
  // Of what happened while nobody listened, the state is all that is left.
  server.door({ kind: "fire-release", atMs: 5, isOn: false });
  const reader = await raw(kiosk.socketPath, follow);
  await until(() => reader.got().includes("event: state"), "follows");
  for (const event of happened) server.door(event);
  const { door } = kiosk.now;
  kiosk.now = { ...kiosk.now, door: { ...door, kind: "forced-open" } };
  server.update("tick");
  await until(() => reader.got().includes('"kind":"forced-open"'), "the state that they lead to");
  const told = [...reader.got().matchAll(/^event: (\w+)\ndata: (.*)$/gm)];
  assert.deepEqual(
    told.map(([, name]) => name),
    ["state", "door", "door", "door", "state"],
  );
  const events = told.filter(([, name]) => name === "door").map(([, , data]) => data ?? "");
  for (const event of events) assertFits("door-event.json", event);
  assert.deepEqual(
    events.map((event) => JSON.parse(event) as DoorEvent),
    happened,
  );
});

test("what changes at the door is a change of the state", async () => {
  await using kiosk = new Kiosk();
  const server = await kiosk.open();
  const reader = await raw(kiosk.socketPath, follow);
  await until(() => reader.got() !== "", "follows");
  const states = (): number => reader.got().split("event: state").length - 1;
  const changes = [
    { kind: "held-open" },
    { lock: "unlocked" },
    { inputs: { ...kiosk.now.door.inputs, tamper: "on" } },
    { isFireReleased: true },
  ] as const;
  for (const [count, change] of changes.entries()) {
    kiosk.now = { ...kiosk.now, door: { ...kiosk.now.door, ...change } };
    server.update("tick");
    await until(() => states() === count + 2, `a state for ${JSON.stringify(change)}`);
  }
});

test("a reader that is slow misses frames, never a state, and holds up nobody", async () => {
  await using kiosk = new Kiosk();
  const server = await kiosk.open();
  const [slow, quick] = await Promise.all([raw(kiosk.socketPath, follow), raw(kiosk.socketPath, follow)]);
  await until(() => slow.got() !== "" && quick.got() !== "", "both follow");
  slow.socket.pause();
  const frames = 1500;
  for (let frame = 0; frame < frames; frame += 1) {
    server.update("frame");
    // In one go no more than may wait for a reader that keeps up: a snapshot has about a kilobyte.
    if (frame % 8 === 0) await wait(1);
  }
  kiosk.now = snapshotOf(faulted);
  server.update("tick");
  const count = (got: string): number => got.split("event: frame").length - 1;
  await until(
    () => count(quick.got()) === frames && quick.got().includes("faulted"),
    "the quick one has all",
  );
  slow.socket.resume();
  await until(() => slow.got().includes('"kind":"faulted"'), "the slow one hears of the fault");
  const before = count(slow.got());
  server.update("frame");
  await until(() => count(slow.got()) === before + 1, "the slow one gets frames again");
  assert.ok(count(slow.got()) > 10 && count(slow.got()) < frames - 100, `${count(slow.got())} frames`);
});

test("a reader that reads nothing is dropped: by what waits for it, and by time", async () => {
  for (const limits of [
    { bufferedBytes: 4096, stalledMs: 1e9 },
    { bufferedBytes: 1e9, stalledMs: 5000 },
  ]) {
    await using kiosk = new Kiosk();
    const server = await kiosk.open(1, limits);
    const reader = await raw(kiosk.socketPath, follow);
    await until(() => reader.got() !== "", "follows");
    reader.socket.pause();
    const states = [snapshotOf(faulted), snapshotOf(initialState)] as const;
    for (let change = 0; change < 1000; change += 1) {
      kiosk.now = states[change % 2 === 0 ? 0 : 1];
      server.update("tick");
      if (change % 20 === 0) await wait(1);
    }
    kiosk.nowMs += 5001;
    server.update("frame");
    await wait(20);
    assert.equal((await ask(kiosk.socketPath, "/healthz")).status, 200, "its place is free");
    reader.socket.resume();
    await once(reader.socket, "close");
  }
});

test("without any event a comment comes now and then", async () => {
  await using kiosk = new Kiosk();
  await kiosk.open(1, { heartbeatMs: 20 });
  const reader = await raw(kiosk.socketPath, follow);
  await until(
    () => reader.got().split("\n:\n\n").length >= 3 || /(:\n\n[^]*){2}/.test(reader.got()),
    "two comments",
  );
});
