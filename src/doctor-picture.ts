/** The row of `maskgate doctor` about the size of the pictures that the camera gives, against the one that it was asked for. */
import type { Config } from "./config-schema.ts";
import { fail, ok, warn, type Finding } from "./doctor-finding.ts";
import { type Size, sourceSize } from "./io/gstreamer-size.ts";

/** As long as the daemon gives a camera for its first frame. */
const limitMs = 10_000;

const name = "picture";
const mend = "ask for a size that the camera has";
const textOf = ({ widthPx, heightPx }: Size): string => `${widthPx}x${heightPx}`;

/** Pictures that carry their size. Those that are played back have the size that they have. */
export function pictureFindings(camera: Config["camera"], seen: Size): readonly Finding[] {
  if (camera.source !== "libcamera") return [];
  return textOf(seen) === textOf(camera)
    ? [ok(name, `${textOf(camera)}, as asked for`)]
    : [fail(name, `${textOf(seen)}, ${textOf(camera)} was asked for`, mend)];
}

/** Pictures of GStreamer come scaled, so the pipeline is run once more and asked; the camera must be free. */
export async function scaledPictureFindings(camera: Config["camera"]): Promise<readonly Finding[]> {
  const { source, gstreamer, widthPx, heightPx, framesPerSecond } = camera;
  if (source !== "gstreamer") return [];
  const own = await sourceSize({ ...gstreamer, widthPx, heightPx, framesPerSecond }, limitMs);
  return [scaledPictureFinding(camera, own)];
}

/** `own`: undefined if the camera did not tell. */
function scaledPictureFinding(asked: Size, own: Size | undefined): Finding {
  if (own === undefined)
    return warn(
      name,
      `the camera's pipeline did not tell its own size within ${limitMs / 1000} s`,
      "run it again while nothing else has the camera",
    );
  if (own.widthPx < asked.widthPx || own.heightPx < asked.heightPx)
    return warn(
      name,
      `the camera gives ${textOf(own)}, brought to the ${textOf(asked)} that was asked for`,
      `${mend}; ${textOf(own)} is one`,
    );
  return ok(
    name,
    textOf(own) === textOf(asked)
      ? `${textOf(own)}, as asked for`
      : `${textOf(own)}, brought to the ${textOf(asked)} that was asked for`,
  );
}
