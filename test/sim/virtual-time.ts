/** A clock and its timers under the test's hand: nothing happens but in `advance`. */
import type { Clock } from "../../src/core/ports.ts";
import type { Schedule } from "../../src/io/timer.ts";

interface Timer {
  readonly run: () => void;
  readonly atMs: number;
}

export class VirtualTime implements Clock {
  #nowMs: number;
  readonly #timers = new Set<Timer>();
  /** How much too early timers fire. */
  earlyMs = 0;
  /** Every delay that was asked for. */
  readonly delaysMs: number[] = [];

  constructor(nowMs = 1_000_000) {
    this.#nowMs = nowMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  get pendingCount(): number {
    return this.#timers.size;
  }

  readonly schedule: Schedule = (run, delayMs) => {
    if (!(delayMs >= 1 && delayMs < 2 ** 31))
      throw new RangeError(`node would fire a timer of ${delayMs} ms at once`);
    this.delaysMs.push(delayMs);
    const timer = { run, atMs: this.#nowMs + Math.max(delayMs - this.earlyMs, 0.5) };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  };

  /** Runs the timers that fall due within the next `ms`, each at its time. */
  advance(ms: number): void {
    const endMs = this.#nowMs + ms;
    for (;;) {
      const [next] = [...this.#timers].sort((a, b) => a.atMs - b.atMs);
      if (next === undefined || next.atMs > endMs) break;
      this.#timers.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.run();
    }
    this.#nowMs = endMs;
  }

  /** Lets time pass in which no timer fires, as in a process that hangs. */
  hang(ms: number): void {
    this.#nowMs += ms;
  }
}
