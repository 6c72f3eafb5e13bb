/** Judges each picture as a whole: a camera that sees nothing or always the same is a fault, and is started anew while it is frozen. */
import type { Camera } from "./core/ports.ts";
import { initialSight, nextSight, sightErrors, type Sight, type SightPolicy } from "./core/sight.ts";
import type { Observation } from "./core/verdict.ts";
import type { DecisionCycle } from "./decision-cycle.ts";
import type { KioskListener } from "./kiosk-parts.ts";

/** More often than the watchdog waits, and long enough for a camera's program to bring frames. */
const anewMs = 8000;

export interface SightParts {
  readonly camera: Camera;
  readonly sight: SightPolicy;
  readonly listener: KioskListener;
}

export class SightWatch {
  readonly #parts: SightParts;
  readonly #cycle: DecisionCycle;
  #sight: Sight = initialSight;
  #anewAtMs = Number.NEGATIVE_INFINITY;

  constructor(parts: SightParts, cycle: DecisionCycle) {
    this.#parts = parts;
    this.#cycle = cycle;
  }

  /** @returns what is remembered of the pictures from this one on */
  judge({ signs, capturedAtMs }: Observation): Sight {
    const { sight: policy, listener } = this.#parts;
    this.#sight = nextSight(this.#sight, signs, capturedAtMs, policy);
    const { finding } = this.#sight;
    if (finding === "clear") {
      this.#cycle.recover("sight");
    } else {
      const error = sightErrors[finding];
      if (this.#cycle.fault("sight", error)) listener.cameraFaulted(error.code);
    }
    return this.#sight;
  }

  /** @returns whether the frozen camera was started anew now, which happens once in a while */
  startAnew(nowMs: number): boolean {
    if (nowMs - this.#anewAtMs < anewMs) return false;
    this.#anewAtMs = nowMs;
    this.#parts.camera.startAnew();
    return true;
  }
}
