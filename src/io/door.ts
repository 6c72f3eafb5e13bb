/**
 * The lock, driven by one GPIO line.
 *
 * Invariants: (1) an unlock is a lease that ends at its `untilMs` by itself, also when nobody calls again, and never lasts longer than
 * `maxUnlockMs`; (2) a command that makes no sense locks; (3) every command sets the level again; (4) a lock that failed is tried again until it holds,
 * and until then the state says "unlocked"; (5) disposing locks.
 */
import type { Clock, Door, DoorCommand, DoorState } from "../core/ports.ts";
import type { Level, OutputLine } from "./gpio.ts";
import { type Schedule, scheduleTimeout } from "./timer.ts";

/** fail-secure: power unlocks, so the door is locked without power. fail-safe: power locks, so the door is free without power. */
export type Wiring = "fail-secure" | "fail-safe";

export interface DoorOptions {
  readonly wiring: Wiring;
  /** No lease lasts longer than this, whatever the command says. */
  readonly maxUnlockMs: number;
}

const retryLockMs = 100;
/** Timers overflow at 2^31 ms; looking at the clock this often also bounds what a wrong timer can do. */
const longestWaitMs = 60_000;

/** The level at which the door is locked: request the line with it, so that it is locked from its first moment. */
export function lockedLevel(wiring: Wiring): Level {
  return wiring === "fail-safe" ? "active" : "inactive";
}

/** Takes the line over: locks at once, and releases it when disposed of. */
export function openDoor(
  line: OutputLine,
  options: DoorOptions,
  clock: Clock,
  schedule: Schedule = scheduleTimeout,
): Door {
  if (!(options.maxUnlockMs > 0 && Number.isFinite(options.maxUnlockMs))) {
    throw new RangeError(`maxUnlockMs must be a time, not ${options.maxUnlockMs}`);
  }
  const door = new LineDoor(line, options, clock, schedule);
  door.apply({ kind: "lock" });
  return door;
}

interface Lease {
  /** What the command asked for: the same again is the same lease, not a longer one. */
  readonly askedUntilMs: number;
  readonly untilMs: number;
}

class LineDoor implements Door {
  readonly #line: OutputLine;
  readonly #isLockedActive: boolean;
  readonly #maxUnlockMs: number;
  readonly #clock: Clock;
  readonly #schedule: Schedule;
  #state: DoorState = { kind: "locked" };
  #lease: Lease | undefined;
  #cancelTimer: () => void = () => undefined;
  #isDisposed = false;

  constructor(line: OutputLine, options: DoorOptions, clock: Clock, schedule: Schedule) {
    this.#line = line;
    this.#isLockedActive = lockedLevel(options.wiring) === "active";
    this.#maxUnlockMs = options.maxUnlockMs;
    this.#clock = clock;
    this.#schedule = schedule;
  }

  get state(): DoorState {
    return this.#state;
  }

  apply(command: DoorCommand): void {
    if (this.#isDisposed) {
      if (command.kind === "unlock") throw new Error("the door is used after it was disposed of");
      return;
    }
    const untilMs = command.kind === "unlock" ? this.#leaseUntil(command.untilMs) : undefined;
    // Written so that a time that is not a number locks.
    if (untilMs !== undefined && untilMs > this.#clock.nowMs()) this.#unlock(untilMs);
    else this.#lock();
  }

  #leaseUntil(askedUntilMs: number): number | undefined {
    if (!Number.isFinite(askedUntilMs)) return undefined;
    if (this.#lease?.askedUntilMs !== askedUntilMs) {
      this.#lease = {
        askedUntilMs,
        untilMs: Math.min(askedUntilMs, this.#clock.nowMs() + this.#maxUnlockMs),
      };
    }
    return this.#lease.untilMs;
  }

  #unlock(untilMs: number): void {
    this.#cancelTimer();
    // Armed before the door opens: if anything throws from here on, the lease still ends.
    this.#armRelock(untilMs);
    try {
      this.#line.set(!this.#isLockedActive);
    } catch (error) {
      // The level is unknown now.
      this.#lock();
      throw error;
    }
    this.#state = { kind: "unlocked", untilMs };
  }

  #armRelock(untilMs: number): void {
    const waitMs = Math.min(Math.max(Math.ceil(untilMs - this.#clock.nowMs()), 1), longestWaitMs);
    this.#cancelTimer = this.#schedule(() => {
      if (untilMs > this.#clock.nowMs()) this.#armRelock(untilMs);
      else this.#lockOrRetry();
    }, waitMs);
  }

  #lock(): void {
    this.#cancelTimer();
    try {
      this.#line.set(this.#isLockedActive);
    } catch (error) {
      // It may well be open: say so, and don't wait for the next command.
      if (this.#state.kind === "locked") this.#state = { kind: "unlocked", untilMs: this.#clock.nowMs() };
      this.#cancelTimer = this.#schedule(() => {
        this.#lockOrRetry();
      }, retryLockMs);
      throw error;
    }
    this.#state = { kind: "locked" };
  }

  #lockOrRetry(): void {
    try {
      this.#lock();
    } catch {
      // #lock tries again by itself, the state says "unlocked", and the next command meets the same failure and throws it.
    }
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- so that a failure is a rejection
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    try {
      this.#lockAtLast();
    } finally {
      this.#cancelTimer();
      this.#line.release();
    }
  }

  #lockAtLast(attempts = 3): void {
    try {
      this.#lock();
    } catch (error) {
      if (attempts <= 1) throw error;
      this.#lockAtLast(attempts - 1);
    }
  }
}
