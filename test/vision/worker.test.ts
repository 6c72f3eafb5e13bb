import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { KioskError } from "../../src/core/errors.ts";
import type { Frame } from "../../src/core/frame.ts";
import { faceModelFolder, packageFolder } from "../../src/vision/packaged.ts";
import { decode } from "../../src/vision/picture.ts";
import { startVision } from "../../src/vision/worker-vision.ts";

const folder = path.join(packageFolder, "test/fixtures/models/brightness");
const settings = (modelFolder = folder) => ({
  faceModelFolder,
  faces: { leastFacePx: 80, minScore: 0.6 },
  classifier: { folder: modelFolder, providers: ["cpu"], precision: "auto" as const, threads: 1 },
});

function frameOf(bytes: Uint8Array, form: Partial<Frame>): Frame {
  const memory = new SharedArrayBuffer(bytes.length + 1000);
  new Uint8Array(memory).set(bytes);
  const rest = { seq: 1, capturedAtMs: 5, encoding: "file", widthPx: 0, heightPx: 0 } as const;
  return { ...rest, sizeBytes: bytes.length, memory, ...form };
}

test("a frame in shared memory comes back as an observation, encoded or raw alike", async () => {
  await using vision = await startVision(settings());
  assert.equal(vision.model.provider, "cpu");
  const file = await readFile(path.join(packageFolder, "node_modules/@vladmandic/face-api/demo/sample3.jpg"));
  const seen = await vision.look(frameOf(file, { seq: 7, capturedAtMs: 123 }), { kind: "full" });
  assert.deepEqual([seen.seq, seen.capturedAtMs, seen.widthPx, seen.heightPx], [7, 123, 1920, 1350]);
  assert.ok(seen.verdicts.length >= 3);
  for (const { masked } of seen.verdicts) assert.ok(masked > 0 && masked < 1);
  const { pixels, widthPx, heightPx } = await decode(file);
  const raw = await vision.look(frameOf(pixels, { encoding: "rgb24", widthPx, heightPx }), { kind: "full" });
  assert.deepEqual(raw.verdicts, seen.verdicts);
});

test("a broken picture fails its own look only", async () => {
  await using vision = await startVision(settings());
  const isBadPicture = (error: unknown): boolean =>
    error instanceof KioskError && error.code === "bad-picture";
  await assert.rejects(vision.look(frameOf(Buffer.from("no picture"), {}), { kind: "full" }), isBadPicture);
  await assert.rejects(
    vision.look(frameOf(new Uint8Array(10), { encoding: "rgb24", widthPx: 9, heightPx: 9 }), {
      kind: "full",
    }),
    isBadPicture,
  );
  const black = frameOf(new Uint8Array(320 * 240 * 3), { encoding: "rgb24", widthPx: 320, heightPx: 240 });
  assert.deepEqual((await vision.look(black, { kind: "full" })).verdicts, []);
});

test("a model that cannot be used ends the start, with its reason", async () => {
  await assert.rejects(
    startVision(settings(path.join(packageFolder, "test/fixtures/models/wrong-sha256"))),
    (error: unknown) =>
      error instanceof KioskError && error.code === "bad-model" && error.message.includes("sha256"),
  );
});

test("a closed vision refuses to look", async () => {
  const vision = await startVision(settings());
  await vision[Symbol.asyncDispose]();
  await assert.rejects(
    vision.look(frameOf(new Uint8Array(3), { encoding: "rgb24", widthPx: 1, heightPx: 1 }), { kind: "full" }),
    (error: unknown) => error instanceof KioskError && error.code === "vision-failed",
  );
});

test("a start that is given up is over at once, and a worker that cannot be ended keeps nobody waiting", async () => {
  const stuck = mkdtempSync(path.join(tmpdir(), "maskgate-worker-"));
  const manifest = path.join(stuck, "manifest.json");
  // Reading it comes back when the other end is closed; until then Node cannot end the thread.
  execFileSync("mkfifo", [manifest]);
  const giveUp = new AbortController();
  const started = startVision(settings(stuck), giveUp.signal);
  const over = started.catch((error: unknown) => error);
  const writer = await openForReader(manifest);
  giveUp.abort();
  const failure = await Promise.race([over, setTimeout(1000, "still waiting", { ref: false })]);
  closeSync(writer);
  rmSync(stuck, { recursive: true });
  assert.ok(failure instanceof KioskError, String(failure));
  assert.deepEqual(
    [failure.code, failure.message],
    ["vision-failed", "the vision worker is gone: its start was given up"],
  );
});

/** The writing end of a FIFO, as soon as somebody waits at the other one. */
async function openForReader(fifo: string): Promise<number> {
  for (;;) {
    try {
      return openSync(fifo, constants.O_WRONLY | constants.O_NONBLOCK);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENXIO") throw error;
      await setTimeout(20);
    }
  }
}
