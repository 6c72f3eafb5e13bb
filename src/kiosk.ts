/**
 * The loop: newest frame -> look -> next -> door and LEDs, one frame at a time. Promises: every input ends with the
 * outputs applied again; time alone never feeds the watchdog (liveness.ts); a picture that repeats the last one decides nothing;
 * when the loop ends, the door is locked.
 */
import type { FaultSource } from "./core/access.ts";
import { KioskError, messageOf } from "./core/errors.ts";
import type { Frame } from "./core/frame.ts";
import type { Search } from "./core/ports.ts";
import { statusSnapshot, type CameraStatus, type FrameTimes, type StatusSnapshot } from "./core/status.ts";
import { updatesOff } from "./core/update-status.ts";
import type { Observation } from "./core/verdict.ts";
import { DecisionCycle } from "./decision-cycle.ts";
import { FrameRate } from "./frame-rate.ts";
import { scheduleTimeout, type Schedule } from "./io/timer.ts";
import type { Eyes, KioskParts } from "./kiosk-parts.ts";
import { Liveness } from "./liveness.ts";
import { SightWatch } from "./sight-watch.ts";
import { statusSentence } from "./status-sentence.ts";

/** Without frames, time is told this often: leases and gaps end although nobody looks. */
const tickMs = 100;
/** A look that takes longer is a fault; the door locks, and the watchdog ends the process if it stays so. */
const stallMs = 3000;

export class Kiosk {
  readonly #parts: KioskParts;
  readonly #schedule: Schedule;
  readonly #startedAtMs: number;
  readonly #cycle: DecisionCycle;
  readonly #rate = new FrameRate();
  readonly #liveness: Liveness;
  readonly #sight: SightWatch;
  #eyes: Eyes;
  #change: { readonly eyes: Eyes; readonly done: (old: Eyes) => void } | undefined;
  #camera: CameraStatus["state"] = "starting";
  #cameraFaultedAtMs = Number.NEGATIVE_INFINITY;
  #lookingSinceMs: number | undefined;
  /** Cameras count their frames from 1, so the newest number is how many there were. */
  #counts = { newestSeq: 0, taken: 0, decided: 0 };
  #times: FrameTimes | null = null;
  #cancelTick: () => void = () => undefined;
  /** Set while the loop runs; whoever calls it first ends the loop, and nothing is decided from there on. */
  #end: ((error?: unknown) => void) | undefined;

  constructor(parts: KioskParts, schedule: Schedule = scheduleTimeout) {
    this.#parts = parts;
    const { vision, model, policy } = parts;
    this.#eyes = { vision, model, policy };
    this.#cycle = new DecisionCycle({ ...parts, notice: () => parts.update?.().notice ?? null });
    this.#schedule = schedule;
    this.#startedAtMs = parts.clock.nowMs();
    this.#liveness = new Liveness(parts.service, parts.clock);
    this.#sight = new SightWatch(parts, this.#cycle);
  }

  /**
   * Runs until the signal aborts, or a replay that plays once has ended.
   * @throws KioskError vision-failed when the worker is gone: the service manager starts the daemon anew
   */
  async run(signal: AbortSignal): Promise<void> {
    const ended = new Promise<void>((resolve, reject) => {
      this.#end = (error) => {
        this.#end = undefined;
        if (error === undefined) resolve();
        else reject(error instanceof Error ? error : new Error(messageOf(error)));
      };
    });
    const onAbort = (): void => this.#end?.();
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
    try {
      this.#cycle.apply();
      this.#armTick();
      // The end may come while the camera still starts.
      await Promise.race([ended, this.#startCamera()]);
      await ended;
    } finally {
      this.#cancelTick();
      signal.removeEventListener("abort", onAbort);
      this.#end = undefined;
      this.#changeEyes();
      // A lock that fails here must not hide why the loop ended.
      this.#cycle.lock();
    }
  }

  /**
   * Looks with other eyes from the next frame on; the frame that is being looked at is decided with the old ones.
   * @returns the old ones, when nobody looks with them any more
   */
  swap(eyes: Eyes): Promise<Eyes> {
    if (this.#change) throw new Error("two changes of eyes at once");
    return new Promise((done) => {
      this.#change = { eyes, done };
      // Without the loop nobody decides any more what a look still brings.
      if (this.#lookingSinceMs === undefined || !this.#isRunning()) this.#changeEyes();
    });
  }

  snapshot(): StatusSnapshot {
    const { version, door, indicator, clock } = this.#parts;
    const { policy, model } = this.#eyes;
    const nowMs = clock.nowMs();
    const { newestSeq, taken, decided } = this.#counts;
    return statusSnapshot({
      version,
      policy,
      model,
      nowMs,
      startedAtMs: this.#startedAtMs,
      state: this.#cycle.state,
      door,
      leds: indicator.lit,
      stages: this.#times,
      update: this.#parts.update?.() ?? updatesOff,
      camera: {
        state: this.#camera,
        framesDelivered: newestSeq,
        framesDecided: decided,
        framesSkipped: newestSeq - taken,
        framesPerSecond: this.#rate.perSecond(nowMs),
      },
    });
  }

  async #startCamera(): Promise<void> {
    await this.#parts.camera.start({
      onFrame: () => {
        this.#lookAtNewest().catch((bug: unknown) => this.#end?.(bug));
      },
      onFault: (error) => {
        this.#guarded(() => {
          this.#cameraFault(error);
          this.#liveness.cameraTried(this.#sentence());
        });
      },
      onEnd: () => {
        this.#camera = "ended";
        if (this.#lookingSinceMs === undefined) this.#end?.();
      },
    });
  }

  async #lookAtNewest(): Promise<void> {
    while (this.#isRunning() && this.#lookingSinceMs === undefined) {
      const frame = this.#parts.camera.take();
      if (!frame) break;
      const seen = await this.#look(frame);
      this.#lookingSinceMs = undefined;
      if (seen && this.#isRunning()) this.#decide(seen);
      this.#changeEyes();
    }
    if (this.#camera === "ended" && this.#lookingSinceMs === undefined) this.#end?.();
  }

  async #look(frame: Frame): Promise<Observation | undefined> {
    this.#lookingSinceMs = this.#parts.clock.nowMs();
    const { taken, decided } = this.#counts;
    this.#counts = { newestSeq: frame.seq, taken: taken + 1, decided };
    try {
      return await this.#eyes.vision.look(frame, this.#search());
    } catch (error) {
      this.#fail(error);
      return undefined;
    }
  }

  #changeEyes(): void {
    const change = this.#change;
    if (!change) return;
    this.#change = undefined;
    const old = this.#eyes;
    this.#eyes = change.eyes;
    this.#cycle.adopt(change.eyes.policy);
    change.done(old);
  }

  #search(): Search {
    return {
      kind: "follow",
      around: this.#cycle.state.tracks.map(({ box }) => box),
      turn: this.#counts.decided,
    };
  }

  #decide(seen: Observation): void {
    const seenMs = this.#parts.clock.nowMs();
    this.#cycle.recover("vision");
    // A frame from before the fault proves nothing: only a newer one is the camera's recovery.
    if (seen.capturedAtMs > this.#cameraFaultedAtMs) {
      this.#cycle.recover("camera");
      if (this.#camera !== "ended") this.#camera = "streaming";
    }
    const { isRepeated, finding } = this.#sight.judge(seen);
    this.#counts = { ...this.#counts, decided: this.#counts.decided + 1 };
    // The same picture twice is one look: votes are of different pictures.
    const times = isRepeated ? undefined : this.#vote(seen, seenMs);
    this.#rate.count(this.#parts.clock.nowMs());
    this.#parts.listener.stepped(this.#cycle.state, times);
    if (finding !== "frozen") this.#liveness.decided(this.#sentence());
    else if (this.#sight.startAnew(seenMs)) this.#liveness.cameraTried(this.#sentence());
  }

  #vote(seen: Observation, seenMs: number): FrameTimes {
    const { decidedMs, doneMs } = this.#cycle.observe(seen);
    this.#times = {
      ...seen.stages,
      decideMs: decidedMs - seenMs,
      actuateMs: doneMs - decidedMs,
      frameToDecisionMs: decidedMs - seen.capturedAtMs,
    };
    return this.#times;
  }

  #isRunning(): boolean {
    return this.#end !== undefined;
  }

  #fail(error: unknown): void {
    if (!this.#isRunning()) return;
    if (error instanceof KioskError && error.code === "bad-picture") {
      this.#cameraFault(error);
      return;
    }
    const fatal =
      error instanceof KioskError
        ? error
        : new KioskError("vision-failed", messageOf(error), { cause: error });
    this.#fault("vision", fatal);
    this.#end?.(fatal);
  }

  #armTick(): void {
    this.#cancelTick = this.#schedule(() => {
      this.#armTick();
      this.#guarded(() => {
        this.#tick();
        this.#liveness.tick(this.#sentence());
      });
    }, tickMs);
  }

  #tick(): void {
    const nowMs = this.#parts.clock.nowMs();
    if (this.#lookingSinceMs !== undefined && nowMs - this.#lookingSinceMs > stallMs) {
      this.#fault(
        "vision",
        new KioskError("vision-failed", `a look at a frame takes longer than ${stallMs} ms`),
      );
      return;
    }
    this.#cycle.tick();
    this.#parts.listener.stepped(this.#cycle.state);
  }

  /** A bug ends the loop as any other end does: with the door locked. */
  #guarded(work: () => void): void {
    if (!this.#isRunning()) return;
    try {
      work();
    } catch (bug) {
      this.#end?.(bug);
    }
  }

  #cameraFault(error: KioskError): void {
    this.#cameraFaultedAtMs = this.#parts.clock.nowMs();
    if (this.#camera !== "ended") this.#camera = "faulted";
    this.#fault("camera", error);
  }

  #fault(source: FaultSource, error: KioskError): void {
    const isNew = this.#cycle.fault(source, error);
    if (isNew && source === "camera") this.#parts.listener.cameraFaulted(error.code);
    this.#parts.listener.stepped(this.#cycle.state);
  }

  #sentence(): string {
    const { clock, door } = this.#parts;
    return statusSentence(this.#cycle.state, door.report, this.#rate.perSecond(clock.nowMs()));
  }
}
