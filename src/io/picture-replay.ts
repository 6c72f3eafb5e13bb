/**
 * Shows pictures from disk as a camera would, one after the other at a fixed rate.
 * Promises: no drift, and no bursts after a delay; a picture that cannot be read is a fault that names it, and the next
 * one follows; the main thread only reads files, decoding is the vision's work.
 */
import { open } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";
import { KioskError, messageOf } from "../core/errors.ts";
import type { Frame } from "../core/frame.ts";
import type { Camera, CameraEvents, Clock } from "../core/ports.ts";
import { FrameSlots } from "./frame-slots.ts";

/** Nothing that a kiosk should read in one piece. */
const maxPictureBytes = 64 * 1024 * 1024;

/** What is shown, and how fast. */
export interface PictureReplaySettings {
  readonly files: readonly string[];
  readonly framesPerSecond: number;
  readonly loop: boolean;
}

/** See the top of this file. */
export class PictureReplay implements Camera {
  readonly #settings: PictureReplaySettings;
  readonly #clock: Clock;
  readonly #slots = new FrameSlots();
  readonly #disposed = new AbortController();
  #showing: Promise<void> | undefined;

  constructor(settings: PictureReplaySettings, clock: Clock) {
    this.#settings = settings;
    this.#clock = clock;
  }

  start(events: CameraEvents): Promise<void> {
    if (this.#showing !== undefined) throw new Error("a camera is started once");
    this.#showing = this.#show(events).catch((error: unknown) => {
      if (!this.#disposed.signal.aborted) throw error;
    });
    return Promise.resolve();
  }

  take(): Frame | undefined {
    return this.#slots.take();
  }

  startAnew(): void {
    // Its pictures are what they are.
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed.abort();
    await this.#showing;
  }

  async #show(events: CameraEvents): Promise<void> {
    const { files, framesPerSecond, loop } = this.#settings;
    const { signal } = this.#disposed;
    const intervalMs = 1000 / framesPerSecond;
    const startedAtMs = this.#clock.nowMs();
    let slot = 0;
    for (let index = 0; loop || index < files.length; index += 1) {
      const error = await this.#read(files[index % files.length] ?? "");
      if (signal.aborted) return;
      if (error === undefined) events.onFrame();
      else events.onFault(error);
      // The next whole interval since the start: a slow disk costs intervals, it does not shift the later ones.
      const elapsedMs = this.#clock.nowMs() - startedAtMs;
      slot = Math.max(slot + 1, Math.ceil(elapsedMs / intervalMs));
      await wait(Math.max(0, slot * intervalMs - elapsedMs), undefined, { signal });
    }
    events.onEnd();
  }

  /** Publishes a picture, or says why it cannot. */
  async #read(file: string): Promise<KioskError | undefined> {
    try {
      await using handle = await open(file, "r");
      const { size: sizeBytes } = await handle.stat();
      if (sizeBytes === 0) return new KioskError("bad-picture", `${file}: the picture is empty`);
      if (sizeBytes > maxPictureBytes)
        return new KioskError("bad-picture", `${file}: larger than ${maxPictureBytes} bytes`);
      const memory = this.#slots.writable(sizeBytes);
      for (let at = 0; at < sizeBytes;) {
        const { bytesRead } = await handle.read(memory, at, sizeBytes - at, at);
        if (bytesRead === 0)
          return new KioskError("bad-picture", `${file}: became shorter while it was read`);
        at += bytesRead;
      }
      const capturedAtMs = this.#clock.nowMs();
      this.#slots.publish({ encoding: "file", capturedAtMs, widthPx: 0, heightPx: 0, sizeBytes });
      return undefined;
    } catch (error) {
      return new KioskError("bad-picture", `${file}: cannot be read: ${messageOf(error)}`, { cause: error });
    }
  }
}
