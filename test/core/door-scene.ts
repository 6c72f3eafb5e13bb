/** A door for the tests of its machine: played sample by sample, every 10 ms, from time 0. */
import type { Sample } from "../../src/core/debounce.ts";
import {
  doorKind,
  doorTrouble,
  initialDoor,
  isUnlocked,
  nextDoor,
  type DoorInput,
  type DoorMemory,
  type DoorPolicy,
  type DoorTrouble,
} from "../../src/core/door.ts";
import type { DoorKind, InputName } from "../../src/core/door-report.ts";
import type { DoorCommand } from "../../src/core/ports.ts";

/** Every input fitted. */
export const policy: DoorPolicy = {
  maxUnlockMs: 5000,
  debounceMs: { contact: 50, requestToExit: 30, fireAlarm: 200, tamper: 200 },
  heldOpenAfterMs: 10_000,
  requestToExitMs: 3000,
  relockOnClose: true,
  fireRelease: true,
  fireClears: "by-itself",
};

export type Levels = Readonly<Record<InputName, Sample>>;

/** Shut, and nobody wants anything. */
export const atRest: Levels = { contact: false, requestToExit: false, fireAlarm: false, tamper: false };

export const sampleMs = 10;

export class DoorScene {
  memory: DoorMemory = initialDoor;
  nowMs = 0;
  readonly #policy: DoorPolicy;
  #levels = atRest;

  constructor(changes: Partial<DoorPolicy> = {}) {
    this.#policy = { ...policy, ...changes };
  }

  /** What the lines say from the next sample on. */
  set(levels: Partial<Levels>): this {
    this.#levels = { ...this.#levels, ...levels };
    return this;
  }

  /** Samples all inputs at its end, and every 10 ms until then. */
  pass(ms: number): this {
    for (const endMs = this.nowMs + ms; this.nowMs < endMs;) {
      this.nowMs += sampleMs;
      this.hear({ kind: "samples", atMs: this.nowMs, samples: this.#levels });
    }
    return this;
  }

  /** Lets an input alternate with every sample, and leaves its line as it was. */
  bounce(input: InputName, ms: number): this {
    const before = this.#levels[input];
    for (const endMs = this.nowMs + ms; this.nowMs < endMs;) {
      this.set({ [input]: this.#levels[input] !== true }).pass(sampleMs);
    }
    return this.set({ [input]: before });
  }

  /** @returns the command, to be said again */
  unlock(ms: number): DoorCommand {
    const command: DoorCommand = { kind: "unlock", untilMs: this.nowMs + ms };
    this.say(command);
    return command;
  }

  say(command: DoorCommand): this {
    return this.hear({ kind: "command", atMs: this.nowMs, command });
  }

  /** Time goes on by so much, and nobody looks at a line. */
  tick(ms: number): this {
    this.nowMs += ms;
    return this.hear({ kind: "tick", atMs: this.nowMs });
  }

  hear(input: DoorInput): this {
    this.memory = nextDoor(this.memory, input, this.#policy);
    return this;
  }

  get isOpen(): boolean {
    return isUnlocked(this.memory);
  }

  /** Of a lock that does what it is told. */
  get kind(): DoorKind {
    return doorKind(this.memory, this.isOpen, this.#policy);
  }

  get trouble(): DoorTrouble | undefined {
    return doorTrouble(this.memory, this.#policy);
  }
}

/** A door that has been looked at for long enough that every level counts. */
export function settledDoor(changes: Partial<DoorPolicy> = {}, levels: Partial<Levels> = {}): DoorScene {
  return new DoorScene(changes).set(levels).pass(1000);
}
