/** Non-maximum suppression: one face a person, whichever regions it was found in. */
import { intersectionPx2, iou, type Face } from "../core/face.ts";

/** Two boxes that overlap this much are one face. */
const sameFaceIou = 0.3;
/** A box that lies this much within a better one is a part of that face (a tile cuts faces at its border). */
const partShare = 0.6;

/** Keeps the best of overlapping faces; `rank` decides which is the best. */
export function mergeFaces<T extends Face>(faces: readonly T[], rank: (face: T) => number): T[] {
  const kept: T[] = [];
  for (const face of [...faces].sort((a, b) => rank(b) - rank(a))) {
    if (!kept.some((better) => isSameFace(face, better))) kept.push(face);
  }
  return kept;
}

function isSameFace(face: Face, better: Face): boolean {
  if (iou(face.box, better.box) >= sameFaceIou) return true;
  const smaller = Math.min(face.box.width * face.box.height, better.box.width * better.box.height);
  return smaller > 0 && intersectionPx2(face.box, better.box) / smaller >= partShare;
}
