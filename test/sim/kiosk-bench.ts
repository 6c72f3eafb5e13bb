/** The whole loop on simulated parts in virtual time: the real door and indicator over simulated lines, camera and vision by hand. */
import type { AccessState } from "../../src/core/access.ts";
import type { ErrorCode } from "../../src/core/errors.ts";
import type { Policy } from "../../src/core/policy.ts";
import type { SightPolicy } from "../../src/core/sight.ts";
import type { FrameTimes, StatusSnapshot } from "../../src/core/status.ts";
import { updatesOff, type UpdateStatus } from "../../src/core/update-status.ts";
import type { Verdict } from "../../src/core/verdict.ts";
import { openDoor } from "../../src/io/door.ts";
import { openIndicator } from "../../src/io/indicator.ts";
import { createLog } from "../../src/io/log.ts";
import { Kiosk } from "../../src/kiosk.ts";
import { SimCamera } from "./sim-camera.ts";
import { SimLine } from "./sim-line.ts";
import { SimServiceManager } from "./sim-service-manager.ts";
import { SimVision } from "./sim-vision.ts";
import { VirtualTime } from "./virtual-time.ts";

/** Time between two frames. */
export const stepMs = 100;

export const sightPolicy: SightPolicy = { leastDetail: 6, frozenMs: 5000 };

export const benchPolicy: Policy = {
  mode: "must-wear",
  several: "all",
  threshold: 0.8,
  leastFacePx: 80,
  framesToGrant: 3,
  maxGapMs: 300,
  unlockMs: 2000,
};

/** Lets everything that was promised happen; no virtual time passes. */
export async function settle(): Promise<void> {
  for (let turns = 0; turns < 3; turns++) await new Promise((resolve) => setImmediate(resolve));
}

/** A kiosk that runs, with all that happens to it within reach. */
export class KioskBench {
  readonly time = new VirtualTime();
  readonly camera = new SimCamera(this.time);
  readonly vision = new SimVision();
  readonly service = new SimServiceManager();
  readonly line = new SimLine();
  readonly leds = { green: new SimLine(), red: new SimLine(), amber: new SimLine() };
  readonly logged: string[] = [];
  readonly cameraFaults: ErrorCode[] = [];
  readonly steps: { readonly state: AccessState; readonly times: FrameTimes | undefined }[] = [];
  /** Called after each step of the loop. */
  onStep: () => void = () => undefined;
  readonly kiosk: Kiosk;
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;
  /** "running", "resolved" or what it was rejected with. */
  outcome: unknown = "running";
  update: UpdateStatus = updatesOff;

  constructor(policy: Partial<Policy> = {}) {
    const { time, camera, vision, service } = this;
    const options = { wiring: "fail-secure", maxUnlockMs: 20_000 } as const;
    this.kiosk = new Kiosk(
      {
        ...{ version: "0.0.0", camera, vision, service, clock: time, policy: { ...benchPolicy, ...policy } },
        sight: sightPolicy,
        door: openDoor(this.line, options, time, time.schedule),
        indicator: openIndicator(this.leds, time, time.schedule),
        update: () => this.update,
        model: { ...vision.model, askedProvider: "cpu", isFirstChoice: true },
        log: createLog({ level: "info", style: "json", sink: { write: (line) => this.logged.push(line) } }),
        listener: {
          stepped: (state, times) => {
            this.steps.push({ state, times });
            this.onStep();
          },
          cameraFaulted: (code) => this.cameraFaults.push(code),
        },
      },
      time.schedule,
    );
  }

  async start(): Promise<void> {
    this.#running = this.kiosk.run(this.#stop.signal);
    this.#running.then(
      () => {
        this.outcome = "resolved";
      },
      (error: unknown) => {
        this.outcome = error;
      },
    );
    await settle();
  }

  /** Asks the loop to stop; settle to see it happen. */
  abort(): void {
    this.#stop.abort();
  }

  get isOpen(): boolean {
    return this.line.isActive;
  }

  get shining(): string {
    return (["green", "red", "amber"] as const).filter((colour) => this.leds[colour].isActive).join("+");
  }

  get now(): StatusSnapshot {
    return this.kiosk.snapshot();
  }

  get access(): StatusSnapshot["access"]["kind"] {
    return this.now.access.kind;
  }

  /** One frame after a step of time; with nobody in it, if nobody is given. */
  async frame(...verdicts: readonly Verdict[]): Promise<void> {
    await this.wait(stepMs);
    this.camera.show(...verdicts);
    await settle();
  }

  async frames(count: number, ...verdicts: readonly Verdict[]): Promise<void> {
    for (let n = 0; n < count; n++) await this.frame(...verdicts);
  }

  /** Time without frames. */
  async wait(ms: number): Promise<void> {
    this.time.advance(ms);
    await settle();
  }
}
