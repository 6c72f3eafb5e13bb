/**
 * The loop: newest frame -> look -> next -> door and LEDs, one frame at a time. Promises: every input ends with the
 * outputs applied again; the watchdog hears of decided frames only; when the loop ends, the door is locked.
 */
import {
  doorCommand,
  indication,
  initialState,
  next,
  type AccessState,
  type FaultSource,
  type Input,
} from "./core/access.ts";
import { KioskError, messageOf, type ErrorCode } from "./core/errors.ts";
import type { Frame } from "./core/frame.ts";
import type { Policy } from "./core/policy.ts";
import type { Camera, Clock, Door, Indicator, Search, ServiceManager, Vision } from "./core/ports.ts";
import {
  statusSnapshot,
  type CameraStatus,
  type FrameTimes,
  type ModelStatus,
  type StatusSnapshot,
} from "./core/status.ts";
import type { Observation } from "./core/verdict.ts";
import { FrameRate } from "./frame-rate.ts";
import type { Log } from "./io/log.ts";
import { scheduleTimeout, type Schedule } from "./io/timer.ts";

export interface KioskParts {
  readonly version: string;
  readonly camera: Camera;
  readonly vision: Vision;
  readonly door: Door;
  readonly indicator: Indicator;
  readonly service: ServiceManager;
  readonly clock: Clock;
  readonly policy: Policy;
  readonly model: ModelStatus;
  readonly log: Log;
  readonly listener: KioskListener;
}

/** Hears of everything after it has taken effect. */
export interface KioskListener {
  /** After every cycle; `times` only if a frame was decided in it. */
  stepped(state: AccessState, times?: FrameTimes): void;
  /** The camera came to be at fault. */
  cameraFaulted(code: ErrorCode): void;
}

/** Without frames, time is told this often: leases and gaps end although nobody looks. */
const tickMs = 100;
/** A look that takes longer is a fault; the door locks, and the watchdog ends the process if it stays so. */
const stallMs = 3000;

export class Kiosk {
  readonly #parts: KioskParts;
  readonly #schedule: Schedule;
  readonly #startedAtMs: number;
  readonly #rate = new FrameRate();
  #state: AccessState = initialState;
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
    this.#schedule = schedule;
    this.#startedAtMs = parts.clock.nowMs();
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
      this.#apply();
      this.#armTick();
      // The end may come while the camera still starts.
      await Promise.race([ended, this.#startCamera()]);
      await ended;
    } finally {
      this.#cancelTick();
      signal.removeEventListener("abort", onAbort);
      this.#end = undefined;
      // A lock that fails here must not hide why the loop ended; closing the door tries again and throws.
      this.#attempt("door", () => {
        this.#parts.door.apply({ kind: "lock" });
      });
    }
  }

  snapshot(): StatusSnapshot {
    const { version, policy, model, door, indicator, clock } = this.#parts;
    const nowMs = clock.nowMs();
    const { newestSeq, taken, decided } = this.#counts;
    return statusSnapshot({
      version,
      policy,
      model,
      nowMs,
      startedAtMs: this.#startedAtMs,
      state: this.#state,
      door: door.state,
      leds: indicator.lit,
      stages: this.#times,
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
    }
    if (this.#camera === "ended" && this.#lookingSinceMs === undefined) this.#end?.();
  }

  async #look(frame: Frame): Promise<Observation | undefined> {
    this.#lookingSinceMs = this.#parts.clock.nowMs();
    const { taken, decided } = this.#counts;
    this.#counts = { newestSeq: frame.seq, taken: taken + 1, decided };
    try {
      return await this.#parts.vision.look(frame, this.#search());
    } catch (error) {
      this.#fail(error);
      return undefined;
    }
  }

  #search(): Search {
    return { kind: "follow", around: this.#state.tracks.map(({ box }) => box), turn: this.#counts.decided };
  }

  #decide(seen: Observation): void {
    const { clock } = this.#parts;
    const seenMs = clock.nowMs();
    this.#recover("vision");
    // A frame from before the fault proves nothing: only a newer one is the camera's recovery.
    if (seen.capturedAtMs > this.#cameraFaultedAtMs) {
      this.#recover("camera");
      if (this.#camera !== "ended") this.#camera = "streaming";
    }
    this.#counts = { ...this.#counts, decided: this.#counts.decided + 1 };
    this.#state = next(
      this.#state,
      { kind: "observed", atMs: clock.nowMs(), observation: seen },
      this.#parts.policy,
    );
    const decidedMs = clock.nowMs();
    this.#apply();
    const doneMs = clock.nowMs();
    this.#times = {
      ...seen.stages,
      decideMs: decidedMs - seenMs,
      actuateMs: doneMs - decidedMs,
      frameToDecisionMs: decidedMs - seen.capturedAtMs,
    };
    this.#rate.count(doneMs);
    this.#parts.listener.stepped(this.#state, this.#times);
    this.#parts.service.progress(this.#sentence());
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
    this.#step({ kind: "tick", atMs: nowMs });
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
    if (!this.#isFaulted(source)) {
      this.#parts.log.error({ code: error.code, source }, error.message);
      if (source === "camera") this.#parts.listener.cameraFaulted(error.code);
    }
    const fault = { source, code: error.code, message: error.message };
    this.#step({ kind: "fault", atMs: this.#parts.clock.nowMs(), fault });
  }

  #recover(source: FaultSource): void {
    if (!this.#isFaulted(source)) return;
    this.#parts.log.info({ source }, "recovered");
    this.#state = next(
      this.#state,
      { kind: "recovered", atMs: this.#parts.clock.nowMs(), source },
      this.#parts.policy,
    );
  }

  #isFaulted(source: FaultSource): boolean {
    const { access } = this.#state;
    return access.kind === "faulted" && access.faults.some((fault) => fault.source === source);
  }

  #step(input: Input): void {
    this.#state = next(this.#state, input, this.#parts.policy);
    this.#apply();
    this.#parts.listener.stepped(this.#state);
  }

  /** Door first: a broken LED must never come before the lock. */
  #apply(): void {
    this.#attempt("door", () => {
      this.#parts.door.apply(doorCommand(this.#state));
    });
    this.#attempt("indicator", () => {
      this.#parts.indicator.apply(indication(this.#state));
    });
  }

  /** An output that fails is a fault, which locks; it is tried again in each cycle, and that is the way back. */
  #attempt(source: "door" | "indicator", output: () => void): void {
    try {
      output();
      this.#recover(source);
    } catch (error) {
      const fault = error instanceof KioskError ? error : new KioskError("gpio-failed", messageOf(error));
      const isNew = !this.#isFaulted(source);
      this.#state = next(
        this.#state,
        {
          kind: "fault",
          atMs: this.#parts.clock.nowMs(),
          fault: { source, code: fault.code, message: fault.message },
        },
        this.#parts.policy,
      );
      if (!isNew) return;
      this.#parts.log.error({ code: fault.code, source }, fault.message);
      this.#lockAfter(source);
    }
  }

  /** A failed LED locks the door in the same cycle and not in the next. */
  #lockAfter(source: "door" | "indicator"): void {
    if (source === "indicator") {
      this.#attempt("door", () => {
        this.#parts.door.apply({ kind: "lock" });
      });
    }
  }

  #sentence(): string {
    const { access, tracks } = this.#state;
    const rate = this.#rate.perSecond(this.#parts.clock.nowMs()).toFixed(1);
    return `${access.kind}; door ${this.#parts.door.state.kind}; ${tracks.length} faces; ${rate} frames/s`;
  }
}
