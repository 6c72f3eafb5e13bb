/** A door on a simulated line, in virtual time. */
import { openDoor, type Wiring } from "../../src/io/door.ts";
import { SimLine } from "./sim-line.ts";
import { VirtualTime } from "./virtual-time.ts";

export const maxUnlockMs = 10_000;

export function makeDoor(wiring: Wiring = "fail-secure") {
  const time = new VirtualTime();
  const locked = wiring === "fail-safe";
  const line = new SimLine(locked);
  const door = openDoor(line, { wiring, maxUnlockMs }, time, time.schedule);
  return {
    time,
    line,
    door,
    isOpen: () => line.isActive !== locked,
    unlockFor: (ms: number) => {
      door.apply({ kind: "unlock", untilMs: time.nowMs() + ms });
    },
    lock: () => {
      door.apply({ kind: "lock" });
    },
  };
}
