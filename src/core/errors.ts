/** The failures maskgate knows by name. Everything else is a bug: it throws, the process ends, the door stays locked. */

/** One line per failure an adapter can meet; the code is what logs, metrics and tests match on. */
export const errorCodes = {
  "bad-bundle": "a bundle is damaged, or is none",
  "bad-config": "the configuration cannot be used",
  "bad-usage": "the command line cannot be understood",
  "bad-model": "the model or its manifest cannot be used",
  "bad-key": "a key for bundles cannot be used",
  "bad-picture": "a picture cannot be read",
  "bundle-refused": "a bundle is not for this kiosk",
  "bundle-unreadable": "the bytes of a bundle cannot be read or written",
  "bundle-untrusted": "no trusted key has signed the bundle",
  "camera-missing": "the camera, its program or its pictures are not there",
  "camera-silent": "the camera sends no frames",
  "camera-ended": "the camera program ended",
  "camera-blind": "the camera shows nothing",
  "camera-frozen": "the camera shows the same picture again and again",
  "door-forced": "the door was opened without leave",
  "door-tampered": "the housing is open",
  "fire-alarm": "the fire alarm has released the lock",
  "gpio-failed": "a GPIO chip or line cannot be used",
  "holder-gone": "the process that holds the door's lines does not answer",
  "socket-busy": "the status socket belongs to a live daemon",
  "socket-failed": "the status socket cannot be used",
  "update-failed": "an update cannot be carried out",
  "vision-failed": "the vision worker failed",
} as const;

export type ErrorCode = keyof typeof errorCodes;

/** An expected failure: `message` names the thing and the mend, in one line and without a stack. */
export class KioskError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = "KioskError";
    this.code = code;
  }
}

/** Cleans up after a failure: what goes wrong with that is added to the failure's text and never takes its place. */
export async function cleanUpAfter(failure: unknown, cleanUp: () => Promise<void>): Promise<void> {
  try {
    await cleanUp();
  } catch (second) {
    if (failure instanceof Error) failure.message += ` (and cleaning up failed: ${messageOf(second)})`;
  }
}

/** Of failures that came while another one was being cleaned up after, as `using` reports them, that one first. */
export function* eachOf(error: unknown): Generator {
  if (error instanceof Error && "suppressed" in error && "error" in error) {
    yield* eachOf(error.suppressed);
    yield* eachOf(error.error);
  } else yield error;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
