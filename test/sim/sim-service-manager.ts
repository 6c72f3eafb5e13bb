/** A service manager that remembers what it was told. */
import type { ServiceManager } from "../../src/core/ports.ts";

export class SimServiceManager implements ServiceManager {
  /** "ready" and "stopping", in their order. */
  readonly told: string[] = [];
  /** Every status line that came with a sign of progress: what feeds the watchdog. */
  readonly progressed: string[] = [];
  /** Every status line that came without one. */
  readonly statuses: string[] = [];

  ready(): Promise<void> {
    this.told.push("ready");
    return Promise.resolve();
  }

  progress(status: string): void {
    this.progressed.push(status);
  }

  status(status: string): void {
    this.statuses.push(status);
  }

  stopping(): Promise<void> {
    this.told.push("stopping");
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}
