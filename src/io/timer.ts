/** Doing something later, as a port: tests bring a virtual one. */

/** Runs `run` once, not before `delayMs` have passed as far as the timer can tell; returns how to cancel. */
export type Schedule = (run: () => void, delayMs: number) => () => void;

/** The real one. It may fire a little early or very late, so whoever uses it looks at the clock again. */
export const scheduleTimeout: Schedule = (run, delayMs) => {
  const timeout = setTimeout(run, delayMs);
  return () => {
    clearTimeout(timeout);
  };
};
