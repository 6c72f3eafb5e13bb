/** The picture of a frame as the installer's view shows it: a JPEG of moderate size, in memory only. */
import sharp from "sharp";
import type { Frame } from "./core/frame.ts";

/** Longest side; enough to aim a camera, and little enough for an ssh tunnel. */
const longestPx = 960;
const quality = 75;

/** A frame whose memory is the holder's own, because the camera's is lent until the next frame only. */
export function copyOf(frame: Frame): Frame {
  return { ...frame, memory: frame.memory.slice(0, frame.sizeBytes) };
}

/** The frame as an upright JPEG; rejects if it is no picture. */
export function previewOf({ memory, sizeBytes, encoding, widthPx, heightPx }: Frame): Promise<Buffer> {
  const bytes = Buffer.from(memory, 0, sizeBytes);
  const source =
    encoding === "file"
      ? sharp(bytes, { failOn: "error" }).autoOrient().flatten({ background: "#808080" })
      : sharp(bytes, { raw: { width: widthPx, height: heightPx, channels: 3 } });
  return source
    .resize({ width: longestPx, height: longestPx, fit: "inside", withoutEnlargement: true })
    .jpeg({ quality })
    .toBuffer();
}
