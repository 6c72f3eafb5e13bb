import assert from "node:assert/strict";
import { cpSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { KioskError, messageOf } from "../../src/core/errors.ts";
import { stage, type StagingJob } from "../../src/staging.ts";
import { loadClassifier } from "../../src/vision/classifier.ts";
import { goldenPicture } from "../../src/vision/self-test.ts";
import { temporaryFolder } from "../cli/probe.ts";

const standIn = path.resolve("test/fixtures/staging-program.mjs");
const models = path.resolve("test/fixtures/models");
const never = new AbortController().signal;

function jobOf(folder: string): StagingJob {
  const classifier = { folder, providers: ["cpu"], precision: "float", threads: 1 } as const;
  return { classifier, golden: { masked: [], tolerance: 0.005, pictureBytes: 112 * 112 * 3 } };
}

/** What the promise is rejected with; `code` is null for what is no KioskError. */
async function failureOf(work: Promise<unknown>): Promise<{ code: string | null; message: string }> {
  try {
    await work;
  } catch (error) {
    return { code: error instanceof KioskError ? error.code : null, message: messageOf(error) };
  }
  throw new Error("it did not fail");
}

for (const name of ["wrong-output", "wrong-sha256", "wrong-shape", "missing"]) {
  test(`a model that is refused (${name}) is refused in the words of its own process`, async () => {
    const job = jobOf(path.join(models, name));
    const here = await failureOf(loadClassifier(job.classifier));
    assert.equal(here.code, "bad-model");
    assert.deepEqual(await failureOf(stage(job, never)), here);
  });
}

test("a model passes with its own pictures and says what it runs on; with others it is refused", async () => {
  const folder = temporaryFolder();
  cpSync(path.join(models, "brightness"), folder, { recursive: true });
  const job = jobOf(folder);
  const classifier = await loadClassifier(job.classifier);
  const pictures = [0, 1, 2].map(goldenPicture);
  const masked = await classifier.classify(pictures);
  const stated = { ...job, golden: { ...job.golden, masked } };
  writeFileSync(path.join(folder, "golden.bin"), Buffer.concat(pictures));
  assert.deepEqual(await stage(stated, never), classifier.model);
  const black = new Uint8Array(pictures[2]?.length ?? 0);
  writeFileSync(path.join(folder, "golden.bin"), Buffer.concat([...pictures.slice(0, 2), black]));
  const { code, message } = await failureOf(stage(stated, never));
  assert.equal(code, "bad-model");
  assert.match(message, /^the model gives [\d.]+ for picture 2 of golden.bin where its trainer got [\d.]+;/);
});

test("a process that dies is the machine's failure and says how it died; a bug in it is none of the bundle's", async () => {
  for (const [does, how] of [
    ["ends by itself", "with code 3"],
    ["is killed", "by SIGKILL"],
  ] as const) {
    const { code, message } = await failureOf(stage(jobOf(does), never, standIn));
    assert.equal(code, "update-failed");
    assert.match(message, new RegExp(`^the process that tested the model ended ${how};`));
  }
  const bug = await failureOf(stage(jobOf("has a bug"), never, standIn));
  assert.deepEqual(bug, { code: null, message: "x is undefined" });
});
