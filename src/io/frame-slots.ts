/**
 * Three shared memories that change places: one is written, one holds the newest frame, one is lent to the taker.
 * Promises: the newest frame wins and nothing queues; a taken frame's memory stays untouched until take() gives the
 * next frame; memory is allocated only to grow, never for each frame.
 */
import type { Frame } from "../core/frame.ts";

/** What is known of the bytes that were written. */
export type FrameShape = Omit<Frame, "seq" | "memory">;

/** Memory is grown in steps, so that pictures of slightly different sizes do not allocate again and again. */
const stepBytes = 65_536;

interface Slot {
  bytes: Uint8Array<SharedArrayBuffer>;
  frame: Frame | undefined;
}

function emptySlot(): Slot {
  return { bytes: new Uint8Array(new SharedArrayBuffer(0)), frame: undefined };
}

/** The newest frame of one camera, handed from its single writer to its single taker in the same thread. */
export class FrameSlots {
  #writing = emptySlot();
  #newest = emptySlot();
  #lent = emptySlot();
  #delivered = 0;
  #skipped = 0;

  /** Frames published so far; also the `seq` of the newest one. */
  get delivered(): number {
    return this.#delivered;
  }

  /** Frames that a newer one replaced before anybody took them. */
  get skipped(): number {
    return this.#skipped;
  }

  /** Where to write the next frame: at least `sizeBytes`, the same memory until publish() or a larger size. */
  writable(sizeBytes: number): Uint8Array<SharedArrayBuffer> {
    if (this.#writing.bytes.length < sizeBytes) {
      const capacityBytes = Math.ceil(sizeBytes / stepBytes) * stepBytes;
      this.#writing.bytes = new Uint8Array(new SharedArrayBuffer(capacityBytes));
    }
    return this.#writing.bytes;
  }

  /** Makes what was written the newest frame. */
  publish(shape: FrameShape): void {
    const slot = this.#writing;
    if (slot.bytes.length < shape.sizeBytes) throw new RangeError("a frame is larger than what was written");
    if (this.#newest.frame !== undefined) this.#skipped += 1;
    this.#delivered += 1;
    slot.frame = { ...shape, seq: this.#delivered, memory: slot.bytes.buffer };
    this.#writing = this.#newest;
    this.#newest = slot;
    this.#writing.frame = undefined;
  }

  /** The newest frame that was not taken yet; only when there is one does the frame before it go back to the writer. */
  take(): Frame | undefined {
    const { frame } = this.#newest;
    if (frame === undefined) return undefined;
    const free = this.#lent;
    free.frame = undefined;
    this.#lent = this.#newest;
    this.#newest = free;
    return frame;
  }
}
