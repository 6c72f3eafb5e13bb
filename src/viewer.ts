/**
 * The loop of the installer's view: newest frame -> look -> next, as in the daemon, and a page's questions answered from it.
 * Promises: it says what the daemon would show, the camera's faults included; there is no door in it; a picture is made only
 * while somebody asks for one, a few times a second, and lives no longer than its answer.
 */
import { initialState, next, type AccessState, type FaultSource, type Input } from "./core/access.ts";
import { KioskError } from "./core/errors.ts";
import type { Frame } from "./core/frame.ts";
import type { Policy } from "./core/policy.ts";
import type { Camera, Clock, Vision } from "./core/ports.ts";
import { initialSight, nextSight, sightErrors, type Sight, type SightPolicy } from "./core/sight.ts";
import type { ModelStatus } from "./core/status.ts";
import type { Observation } from "./core/verdict.ts";
import { FrameRate } from "./frame-rate.ts";
import type { Log } from "./io/log.ts";
import { copyOf } from "./view-picture.ts";
import { viewState, type ViewState } from "./view-state.ts";

export interface ViewerParts {
  readonly camera: Camera;
  readonly vision: Vision;
  readonly clock: Clock;
  readonly log: Log;
  readonly policy: Policy;
  readonly sight: SightPolicy;
  readonly model: ModelStatus;
  readonly leastSearchedPx: number;
}

/** What a question is answered with; without a frame if none came in time. */
export interface Answer {
  readonly state: ViewState;
  readonly frame?: Frame;
}

/** Least time between two pictures. */
const pictureGapMs = 200;
/** A question waits no longer for a frame: the page must learn that none comes. */
const patienceMs = 2000;

interface Question {
  answer(answer: Answer): void;
}

/** Runs the camera through the vision and the decision; see the top of this file. */
export class Viewer {
  readonly #parts: ViewerParts;
  readonly #rate = new FrameRate();
  readonly #questions = new Set<Question>();
  #state: AccessState = initialState;
  #sight: Sight = initialSight;
  #seen: Observation | undefined;
  #frameToDecisionMs = 0;
  #isLooking = false;
  #hasEnded = false;
  #counts = { taken: 0, decided: 0 };
  #pictureAtMs = Number.NEGATIVE_INFINITY;
  #cameraFaultedAtMs = Number.NEGATIVE_INFINITY;
  #fail: (bug: unknown) => void = () => undefined;

  constructor(parts: ViewerParts) {
    this.#parts = parts;
  }

  /**
   * Runs until the signal aborts.
   * @throws KioskError vision-failed
   */
  async run(signal: AbortSignal): Promise<void> {
    const ended = new Promise<void>((resolve, reject) => {
      this.#fail = reject;
      signal.addEventListener("abort", () => {
        resolve();
      });
      if (signal.aborted) resolve();
    });
    const started = this.#parts.camera.start({
      onFrame: () => {
        this.#lookAtNewest().catch(this.#fail);
      },
      onFault: (error) => {
        this.#cameraFault(error);
      },
      onEnd: () => {
        this.#hasEnded = true;
      },
    });
    await Promise.race([ended, started]);
    await ended;
  }

  /** The next frame that is looked at, with what was seen in it; after a while the state alone. */
  async ask(signal: AbortSignal): Promise<Answer> {
    const timeout = AbortSignal.timeout(patienceMs);
    return new Promise((resolve) => {
      const question: Question = {
        answer: (answer) => {
          this.#questions.delete(question);
          resolve(answer);
        },
      };
      this.#questions.add(question);
      const giveUp = (): void => {
        this.#advance({ kind: "tick", atMs: this.#parts.clock.nowMs() });
        question.answer({ state: this.#view() });
      };
      for (const end of [timeout, signal]) end.addEventListener("abort", giveUp, { once: true });
      if (signal.aborted) giveUp();
    });
  }

  async #lookAtNewest(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    try {
      for (let frame = this.#parts.camera.take(); frame; frame = this.#parts.camera.take()) {
        await this.#look(frame);
      }
    } finally {
      this.#isLooking = false;
    }
  }

  async #look(frame: Frame): Promise<void> {
    const { clock, vision } = this.#parts;
    this.#counts = { ...this.#counts, taken: this.#counts.taken + 1 };
    const picture = this.#isPictureDue() ? copyOf(frame) : undefined;
    try {
      const seen = await vision.look(frame, {
        kind: "follow",
        around: this.#state.tracks.map(({ box }) => box),
        turn: this.#counts.decided,
      });
      this.#decide(seen);
    } catch (error) {
      if (!(error instanceof KioskError && error.code === "bad-picture")) throw error;
      this.#cameraFault(error);
      return;
    }
    if (picture === undefined) return;
    this.#pictureAtMs = clock.nowMs();
    const state = this.#view();
    for (const question of this.#questions) question.answer({ state, frame: picture });
  }

  #isPictureDue(): boolean {
    return this.#questions.size > 0 && this.#parts.clock.nowMs() - this.#pictureAtMs >= pictureGapMs;
  }

  #decide(seen: Observation): void {
    if (seen.capturedAtMs > this.#cameraFaultedAtMs) this.#recover("camera");
    this.#judgeSight(seen);
    const nowMs = this.#parts.clock.nowMs();
    if (this.#sight.isRepeated) {
      // Its faces are those that were followed to the picture before, as long as they are remembered.
      this.#seen = { ...seen, verdicts: this.#followed() };
    } else {
      this.#advance({ kind: "observed", atMs: nowMs, observation: seen });
      this.#seen = seen;
    }
    this.#frameToDecisionMs = nowMs - seen.capturedAtMs;
    this.#counts = { ...this.#counts, decided: this.#counts.decided + 1 };
    this.#rate.count(nowMs);
  }

  #followed(): Observation["verdicts"] {
    const { tracks } = this.#state;
    return (this.#seen?.verdicts ?? []).filter(({ face }) => tracks.some(({ box }) => box === face.box));
  }

  #judgeSight({ signs, capturedAtMs }: Observation): void {
    this.#sight = nextSight(this.#sight, signs, capturedAtMs, this.#parts.sight);
    const { finding } = this.#sight;
    if (finding === "clear") this.#recover("sight");
    else this.#fault("sight", sightErrors[finding]);
  }

  /** No picture will come of it, so whoever waits for one is told at once. */
  #cameraFault(error: KioskError): void {
    this.#cameraFaultedAtMs = this.#parts.clock.nowMs();
    this.#fault("camera", error);
    const state = this.#view();
    for (const question of this.#questions) question.answer({ state });
  }

  #fault(source: FaultSource, { code, message }: KioskError): void {
    if (!this.#isFaulted(source)) this.#parts.log.error({ code, source }, message);
    this.#advance({ kind: "fault", atMs: this.#parts.clock.nowMs(), fault: { source, code, message } });
  }

  #recover(source: FaultSource): void {
    if (!this.#isFaulted(source)) return;
    this.#advance({ kind: "recovered", atMs: this.#parts.clock.nowMs(), source });
  }

  #isFaulted(source: FaultSource): boolean {
    const { access } = this.#state;
    return access.kind === "faulted" && access.faults.some((fault) => fault.source === source);
  }

  #advance(input: Input): void {
    this.#state = next(this.#state, input, this.#parts.policy);
  }

  #view(): ViewState {
    const { clock, model, policy, leastSearchedPx } = this.#parts;
    return viewState({
      ...{ model, policy, leastSearchedPx, state: this.#state, seen: this.#seen, hasEnded: this.#hasEnded },
      frameToDecisionMs: this.#frameToDecisionMs,
      framesPerSecond: this.#rate.perSecond(clock.nowMs()),
      framesSkipped: (this.#seen?.seq ?? 0) - this.#counts.decided,
    });
  }
}
