/** What the loop is made of, and what hears of it. */
import type { AccessState } from "./core/access.ts";
import type { ErrorCode } from "./core/errors.ts";
import type { Policy } from "./core/policy.ts";
import type { Camera, Clock, Door, Indicator, ServiceManager, Vision } from "./core/ports.ts";
import type { SightPolicy } from "./core/sight.ts";
import type { FrameTimes, ModelStatus } from "./core/status.ts";
import type { UpdateStatus } from "./core/update-status.ts";
import type { Log } from "./io/log.ts";

export interface KioskParts {
  readonly version: string;
  readonly camera: Camera;
  readonly vision: Vision;
  readonly door: Door;
  readonly indicator: Indicator;
  readonly service: ServiceManager;
  readonly clock: Clock;
  readonly policy: Policy;
  readonly sight: SightPolicy;
  readonly model: ModelStatus;
  /** Of a kiosk whose model can change; else updates are off. */
  readonly update?: () => UpdateStatus;
  readonly log: Log;
  readonly listener: KioskListener;
}

/** What a model brings with it: it changes as one, between two frames. */
export interface Eyes {
  readonly vision: Vision;
  readonly model: ModelStatus;
  readonly policy: Policy;
}

/** Hears of everything after it has taken effect. */
export interface KioskListener {
  /** After every cycle; `times` only if a frame was decided in it. */
  stepped(state: AccessState, times?: FrameTimes): void;
  /** The camera came to be at fault. */
  cameraFaulted(code: ErrorCode): void;
}
