/** A daemon's state for the tests of the status socket, made by the same pure functions that make the real one. */
import { initialState, next, type AccessState, type Input } from "../../src/core/access.ts";
import type { Policy } from "../../src/core/policy.ts";
import type { DoorReport } from "../../src/core/door-report.ts";
import type { DoorState, Indicator } from "../../src/core/ports.ts";
import {
  statusSnapshot,
  type CameraStatus,
  type StatusParts,
  type StatusSnapshot,
} from "../../src/core/status.ts";
import { updatesOff } from "../../src/core/update-status.ts";

export const policy: Policy = {
  mode: "must-wear",
  several: "all",
  threshold: 0.8,
  leastFacePx: 80,
  framesToGrant: 3,
  maxGapMs: 500,
  unlockMs: 3000,
};

export const camera: CameraStatus = {
  state: "streaming",
  framesDelivered: 120,
  framesDecided: 100,
  framesSkipped: 20,
  framesPerSecond: 9.87,
};

/** The state after frames of one face with these probabilities, 100 ms apart, the last one at 0 + 100 x count. */
export function stateAfter(probabilities: readonly number[]): AccessState {
  return probabilities.reduce<AccessState>(
    (state, masked, index) => next(state, observed(index + 1, masked), policy),
    initialState,
  );
}

function observed(seq: number, masked: number): Input {
  const atMs = seq * 100;
  return {
    kind: "observed",
    atMs,
    observation: {
      seq,
      capturedAtMs: atMs - 40,
      widthPx: 640,
      heightPx: 480,
      verdicts: [{ face: { box: { x: 200, y: 100, width: 120, height: 130 }, score: 0.9 }, masked }],
      signs: { detail: 60, fingerprint: 1 },
      stages: { decodeMs: 1, detectMs: 20, cropMs: 2, classifyMs: 10 },
    },
  };
}

export const faulted: AccessState = next(
  initialState,
  {
    kind: "fault",
    atMs: 100,
    fault: { source: "camera", code: "camera-silent", message: "no frames for 2000 ms" },
  },
  policy,
);

/** A door without inputs whose lock is as `state` says. */
export function doorOf(state: DoorState, report: Partial<DoorReport> = {}): StatusParts["door"] {
  const inputs = {
    contact: "not-fitted",
    requestToExit: "not-fitted",
    fireAlarm: "not-fitted",
    tamper: "not-fitted",
  } as const;
  const nothing = { isFireReleased: false, isExitStuck: false, spentUntilMs: null, fault: null };
  return { state, report: { kind: state.kind, sinceMs: 0, inputs, ...nothing, ...report } };
}

/** A snapshot of a state, with what else there is as it usually is. */
export function snapshotOf(state: AccessState, other: Partial<StatusParts> = {}): StatusSnapshot {
  const untilMs = "untilMs" in state.access ? state.access.untilMs : undefined;
  const door = doorOf(untilMs === undefined ? { kind: "locked" } : { kind: "unlocked", untilMs });
  const leds: Indicator["lit"] = { green: untilMs !== undefined, red: false, amber: untilMs === undefined };
  return statusSnapshot({
    version: "0.1.0",
    update: updatesOff,
    nowMs: Math.max(state.nowMs, 0),
    startedAtMs: 0,
    camera,
    model: {
      name: "mask-resnet50",
      version: "1.0.0",
      provider: "cpu",
      precision: "float",
      askedProvider: "tensorrt",
      isFirstChoice: false,
    },
    policy,
    state,
    door,
    leds,
    stages: {
      decodeMs: 1,
      detectMs: 20,
      cropMs: 2,
      classifyMs: 10,
      decideMs: 0.1,
      actuateMs: 0.2,
      frameToDecisionMs: 34.4,
    },
    ...other,
  });
}
