import assert from "node:assert/strict";
import { chmodSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { sizeIn, sourceSize } from "../../src/io/gstreamer-size.ts";
import { customCamera, isAlive, startsIn, temporaryFolder, until } from "./camera-probe.ts";

const limitMs = 20_000;

test("a source's size is told, not the one that it is scaled to", async () => {
  const pipeline =
    "videotestsrc is-live=true ! video/x-raw,width=176,height=144 ! videoscale ! video/x-raw,width=320";
  assert.deepEqual(await sourceSize(customCamera(pipeline), limitMs), { widthPx: 176, heightPx: 144 });
});

test("a source that gives compressed pictures tells its size, too", async () => {
  const pipeline = "videotestsrc is-live=true ! video/x-raw,width=96,height=64 ! jpegenc ! decodebin";
  assert.deepEqual(await sourceSize(customCamera(pipeline), limitMs), { widthPx: 96, heightPx: 64 });
});

test("a source that could give any size gives the asked one", async () => {
  const asked = { widthPx: 200, heightPx: 160 };
  assert.deepEqual(await sourceSize(customCamera("videotestsrc", asked), limitMs), asked);
});

test("nothing is told by a pipeline that cannot run and by a program that is not there", async () => {
  assert.equal(await sourceSize(customCamera("nosuchsrc"), limitMs), undefined);
  assert.equal(
    await sourceSize(customCamera("", { preset: "v4l2", device: "/dev/video99" }), limitMs),
    undefined,
  );
  assert.equal(
    await sourceSize(customCamera("videotestsrc", { program: "gst-launch-9" }), limitMs),
    undefined,
  );
});

test("a program that neither tells nor ends is given up, and gone with all that it started", async () => {
  const record = path.join(temporaryFolder(), "starts");
  const program = path.join(temporaryFolder(), "gst-launch");
  // Deaf to SIGINT, and so is its child.
  const script = `trap "" INT\nsleep 60 &\necho "$! 0" >${record}\necho "$$ 0" >>${record}\nwait\n`;
  writeFileSync(program, `#!/bin/sh\n${script}`);
  chmodSync(program, 0o755);
  const startMs = performance.now();
  assert.equal(await sourceSize(customCamera("videotestsrc", { program }), 3000), undefined);
  assert.ok(performance.now() - startMs < 30_000);
  const pids = startsIn(record).map(({ pid }) => pid);
  assert.equal(pids.length, 2);
  await until("both are gone", () => !pids.some(isAlive), 1000);
});

/** As gst-launch-1.0 prints it. */
const line = (pad: string, caps: string): string => `/GstPipeline:pipeline0/${pad}: caps = ${caps}\n`;
const raw = (size: string): string => `video/x-raw, format=(string)YUY2, ${size}, framerate=(fraction)30/1`;
const vga = raw("width=(int)640, height=(int)480");
const printed: readonly (readonly [what: string, text: string, says: string])[] = [
  ["nothing yet", "Setting pipeline to PAUSED ...\n", "none"],
  ["half a line", line("Src:s.GstPad:src", vga).slice(0, -40), "none"],
  ["a line without its break", line("Src:s.GstPad:src", vga).trimEnd(), "none"],
  [
    "a camera's JPEG",
    line("Src:s.GstPad:src", "image/jpeg, parsed=(boolean)true, width=(int)320, height=(int)240"),
    "320x240",
  ],
  [
    "a Jetson's memory",
    line("Src:s.GstPad:src", "video/x-raw(memory:NVMM), width=(int)1280, height=(int)720"),
    "1280x720",
  ],
  [
    "packets before pictures",
    line("Rtp:r.GstPad:src", "application/x-rtp, media=(string)video, width=(int)1, height=(int)1") +
      line("Depay:d.GstPad:src", "video/x-h264, stream-format=(string)avc") +
      line("Dec:d.GstPad:src", vga),
    "640x480",
  ],
  [
    "the first of two",
    line("Src:s.GstPad:src", vga) + line("Scale:s.GstPad:src", raw("width=(int)2, height=(int)2")),
    "640x480",
  ],
  ["limits that are no size", line("Src:s.GstPad:src", raw("max-width=(int)9, max-height=(int)9")), "none"],
];
for (const [what, text, says] of printed) {
  test(`${what}: ${says}`, () => {
    const size = sizeIn(text);
    assert.equal(size === undefined ? "none" : `${size.widthPx}x${size.heightPx}`, says);
  });
}
