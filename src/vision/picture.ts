/** A decoded picture in the form all later stages share, and the two ways to get one. */
import sharp from "sharp";
import { KioskError, messageOf } from "../core/errors.ts";

/** Upright 8-bit RGB pixels, rows from top to bottom without padding: `pixels.length === widthPx * heightPx * 3`. */
export interface Picture {
  readonly pixels: Uint8Array;
  readonly widthPx: number;
  readonly heightPx: number;
}

/** Larger pictures are refused rather than decoded: 100 megapixels are more than any camera of a door gives. */
const mostPixels = 100_000_000;

// libvips would cache the pixels of people in its operation cache; nothing here ever decodes a picture twice.
sharp.cache(false);

/**
 * Decodes a picture file (JPEG, PNG, WebP, GIF, TIFF) and turns it upright by its EXIF orientation.
 * @throws KioskError bad-picture
 */
export async function decode(file: Uint8Array): Promise<Picture> {
  try {
    const { data, info } = await sharp(file, { failOn: "error", limitInputPixels: mostPixels })
      .autoOrient()
      .flatten({ background: "#808080" })
      .toColourspace("srgb")
      .raw({ depth: "uchar" })
      .toBuffer({ resolveWithObject: true });
    if (info.channels !== 3) throw new Error(`it has ${info.channels} channels where 3 are expected`);
    return { pixels: data, widthPx: info.width, heightPx: info.height };
  } catch (cause) {
    throw new KioskError("bad-picture", `not a readable picture: ${firstLine(messageOf(cause))}`, { cause });
  }
}

/** Views the pixels of a raw frame as a picture, without copying. */
export function pictureOf(pixels: Uint8Array, widthPx: number, heightPx: number): Picture {
  if (pixels.length !== widthPx * heightPx * 3) {
    throw new KioskError("bad-picture", `a frame of ${widthPx}x${heightPx} has ${pixels.length} bytes`);
  }
  return { pixels, widthPx, heightPx };
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? text;
}
