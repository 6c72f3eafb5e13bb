/** Scenarios in which something breaks: the door locks at once, the fault is shown, and what can come back comes back by itself. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { KioskError } from "../../src/core/errors.ts";
import { masked } from "../core/scene.ts";
import { benchPolicy, KioskBench, settle, stepMs } from "../sim/kiosk-bench.ts";
import { assertFault, openBench } from "./open-bench.ts";

const { framesToGrant } = benchPolicy;
const silent = new KioskError("camera-silent", "the camera sent no frame for 2000 ms");
/** The longest a look may take, as src/kiosk.ts has it, and one tick. */
const stallMs = 3000;
const tickMs = 100;

test("the camera dies while the door is open: it locks in the same step, the fault is shown and told once", async () => {
  const bench = await openBench();
  bench.camera.fault(silent);
  assertFault(bench, "camera", "camera-silent");
  assert.equal(bench.now.camera.state, "faulted");
  bench.camera.fault(silent);
  await bench.wait(5000);
  assertFault(bench, "camera", "camera-silent");
  assert.deepEqual(bench.cameraFaults, ["camera-silent"]);
  assert.equal(bench.logged.filter((line) => line.includes("no frame for 2000 ms")).length, 1);
});

test("the next frame is the camera's recovery; its votes start from nothing", async () => {
  const bench = await openBench();
  bench.camera.fault(silent);
  await bench.frame(masked());
  assert.deepEqual([bench.access, bench.now.camera.state, bench.now.fault], ["checking", "streaming", null]);
  await bench.frames(framesToGrant - 2, masked());
  assert.equal(bench.isOpen, false);
  await bench.frame(masked());
  assert.equal(bench.isOpen, true);
  bench.camera.fault(silent);
  assert.equal(bench.cameraFaults.length, 2, "a second fault is told, too");
});

test("what was seen before the camera's fault neither recovers it nor opens, however late it comes", async () => {
  const bench = new KioskBench();
  await bench.start();
  await bench.frames(framesToGrant - 1, masked());
  bench.vision.isHeld = true;
  await bench.frame(masked());
  bench.camera.fault(silent);
  await bench.wait(50);
  bench.vision.isHeld = false;
  bench.vision.finish();
  await bench.wait(stepMs);
  assertFault(bench, "camera", "camera-silent");
  assert.equal(bench.now.camera.state, "faulted");
  assert.ok(bench.line.levels.every((level) => !level));
  await bench.frame(masked());
  assert.equal(bench.access, "checking");
});

test("a look that never comes back: locked with a fault within the bound, and the watchdog starves", async () => {
  const bench = await openBench();
  bench.vision.isHeld = true;
  await bench.frame(masked());
  const fed = bench.service.progressed.length;
  await bench.wait(stallMs - tickMs);
  assert.notEqual(bench.access, "faulted");
  await bench.wait(2 * tickMs);
  assertFault(bench, "vision", "vision-failed");
  for (let n = 0; n < 100; n++) {
    await bench.wait(stepMs);
    bench.camera.show(masked());
  }
  assertFault(bench, "vision", "vision-failed");
  assert.deepEqual([bench.service.progressed.length, bench.cameraFaults], [fed, []]);
  assert.equal(bench.outcome, "running");
  assert.equal(bench.logged.filter((line) => line.includes("takes longer than")).length, 1);
});

test("a stall locks a lease that would still run", async () => {
  const bench = new KioskBench({ unlockMs: 10_000 });
  await bench.start();
  await bench.frames(framesToGrant, masked());
  bench.vision.isHeld = true;
  await bench.frame(masked());
  assert.equal(bench.access, "granted");
  await bench.wait(stallMs + tickMs);
  assertFault(bench, "vision", "vision-failed");
});

test("a stalled look that comes back is the recovery, and does not open", async () => {
  const bench = new KioskBench({ framesToGrant: 1 });
  await bench.start();
  bench.vision.isHeld = true;
  await bench.frame(masked());
  await bench.wait(stallMs + tickMs);
  assertFault(bench, "vision", "vision-failed");
  bench.vision.isHeld = false;
  bench.vision.finish();
  await settle();
  assert.deepEqual([bench.access, bench.isOpen], ["idle", false]);
  await bench.frame(masked());
  assert.equal(bench.isOpen, true);
});

test("the vision worker dies: the loop ends with vision-failed and the door is locked", async () => {
  const bench = await openBench();
  bench.vision.die();
  await bench.frame(masked());
  assert.ok(bench.outcome instanceof KioskError);
  assert.equal(bench.outcome.code, "vision-failed");
  assertFault(bench, "vision", "vision-failed");
  assert.ok(bench.logged.some((line) => line.includes("the vision worker is gone")));
  assert.equal(bench.service.progressed.length, framesToGrant);
});

test("a vision that throws what it should not is vision-failed, too", async () => {
  const bench = await openBench();
  bench.vision.look = () => {
    throw new TypeError("pixels is not iterable");
  };
  await bench.frame(masked());
  assert.ok(bench.outcome instanceof KioskError);
  assert.deepEqual([bench.outcome.code, bench.outcome.message], ["vision-failed", "pixels is not iterable"]);
  assert.equal(bench.isOpen, false);
});

test("an unreadable picture is a camera fault; the next good frame recovers it", async () => {
  const bench = await openBench();
  await bench.wait(stepMs);
  bench.camera.showRubbish();
  await settle();
  assertFault(bench, "camera", "bad-picture");
  assert.deepEqual([bench.now.camera.state, bench.cameraFaults], ["faulted", ["bad-picture"]]);
  assert.equal(bench.service.progressed.length, framesToGrant, "it was not decided");
  await bench.frame(masked());
  assert.deepEqual(
    [bench.access, bench.now.camera.state, bench.outcome],
    ["checking", "streaming", "running"],
  );
  assert.equal(bench.now.camera.framesSkipped, 0, "it was looked at");
});

test("a door line that fails is a fault that is tried again in every cycle, until it works", async () => {
  const bench = await openBench();
  bench.line.failures = { count: 1000 };
  await bench.wait(tickMs);
  assert.deepEqual(
    [bench.access, bench.now.fault?.source, bench.now.fault?.code],
    ["faulted", "door", "gpio-failed"],
  );
  assert.equal(bench.now.door.kind, "unlocked", "nobody knows that it is locked");
  const tries = bench.line.setCount;
  await bench.wait(5 * tickMs);
  assert.ok(bench.line.setCount - tries >= 5, `${bench.line.setCount - tries} tries`);
  assert.equal(bench.logged.filter((line) => line.includes('"source":"door"')).length, 1);
  await bench.frames(framesToGrant, masked());
  assert.equal(bench.access, "faulted");
  bench.line.failures = { count: 0 };
  await bench.wait(tickMs);
  assert.deepEqual([bench.access, bench.isOpen, bench.now.door.kind], ["idle", false, "locked"]);
  await bench.frames(framesToGrant, masked());
  assert.equal(bench.isOpen, true);
});

test("a door that cannot be unlocked stays locked, shows a fault and goes on", async () => {
  const bench = new KioskBench();
  await bench.start();
  bench.line.failures = { level: true, count: 1 };
  await bench.frames(framesToGrant, masked());
  assertFault(bench, "door", "gpio-failed");
  await bench.wait(tickMs);
  assert.deepEqual([bench.access, bench.cameraFaults], ["idle", []]);
  await bench.frames(framesToGrant, masked());
  assert.equal(bench.isOpen, true);
});

test("an LED line that fails locks the open door in the same cycle, and its recovery opens nothing", async () => {
  const bench = await openBench();
  bench.leds.red.failures = { count: 1000 };
  bench.time.advance(tickMs);
  assert.deepEqual([bench.isOpen, bench.access, bench.now.fault?.source], [false, "faulted", "indicator"]);
  await bench.frames(framesToGrant + 1, masked());
  assert.deepEqual([bench.isOpen, bench.access], [false, "faulted"]);
  bench.leds.red.failures = { count: 0 };
  await bench.wait(tickMs);
  assert.deepEqual([bench.isOpen, bench.access], [false, "idle"]);
  await bench.frames(framesToGrant, masked());
  assert.equal(bench.isOpen, true);
});

test("two broken parts: the camera comes back although the door stays broken, and the door last", async () => {
  const bench = await openBench();
  bench.camera.fault(silent);
  bench.line.failures = { count: 1000 };
  await bench.wait(tickMs);
  assert.deepEqual(
    bench.logged.map((line) => /"level":"(\w+)".*"source":"(\w+)"/.exec(line)?.slice(1)),
    [
      ["error", "camera"],
      ["error", "door"],
    ],
  );
  assert.deepEqual(bench.cameraFaults, ["camera-silent"]);
  await bench.frame();
  assert.deepEqual([bench.now.camera.state, bench.now.fault?.source], ["streaming", "door"]);
  bench.line.failures = { count: 0 };
  await bench.wait(tickMs);
  assert.equal(bench.access, "idle");
});
