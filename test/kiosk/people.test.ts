/** Scenarios at a door that works: who it opens for, for how long, and what the service manager hears meanwhile. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { bare, boxAt, masked, verdict } from "../core/scene.ts";
import { benchPolicy, KioskBench, settle, stepMs } from "../sim/kiosk-bench.ts";

const { framesToGrant, unlockMs } = benchPolicy;

test("before anybody comes the door is locked, red shines and nothing is decided", async () => {
  const bench = new KioskBench();
  await bench.start();
  assert.deepEqual([bench.isOpen, bench.shining, bench.access], [false, "red", "idle"]);
  assert.equal(bench.now.camera.state, "starting");
  assert.equal(bench.now.stages, null);
});

test("a masked person walks up: the door opens with the last needed frame and not before", async () => {
  const bench = new KioskBench();
  await bench.start();
  await bench.frames(framesToGrant - 1, masked());
  assert.deepEqual([bench.isOpen, bench.shining, bench.access], [false, "amber", "checking"]);
  await bench.frame(masked());
  assert.deepEqual([bench.isOpen, bench.shining, bench.access], [true, "green", "granted"]);
  assert.deepEqual([bench.now.door.kind, bench.now.door.leftMs], ["unlocked", unlockMs]);
});

test("the door locks at the lease's end by itself, to the millisecond, although nobody tells the loop", async () => {
  const bench = new KioskBench();
  await bench.start();
  await bench.frames(framesToGrant, masked());
  await bench.wait(unlockMs - 1);
  assert.equal(bench.isOpen, true);
  await bench.wait(1);
  assert.equal(bench.isOpen, false);
  await bench.wait(stepMs);
  assert.deepEqual([bench.access, bench.shining], ["idle", "red"]);
});

test("who stays after the lease is locked out again until new votes are full", async () => {
  const bench = new KioskBench();
  await bench.start();
  await bench.frames(framesToGrant, masked());
  const levels: boolean[] = [];
  const openFrames = unlockMs / stepMs - 1;
  for (let n = 0; n < openFrames + framesToGrant; n++) {
    await bench.frame(masked());
    levels.push(bench.isOpen);
  }
  const repeated = (isOpen: boolean, times: number) => Array.from({ length: times }, () => isOpen);
  assert.deepEqual(levels, [...repeated(true, openFrames), ...repeated(false, framesToGrant - 1), true]);
});

test("a bare person is refused and the line never once goes to unlocked", async () => {
  const bench = new KioskBench();
  await bench.start();
  await bench.frames(50, bare());
  assert.deepEqual([bench.access, bench.shining], ["refused", "red+amber"]);
  assert.ok(bench.line.levels.every((level) => !level));
});

test("who takes the mask off before the votes are full starts again", async () => {
  const bench = new KioskBench();
  await bench.start();
  for (let n = 0; n < 5; n++) {
    await bench.frames(framesToGrant - 1, masked());
    await bench.frame(bare());
  }
  assert.ok(bench.line.levels.every((level) => !level));
  await bench.frames(framesToGrant, masked());
  assert.equal(bench.isOpen, true);
});

test("masked and bare together: `all` stays locked until the bare one is gone, `any` opens", async () => {
  const strict = new KioskBench({ several: "all" });
  await strict.start();
  await strict.frames(20, masked(0), bare(1));
  assert.ok(strict.line.levels.every((level) => !level));
  assert.equal(strict.access, "refused");
  await strict.frames(framesToGrant + benchPolicy.maxGapMs / stepMs, masked(0));
  assert.equal(strict.isOpen, true);

  const lenient = new KioskBench({ several: "any" });
  await lenient.start();
  await lenient.frames(framesToGrant, masked(0), bare(1));
  assert.equal(lenient.isOpen, true);
});

test("`remind` opens for a bare person and shows it", async () => {
  const bench = new KioskBench({ mode: "remind" });
  await bench.start();
  await bench.frames(framesToGrant, bare());
  assert.deepEqual([bench.isOpen, bench.access, bench.shining], [true, "reminded", "green+amber"]);
});

test("without frames the loop tells time: a face is forgotten though no frame says so", async () => {
  const bench = new KioskBench();
  await bench.start();
  await bench.frame(masked());
  assert.equal(bench.access, "checking");
  await bench.wait(2 * benchPolicy.maxGapMs + stepMs);
  assert.deepEqual([bench.access, bench.shining], ["idle", "red"]);
});

test("progress is told once for every decided frame, after it has taken effect, and never otherwise", async () => {
  const bench = new KioskBench();
  await bench.start();
  await bench.wait(1000);
  assert.equal(bench.service.progressed.length, 0);
  await bench.frames(framesToGrant, masked());
  assert.equal(bench.service.progressed.length, framesToGrant);
  assert.match(bench.service.progressed.at(-1) ?? "", /^granted; door unlocked; /);
  await bench.wait(10 * unlockMs);
  assert.equal(bench.service.progressed.length, framesToGrant);
  assert.equal(bench.now.camera.framesDecided, framesToGrant);
});

test("the listener hears of every cycle, with times for decided frames only, and door and LEDs are set by then", async () => {
  const bench = new KioskBench();
  const seen: boolean[] = [];
  bench.onStep = () => {
    seen.push(bench.now.door.kind === "unlocked" && bench.shining === "green");
  };
  await bench.start();
  await bench.frames(framesToGrant, masked());
  assert.equal(seen.at(-1), true);
  assert.equal(bench.steps.filter(({ times }) => times !== undefined).length, framesToGrant);
  assert.ok(bench.steps.length > framesToGrant, "ticks are cycles, too");
  assert.equal(bench.steps.at(-1)?.times?.classifyMs, 4);
  assert.deepEqual(bench.now.stages, bench.steps.at(-1)?.times);
});

test("every cycle sets door and LEDs again", async () => {
  const bench = new KioskBench();
  await bench.start();
  const before = { line: bench.line.setCount, red: bench.leds.red.setCount };
  await bench.wait(10 * 100);
  assert.equal(bench.line.setCount - before.line, 10);
  assert.equal(bench.leds.red.setCount - before.red, 10);
});

test("one look at a time: while it lasts newer frames replace each other, and only the newest is looked at", async () => {
  const bench = new KioskBench();
  bench.vision.isHeld = true;
  await bench.start();
  await bench.frame(bare());
  await bench.frames(3, bare());
  await bench.frame(masked());
  assert.equal(bench.vision.searches.length, 1);
  bench.vision.finish();
  await settle();
  assert.equal(bench.vision.searches.length, 2);
  bench.time.advance(7);
  bench.vision.finish();
  await settle();
  assert.equal(bench.vision.mostAtOnce, 1);
  const { framesDelivered, framesDecided, framesSkipped } = bench.now.camera;
  assert.deepEqual(
    { framesDelivered, framesDecided, framesSkipped },
    {
      framesDelivered: 5,
      framesDecided: 2,
      framesSkipped: 3,
    },
  );
  assert.deepEqual(
    bench.now.faces.map((face) => face.masked),
    [masked().masked],
  );
  assert.equal(bench.now.stages?.frameToDecisionMs, 7);
});

test("the search follows the known faces and turns with every decided frame", async () => {
  const bench = new KioskBench();
  await bench.start();
  await bench.frames(2, masked(0), verdict(0.9, boxAt(1)));
  await bench.frame();
  assert.deepEqual(bench.vision.searches, [
    { kind: "follow", around: [], turn: 0 },
    { kind: "follow", around: [boxAt(0), boxAt(1)], turn: 1 },
    { kind: "follow", around: [boxAt(0), boxAt(1)], turn: 2 },
  ]);
});

test("the snapshot tells how many frames a second were decided", async () => {
  const bench = new KioskBench();
  await bench.start();
  await bench.frames(100);
  assert.ok(Math.abs(bench.now.camera.framesPerSecond - 10) < 0.5, String(bench.now.camera.framesPerSecond));
  await bench.wait(6000);
  assert.equal(bench.now.camera.framesPerSecond, 0);
});
