/**
 * Prometheus metrics of the daemon, in a registry of their own. The loop says what happened; counters that the camera keeps by
 * itself and the event loop's delay are read when somebody scrapes. Names follow Prometheus' conventions: base units, _total.
 */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";
import { type DoorEvent, doorKinds, type InputName } from "../core/door-report.ts";
import { type ErrorCode, errorCodes } from "../core/errors.ts";
import { updateStates } from "../core/update-machine.ts";
import type { AccessStatus, CameraStatus, FrameTimes, ModelStatus, StatusSnapshot } from "../core/status.ts";

const accessKinds = ["idle", "checking", "refused", "granted", "reminded", "faulted"] as const;

/** What counts of the door's events, by the label of its counter. */
const doorLabels = [
  ...doorKinds,
  "request-to-exit",
  "fire-alarm",
  "fire-release",
  "exit-stuck",
  "tamper",
] as const;
type DoorLabel = (typeof doorLabels)[number];

const inputLabels = {
  contact: undefined,
  requestToExit: "request-to-exit",
  fireAlarm: "fire-alarm",
  tamper: "tamper",
} as const satisfies Record<InputName, DoorLabel | undefined>;

const stages = {
  decodeMs: "decode",
  detectMs: "detect",
  cropMs: "crop",
  classifyMs: "classify",
  decideMs: "decide",
  actuateMs: "actuate",
  frameToDecisionMs: "frame_to_decision",
} as const satisfies Record<keyof FrameTimes, string>;

const bucketsSeconds = [
  0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2.5,
];

const resolutionMs = 10;
const delayWindowMs = 60_000;

/** Owns the registry and the event loop's monitor. */
export class Metrics implements Disposable {
  readonly #registry = new Registry();
  readonly #delay = monitorEventLoopDelay({ resolution: resolutionMs });
  readonly #stage = this.#histogram(
    "maskgate_stage_duration_seconds",
    "Time of each stage of a decided frame",
    ["stage"],
  );
  readonly #faces = this.#gauge("maskgate_faces", "Faces that the decision knows of");
  readonly #access = this.#gauge("maskgate_access_state", "1 for the state of the access decision", [
    "state",
  ]);
  readonly #lock = this.#gauge("maskgate_door_unlocked", "1 while the lock is open");
  readonly #door = this.#gauge("maskgate_door_state", "1 for the state of the door", ["state"]);
  readonly #doorEvents = this.#counter(
    "maskgate_door_events_total",
    "Times that the door came to a state, and that an input of it was raised",
    ["event"],
  );
  readonly #decisions = this.#counter(
    "maskgate_decisions_total",
    "Times that access came to be granted, reminded or refused",
    ["decision"],
  );
  readonly #cameraFaults = this.#counter("maskgate_camera_faults_total", "Faults of the camera", ["code"]);
  readonly #provider = this.#gauge(
    "maskgate_provider_info",
    "ONNX Runtime execution provider that runs, and the one asked for",
    ["provider", "asked_provider", "is_first_choice"],
  );
  readonly #update = this.#gauge("maskgate_update_state", "1 for the state of the model's update", ["state"]);
  readonly #bundle = this.#gauge(
    "maskgate_model_bundle_version",
    "Version of the bundle whose model decides; 0 for the one that comes with maskgate or is configured",
  );
  #lastKind: AccessStatus["kind"] = "idle";
  #delaySinceMs = performance.now();

  /** `camera` is asked for its counters at each scrape; there may be none yet. */
  constructor(camera: () => CameraStatus | undefined) {
    this.#cameraCounter("delivered", "Frames that the camera delivered", () => camera()?.framesDelivered);
    this.#cameraCounter("decided", "Frames that were decided", () => camera()?.framesDecided);
    this.#cameraCounter(
      "skipped",
      "Frames that a newer one replaced before they were looked at",
      () => camera()?.framesSkipped,
    );
    this.#delayGauge();
    for (const event of doorLabels) this.#doorEvents.inc({ event }, 0);
    for (const decision of ["granted", "reminded", "refused"]) this.#decisions.inc({ decision }, 0);
    for (const code of Object.keys(errorCodes))
      if (code.startsWith("camera-")) this.#cameraFaults.inc({ code }, 0);
    this.#delay.enable();
    collectDefaultMetrics({ register: this.#registry });
  }

  /** What Prometheus wants to see in Content-Type. */
  get contentType(): string {
    return this.#registry.contentType;
  }

  /** Everything, as Prometheus reads it. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  /** After each cycle of the loop, with or without a frame. */
  state({ access, door, faces, update }: Pick<StatusSnapshot, "access" | "door" | "faces" | "update">): void {
    for (const kind of accessKinds) this.#access.set({ state: kind }, kind === access.kind ? 1 : 0);
    for (const kind of doorKinds) this.#door.set({ state: kind }, kind === door.kind ? 1 : 0);
    this.#lock.set(door.lock === "unlocked" ? 1 : 0);
    this.#faces.set(faces.length);
    this.#updates(update);
    const isDecision = access.kind === "granted" || access.kind === "reminded" || access.kind === "refused";
    if (isDecision && access.kind !== this.#lastKind) this.#decisions.inc({ decision: access.kind });
    this.#lastKind = access.kind;
  }

  #updates({ state: now, running }: StatusSnapshot["update"]): void {
    for (const state of updateStates) this.#update.set({ state }, state === now ? 1 : 0);
    this.#bundle.set(running?.version ?? 0);
  }

  /** After each decided frame. */
  frame(times: FrameTimes): void {
    for (const [key, stage] of Object.entries(stages)) {
      this.#stage.observe({ stage }, times[key as keyof FrameTimes] / 1000);
    }
  }

  /** After everything that happens at the door. */
  doorEvent(event: DoorEvent): void {
    const label = labelOf(event);
    if (label !== undefined) this.#doorEvents.inc({ event: label });
  }

  cameraFault(code: ErrorCode): void {
    this.#cameraFaults.inc({ code });
  }

  provider({ provider, askedProvider, isFirstChoice }: ModelStatus): void {
    this.#provider.reset();
    this.#provider.set(
      { provider, asked_provider: askedProvider, is_first_choice: String(isFirstChoice) },
      1,
    );
  }

  [Symbol.dispose](): void {
    this.#delay.disable();
    this.#registry.clear();
  }

  #gauge(name: string, help: string, labelNames: readonly string[] = []): Gauge {
    return new Gauge({ name, help, labelNames, registers: [this.#registry] });
  }

  #counter(name: string, help: string, labelNames: readonly string[]): Counter {
    return new Counter({ name, help, labelNames, registers: [this.#registry] });
  }

  #histogram(name: string, help: string, labelNames: readonly string[]): Histogram {
    return new Histogram({ name, help, labelNames, buckets: bucketsSeconds, registers: [this.#registry] });
  }

  #cameraCounter(what: string, help: string, read: () => number | undefined): void {
    new Counter({
      name: `maskgate_frames_${what}_total`,
      help,
      registers: [this.#registry],
      collect() {
        this.reset();
        this.inc(read() ?? 0);
      },
    });
  }

  /** Since a scrape that is at least a minute old, so that several may scrape. The monitor's own pause between two looks is taken off. */
  #delayGauge(): void {
    const read = (): number => {
      const p99Ms = this.#delay.percentile(99) / 1e6;
      if (performance.now() - this.#delaySinceMs > delayWindowMs) {
        this.#delay.reset();
        this.#delaySinceMs = performance.now();
      }
      return Math.max(0, p99Ms - resolutionMs) / 1000;
    };
    new Gauge({
      name: "maskgate_event_loop_delay_p99_seconds",
      help: "99th percentile of the main thread's event loop delay",
      registers: [this.#registry],
      collect() {
        this.set(read());
      },
    });
  }
}

function labelOf(event: DoorEvent): DoorLabel | undefined {
  switch (event.kind) {
    case "door":
      return event.to;
    case "input":
      return event.reading === "on" ? inputLabels[event.input] : undefined;
    case "fire-release":
    case "exit-stuck":
      return event.isOn ? event.kind : undefined;
  }
}
