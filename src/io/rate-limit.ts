/** Lets frames through at no more than the asked rate, without drift and without punishing jitter. */

export class RateLimit {
  readonly #intervalMs: number;
  #dueAtMs = -Infinity;

  constructor(framesPerSecond: number) {
    this.#intervalMs = 1000 / framesPerSecond;
  }

  /** Whether a frame of this time is one of those asked for; the times must not run backwards. */
  admits(nowMs: number): boolean {
    if (nowMs < this.#dueAtMs - this.#intervalMs / 4) return false;
    this.#dueAtMs = Math.max(this.#dueAtMs, nowMs - this.#intervalMs / 2) + this.#intervalMs;
    return true;
  }
}
