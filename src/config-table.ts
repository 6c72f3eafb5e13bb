/** The keys of the configuration as a table, read from the schema itself: what `maskgate config` prints and what errors quote. */
import { z } from "zod";
import { configSchema } from "./config-schema.ts";

/** What of JSON schema the configuration's schema uses. */
export interface Node {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly items?: Node;
  readonly enum?: readonly string[];
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly uniqueItems?: boolean;
  readonly unit?: string;
  readonly text?: string;
}

/** One key of the configuration. `default` is absent for a key without one. */
export interface ConfigRow {
  readonly key: string;
  readonly type: string;
  readonly default?: unknown;
  readonly range: string;
  readonly unit: string;
  readonly text: string;
}

/** The configuration's schema as JSON schema; sections are nodes with `properties`. */
export function configNode(): Node {
  return z.toJSONSchema(configSchema, { io: "input" }) as Node;
}

/** All keys in the order of the schema. */
export function configTable(): readonly ConfigRow[] {
  return rowsOf(configNode(), "");
}

/** The table as text with aligned columns, or as JSON. */
export function formatConfigTable(rows: readonly ConfigRow[], as: "text" | "json"): string {
  if (as === "json") return `${JSON.stringify(rows, undefined, 2)}\n`;
  const header = ["KEY", "TYPE", "DEFAULT", "RANGE", "UNIT", "TEXT"];
  const cells = rows.map((row) => [
    row.key,
    row.type,
    row.default === undefined ? "-" : JSON.stringify(row.default),
    row.range || "-",
    row.unit || "-",
    row.text,
  ]);
  const lines = [header, ...cells];
  const widths = header.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines
    .map(
      (line) =>
        line
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join("  ")
          .trimEnd() + "\n",
    )
    .join("");
}

/** What a key may be, in words: "a whole number from 1 to 60". */
export function allowed(node: Node): string {
  if (node.properties !== undefined)
    return `a table with the keys ${Object.keys(node.properties).join(", ")}`;
  const range = rangeOf(node);
  const kind = node.enum !== undefined && node.items === undefined ? "" : kindOf(node);
  const joint =
    range !== "" && kind !== "" ? (node.enum === undefined && node.items === undefined ? " " : ", ") : "";
  const unit = node.unit === undefined ? "" : ` (${node.unit})`;
  return `${kind}${joint}${wordy(range)}${unit}`;
}

function rowsOf(node: Node, prefix: string): readonly ConfigRow[] {
  return Object.entries(node.properties ?? {}).flatMap(([name, child]) => {
    const key = prefix + name;
    if (child.properties !== undefined) return rowsOf(child, `${key}.`);
    const row = {
      key,
      type: typeOf(child),
      range: rangeOf(child),
      unit: child.unit ?? "",
      text: child.text ?? "",
    };
    return [child.default === undefined ? row : { ...row, default: child.default }];
  });
}

function typeOf(node: Node): string {
  return node.items === undefined ? (node.type ?? "") : `list of ${typeOf(node.items)}`;
}

function rangeOf(node: Node): string {
  if (node.items !== undefined)
    return `${rangeOf(node.items)}${node.uniqueItems === true ? ", each once" : ""}`;
  if (node.enum !== undefined) return node.enum.join("|");
  if (node.minimum !== undefined && node.maximum !== undefined) return `${node.minimum}..${node.maximum}`;
  return (node.minLength ?? 0) > 0 ? "not empty" : "";
}

function kindOf(node: Node): string {
  if (node.items !== undefined) return "a list of at least one";
  if (node.type === "integer") return "a whole number";
  return node.type === "boolean" ? "true or false" : `a ${node.type ?? "value"}`;
}

function wordy(range: string): string {
  const ends = /^([\d.]+?)\.\.([\d.]+)$/.exec(range);
  return ends === null ? range.replaceAll("|", " or ") : `from ${ends[1] ?? ""} to ${ends[2] ?? ""}`;
}
