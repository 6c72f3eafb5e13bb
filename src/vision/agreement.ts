/**
 * Of a face that fills the picture: how many looks at the whole picture see it. A close-up of it would show little more than
 * black beyond the picture's border, so the second look that tells other faces from things fails there on masked faces.
 */
import { iou, sidePx, type Box, type Face } from "../core/face.ts";

/** So many looks, the best, count. Of 1 to 4 this found the most masked faces at the same number of hands and clothes. */
const looksThatCount = 2;
/** Least share of the picture's longer side: smaller faces are too small in the looks from further away. */
const fillingShare = 0.3;
/** Boxes jitter this much between two looks and still mean one face. */
const sameFaceIou = 0.35;

/** Agreement from which something that fills the picture is a face: at 0.5 more hands and clothes pass than at a second look. */
export const leastAgreement = 0.55;

/** Whether a face is so large in its picture that only looks from further away show what is around it. */
export function fillsPicture(
  box: Box,
  { widthPx, heightPx }: { readonly widthPx: number; readonly heightPx: number },
): boolean {
  return sidePx(box) >= fillingShare * Math.max(widthPx, heightPx);
}

/** The mean score of the best two looks at a box, 0 for each that is missing. */
export function agreement(box: Box, looks: readonly (readonly Face[])[]): number {
  const best = looks
    .map((faces) =>
      Math.max(0, ...faces.filter((face) => iou(face.box, box) >= sameFaceIou).map(({ score }) => score)),
    )
    .sort((a, b) => b - a)
    .slice(0, looksThatCount);
  return best.reduce((sum, score) => sum + score, 0) / looksThatCount;
}
