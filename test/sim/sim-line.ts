/** An output line that remembers all it was told, and fails on demand. */
import type { Level, OutputLine } from "../../src/io/gpio.ts";
import { KioskError } from "../../src/core/errors.ts";

export class SimLine implements OutputLine {
  readonly #initial: boolean;
  #isActive: boolean;
  isReleased = false;
  /** Every level that reached the line, the initial one included. */
  readonly levels: boolean[];
  setCount = 0;
  /** The next calls of `set` that fail: with this level, or with any. */
  failures: { readonly level?: boolean; count: number } = { count: 0 };

  constructor(initial = false) {
    this.#initial = initial;
    this.#isActive = initial;
    this.levels = [initial];
  }

  get isActive(): boolean {
    return this.#isActive;
  }

  set(isActive: boolean): void {
    if (this.isReleased) throw new Error("set after release");
    this.setCount++;
    const { level } = this.failures;
    if (this.failures.count > 0 && (level === undefined || level === isActive)) {
      this.failures.count--;
      throw new KioskError("gpio-failed", "the line failed");
    }
    this.#isActive = isActive;
    this.levels.push(isActive);
  }

  release(level: Level = this.#initial ? "active" : "inactive"): void {
    if (this.isReleased) return;
    try {
      this.set(level === "active");
    } finally {
      this.isReleased = true;
    }
  }
}
