/** How long to wait before something that failed is tried again: doubles up to a limit, starts over after steady work. */

/** The waits of one thing that is tried again and again. */
export class Backoff {
  readonly #minMs: number;
  readonly #maxMs: number;
  #lastMs = 0;

  constructor(minMs: number, maxMs: number) {
    this.#minMs = minMs;
    this.#maxMs = maxMs;
  }

  /** The wait before the next try, after a try that worked for `workedMs` before it failed. */
  waitMs(workedMs: number): number {
    // Work that outlasted the wait it cost was steady: a camera that fails once a day starts over from the shortest wait.
    const isSteady = workedMs > this.#lastMs;
    this.#lastMs = isSteady ? this.#minMs : Math.min(Math.max(this.#lastMs * 2, this.#minMs), this.#maxMs);
    return this.#lastMs;
  }
}
