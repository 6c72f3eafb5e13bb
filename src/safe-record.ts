/**
 * The holder's record of what is safe when it is gone (safe-lines.json, for lock-lines.ts). It also carries a fire release over the holder's
 * death: a holder that was killed must not have locked a door in a fire, and neither must the next one.
 */
import type { Config } from "./config-schema.ts";
import { safeLinesOf } from "./door-side.ts";
import type { Log } from "./io/log.ts";
import { safeLinesFile, wasFireReleased, writeSafeLines } from "./io/safe-lines.ts";

/** Dispose of it before the door is closed. */
export interface SafeRecord extends Disposable {
  /** The last holder left the lock released by the fire alarm, and was not stopped on purpose. */
  readonly isFireReleased: boolean;
  /** From now on. A failure is told in the log: the door goes on without a record. */
  write(isFireReleased: boolean): void;
}

/**
 * Disposing of it is its last word: no fire release if the signal has aborted, because whoever stops the holder on purpose clears it. Any
 * other end leaves what it says, though the door locks when it is closed.
 * @throws KioskError gpio-failed if the record cannot be written
 */
export function openSafeRecord({ gpio, door }: Config, log: Log, signal: AbortSignal): SafeRecord {
  const file = safeLinesFile(gpio.leaseSocketPath);
  const isFireReleased = door.fireRelease && gpio.fireAlarm.isFitted && wasReleased(file, log);
  let isOver = false;
  const write = (isReleased: boolean): void => {
    if (isOver) return;
    try {
      writeSafeLines(file, safeLinesOf(gpio, isReleased));
    } catch (error) {
      log.error({ err: error }, "what is safe after a kill cannot be written down");
    }
  };
  writeSafeLines(file, safeLinesOf(gpio, isFireReleased));
  return {
    isFireReleased,
    write,
    [Symbol.dispose]: () => {
      if (signal.aborted) write(false);
      isOver = true;
    },
  };
}

function wasReleased(file: string, log: Log): boolean {
  try {
    return wasFireReleased(file);
  } catch (error) {
    log.error({ err: error }, "whether the fire alarm had released the lock is not known: locked");
    return false;
  }
}
