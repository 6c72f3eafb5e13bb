/** The projection that the status socket shows: complete, plain JSON, and nothing that was not meant to be shown. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { initialState, type AccessState } from "../../src/core/access.ts";
import { statusSnapshot, type StatusParts } from "../../src/core/status.ts";
import { doorOf } from "../io/status-sample.ts";
import {
  bare,
  cameraFault,
  doorFault,
  fault,
  frame,
  frames,
  masked,
  play,
  policy,
  unclear,
} from "./scene.ts";
import { updatesOff } from "../../src/core/update-status.ts";

const parts: StatusParts = {
  version: "0.1.0",
  nowMs: 5000,
  startedAtMs: 1000,
  camera: {
    state: "streaming",
    framesDelivered: 50,
    framesDecided: 40,
    framesSkipped: 10,
    framesPerSecond: 8.5,
  },
  model: {
    name: "mask-resnet50",
    version: "1",
    provider: "cpu",
    precision: "float",
    askedProvider: "tensorrt",
    isFirstChoice: false,
  },
  policy,
  state: initialState,
  door: doorOf({ kind: "locked" }, { sinceMs: 1500 }),
  leds: { green: false, red: false, amber: true },
  update: updatesOff,
  stages: null,
};

const of = (state: AccessState, nowMs = state.nowMs): ReturnType<typeof statusSnapshot> =>
  statusSnapshot({ ...parts, state, nowMs });

test("the whole snapshot of a checking kiosk", () => {
  const times = {
    decodeMs: 1,
    detectMs: 2,
    cropMs: 3,
    classifyMs: 4,
    decideMs: 5,
    actuateMs: 6,
    frameToDecisionMs: 7,
  };
  const state = play([frame(40, masked(0), bare(1), masked(2, 60)), frame(41, masked(0), masked(2, 60))]);
  const expected = {
    version: "0.1.0",
    uptimeMs: 4000,
    camera: parts.camera,
    model: parts.model,
    policy: { mode: "must-wear", several: "all", threshold: 0.8, leastFacePx: 80, framesToGrant: 3 },
    access: { kind: "checking" },
    indication: "checking",
    door: {
      kind: "locked",
      forMs: 3500,
      lock: "locked",
      leftMs: null,
      inputs: {
        contact: "not-fitted",
        requestToExit: "not-fitted",
        fireAlarm: "not-fitted",
        tamper: "not-fitted",
      },
      isFireReleased: false,
      isExitStuck: false,
    },
    leds: parts.leds,
    faces: [
      {
        trackId: 1,
        box: { x: 0, y: 0, width: 100, height: 100 },
        masked: 0.99,
        agreed: 2,
        isDeciding: true,
        isVisible: true,
      },
      {
        trackId: 2,
        box: { x: 400, y: 0, width: 100, height: 100 },
        masked: 0.01,
        agreed: 0,
        isDeciding: true,
        isVisible: false,
      },
      {
        trackId: 3,
        box: { x: 800, y: 0, width: 60, height: 60 },
        masked: 0.99,
        agreed: 0,
        isDeciding: false,
        isVisible: true,
      },
    ],
    fault: null,
    update: updatesOff,
    stages: times,
  };
  assert.deepEqual(statusSnapshot({ ...parts, state, stages: times }), expected);
});

describe("leases", () => {
  const granted = play(frames(1, 3, masked()));
  test("access and door tell the time left, never less than none", () => {
    assert.deepEqual(of(granted, 1000).access, { kind: "granted", leftMs: 300 });
    assert.deepEqual(of(granted, 1400).access, { kind: "granted", leftMs: 0 });
    const reminded = play(frames(1, 3, bare()), { ...policy, mode: "remind" });
    assert.deepEqual(of(reminded, 300).access, { kind: "reminded", leftMs: 1000 });
  });

  test("the door is what the lock does, not what the decision wants", () => {
    const unlocked = doorOf({ kind: "unlocked", untilMs: 1000 });
    const { access, door } = statusSnapshot({ ...parts, nowMs: 900, door: unlocked });
    assert.deepEqual(
      [access, door.kind, door.lock, door.leftMs],
      [{ kind: "idle" }, "unlocked", "unlocked", 100],
    );
    const locked = statusSnapshot({ ...parts, state: granted }).door;
    assert.deepEqual([locked.kind, locked.lock, locked.leftMs], ["locked", "locked", null]);
  });

  test("a lock that the fire alarm has released has no end", () => {
    const released = doorOf({ kind: "unlocked", untilMs: Infinity }, { isFireReleased: true, kind: "open" });
    const { door } = statusSnapshot({ ...parts, door: released });
    assert.deepEqual(
      [door.kind, door.lock, door.leftMs, door.isFireReleased],
      ["open", "unlocked", null, true],
    );
  });
});

test("the fault that stood first is told", () => {
  const snapshot = of(play([...frames(1, 2, masked()), fault(300), fault(310, doorFault)]));
  assert.deepEqual([snapshot.access, snapshot.indication], [{ kind: "faulted" }, "fault"]);
  assert.deepEqual([snapshot.fault, snapshot.faces], [cameraFault, []]);
});

test("it is plain JSON, also for unclear faces and before the first frame", () => {
  for (const state of [initialState, play(frames(1, 2, unclear())), play([fault(1)])]) {
    const snapshot = statusSnapshot({ ...parts, state });
    assert.deepEqual(JSON.parse(JSON.stringify(snapshot)), snapshot);
  }
});

test("nothing that hangs on a part gets onto the socket", () => {
  const secret = { picture: "secret" };
  const state = play(frames(1, 3, masked()));
  const faulted = play([fault(1, { ...cameraFault, ...secret })]);
  for (const shown of [state, faulted]) {
    const snapshot = statusSnapshot({
      ...parts,
      ...secret,
      state: {
        ...shown,
        ...secret,
        tracks: shown.tracks.map((track) => ({ ...track, ...secret, box: { ...track.box, ...secret } })),
      },
      camera: { ...parts.camera, ...secret },
      model: { ...parts.model, ...secret },
      policy: { ...policy, ...secret },
      door: {
        ...secret,
        state: { kind: "unlocked", untilMs: 1, ...secret },
        report: { ...parts.door.report, ...secret, inputs: { ...parts.door.report.inputs, ...secret } },
      },
      leds: { ...parts.leds, ...secret },
      stages: {
        decodeMs: 1,
        detectMs: 1,
        cropMs: 1,
        classifyMs: 1,
        decideMs: 1,
        actuateMs: 1,
        frameToDecisionMs: 1,
        ...secret,
      },
    });
    assert.ok(!JSON.stringify(snapshot).includes("secret"));
  }
});
