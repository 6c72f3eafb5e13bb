/** What every camera that runs a program keeps, whatever the program does. Run on each kind of them. */
import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { assertFault, isAlive, until, watch, type CameraKind } from "./camera-probe.ts";

const ownerScript = fileURLToPath(new URL("../fixtures/camera-owner.js", import.meta.url));

/** A process that has opened this camera, after its first frame. */
export async function ownerOf(kind: CameraKind["name"], settings: unknown): Promise<ChildProcess> {
  const daemon = spawn(process.execPath, [ownerScript, kind, JSON.stringify(settings)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [said] = (await once(daemon.stdout, "data")) as [Buffer];
  assert.match(said.toString(), /^frame/);
  return daemon;
}

/** Registers the tests. */
export function programCameraContract(kind: CameraKind): void {
  const { name, camera: spoken, misbehaving, numberOf } = kind;
  test("silence is a fault, the silent program is ended, and its successor recovers", async () => {
    const { open, starts } = misbehaving("silent");
    await using camera = await open();
    const { faults, story } = await watch(camera);
    await until("a second start", () => starts().length >= 2);
    await until("two frames", () => story.filter((event) => event === "frame").length >= 2);
    assert.deepEqual(story.slice(0, 3), ["frame", "fault", "frame"]);
    assertFault(faults, "camera-silent", `${spoken} sent no frame for 250 ms; it is started anew`);
    assert.ok(!isAlive(starts()[0]?.pid ?? 0));
  });

  test("a program that never sends a frame is given its time to start, not more", async () => {
    const { open, starts } = misbehaving("mute", { startMs: 1500, silenceMs: 100 });
    await using camera = await open();
    const startedAtMs = performance.now();
    const { faults } = await watch(camera);
    await until("a fault", () => faults.length >= 1);
    assert.ok(performance.now() - startedAtMs >= 1490);
    assert.equal(faults[0]?.code, "camera-silent");
    await until("a second start", () => starts().length >= 2);
  });

  test("bytes that never make a frame are silence", async () => {
    await using camera = await misbehaving("trickle", { startMs: 400 }).open();
    const { faults, frames } = await watch(camera);
    await until("a fault", () => faults.length >= 1);
    assert.equal(faults[0]?.code, "camera-silent");
    assert.equal(frames.length, 0);
  });

  test("a program that ignores signals is killed", async () => {
    const { open, starts } = misbehaving("deaf");
    await using camera = await open();
    await watch(camera);
    await until("a second start", () => starts().length >= 2);
    assert.ok(!isAlive(starts()[0]?.pid ?? 0));
  });

  for (const behaviour of ["steady", "deaf"]) {
    test(`started anew: the program is ended, its successor brings the frames, and no fault is told: ${behaviour}`, async () => {
      const { open, starts } = misbehaving(behaviour, { silenceMs: 1500 });
      await using camera = await open();
      const { faults, frames } = await watch(camera);
      await until("frames", () => frames.length >= (behaviour === "steady" ? 3 : 1));
      camera.startAnew();
      const before = frames.length;
      await until("a frame of the successor", () => frames.length > before);
      const [first] = frames.slice(before);
      assert.equal(first && (await numberOf(first)), 1, "a frame of the program that is being ended");
      assert.equal(starts().length, 2);
      assert.ok(!isAlive(starts()[0]?.pid ?? 0));
      assert.deepEqual(faults, []);
    });
  }

  test("a frame that was cut off is never seen", async () => {
    const { open } = misbehaving("halfway");
    await using camera = await open();
    const { faults, frames } = await watch(camera);
    await until("three faults", () => faults.length >= 3);
    assert.match(faults[0]?.message ?? "", /ended \(exit code 3\)/);
    assert.ok(frames.length >= 3);
    for (const frame of frames) assert.equal(await numberOf(frame), 1);
  });

  test("restarts wait longer and longer, up to the limit", async () => {
    const { open, starts } = misbehaving("brief", { restartMinMs: 100, restartMaxMs: 400 });
    await using camera = await open();
    const { faults } = await watch(camera);
    await until("five faults", () => faults.length >= 5);
    assert.match(
      faults[0]?.message ?? "",
      /: its program ended \(exit code 1\): (?:broken0: )?The lens fell off\.$/,
    );
    const at = starts().map((start) => start.atMs);
    const gaps = at.slice(1).map((ms, index) => ms - (at[index] ?? 0));
    for (const [index, leastMs] of [100, 200, 400, 400].entries()) {
      assert.ok((gaps[index] ?? 0) >= leastMs, `gap ${index}: ${gaps.join()}`);
    }
  });

  test("a flood neither grows memory nor starves the event loop, and comes at the asked rate", async () => {
    const size = { widthPx: 640, heightPx: 480, framesPerSecond: 10 };
    await using camera = await misbehaving("flood", size).open();
    let taken = 0;
    await camera.start({
      onFrame: () => (taken += camera.take() === undefined ? 0 : 1),
      onFault: (error) => assert.fail(error),
      onEnd: () => assert.fail(),
    });
    await until("three frames", () => taken >= 3);
    const before = { taken, bytes: process.memoryUsage().rss, cpu: process.cpuUsage() };
    const delay = monitorEventLoopDelay({ resolution: 5 });
    delay.enable();
    await wait(1500);
    delay.disable();
    const cpu = process.cpuUsage(before.cpu);
    const perSecond = (taken - before.taken) / 1.5;
    assert.ok(perSecond >= 6 && perSecond <= 11.5, `${perSecond} frames a second`);
    assert.ok(process.memoryUsage().rss - before.bytes < 40e6, "memory grew");
    assert.ok(delay.percentile(90) / 1e6 < 20, `event loop delay p90 ${delay.percentile(90) / 1e6} ms`);
    assert.ok((cpu.user + cpu.system) / 1e6 < 0.6, `${(cpu.user + cpu.system) / 1e6} s of CPU in 1.5 s`);
  });

  test("a program that talks without end is heard in bounded memory", async () => {
    await using camera = await misbehaving("chatter").open();
    const { frames, faults } = await watch(camera);
    await until("20 frames", () => frames.length >= 20);
    assert.deepEqual(faults, []);
    for (const frame of frames) assert.ok((await numberOf(frame)) >= frame.seq, "talk came into the frames");
  });

  test("a busy event loop is not taken for a silent camera", async () => {
    await using camera = await misbehaving("steady", { silenceMs: 150 }).open();
    const { frames, faults } = await watch(camera);
    await until("5 frames", () => frames.length >= 5);
    for (let round = 0; round < 3; round += 1) {
      const endMs = performance.now() + 300;
      while (performance.now() < endMs);
      await wait(20);
    }
    assert.deepEqual(faults, []);
  });

  for (const behaviour of ["steady", "silent", "deaf", "parent"]) {
    test(`disposal ends the whole process group: ${behaviour}`, async () => {
      const { open, starts } = misbehaving(behaviour, { silenceMs: 5000 });
      const camera = await open();
      const { frames } = await watch(camera);
      await until("a frame", () => frames.length >= 1);
      const pids = starts().map(({ pid }) => pid);
      assert.equal(pids.length, behaviour === "parent" ? 2 : 1);
      assert.ok(pids.every(isAlive));
      await camera[Symbol.asyncDispose]();
      await until("all of them gone", () => !pids.some(isAlive), 100);
    });
  }

  test("whoever the program leaves behind with the pipe is ended too, and does not hold up the restart", async () => {
    const { open, starts } = misbehaving("orphaner");
    await using camera = await open();
    const { faults } = await watch(camera);
    await until("two faults", () => faults.length >= 2);
    assert.ok(starts().length >= 3);
    assert.ok(!isAlive(starts()[1]?.pid ?? 0));
  });

  test("a camera is not started twice", async () => {
    await using camera = await misbehaving("steady").open();
    await watch(camera);
    await assert.rejects(watch(camera), /started once/);
  });

  test("after disposal nothing is told any more, also not by a restart that waited", async () => {
    const { open, starts } = misbehaving("brief", { restartMinMs: 50 });
    const camera = await open();
    const { faults, story } = await watch(camera);
    await until("a fault", () => faults.length >= 1);
    await camera[Symbol.asyncDispose]();
    await camera[Symbol.asyncDispose]();
    const [told, started] = [story.length, starts().length];
    await wait(300);
    assert.deepEqual([story.length, starts().length], [told, started]);
  });

  for (const behaviour of ["silent", "deaf"]) {
    test(`the camera program does not outlive a daemon that is killed: ${behaviour}`, async () => {
      const { settings, starts } = misbehaving(behaviour, { silenceMs: 60_000 });
      const daemon = await ownerOf(name, settings);
      const pids = starts().map(({ pid }) => pid);
      assert.equal(pids.length, 1);
      assert.ok(pids.every(isAlive));
      daemon.kill("SIGKILL");
      await until("the program is gone", () => !pids.some(isAlive), 1000);
    });
  }
}
