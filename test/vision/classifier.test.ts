import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { KioskError } from "../../src/core/errors.ts";
import { loadClassifier } from "../../src/vision/classifier.ts";
import { packageFolder } from "../../src/vision/packaged.ts";
import { goldenPicture } from "../../src/vision/self-test.ts";

const models = path.join(packageFolder, "test/fixtures/models");
const load = (folder: string, providers: readonly string[] = ["cpu"]) =>
  loadClassifier({ folder, providers, threads: 1 });
const crop = (value: number): Uint8Array => new Uint8Array(112 * 112 * 3).fill(value);

const isBadModel = (pattern: RegExp) => (error: unknown) => {
  assert.ok(error instanceof KioskError);
  assert.equal(error.code, "bad-model");
  assert.match(error.message, pattern);
  assert.ok(!error.message.includes("\n"), "one line");
  return true;
};

test("classifies all crops in one batch, each with its own answer", async () => {
  const classifier = await load(path.join(models, "brightness"));
  const answers = await classifier.classify([crop(0), crop(51), crop(255)]);
  assert.deepEqual(
    answers.map((answer) => Math.round(answer * 100)),
    [0, 20, 100],
  );
  assert.deepEqual(await classifier.classify([]), []);
  await classifier.dispose();
});

test("a provider that does not run is passed over, told with its reason, and the next one runs", async () => {
  const classifier = await load(path.join(models, "brightness"), ["tensorrt", "cpu"]);
  assert.equal(classifier.model.provider, "cpu");
  assert.deepEqual(
    classifier.model.passedOver.map(({ provider }) => provider),
    ["tensorrt"],
  );
  assert.ok((classifier.model.passedOver[0]?.reason.length ?? 0) > 10);
  await classifier.dispose();
  await assert.rejects(
    load(path.join(models, "brightness"), ["tensorrt"]),
    isBadModel(/no provider.*tensorrt/),
  );
});

test("a model that is not what its manifest says is refused", async () => {
  await assert.rejects(load(path.join(models, "wrong-sha256")), isBadModel(/model\.onnx.*sha256.*manifest/));
  await assert.rejects(load(path.join(models, "wrong-shape")), isBadModel(/has image uint8 \[N,96,96,3\]/));
  await assert.rejects(load(path.join(models, "wrong-output")), isBadModel(/masked float32 \[N,1,1,1\]/));
  await assert.rejects(load(path.join(models, "nowhere")), isBadModel(/nowhere.*model\.folder/));
});

test("a manifest that is wrong is refused with the name of what is wrong", async (t) => {
  const folder = await mkdtemp(path.join(os.tmpdir(), "maskgate-"));
  t.after(() => rm(folder, { recursive: true }));
  await cp(path.join(models, "brightness"), folder, { recursive: true });
  const file = path.join(folder, "manifest.json");
  const manifest = JSON.parse(await readFile(file, "utf8")) as Record<string, unknown>;
  const cases: readonly [Record<string, unknown>, RegExp][] = [
    [{ threshold: 1.5 }, /threshold/],
    [{ file: "../model.onnx" }, /file: must be a plain file name/],
    [{ crop: { marginShare: 0.4 } }, /crop\.marginShare/],
    [{ sizeBytes: 10 }, /has 224 bytes.*states 10 bytes/],
    [{ schema: 2 }, /schema/],
  ];
  for (const [change, pattern] of cases) {
    await writeFile(file, JSON.stringify({ ...manifest, ...change }));
    await assert.rejects(load(folder), isBadModel(pattern));
  }
  await writeFile(file, "{");
  await assert.rejects(load(folder), isBadModel(/is not JSON/));
});

test("a model whose self-test gives other numbers than its trainer's is refused", async (t) => {
  const folder = await mkdtemp(path.join(os.tmpdir(), "maskgate-"));
  t.after(() => rm(folder, { recursive: true }));
  await cp(path.join(models, "brightness"), folder, { recursive: true });
  const means = [0, 1].map((k) => {
    const bytes = goldenPicture(k);
    return bytes.reduce((sum, byte) => sum + byte, 0) / bytes.length / 255;
  });
  const golden = (masked: readonly unknown[]): Promise<void> =>
    writeFile(path.join(folder, "golden.json"), JSON.stringify({ tolerance: 0.005, masked }));
  await golden(means);
  await (await load(folder)).dispose();
  await golden([means[0], (means[1] ?? 0) + 0.01]);
  await assert.rejects(load(folder), isBadModel(/self-test fails.*picture 1/));
  await golden([]);
  await assert.rejects(load(folder), isBadModel(/golden\.json.*install the model again/));
});

test("the pictures of the self-test are those of the trainer", () => {
  const digest = (k: number): string =>
    createHash("sha256").update(goldenPicture(k)).digest("hex").slice(0, 16);
  assert.deepEqual([0, 5].map(digest), ["6d1895959fc84b75", "cec654ebbea5633f"]);
});
