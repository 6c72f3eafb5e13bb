/** How many frames a second were decided over the last seconds. */

const windowMs = 5000;

export class FrameRate {
  #timesMs: number[] = [];
  #firstMs: number | undefined;

  count(nowMs: number): void {
    this.#firstMs ??= nowMs;
    this.#timesMs.push(nowMs);
    this.#forget(nowMs);
  }

  perSecond(nowMs: number): number {
    this.#forget(nowMs);
    if (this.#firstMs === undefined) return 0;
    // The first frames have not filled the window yet; half a second is the least that says anything.
    const spanMs = Math.max(500, Math.min(windowMs, nowMs - this.#firstMs));
    return (this.#timesMs.length * 1000) / spanMs;
  }

  #forget(nowMs: number): void {
    while ((this.#timesMs[0] ?? nowMs) < nowMs - windowMs) this.#timesMs.shift();
  }
}
