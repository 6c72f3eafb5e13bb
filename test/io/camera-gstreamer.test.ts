import assert from "node:assert/strict";
import { test } from "node:test";
import { openGstreamerCamera } from "../../src/io/camera-gstreamer.ts";
import { assertFault, clock, customCamera, until, watch } from "./camera-probe.ts";

test("frames of a real pipeline have the asked size, rate and colours", async () => {
  await using camera = await openGstreamerCamera(
    customCamera("videotestsrc is-live=true pattern=smpte ! video/x-raw,framerate=60/1", {
      ...{ widthPx: 64, heightPx: 48, framesPerSecond: 20 },
    }),
    clock,
  );
  const { frames, faults } = await watch(camera);
  await until("25 frames", () => frames.length >= 25);
  const [first, last] = [frames[0], frames[24]];
  assert.ok(first !== undefined && last !== undefined);
  assert.equal(first.encoding, "rgb24");
  assert.deepEqual([first.widthPx, first.heightPx, first.sizeBytes], [64, 48, 64 * 48 * 3]);
  assert.equal(first.seq, 1);
  assert.ok(frames.every((frame, index) => index === 0 || frame.seq > (frames[index - 1]?.seq ?? 0)));
  const perSecond = (1000 * (last.seq - first.seq)) / (last.capturedAtMs - first.capturedAtMs);
  assert.ok(perSecond > 15 && perSecond < 21, `${perSecond} frames a second`);
  const pixel = (x: number, y: number): number[] => [
    ...last.bytes.subarray((y * 64 + x) * 3, (y * 64 + x) * 3 + 3),
  ];
  assert.ok(
    pixel(2, 2).every((value) => value > 247),
    `white bar: ${pixel(2, 2).join()}`,
  );
  const [red = 0, green = 0, blue = 255] = pixel(13, 2);
  assert.ok(red > 170 && green > 170 && blue < 40, `yellow bar: ${pixel(13, 2).join()}`);
  assert.deepEqual(faults, []);
});

for (const widthPx of [31, 33, 34, 35, 36]) {
  test(`rows of ${widthPx} pixels arrive without padding`, async () => {
    const pipeline = "videotestsrc is-live=true pattern=solid-color foreground-color=0xffff0000";
    await using camera = await openGstreamerCamera(customCamera(pipeline, { widthPx, heightPx: 21 }), clock);
    const { frames } = await watch(camera);
    await until("2 frames", () => frames.length >= 2);
    for (const { bytes } of frames.slice(0, 2)) {
      assert.equal(bytes.length, widthPx * 21 * 3);
      assert.ok(bytes.every((value, index) => Math.abs(value - (index % 3 === 0 ? 255 : 0)) < 4));
    }
  });
}

test("pictures of other proportions get black borders", async () => {
  const pipeline = "videotestsrc is-live=true pattern=white ! video/x-raw,width=20,height=20";
  await using camera = await openGstreamerCamera(
    customCamera(pipeline, { widthPx: 40, heightPx: 20 }),
    clock,
  );
  const { frames } = await watch(camera);
  await until("a frame", () => frames.length >= 1);
  const row = frames[0]?.bytes.subarray(10 * 40 * 3, 11 * 40 * 3);
  assert.deepEqual([row?.[3 * 2], row?.[3 * 20], row?.[3 * 37]], [0, 255, 0]);
});

test("a pipeline that ends is a fault, and the next frame is the recovery", async () => {
  await using camera = await openGstreamerCamera(
    customCamera("videotestsrc is-live=true num-buffers=5"),
    clock,
  );
  const { faults, story } = await watch(camera);
  await until("two faults", () => faults.length >= 2);
  assertFault(faults, "camera-ended", /camera pipeline: its program ended \(exit code 0\)/);
  const between = story.slice(story.indexOf("fault"), story.lastIndexOf("fault"));
  assert.ok(between.includes("frame"), story.join());
});

test("a program that is not installed is refused when it is opened, with its package", async () => {
  const settings = customCamera("videotestsrc", { program: "gst-launch-9" });
  await assert.rejects(openGstreamerCamera(settings, clock), {
    code: "camera-missing",
    message: "camera program gst-launch-9 is not installed; install the package gstreamer1.0-tools",
  });
});

const absent = [
  {
    pipeline: "nosuchsrc",
    message: /^camera pipeline: GStreamer has no element "nosuchsrc"; install the plugin/,
  },
  { pipeline: "nvarguscamerasrc", message: /"nvarguscamerasrc"; install the package nvidia-l4t-gstreamer$/ },
];
for (const { pipeline, message } of absent) {
  test(`an element that is not installed is named: ${pipeline}`, async () => {
    await using camera = await openGstreamerCamera(customCamera(pipeline), clock);
    const { faults } = await watch(camera);
    await until("a fault", () => faults.length >= 1);
    assertFault(faults, "camera-missing", message);
  });
}

test("a USB camera that is not plugged in is named, and tried again", async () => {
  const settings = customCamera("", { preset: "v4l2", device: "/dev/video99" });
  await using camera = await openGstreamerCamera(settings, clock);
  const { faults } = await watch(camera);
  await until("two faults", () => faults.length >= 2);
  assertFault(
    faults,
    "camera-missing",
    "camera /dev/video99: v4l2src0: Cannot identify device '/dev/video99'. (system error: No such file or directory)",
  );
});

test("an unreachable network camera shows no credentials", async () => {
  const settings = customCamera("", {
    preset: "rtsp",
    url: "rtsp://door:se%20cret@127.0.0.1:9/token=abc?p=se%20cret",
  });
  await using camera = await openGstreamerCamera(settings, clock);
  const { faults } = await watch(camera);
  await until("a fault", () => faults.length >= 1);
  assert.match(
    faults[0]?.message ?? "",
    /^camera rtsp:\/\/127\.0\.0\.1:9: .*rtspsrc0: .*\(.*Failed to connect/,
  );
  assert.doesNotMatch(faults[0]?.message ?? "", /cret|abc|door/);
});
