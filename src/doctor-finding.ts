/** One row of `maskgate doctor`. */
import { messageOf } from "./core/errors.ts";

export interface Finding {
  readonly name: string;
  /** `warn`: it works, but not as it was asked to, or not for long. `info`: nothing can be wrong with it. */
  readonly kind: "ok" | "info" | "warn" | "fail";
  readonly text: string;
  /** What to do; of `warn` and `fail`. */
  readonly mend?: string;
}

export const ok = (name: string, text: string): Finding => ({ name, kind: "ok", text });
export const info = (name: string, text: string): Finding => ({ name, kind: "info", text });
export const warn = (name: string, text: string, mend: string): Finding => ({
  name,
  kind: "warn",
  text,
  mend,
});
export const fail = (name: string, text: string, mend: string): Finding => ({
  name,
  kind: "fail",
  text,
  mend,
});

/** An error of ours says cause and mend in one sentence, parted by "; ". */
export function failed(name: string, error: unknown): Finding {
  const message = messageOf(error);
  const at = message.lastIndexOf("; ");
  return at === -1
    ? fail(name, message, "see the message; run it again")
    : fail(name, message.slice(0, at), message.slice(at + 2));
}

const marks = { ok: "ok  ", info: "    ", warn: "warn", fail: "FAIL" } as const;

/** Wide enough for all names that are not a path of somebody's own. */
const nameWidth = 26;

/** Rows of the table for people; what to do stands below its row. */
export function findingsText(findings: readonly Finding[], width = nameWidth): string {
  return findings
    .flatMap(({ name, kind, text, mend }) => [
      `${marks[kind]}  ${name.padEnd(width)}  ${text}`,
      ...(mend === undefined ? [] : [`      ${"".padEnd(width)}  -> ${mend}`]),
    ])
    .join("\n");
}
