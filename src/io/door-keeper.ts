/**
 * Keeps the door: owns the lock's line, the inputs and the buzzer, and runs the door machine (core/door.ts) on them.
 *
 * Invariants: (1) an unlock is a lease that ends at its `untilMs` by itself, also when nobody calls again, and never lasts longer than
 * `maxUnlockMs`; (2) a command that makes no sense locks; (3) every command sets the level again; (4) a lock that failed is tried again until it holds,
 * and until then the state says "unlocked"; (5) disposing locks, also during a fire release; (6) an input that cannot be
 * read and a buzzer that fails are faults in the report, and never keep the lock from its level.
 */
import type { Sample } from "../core/debounce.ts";
import {
  type DoorInput,
  type DoorMemory,
  type DoorPolicy,
  initialDoor,
  isUnlocked,
  leaseEndsMs,
  nextDoor,
} from "../core/door.ts";
import { type DoorEvent, doorEvents, type DoorReport, type InputName } from "../core/door-report.ts";
import { doorReport } from "../core/door-view.ts";
import { KioskError, messageOf } from "../core/errors.ts";
import type { Clock, Door, DoorCommand, DoorState } from "../core/ports.ts";
import type { Buzzer, Sound } from "./buzzer.ts";
import type { InputLine, Level, OutputLine } from "./gpio.ts";
import { type Schedule, scheduleTimeout } from "./timer.ts";

/** fail-secure: power unlocks, so the door is locked without power. fail-safe: power locks, so the door is free without power. */
export type Wiring = "fail-secure" | "fail-safe";

/** The lines of a door. The inputs are active in their condition: open, pressed, alarm. */
export interface DoorLines {
  readonly lock: OutputLine;
  readonly inputs?: Readonly<Partial<Record<InputName, InputLine>>>;
  /** Not disposed of with the door: it has more to say than what happens there. */
  readonly buzzer?: Buzzer;
}

export interface KeeperOptions {
  readonly wiring: Wiring;
  /** `debounceMs` must name the inputs that have a line, and no other. */
  readonly policy: DoorPolicy;
  /** The fire alarm had released the lock before: so it starts, and so its line must have been requested. */
  readonly isFireReleased?: boolean;
  /** Hears of everything that happens, after it has taken effect. */
  readonly onEvent?: (event: DoorEvent, report: DoorReport) => void;
}

const retryLockMs = 100;
/** Inputs are read this often: short beside any debounce, long beside the microseconds that a read takes. */
export const sampleMs = 20;
/** Timers overflow at 2^31 ms; looking at the clock this often also bounds what a wrong timer can do. */
const longestWaitMs = 60_000;

/** The level at which the door is locked: request the line with it, so that it is locked from its first moment. */
export function lockedLevel(wiring: Wiring): Level {
  return wiring === "fail-safe" ? "active" : "inactive";
}

/** The level at which it is free: for a line that is requested while a fire release goes on. */
export function openLevel(wiring: Wiring): Level {
  return wiring === "fail-safe" ? "inactive" : "active";
}

/** Takes the lines over: locks at once, unless there is a fire release, and releases them when disposed of. */
export function openDoorKeeper(
  lines: DoorLines,
  options: KeeperOptions,
  clock: Clock,
  schedule: Schedule = scheduleTimeout,
): Door {
  const { maxUnlockMs } = options.policy;
  if (!(maxUnlockMs > 0 && Number.isFinite(maxUnlockMs))) {
    throw new RangeError(`maxUnlockMs must be a time, not ${maxUnlockMs}`);
  }
  const keeper = new DoorKeeper(lines, options, clock, schedule);
  keeper.begin();
  return keeper;
}

class DoorKeeper implements Door {
  readonly #lines: DoorLines;
  readonly #options: KeeperOptions;
  readonly #clock: Clock;
  readonly #schedule: Schedule;
  readonly #isLockedActive: boolean;
  readonly #readFailures = new Map<InputName, string>();
  #door: DoorMemory;
  #report: DoorReport;
  /** What the line does; true also while nobody knows, because setting it has failed. */
  #isLockOpen: boolean;
  #cancelTimer: () => void = () => undefined;
  #cancelSampling: () => void = () => undefined;
  #isDisposed = false;

  constructor(lines: DoorLines, options: KeeperOptions, clock: Clock, schedule: Schedule) {
    this.#lines = lines;
    this.#options = options;
    this.#clock = clock;
    this.#schedule = schedule;
    this.#isLockedActive = lockedLevel(options.wiring) === "active";
    this.#isLockOpen = options.isFireReleased === true;
    this.#door = { ...initialDoor, isFireReleased: this.#isLockOpen };
    this.#advance({ kind: "tick", atMs: clock.nowMs() });
    this.#report = this.#view(undefined);
  }

  get state(): DoorState {
    if (!this.#isLockOpen) return { kind: "locked" };
    const untilMs = this.#door.isFireReleased ? Infinity : (leaseEndsMs(this.#door) ?? this.#door.nowMs);
    return { kind: "unlocked", untilMs };
  }

  get report(): DoorReport {
    return this.#report;
  }

  apply(command: DoorCommand): void {
    if (this.#isDisposed) {
      if (command.kind === "unlock") throw new Error("the door is used after it was disposed of");
      return;
    }
    this.#advance({ kind: "command", atMs: this.#clock.nowMs(), command });
    this.#drive();
  }

  /** Sets the lock, and reads the inputs from now on, if there are any. Whoever cannot even set the lock at first is no keeper. */
  begin(): void {
    try {
      this.apply({ kind: "lock" });
    } catch (error) {
      this.#cancelTimer();
      throw error;
    }
    if (Object.keys(this.#lines.inputs ?? {}).length > 0) this.#look();
  }

  #advance(input: DoorInput): void {
    this.#door = nextDoor(this.#door, input, this.#options.policy);
  }

  #look(): void {
    // Armed first: whatever goes wrong from here on, the next look comes.
    this.#cancelSampling = this.#schedule(() => {
      this.#look();
    }, sampleMs);
    const samples = this.#sample();
    this.#advance({ kind: "samples", atMs: this.#clock.nowMs(), samples });
    if (isUnlocked(this.#door) === this.#isLockOpen) this.#tell();
    else this.#driveOrRetry();
  }

  #sample(): Readonly<Partial<Record<InputName, Sample>>> {
    const samples: Partial<Record<InputName, Sample>> = {};
    for (const [name, line] of entriesOf(this.#lines.inputs ?? {})) {
      try {
        samples[name] = line.read();
      } catch (error) {
        samples[name] = "unreadable";
        this.#readFailures.set(name, messageOf(error));
      }
    }
    return samples;
  }

  /** Sets the line to what the machine says. Told is last, so that no listener can come before the lock. */
  #drive(): void {
    this.#cancelTimer();
    try {
      if (isUnlocked(this.#door)) this.#unlock();
      else this.#lock();
    } finally {
      this.#tell();
    }
  }

  #driveOrRetry(): void {
    try {
      this.#drive();
    } catch (error) {
      // #lock tries again by itself, the state says "unlocked", and the next command meets the same failure and throws it.
      if (!(error instanceof KioskError)) throw error;
    }
  }

  #unlock(): void {
    // Armed before the door opens: if anything throws from here on, the lease still ends.
    this.#armRelock();
    try {
      this.#lines.lock.set(!this.#isLockedActive);
    } catch (error) {
      // The level is unknown now.
      this.#advance({ kind: "command", atMs: this.#clock.nowMs(), command: { kind: "lock" } });
      this.#cancelTimer();
      this.#lock();
      throw error;
    }
    this.#isLockOpen = true;
  }

  #armRelock(): void {
    const untilMs = leaseEndsMs(this.#door);
    if (untilMs === undefined) return;
    const waitMs = Math.min(Math.max(Math.ceil(untilMs - this.#clock.nowMs()), 1), longestWaitMs);
    this.#cancelTimer = this.#schedule(() => {
      this.#advance({ kind: "tick", atMs: this.#clock.nowMs() });
      if (leaseEndsMs(this.#door) !== undefined) this.#armRelock();
      else this.#driveOrRetry();
    }, waitMs);
  }

  #lock(): void {
    try {
      this.#lines.lock.set(this.#isLockedActive);
    } catch (error) {
      // It may well be open: say so, and don't wait for the next command.
      this.#isLockOpen = true;
      this.#cancelTimer = this.#schedule(() => {
        this.#advance({ kind: "tick", atMs: this.#clock.nowMs() });
        this.#driveOrRetry();
      }, retryLockMs);
      throw error;
    }
    this.#isLockOpen = false;
  }

  #tell(): void {
    const before = this.#report;
    this.#report = this.#view(before);
    this.#lines.buzzer?.sound("door", soundOf(this.#report));
    const { onEvent } = this.#options;
    if (onEvent === undefined) return;
    for (const event of doorEvents(before, this.#report, this.#door.nowMs)) onEvent(event, this.#report);
  }

  #view(before: DoorReport | undefined): DoorReport {
    const report = doorReport(this.#door, this.#options.policy, {
      before,
      isLockOpen: this.#isLockOpen,
      readFailure: (input) => this.#readFailures.get(input) ?? `gpio.${input} cannot be read`,
    });
    const broken = this.#lines.buzzer?.failure;
    return report.fault === null && broken !== undefined ? { ...report, fault: broken } : report;
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- so that a failure is a rejection
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    this.#cancelSampling();
    // What was seen of the inputs stays: that nobody looks any more is nothing that happened at the door.
    this.#door = { ...this.#door, lease: undefined, isAsked: false, isFireReleased: false };
    try {
      this.#lockAtLast();
    } finally {
      this.#cancelTimer();
      this.#releaseAll();
    }
  }

  #lockAtLast(attempts = 3): void {
    try {
      this.#drive();
    } catch (error) {
      if (attempts <= 1) throw error;
      this.#lockAtLast(attempts - 1);
    }
  }

  #releaseAll(): void {
    const { lock, inputs = {} } = this.#lines;
    const lines: readonly Pick<OutputLine, "release">[] = [lock, ...Object.values(inputs)];
    const failures: unknown[] = [];
    for (const line of lines) {
      try {
        // Also a lock that was requested at its open level stays locked.
        line.release(lockedLevel(this.#options.wiring));
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}

/** By the readings, for a graver fault stands in the report before an open housing. A fire has alarms of its own. */
function soundOf({ kind, inputs, isFireReleased }: DoorReport): Sound | undefined {
  const isHousingOpen = inputs.tamper === "on" && !isFireReleased;
  if (kind === "forced-open" || isHousingOpen) return "alarm";
  return kind === "held-open" ? "held-open" : undefined;
}

function entriesOf<Key extends string, Value>(
  record: Readonly<Partial<Record<Key, Value>>>,
): readonly (readonly [Key, Value])[] {
  return Object.entries(record) as [Key, Value][];
}
