/** Writes a line of log for everything that happens at the door; what somebody must look after has a higher priority. */
import type { DoorEvent, DoorKind, InputName } from "./core/door-report.ts";
import type { Log } from "./io/log.ts";

type Priority = "error" | "warn" | "info";

const kindPriorities: Readonly<Record<DoorKind, Priority>> = {
  unknown: "warn",
  locked: "info",
  unlocked: "info",
  open: "info",
  "held-open": "warn",
  "forced-open": "error",
};

interface InputWords {
  readonly on: string;
  readonly off: string;
  readonly unknown: string;
  readonly raised: Priority;
}

const inputs: Readonly<Record<InputName, InputWords>> = {
  contact: {
    on: "door contact open",
    off: "door contact shut",
    unknown: "door contact unknown",
    raised: "info",
  },
  requestToExit: {
    on: "request to exit",
    off: "no request to exit",
    unknown: "request to exit unknown",
    raised: "info",
  },
  fireAlarm: { on: "fire alarm", off: "no fire alarm", unknown: "fire alarm unknown", raised: "error" },
  tamper: { on: "housing open", off: "housing shut", unknown: "housing unknown", raised: "error" },
};

const stuckWarning =
  "request to exit is stuck: pressed for a minute, so it excuses no opening until it was released; check the button and gpio.requestToExit";

/** Returns what to call for each event. */
export function doorLog(log: Log): (event: DoorEvent) => void {
  return (event) => {
    switch (event.kind) {
      case "door": {
        const { from, to } = event;
        log[kindPriorities[to]]({ from, to }, `door ${to}`);
        return;
      }
      case "input": {
        const { input, reading } = event;
        if (reading === "not-fitted") return;
        const words = inputs[input];
        const priority = { on: words.raised, off: "info", unknown: "warn" } as const;
        log[priority[reading]]({ input, reading }, words[reading]);
        return;
      }
      case "fire-release":
        if (event.isOn) log.error("the fire alarm has released the lock");
        else log.info("the fire release is over");
        return;
      case "exit-stuck":
        if (event.isOn) log.warn(stuckWarning);
        else log.info("request to exit is released again");
    }
  };
}
