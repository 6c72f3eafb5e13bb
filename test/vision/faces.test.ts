import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import { sidePx, type Box } from "../../src/core/face.ts";
import { loadFaceDetector, type FaceDetector } from "../../src/vision/detector.ts";
import { findFaces } from "../../src/vision/find-faces.ts";
import { faceModelFolder, packageFolder } from "../../src/vision/packaged.ts";
import { decode } from "../../src/vision/picture.ts";

/** The middle of every face of 40 px and more that a person sees in the photographs, in pixels. */
const seen: Readonly<Record<string, readonly (readonly [x: number, y: number])[]>> = {
  "sample1.jpg": [
    [520, 500],
    [940, 560],
    [1560, 340],
  ],
  "sample2.jpg": [
    [460, 290],
    [975, 370],
    [1550, 290],
  ],
  "sample3.jpg": [
    [690, 490],
    [1185, 375],
    [1585, 460],
  ],
  "sample4.jpg": [
    [335, 335],
    [745, 220],
    [1085, 315],
    [1370, 295],
  ],
  "sample5.jpg": [
    [860, 245],
    [1205, 345],
    [665, 565],
    [1520, 545],
    [465, 1050],
  ],
  "sample6.jpg": [
    [360, 645],
    [785, 490],
    [1265, 465],
    [1595, 430],
  ],
};

const settings = { leastFacePx: 32, minScore: 0.6 };
let detector: FaceDetector;

before(async () => {
  detector = await loadFaceDetector(faceModelFolder);
});
after(() => {
  detector.dispose();
});

const holds = (box: Box, [x, y]: readonly [number, number]): boolean =>
  x > box.x && x < box.x + box.width && y > box.y && y < box.y + box.height;

const photo = async (name: string) =>
  decode(await readFile(path.join(packageFolder, "node_modules/@vladmandic/face-api/demo", name)));

test("finds every face of the photographs and hardly anything else", async () => {
  let extra = 0;
  for (const [name, middles] of Object.entries(seen)) {
    const faces = await findFaces(detector, await photo(name), { kind: "full" }, settings);
    for (const middle of middles) {
      assert.equal(
        faces.filter(({ box }) => holds(box, middle)).length,
        1,
        `${name}: face at ${String(middle)}`,
      );
    }
    extra += faces.length - middles.length;
    const sizes = faces.map(({ box }) => sidePx(box));
    assert.deepEqual(
      sizes,
      [...sizes].sort((a, b) => b - a),
      "largest first",
    );
  }
  assert.ok(extra <= 4, `${extra} things were taken for faces`);
});

test("follows a face from frame to frame without searching", async () => {
  const picture = await photo("sample6.jpg");
  const middle = [785, 490] as const;
  const first = await findFaces(detector, picture, { kind: "full" }, { ...settings, leastFacePx: 150 });
  const known = first.find(({ box }) => holds(box, middle));
  assert.ok(known);
  const moved = { ...known.box, x: known.box.x + 40, y: known.box.y - 30 };
  for (const turn of [0, 1, 2, 3]) {
    const again = await findFaces(detector, picture, { kind: "follow", around: [moved], turn }, settings);
    const same = again.find(({ box }) => holds(box, middle));
    assert.ok(same, `turn ${turn}`);
    assert.ok(Math.abs(same.box.x - known.box.x) < 0.2 * known.box.width, `turn ${turn}: ${same.box.x}`);
  }
});

test("faces below the least size are not reported", async () => {
  const picture = await photo("sample6.jpg");
  for (const [leastFacePx, count] of [
    [180, 4],
    [280, 0],
  ] as const) {
    const faces = await findFaces(detector, picture, { kind: "full" }, { ...settings, leastFacePx });
    assert.equal(faces.length, count, `faces of ${leastFacePx} px and more`);
  }
});
