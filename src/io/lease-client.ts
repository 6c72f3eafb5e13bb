/**
 * Lock and LEDs in the hands of the holder process: the ports `Door` and `Indicator` over the lease socket.
 *
 * Promises: a holder that is gone, silent or deaf is an error of every `apply`, so a fault of the kiosk; state, report and LEDs are what the
 * holder said last, never what was asked; what was last known unlocked stays so in the state until a holder says otherwise; and
 * this process never touches a GPIO line.
 */
import { doorEvents, type DoorEvent, type DoorReport } from "../core/door-report.ts";
import { KioskError } from "../core/errors.ts";
import type { Door, DoorCommand, DoorState, Indication, Indicator } from "../core/ports.ts";
import { LeaseLink, type LinkOptions } from "./lease-link.ts";
import { type Account, heardState } from "./lease-protocol.ts";
import { type Schedule, scheduleTimeout } from "./timer.ts";

export interface LeaseOptions extends LinkOptions {
  /** Hears of everything that happens at the door, and of what is not at rest when the first report comes. */
  readonly onEvent?: (event: DoorEvent, report: DoorReport) => void;
}

/** Both ends of the holder; disposing of it locks. */
export interface Lease extends AsyncDisposable {
  readonly door: Door;
  readonly indicator: Indicator;
}

/** Never fails for a missing holder: the daemon starts, shows the fault and goes on trying. */
export async function openLease(options: LeaseOptions, schedule: Schedule = scheduleTimeout): Promise<Lease> {
  let before: DoorReport | undefined;
  const onAccount = (account: Account): void => {
    const { door, sentAtMs } = account;
    const events = before === undefined ? unrest(door, sentAtMs) : doorEvents(before, door, sentAtMs);
    before = door;
    options.onAccount?.(account);
    for (const event of events) options.onEvent?.(event, door);
  };
  const link = await LeaseLink.open({ ...options, onAccount }, schedule);
  // The daemon loads its models next, which may take minutes, and only then says it again.
  if (link.fault !== undefined) options.log.warn(link.fault.message);
  const door = new LeasedDoor(link);
  const indicator = new LeasedIndicator(link);
  return {
    door,
    indicator,
    [Symbol.asyncDispose]: () => link[Symbol.asyncDispose](),
  };
}

/** What is said of the door before the first report. */
const nothingKnown: DoorReport = {
  kind: "unknown",
  sinceMs: 0,
  inputs: { contact: "unknown", requestToExit: "unknown", fireAlarm: "unknown", tamper: "unknown" },
  isFireReleased: false,
  isExitStuck: false,
  spentUntilMs: null,
  fault: null,
};

/** What came to be while nobody listened; a shut door and circuits at rest are no news. */
function unrest(report: DoorReport, atMs: number): readonly DoorEvent[] {
  return doorEvents(nothingKnown, report, atMs).filter((event) => {
    switch (event.kind) {
      case "door":
        return event.to !== "locked" && event.to !== "unlocked";
      case "input":
        return event.reading === "on";
      case "fire-release":
      case "exit-stuck":
        return event.isOn;
    }
  });
}

class LeasedDoor implements Door {
  readonly #link: LeaseLink;
  #isDisposed = false;

  constructor(link: LeaseLink) {
    this.#link = link;
  }

  get state(): DoorState {
    const { account } = this.#link;
    return account === undefined ? { kind: "locked" } : heardState(account.state);
  }

  get report(): DoorReport {
    const { account } = this.#link;
    if (account === undefined) return nothingKnown;
    return this.#link.fault === undefined ? account.door : { ...account.door, kind: "unknown" };
  }

  apply(command: DoorCommand): void {
    if (this.#isDisposed) {
      if (command.kind === "unlock") throw new Error("the door is used after it was disposed of");
      return;
    }
    // JSON has no such numbers, and a time that is no time locks. Nor is a holder in trouble asked for more than that.
    const unlocks =
      command.kind === "unlock" && Number.isFinite(command.untilMs) && this.#link.fault === undefined;
    this.#link.send(unlocks ? command : { kind: "lock" });
    throwFault(this.#link, "door");
  }

  [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isDisposed) this.#link.send({ kind: "lock" });
    this.#isDisposed = true;
    return Promise.resolve();
  }
}

class LeasedIndicator implements Indicator {
  readonly #link: LeaseLink;
  #isDisposed = false;

  constructor(link: LeaseLink) {
    this.#link = link;
  }

  /** Without a holder nobody drives the LEDs. */
  get lit(): Indicator["lit"] {
    const { account, fault } = this.#link;
    return account === undefined || fault !== undefined
      ? { green: false, red: false, amber: false }
      : account.leds;
  }

  apply(indication: Indication): void {
    if (this.#isDisposed) throw new Error("the indicator is used after it was disposed of");
    this.#link.send({ kind: "indicate", indication });
    throwFault(this.#link, "indicator");
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true;
    return Promise.resolve();
  }
}

function throwFault(link: LeaseLink, output: "door" | "indicator"): void {
  if (link.fault !== undefined) throw link.fault;
  const failure = link.account?.failures[output];
  if (failure) throw new KioskError(failure.code, failure.message);
}
