/** A row of the bench's table, and how rows are run and shown. */
import { messageOf } from "../../src/core/errors.ts";
import type { Bench } from "./bench.ts";

export interface Row {
  /** What `--only` names. */
  readonly name: string;
  /** The guarantee, as the table says it. */
  readonly asserts: string;
  /** @returns the measured figure; throws if the guarantee does not hold */
  run(bench: Bench, options: RowOptions): Promise<string>;
}

export interface RowOptions {
  /** How often a row that draws at random does so. */
  readonly rounds: number;
}

export interface Verdict {
  readonly row: Row;
  readonly isOk: boolean;
  readonly figure: string;
}

/** Runs a row; a failure is a verdict. */
export async function judge(row: Row, bench: Bench, options: RowOptions): Promise<Verdict> {
  try {
    return { row, isOk: true, figure: await row.run(bench, options) };
  } catch (error) {
    return { row, isOk: false, figure: messageOf(error) };
  }
}

/** One line of the table; what a failure says stands below it. */
export function tableLine({ row, isOk, figure }: Verdict): string {
  const [first = "", ...more] = figure.split("\n").slice(0, 12);
  const head = `${isOk ? "ok  " : "FAIL"}  ${row.name.padEnd(14)} ${row.asserts}`;
  return [
    `${head}\n      ${"".padEnd(14)} ${first}`,
    ...more.map((line) => `      ${"".padEnd(14)} ${line}`),
    "",
  ].join("\n");
}
