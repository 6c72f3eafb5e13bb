import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import sharp from "sharp";
import type { Box } from "../../src/core/face.ts";
import { faceModelFolder, maskModelFolder, packageFolder } from "../../src/vision/packaged.ts";
import { disposePipeline, loadPipeline, lookAt, type Pipeline } from "../../src/vision/pipeline.ts";
import { decode, type Picture } from "../../src/vision/picture.ts";

/** The shipped models with the settings of `maskgate classify`, on photographs of people and on the same with masks of our own synthesis. */

interface Overlay {
  readonly picture: string;
  readonly file: string;
  readonly x: number;
  readonly y: number;
  readonly faces: readonly { readonly box: Box; readonly kind: string }[];
}

const photographs = path.join(packageFolder, "node_modules/@vladmandic/face-api/demo");
const overlayFolder = path.join(packageFolder, "test/fixtures/masked");
let pipeline: Pipeline;
let overlays: readonly Overlay[];

before(async () => {
  pipeline = await loadPipeline({
    faceModelFolder,
    faces: { leastFacePx: 32, minScore: 0.5 },
    classifier: { folder: maskModelFolder, providers: ["cpu"], precision: "auto", threads: 2 },
  });
  const index = await readFile(path.join(overlayFolder, "index.json"), "utf8");
  overlays = (JSON.parse(index) as { readonly overlays: readonly Overlay[] }).overlays;
});
after(() => disposePipeline(pipeline));

async function dressed({ picture, file, x, y }: Overlay): Promise<Picture> {
  const layers = [{ input: path.join(overlayFolder, file), left: x, top: y }];
  return decode(await sharp(path.join(photographs, picture)).composite(layers).png().toBuffer());
}

/** For each face of the overlay, what the classifier says of it; undefined where none was found. */
async function maskedOf(picture: Picture, faces: Overlay["faces"]): Promise<(number | undefined)[]> {
  const { verdicts } = await lookAt(pipeline, picture, { kind: "full" });
  return faces.map(({ box }) => {
    const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
    return verdicts.find(
      ({ face: { box: b } }) => x > b.x && x < b.x + b.width && y > b.y && y < b.y + b.height,
    )?.masked;
  });
}

test("every bare face of the photographs is found and not masked", async () => {
  let faces = 0;
  for (const overlay of overlays.filter(({ file }) => file.endsWith("-masked.png"))) {
    const picture = await decode(await readFile(path.join(photographs, overlay.picture)));
    for (const masked of await maskedOf(picture, overlay.faces)) {
      assert.ok(masked !== undefined, `${overlay.picture}: a bare face was not found`);
      assert.ok(
        masked < pipeline.classifier.model.threshold,
        `${overlay.picture}: a bare face has ${masked}`,
      );
      faces += 1;
    }
  }
  assert.equal(faces, 22);
});

test("their masked versions are found and masked", async () => {
  let faces = 0;
  for (const overlay of overlays.filter(({ file }) => file.endsWith("-masked.png"))) {
    for (const masked of await maskedOf(await dressed(overlay), overlay.faces)) {
      assert.ok(masked !== undefined, `${overlay.picture}: a masked face was not found`);
      assert.ok(
        masked >= pipeline.classifier.model.threshold,
        `${overlay.picture}: a masked face has ${masked}`,
      );
      faces += 1;
    }
  }
  assert.equal(faces, 22);
});

test("a mask under the nose and a notebook before the face are no mask", async () => {
  const others = overlays.filter(({ file }) => !file.endsWith("-masked.png"));
  assert.deepEqual(others.map(({ file }) => file).sort(), ["sample6-notebook.png", "sample6-under-nose.png"]);
  for (const overlay of others) {
    for (const masked of await maskedOf(await dressed(overlay), overlay.faces)) {
      assert.ok(
        masked === undefined || masked < pipeline.classifier.model.threshold,
        `${overlay.file}: ${masked ?? ""}`,
      );
    }
  }
});
