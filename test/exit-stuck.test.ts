/** A request to exit that sticks is told to everybody who watches the door, and keeps nobody out. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { DoorEvent } from "../src/core/door-report.ts";
import { stuckExitMs } from "../src/core/exit-button.ts";
import { doorLog } from "../src/door-log.ts";
import { type DoorLines, openDoorKeeper } from "../src/io/door-keeper.ts";
import { answerSchema, leaseVersion, lineOf, parseLine, sentState } from "../src/io/lease-protocol.ts";
import { createLog } from "../src/io/log.ts";
import { Metrics } from "../src/io/metrics.ts";
import { doorEventSchema } from "../src/io/status-schema.ts";
import { statusText } from "../src/io/status-text.ts";
import { initialState } from "../src/core/access.ts";
import { policy } from "./core/door-scene.ts";
import { camera, snapshotOf } from "./io/status-sample.ts";
import { SimLine } from "./sim/sim-line.ts";
import { VirtualTime } from "./sim/virtual-time.ts";

/** A door with a button, pressed from its first moment on. */
function pressedDoor() {
  const time = new VirtualTime();
  let isPressed = true;
  const button = { read: () => isPressed, release: () => undefined };
  const events: DoorEvent[] = [];
  const lines: DoorLines = { lock: new SimLine(), inputs: { requestToExit: button } };
  const door = openDoorKeeper(
    lines,
    {
      wiring: "fail-secure",
      policy: { ...policy, debounceMs: { requestToExit: 30 } },
      onEvent: (event) => events.push(event),
    },
    time,
    time.schedule,
  );
  const release = (): void => {
    isPressed = false;
    time.advance(100);
  };
  return { door, time, events, release };
}

const stuck = (isOn: boolean): DoorEvent => ({ kind: "exit-stuck", atMs: 1, isOn });

describe("a request to exit that was pressed for a minute", () => {
  it("is reported, as an event, too, until it was released; and leases are granted all the while", () => {
    const { door, time, events, release } = pressedDoor();
    const isTold = (): readonly boolean[] =>
      events.flatMap((event) => (event.kind === "exit-stuck" ? [event.isOn] : []));
    time.advance(stuckExitMs - 100);
    assert.deepEqual([door.report.isExitStuck, isTold()], [false, []]);
    time.advance(200);
    assert.deepEqual([door.report.isExitStuck, door.report.fault, isTold()], [true, null, [true]]);
    door.apply({ kind: "unlock", untilMs: time.nowMs() + 1000 });
    assert.equal(door.state.kind, "unlocked");
    release();
    assert.deepEqual([door.report.isExitStuck, isTold()], [false, [true, false]]);
    for (const event of events) assert.deepEqual(doorEventSchema.parse(event), event);
  });

  it("travels from the holder to the daemon", () => {
    const { door, time } = pressedDoor();
    time.advance(stuckExitMs + 100);
    const line = lineOf({
      ...{ version: leaseVersion, sentAtMs: time.nowMs(), kind: "report", heardAtMs: null },
      ...{ state: sentState(door.state), leds: { green: false, red: false, amber: false } },
      door: door.report,
      failures: { door: null, indicator: null },
    });
    const parsed = parseLine(answerSchema, line);
    assert.ok(parsed.kind === "message" && parsed.message.kind === "report");
    assert.equal(parsed.message.door.isExitStuck, true);
  });

  it("is a warning in the log, and its end is a line", () => {
    const lines: string[] = [];
    const log = doorLog(
      createLog({ level: "info", style: "json", sink: { write: (line) => lines.push(line) } }),
    );
    log(stuck(true));
    log(stuck(false));
    const [warning, end] = lines.map((line) => JSON.parse(line) as { level: unknown; msg: string });
    assert.equal(warning?.level, "warn");
    assert.match(warning.msg, /^request to exit is stuck: .*gpio\.requestToExit/);
    assert.equal(end?.level, "info");
    assert.equal(lines.length, 2);
  });

  it("counts in the metrics once, and its end does not", async () => {
    using metrics = new Metrics(() => camera);
    metrics.doorEvent(stuck(true));
    metrics.doorEvent(stuck(false));
    assert.match(await metrics.text(), /^maskgate_door_events_total\{event="exit-stuck"\} 1$/m);
  });

  it("stands in capitals on the screen of the state", () => {
    const { door, time, release } = pressedDoor();
    const row = (): string | undefined => {
      const now = snapshotOf(initialState, { door: { state: door.state, report: door.report } });
      return /^inputs.*$/m.exec(statusText(now))?.[0];
    };
    time.advance(1000);
    assert.equal(row(), "inputs      request to exit PRESSED");
    time.advance(stuckExitMs);
    assert.equal(row(), "inputs      request to exit STUCK, excuses no opening");
    release();
    assert.equal(row(), "inputs      request to exit not pressed");
  });
});
