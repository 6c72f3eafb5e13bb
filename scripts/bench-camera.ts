/** Shows raw frames from memory as a camera would: rgb24, at a fixed rate, the newest frame wins. */
import type { Frame } from "../src/core/frame.ts";
import type { Camera, CameraEvents, Clock } from "../src/core/ports.ts";
import { FrameSlots } from "../src/io/frame-slots.ts";
import type { FrameSize } from "./bench-frames.ts";

/** Plays its frames in a loop until it is disposed of. */
export class RawReplay implements Camera {
  readonly #frames: readonly Buffer[];
  readonly #size: FrameSize;
  readonly #intervalMs: number;
  readonly #clock: Clock;
  readonly #slots = new FrameSlots();
  #timer: NodeJS.Timeout | undefined;

  constructor(frames: readonly Buffer[], size: FrameSize, framesPerSecond: number, clock: Clock) {
    this.#frames = frames;
    this.#size = size;
    this.#intervalMs = 1000 / framesPerSecond;
    this.#clock = clock;
  }

  start(events: CameraEvents): Promise<void> {
    this.#timer = setInterval(() => {
      this.#show();
      events.onFrame();
    }, this.#intervalMs);
    return Promise.resolve();
  }

  take(): Frame | undefined {
    return this.#slots.take();
  }

  startAnew(): void {
    // Its pictures are what they are.
  }

  [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    return Promise.resolve();
  }

  #show(): void {
    const frame = this.#frames[this.#slots.delivered % this.#frames.length];
    if (!frame) return;
    const sizeBytes = frame.length;
    this.#slots.writable(sizeBytes).set(frame);
    this.#slots.publish({ encoding: "rgb24", capturedAtMs: this.#clock.nowMs(), ...this.#size, sizeBytes });
  }
}
