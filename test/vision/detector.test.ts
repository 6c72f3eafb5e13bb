import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import * as tf from "@tensorflow/tfjs-core";
import { loadFaceDetector } from "../../src/vision/detector.ts";
import { faceModelFolder, packageFolder } from "../../src/vision/packaged.ts";
import { decode } from "../../src/vision/picture.ts";

const photograph = path.join(packageFolder, "node_modules/@vladmandic/face-api/demo/sample3.jpg");

test("keeps no tensor of any look, with faces or without", async () => {
  const detector = await loadFaceDetector(faceModelFolder);
  const picture = await decode(await readFile(photograph));
  const withFaces = { x: 300, y: 50, sidePx: 900 };
  const without = { x: 1700, y: 1200, sidePx: 150 };
  const look = async (): Promise<void> => {
    assert.ok((await detector.detect(picture, withFaces)).length > 0);
    assert.equal((await detector.detect(picture, without)).length, 0);
  };
  await look();
  const before = tf.memory().numTensors;
  assert.ok(before > 0);
  // Two at once too: that is how a frame's regions are looked at.
  await Promise.all([look(), look()]);
  assert.equal(tf.memory().numTensors, before);
  detector.dispose();
});
