/**
 * The shape of every answer of the status socket. The client checks what it gets against it; the JSON schemas in schemas/ are
 * written from it, and the compiler holds it equal to core's `StatusSnapshot`.
 */
import { z } from "zod";
import { doorKinds, type DoorEvent, inputNames } from "../core/door-report.ts";
import { errorCodes, type ErrorCode } from "../core/errors.ts";
import { indications } from "../core/ports.ts";
import type { StatusSnapshot } from "../core/status.ts";
import { updateStates } from "../core/update-machine.ts";
import { slotNames } from "../core/update-record.ts";
import type { IsSame, Mutable } from "./same-type.ts";

const count = z.int().min(0);
const ms = z.number().min(0);
const part = z.number().min(0).max(1);

const access = z.discriminatedUnion("kind", [
  z.object({ kind: z.enum(["idle", "checking", "refused", "faulted"]) }),
  z.object({ kind: z.enum(["granted", "reminded"]), leftMs: ms }),
]);

const reading = z.enum(["on", "off", "unknown", "not-fitted"]);

const door = z.object({
  kind: z.enum(doorKinds),
  forMs: ms,
  lock: z.enum(["locked", "unlocked"]),
  leftMs: ms.nullable(),
  inputs: z.object({ contact: reading, requestToExit: reading, fireAlarm: reading, tamper: reading }),
  isFireReleased: z.boolean(),
  isExitStuck: z.boolean(),
});

const face = z.object({
  trackId: count,
  box: z.object({ x: z.number(), y: z.number(), width: z.number(), height: z.number() }),
  masked: part.nullable(),
  agreed: count,
  isDeciding: z.boolean(),
  isVisible: z.boolean(),
});

/** `GET /v1/status`, and the data of the events `state` and `frame` of `GET /v1/events`. */
export const statusSchema = z.object({
  version: z.string(),
  uptimeMs: ms,
  camera: z.object({
    state: z.enum(["starting", "streaming", "faulted", "ended"]),
    framesDelivered: count,
    framesDecided: count,
    framesSkipped: count,
    framesPerSecond: z.number().min(0),
  }),
  model: z.object({
    name: z.string(),
    version: z.string(),
    provider: z.string(),
    precision: z.enum(["float", "int8"]),
    askedProvider: z.string(),
    isFirstChoice: z.boolean(),
  }),
  policy: z.object({
    mode: z.enum(["must-wear", "remind"]),
    several: z.enum(["all", "any", "largest"]),
    threshold: part,
    leastFacePx: z.number().min(0),
    framesToGrant: z.int().min(1),
  }),
  access,
  indication: z.enum(indications),
  door,
  leds: z.object({ green: z.boolean(), red: z.boolean(), amber: z.boolean() }),
  faces: z.array(face),
  fault: z
    .object({
      source: z.enum(["camera", "sight", "vision", "door", "indicator"]),
      code: z.enum(Object.keys(errorCodes) as [ErrorCode, ...ErrorCode[]]),
      message: z.string(),
    })
    .nullable(),
  update: z.object({
    state: z.enum(updateStates),
    version: count.nullable(),
    reason: z.string().nullable(),
    sinceMs: ms,
    notice: z.enum(["under-way", "good", "bad"]).nullable(),
    running: z
      .object({
        place: z.enum([...slotNames, "packaged"]),
        id: count,
        version: count,
        bundle: z.string().nullable(),
      })
      .nullable(),
    unloadable: z.object({ id: count, reason: z.string() }).nullable(),
  }),
  stages: z
    .object({
      decodeMs: ms,
      detectMs: ms,
      cropMs: ms,
      classifyMs: ms,
      decideMs: ms,
      actuateMs: ms,
      frameToDecisionMs: ms,
    })
    .nullable(),
});

/** The data of the event `door` of `GET /v1/events`; times are those of the machine's monotonic clock. */
export const doorEventSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("door"), atMs: ms, from: z.enum(doorKinds), to: z.enum(doorKinds) }),
  z.object({ kind: z.literal("input"), atMs: ms, input: z.enum(inputNames), reading }),
  z.object({ kind: z.enum(["fire-release", "exit-stuck"]), atMs: ms, isOn: z.boolean() }),
]);

/** `GET /healthz`: 200 with `ok`, 503 with `failing`. */
export const healthSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("ok") }),
  z.object({ kind: z.literal("failing"), reason: z.string() }),
]);

/** Every answer with another status code than 200, but for `GET /healthz`. */
export const errorSchema = z.object({ error: z.string() });

export type Health = z.output<typeof healthSchema>;

/** These do not compile when a schema and core's type part. */
export const isSnapshotSchema: IsSame<z.output<typeof statusSchema>, Mutable<StatusSnapshot>> = true;

export const isDoorEventSchema: IsSame<z.output<typeof doorEventSchema>, Mutable<DoorEvent>> = true;

/** The JSON schemas by their file names in schemas/. */
export function jsonSchemas(): Readonly<Record<string, object>> {
  return {
    "status.json": z.toJSONSchema(statusSchema),
    "door-event.json": z.toJSONSchema(doorEventSchema),
    "health.json": z.toJSONSchema(healthSchema),
    "error.json": z.toJSONSchema(errorSchema),
  };
}
