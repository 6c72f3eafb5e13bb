import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import sharp from "sharp";
import { openLibcameraCamera, type LibcameraCameraSettings } from "../../src/io/camera-libcamera.ts";
import { libcameraArguments } from "../../src/io/libcamera-options.ts";
import { programCameraContract } from "./camera-contract.ts";
import {
  assertFault,
  clock,
  startsIn,
  temporaryFolder,
  until,
  watch,
  type CameraKind,
  type TakenFrame,
} from "./camera-probe.ts";

/** The pictures that the stand-in has, as libjpeg makes them. */
const pictures = temporaryFolder();
for (const [name, widthPx, heightPx, background] of [
  ["32x24-0", 32, 24, "#a08060"],
  ["32x24-180", 32, 24, "#000"],
  ["62x46-0", 62, 46, "#a08060"],
  ["640x480-0", 640, 480, "#a08060"],
] as const) {
  await sharp({ create: { width: widthPx, height: heightPx, channels: 3, background } })
    .jpeg({ quality: 93, chromaSubsampling: "4:2:0" })
    .toFile(path.join(pictures, `${name}.jpg`));
}

const standIn = path.resolve("test/fixtures/libcamera-program.mjs");

/** A program of this name that behaves so, in a folder of its own. */
function program(name: string, behaviour: string): { readonly file: string; readonly record: string } {
  const folder = temporaryFolder();
  mkdirSync(path.join(folder, "bin"));
  const file = path.join(folder, "bin", name);
  const record = path.join(folder, "starts");
  const script = `#!/bin/sh\nexec "${process.execPath}" "${standIn}" ${behaviour} "${record}" "${pictures}" "$@"\n`;
  writeFileSync(file, script, { mode: 0o755 });
  return { file, record };
}

function settingsOf(file: string, over: Partial<LibcameraCameraSettings> = {}): LibcameraCameraSettings {
  return {
    ...{ widthPx: 32, heightPx: 24, framesPerSecond: 50, sensorId: 0, isUpsideDown: false, program: file },
    ...{ silenceMs: 250, startMs: 10_000, restartMinMs: 20, restartMaxMs: 100 },
    ...over,
  };
}

/** The number that the stand-in put into the picture's comment; the picture must decode. */
async function numberOf({ bytes, encoding }: TakenFrame): Promise<number> {
  assert.equal(encoding, "file");
  const { info } = await sharp(bytes, { failOn: "error" }).raw().toBuffer({ resolveWithObject: true });
  assert.ok(info.width >= 32);
  assert.deepEqual([...bytes.subarray(2, 4)], [0xff, 0xfe]);
  return bytes[7] ?? 0;
}

const libcamera: CameraKind = {
  name: "libcamera",
  camera: "camera libcamera 0",
  misbehaving: (behaviour, over) => {
    const { file, record } = program("rpicam-vid", behaviour);
    const settings = settingsOf(file, over);
    return { settings, starts: () => startsIn(record), open: () => openLibcameraCamera(settings, clock) };
  },
  numberOf,
};

programCameraContract(libcamera);

test("pictures have the asked size, rate and colours, and the program is asked for a stream that never ends", async () => {
  const { file } = program("libcamera-vid", "steady");
  const size = { widthPx: 62, heightPx: 46, framesPerSecond: 20 };
  await using camera = await openLibcameraCamera(settingsOf(file, size), clock);
  const { frames, faults } = await watch(camera);
  await until("25 frames", () => frames.length >= 25);
  const [first, last] = [frames[0], frames[24]];
  assert.ok(first !== undefined && last !== undefined);
  const perSecond = (1000 * (last.seq - first.seq)) / (last.capturedAtMs - first.capturedAtMs);
  assert.ok(perSecond > 8 && perSecond < 21, `${perSecond} frames a second`);
  const { data, info } = await sharp(last.bytes).raw().toBuffer({ resolveWithObject: true });
  assert.deepEqual([info.width, info.height], [62, 46]);
  const wanted = [0xa0, 0x80, 0x60];
  assert.ok(
    [...data.subarray(0, 3)].every((value, index) => Math.abs(value - (wanted[index] ?? 0)) < 5),
    data.subarray(0, 3).join(),
  );
  assert.deepEqual(faults, []);
});

test("a camera that hangs upside down is turned by the program", async () => {
  const { file } = program("rpicam-vid", "steady");
  await using camera = await openLibcameraCamera(settingsOf(file, { isUpsideDown: true }), clock);
  const { frames } = await watch(camera);
  await until("a frame", () => frames.length >= 1);
  const { data } = await sharp(frames[0]?.bytes).raw().toBuffer({ resolveWithObject: true });
  assert.ok((data[0] ?? 255) < 10, "the stand-in paints black where it was told to turn");
});

test("the program is found under its new name first, then under its old one, and else named with its package", async () => {
  const before = process.env["PATH"];
  const [recent, old] = [program("rpicam-vid", "steady"), program("libcamera-vid", "steady")];
  const folderOf = (file: string): string => path.dirname(file);
  const opened = async (...folders: readonly string[]): Promise<void> => {
    process.env["PATH"] = [...folders, "/usr/bin", "/bin"].join(":");
    await using camera = await openLibcameraCamera(settingsOf(""), clock);
    const { frames } = await watch(camera);
    await until("a frame", () => frames.length >= 1);
  };
  try {
    await opened(folderOf(old.file), folderOf(recent.file));
    assert.deepEqual([startsIn(recent.record).length, startsIn(old.record).length], [1, 0]);
    await opened(folderOf(old.file));
    assert.equal(startsIn(old.record).length, 1);
    await assert.rejects(opened(), {
      code: "camera-missing",
      message:
        "neither rpicam-vid nor libcamera-vid is installed; install the package rpicam-apps (before Raspberry Pi OS 12: libcamera-apps)",
    });
  } finally {
    process.env["PATH"] = before;
  }
});

const ends = [
  {
    behaviour: "absent",
    sensorId: 0,
    code: "camera-missing",
    message: /0: libcamera finds no camera; check the ribbon/,
  },
  {
    behaviour: "steady",
    sensorId: 1,
    code: "camera-missing",
    message: /1: libcamera has no camera of this number/,
  },
  {
    behaviour: "elsewhere",
    sensorId: 0,
    code: "camera-missing",
    message: /another program uses the camera; stop it$/,
  },
  {
    behaviour: "timed-out",
    sensorId: 0,
    code: "camera-ended",
    message: /the sensor stopped answering; check/,
  },
] as const;
for (const { behaviour, sensorId, code, message } of ends) {
  test(`what libcamera says when it ends becomes a cause and a mend: ${String(message)}`, async () => {
    const { file } = program("rpicam-vid", behaviour);
    await using camera = await openLibcameraCamera(settingsOf(file, { sensorId }), clock);
    const { faults } = await watch(camera);
    await until("a fault", () => faults.length >= 1);
    assertFault(faults, code, message);
  });
}

test("the arguments are node-libcamera's own, a word each, and no shell ran", async () => {
  assert.deepEqual(await libcameraArguments({ timeout: 0, nopreview: true, output: "-" }), [
    ...["--timeout", "0", "--nopreview", "--output", "-"],
  ]);
  const marker = path.join(temporaryFolder(), "ran");
  assert.deepEqual(await libcameraArguments({ output: `-;touch\${IFS}${marker}` }), [
    "--output",
    `-;touch\${IFS}${marker}`,
  ]);
  await assert.rejects(libcameraArguments({ output: "a b" }), { code: "bad-config" });
  await assert.rejects(libcameraArguments({ output: "" }), { code: "bad-config" });
});
