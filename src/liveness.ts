/**
 * What the service manager hears of the loop. The watchdog is fed by a frame that was decided, and by a camera that was tried and
 * has told why it gives none: both show that the loop and what it runs are alive, and starting the daemon anew would bring no
 * lens back but would miss its cure. After `mostTrialMs` without a frame a fresh daemon is tried all the same.
 */
import type { Clock, ServiceManager } from "./core/ports.ts";

/** For so long the camera's own attempts are enough. */
export const mostTrialMs = 600_000;

export class Liveness {
  readonly #service: ServiceManager;
  readonly #clock: Clock;
  #seenAtMs: number;

  constructor(service: ServiceManager, clock: Clock) {
    this.#service = service;
    this.#clock = clock;
    this.#seenAtMs = clock.nowMs();
  }

  /** A frame was decided that shows what is there now. */
  decided(sentence: string): void {
    this.#seenAtMs = this.#clock.nowMs();
    this.#service.progress(sentence);
  }

  /** The camera's program has ended with a reason, or is started anew. */
  cameraTried(sentence: string): void {
    if (this.#clock.nowMs() - this.#seenAtMs < mostTrialMs) this.#service.progress(sentence);
    else this.#service.status(sentence);
  }

  /** Time alone: what is going on, which feeds nothing. */
  tick(sentence: string): void {
    this.#service.status(sentence);
  }
}
