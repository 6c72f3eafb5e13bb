/**
 * Tells systemd what the daemon does. READY goes through the package systemd-notify, once, before the first frame: its program
 * returns only after systemd has taken the message in. The package knows no WATCHDOG and starts a process for each message, so
 * what follows frame by frame is a datagram of our own (systemd-datagram.ts). Without NOTIFY_SOCKET nothing happens.
 */
import notify from "systemd-notify";
import { messageOf } from "../core/errors.ts";
import type { Clock, ServiceManager } from "../core/ports.ts";
import type { Log } from "./log.ts";
import { type NotifySocket, openNotifySocket } from "./systemd-datagram.ts";

/** A status line that is older than this is told again, however rarely the watchdog wants to be fed. */
const mostStatusAgeMs = 1000;

export interface SystemdOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly env?: NodeJS.ProcessEnv;
}

/** The service manager that started this process, or one that hears nothing. */
export async function openServiceManager({
  clock,
  log,
  env = process.env,
}: SystemdOptions): Promise<ServiceManager> {
  const address = env["NOTIFY_SOCKET"];
  if (address === undefined || address === "") return nobody;
  return new Systemd(await openNotifySocket(address), feedingMs(env), clock, log);
}

/** At most this long between two messages: a quarter of what the watchdog allows, so that three may be late. */
function feedingMs(env: NodeJS.ProcessEnv): number {
  const isForUs = env["WATCHDOG_PID"] === undefined || env["WATCHDOG_PID"] === String(process.pid);
  const watchdogMs = isForUs ? Number(env["WATCHDOG_USEC"] ?? Infinity) / 1000 : Infinity;
  return watchdogMs > 0 ? Math.min(watchdogMs / 4, mostStatusAgeMs) : mostStatusAgeMs;
}

const nobody: ServiceManager = {
  ready: () => Promise.resolve(),
  progress: () => undefined,
  status: () => undefined,
  stopping: () => Promise.resolve(),
  [Symbol.asyncDispose]: () => Promise.resolve(),
};

class Systemd implements ServiceManager {
  readonly #socket: NotifySocket;
  readonly #feedingMs: number;
  readonly #clock: Clock;
  readonly #log: Log;
  #toldAtMs = -Infinity;
  #status = { text: "", atMs: -Infinity };
  #isDeaf = false;
  #isReady = false;
  /** READY was told by a program, and not yet by this process. */
  #owesReady = false;
  #isClosed = false;

  constructor(socket: NotifySocket, feedingMs: number, clock: Clock, log: Log) {
    this.#socket = socket;
    this.#feedingMs = feedingMs;
    this.#clock = clock;
    this.#log = log;
  }

  async ready(status: string): Promise<void> {
    try {
      await notify({ ready: true, status: oneLine(status), pid: process.pid });
    } catch (error) {
      this.#log.warn(`the program systemd-notify failed, READY is told without it: ${messageOf(error)}`);
      this.#send(["READY=1", `STATUS=${oneLine(status)}`]);
    }
    this.#isReady = true;
    this.#owesReady = true;
  }

  progress(status: string): void {
    const nowMs = this.#clock.nowMs();
    if (this.#isClosed || nowMs - this.#toldAtMs < this.#feedingMs) return;
    // systemd before 246 may lose a message whose sender, here the program systemd-notify, is gone already: READY is told again.
    const again = this.#owesReady ? ["READY=1"] : [];
    if (!this.#send([...again, "WATCHDOG=1", `STATUS=${oneLine(status)}`])) return;
    this.#owesReady = false;
    this.#toldAtMs = nowMs;
    this.#status = { text: status, atMs: nowMs };
  }

  status(status: string): void {
    const nowMs = this.#clock.nowMs();
    const { text, atMs } = this.#status;
    if (this.#isClosed || !this.#isReady || status === text || nowMs - atMs < mostStatusAgeMs) return;
    if (this.#send([`STATUS=${oneLine(status)}`])) this.#status = { text: status, atMs: nowMs };
  }

  stopping(): Promise<void> {
    if (!this.#isClosed) this.#send(["STOPPING=1", "STATUS=stopping"]);
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isClosed) this.#socket[Symbol.dispose]();
    this.#isClosed = true;
    return Promise.resolve();
  }

  /** A message that cannot be sent is tried again with the next frame; the log hears only of the first in a row. */
  #send(lines: readonly string[]): boolean {
    try {
      this.#socket.send(lines.join("\n"));
      this.#isDeaf = false;
      return true;
    } catch (error) {
      if (!this.#isDeaf) this.#log.warn(`the service manager cannot be told: ${messageOf(error)}`);
      this.#isDeaf = true;
      return false;
    }
  }
}

/** A line break would begin another assignment of the protocol. */
function oneLine(status: string): string {
  return status.replaceAll(/\s+/g, " ");
}
