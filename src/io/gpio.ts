/**
 * The GPIO port, in libgpiod's words. A line has one owner; its level is told as active or inactive, whatever the wiring.
 *
 * Promises: an output starts at its initial level in the same step in which it becomes an output, so it never glitches; it is
 * set back to that level, or to one that its owner names, before it is released; an input is only looked at, never driven; and every failure is a KioskError that
 * names the chip, the line, the cause and the mend.
 */
import { KioskError, messageOf } from "../core/errors.ts";

/** Which line of which chip, and how it is wired. */
export interface LineSettings {
  /** Which names a chip may have is up to the driver; a label, such as "tegra234-gpio", survives a new numbering at boot. */
  readonly chip: string;
  /** The line's number within its chip, from 0. */
  readonly offset: number;
  /** Active is the low level. */
  readonly isActiveLow: boolean;
  /** Who holds the line, for `gpioinfo` and for the message of whoever asks for it next; 31 bytes at most. */
  readonly consumer: string;
}

export type Level = "active" | "inactive";

/** A line that is held as an output. */
export interface OutputLine {
  set(isActive: boolean): void;
  /** The level that was last set without an error: commanded, not measured. */
  readonly isActive: boolean;
  /** Sets the initial level again, or the given one, and gives the line up. A second call does nothing. */
  release(level?: Level): void;
}

/**
 * What holds an open input at a level: a resistor of the chip, or `none` where the board has one of its own. Many chips have
 * none and the kernel passes over that in silence, so an input that matters has a resistor on the board.
 */
export type Bias = "pull-up" | "pull-down" | "none";

export interface InputSettings extends LineSettings {
  readonly bias: Bias;
}

/** A line that is held as an input. */
export interface InputLine {
  /** The level now. */
  read(): boolean;
  /** Gives the line up. A second call does nothing. */
  release(): void;
}

/** The GPIO chips of this machine. Its calls take microseconds and are synchronous. Disposing of it releases every line. */
export interface Gpio extends AsyncDisposable {
  requestOutput(settings: LineSettings, initial: Level): OutputLine;
  requestInput(settings: InputSettings): InputLine;
}

/** An output as a driver sees it after opening: only levels. */
export interface DriverOutput {
  write(isActive: boolean): void;
  close(): void;
}

/** An input as a driver sees it after opening. */
export interface DriverInput {
  read(): boolean;
  close(): void;
}

/** What a driver does; `gpioOf` adds what is the same for all of them. */
export interface Driver {
  /** Sets the level atomically with the direction. */
  openOutput(settings: LineSettings, isActive: boolean): DriverOutput;
  openInput(settings: InputSettings): DriverInput;
}

/** A failure of one line, in one line. */
export function lineFailed(settings: LineSettings, cause: string, mend: string, error?: unknown): KioskError {
  const { chip, offset, consumer } = settings;
  const message = `GPIO chip "${chip}" line ${offset} (${consumer}): ${cause}; ${mend}`;
  return new KioskError("gpio-failed", message, { cause: error });
}

/** Whether the kernel refused it to this user. */
export function isDenied(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "EACCES" || error.code === "EPERM");
}

/** A failure of a whole driver. */
export function driverFailed(driver: string, cause: string, mend: string, error?: unknown): KioskError {
  return new KioskError("gpio-failed", `GPIO driver ${driver}: ${cause}; ${mend}`, { cause: error });
}

/** Builds the port over a driver. */
export function gpioOf(driver: Driver): Gpio {
  return new DriverGpio(driver);
}

const lostMend = "check that the chip is still there and restart maskgate";

class DriverGpio implements Gpio {
  readonly #driver: Driver;
  readonly #held = new Set<OutputLine | InputLine>();
  #isDisposed = false;

  constructor(driver: Driver) {
    this.#driver = driver;
  }

  requestOutput(settings: LineSettings, initial: Level): OutputLine {
    const isActive = initial === "active";
    const opened = this.#open(settings, () => this.#driver.openOutput(settings, isActive));
    const line = new HeldOutput(settings, opened, initial, () => this.#held.delete(line));
    this.#held.add(line);
    return line;
  }

  requestInput(settings: InputSettings): InputLine {
    const opened = this.#open(settings, () => this.#driver.openInput(settings));
    const line = new HeldInput(settings, opened, () => this.#held.delete(line));
    this.#held.add(line);
    return line;
  }

  #open<Line>(settings: LineSettings, open: () => Line): Line {
    if (this.#isDisposed) throw new Error("GPIO is used after it was disposed of");
    if (!Number.isInteger(settings.offset) || settings.offset < 0) {
      throw lineFailed(settings, "a line offset is a whole number from 0", "correct the configuration");
    }
    try {
      return open();
    } catch (error) {
      if (error instanceof KioskError) throw error;
      throw lineFailed(settings, messageOf(error), "see the kernel's log (journalctl -k)", error);
    }
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- so that a failure is a rejection
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true;
    const failures: unknown[] = [];
    for (const line of [...this.#held]) {
      try {
        line.release();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}

class HeldOutput implements OutputLine {
  readonly #settings: LineSettings;
  readonly #driverLine: DriverOutput;
  readonly #initial: Level;
  readonly #onReleased: () => void;
  #isActive: boolean;
  #isReleased = false;

  constructor(settings: LineSettings, driverLine: DriverOutput, initial: Level, onReleased: () => void) {
    this.#settings = settings;
    this.#driverLine = driverLine;
    this.#initial = initial;
    this.#isActive = initial === "active";
    this.#onReleased = onReleased;
  }

  get isActive(): boolean {
    return this.#isActive;
  }

  set(isActive: boolean): void {
    if (this.#isReleased) throw new Error(`GPIO line ${this.#settings.offset} is set after its release`);
    attempt(this.#settings, "cannot set its level", () => {
      this.#driverLine.write(isActive);
    });
    this.#isActive = isActive;
  }

  release(level: Level = this.#initial): void {
    if (this.#isReleased) return;
    try {
      this.set(level === "active");
    } finally {
      this.#isReleased = true;
      this.#onReleased();
      attempt(this.#settings, "cannot give it up", () => {
        this.#driverLine.close();
      });
    }
  }
}

class HeldInput implements InputLine {
  readonly #settings: InputSettings;
  readonly #driverLine: DriverInput;
  readonly #onReleased: () => void;
  #isReleased = false;

  constructor(settings: InputSettings, driverLine: DriverInput, onReleased: () => void) {
    this.#settings = settings;
    this.#driverLine = driverLine;
    this.#onReleased = onReleased;
  }

  read(): boolean {
    if (this.#isReleased) throw new Error(`GPIO line ${this.#settings.offset} is read after its release`);
    return attempt(this.#settings, "cannot read its level", () => this.#driverLine.read());
  }

  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#onReleased();
    attempt(this.#settings, "cannot give it up", () => {
      this.#driverLine.close();
    });
  }
}

function attempt<Result>(settings: LineSettings, what: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    if (error instanceof KioskError) throw error;
    throw lineFailed(settings, `${what}: ${messageOf(error)}`, lostMend, error);
  }
}
