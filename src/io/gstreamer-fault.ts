/**
 * Why a camera program ended, in one line for the engineer at the door, from what the program said.
 * Promises: the line names the camera and the mend where it is known; no address shows its credentials or its path.
 */
import { KioskError } from "../core/errors.ts";
import type { ProgramEnd } from "./piped-program.ts";

/** Debian's packages of the elements that the presets use. */
const packageOf: Readonly<Record<string, string>> = {
  nvarguscamerasrc: "nvidia-l4t-gstreamer",
  nvvidconv: "nvidia-l4t-gstreamer",
  libcamerasrc: "gstreamer1.0-libcamera",
  v4l2src: "gstreamer1.0-plugins-good",
  rtspsrc: "gstreamer1.0-plugins-good",
  videoflip: "gstreamer1.0-plugins-good",
  videoconvert: "gstreamer1.0-plugins-base",
  videoscale: "gstreamer1.0-plugins-base",
  videorate: "gstreamer1.0-plugins-base",
  decodebin: "gstreamer1.0-plugins-base",
};

const absence =
  /cannot identify device|no such (?:file|device)|resource not found|could not open device|no cameras? (?:available|found)|could not find a supporting|no element|missing a plug-in/i;

/** Shortens addresses to scheme and host: cameras take credentials in front of the host, in the path and in the query. */
export function redact(text: string): string {
  return text.replaceAll(/([a-z][a-z0-9+.-]*:\/\/)(?:[^\s"']*@)?([^\s/"'?#]*)[^\s"']*/gi, "$1$2");
}

/** The line that tells the cause: the first error, since what follows are its consequences. */
function causeOf(lines: readonly string[]): string {
  const first = lines.findIndex((line) => /^(?:ERROR|WARNING: erroneous pipeline)/.test(line));
  const line = lines[first];
  if (line === undefined) return lines.at(-1) ?? "it said nothing";
  const message = line
    .replace(/^ERROR: from element \S*?([^/:\s]+): /, "$1: ")
    .replace(/^(?:ERROR|WARNING): ?/, "");
  const rest = lines.slice(first + 1);
  const end = rest.findIndex((text) => /^(?:ERROR|WARNING)/.test(text));
  // GStreamer puts where in its source the error arose first, and what the system said last.
  const detail = rest
    .slice(0, end === -1 ? rest.length : end)
    .slice(2)
    .at(-1);
  return detail === undefined || /^(?:Failed to set|Execution ended)/.test(detail)
    ? message
    : `${message} (${detail})`;
}

/** The fault that the end of a GStreamer program is. */
export function gstreamerFault(name: string, end: ProgramEnd): KioskError {
  const cause = redact(causeOf(end.lastLines));
  const element = /no element "([^"]+)"/.exec(cause)?.[1];
  if (element !== undefined) {
    const mend = packageOf[element];
    const how = mend === undefined ? "install the plugin that brings it" : `install the package ${mend}`;
    return new KioskError("camera-missing", `${name}: GStreamer has no element "${element}"; ${how}`);
  }
  if (absence.test(cause)) return new KioskError("camera-missing", `${name}: ${cause}`);
  return new KioskError("camera-ended", `${name}: its program ended (${end.how}): ${cause}`);
}
