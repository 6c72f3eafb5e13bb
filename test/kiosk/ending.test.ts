/** How the loop ends: on a signal, with a replay, by a failure or by a bug; each time with the door locked and nothing left behind. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { KioskError } from "../../src/core/errors.ts";
import { masked } from "../core/scene.ts";
import { benchPolicy, KioskBench, settle, stepMs } from "../sim/kiosk-bench.ts";

const { framesToGrant } = benchPolicy;

function assertEnded(bench: KioskBench, outcome: unknown): void {
  assert.equal(bench.outcome, outcome);
  assert.equal(bench.isOpen, false);
}

test("a signal locks the open door and ends the loop well, without a timer left", async () => {
  const bench = new KioskBench();
  await bench.start();
  await bench.frames(framesToGrant, masked());
  assert.equal(bench.isOpen, true);
  bench.abort();
  await settle();
  assertEnded(bench, "resolved");
  assert.equal(bench.time.pendingCount, 0);
});

test("a signal that came before the start ends the loop at once", async () => {
  const bench = new KioskBench();
  bench.abort();
  await bench.start();
  assertEnded(bench, "resolved");
});

test("a signal ends the loop also while the camera still starts", async () => {
  const bench = new KioskBench();
  bench.camera.startHangs = true;
  await bench.start();
  bench.abort();
  await settle();
  assertEnded(bench, "resolved");
});

test("a look in flight at the signal is ignored, whatever it saw", async () => {
  const bench = new KioskBench({ framesToGrant: 1 });
  await bench.start();
  bench.vision.isHeld = true;
  await bench.frame(masked());
  bench.abort();
  bench.vision.finish();
  await settle();
  assertEnded(bench, "resolved");
  assert.deepEqual([bench.service.progressed, bench.line.levels.includes(true)], [[], false]);
});

test("a look in flight at the signal may also fail", async () => {
  const bench = new KioskBench();
  await bench.start();
  bench.vision.isHeld = true;
  await bench.frame(masked());
  bench.abort();
  await settle();
  bench.vision.die();
  await settle();
  assertEnded(bench, "resolved");
  assert.deepEqual(bench.logged, [], "nobody wants to know any more");
});

test("after the end neither frames nor faults of the camera do anything", async () => {
  const bench = new KioskBench({ framesToGrant: 1 });
  await bench.start();
  bench.abort();
  await settle();
  const { setCount } = bench.line;
  const { takeCount } = bench.camera;
  bench.camera.show(masked());
  bench.camera.fault(new KioskError("camera-silent", "silent"));
  await bench.wait(stepMs);
  assert.deepEqual([bench.line.setCount, bench.steps.length, bench.logged], [setCount, 0, []]);
  assert.equal(bench.camera.takeCount, takeCount);
});

test("a signal in the middle of a cycle: that cycle is the last, and no further frame is taken", async () => {
  const bench = new KioskBench();
  await bench.start();
  bench.onStep = () => {
    bench.abort();
  };
  bench.camera.show(masked());
  await settle();
  assertEnded(bench, "resolved");
  assert.deepEqual([bench.steps.length, bench.camera.takeCount], [1, 1]);
});

test("a replay that ended ends the loop well", async () => {
  const bench = new KioskBench();
  await bench.start();
  await bench.frames(framesToGrant, masked());
  bench.camera.end();
  await settle();
  assertEnded(bench, "resolved");
  assert.equal(bench.now.camera.state, "ended");
});

test("a replay that ends during a look waits for it and for the last frame", async () => {
  const bench = new KioskBench();
  await bench.start();
  await bench.frames(framesToGrant - 2, masked());
  bench.vision.isHeld = true;
  await bench.frames(2, masked());
  bench.camera.end();
  await settle();
  assert.equal(bench.outcome, "running");
  bench.vision.finish();
  await settle();
  assert.equal(bench.outcome, "running", "the last frame waits");
  bench.vision.finish();
  await settle();
  assertEnded(bench, "resolved");
  assert.equal(bench.service.progressed.length, framesToGrant);
  assert.ok(bench.line.levels.includes(true), "the last frame was the one that opened");
});

test("a replay whose last picture cannot be read ends well", async () => {
  const bench = new KioskBench();
  await bench.start();
  bench.vision.isHeld = true;
  bench.camera.showRubbish();
  await settle();
  bench.camera.end();
  bench.vision.finish();
  await settle();
  assertEnded(bench, "resolved");
  assert.equal(bench.now.camera.state, "ended");
});

test("a camera that cannot start ends the loop with its own words", async () => {
  const bench = new KioskBench();
  const missing = new KioskError("camera-missing", "camera program gst-launch-1.0 is not installed");
  bench.camera.startFailure = missing;
  await bench.start();
  assertEnded(bench, missing);
  assert.equal(bench.time.pendingCount, 0);
});

for (const { name, provoke } of [
  {
    name: "with a frame",
    provoke: async (bench: KioskBench) => {
      bench.camera.show(masked());
      await settle();
    },
  },
  { name: "with a tick", provoke: (bench: KioskBench) => bench.wait(stepMs) },
  {
    name: "with a camera fault",
    provoke: async (bench: KioskBench) => {
      bench.camera.fault(new KioskError("camera-silent", "silent"));
      await settle();
    },
  },
]) {
  test(`a bug that comes up ${name} ends the loop with the bug, and the door is locked`, async () => {
    const bench = new KioskBench();
    await bench.start();
    await bench.frames(framesToGrant, masked());
    assert.equal(bench.isOpen, true);
    const bug = new TypeError("a bug");
    bench.onStep = () => {
      throw bug;
    };
    await provoke(bench);
    assertEnded(bench, bug);
    const steps = bench.steps.length;
    await bench.wait(10 * stepMs);
    assert.equal(bench.steps.length, steps, "time is told no more");
  });
}
