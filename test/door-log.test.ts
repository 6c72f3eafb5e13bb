/** Each thing that happens at the door has a line of log: its priority says whether somebody must look after it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type DoorEvent, doorKinds, inputNames, type Reading } from "../src/core/door-report.ts";
import { doorLog } from "../src/door-log.ts";
import { createLog } from "../src/io/log.ts";

/** The line of an event: priority and words. */
function logged(event: DoorEvent): string | undefined {
  const lines: string[] = [];
  const sink = { write: (line: string) => lines.push(line) };
  doorLog(createLog({ level: "trace", style: "json", sink }))(event);
  assert.ok(lines.length <= 1, lines.join(""));
  const [line] = lines.map((text) => JSON.parse(text) as { level: string; msg: string });
  return line === undefined ? undefined : `${line.level}: ${line.msg}`;
}

test("a state of the door", () => {
  assert.deepEqual(
    doorKinds.map((to) => logged({ kind: "door", atMs: 0, from: "locked", to })),
    [
      "warn: door unknown",
      "info: door locked",
      "info: door unlocked",
      "info: door open",
      "warn: door held-open",
      "error: door forced-open",
    ],
  );
});

test("an input", () => {
  const readings: readonly Reading[] = ["on", "off", "unknown", "not-fitted"];
  const all = inputNames.map((input) =>
    readings.map((reading) => logged({ kind: "input", atMs: 0, input, reading })),
  );
  assert.deepEqual(all, [
    ["info: door contact open", "info: door contact shut", "warn: door contact unknown", undefined],
    ["info: request to exit", "info: no request to exit", "warn: request to exit unknown", undefined],
    ["error: fire alarm", "info: no fire alarm", "warn: fire alarm unknown", undefined],
    ["error: housing open", "info: housing shut", "warn: housing unknown", undefined],
  ]);
});

test("a fire release", () => {
  const release = (isOn: boolean): string | undefined => logged({ kind: "fire-release", atMs: 0, isOn });
  assert.deepEqual(
    [release(true), release(false)],
    ["error: the fire alarm has released the lock", "info: the fire release is over"],
  );
});

test("a request to exit that sticks", () => {
  const stuck = (isOn: boolean): string | undefined => logged({ kind: "exit-stuck", atMs: 0, isOn });
  assert.match(stuck(true) ?? "", /^warn: .*stuck|^warn: .*sticks/);
  assert.match(stuck(false) ?? "", /^info: /);
});
