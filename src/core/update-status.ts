/** What the daemon tells of updates, and what of it the LEDs show: pure. */
import type { Indication } from "./ports.ts";
import type { updateStates } from "./update-machine.ts";
import type { ModelRef } from "./update-record.ts";

export interface UpdateStatus {
  /** `off`: the configuration names a model, and no bundle changes it; only that a stick was not taken is told then. */
  readonly state: (typeof updateStates)[number];
  /** Of the bundle that it is about, once that is known. */
  readonly version: number | null;
  readonly reason: string | null;
  /** How long the daemon has known it. */
  readonly sinceMs: number;
  /** What the LEDs show of it while nobody stands at the door. */
  readonly notice: "under-way" | "good" | "bad" | null;
  /** The model that decides; null if updates are off. */
  readonly running: ModelRef | null;
  /** The active model that the daemon could not load, so that another one decides. */
  readonly unloadable: { readonly id: number; readonly reason: string } | null;
}

/** Of a daemon whose model the configuration names. */
export const updatesOff: UpdateStatus = {
  state: "off",
  version: null,
  reason: null,
  sinceMs: 0,
  notice: null,
  running: null,
  unloadable: null,
};

/** For how long the LEDs show how an update ended. */
export const noticeMs = 10_000;

const underWay: ReadonlySet<UpdateStatus["state"]> = new Set([
  ...(["copying", "verifying", "staging", "switching", "probation"] as const),
]);

/** Whether an update of this state still goes on. */
export function isUnderWay(state: UpdateStatus["state"]): boolean {
  return underWay.has(state);
}

/** The notice of a state that has been known for so long; old news is none. */
export function noticeOf(
  state: UpdateStatus["state"],
  newsForMs: number | undefined,
): UpdateStatus["notice"] {
  if (isUnderWay(state)) return "under-way";
  if (newsForMs === undefined || newsForMs >= noticeMs || state === "idle" || state === "off") return null;
  return state === "good" ? "good" : "bad";
}

const shownAs = { "under-way": "updating", good: "updated", bad: "not-updated" } as const;

/** A person at the door comes first: the update shows only where the door is shut and ready for somebody. */
export function withNotice(indication: Indication, notice: UpdateStatus["notice"]): Indication {
  return indication === "ready" && notice !== null ? shownAs[notice] : indication;
}
