/** The loop of the installer's view beside the daemon's own, on the same pictures at the same time. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { KioskError } from "../src/core/errors.ts";
import type { Frame } from "../src/core/frame.ts";
import type { PictureSigns } from "../src/core/sight.ts";
import type { StatusSnapshot } from "../src/core/status.ts";
import type { Verdict } from "../src/core/verdict.ts";
import { createLog } from "../src/io/log.ts";
import { Viewer } from "../src/viewer.ts";
import type { ViewState } from "../src/view-state.ts";
import { bare, masked } from "./core/scene.ts";
import { benchPolicy, KioskBench, settle, sightPolicy, stepMs } from "./sim/kiosk-bench.ts";
import { SimCamera } from "./sim/sim-camera.ts";
import { SimVision } from "./sim/sim-vision.ts";

/** A daemon and a view before the same door; `agree` holds what one says against the other. */
class Pair implements AsyncDisposable {
  readonly daemon = new KioskBench();
  readonly camera = new SimCamera(this.daemon.time);
  readonly vision = new SimVision();
  readonly logged: string[] = [];
  readonly reached = new Set<string>();
  readonly viewer = new Viewer({
    ...{ camera: this.camera, vision: this.vision, clock: this.daemon.time },
    ...{ policy: benchPolicy, sight: sightPolicy, leastSearchedPx: 32 },
    model: { ...this.vision.model, askedProvider: "cpu", isFirstChoice: true },
    log: createLog({ level: "info", style: "json", sink: { write: (line) => this.logged.push(line) } }),
  });
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;

  async start(): Promise<void> {
    this.#running = this.viewer.run(this.#stop.signal);
    await this.daemon.start();
  }

  /** What both cameras do next, after a step of time. */
  async step(happens: (camera: SimCamera) => void): Promise<void> {
    await this.daemon.wait(stepMs);
    // The daemon's loop has a tick of its own; the view's is that somebody asks.
    await this.now();
    for (const camera of [this.daemon.camera, this.camera]) happens(camera);
    await settle();
    await this.agree();
  }

  async frames(count: number, ...verdicts: readonly Verdict[]): Promise<void> {
    for (let n = 0; n < count; n++) {
      await this.step((camera) => {
        camera.show(...verdicts);
      });
    }
  }

  /** The camera fails while its last frame is looked at: that frame is no recovery. */
  async faultDuringLook(...verdicts: readonly Verdict[]): Promise<void> {
    const visions = [this.daemon.vision, this.vision];
    for (const vision of visions) vision.isHeld = true;
    await this.frames(1, ...verdicts);
    await this.step((camera) => {
      camera.fault(new KioskError("camera-ended", "the camera program ended"));
    });
    for (const vision of visions) {
      vision.isHeld = false;
      vision.finish();
    }
    await settle();
    await this.agree();
    assert.equal((await this.now()).fault?.code, "camera-ended");
  }

  /** What every picture tells of the camera from now on; undefined: all is well. */
  see(signs: PictureSigns | undefined): void {
    for (const vision of [this.daemon.vision, this.vision]) vision.signs = signs;
  }

  /** The view's state without a wait for a frame. */
  async now(): Promise<ViewState> {
    return (await this.viewer.ask(AbortSignal.abort())).state;
  }

  async agree(): Promise<void> {
    const [view, daemon] = [await this.now(), this.daemon.now];
    const { indication, wouldUnlock, fault } = view;
    assert.deepEqual(
      { indication, wouldUnlock, fault, faces: facesOf(view.faces) },
      {
        ...{ indication: daemon.indication, wouldUnlock: this.daemon.isOpen, fault: daemon.fault },
        faces: facesOf(daemon.faces.filter(({ isVisible }) => isVisible)),
      },
    );
    this.reached.add(fault?.code ?? indication);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.daemon.abort();
    await settle();
    await this.#running;
  }
}

type Told = Pick<StatusSnapshot["faces"][number], "box" | "masked" | "agreed" | "isDeciding">;

function facesOf(faces: readonly Told[]): readonly Told[] {
  return faces.map(({ box, masked: probability, agreed, isDeciding }) => {
    return { box, masked: probability, agreed, isDeciding };
  });
}

const covered: PictureSigns = { detail: 0.4, fingerprint: 1 };
const still: PictureSigns = { detail: 60, fingerprint: 1 };

test("it says in every frame what the daemon shows, a covered and a frozen camera's fault included", async () => {
  await using pair = new Pair();
  await pair.start();
  await pair.agree();
  await pair.frames(5, masked());
  await pair.frames(30);
  await pair.frames(5, bare(0), masked(1));
  await pair.frames(3, masked(0, 40));
  pair.see(covered);
  await pair.frames(15, masked());
  pair.see(undefined);
  await pair.frames(6, masked());
  pair.see(still);
  await pair.frames(60, masked());
  await pair.step((camera) => {
    camera.fault(new KioskError("camera-silent", "no frames for 2 s"));
  });
  pair.see(undefined);
  await pair.frames(6, masked());
  await pair.step((camera) => {
    camera.showRubbish();
  });
  await pair.frames(30, masked());
  await pair.faultDuringLook(masked());
  await pair.frames(6, masked());
  assert.deepEqual([...pair.reached].sort(), [
    ...["bad-picture", "camera-blind", "camera-ended", "camera-frozen"],
    ...["checking", "granted", "ready", "refused"],
  ]);
  assert.deepEqual(
    pair.logged.map((line) => /"code":"([\w-]+)"/.exec(line)?.[1]),
    ["camera-blind", "camera-frozen", "camera-silent", "bad-picture", "camera-ended"],
    "each fault is logged once, however many frames show it",
  );
});

test("a covered camera's picture is still shown: it tells which lens it is", async () => {
  await using pair = new Pair();
  await pair.start();
  pair.see(covered);
  await pair.frames(12);
  const asked = pair.viewer.ask(new AbortController().signal);
  await pair.frames(1);
  const { state, frame } = await asked;
  assert.deepEqual([state.fault?.code, frame?.seq, state.seq], ["camera-blind", 13, 13]);
});

test("a question is answered with a copy of the next frame; two pictures are 200 ms apart, and none is made for nobody", async () => {
  await using pair = new Pair();
  await pair.start();
  const frames: (Frame | undefined)[] = [];
  const ask = async (): Promise<void> => {
    frames.push((await pair.viewer.ask(new AbortController().signal)).frame);
  };
  await pair.frames(1, bare());
  void ask();
  await pair.frames(1, masked());
  assert.deepEqual(
    frames.map((frame) => frame?.seq),
    [2],
  );
  void ask();
  await pair.frames(1, bare());
  assert.equal(frames.length, 1, "too soon");
  await pair.frames(1, bare());
  assert.equal(frames[1]?.seq, 4);
  const [first] = frames;
  assert.ok(first);
  assert.deepEqual(JSON.parse(Buffer.from(first.memory).toString()), [masked()]);
});

test("without a frame the state alone is the answer: of a fault at once, and else when nobody waits any more", async () => {
  await using pair = new Pair();
  await pair.start();
  const asked = pair.viewer.ask(new AbortController().signal);
  await pair.step((camera) => {
    camera.fault(new KioskError("camera-silent", "no frames for 2 s"));
  });
  const answer = await asked;
  assert.deepEqual([answer.state.fault?.code, answer.frame], ["camera-silent", undefined]);
  const gone = new AbortController();
  const waiting = pair.viewer.ask(gone.signal);
  gone.abort();
  assert.equal((await waiting).frame, undefined);
});

test("a replay that has ended is told, and the view goes on answering", async () => {
  await using pair = new Pair();
  await pair.start();
  await pair.frames(1);
  assert.equal((await pair.now()).hasEnded, false);
  pair.camera.end();
  assert.equal((await pair.now()).hasEnded, true);
});

test("a vision that fails ends the view", async () => {
  const pair = new Pair();
  const running = assert.rejects(pair.viewer.run(new AbortController().signal), { code: "vision-failed" });
  pair.vision.die();
  pair.camera.show(bare());
  await running;
});
