/** Scenarios of a camera that shows nothing, or always the same, or is gone: what is shown, and what the watchdog hears of it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { KioskError } from "../../src/core/errors.ts";
import { mostTrialMs } from "../../src/liveness.ts";
import { masked } from "../core/scene.ts";
import { benchPolicy, KioskBench, sightPolicy, stepMs } from "../sim/kiosk-bench.ts";
import { assertFault, openBench } from "./open-bench.ts";

const { framesToGrant } = benchPolicy;
const gone = new KioskError("camera-ended", "/dev/video0 is gone; connect it");
/** What the unit of the daemon waits for a sign of life. */
const watchdogMs = 20_000;

test("a covered lens while the door is open: locked and shown, the watchdog is fed, and it comes back by itself", async () => {
  const bench = await openBench();
  bench.vision.signs = { detail: 0.4, fingerprint: 1 };
  const fed = bench.service.progressed.length;
  await bench.frames(11, masked());
  assertFault(bench, "sight", "camera-blind");
  assert.equal(bench.now.camera.state, "streaming");
  assert.deepEqual(bench.cameraFaults, ["camera-blind"]);
  await bench.frames(100, masked());
  assertFault(bench, "sight", "camera-blind");
  assert.ok(bench.service.progressed.length >= fed + 100, "a restart does not uncover a lens");
  bench.vision.signs = undefined;
  await bench.frame(masked());
  assert.equal(bench.now.fault, null);
  await bench.frames(framesToGrant, masked());
  assert.equal(bench.isOpen, true);
});

test("the same picture again and again: locked and shown, and its program is started anew before the watchdog strikes", async () => {
  const bench = await openBench();
  bench.vision.signs = { detail: 60, fingerprint: 1 };
  await bench.frames(sightPolicy.frozenMs / stepMs + 1, masked());
  assertFault(bench, "sight", "camera-frozen");
  assert.equal(bench.camera.startedAnewCount, 1);
  const fed = bench.service.progressed.length;
  await bench.frames(watchdogMs / stepMs, masked());
  assertFault(bench, "sight", "camera-frozen");
  assert.equal(bench.camera.startedAnewCount, 3);
  assert.equal(bench.service.progressed.length, fed + 2, "fed by the new starts, not by the frames");
  bench.vision.signs = undefined;
  await bench.frames(framesToGrant + 2, masked());
  assert.equal(bench.isOpen, true);
});

test("a camera that stays frozen, or gone, starves the watchdog after ten minutes, and one clear frame begins anew", async () => {
  const bench = await openBench();
  bench.vision.signs = { detail: 60, fingerprint: 1 };
  await bench.frames((mostTrialMs + sightPolicy.frozenMs) / stepMs, masked());
  const fed = bench.service.progressed.length;
  await bench.frames(watchdogMs / stepMs, masked());
  bench.camera.fault(gone);
  assert.equal(bench.service.progressed.length, fed);
  assert.ok(bench.camera.startedAnewCount > mostTrialMs / watchdogMs);
  bench.vision.signs = undefined;
  await bench.frame();
  bench.camera.fault(gone);
  assert.equal(bench.service.progressed.length, fed + 2);
});

test("one picture that is shown again and again is one vote and grants nothing; each new one is one more", async () => {
  const bench = new KioskBench();
  await bench.start();
  bench.vision.signs = { detail: 60, fingerprint: 1 };
  await bench.frames(10 * framesToGrant, masked());
  assert.equal(bench.isOpen, false);
  assert.equal(bench.now.camera.framesDecided, 10 * framesToGrant);
  for (let picture = 2; picture <= framesToGrant + 1; picture++) {
    assert.equal(bench.isOpen, false);
    bench.vision.signs = { detail: 60, fingerprint: picture };
    await bench.frames(2, masked());
  }
  assert.equal(bench.isOpen, true);
});

test("a lease that runs is made no longer by the picture it was granted for", async () => {
  const bench = await openBench();
  bench.vision.signs = { detail: 60, fingerprint: 1 };
  await bench.frame(masked());
  await bench.frames(benchPolicy.unlockMs / stepMs, masked());
  assert.equal(bench.isOpen, false);
});

test("a camera that is gone, and says so at each attempt, feeds the watchdog; time alone does not", async () => {
  const bench = await openBench();
  const fed = bench.service.progressed.length;
  for (let attempt = 1; attempt <= 10; attempt++) {
    bench.camera.fault(gone);
    assert.equal(bench.service.progressed.length, fed + attempt);
    await bench.wait(5000);
    assert.equal(bench.service.progressed.length, fed + attempt);
  }
  assertFault(bench, "camera", "camera-ended");
});

test("the status line names the reason while there are no frames, and again what goes on", async () => {
  const bench = await openBench();
  bench.camera.fault(gone);
  await bench.wait(stepMs);
  assert.match(
    bench.service.statuses.at(-1) ?? "",
    /^faulted; door locked \(\/dev\/video0 is gone; connect it\); /,
  );
  await bench.frame();
  await bench.wait(stepMs);
  assert.match(bench.service.statuses.at(-1) ?? "", /^idle; door locked; 0 faces; /);
});
