/** The crop contract: which pixels around a face the classifier sees, at the door and in training. */
import type { Box } from "../core/face.ts";
import type { Picture } from "./picture.ts";
import { cutSquare, squareAround } from "./square.ts";

/** Side of the classifier's input. */
export const cropPx = 112;

/** The square's side is the longer side of the face's box plus this share of it on each side. */
export const marginShare = 0.2;

/**
 * Cuts the classifier's input out of a picture: a square around the middle of the face's box, scaled to
 * 112 x 112 RGB. Beyond the picture's border its outermost pixels are repeated.
 */
export async function cropFace(picture: Picture, box: Box): Promise<Uint8Array> {
  const sidePx = Math.max(1, Math.round(Math.max(box.width, box.height) * (1 + 2 * marginShare)));
  return cutSquare(picture, squareAround(box, sidePx), cropPx, "copy");
}
