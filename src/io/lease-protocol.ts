/**
 * What daemon and holder say to each other on the lease socket: one JSON object a line, each with the protocol's version and the
 * sender's monotonic time. Both read the clock of one machine, so a receiver knows how old a message is, and the end of a lease is a
 * point in time: an order that waited in a buffer can neither open the door late nor keep it open longer.
 */
import { z } from "zod";
import { doorKinds, type DoorReport } from "../core/door-report.ts";
import { errorCodes, messageOf, type ErrorCode } from "../core/errors.ts";
import { indications, type DoorState, type Indication } from "../core/ports.ts";

/** Raised whenever a message changes: daemon and holder come from one installation, and any other pair must not talk. */
export const leaseVersion = 3;
/** Longest line with its line break. */
export const longestLineBytes = 4096;

const reading = z.enum(["on", "off", "unknown", "not-fitted"]);
const failure = z.strictObject({
  code: z.enum(Object.keys(errorCodes) as [ErrorCode, ...ErrorCode[]]),
  message: z.string(),
});
const head = { version: z.literal(leaseVersion), sentAtMs: z.number().min(0) };

/** Daemon to holder. Levels, not edges: each cycle says them again. */
export const orderSchema = z.discriminatedUnion("kind", [
  z.strictObject({ ...head, kind: z.literal("lock") }),
  z.strictObject({ ...head, kind: z.literal("unlock"), untilMs: z.number() }),
  z.strictObject({ ...head, kind: z.literal("indicate"), indication: z.enum(indications) }),
]);

const state = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("locked") }),
  // JSON has no infinity, which is how long a fire alarm may last: null.
  z.strictObject({ kind: z.literal("unlocked"), untilMs: z.number().nullable() }),
]);

const report = z.strictObject({
  kind: z.enum(doorKinds),
  sinceMs: z.number(),
  inputs: z.strictObject({
    contact: reading,
    requestToExit: reading,
    fireAlarm: reading,
    tamper: reading,
  }),
  isFireReleased: z.boolean(),
  isExitStuck: z.boolean(),
  spentUntilMs: z.number().nullable(),
  fault: failure.nullable(),
});

/** Holder to daemon: on every change and as a heartbeat. */
export const answerSchema = z.discriminatedUnion("kind", [
  z.strictObject({
    ...head,
    kind: z.literal("report"),
    /** `sentAtMs` of the newest order that was obeyed; null before the first. */
    heardAtMs: z.number().nullable(),
    state,
    door: report,
    leds: z.strictObject({ green: z.boolean(), red: z.boolean(), amber: z.boolean() }),
    /** What obeying the newest orders met. */
    failures: z.strictObject({ door: failure.nullable(), indicator: failure.nullable() }),
  }),
  z.strictObject({ ...head, kind: z.literal("refused"), reason: z.string() }),
]);

export type Order = z.output<typeof orderSchema>;
export type Answer = z.output<typeof answerSchema>;
/** The state of everything behind the socket. */
export type Account = Extract<Answer, { kind: "report" }>;

/** What a line says, or why it says nothing. */
export type Parsed<Message> =
  | { readonly kind: "message"; readonly message: Message }
  | { readonly kind: "nonsense"; readonly reason: string };

/** Reads one line strictly: no unknown key, no other version. */
export function parseLine<Schema extends z.ZodType>(schema: Schema, line: string): Parsed<z.output<Schema>> {
  const found = schema.safeParse(jsonOf(line));
  if (found.success) return { kind: "message", message: found.data };
  const [issue] = found.error.issues;
  const where = issue?.path.join(".") ?? "";
  return { kind: "nonsense", reason: `${where === "" ? "message" : where}: ${issue?.message ?? "unusable"}` };
}

/** One line, with its break. */
export function lineOf(message: Order | Answer): string {
  return `${JSON.stringify(message)}\n`;
}

/** An expected failure as it travels. */
export function failureOf(error: { readonly code: ErrorCode; readonly message: string }): {
  code: ErrorCode;
  message: string;
} {
  return { code: error.code, message: error.message.slice(0, 500) };
}

/** The lock's state as it travels, and back. */
export function sentState(state: DoorState): Account["state"] {
  if (state.kind === "locked") return { kind: "locked" };
  return { kind: "unlocked", untilMs: Number.isFinite(state.untilMs) ? state.untilMs : null };
}

export function heardState(state: Account["state"]): DoorState {
  return state.kind === "locked" ? state : { kind: "unlocked", untilMs: state.untilMs ?? Infinity };
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line) as unknown;
  } catch (error) {
    return messageOf(error);
  }
}

type IsSame<A, B> = [A, B] extends [B, A] ? true : never;
type Readonly2<T> = T extends object ? { readonly [Key in keyof T]: Readonly2<T[Key]> } : T;

/** Does not compile when a schema and core's type part. */
export const isReportSchema: IsSame<Readonly2<z.output<typeof report>>, DoorReport> = true;
export const isIndicationSchema: IsSame<(typeof indications)[number], Indication> = true;
