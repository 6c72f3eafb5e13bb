/** One event for each thing that differs between two reports, and none for anything else. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  doorEvents,
  doorKinds,
  inputNames,
  type DoorEvent,
  type DoorReport,
} from "../../src/core/door-report.ts";

const report: DoorReport = {
  kind: "locked",
  sinceMs: 100,
  inputs: { contact: "off", requestToExit: "off", fireAlarm: "off", tamper: "not-fitted" },
  isFireReleased: false,
  isExitStuck: false,
  spentUntilMs: null,
  fault: null,
};
const atMs = 4000;

const changes: readonly (readonly [string, Partial<DoorReport>, readonly DoorEvent[]])[] = [
  ["nothing", {}, []],
  ...doorKinds
    .filter((to) => to !== report.kind)
    .map((to) => [`the door is ${to}`, { kind: to }, [{ kind: "door", atMs, from: "locked", to }]] as const),
  ...inputNames.flatMap((input) =>
    (["on", "unknown"] as const).map(
      (reading) =>
        [
          `${input} is ${reading}`,
          { inputs: { ...report.inputs, [input]: reading } },
          [{ kind: "input", atMs, input, reading }],
        ] as const,
    ),
  ),
  ["the fire release", { isFireReleased: true }, [{ kind: "fire-release", atMs, isOn: true }]],
  ["the stuck button", { isExitStuck: true }, [{ kind: "exit-stuck", atMs, isOn: true }]],
  ["what is no event", { sinceMs: 4000, spentUntilMs: 7, fault: { code: "door-forced", message: "x" } }, []],
];

for (const [what, change, events] of changes) {
  test(`${what}: ${events.length} events, of the report after it`, () => {
    assert.deepEqual(doorEvents(report, { ...report, ...change }, atMs), events);
  });
}

test("the way back is told, too", () => {
  const released: DoorReport = {
    ...report,
    kind: "open",
    inputs: { ...report.inputs, contact: "on" },
    isFireReleased: true,
    isExitStuck: true,
  };
  assert.deepEqual(doorEvents(released, report, atMs), [
    { kind: "input", atMs, input: "contact", reading: "off" },
    { kind: "fire-release", atMs, isOn: false },
    { kind: "exit-stuck", atMs, isOn: false },
    { kind: "door", atMs, from: "open", to: "locked" },
  ]);
});
