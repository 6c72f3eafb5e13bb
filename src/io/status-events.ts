/**
 * Server-sent events of the daemon's state. A reader gets the whole state first, then `state` whenever something of it changes,
 * `door` for everything that happens at the door, and `frame` for every decided frame that it can take: one that reads slowly misses
 * frames, one that does not read is dropped.
 */
import type { ServerResponse } from "node:http";
import type { DoorEvent } from "../core/door-report.ts";
import type { Clock } from "../core/ports.ts";
import type { StatusSnapshot } from "../core/status.ts";

export interface EventLimits {
  /** Bytes that may wait for one reader. */
  readonly bufferedBytes: number;
  /** How long a reader may take nothing while something waits for it. */
  readonly stalledMs: number;
  /** A comment goes out so often, so that a dead reader is noticed without any event. */
  readonly heartbeatMs: number;
}

interface Reader {
  readonly response: ServerResponse;
  /** What it was last told of the state. */
  told: string;
  /** Since when more waits for it than a reader that keeps up ever has waiting. */
  blockedAtMs: number | undefined;
}

const reconnectAfterMs = 1000;
/** A mark of our own: that of write() is 16 KiB in Node 20 and 64 KiB in Node 22, where it is all that may wait here. */
const blockedBytes = 16 * 1024;

/** The readers of `GET /v1/events`. */
export class StatusEvents implements Disposable {
  readonly #snapshot: () => StatusSnapshot;
  readonly #clock: Clock;
  readonly #limits: EventLimits;
  readonly #readers = new Set<Reader>();
  readonly #heartbeat: NodeJS.Timeout;
  #lastId = 0;

  constructor(snapshot: () => StatusSnapshot, clock: Clock, limits: EventLimits) {
    this.#snapshot = snapshot;
    this.#clock = clock;
    this.#limits = limits;
    this.#heartbeat = setInterval(() => {
      for (const reader of this.#readers) this.#write(reader, ":\n\n", "may-miss");
    }, limits.heartbeatMs).unref();
  }

  add(response: ServerResponse): void {
    const snapshot = this.#snapshot();
    const reader: Reader = { response, told: essence(snapshot), blockedAtMs: undefined };
    response.writeHead(200, {
      "content-type": "text/event-stream",
      "cache-control": "no-store",
      connection: "close",
    });
    response.on("close", () => this.#readers.delete(reader));
    response.on("error", () => this.#readers.delete(reader));
    this.#readers.add(reader);
    this.#write(
      reader,
      `retry: ${reconnectAfterMs}\n${this.#event("state", JSON.stringify(snapshot))}`,
      "must-have",
    );
  }

  /** After each decided frame, and after each tick in which something may have changed. */
  update(what: "frame" | "tick"): void {
    if (this.#readers.size === 0) return;
    const snapshot = this.#snapshot();
    const now = essence(snapshot);
    const data = JSON.stringify(snapshot);
    const state = this.#event("state", data);
    const frame = what === "frame" ? this.#event("frame", data) : "";
    for (const reader of this.#readers) {
      if (reader.told !== now) this.#write(reader, state, "must-have");
      reader.told = now;
      if (frame !== "") this.#write(reader, frame, "may-miss");
    }
  }

  /** As it happens; the `state` that it leads to follows. */
  door(event: DoorEvent): void {
    if (this.#readers.size === 0) return;
    const text = this.#event("door", JSON.stringify(event));
    for (const reader of this.#readers) this.#write(reader, text, "must-have");
  }

  [Symbol.dispose](): void {
    clearInterval(this.#heartbeat);
    for (const { response } of this.#readers) response.destroy();
    this.#readers.clear();
  }

  #event(name: "state" | "frame" | "door", data: string): string {
    this.#lastId += 1;
    return `id: ${this.#lastId}\nevent: ${name}\ndata: ${data}\n\n`;
  }

  #write(reader: Reader, text: string, need: "must-have" | "may-miss"): void {
    const { response } = reader;
    const nowMs = this.#clock.nowMs();
    const isBlocked = response.writableLength > blockedBytes;
    reader.blockedAtMs = isBlocked ? (reader.blockedAtMs ?? nowMs) : undefined;
    const isStalled = reader.blockedAtMs !== undefined && nowMs - reader.blockedAtMs > this.#limits.stalledMs;
    if (isStalled || response.destroyed || response.writableLength > this.#limits.bufferedBytes) {
      this.#readers.delete(reader);
      response.destroy();
      return;
    }
    if (need === "may-miss" && reader.blockedAtMs !== undefined) return;
    response.write(text);
  }
}

/** What makes a `state` event when it changes. */
function essence({ access, indication, door, fault, leds, camera, model, update }: StatusSnapshot): string {
  const { kind, lock, inputs, isFireReleased, isExitStuck } = door;
  return JSON.stringify([
    ...[access.kind, indication, fault, leds, camera.state, model],
    ...[kind, lock, inputs, isFireReleased, isExitStuck],
    ...[update.state, update.version, update.reason, update.running, update.unloadable],
  ]);
}
