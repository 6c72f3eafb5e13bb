/**
 * What the daemon says of itself on the status socket and in its logs of state: a projection, built from its parts by a
 * pure function. Plain JSON with units in the names. It holds no picture and of faces no more than boxes and probabilities.
 */
import { indication, isVisible, leaseEndMs, type Access, type AccessState, type Fault } from "./access.ts";
import type { DoorKind, DoorReport, InputName, Reading } from "./door-report.ts";
import type { Box } from "./face.ts";
import type { Mode, Policy, Several } from "./policy.ts";
import type { DoorState, Indication, Indicator, Precision } from "./ports.ts";
import { deciders } from "./tracks.ts";
import type { ModelRef } from "./update-record.ts";
import { withNotice, type UpdateStatus } from "./update-status.ts";
import type { StageTimes } from "./verdict.ts";

export interface CameraStatus {
  readonly state: "starting" | "streaming" | "faulted" | "ended";
  readonly framesDelivered: number;
  readonly framesDecided: number;
  /** Delivered and replaced by a newer one before anyone looked. */
  readonly framesSkipped: number;
  /** Decided frames, over the last seconds. */
  readonly framesPerSecond: number;
}

export interface ModelStatus {
  readonly name: string;
  readonly version: string;
  /** The ONNX Runtime execution provider that runs. */
  readonly provider: string;
  /** Of the graph that runs. */
  readonly precision: Precision;
  /** The one that the configuration names first. */
  readonly askedProvider: string;
  readonly isFirstChoice: boolean;
}

/** Wall time of each stage of the last decided frame. */
export interface FrameTimes extends StageTimes {
  readonly decideMs: number;
  readonly actuateMs: number;
  readonly frameToDecisionMs: number;
}

export type AccessStatus =
  | { readonly kind: Exclude<Access["kind"], "granted" | "reminded"> }
  | { readonly kind: "granted" | "reminded"; readonly leftMs: number };

/** The door as it is, not as it was told to be. */
export interface DoorStatus {
  readonly kind: DoorKind;
  /** How long it has been of this kind. */
  readonly forMs: number;
  readonly lock: DoorState["kind"];
  /** What is left of the lease; null without one, and during a fire release, which has no end of its own. */
  readonly leftMs: number | null;
  readonly inputs: Readonly<Record<InputName, Reading>>;
  readonly isFireReleased: boolean;
  /** The request to exit excuses nothing any more, because it has been pressed for too long. */
  readonly isExitStuck: boolean;
}

/** A face that the decision knows of. */
export interface FaceStatus {
  readonly trackId: number;
  readonly box: Box;
  /** Probability that a mask is worn properly, of its last sighting; null if the classifier gave no usable number. */
  readonly masked: number | null;
  /** Consecutive masked votes, out of `policy.framesToGrant`. */
  readonly agreed: number;
  /** Whether the decision asks for its votes: false for a small face, and for all but the largest under `largest`. */
  readonly isDeciding: boolean;
  /** False for a face that the last frame did not show, but that is not forgotten yet. */
  readonly isVisible: boolean;
}

/** The answer of `GET /v1/status` and each event of `GET /v1/events`. */
export interface StatusSnapshot {
  readonly version: string;
  readonly uptimeMs: number;
  readonly camera: CameraStatus;
  readonly model: ModelStatus;
  readonly policy: {
    readonly mode: Mode;
    readonly several: Several;
    readonly threshold: number;
    readonly leastFacePx: number;
    readonly framesToGrant: number;
  };
  readonly access: AccessStatus;
  readonly indication: Indication;
  readonly door: DoorStatus;
  readonly leds: Indicator["lit"];
  readonly faces: readonly FaceStatus[];
  /** The fault that has stood longest. */
  readonly fault: Fault | null;
  readonly update: UpdateStatus;
  /** Null before the first decided frame. */
  readonly stages: FrameTimes | null;
}

/** Where a snapshot comes from. */
export interface StatusParts {
  /** Of the daemon. */
  readonly version: string;
  /** Monotonic, of the same clock as every other time. */
  readonly nowMs: number;
  readonly startedAtMs: number;
  readonly camera: CameraStatus;
  readonly model: ModelStatus;
  readonly policy: Policy;
  readonly state: AccessState;
  readonly door: { readonly state: DoorState; readonly report: DoorReport };
  readonly leds: Indicator["lit"];
  readonly update: UpdateStatus;
  readonly stages: FrameTimes | null;
}

/** Builds the snapshot. Everything is copied field by field, so that nothing gets onto the socket by being added to a part. */
export function statusSnapshot(parts: StatusParts): StatusSnapshot {
  const { nowMs, policy, state } = parts;
  return {
    version: parts.version,
    uptimeMs: nowMs - parts.startedAtMs,
    camera: cameraStatus(parts.camera),
    model: modelStatus(parts.model),
    policy: {
      mode: policy.mode,
      several: policy.several,
      threshold: policy.threshold,
      leastFacePx: policy.leastFacePx,
      framesToGrant: policy.framesToGrant,
    },
    access: accessStatus(state.access, nowMs),
    indication: withNotice(indication(state), parts.update.notice),
    door: doorStatus(parts.door, nowMs),
    leds: { green: parts.leds.green, red: parts.leds.red, amber: parts.leds.amber },
    faces: faceStatuses(state, policy),
    fault: faultStatus(state.access),
    update: updateStatus(parts.update),
    stages: parts.stages === null ? null : frameTimes(parts.stages),
  };
}

function accessStatus(access: Access, nowMs: number): AccessStatus {
  const untilMs = leaseEndMs(access);
  if (access.kind !== "granted" && access.kind !== "reminded") return { kind: access.kind };
  return { kind: access.kind, leftMs: leftMs(untilMs ?? nowMs, nowMs) };
}

function doorStatus({ state, report }: StatusParts["door"], nowMs: number): DoorStatus {
  const { contact, requestToExit, fireAlarm, tamper } = report.inputs;
  const isLeased = state.kind === "unlocked" && Number.isFinite(state.untilMs);
  return {
    kind: report.kind,
    forMs: Math.max(0, nowMs - report.sinceMs),
    lock: state.kind,
    leftMs: isLeased ? leftMs(state.untilMs, nowMs) : null,
    inputs: { contact, requestToExit, fireAlarm, tamper },
    isFireReleased: report.isFireReleased,
    isExitStuck: report.isExitStuck,
  };
}

function updateStatus(update: UpdateStatus): UpdateStatus {
  const { state, version, reason, sinceMs, notice, running, unloadable } = update;
  return {
    ...{ state, version, reason, sinceMs, notice },
    running: running === null ? null : modelRef(running),
    unloadable: unloadable === null ? null : { id: unloadable.id, reason: unloadable.reason },
  };
}

function modelRef({ place, id, version, bundle }: ModelRef): ModelRef {
  return { place, id, version, bundle };
}

function leftMs(untilMs: number, nowMs: number): number {
  return Math.max(0, untilMs - nowMs);
}

function cameraStatus(camera: CameraStatus): CameraStatus {
  const { state, framesDelivered, framesDecided, framesSkipped, framesPerSecond } = camera;
  return { state, framesDelivered, framesDecided, framesSkipped, framesPerSecond };
}

function modelStatus(model: ModelStatus): ModelStatus {
  const { name, version, provider, precision, askedProvider, isFirstChoice } = model;
  return { name, version, provider, precision, askedProvider, isFirstChoice };
}

function faceStatuses(state: AccessState, policy: Policy): readonly FaceStatus[] {
  const asked = new Set(deciders(state.tracks, state.lastCapturedAtMs, policy));
  return state.tracks.map((track) => ({
    trackId: track.id,
    box: { x: track.box.x, y: track.box.y, width: track.box.width, height: track.box.height },
    masked: track.masked,
    agreed: track.agreed,
    isDeciding: asked.has(track),
    isVisible: isVisible(state, track),
  }));
}

function faultStatus(access: Access): Fault | null {
  const fault = access.kind === "faulted" ? access.faults[0] : undefined;
  return fault === undefined ? null : { source: fault.source, code: fault.code, message: fault.message };
}

function frameTimes(stages: FrameTimes): FrameTimes {
  const { decodeMs, detectMs, cropMs, classifyMs, decideMs, actuateMs, frameToDecisionMs } = stages;
  return { decodeMs, detectMs, cropMs, classifyMs, decideMs, actuateMs, frameToDecisionMs };
}
