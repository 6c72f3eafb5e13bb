/**
 * A camera whose frames a program writes to a pipe; the program is kept running.
 * Promises: its end and its silence become a fault each, once; then it is started again, later and later while it goes
 * on failing; whatever it sends, neither memory nor the event loop suffers: reading pauses when it sends too much.
 */
import { messageOf, KioskError } from "../core/errors.ts";
import type { Camera, CameraEvents, Clock } from "../core/ports.ts";
import type { Frame } from "../core/frame.ts";
import { Backoff } from "./backoff.ts";
import { findProgram } from "./find-program.ts";
import { FrameSlots } from "./frame-slots.ts";
import { JpegFrames, type JpegFormat } from "./jpeg-frames.ts";
import { PipedProgram, type Command, type ProgramEnd } from "./piped-program.ts";
import { RawFrames, type RawFormat } from "./raw-frames.ts";

/** Waits and limits of a camera program; all cameras have these. */
export interface Patience {
  /** Silence longer than this is a fault, and the program is started anew. */
  readonly silenceMs: number;
  /** The same before the first frame of a run (10 s without it): sensors, network and decoders take seconds to start. */
  readonly startMs?: number | undefined;
  readonly restartMinMs: number;
  readonly restartMaxMs: number;
}

/** What the program writes: see `raw-frames.ts` and `jpeg-frames.ts`. */
export type StreamFormat = ({ readonly kind: "raw" } & RawFormat) | ({ readonly kind: "jpeg" } & JpegFormat);

/** What a camera that runs a program must know of it. */
export interface ProgramCameraPlan extends Patience {
  /** What messages call the camera. */
  readonly name: string;
  readonly program: string;
  /** The package that brings the program. */
  readonly packageName: string;
  readonly args: readonly string[];
  readonly stopSignal: Command["stopSignal"];
  readonly framesOn: Command["framesOn"];
  readonly format: StreamFormat;
  /** Surplus frames are dropped. */
  readonly framesPerSecond: number;
  /** What it means that the program has ended well after it sent frames. A camera never ends well, a video does. */
  readonly whenDone: "fault" | "again" | "end";
  explain(end: ProgramEnd): KioskError;
}

const defaultStartMs = 10_000;
/** The pipe is read at no more than this many times the asked rate; beyond it the program has to wait. */
const surplus = 4;
/** A timer this late means that our own event loop was busy, and the frames may lie unread in the pipe. */
const lateMs = 50;

/** The path of a program, or the error that names it and its package. */
async function requireProgram(name: string, packageName: string): Promise<string> {
  const file = await findProgram(name);
  if (file !== undefined) return file;
  throw new KioskError(
    "camera-missing",
    `camera program ${name} is not installed; install the package ${packageName}`,
  );
}

async function requirePrograms({
  program,
  packageName,
}: ProgramCameraPlan): Promise<{ readonly setpriv: string; readonly program: string }> {
  return {
    setpriv: await requireProgram("setpriv", "util-linux"),
    program: await requireProgram(program, packageName),
  };
}

/** See the top of this file. */
export class ProgramCamera implements Camera {
  readonly #plan: ProgramCameraPlan;
  readonly #clock: Clock;
  readonly #slots = new FrameSlots();
  readonly #cutter: RawFrames | JpegFrames;
  readonly #backoff: Backoff;
  #isDisposed = false;
  #events: CameraEvents | undefined;
  #program: PipedProgram | undefined;
  #silence: NodeJS.Timeout | undefined;
  #silentAtMs = 0;
  #resume: NodeJS.Timeout | undefined;
  #restart: NodeJS.Timeout | undefined;
  #startedAtMs = 0;
  #firstFrameAtMs: number | undefined;
  #lastFrameAtMs = 0;
  #isFaultTold = false;

  private constructor(plan: ProgramCameraPlan, clock: Clock) {
    this.#plan = plan;
    this.#clock = clock;
    const { format, framesPerSecond } = plan;
    this.#cutter =
      format.kind === "raw"
        ? new RawFrames(format, framesPerSecond, this.#slots, clock)
        : new JpegFrames(format, framesPerSecond, this.#slots, clock);
    this.#backoff = new Backoff(plan.restartMinMs, plan.restartMaxMs);
  }

  /** Rejects with a KioskError if a program that it needs is not installed. */
  static async open(plan: ProgramCameraPlan, clock: Clock): Promise<ProgramCamera> {
    await requirePrograms(plan);
    return new ProgramCamera(plan, clock);
  }

  async start(events: CameraEvents): Promise<void> {
    if (this.#events !== undefined) throw new Error("a camera is started once");
    this.#events = events;
    await this.#run();
  }

  take(): Frame | undefined {
    return this.#slots.take();
  }

  startAnew(): void {
    this.#endRun();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true;
    for (const timer of [this.#silence, this.#resume, this.#restart]) clearTimeout(timer);
    await this.#program?.[Symbol.asyncDispose]();
  }

  /** Starts the program; rejects if it is not installed any more. */
  async #run(): Promise<void> {
    const { args, framesOn, stopSignal, startMs = defaultStartMs, silenceMs } = this.#plan;
    const { setpriv, program } = await requirePrograms(this.#plan);
    if (this.#isDisposed) return;
    this.#cutter.reset();
    this.#startedAtMs = this.#clock.nowMs();
    this.#firstFrameAtMs = undefined;
    this.#isFaultTold = false;
    this.#program = new PipedProgram(
      { setpriv, program, args, framesOn, stopSignal },
      {
        onChunk: (chunk) => {
          this.#read(chunk);
        },
        onEnd: (end) => {
          this.#ended(end);
        },
      },
    );
    this.#expectFrameWithin(Math.max(startMs, silenceMs));
  }

  #read(chunk: Buffer): void {
    // What a program sends after it was found silent belongs to no run; the next run is the recovery.
    if (this.#isFaultTold) return;
    const { completed, delivered } = this.#cutter.push(chunk);
    if (completed === 0) return;
    const nowMs = this.#clock.nowMs();
    const gapMs = 1000 / this.#plan.framesPerSecond / surplus;
    if (nowMs - this.#lastFrameAtMs < gapMs) {
      this.#program?.pause();
      this.#resume = setTimeout(() => this.#program?.resume(), gapMs);
    }
    this.#firstFrameAtMs ??= nowMs;
    this.#lastFrameAtMs = nowMs;
    this.#expectFrameWithin(this.#plan.silenceMs);
    if (delivered > 0) this.#events?.onFrame();
  }

  #expectFrameWithin(waitMs: number): void {
    this.#silentAtMs = this.#clock.nowMs() + waitMs;
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => {
      if (this.#clock.nowMs() - this.#silentAtMs > lateMs) this.#expectFrameWithin(this.#plan.silenceMs);
      else this.#silent(waitMs);
    }, waitMs);
  }

  #silent(waitMs: number): void {
    this.#tell(
      new KioskError(
        "camera-silent",
        `${this.#plan.name} sent no frame for ${waitMs} ms; it is started anew`,
      ),
    );
    this.#endRun();
  }

  /** Stops the program; its end starts the next run, and tells no fault of its own. */
  #endRun(): void {
    this.#isFaultTold = true;
    clearTimeout(this.#silence);
    this.#program?.resume();
    this.#program?.stop();
  }

  #ended(end: ProgramEnd): void {
    clearTimeout(this.#silence);
    clearTimeout(this.#resume);
    this.#program = undefined;
    const { whenDone, framesPerSecond } = this.#plan;
    const isDone = end.exitCode === 0 && this.#firstFrameAtMs !== undefined && !this.#isFaultTold;
    if (isDone && whenDone === "end") {
      this.#events?.onEnd();
    } else if (isDone && whenDone === "again") {
      // A video of one frame must not start programs without pause.
      this.#runIn(Math.max(0, this.#startedAtMs + 1000 / framesPerSecond - this.#clock.nowMs()));
    } else {
      if (!this.#isFaultTold) this.#tell(this.#plan.explain(end));
      const workedMs = this.#firstFrameAtMs === undefined ? 0 : this.#lastFrameAtMs - this.#firstFrameAtMs;
      this.#runIn(this.#backoff.waitMs(workedMs));
    }
  }

  #runIn(waitMs: number): void {
    if (this.#isDisposed) return;
    this.#restart = setTimeout(() => {
      this.#run().catch((error: unknown) => {
        this.#tell(
          error instanceof KioskError
            ? error
            : new KioskError("camera-ended", messageOf(error), { cause: error }),
        );
        this.#runIn(this.#backoff.waitMs(0));
      });
    }, waitMs);
  }

  #tell(error: KioskError): void {
    if (!this.#isDisposed) this.#events?.onFault(error);
  }
}
