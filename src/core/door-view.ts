/** The door's memory as the report that everybody else sees: pure, and built field by field. */
import { doorKind, doorTrouble, type DoorMemory, type DoorPolicy, type DoorTrouble } from "./door.ts";
import type { DoorFault, DoorReport, InputName, Reading } from "./door-report.ts";

/** What the memory alone does not know. */
export interface DoorCircumstances {
  /** What the lock really does. */
  readonly isLockOpen: boolean;
  /** The report before this one. */
  readonly before: DoorReport | undefined;
  /** Why an input cannot be read, in one line. */
  readonly readFailure: (input: InputName) => string;
}

/** The report of now. */
export function doorReport(door: DoorMemory, policy: DoorPolicy, about: DoorCircumstances): DoorReport {
  const { before } = about;
  const kind = doorKind(door, about.isLockOpen, policy);
  const trouble = doorTrouble(door, policy);
  const reading = (input: InputName): Reading => {
    if (policy.debounceMs[input] === undefined) return "not-fitted";
    const { isOn } = door.signals[input];
    return isOn === undefined ? "unknown" : isOn ? "on" : "off";
  };
  return {
    kind,
    sinceMs: before?.kind === kind ? before.sinceMs : door.nowMs,
    inputs: {
      contact: reading("contact"),
      requestToExit: reading("requestToExit"),
      fireAlarm: reading("fireAlarm"),
      tamper: reading("tamper"),
    },
    isFireReleased: door.isFireReleased,
    isExitStuck: door.exit.isStuck,
    spentUntilMs: door.lease?.isSpent === true ? door.lease.askedUntilMs : null,
    fault: trouble === undefined ? null : faultOf(trouble, policy, about.readFailure),
  };
}

function faultOf(
  trouble: DoorTrouble,
  { fireClears }: DoorPolicy,
  readFailure: (input: InputName) => string,
): DoorFault {
  switch (trouble.kind) {
    case "fire": {
      const mend =
        fireClears === "by-itself"
          ? "it locks again when the alarm is over"
          : "when the alarm is over, restart the service that holds the lock";
      return { code: "fire-alarm", message: `the fire alarm has released the lock; ${mend}` };
    }
    case "unreadable":
      return { code: "gpio-failed", message: readFailure(trouble.input) };
    case "unsteady": {
      const message = `gpio.${trouble.input} shows no steady level; check its wiring, its pull resistor and its debounceMs`;
      return { code: "gpio-failed", message };
    }
    case "tamper":
      return { code: "door-tampered", message: "the housing is open (gpio.tamper); close it" };
    case "forced": {
      const message = "the door was opened without a grant and without a request to exit; shut it";
      return { code: "door-forced", message };
    }
  }
}
