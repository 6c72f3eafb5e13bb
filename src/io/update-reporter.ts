/**
 * Tells the daemon what the updater does, through a small file that is replaced every two seconds: a report of work that
 * stands still is of an updater that is gone. What cannot be told is logged and stops no update. Reasons quote what is on a stick.
 */
import { chmodSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { messageOf } from "../core/errors.ts";
import { isOver, versionOf, type UpdateState } from "../core/update-machine.ts";
import { noticeMs } from "../core/update-status.ts";
import { plainText } from "../core/plain-text.ts";
import type { Log } from "./log.ts";
import { reportFile, type UpdateReport } from "./update-files.ts";

const beatMs = 2000;

/** Owns the timer. */
export class UpdateReporter implements Disposable {
  readonly #file: string;
  readonly #log: Log;
  readonly #timer: NodeJS.Timeout;
  #report: UpdateReport | undefined;

  constructor(runFolder: string, log: Log) {
    this.#file = reportFile(runFolder);
    this.#log = log;
    this.#timer = setInterval(() => {
      if (!this.#isOthersNews()) this.#write();
    }, beatMs).unref();
  }

  /** Says a state, and again until the next one. */
  tell(state: UpdateState): void {
    const reason = reasonOf(state);
    const last = this.#report;
    const version = versionOf(state);
    if (last?.state === state.kind && last.version === version && last.reason === reason) return;
    this.#report = { beat: last?.beat ?? 0, state: state.kind, version, reason };
    const isBad = state.kind === "refused" || state.kind === "failed" || state.kind === "rolled-back";
    this.#log[isBad ? "error" : "info"]({ state: state.kind, version, reason }, `update ${state.kind}`);
    this.#write();
    if (isOver(state)) clearInterval(this.#timer);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  /** Why another one's stick was not taken is worth more than that this work goes on, for as long as the LEDs show it. */
  #isOthersNews(): boolean {
    try {
      const ageMs = Date.now() - statSync(this.#file).mtimeMs;
      if (ageMs < 0 || ageMs >= noticeMs) return false;
      const { state } = JSON.parse(readFileSync(this.#file, "utf8")) as Partial<UpdateReport>;
      return (state === "refused" || state === "failed") && state !== this.#report?.state;
    } catch {
      return false;
    }
  }

  #write(): void {
    if (this.#report === undefined) return;
    this.#report = { ...this.#report, beat: this.#report.beat + 1 };
    try {
      writeFileSync(`${this.#file}.new`, JSON.stringify(this.#report));
      chmodSync(`${this.#file}.new`, 0o644);
      renameSync(`${this.#file}.new`, this.#file);
    } catch (error) {
      this.#log.warn(
        `${this.#file}: cannot be written, the daemon does not hear of this: ${messageOf(error)}`,
      );
    }
  }
}

function reasonOf(state: UpdateState): string | null {
  return "reason" in state && state.reason !== null ? plainText(state.reason) : null;
}
