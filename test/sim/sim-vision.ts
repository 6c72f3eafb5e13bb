/** Vision that reads the pictures of SimCamera: at once, only when the test lets it, or never again. */
import { KioskError } from "../../src/core/errors.ts";
import type { Frame } from "../../src/core/frame.ts";
import type { RunningModel, Search, Vision } from "../../src/core/ports.ts";
import type { PictureSigns } from "../../src/core/sight.ts";
import type { Observation, Verdict } from "../../src/core/verdict.ts";

const clearSigns = (seq: number): PictureSigns => ({ detail: 60, fingerprint: seq });

const stages = { decodeMs: 1, detectMs: 2, cropMs: 3, classifyMs: 4 };

export class SimVision implements Vision {
  readonly model: RunningModel = {
    name: "sim",
    version: "1",
    threshold: 0.8,
    provider: "cpu",
    precision: "float",
    passedOver: [],
  };
  /** While true, a look waits for `finish`. */
  isHeld = false;
  /** What every picture tells of the camera; undefined: all is well. */
  signs: PictureSigns | undefined;
  readonly searches: Search[] = [];
  /** Most looks that went on at once. */
  mostAtOnce = 0;
  #going = 0;
  #death: KioskError | undefined;
  #waiting: { readonly go: () => void; readonly fail: (error: Error) => void } | undefined;

  async look(frame: Frame, search: Search): Promise<Observation> {
    this.searches.push(search);
    this.#going++;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.#going);
    try {
      if (this.#death) throw this.#death;
      if (this.isHeld) {
        await new Promise<void>((go, fail) => {
          this.#waiting = { go, fail };
        });
      }
      // Read last: the memory must stay the taker's as long as the look goes on.
      const { seq, capturedAtMs } = frame;
      return { ...read(frame), seq, capturedAtMs, signs: this.signs ?? clearSigns(seq), stages };
    } finally {
      this.#going--;
    }
  }

  /** Lets the look that waits come back. */
  finish(): void {
    this.#waiting?.go();
    this.#waiting = undefined;
  }

  /** The look that waits and all later ones fail, as when the worker is gone. */
  die(error = new KioskError("vision-failed", "the vision worker is gone")): void {
    this.#death = error;
    this.#waiting?.fail(error);
    this.#waiting = undefined;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

function read(frame: Frame): Pick<Observation, "widthPx" | "heightPx" | "verdicts"> {
  const text = Buffer.from(frame.memory, 0, frame.sizeBytes).toString();
  try {
    return { widthPx: 1280, heightPx: 720, verdicts: JSON.parse(text) as Verdict[] };
  } catch (cause) {
    throw new KioskError("bad-picture", "not a readable picture", { cause });
  }
}
