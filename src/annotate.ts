/** Draws boxes and verdicts into a picture, for `maskgate classify --annotate`. */
import sharp from "sharp";
import type { Verdict } from "./core/verdict.ts";
import type { Picture } from "./vision/picture.ts";

/** Writes the picture with its faces marked: green is masked, red is not. */
export async function annotate(
  picture: Picture,
  verdicts: readonly Verdict[],
  threshold: number,
  file: string,
): Promise<void> {
  const { widthPx, heightPx, pixels } = picture;
  const linePx = Math.max(2, Math.round(Math.min(widthPx, heightPx) / 300));
  const marks = verdicts.map((verdict) => markOf(verdict, threshold, linePx)).join("");
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${widthPx}" height="${heightPx}">${marks}</svg>`;
  await sharp(pixels, { raw: { width: widthPx, height: heightPx, channels: 3 } })
    .composite([{ input: Buffer.from(svg) }])
    .jpeg({ quality: 90 })
    .toFile(file);
}

function markOf({ face, masked }: Verdict, threshold: number, linePx: number): string {
  const { x, y, width, height } = face.box;
  const colour = masked >= threshold ? "#19c37d" : "#ff3b30";
  const fontPx = Math.max(11, Math.round(width / 5));
  const label = masked.toFixed(2);
  const labelWidthPx = fontPx * 0.62 * label.length;
  const top = Math.max(0, y - fontPx * 1.2);
  return [
    `<rect x="${x}" y="${y}" width="${width}" height="${height}" fill="none" stroke="${colour}" stroke-width="${linePx}"/>`,
    `<rect x="${x}" y="${top}" width="${labelWidthPx}" height="${fontPx * 1.2}" fill="${colour}"/>`,
    `<text x="${x + fontPx * 0.15}" y="${top + fontPx * 0.95}" font-family="sans-serif" font-size="${fontPx}">${label}</text>`,
  ].join("");
}
