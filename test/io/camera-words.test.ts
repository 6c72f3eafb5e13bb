import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";
import { Backoff } from "../../src/io/backoff.ts";
import { gstreamerFault, redact } from "../../src/io/gstreamer-fault.ts";
import { cameraPipeline, splitWords } from "../../src/io/gstreamer-pipeline.ts";
import { LastLines } from "../../src/io/last-lines.ts";

const pipelines = [
  "videotestsrc ! video/x-raw,width=320",
  "  filesrc\tlocation='/a b/c.mkv' \n ! decodebin  ",
  'filesrc location="/a \\"b\\" \\\\ c.mkv" ! decodebin',
  "v4l2src ! 'video/x-raw(memory:NVMM), width=1' ! x y=\"\" z=''",
  "a\\ b c'd'\"e\"f 'it'\\''s'",
  "",
];
for (const text of pipelines) {
  test(`words are split as the shell splits them: ${JSON.stringify(text)}`, async () => {
    const { stdout } = await promisify(execFile)("sh", [
      "-c",
      `for word in ${text.trim().replaceAll("\n", " ")}; do printf '%s\\0' "$word"; done`,
    ]);
    assert.deepEqual(splitWords(text), stdout.split("\0").slice(0, -1));
  });
}

for (const text of ["filesrc location='/a", 'x "y', "x \\", "a 'b' \"c"]) {
  test(`a quote without an end is refused: ${text}`, () => {
    assert.throws(() => splitWords(text), { code: "bad-config", message: /camera\.gstreamer\.pipeline/ });
  });
}

for (const { preset, key } of [
  { preset: "rtsp", key: "url" },
  { preset: "custom", key: "pipeline" },
] as const) {
  test(`the preset ${preset} names the key that it misses`, () => {
    const settings = {
      preset,
      device: "",
      sensorId: 0,
      url: " ",
      pipeline: "",
      widthPx: 2,
      heightPx: 2,
      framesPerSecond: 1,
    };
    assert.throws(() => cameraPipeline(settings), {
      code: "bad-config",
      message: new RegExp(`camera\\.gstreamer\\.${key}`),
    });
  });
}

test("the presets start with their source and end in RGB on the frame descriptor", () => {
  const rest = { widthPx: 640, heightPx: 480, framesPerSecond: 9.5 };
  const starts = {
    v4l2: '-q v4l2src device="/dev/video2" ! video/x-raw,width=[1,640],height=[1,480];image/jpeg,width=[1,640],height=[1,480] ! decodebin ! queue leaky=downstream',
    argus:
      "-q nvarguscamerasrc sensor-id=1 ! video/x-raw(memory:NVMM),width=640,height=480,framerate=10/1 ! queue leaky=downstream",
    libcamera: "-q libcamerasrc ! video/x-raw,width=640,height=480 ! queue leaky=downstream",
    rtsp: '-q rtspsrc location="rtsp://a:b\\"c@d/e" latency=0',
    custom: "-q videotestsrc ! queue leaky=downstream",
  } as const;
  for (const [preset, start] of Object.entries(starts) as [keyof typeof starts, string][]) {
    const given = {
      preset,
      device: "/dev/video2",
      sensorId: 1,
      url: 'rtsp://a:b"c@d/e',
      pipeline: "videotestsrc",
    };
    const text = cameraPipeline({ ...given, ...rest }).join(" ");
    assert.ok(text.startsWith(start), text);
    assert.match(
      text,
      /! video\/x-raw,format=RGB,width=640,height=480,pixel-aspect-ratio=1\/1 ! fdsink fd=3 sync=false$/,
    );
  }
});

const addresses = [
  { text: "rtsp://cam/live", shown: "rtsp://cam" },
  { text: "see rtsp://u:p@cam:554/live?x=y now", shown: "see rtsp://cam:554 now" },
  { text: "rtsp://u:p@ss/w0rd@cam/live", shown: "rtsp://cam" },
  { text: "rtspt://cam/user=admin_password=tlJw.sdp, 'http://a:b@c/d'", shown: "rtspt://cam 'http://c'" },
  { text: "no address: /dev/video0", shown: "no address: /dev/video0" },
];
for (const { text, shown } of addresses) {
  test(`no credentials are shown: ${text}`, () => {
    assert.equal(redact(text), shown);
  });
}

test("the first error is the cause, not what follows from it", () => {
  const lastLines = [
    "GST_ARGUS: Creating output stream",
    "ERROR: from element /GstPipeline:pipeline0/GstFileSrc:filesrc0: Resource not found.",
    "Additional debug info:",
    "../plugins/elements/gstfilesrc.c(553): gst_file_src_start (): /GstPipeline:pipeline0/GstFileSrc:filesrc0:",
    'No such file "/nowhere"',
    "ERROR: pipeline doesn't want to preroll.",
    "Failed to set pipeline to PAUSED.",
  ];
  const fault = gstreamerFault("camera x", { exitCode: 1, how: "exit code 1", lastLines });
  assert.equal(fault.code, "camera-missing");
  assert.equal(fault.message, 'camera x: filesrc0: Resource not found. (No such file "/nowhere")');
  const quiet = gstreamerFault("camera x", { exitCode: undefined, how: "signal SIGSEGV", lastLines: [] });
  assert.equal(quiet.code, "camera-ended");
  assert.equal(quiet.message, "camera x: its program ended (signal SIGSEGV): it said nothing");
});

test("only the last lines are kept, each cut, and streams do not run into each other", () => {
  const lines = new LastLines();
  const [out, err] = [lines.newStream(), lines.newStream()];
  out("half ");
  err("ERROR: whole\n");
  out("line\r\n");
  assert.deepEqual(lines.list(), ["ERROR: whole", "half line"]);
  for (let index = 0; index < 1000; index += 1) out(`${index} ${"x".repeat(5000)}\n`);
  assert.equal(lines.list().length, 40);
  assert.ok(lines.list().every((line) => line.length === 400));
  assert.match(lines.list().at(-1) ?? "", /^999 /);
});

test("waits double up to the limit and start over after work that outlasted the wait", () => {
  const backoff = new Backoff(100, 350);
  assert.deepEqual(
    [0, 0, 0, 0, 350, 351, 50].map((workedMs) => backoff.waitMs(workedMs)),
    [100, 200, 350, 350, 350, 100, 200],
  );
});
