/** Locks the door when the process ends without having closed it: an uncaught bug must not leave the line as it was. */
import type { Door } from "./core/ports.ts";

/** Holds from now on until it is disposed of; the door's own closing locks then. */
export function lockAtExit(door: Door): Disposable {
  const lock = (): void => {
    door.apply({ kind: "lock" });
  };
  process.once("exit", lock);
  return {
    [Symbol.dispose]: () => {
      process.off("exit", lock);
    },
  };
}
