/** What the doctor says of the size of the camera's pictures: with real pipelines, whose end always has the asked size. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { pictureFindings, scaledPictureFindings } from "../src/doctor-picture.ts";
import { configOf } from "./sim/sim-host.ts";

const cameraOf = (toml: string) => configOf(`[camera]\n${toml}`).camera;
const throughPipeline = (pipeline: string) =>
  cameraOf(`source = "gstreamer"\n[camera.gstreamer]\npreset = "custom"\npipeline = "${pipeline}"\n`);

const source = "videotestsrc is-live=true";
const own: readonly (readonly [pipeline: string, kind: string, text: string, mend?: string])[] = [
  [`${source} ! video/x-raw,width=640,height=480`, "ok", "640x480, as asked for"],
  [source, "ok", "640x480, as asked for"],
  [
    `${source} ! video/x-raw,width=1280,height=720`,
    "ok",
    "1280x720, brought to the 640x480 that was asked for",
  ],
  ...["160x120", "640x360", "320x480"].map((size) => {
    const caps = `video/x-raw,width=${size.replace("x", ",height=")}`;
    const text = `the camera gives ${size}, brought to the 640x480 that was asked for`;
    return [
      `${source} ! ${caps}`,
      "warn",
      text,
      `ask for a size that the camera has; ${size} is one`,
    ] as const;
  }),
  [
    "nosuchsrc",
    "warn",
    "the camera's pipeline did not tell its own size within 10 s",
    "run it again while nothing else has the camera",
  ],
];
for (const [pipeline, kind, text, mend] of own) {
  test(`${pipeline}, asked for 640x480: ${kind}`, async () => {
    assert.deepEqual(await scaledPictureFindings(throughPipeline(pipeline)), [
      { name: "picture", kind, text, ...(mend !== undefined && { mend }) },
    ]);
  });
}

test("a picture that carries its size fails if that is another; one that is played back has its own", async () => {
  const seen = { widthPx: 1280, heightPx: 480 };
  const libcamera = 'source = "libcamera"\n';
  for (const [camera, kinds] of [
    [cameraOf(libcamera), ["fail"]],
    [cameraOf(`${libcamera}widthPx = 1280\n`), ["ok"]],
    [cameraOf(`${libcamera}widthPx = 1280\nheightPx = 720\n`), ["fail"]],
    [cameraOf(""), []],
    [throughPipeline(source), []],
  ] as const) {
    assert.deepEqual(
      pictureFindings(camera, seen).map(({ kind }) => kind),
      kinds,
    );
  }
  assert.deepEqual(await scaledPictureFindings(cameraOf(libcamera)), []);
  assert.deepEqual(await scaledPictureFindings(cameraOf("")), []);
});
