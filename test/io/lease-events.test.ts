/** What the daemon hears of the door through the lease socket: all that changes, and at first what is not at rest. */
import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";
import type { DoorEvent, DoorReport } from "../../src/core/door-report.ts";
import type { Door } from "../../src/core/ports.ts";
import { openIndicator } from "../../src/io/indicator.ts";
import { openLease } from "../../src/io/lease-client.ts";
import type { Account } from "../../src/io/lease-protocol.ts";
import { LeaseServer } from "../../src/io/lease-server.ts";
import { silenceMs, silentLog, socketFolder, until } from "../sim/door-benches.ts";
import { wordsOf } from "../sim/keeper-bench.ts";
import { VirtualTime } from "../sim/virtual-time.ts";

const atRest: DoorReport = {
  kind: "locked",
  sinceMs: 0,
  inputs: { contact: "off", requestToExit: "not-fitted", fireAlarm: "off", tamper: "off" },
  isFireReleased: false,
  isExitStuck: false,
  spentUntilMs: null,
  fault: null,
};
const { inputs } = atRest;

/** A holder whose door reports what the test says. */
async function openHolder() {
  const time = new VirtualTime();
  const told = { report: atRest };
  const door: Door = {
    apply: () => undefined,
    state: { kind: "locked" },
    get report() {
      return told.report;
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const place = { path: path.join(socketFolder(), "lease.sock"), key: "gpio.leaseSocketPath" } as const;
  const parts = { silenceMs, clock: time, log: silentLog };
  const server = await LeaseServer.open(
    {
      ...{ ...parts, door, onTick: () => undefined, place: { ...place, owner: "holder" } },
      indicator: openIndicator({}, time, time.schedule),
    },
    time.schedule,
  );
  const listen = async () => {
    const events: string[] = [];
    let heardSinceMs = 0;
    const onEvent = (event: DoorEvent): number => events.push(wordsOf(event));
    const onAccount = ({ door }: Account): number => (heardSinceMs = door.sinceMs);
    const lease = await openLease({ ...parts, socketPath: place.path, onEvent, onAccount }, time.schedule);
    const next = async (): Promise<void> => {
      const sinceMs = told.report.sinceMs + 1;
      told.report = { ...told.report, sinceMs };
      server.report();
      await until("this very report", () => heardSinceMs === sinceMs);
    };
    return { events, next, [Symbol.asyncDispose]: () => lease[Symbol.asyncDispose]() };
  };
  return { told, listen, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

const cases: readonly (readonly [string, Partial<DoorReport>, readonly string[]])[] = [
  ["a locked door at rest", {}, []],
  ["an unlocked door", { kind: "unlocked" }, []],
  ["a door of which nothing is known", { kind: "unknown", inputs: { ...inputs, contact: "unknown" } }, []],
  [
    "a door forced open",
    { kind: "forced-open", inputs: { ...inputs, contact: "on" } },
    ["contact on", "door unknown -> forced-open"],
  ],
  ["a door held open", { kind: "held-open" }, ["door unknown -> held-open"]],
  ["a door that is open", { kind: "open" }, ["door unknown -> open"]],
  ["an open housing", { inputs: { ...inputs, tamper: "on" } }, ["tamper on"]],
  ["a button that sticks", { isExitStuck: true }, ["exit stuck on"]],
  [
    "a fire",
    { kind: "unlocked", isFireReleased: true, inputs: { ...inputs, fireAlarm: "on" } },
    ["fireAlarm on", "fire release on"],
  ],
];

for (const [what, report, expected] of cases) {
  test(`${what}, met at the start, is told ${expected.length === 0 ? "as no news" : "once"}`, async () => {
    await using holder = await openHolder();
    holder.told.report = { ...atRest, ...report };
    await using daemon = await holder.listen();
    await daemon.next();
    await daemon.next();
    assert.deepEqual(daemon.events, expected);
  });
}

test("from the first report on every change is told, also the one back to rest", async () => {
  await using holder = await openHolder();
  await using daemon = await holder.listen();
  await daemon.next();
  for (const kind of ["unlocked", "open", "locked"] as const) {
    holder.told.report = { ...holder.told.report, kind };
    await daemon.next();
  }
  assert.deepEqual(daemon.events, [
    "door locked -> unlocked",
    "door unlocked -> open",
    "door open -> locked",
  ]);
});
