/** A new model takes over between two frames, and an update is shown to nobody who stands at the door. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { noticeOf, updatesOff } from "../../src/core/update-status.ts";
import type { Eyes } from "../../src/kiosk-parts.ts";
import { tell } from "../../src/model-follower.ts";
import { bare, masked } from "../core/scene.ts";
import { benchPolicy, KioskBench, settle, stepMs } from "../sim/kiosk-bench.ts";
import { SimVision } from "../sim/sim-vision.ts";

const { framesToGrant } = benchPolicy;

function eyes(threshold = benchPolicy.threshold): Eyes & { readonly vision: SimVision } {
  const vision = new SimVision();
  const model = { ...vision.model, name: "new", askedProvider: "cpu", isFirstChoice: true };
  return { vision, model, policy: { ...benchPolicy, threshold } };
}

async function openBench(): Promise<KioskBench> {
  const bench = new KioskBench();
  await bench.start();
  return bench;
}

test("no frame is lost, and the votes of both models open the door", async () => {
  const bench = await openBench();
  const next = eyes();
  await bench.frames(framesToGrant - 1, masked());
  const old = await bench.kiosk.swap(next);
  assert.equal(old.vision, bench.vision);
  assert.equal(bench.isOpen, false);
  await bench.frame(masked());
  assert.equal(bench.isOpen, true);
  assert.deepEqual([bench.vision.searches.length, next.vision.searches.length], [framesToGrant - 1, 1]);
  const { camera, model } = bench.now;
  assert.deepEqual([camera.framesDecided, camera.framesSkipped, model.name], [framesToGrant, 0, "new"]);
});

test("the frame that is looked at is decided by the old model and its threshold, the next one by the new", async () => {
  const bench = await openBench();
  await bench.frames(framesToGrant - 1, masked());
  bench.vision.isHeld = true;
  await bench.frame(masked());
  const next = eyes(0.999);
  const swapped = bench.kiosk.swap(next);
  await settle();
  assert.equal(bench.now.model.name, "sim");
  bench.vision.finish();
  await swapped;
  await settle();
  assert.deepEqual([bench.isOpen, bench.now.policy.threshold], [true, 0.999]);
  await bench.wait(benchPolicy.unlockMs + stepMs);
  await bench.frames(framesToGrant + 1, masked());
  assert.equal(bench.isOpen, false, "what the old model called masked is not enough for the new one");
});

test("a swap that the end of the loop overtakes gives the old eyes back", async () => {
  const bench = await openBench();
  bench.vision.isHeld = true;
  await bench.frame(masked());
  const swapped = bench.kiosk.swap(eyes());
  bench.abort();
  assert.equal((await swapped).vision, bench.vision);
});

test("a swap after the end of the loop does not wait for a look that never comes back", async () => {
  const bench = await openBench();
  bench.vision.isHeld = true;
  await bench.frame(masked());
  bench.abort();
  await settle();
  assert.equal(bench.outcome, "resolved");
  const old = await Promise.race([bench.kiosk.swap(eyes()), settle()]);
  assert.equal(old?.vision, bench.vision);
});

test("two swaps at once are a bug", async () => {
  const bench = await openBench();
  bench.vision.isHeld = true;
  await bench.frame(masked());
  const first = bench.kiosk.swap(eyes());
  assert.throws(() => bench.kiosk.swap(eyes()), /two changes of eyes at once/);
  bench.vision.finish();
  await first;
  await bench.kiosk.swap(eyes());
});

test("an update shows while nobody is there, and never to a person or during a fault", async () => {
  const bench = await openBench();
  for (const [notice, indication] of [
    ["under-way", "updating"],
    ["good", "updated"],
    ["bad", "not-updated"],
  ] as const) {
    bench.update = { ...updatesOff, notice };
    await bench.wait(benchPolicy.unlockMs + 10 * stepMs);
    assert.deepEqual([bench.now.indication, bench.isOpen], [indication, false]);
    await bench.frame(bare());
    assert.equal(bench.now.indication, "checking");
    assert.equal(bench.shining, "amber");
    await bench.wait(benchPolicy.unlockMs + 10 * stepMs);
    await bench.frames(framesToGrant, masked());
    assert.deepEqual([bench.now.indication, bench.shining, bench.isOpen], ["granted", "green", true]);
  }
});

test("old news are no notice; work is one for as long as it goes on", () => {
  assert.equal(noticeOf("good", undefined), null);
  assert.equal(noticeOf("good", 9999), "good");
  assert.equal(noticeOf("good", 10_000), null);
  for (const state of ["refused", "failed", "rolled-back"] as const) assert.equal(noticeOf(state, 0), "bad");
  assert.equal(noticeOf("staging", 10_000), "under-way");
  assert.equal(noticeOf("idle", 0), null);
});

test("a report of work that stands still is of an updater that is gone", () => {
  const report = { beat: 3, state: "staging", version: 2, reason: null } as const;
  assert.equal(tell(report, false)?.state, "staging");
  const gone = tell(report, true);
  assert.deepEqual([gone?.state, gone?.reason], ["failed", "the updater ended while staging"]);
  assert.equal(tell(undefined, true), undefined);
  assert.equal(tell({ ...report, state: "probation" }, true), undefined);
  assert.equal(tell({ ...report, state: "refused", reason: "r" }, true)?.state, "refused");
});
