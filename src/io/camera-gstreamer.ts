/** Cameras that GStreamer can read: USB, Jetson CSI, libcamera, RTSP, or any pipeline, each as a gst-launch-1.0 program. */
import type { Camera, Clock } from "../core/ports.ts";
import { gstreamerFault, redact } from "./gstreamer-fault.ts";
import { cameraPipeline, rowAlignBytes, type PipelineSettings } from "./gstreamer-pipeline.ts";
import { ProgramCamera, type Patience } from "./program-camera.ts";

/** Plain values of the configuration's `camera` and `camera.gstreamer`. */
export interface GstreamerCameraSettings extends PipelineSettings, Patience {
  /** Name or path of gst-launch-1.0. */
  readonly program: string;
}

function nameOf({ preset, device, sensorId, url }: GstreamerCameraSettings): string {
  switch (preset) {
    case "v4l2":
      return `camera ${device}`;
    case "argus":
      return `camera argus sensor ${sensorId}`;
    case "libcamera":
      return "camera libcamera";
    case "rtsp":
      return `camera ${redact(url)}`;
    case "custom":
      return "camera pipeline";
  }
}

/**
 * A camera through gst-launch-1.0. Rejects with a KioskError if the settings cannot be used or the program is not
 * installed; everything later is a fault, and is tried again.
 */
export async function openGstreamerCamera(settings: GstreamerCameraSettings, clock: Clock): Promise<Camera> {
  const { widthPx, heightPx, framesPerSecond, silenceMs, startMs, restartMinMs, restartMaxMs } = settings;
  const name = nameOf(settings);
  return ProgramCamera.open(
    {
      ...{ name, framesPerSecond, silenceMs, startMs, restartMinMs, restartMaxMs },
      program: settings.program,
      packageName: "gstreamer1.0-tools",
      args: cameraPipeline(settings),
      stopSignal: "SIGINT",
      framesOn: "pipe",
      format: { kind: "raw", widthPx, heightPx, rowAlignBytes },
      whenDone: "fault",
      explain: (end) => gstreamerFault(name, end),
    },
    clock,
  );
}
