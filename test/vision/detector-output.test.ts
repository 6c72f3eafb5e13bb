import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import {
  MediaPipeFaceDetectorTfjs,
  SupportedModels,
  createDetector,
} from "@tensorflow-models/face-detection";
import * as tf from "@tensorflow/tfjs-core";
import { loadFaceDetector } from "../../src/vision/detector.ts";
import { facesOfOutput } from "../../src/vision/detector-output.ts";
import { faceModelFolder, packageFolder } from "../../src/vision/packaged.ts";
import { decode, type Picture } from "../../src/vision/picture.ts";
import { cutSquare, type Square } from "../../src/vision/square.ts";

const detector = await loadFaceDetector(faceModelFolder);

/** The graph as the library loads it; both share the wasm backend. */
async function libraryDetector(): Promise<MediaPipeFaceDetectorTfjs> {
  const file = (name: string): Promise<Buffer> => readFile(path.join(faceModelFolder, name));
  const graph = JSON.parse((await file("facemesh-detection-short.json")).toString("utf8")) as {
    modelTopology: object;
    weightsManifest: [{ weights: tf.io.WeightsManifestEntry[] }];
  };
  const weights = new Uint8Array(await file("facemesh-detection-short.bin")).buffer;
  const artifacts = {
    modelTopology: graph.modelTopology,
    weightSpecs: graph.weightsManifest[0].weights,
    weightData: weights,
  };
  const library = await createDetector(SupportedModels.MediaPipeFaceDetector, {
    runtime: "tfjs",
    modelType: "short",
    maxFaces: 20,
    detectorModelUrl: { load: () => Promise.resolve(artifacts) },
  });
  assert.ok(library instanceof MediaPipeFaceDetectorTfjs);
  return library;
}

async function facesOfLibrary(
  library: MediaPipeFaceDetectorTfjs,
  picture: Picture,
  region: Square,
): Promise<number[][]> {
  const input = tf.tensor3d(await cutSquare(picture, region, 128, "black"), [128, 128, 3], "int32");
  const found = await library.detectFaces(input);
  input.dispose();
  return found.map(({ score, locationData: { relativeBoundingBox: box } }) => {
    assert.ok(box && score);
    return [
      score[0] ?? 0,
      region.x + box.xMin * region.sidePx,
      region.y + box.yMin * region.sidePx,
      box.width * region.sidePx,
      box.height * region.sidePx,
    ];
  });
}

const samples = await Promise.all(
  [3, 4, 6].map(async (n) =>
    decode(await readFile(path.join(packageFolder, `node_modules/@vladmandic/face-api/demo/sample${n}.jpg`))),
  ),
);
const regions: readonly Square[] = [
  { x: 0, y: -285, sidePx: 1920 },
  { x: 100, y: 50, sidePx: 900 },
  { x: 700, y: 100, sidePx: 800 },
  { x: 1200, y: 500, sidePx: 900 },
];

test("finds the very faces that the library finds with tensor operations", async () => {
  const library = await libraryDetector();
  let compared = 0;
  for (const picture of samples) {
    for (const region of regions) {
      const expected = await facesOfLibrary(library, picture, region);
      const found = (await detector.detect(picture, region)).map(({ score, box }) => [
        score,
        box.x,
        box.y,
        box.width,
        box.height,
      ]);
      assert.equal(found.length, expected.length);
      for (const [n, face] of found.entries()) {
        for (const [i, value] of face.entries()) {
          assert.ok(Math.abs(value - (expected[n]?.[i] ?? NaN)) < 0.01, `${value} is ${expected[n]?.[i]}`);
        }
      }
      compared += found.length;
    }
  }
  assert.ok(compared >= 12, `only ${compared} faces were compared`);
});

test("keeps no tensor of any look", async () => {
  const [picture] = samples;
  const [region] = regions;
  assert.ok(picture && region);
  await detector.detect(picture, region);
  const before = tf.memory().numTensors;
  for (let look = 0; look < 5; look += 1) await detector.detect(picture, region);
  assert.equal(tf.memory().numTensors, before);
});

test("a graph with another output is refused", () => {
  assert.throws(() => facesOfOutput(new Float32Array(10)), RangeError);
});
