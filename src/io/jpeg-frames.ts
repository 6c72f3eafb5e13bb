/**
 * Cuts a stream of JPEG pictures, one after the other, into frames, straight into the frame slots.
 * Promises: only whole pictures come out, or, behind one that broke off in a header, one that cannot be decoded or decodes to the
 * next; one that never ends takes no more memory than `mostBytes`; frames above the asked rate are overwritten instead of
 * delivered. Whether a whole picture can be decoded shows in the vision.
 */
import type { Clock } from "../core/ports.ts";
import type { FrameSlots } from "./frame-slots.ts";
import { JpegScanner, type Step } from "./jpeg-scanner.ts";
import { RateLimit } from "./rate-limit.ts";

/** What is known of the pictures before they come. */
export interface JpegFormat {
  /** A larger picture is none that this camera was asked for. */
  readonly mostBytes: number;
}

const startBytes = Uint8Array.of(0xff, 0xd8);

/** The assembler of one camera; it lives as long as the camera and is reset for each run of the program. */
export class JpegFrames {
  readonly #format: JpegFormat;
  readonly #slots: FrameSlots;
  readonly #clock: Clock;
  readonly #rate: RateLimit;
  readonly #scanner = new JpegScanner();
  /** Bytes of the open picture so far; undefined outside of one. */
  #written: number | undefined;

  constructor(format: JpegFormat, framesPerSecond: number, slots: FrameSlots, clock: Clock) {
    this.#format = format;
    this.#slots = slots;
    this.#clock = clock;
    this.#rate = new RateLimit(framesPerSecond);
  }

  /** Throws a picture away that is not whole yet. */
  reset(): void {
    this.#scanner.reset();
    this.#written = undefined;
  }

  /** Takes the next bytes; says how many frames they completed and how many of those were delivered. */
  push(chunk: Buffer): { readonly completed: number; readonly delivered: number } {
    let completed = 0;
    let delivered = 0;
    for (let at = 0; at < chunk.length;) {
      const step = this.#scanner.step(chunk, at);
      const sizeBytes = this.#take(step, chunk.subarray(at, step.end));
      at = step.end;
      if (sizeBytes === undefined) continue;
      completed += 1;
      if (this.#deliver(sizeBytes)) delivered += 1;
    }
    return { completed, delivered };
  }

  /** The size of the picture that these bytes completed. */
  #take({ kind }: Step, bytes: Uint8Array): number | undefined {
    if (kind === "began") {
      this.#slots.writable(this.#format.mostBytes).set(startBytes);
      this.#written = startBytes.length;
      return undefined;
    }
    if (this.#written === undefined) return undefined;
    const sizeBytes = this.#written + bytes.length;
    if (kind === "broke" || sizeBytes > this.#format.mostBytes) {
      this.reset();
      return undefined;
    }
    this.#slots.writable(this.#format.mostBytes).set(bytes, this.#written);
    this.#written = kind === "ended" ? undefined : sizeBytes;
    return kind === "ended" ? sizeBytes : undefined;
  }

  #deliver(sizeBytes: number): boolean {
    const capturedAtMs = this.#clock.nowMs();
    if (!this.#rate.admits(capturedAtMs)) return false;
    this.#slots.publish({ encoding: "file", capturedAtMs, widthPx: 0, heightPx: 0, sizeBytes });
    return true;
  }
}
