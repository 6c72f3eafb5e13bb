/** A camera under the test's hand. A "picture" is the list of what is to be seen in it, as JSON; the newest one wins, as always. */
import type { Frame } from "../../src/core/frame.ts";
import type { KioskError } from "../../src/core/errors.ts";
import type { Camera, CameraEvents, Clock } from "../../src/core/ports.ts";
import type { Verdict } from "../../src/core/verdict.ts";
import { FrameSlots } from "../../src/io/frame-slots.ts";

export class SimCamera implements Camera {
  readonly #clock: Clock;
  readonly #slots = new FrameSlots();
  #events: CameraEvents | undefined;
  /** How often a frame was asked for. */
  takeCount = 0;
  /** What `start` rejects with. */
  startFailure: KioskError | undefined;
  /** `start` never comes back. */
  startHangs = false;
  startedAnewCount = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async start(events: CameraEvents): Promise<void> {
    this.#events = events;
    if (this.startFailure) throw this.startFailure;
    if (this.startHangs) await new Promise(() => undefined);
  }

  take(): Frame | undefined {
    this.takeCount++;
    return this.#slots.take();
  }

  startAnew(): void {
    this.startedAnewCount++;
  }

  /** Delivers a picture of these faces. */
  show(...verdicts: readonly Verdict[]): void {
    this.#deliver(JSON.stringify(verdicts));
  }

  /** Delivers bytes that nobody can read as a picture. */
  showRubbish(): void {
    this.#deliver("no picture");
  }

  fault(error: KioskError): void {
    this.#events?.onFault(error);
  }

  end(): void {
    this.#events?.onEnd();
  }

  #deliver(content: string): void {
    const bytes = new TextEncoder().encode(content);
    this.#slots.writable(bytes.length).set(bytes);
    this.#slots.publish({
      encoding: "file",
      capturedAtMs: this.#clock.nowMs(),
      widthPx: 0,
      heightPx: 0,
      sizeBytes: bytes.length,
    });
    this.#events?.onFrame();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}
