/** Builders for the tests of the decision: a policy, faces at places that do not overlap, and inputs in time order. */
import { initialState, next, type AccessState, type Fault, type Input } from "../../src/core/access.ts";
import type { Box } from "../../src/core/face.ts";
import type { Policy } from "../../src/core/policy.ts";
import type { Observation, Verdict } from "../../src/core/verdict.ts";

export const policy: Policy = {
  mode: "must-wear",
  several: "all",
  threshold: 0.8,
  leastFacePx: 80,
  framesToGrant: 3,
  maxGapMs: 300,
  unlockMs: 1000,
};

/** Time between two frames of a scene. */
export const stepMs = 100;

export const cameraFault: Fault = { source: "camera", code: "camera-silent", message: "no frames for 2 s" };
export const doorFault: Fault = { source: "door", code: "gpio-failed", message: "line 7 cannot be set" };

export const stages = { decodeMs: 1, detectMs: 2, cropMs: 3, classifyMs: 4 };

/** Places are 400 px apart: faces at two of them never overlap. */
export function boxAt(place: number, px = 100): Box {
  return { x: 400 * place, y: 0, width: px, height: px };
}

export function verdict(masked: number, box: Box = boxAt(0), score = 0.9): Verdict {
  return { face: { box, score }, masked };
}

export const masked = (place = 0, px = 100): Verdict => verdict(0.99, boxAt(place, px));
export const bare = (place = 0, px = 100): Verdict => verdict(0.01, boxAt(place, px));
export const unclear = (place = 0, px = 100): Verdict => verdict(Number.NaN, boxAt(place, px));

export function observation(seq: number, capturedAtMs: number, verdicts: readonly Verdict[]): Observation {
  const signs = { detail: 60, fingerprint: seq };
  return { seq, capturedAtMs, widthPx: 1280, heightPx: 720, signs, verdicts, stages };
}

/** Frame number `seq`, captured at `seq` steps and decided at once. */
export function frame(seq: number, ...verdicts: readonly Verdict[]): Input {
  return { kind: "observed", atMs: seq * stepMs, observation: observation(seq, seq * stepMs, verdicts) };
}

export const tick = (atMs: number): Input => ({ kind: "tick", atMs });
export const fault = (atMs: number, what: Fault = cameraFault): Input => ({
  kind: "fault",
  atMs,
  fault: what,
});
export const recovered = (atMs: number, source: Fault["source"] = "camera"): Input => ({
  kind: "recovered",
  atMs,
  source,
});

/** The same faces in the frames `first` to `last`. */
export function frames(first: number, last: number, ...verdicts: readonly Verdict[]): readonly Input[] {
  return Array.from({ length: last - first + 1 }, (_, index) => frame(first + index, ...verdicts));
}

export function play(
  inputs: readonly Input[],
  rules: Policy = policy,
  start: AccessState = initialState,
): AccessState {
  return inputs.reduce((state, input) => next(state, input, rules), start);
}
