/** The clock of the machine: monotonic, and one for all threads and processes, so that their times can be compared. */
import type { Clock } from "../core/ports.ts";

/** Reads CLOCK_MONOTONIC; `performance.now()` would start anew in every thread. */
export function monotonicClock(): Clock {
  return { nowMs: () => Number(process.hrtime.bigint()) / 1e6 };
}
