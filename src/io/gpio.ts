/**
 * The GPIO port, in libgpiod's words. A line has one owner; its level is told as active or inactive, whatever the wiring.
 *
 * Promises: an output starts at its initial level in the same step in which it becomes an output, so it never glitches; it is
 * set back to that level before it is released; and every failure is a KioskError that names the chip, the line, the cause and the mend.
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
  /** Sets the initial level again and gives the line up. A second call does nothing. */
  release(): void;
}

/** The GPIO chips of this machine. Its calls take microseconds and are synchronous. Disposing of it releases every line. */
export interface Gpio extends AsyncDisposable {
  requestOutput(settings: LineSettings, initial: Level): OutputLine;
}

/** A line as a driver sees it after opening: only levels. */
export interface DriverLine {
  write(isActive: boolean): void;
  close(): void;
}

/** What a driver does; `gpioOf` adds what is the same for all of them. Opening sets the level atomically with the direction. */
export type OpenLine = (settings: LineSettings, isActive: boolean) => DriverLine;

/** A failure of one line, in one line. */
export function lineFailed(settings: LineSettings, cause: string, mend: string, error?: unknown): KioskError {
  const { chip, offset, consumer } = settings;
  const message = `GPIO chip "${chip}" line ${offset} (${consumer}): ${cause}; ${mend}`;
  return new KioskError("gpio-failed", message, { cause: error });
}

/** A failure of a whole driver. */
export function driverFailed(driver: string, cause: string, mend: string, error?: unknown): KioskError {
  return new KioskError("gpio-failed", `GPIO driver ${driver}: ${cause}; ${mend}`, { cause: error });
}

/** Builds the port over a driver. */
export function gpioOf(open: OpenLine): Gpio {
  return new DriverGpio(open);
}

class DriverGpio implements Gpio {
  readonly #open: OpenLine;
  readonly #held = new Set<HeldLine>();
  #isDisposed = false;

  constructor(open: OpenLine) {
    this.#open = open;
  }

  requestOutput(settings: LineSettings, initial: Level): OutputLine {
    if (this.#isDisposed) throw new Error("GPIO is used after it was disposed of");
    if (!Number.isInteger(settings.offset) || settings.offset < 0) {
      throw lineFailed(settings, "a line offset is a whole number from 0", "correct the configuration");
    }
    const isActive = initial === "active";
    const line = new HeldLine(settings, this.#openLine(settings, isActive), isActive, () =>
      this.#held.delete(line),
    );
    this.#held.add(line);
    return line;
  }

  #openLine(settings: LineSettings, isActive: boolean): DriverLine {
    try {
      return this.#open(settings, isActive);
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

class HeldLine implements OutputLine {
  readonly #settings: LineSettings;
  readonly #driverLine: DriverLine;
  readonly #initial: boolean;
  readonly #onReleased: () => void;
  #isActive: boolean;
  #isReleased = false;

  constructor(settings: LineSettings, driverLine: DriverLine, initial: boolean, onReleased: () => void) {
    this.#settings = settings;
    this.#driverLine = driverLine;
    this.#initial = initial;
    this.#isActive = initial;
    this.#onReleased = onReleased;
  }

  get isActive(): boolean {
    return this.#isActive;
  }

  set(isActive: boolean): void {
    if (this.#isReleased) throw new Error(`GPIO line ${this.#settings.offset} is set after its release`);
    this.#attempt("cannot set its level", () => {
      this.#driverLine.write(isActive);
    });
    this.#isActive = isActive;
  }

  release(): void {
    if (this.#isReleased) return;
    try {
      this.set(this.#initial);
    } finally {
      this.#isReleased = true;
      this.#onReleased();
      this.#attempt("cannot give it up", () => {
        this.#driverLine.close();
      });
    }
  }

  #attempt(what: string, work: () => void): void {
    try {
      work();
    } catch (error) {
      const mend = "check that the chip is still there and restart maskgate";
      throw lineFailed(this.#settings, `${what}: ${messageOf(error)}`, mend, error);
    }
  }
}
