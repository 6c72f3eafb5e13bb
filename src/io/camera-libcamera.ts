/**
 * The cameras of libcamera boards (Raspberry Pi) through the board's own rpicam-vid or libcamera-vid. Its pictures are JPEG:
 * those carry their own size and end, while raw ones come with padded rows of a width that only the driver knows.
 */
import { KioskError } from "../core/errors.ts";
import type { Camera, Clock } from "../core/ports.ts";
import { findProgram } from "./find-program.ts";
import { libcameraFault } from "./libcamera-fault.ts";
import { libcameraArguments, type LibcameraOptions } from "./libcamera-options.ts";
import { ProgramCamera, type Patience } from "./program-camera.ts";

/** Plain values of the configuration's `camera` and `camera.libcamera`. */
export interface LibcameraCameraSettings extends Patience {
  readonly widthPx: number;
  readonly heightPx: number;
  readonly framesPerSecond: number;
  /** Which of the board's cameras. */
  readonly sensorId: number;
  readonly isUpsideDown: boolean;
  /** Name or path of the program; empty: whichever name it has on this board. */
  readonly program: string;
}

/** Its name since Raspberry Pi OS 12, and before. */
const programNames = ["rpicam-vid", "libcamera-vid"];
/** JPEG quality at which compression no longer shows in a face of 32 px. */
const quality = 93;
/** Beside the pixels: headers and tables of a picture that would not compress at all. */
const headerBytes = 65_536;

function optionsOf(settings: LibcameraCameraSettings): LibcameraOptions {
  const { widthPx, heightPx, framesPerSecond, sensorId, isUpsideDown } = settings;
  return {
    timeout: 0,
    nopreview: true,
    camera: sensorId,
    width: widthPx,
    height: heightPx,
    framerate: framesPerSecond,
    ...(isUpsideDown ? { rotation: 180 } : {}),
    codec: "mjpeg",
    quality,
    // Without it a picture waits in stdio's buffer until the next one pushes it out.
    flush: true,
    output: "-",
  };
}

async function chooseProgram(wanted: string): Promise<string> {
  if (wanted !== "") return wanted;
  for (const name of programNames) if ((await findProgram(name)) !== undefined) return name;
  throw new KioskError(
    "camera-missing",
    `neither ${programNames.join(" nor ")} is installed; install the package rpicam-apps (before Raspberry Pi OS 12: libcamera-apps)`,
  );
}

/**
 * A camera through rpicam-vid. Rejects with a KioskError if the program is not installed; everything later is a fault, and
 * is tried again.
 */
export async function openLibcameraCamera(settings: LibcameraCameraSettings, clock: Clock): Promise<Camera> {
  const { widthPx, heightPx, framesPerSecond, silenceMs, startMs, restartMinMs, restartMaxMs } = settings;
  const name = `camera libcamera ${settings.sensorId}`;
  return ProgramCamera.open(
    {
      ...{ name, framesPerSecond, silenceMs, startMs, restartMinMs, restartMaxMs },
      program: await chooseProgram(settings.program),
      packageName: "rpicam-apps",
      args: await libcameraArguments(optionsOf(settings)),
      framesOn: "stdout",
      // It closes the camera at SIGINT, while pictures come; else the grace of `PipedProgram` ends it.
      stopSignal: "SIGINT",
      format: { kind: "jpeg", mostBytes: widthPx * heightPx * 3 + headerBytes },
      whenDone: "fault",
      explain: (end) => libcameraFault(name, end),
    },
    clock,
  );
}
