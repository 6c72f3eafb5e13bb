/**
 * ONNX Runtime collects telemetry unless its environment says otherwise, and its Linux build crashes while it reads a long
 * command line for that purpose (measured with 1.30 and 500 paths). A door tells nobody anything, so it is off.
 */

/** Has to run on the main thread before the first session: a worker's environment is only a copy of the process's. */
export function disableTelemetry(): void {
  process.env["ORT_DISABLE_TELEMETRY"] = "1";
}
