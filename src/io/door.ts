/** A door of a lock alone: the keeper without inputs. */
import type { Clock, Door } from "../core/ports.ts";
import { openDoorKeeper, type Wiring } from "./door-keeper.ts";
import type { OutputLine } from "./gpio.ts";
import type { Schedule } from "./timer.ts";

export { lockedLevel, type Wiring } from "./door-keeper.ts";

/** Takes the line over: locks at once, and releases it when disposed of. */
export function openDoor(
  lock: OutputLine,
  { wiring, maxUnlockMs }: { readonly wiring: Wiring; readonly maxUnlockMs: number },
  clock: Clock,
  schedule?: Schedule,
): Door {
  const policy = {
    maxUnlockMs,
    debounceMs: {},
    heldOpenAfterMs: 30_000,
    requestToExitMs: 5000,
    relockOnClose: true,
    fireRelease: true,
    fireClears: "by-restart",
  } as const;
  return openDoorKeeper({ lock }, { wiring, policy }, clock, schedule);
}
