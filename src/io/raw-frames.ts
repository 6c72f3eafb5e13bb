/**
 * Cuts the byte stream of a camera program into frames, straight into the frame slots.
 * Promises: rows arrive without padding whatever the program pads them to; a frame that began and never ended is
 * never seen; frames above the asked rate are overwritten instead of delivered.
 */
import type { Clock } from "../core/ports.ts";
import type { FrameSlots } from "./frame-slots.ts";
import { RateLimit } from "./rate-limit.ts";

const bytesPerPixel = 3;

/** Layout of the 8-bit R, G, B rows that a program writes. */
export interface RawFormat {
  readonly widthPx: number;
  readonly heightPx: number;
  /** Each row is padded to a multiple of this: 4 for GStreamer, 1 for ffmpeg. */
  readonly rowAlignBytes: number;
}

/** The assembler of one camera; it lives as long as the camera and is reset for each run of the program. */
export class RawFrames {
  readonly #slots: FrameSlots;
  readonly #clock: Clock;
  readonly #format: RawFormat;
  readonly #rate: RateLimit;
  readonly #frameBytes: number;
  /** Unpadded frames are one long row, so that a chunk is copied in one piece. */
  readonly #rowBytes: number;
  readonly #strideBytes: number;
  #column = 0;
  #written = 0;

  constructor(format: RawFormat, framesPerSecond: number, slots: FrameSlots, clock: Clock) {
    this.#slots = slots;
    this.#clock = clock;
    this.#format = format;
    this.#rate = new RateLimit(framesPerSecond);
    const rowBytes = format.widthPx * bytesPerPixel;
    const strideBytes = Math.ceil(rowBytes / format.rowAlignBytes) * format.rowAlignBytes;
    this.#frameBytes = rowBytes * format.heightPx;
    this.#rowBytes = strideBytes === rowBytes ? this.#frameBytes : rowBytes;
    this.#strideBytes = strideBytes === rowBytes ? this.#frameBytes : strideBytes;
  }

  /** Throws a frame away that is not whole yet. */
  reset(): void {
    this.#column = 0;
    this.#written = 0;
  }

  /** Takes the next bytes; says how many frames they completed and how many of those were delivered. */
  push(chunk: Buffer): { readonly completed: number; readonly delivered: number } {
    let completed = 0;
    let delivered = 0;
    for (let at = 0; at < chunk.length;) {
      const count = Math.min(this.#strideBytes - this.#column, chunk.length - at);
      const visible = Math.min(Math.max(this.#rowBytes - this.#column, 0), count);
      chunk.copy(this.#slots.writable(this.#frameBytes), this.#written, at, at + visible);
      this.#written += visible;
      this.#column = (this.#column + count) % this.#strideBytes;
      at += count;
      if (this.#written < this.#frameBytes || this.#column > 0) continue;
      this.#written = 0;
      completed += 1;
      if (this.#deliver()) delivered += 1;
    }
    return { completed, delivered };
  }

  #deliver(): boolean {
    const capturedAtMs = this.#clock.nowMs();
    if (!this.#rate.admits(capturedAtMs)) return false;
    const { widthPx, heightPx } = this.#format;
    this.#slots.publish({ encoding: "rgb24", capturedAtMs, widthPx, heightPx, sizeBytes: this.#frameBytes });
    return true;
  }
}
