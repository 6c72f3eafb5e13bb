/** Cuts a square out of a picture and scales it: the one way in which pixels reach the detector and the classifier. */
import sharp, { type Sharp } from "sharp";
import type { Box } from "../core/face.ts";
import type { Picture } from "./picture.ts";

/** A square region in pixels of the picture; it may reach beyond its borders. */
export interface Square {
  readonly x: number;
  readonly y: number;
  readonly sidePx: number;
}

/** What stands where the square reaches beyond the picture: black, or the picture's outermost pixels repeated. */
export type Beyond = "black" | "copy";

export function squareAround(box: Box, sidePx: number): Square {
  return {
    x: Math.round(box.x + box.width / 2 - sidePx / 2),
    y: Math.round(box.y + box.height / 2 - sidePx / 2),
    sidePx,
  };
}

/** Returns `outPx * outPx * 3` bytes of RGB. The square must touch the picture. */
export async function cutSquare(
  picture: Picture,
  square: Square,
  outPx: number,
  beyond: Beyond,
): Promise<Uint8Array> {
  const left = Math.max(0, square.x);
  const top = Math.max(0, square.y);
  const right = Math.min(picture.widthPx, square.x + square.sidePx);
  const bottom = Math.min(picture.heightPx, square.y + square.sidePx);
  const inside = sharp(picture.pixels, {
    raw: { width: picture.widthPx, height: picture.heightPx, channels: 3 },
  }).extract({ left, top, width: right - left, height: bottom - top });

  const margins = {
    left: left - square.x,
    top: top - square.y,
    right: square.x + square.sidePx - right,
    bottom: square.y + square.sidePx - bottom,
  };
  const isWhole = margins.left + margins.top + margins.right + margins.bottom === 0;
  const whole = isWhole ? inside : await extended(inside, margins, beyond);
  return whole.resize(outPx, outPx, { fit: "fill", kernel: "lanczos3" }).removeAlpha().raw().toBuffer();
}

interface Margins {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** sharp runs extend after resize within one pipeline, so the extended square needs a pipeline of its own. */
async function extended(inside: Sharp, margins: Margins, beyond: Beyond): Promise<Sharp> {
  const { data, info } = await inside
    .extend({ ...margins, background: "#000", extendWith: beyond === "copy" ? "copy" : "background" })
    .raw()
    .toBuffer({ resolveWithObject: true });
  return sharp(data, { raw: { width: info.width, height: info.height, channels: 3 } });
}
