/**
 * The LEDs before the door. What shines is a function of the indication and, while blinking, of the time:
 *
 *   ready: red - checking: amber - granted: green - reminded: green and amber - refused: red and amber - fault: red and amber in turn
 *
 * With a new model and nobody at the door, red says that the door is locked: amber blinks beside it while the model is installed,
 * then green if it is in place; red alone blinks if it was refused. Green without red means "go through" and shines only then. All
 * dark for longer than a blink means that no daemon runs. An LED that the kiosk lacks is left out.
 */
import type { Clock, Indication, Indicator } from "../core/ports.ts";
import type { OutputLine } from "./gpio.ts";
import { type Schedule, scheduleTimeout } from "./timer.ts";

/** The lines of the LEDs that are there; each active when it shines, and requested inactive. */
export interface LedLines {
  readonly green?: OutputLine | undefined;
  readonly red?: OutputLine | undefined;
  readonly amber?: OutputLine | undefined;
}

export type Lit = Indicator["lit"];

const blinkMs = 500;
const blinking: ReadonlySet<Indication> = new Set(["fault", "updating", "updated", "not-updated"] as const);
const colours = ["green", "red", "amber"] as const;

/** Which LEDs shine for an indication at a time. */
export function litFor(indication: Indication, nowMs: number): Lit {
  const isFirstHalf = Math.floor(nowMs / blinkMs) % 2 === 0;
  switch (indication) {
    case "ready":
      return { green: false, red: true, amber: false };
    case "checking":
      return { green: false, red: false, amber: true };
    case "granted":
      return { green: true, red: false, amber: false };
    case "reminded":
      return { green: true, red: false, amber: true };
    case "refused":
      return { green: false, red: true, amber: true };
    case "updating":
      return { green: false, red: true, amber: isFirstHalf };
    case "updated":
      return { green: isFirstHalf, red: true, amber: false };
    case "not-updated":
      return { green: false, red: isFirstHalf, amber: false };
    case "fault": {
      return { green: false, red: isFirstHalf, amber: !isFirstHalf };
    }
  }
}

/** Takes the lines over: dark at first, and dark and released when disposed of. */
export function openIndicator(leds: LedLines, clock: Clock, schedule: Schedule = scheduleTimeout): Indicator {
  return new LedIndicator(leds, clock, schedule);
}

class LedIndicator implements Indicator {
  readonly #leds: LedLines;
  readonly #clock: Clock;
  readonly #schedule: Schedule;
  #cancelTimer: () => void = () => undefined;
  #isDisposed = false;

  constructor(leds: LedLines, clock: Clock, schedule: Schedule) {
    this.#leds = leds;
    this.#clock = clock;
    this.#schedule = schedule;
  }

  get lit(): Lit {
    const { green, red, amber } = this.#leds;
    return { green: green?.isActive ?? false, red: red?.isActive ?? false, amber: amber?.isActive ?? false };
  }

  apply(indication: Indication): void {
    if (this.#isDisposed) throw new Error("the indicator is used after it was disposed of");
    this.#cancelTimer();
    if (blinking.has(indication)) this.#armBlink(indication);
    const lit = litFor(indication, this.#clock.nowMs());
    this.#each((colour, line) => {
      line.set(lit[colour]);
    });
  }

  /** Blinks on by itself: during a fault nothing may call for long. */
  #armBlink(indication: Indication): void {
    const waitMs = blinkMs - (this.#clock.nowMs() % blinkMs);
    this.#cancelTimer = this.#schedule(
      () => {
        try {
          this.apply(indication);
        } catch {
          // The timer is armed again already, and the next command meets the same failure and throws it.
        }
      },
      Math.max(Math.ceil(waitMs), 1),
    );
  }

  /** One broken LED must not keep the others, above all green, at a wrong level. */
  #each(work: (colour: (typeof colours)[number], line: OutputLine) => void): void {
    const failures: unknown[] = [];
    for (const colour of colours) {
      const line = this.#leds[colour];
      if (line === undefined) continue;
      try {
        work(colour, line);
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- so that a failure is a rejection
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    this.#cancelTimer();
    this.#each((_colour, line) => {
      line.release();
    });
  }
}
