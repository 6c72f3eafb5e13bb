/**
 * The buzzer. What sounds is a function of what its two sources want and of the time since they want it:
 *
 *   alarm (forced open, housing open): on and off in turn, 250 ms each - held-open: 150 ms in each second - refused: two beeps of 100 ms, once
 *
 * The gravest wins. A buzzer that fails says so and never throws: nothing about the lock may depend on it.
 */
import type { DoorFault } from "../core/door-report.ts";
import { messageOf } from "../core/errors.ts";
import type { Clock, Indicator } from "../core/ports.ts";
import type { OutputLine } from "./gpio.ts";
import { type Schedule, scheduleTimeout } from "./timer.ts";

/** In the order of their weight, the gravest first. */
const sounds = ["alarm", "held-open", "refused"] as const;
export type Sound = (typeof sounds)[number];

/** Who wants something to be heard: what happens at the door, or what is shown to the person before it. */
export type SoundSource = "door" | "indication";

export interface Buzzer extends AsyncDisposable {
  /** What a source wants to be heard from now on. The same again goes on; nothing ends it. */
  sound(source: SoundSource, sound: Sound | undefined): void;
  /** Why the line could not be set the last time. */
  readonly failure: DoorFault | undefined;
}

const stepMs = 50;

/** Whether the buzzer is on, so long after its sound began. */
export function isSounding(sound: Sound | undefined, elapsedMs: number): boolean {
  switch (sound) {
    case undefined:
      return false;
    case "alarm":
      return elapsedMs % 500 < 250;
    case "held-open":
      return elapsedMs % 1000 < 150;
    case "refused":
      return elapsedMs < 100 || (elapsedMs >= 200 && elapsedMs < 300);
  }
}

/** Takes the line over: silent at first, and silent and released when disposed of. */
export function openBuzzer(line: OutputLine, clock: Clock, schedule: Schedule = scheduleTimeout): Buzzer {
  return new LineBuzzer(line, clock, schedule);
}

/** The indicator, heard as well as seen. */
export function withBuzzer(indicator: Indicator, buzzer: Buzzer): Indicator {
  return {
    apply(indication) {
      buzzer.sound("indication", indication === "refused" ? "refused" : undefined);
      indicator.apply(indication);
    },
    get lit() {
      return indicator.lit;
    },
    [Symbol.asyncDispose]: () => indicator[Symbol.asyncDispose](),
  };
}

class LineBuzzer implements Buzzer {
  readonly #line: OutputLine;
  readonly #clock: Clock;
  readonly #schedule: Schedule;
  readonly #wanted = new Map<SoundSource, Sound>();
  #sound: Sound | undefined;
  #sinceMs = 0;
  #failure: DoorFault | undefined;
  #cancelTimer: () => void = () => undefined;
  #isDisposed = false;

  constructor(line: OutputLine, clock: Clock, schedule: Schedule) {
    this.#line = line;
    this.#clock = clock;
    this.#schedule = schedule;
  }

  get failure(): DoorFault | undefined {
    return this.#failure;
  }

  sound(source: SoundSource, sound: Sound | undefined): void {
    if (this.#isDisposed) return;
    if (sound === undefined) this.#wanted.delete(source);
    else this.#wanted.set(source, sound);
    const wanted = new Set(this.#wanted.values());
    const gravest = sounds.find((one) => wanted.has(one));
    if (gravest !== this.#sound) {
      this.#sound = gravest;
      this.#sinceMs = this.#clock.nowMs();
      this.#play();
    } else {
      this.#set();
    }
  }

  #play(): void {
    this.#cancelTimer();
    if (this.#sound !== undefined) {
      this.#cancelTimer = this.#schedule(() => {
        this.#play();
      }, stepMs);
    }
    this.#set();
  }

  #set(): void {
    try {
      this.#line.set(isSounding(this.#sound, this.#clock.nowMs() - this.#sinceMs));
      this.#failure = undefined;
    } catch (error) {
      this.#failure = { code: "gpio-failed", message: messageOf(error) };
    }
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- so that a failure is a rejection
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    this.#cancelTimer();
    this.#line.release();
  }
}
