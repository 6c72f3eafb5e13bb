/** The Vision port over the worker thread. One frame is looked at at a time; a dead worker fails every look. */
import { Worker } from "node:worker_threads";
import { KioskError, messageOf } from "../core/errors.ts";
import type { Frame } from "../core/frame.ts";
import type { RunningModel, Search, Vision } from "../core/ports.ts";
import type { Observation } from "../core/verdict.ts";
import { disableTelemetry } from "./no-telemetry.ts";
import type { PipelineSettings } from "./pipeline.ts";
import type { Reply, Request } from "./worker-messages.ts";

/** How long the worker may take to release its models before it is ended without, and then to end. */
const closeGraceMs = 2000;

/**
 * Starts the worker and loads the models in it, unless the signal aborts first.
 * @throws KioskError bad-model, vision-failed
 */
export async function startVision(settings: PipelineSettings, signal?: AbortSignal): Promise<Vision> {
  disableTelemetry();
  const worker = new Worker(new URL("./worker.js", import.meta.url), { workerData: settings });
  const vision = new WorkerVision(worker);
  const giveUp = (): void => {
    vision.die("its start was given up");
    void vision.end();
  };
  signal?.addEventListener("abort", giveUp);
  const first = await vision.reply();
  signal?.removeEventListener("abort", giveUp);
  if (first.kind === "ready") return Object.assign(vision, { model: first.model });
  await vision.end();
  if (first.kind === "failed") throw new KioskError(first.code, first.message);
  throw new KioskError("vision-failed", "the vision worker spoke out of turn");
}

class WorkerVision {
  private readonly worker: Worker;
  private waiting: { resolve: (reply: Reply) => void; reject: (error: KioskError) => void } | undefined;
  private death: KioskError | undefined;
  declare readonly model: RunningModel;

  constructor(worker: Worker) {
    this.worker = worker;
    worker.on("message", (reply: Reply) => {
      const waiting = this.waiting;
      this.waiting = undefined;
      waiting?.resolve(reply);
    });
    worker.on("error", (error: unknown) => {
      this.die(messageOf(error));
    });
    worker.on("exit", (code) => {
      this.die(`it ended with code ${code}`);
    });
  }

  async look(frame: Frame, search: Search): Promise<Observation> {
    const answer = this.reply();
    this.post({ kind: "look", frame, search });
    const reply = await answer;
    if (reply.kind === "seen") return reply.observation;
    if (reply.kind === "failed") throw new KioskError(reply.code, reply.message);
    throw new KioskError("vision-failed", "the vision worker spoke out of turn");
  }

  /** The worker's next message. */
  reply(): Promise<Reply> {
    if (this.death) return Promise.reject(this.death);
    if (this.waiting) return Promise.reject(new KioskError("vision-failed", "two looks at once"));
    return new Promise((resolve, reject) => {
      this.waiting = { resolve, reject };
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.death) {
      const gone = new Promise((resolve) => this.worker.once("exit", resolve));
      this.post({ kind: "close" });
      await withinGrace(gone);
    }
    await this.end();
  }

  /** Ends the worker. One that is stuck in native code is left behind: its thread ends with the process, by SIGKILL if need be. */
  async end(): Promise<void> {
    await withinGrace(this.worker.terminate());
    this.worker.unref();
  }

  private post(request: Request): void {
    this.worker.postMessage(request);
  }

  die(reason: string): void {
    this.death ??= new KioskError("vision-failed", `the vision worker is gone: ${reason}`);
    const waiting = this.waiting;
    this.waiting = undefined;
    waiting?.reject(this.death);
  }
}

async function withinGrace(gone: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const grace = new Promise((resolve) => (timer = setTimeout(resolve, closeGraceMs)));
  await Promise.race([gone, grace]);
  clearTimeout(timer);
}
