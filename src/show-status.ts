/** `maskgate status` and `maskgate watch`: what the status socket says, for people and for programs. */
import type { KioskError } from "./core/errors.ts";
import { fetchStatus, followStatus } from "./io/status-client.ts";
import { providerWarning, statusText, watchHead, watchRow } from "./io/status-text.ts";

/**
 * The state now, as a screen or as one line of JSON.
 * @throws KioskError socket-failed
 */
export async function showStatus(socketPath: string, isJson: boolean): Promise<string> {
  const now = await fetchStatus(socketPath);
  return isJson ? JSON.stringify(now) : statusText(now).trimEnd();
}

/**
 * One row, or one line of JSON, a decided frame, until the signal aborts.
 * @throws KioskError socket-failed
 */
export async function watchStatus(
  socketPath: string,
  isJson: boolean,
  write: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  let isFirst = true;
  let last = "";
  for await (const event of followStatus(socketPath, { signal })) {
    if (event.kind === "lost") {
      process.stderr.write(`maskgate: ${lostText(event.reason)}\n`);
      continue;
    }
    // A frame that changes the state comes as two events; it is one row.
    const { access, camera, door } = event.snapshot;
    const row = `${camera.framesDecided} ${access.kind} ${door.kind}`;
    if (row === last) continue;
    last = row;
    if (isJson) {
      write(JSON.stringify(event.snapshot));
      continue;
    }
    if (isFirst)
      write([providerWarning(event.snapshot), watchHead()].filter((line) => line !== "").join("\n"));
    isFirst = false;
    write(watchRow(event.snapshot));
  }
}

function lostText(reason: KioskError): string {
  return `${reason.message}; trying again`;
}
