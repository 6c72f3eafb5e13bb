/**
 * One cycle of the decision: an input in, the next state, and door and LEDs set to it. Promises: every input ends with
 * both outputs applied again, the door first; an output that fails is a fault, and locks in the same cycle; so is a door
 * that takes no lease, and a lease that it has ended is over here, too, before the LEDs are set.
 */
import {
  doorCommand,
  indication,
  initialState,
  leaseEndMs,
  next,
  type AccessState,
  type FaultSource,
  type Input,
} from "./core/access.ts";
import { KioskError, messageOf } from "./core/errors.ts";
import type { Policy } from "./core/policy.ts";
import type { Clock, Door, Indicator } from "./core/ports.ts";
import { withNotice, type UpdateStatus } from "./core/update-status.ts";
import type { Observation } from "./core/verdict.ts";
import type { Log } from "./io/log.ts";

export interface CycleParts {
  readonly door: Door;
  readonly indicator: Indicator;
  readonly clock: Clock;
  readonly policy: Policy;
  /** What the LEDs show of an update while nobody is at the door. */
  readonly notice?: () => UpdateStatus["notice"];
  readonly log: Log;
}

/** Owns the state of the access decision. */
export class DecisionCycle {
  readonly #parts: CycleParts;
  #policy: Policy;
  #state: AccessState = initialState;

  constructor(parts: CycleParts) {
    this.#parts = parts;
    this.#policy = parts.policy;
  }

  /** What holds from the next input on. */
  adopt(policy: Policy): void {
    this.#policy = policy;
  }

  get state(): AccessState {
    return this.#state;
  }

  /** @returns how long the decision and the outputs took */
  observe(observation: Observation): { readonly decidedMs: number; readonly doneMs: number } {
    const { clock } = this.#parts;
    this.#advance({ kind: "observed", atMs: clock.nowMs(), observation });
    const decidedMs = clock.nowMs();
    this.apply();
    return { decidedMs, doneMs: clock.nowMs() };
  }

  tick(): void {
    this.#advance({ kind: "tick", atMs: this.#parts.clock.nowMs() });
    this.apply();
  }

  /** @returns whether the source was not at fault before */
  fault(source: FaultSource, error: KioskError): boolean {
    const isNew = this.#fail(source, error);
    this.apply();
    return isNew;
  }

  /** Outputs follow with the next cycle: a recovery alone never opens anything. */
  recover(source: FaultSource): void {
    if (!this.#isFaulted(source)) return;
    this.#parts.log.info({ source }, "recovered");
    this.#advance({ kind: "recovered", atMs: this.#parts.clock.nowMs(), source });
  }

  /** Door first: a broken LED must never come before the lock. */
  apply(): void {
    this.#attempt("door", () => {
      this.#applyDoor();
    });
    this.#attempt("indicator", () => {
      const notice = this.#parts.notice?.() ?? null;
      this.#parts.indicator.apply(withNotice(indication(this.#state), notice));
    });
  }

  /** Locks whatever the state is. A lock that fails is a fault; closing the door tries again and throws. */
  lock(): void {
    this.#attempt("door", () => {
      this.#parts.door.apply({ kind: "lock" });
    });
  }

  #applyDoor(): void {
    const { clock, door } = this.#parts;
    door.apply(doorCommand(this.#state));
    const { fault, spentUntilMs } = door.report;
    if (fault !== null) throw new KioskError(fault.code, fault.message);
    if (spentUntilMs !== null && spentUntilMs === leaseEndMs(this.#state.access)) {
      this.#advance({ kind: "relocked", atMs: clock.nowMs(), untilMs: spentUntilMs });
    }
  }

  /** An output that fails is tried again in each cycle, and that is its way back. */
  #attempt(source: "door" | "indicator", output: () => void): void {
    try {
      output();
      this.recover(source);
    } catch (error) {
      const fault = error instanceof KioskError ? error : new KioskError("gpio-failed", messageOf(error));
      // A failed LED locks the door in the same cycle and not in the next.
      if (this.#fail(source, fault) && source === "indicator") this.lock();
    }
  }

  #fail(source: FaultSource, error: KioskError): boolean {
    const isNew = !this.#isFaulted(source);
    if (isNew) this.#parts.log.error({ code: error.code, source }, error.message);
    const fault = { source, code: error.code, message: error.message };
    this.#advance({ kind: "fault", atMs: this.#parts.clock.nowMs(), fault });
    return isNew;
  }

  #advance(input: Input): void {
    this.#state = next(this.#state, input, this.#policy);
  }

  #isFaulted(source: FaultSource): boolean {
    const { access } = this.#state;
    return access.kind === "faulted" && access.faults.some((fault) => fault.source === source);
  }
}
