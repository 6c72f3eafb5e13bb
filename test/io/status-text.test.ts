import assert from "node:assert/strict";
import { test } from "node:test";
import { initialState } from "../../src/core/access.ts";
import { updatesOff } from "../../src/core/update-status.ts";
import { providerWarning, statusText, watchHead, watchRow } from "../../src/io/status-text.ts";
import { faulted, snapshotOf, stateAfter } from "./status-sample.ts";

const granted = snapshotOf(stateAfter([0.9, 0.9, 0.91]));

test("the screen of a granted person", () => {
  assert.equal(
    statusText({ ...granted, uptimeMs: 93_784_000 }),
    `WARNING: the model runs on cpu, not on tensorrt, the first of model.providers
maskgate    0.1.0, up 1 d 02:03:04
access      granted
door        UNLOCKED 3.0s
LEDs        green
camera      streaming, 9.9 frames/s; 120 delivered, 100 decided, 20 skipped
model       mask-resnet50 1.0.0, float, on cpu
policy      must-wear, all; masked from 0.8, faces from 80 px, 3 frames
faces       120 px, masked 0.91, 0/3
last frame  34.4 ms from frame to decision (decode 1.0, detect 20.0, crop 2.0, classify 10.0, decide 0.1, actuate 0.2)
`,
  );
});

test("no warning where the first choice runs", () => {
  const model = { ...granted.model, provider: "tensorrt", isFirstChoice: true };
  assert.equal(providerWarning({ ...granted, model }), "");
  assert.ok(statusText({ ...granted, model }).startsWith("maskgate "));
});

test("the screen of a fault, of nobody, and before the first frame", () => {
  const text = statusText(snapshotOf(faulted, { stages: null }));
  assert.match(text, /^access {6}faulted$/m);
  assert.match(text, /^fault {7}camera: no frames for 2000 ms \(camera-silent\)$/m);
  assert.match(text, /^faces {7}none$/m);
  assert.doesNotMatch(text, /last frame/);
});

test("nothing that a stranger wrote reaches the terminal as an order or as a line of its own", () => {
  const reason = 'the stick holds 2 bundles, "\u001b[2Ja.maskgate"\naccess      granted';
  const update = { ...updatesOff, state: "refused", reason } as const;
  const text = statusText({ ...snapshotOf(faulted), update });
  assert.match(
    text,
    /^update {6}refused: the stick holds 2 bundles, "\?\[2Ja\.maskgate" access {6}granted$/m,
  );
  assert.ok(!text.includes("\u001b"));
});

test("the live table: one aligned row a frame", () => {
  const rows = [
    watchHead(),
    watchRow(snapshotOf(initialState, { stages: null })),
    watchRow(snapshotOf(stateAfter([0.9, 0.95]))),
    watchRow(snapshotOf(stateAfter([0.1, 0.1]), { leds: { green: false, red: true, amber: true } })),
    watchRow(granted),
    watchRow(snapshotOf(faulted, { leds: { green: false, red: false, amber: false } })),
  ];
  assert.deepEqual(rows, [
    "frame    faces masked            access         door          LEDs        ms",
    "100      0     -                 idle           locked        amber       -",
    "100      1     0.95              checking 2/3   locked        amber       34",
    "100      1     0.10              refused        locked        red+amber   34",
    "100      1     0.91              granted        UNLOCKED 3.0s green       34",
    "100      0     -                 faulted        locked        dark        34",
  ]);
});
