/** Why libcamera-vid ended, in one line for the engineer at the door: the camera, the cause, and the mend where it is known. */
import { KioskError, type ErrorCode } from "../core/errors.ts";
import type { ProgramEnd } from "./piped-program.ts";

interface Known {
  readonly pattern: RegExp;
  readonly code: ErrorCode;
  readonly text: string;
}

const known: readonly Known[] = [
  {
    pattern: /no cameras? available/i,
    code: "camera-missing",
    text: "libcamera finds no camera; check the ribbon cable and the board's camera overlay",
  },
  {
    pattern: /selected camera is not available/i,
    code: "camera-missing",
    text: "libcamera has no camera of this number; --list-cameras of its program shows those that there are",
  },
  {
    pattern: /failed to acquire camera|in use by another process/i,
    code: "camera-missing",
    text: "another program uses the camera; stop it",
  },
  {
    pattern: /frontend has timed out|device timeout detected/i,
    code: "camera-ended",
    text: "the sensor stopped answering; check the ribbon cable",
  },
];

/** What is told: the program's own `ERROR: *** cause ***` first, then libcamera's log lines, then whatever came last. */
function causeOf(lines: readonly string[]): string {
  const last = (pattern: RegExp): string | undefined => {
    const line = lines.findLast((text) => pattern.test(text));
    return line === undefined ? undefined : pattern.exec(line)?.[1];
  };
  return (
    last(/^ERROR: \*\*\* (.*?) \*\*\*/) ??
    last(/^\[[\d:.]+\] \[\d+\] +(?:ERROR|FATAL) \S+ \S+:\d+ (.*)/) ??
    last(/^(?:ERROR: )?(.+)/) ??
    "it said nothing"
  );
}

/** The fault that the end of libcamera-vid is. */
export function libcameraFault(name: string, end: ProgramEnd): KioskError {
  const found = known.find(({ pattern }) => end.lastLines.some((line) => pattern.test(line)));
  if (found !== undefined) return new KioskError(found.code, `${name}: ${found.text}`);
  return new KioskError("camera-ended", `${name}: its program ended (${end.how}): ${causeOf(end.lastLines)}`);
}
