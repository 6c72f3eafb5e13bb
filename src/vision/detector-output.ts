/**
 * What the face detector's graph takes and gives: pixels as -1..1, and for each of its 896 anchors a logit and a box.
 * Anchors and limits are those of @tensorflow-models/face-detection; the arithmetic is done here on plain numbers,
 * because the same as some 90 tensor operations took as long as the graph itself. A test holds both to equal faces.
 */
import { createSsdAnchors } from "@tensorflow-models/face-detection/dist/shared/calculators/create_ssd_anchors.js";
import {
  DETECTOR_NON_MAX_SUPPRESSION_CONFIG,
  SHORT_RANGE_DETECTOR_ANCHOR_CONFIG,
  SHORT_RANGE_TENSORS_TO_DETECTION_CONFIG,
} from "@tensorflow-models/face-detection/dist/tfjs/constants.js";
import { iou, type Face } from "../core/face.ts";

/** Side of the picture the graph sees. */
export const detectorPx = 128;

const mostFaces = 20;
const anchors = createSsdAnchors(SHORT_RANGE_DETECTOR_ANCHOR_CONFIG);
/** A logit, then a box's middle and size in pixels, then six points of the face that nobody needs. */
const valuesOfAnchor = 1 + SHORT_RANGE_TENSORS_TO_DETECTION_CONFIG.numCoords;
const { minScoreThresh: minScore = 0.5 } = SHORT_RANGE_TENSORS_TO_DETECTION_CONFIG;
const { minSuppressionThreshold: sameFaceIou } = DETECTOR_NON_MAX_SUPPRESSION_CONFIG;

/** The graph's input for `detectorPx` x `detectorPx` RGB pixels. */
export function detectorInput(pixels: Uint8Array): Float32Array {
  const values = new Float32Array(pixels.length);
  // Indexed, not iterated: for 49 152 values an iterator costs 2 ms.
  for (let at = 0; at < values.length; at += 1) values[at] = (pixels[at] ?? 0) / 127.5 - 1;
  return values;
}

/** The faces of the graph's output, best first, boxes in shares of the picture it saw. */
export function facesOfOutput(output: ArrayLike<number>): Face[] {
  if (output.length !== anchors.length * valuesOfAnchor)
    throw new RangeError(`the face detector gave ${output.length} numbers`);
  const found = anchors.flatMap((anchor, n): Face[] => {
    const at = n * valuesOfAnchor;
    const value = (index: number): number => output[at + index] ?? 0;
    const score = 1 / (1 + Math.exp(-value(0)));
    const [width, height] = [value(3) / detectorPx, value(4) / detectorPx];
    if (!(score >= minScore && width >= 0 && height >= 0)) return [];
    const x = value(1) / detectorPx + anchor.xCenter - width / 2;
    const y = value(2) / detectorPx + anchor.yCenter - height / 2;
    return [{ box: { x, y, width, height }, score }];
  });
  return strongest(found);
}

/** Non-maximum suppression within one look: neighbouring anchors see the same face. */
function strongest(faces: readonly Face[]): Face[] {
  const kept: Face[] = [];
  for (const face of faces.toSorted((a, b) => b.score - a.score)) {
    if (kept.length === mostFaces) break;
    if (kept.every((better) => iou(better.box, face.box) < sameFaceIou)) kept.push(face);
  }
  return kept;
}
