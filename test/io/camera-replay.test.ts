import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { openReplayCamera, type ReplayCameraSettings } from "../../src/io/camera-replay.ts";
import { findProgram } from "../../src/io/find-program.ts";
import { assertFault, clock, temporaryFolder, until, watch } from "./camera-probe.ts";

function replayOf(file: string, over: Partial<ReplayCameraSettings> = {}): ReplayCameraSettings {
  const waits = {
    silenceMs: 1000,
    startMs: 5000,
    restartMinMs: 20,
    restartMaxMs: 100,
    program: "gst-launch-1.0",
  };
  return { path: file, loop: false, widthPx: 40, heightPx: 30, framesPerSecond: 50, ...waits, ...over };
}

function folderOf(files: Readonly<Record<string, string>>): string {
  const folder = temporaryFolder();
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, name), text);
  return folder;
}

test("a folder is shown once, in the order in which people sort it, then it ends", async () => {
  const names = ["2.png", "10.jpg", "1.JPEG", ".hidden.jpg", "notes.txt", "2b.webp"];
  const folder = folderOf(Object.fromEntries(names.map((name) => [name, `bytes of ${name}`])));
  mkdirSync(path.join(folder, "3.jpg"));
  symlinkSync(path.join(folder, "2.png"), path.join(folder, "11.png"));
  await using camera = await openReplayCamera(replayOf(folder), clock);
  const { frames, story } = await watch(camera);
  await until("the end", () => story.includes("end"));
  const shown = frames.map(({ bytes }) => bytes.toString().replace("bytes of ", ""));
  assert.deepEqual(shown, ["1.JPEG", "2.png", "2b.webp", "10.jpg", "2.png"]);
  assert.deepEqual(story, ["frame", "frame", "frame", "frame", "frame", "end"]);
  for (const [index, frame] of frames.entries()) {
    assert.deepEqual([frame.encoding, frame.widthPx, frame.heightPx, frame.seq], ["file", 0, 0, index + 1]);
  }
  assert.equal(camera.take(), undefined);
});

test("in a loop, frames keep to the clock, not to the sum of the waits", async () => {
  const folder = folderOf({ "a.jpg": "a", "b.jpg": "b" });
  // A clock that is slower than the timers shows drift at once; a busy machine only makes the test pass more easily.
  const slowClock = { nowMs: () => performance.now() * 0.8 };
  await using camera = await openReplayCamera(
    replayOf(folder, { loop: true, framesPerSecond: 40 }),
    slowClock,
  );
  const startedAtMs = performance.now();
  const { frames, faults } = await watch(camera);
  await until("33 frames", () => frames.length >= 33);
  const tookMs = performance.now() - startedAtMs;
  assert.ok(tookMs >= 980, `${tookMs} ms for 32 intervals of 25 ms on a clock at 0.8 of the speed`);
  assert.deepEqual(
    frames.slice(0, 3).map(({ bytes }) => bytes.toString()),
    ["a", "b", "a"],
  );
  assert.deepEqual(faults, []);
});

test("one frame comes in each interval since the start, however long the loop was busy", async () => {
  const folder = folderOf({ "a.jpg": "a" });
  await using camera = await openReplayCamera(replayOf(folder, { loop: true, framesPerSecond: 20 }), clock);
  const startedAtMs = performance.now();
  const { frames } = await watch(camera);
  await until("3 frames", () => frames.length >= 3);
  const endMs = performance.now() + 330;
  while (performance.now() < endMs);
  await until("8 frames", () => frames.length >= 8);
  const eighthMs = (frames[7]?.capturedAtMs ?? 0) - startedAtMs;
  assert.ok(eighthMs >= (7 + 5) * 50 - 5, `missed intervals were caught up: 8 frames in ${eighthMs} ms`);
  // The machine may be late with some, and timers of Node come up to a millisecond early; a drift shows in all.
  const latesMs = frames.slice(3).map(({ capturedAtMs }) => ((capturedAtMs - startedAtMs + 2) % 50) - 2);
  assert.ok(Math.min(...latesMs) < 20, `off the clock: ${latesMs.map(Math.round).join()}`);
});

test("pictures that vanish or are empty are faults that name them, and the next one follows", async () => {
  const folder = folderOf({ "1.jpg": "one", "2.jpg": "two", "3.jpg": "", "4.jpg": "four" });
  await using camera = await openReplayCamera(replayOf(folder), clock);
  const starting = watch(camera);
  const { frames, faults, story } = await starting;
  rmSync(path.join(folder, "2.jpg"));
  await until("the end", () => story.includes("end"));
  assert.deepEqual(story, ["frame", "fault", "fault", "frame", "end"]);
  assert.deepEqual(
    frames.map(({ bytes }) => bytes.toString()),
    ["one", "four"],
  );
  assert.deepEqual(
    faults.map(({ code }) => code),
    ["bad-picture", "bad-picture"],
  );
  assert.match(faults[0]?.message ?? "", /2\.jpg: cannot be read: ENOENT/);
  assert.match(faults[1]?.message ?? "", /3\.jpg: the picture is empty/);
});

const unusable = [
  { name: "an empty folder", file: folderOf({}), message: /no pictures \(JPEG, PNG, WebP\) in the folder/ },
  {
    name: "a folder of other files",
    file: folderOf({ "a.txt": "a", ".b.jpg": "b" }),
    message: /no pictures/,
  },
  {
    name: "a path that is not there",
    file: "/nowhere/at.all",
    message: /there is no \/nowhere\/at\.all; name a folder/,
  },
  { name: "a file of another type", file: path.resolve("package.json"), message: /package\.json is neither/ },
];
for (const { name, file, message } of unusable) {
  test(`${name} is refused when it is opened`, async () => {
    await assert.rejects(openReplayCamera(replayOf(file), clock), {
      name: "KioskError",
      code: "camera-missing",
      message,
    });
  });
}

test("after disposal no picture is shown", async () => {
  const camera = await openReplayCamera(replayOf(folderOf({ "a.jpg": "a" }), { loop: true }), clock);
  const { story } = await watch(camera);
  await until("a frame", () => story.length > 0);
  await camera[Symbol.asyncDispose]();
  const told = story.length;
  await wait(100);
  assert.equal(story.length, told);
});

/** A second of red video at 20 frames a second, with sound, in a folder whose name needs quoting. */
function redVideo(muxer: string, extension: string): string {
  const folder = path.join(temporaryFolder(), `a "red" \\ film!`);
  mkdirSync(folder);
  const file = path.join(folder, `v.${extension}`);
  const picture =
    "videotestsrc num-buffers=20 pattern=solid-color foreground-color=0xffff0000 ! video/x-raw,framerate=20/1,width=80,height=60 ! jpegenc";
  const sound = "audiotestsrc num-buffers=43 ! audio/x-raw,rate=44100,channels=1 ! audioconvert";
  const write = ["!", "filesink", `location="${file.replaceAll(/["\\]/g, "\\$&")}"`];
  const words = `-q ${picture} ! queue ! mux. ${sound} ! queue ! mux. ${muxer} name=mux`.split(" ");
  execFileSync("gst-launch-1.0", [...words, ...write]);
  return file;
}

const videos = [
  { muxer: "matroskamux", extension: "mkv", program: "gst-launch-1.0" },
  { muxer: "avimux", extension: "avi", program: "gst-launch-1.0" },
  { muxer: "avimux", extension: "avi", program: "ffmpeg" },
];
for (const { muxer, extension, program } of videos) {
  const isAbsent = program === "ffmpeg" && (await findProgram("ffmpeg")) === undefined;
  const options = isAbsent ? { skip: "ffmpeg is not installed" } : {};
  test(
    `a video plays once, in its own time, at the asked rate: ${extension}, ${program}`,
    options,
    async () => {
      const file = redVideo(muxer, extension);
      const size = { widthPx: 41, heightPx: 30, framesPerSecond: 10 };
      await using camera = await openReplayCamera(replayOf(file, { ...size, program }), clock);
      const { frames, story, faults } = await watch(camera);
      await until("the end", () => story.includes("end") || faults.length > 0);
      assert.deepEqual(faults, []);
      assert.ok(frames.length >= 9 && frames.length <= 12, `${frames.length} frames`);
      const tookMs = (frames.at(-1)?.capturedAtMs ?? 0) - (frames[0]?.capturedAtMs ?? 0);
      assert.ok(tookMs > 750, `${tookMs} ms`);
      for (const { bytes } of frames) {
        const [red = 0, green = 255] = bytes.subarray((15 * 41 + 20) * 3);
        assert.ok(bytes.length === 41 * 30 * 3 && red > 230 && green < 25, `${red} ${green}`);
      }
    },
  );
}

test("a video in a loop goes on after its end without a fault", async () => {
  const file = redVideo("matroskamux", "mkv");
  await using camera = await openReplayCamera(replayOf(file, { loop: true }), clock);
  const { frames, story } = await watch(camera);
  await until("more frames than it has", () => frames.length >= 25);
  assert.ok(story.every((event) => event === "frame"));
});

test("without a program for videos, both are named", async () => {
  const file = path.join(folderOf({ "v.mp4": "v" }), "v.mp4");
  const searched = process.env["PATH"];
  process.env["PATH"] = "/nowhere";
  try {
    const message = /^neither gst-launch-1\.0 nor ffmpeg is installed.* gstreamer1\.0-tools /;
    await assert.rejects(openReplayCamera(replayOf(file), clock), { code: "camera-missing", message });
  } finally {
    process.env["PATH"] = searched;
  }
});

test("a video that is none is a fault that names it", async () => {
  const folder = folderOf({ "broken.mp4": "not a video at all" });
  await using camera = await openReplayCamera(replayOf(path.join(folder, "broken.mp4")), clock);
  const { faults } = await watch(camera);
  await until("a fault", () => faults.length >= 1);
  assertFault(
    faults,
    "camera-ended",
    /^video .*broken\.mp4: its program ended \(exit code 1\): typefind: Could not determine type/,
  );
});
