import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { test, type TestContext } from "node:test";
import { KioskError } from "../../src/core/errors.ts";
import { loadClassifier } from "../../src/vision/classifier.ts";
import { graphFor, readManifest, type AskedPrecision } from "../../src/vision/model-files.ts";
import { packageFolder } from "../../src/vision/packaged.ts";
import { goldenPicture } from "../../src/vision/self-test.ts";

const models = path.join(packageFolder, "test/fixtures/models");
const load = (folder: string, providers: readonly string[] = ["cpu"], precision: AskedPrecision = "auto") =>
  loadClassifier({ folder, providers, precision, threads: 1 });
const crop = (value: number): Uint8Array => new Uint8Array(112 * 112 * 3).fill(value);

/** What the brightness model says of a picture of the self-test. */
const goldenMean = (k: number): number => {
  const bytes = goldenPicture(k);
  return bytes.reduce((sum, byte) => sum + byte, 0) / bytes.length / 255;
};

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
  const means = [0, 1].map(goldenMean);
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

/** The brightness model with an int8 graph that gives half of the brightness, so that one can tell which runs. */
async function modelWithVariant(
  t: TestContext,
  change: Record<string, unknown> = {},
  providers: readonly string[] = ["cpu"],
): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), "maskgate-"));
  t.after(() => rm(folder, { recursive: true }));
  await cp(path.join(models, "brightness"), folder, { recursive: true });
  const graph = await readFile(path.join(folder, "model.onnx"));
  const divisor = Buffer.from(new Float32Array([255]).buffer);
  graph.set(Buffer.from(new Float32Array([510]).buffer), graph.indexOf(divisor));
  await writeFile(path.join(folder, "model.int8.onnx"), graph);
  const golden = { tolerance: 0.005, masked: [goldenMean(0) / 2, goldenMean(1) / 2] };
  const sha256 = createHash("sha256").update(graph).digest("hex");
  const file = { file: "model.int8.onnx", sizeBytes: graph.length, sha256 };
  const variant = { precision: "int8", ...file, providers, golden, ...change };
  const manifest = JSON.parse(await readFile(path.join(folder, "manifest.json"), "utf8")) as object;
  await writeFile(path.join(folder, "manifest.json"), JSON.stringify({ ...manifest, variants: [variant] }));
  const masked = [goldenMean(0), goldenMean(1)];
  await writeFile(path.join(folder, "golden.json"), JSON.stringify({ tolerance: 0.005, masked }));
  return folder;
}

test("auto runs int8 on a provider that it is made for, and each graph passes its own self-test", async (t) => {
  const folder = await modelWithVariant(t);
  for (const [asked, runs, answer] of [
    ["auto", "int8", 50],
    ["int8", "int8", 50],
    ["float", "float", 100],
  ] as const) {
    const classifier = await load(folder, ["cpu"], asked);
    assert.equal(classifier.model.precision, runs);
    assert.deepEqual(
      (await classifier.classify([crop(255)])).map((p) => Math.round(p * 100)),
      [answer],
    );
    await classifier.dispose();
  }
  const plain = await load(path.join(models, "brightness"));
  assert.equal(plain.model.precision, "float");
  await plain.dispose();
});

test("a provider gets the float graph where int8 is not made for it, and none where int8 alone is asked for", async (t) => {
  const manifest = await readManifest(await modelWithVariant(t));
  assert.equal(graphFor(manifest, "cuda", "auto", "f")?.precision, "float");
  assert.equal(graphFor(manifest, "cuda", "auto", "f")?.file, "model.onnx");
  assert.equal(graphFor(manifest, "cuda", "int8", "f"), undefined);
  const elsewhere = await modelWithVariant(t, {}, ["cuda"]);
  const classifier = await load(elsewhere, ["cpu"]);
  assert.equal(classifier.model.precision, "float");
  await classifier.dispose();
  await assert.rejects(
    load(elsewhere, ["cpu"], "int8"),
    isBadModel(/cpu: the model's int8 graph is not made/),
  );
  await assert.rejects(
    load(path.join(models, "brightness"), ["cpu"], "int8"),
    isBadModel(/brightness: the model has no int8 graph; set model\.precision to auto or float/),
  );
});

test("an int8 graph that is missing, changed or computes otherwise is refused by its name, with the mend", async (t) => {
  const mend = /model\.int8\.onnx: .*install the model again, or set model\.precision to float/;
  const missing = await modelWithVariant(t);
  await rm(path.join(missing, "model.int8.onnx"));
  await assert.rejects(load(missing), isBadModel(mend));
  await (await load(missing, ["cpu"], "float")).dispose();
  await assert.rejects(load(await modelWithVariant(t, { sha256: "0".repeat(64) })), isBadModel(mend));
  const golden = { tolerance: 0.005, masked: [goldenMean(0)] };
  const pattern = /model\.int8\.onnx: the self-test fails.*model\.precision/;
  await assert.rejects(load(await modelWithVariant(t, { golden })), isBadModel(pattern));
  await assert.rejects(
    load(await modelWithVariant(t, { golden: undefined })),
    isBadModel(/manifest\.json: variants\.0\.golden/),
  );
});
