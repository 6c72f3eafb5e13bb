/** What the vision says of one frame, and nothing more: no pixels leave it. */
import type { Face } from "./face.ts";
import type { PictureSigns } from "./sight.ts";

/** A face and what the classifier says of it. */
export interface Verdict {
  readonly face: Face;
  /** Probability that a mask is worn properly, 0..1; 0.5 is the boundary the model was trained for. */
  readonly masked: number;
}

/** Wall time of each stage of one frame in the vision worker, in ms. */
export interface StageTimes {
  readonly decodeMs: number;
  readonly detectMs: number;
  readonly cropMs: number;
  readonly classifyMs: number;
}

/** All that is known of one frame after the vision has seen it. */
export interface Observation {
  readonly seq: number;
  readonly capturedAtMs: number;
  readonly widthPx: number;
  readonly heightPx: number;
  readonly signs: PictureSigns;
  readonly verdicts: readonly Verdict[];
  readonly stages: StageTimes;
}
