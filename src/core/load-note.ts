/**
 * What the daemon writes down before it begins to load a model of a slot, and takes away when the load came back, well or not: pure.
 * Whoever finds such a note knows that the daemon ended during the load; a model with which that goes on is not tried for ever.
 */
import type { ModelRef } from "./update-record.ts";

export interface LoadNote {
  readonly id: number;
  readonly bundle: string | null;
  /** Loads that were begun, one after the other, without one that came back. */
  readonly attempts: number;
}

/** A power cut may come by chance while a model is loaded; twice is no chance. */
export const mostLoads = 2;

/** The note that is due before the model is loaded; undefined if the daemon ended during its loads often enough. */
export function nextNote(found: LoadNote | undefined, { id, bundle }: ModelRef): LoadNote | undefined {
  // A record that was begun anew gives ids a second time, but not to the same bundle.
  const attempts = found?.id === id && found.bundle === bundle ? found.attempts : 0;
  return attempts < mostLoads ? { id, bundle, attempts: attempts + 1 } : undefined;
}
