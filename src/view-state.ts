/** What the installer's view tells of one frame: a projection of the decision's state, built by a pure function. */
import {
  indication,
  leaseEndMs,
  type AccessIndication,
  type AccessState,
  type Fault,
} from "./core/access.ts";
import { sidePx, type Box } from "./core/face.ts";
import type { Policy } from "./core/policy.ts";
import type { ModelStatus } from "./core/status.ts";
import { deciders } from "./core/tracks.ts";
import type { Observation, StageTimes } from "./core/verdict.ts";

/** A face of the frame. */
export interface ViewFace {
  readonly trackId: number | null;
  readonly box: Box;
  /** Its smaller side: what the least sizes are compared with. */
  readonly facePx: number;
  /** The detector's score. */
  readonly score: number;
  readonly masked: number;
  /** Consecutive masked votes. */
  readonly agreed: number;
  readonly isDeciding: boolean;
}

/** One answer to the page. */
export interface ViewState {
  /** Of the frame; 0 before the first. */
  readonly seq: number;
  readonly widthPx: number;
  readonly heightPx: number;
  readonly faces: readonly ViewFace[];
  /** What the kiosk would show now. */
  readonly indication: AccessIndication;
  /** Whether the daemon would hold the door unlocked now. */
  readonly wouldUnlock: boolean;
  readonly fault: Fault | null;
  readonly hasEnded: boolean;
  readonly framesPerSecond: number;
  readonly framesSkipped: number;
  readonly stages: (StageTimes & { readonly frameToDecisionMs: number }) | null;
  readonly model: ModelStatus;
  readonly policy: Policy;
  /** The running `faces.leastFacePx`: smaller faces are not even searched. */
  readonly leastSearchedPx: number;
}

/** Where it comes from. */
export interface ViewParts {
  readonly state: AccessState;
  readonly seen: Observation | undefined;
  readonly frameToDecisionMs: number;
  readonly hasEnded: boolean;
  readonly framesPerSecond: number;
  readonly framesSkipped: number;
  readonly model: ModelStatus;
  readonly policy: Policy;
  readonly leastSearchedPx: number;
}

/** The state as the page is told it. */
export function viewState(parts: ViewParts): ViewState {
  const { state, seen, frameToDecisionMs, hasEnded, framesPerSecond, framesSkipped, model, policy } = parts;
  return {
    seq: seen?.seq ?? 0,
    widthPx: seen?.widthPx ?? 0,
    heightPx: seen?.heightPx ?? 0,
    faces: facesOf(parts),
    indication: indication(state),
    wouldUnlock: leaseEndMs(state.access) !== undefined,
    fault: state.access.kind === "faulted" ? (state.access.faults[0] ?? null) : null,
    hasEnded,
    framesPerSecond,
    framesSkipped,
    stages: seen === undefined ? null : { ...seen.stages, frameToDecisionMs },
    model,
    policy,
    leastSearchedPx: parts.leastSearchedPx,
  };
}

/** Of a camera at fault no face is shown: what was seen last is not there any more. */
function facesOf({ state, seen, policy }: ViewParts): readonly ViewFace[] {
  if (seen === undefined || state.access.kind === "faulted") return [];
  const asked = deciders(state.tracks, state.lastCapturedAtMs, policy);
  return seen.verdicts.map(({ face, masked }) => {
    const track = state.tracks.find(({ box }) => box === face.box);
    return {
      trackId: track?.id ?? null,
      box: face.box,
      facePx: Math.round(sidePx(face.box)),
      score: face.score,
      masked,
      agreed: track?.agreed ?? 0,
      isDeciding: track !== undefined && asked.includes(track),
    };
  });
}
