/** The simulated parts do what the scenarios rely on. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { KioskError } from "../../src/core/errors.ts";
import { bare, masked } from "../core/scene.ts";
import { settle } from "./kiosk-bench.ts";
import { SimCamera } from "./sim-camera.ts";
import { SimLine } from "./sim-line.ts";
import { SimServiceManager } from "./sim-service-manager.ts";
import { SimVision } from "./sim-vision.ts";
import { VirtualTime } from "./virtual-time.ts";

function seeing() {
  const time = new VirtualTime();
  const camera = new SimCamera(time);
  const vision = new SimVision();
  const story: string[] = [];
  const look = () => {
    const frame = camera.take();
    if (frame === undefined) throw new Error("no frame");
    return vision.look(frame, { kind: "full" });
  };
  const events = {
    onFrame: () => story.push("frame"),
    onFault: (error: KioskError) => story.push(error.message),
    onEnd: () => story.push("end"),
  };
  return { time, camera, vision, story, look, events };
}

test("VirtualTime runs timers in their order, each at its time, and none that was cancelled", () => {
  const time = new VirtualTime(0);
  const ran: string[] = [];
  const log = (name: string) => () => ran.push(`${name} at ${time.nowMs()}`);
  time.schedule(log("late"), 20);
  time.schedule(log("early"), 10);
  time.schedule(log("cancelled"), 15)();
  time.schedule(log("never"), 31);
  time.advance(30);
  assert.deepEqual(ran, ["early at 10", "late at 20"]);
  assert.deepEqual([time.nowMs(), time.pendingCount], [30, 1]);
});

test("SimLine remembers its levels and fails as often as it is told to", () => {
  const line = new SimLine();
  line.failures = { level: true, count: 1 };
  line.set(false);
  assert.throws(() => {
    line.set(true);
  }, KioskError);
  line.set(true);
  assert.deepEqual(line.levels, [false, false, true]);
});

test("SimCamera tells of frames, faults and the end, and gives the newest frame once", async () => {
  const { time, camera, story, events, look } = seeing();
  camera.show(bare());
  await camera.start(events);
  camera.show(bare());
  time.advance(7);
  camera.show(masked());
  camera.fault(new KioskError("camera-silent", "silent"));
  camera.end();
  assert.deepEqual(story, ["frame", "frame", "silent", "end"]);
  const seen = await look();
  assert.deepEqual([seen.seq, seen.capturedAtMs, seen.verdicts], [3, time.nowMs(), [masked()]]);
  assert.equal(camera.take(), undefined);
});

test("SimVision reads what SimCamera shows, and refuses rubbish as a picture", async () => {
  const { camera, look } = seeing();
  camera.show(masked(0), bare(1));
  assert.deepEqual((await look()).verdicts, [masked(0), bare(1)]);
  camera.showRubbish();
  await assert.rejects(look(), { code: "bad-picture" });
});

test("SimVision holds a look until it may finish or dies, and stays dead", async () => {
  const { camera, vision, look } = seeing();
  vision.isHeld = true;
  camera.show(masked());
  let isSeen = false;
  const held = look().then(() => (isSeen = true));
  await settle();
  assert.equal(isSeen, false);
  vision.finish();
  await held;
  camera.show();
  const dying = look();
  await settle();
  vision.die();
  await assert.rejects(dying, { code: "vision-failed" });
  camera.show();
  await assert.rejects(look(), { code: "vision-failed" });
  assert.equal(vision.mostAtOnce, 1);
});

test("SimServiceManager remembers what it is told", async () => {
  const service = new SimServiceManager();
  await service.ready();
  service.progress("well");
  await service.stopping();
  assert.deepEqual([service.told, service.progressed], [["ready", "stopping"], ["well"]]);
});
