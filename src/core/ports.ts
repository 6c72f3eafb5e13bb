/** The outside world as the loop sees it. `io` and `vision` implement these; tests bring simulated ones. */
import type { DoorReport } from "./door-report.ts";
import type { Box } from "./face.ts";
import type { Frame } from "./frame.ts";
import type { KioskError } from "./errors.ts";
import type { Observation } from "./verdict.ts";

/** Monotonic time. */
export interface Clock {
  nowMs(): number;
}

export interface CameraEvents {
  /** A newer frame can be taken. */
  onFrame(): void;
  /** The camera gives no frames now. It goes on trying by itself; the next frame is the recovery. */
  onFault(error: KioskError): void;
  /** Only of a camera that plays once: no frame will follow. */
  onEnd(): void;
}

/** Delivers the newest frame and forgets older ones: nothing ever queues. */
export interface Camera extends AsyncDisposable {
  start(events: CameraEvents): Promise<void>;
  /** The newest frame not yet taken. Its memory is the taker's until the next call. */
  take(): Frame | undefined;
  /** Starts what brings the frames anew, because they are always the same; no fault is told for that. */
  startAnew(): void;
}

/**
 * Where to look for faces. `full` searches the whole picture and all its tiles. `follow` searches around the given boxes
 * and one further region, chosen by `turn`, so that its cost stays near two detector calls.
 */
export type Search =
  | { readonly kind: "full" }
  | { readonly kind: "follow"; readonly around: readonly Box[]; readonly turn: number };

/** How a graph computes. */
export type Precision = "float" | "int8";

/** The classifier as it runs, and whether it runs the way it was asked to. */
export interface RunningModel {
  readonly name: string;
  readonly version: string;
  /** The manifest's operating point: `masked` from here on counts as masked. */
  readonly threshold: number;
  /** The ONNX Runtime execution provider that runs. */
  readonly provider: string;
  /** Of the graph that runs: a model may bring an int8 one beside the float one. */
  readonly precision: Precision;
  /** Providers that were asked for earlier in the order and do not run, with the reason. */
  readonly passedOver: readonly { readonly provider: string; readonly reason: string }[];
}

/** Pixels in, verdicts out; one frame at a time. */
export interface Vision extends AsyncDisposable {
  readonly model: RunningModel;
  look(frame: Frame, search: Search): Promise<Observation>;
}

export type DoorCommand = { readonly kind: "lock" } | { readonly kind: "unlock"; readonly untilMs: number };

/** What the lock does; `untilMs` is infinite while the fire alarm has released it. */
export type DoorState = { readonly kind: "locked" } | { readonly kind: "unlocked"; readonly untilMs: number };

/** The door. An unlock is a lease: the adapter locks at `untilMs` by itself, also when nobody calls again. */
export interface Door extends AsyncDisposable {
  apply(command: DoorCommand): void;
  /** What the lock does, not what it was told. */
  readonly state: DoorState;
  /** What is known of the door around the lock. */
  readonly report: DoorReport;
}

/**
 * What the kiosk shows to whoever stands before it. The last three are of a kiosk that is ready: a new model is being
 * installed, is in place, or was refused.
 */
export const indications = [
  ...(["ready", "checking", "granted", "reminded", "refused", "fault"] as const),
  ...(["updating", "updated", "not-updated"] as const),
] as const;
export type Indication = (typeof indications)[number];

export interface Indicator extends AsyncDisposable {
  apply(indication: Indication): void;
  /** Which LEDs shine now. */
  readonly lit: { readonly green: boolean; readonly red: boolean; readonly amber: boolean };
}

/** Tells the service manager. */
export interface ServiceManager extends AsyncDisposable {
  ready(status: string): Promise<void>;
  /** Feeds the watchdog: never called by time alone, so that a hung pipeline is restarted although the event loop lives. */
  progress(status: string): void;
  /** What goes on, when that has changed; feeds nothing. */
  status(status: string): void;
  stopping(): Promise<void>;
}
