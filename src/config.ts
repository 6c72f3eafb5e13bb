/**
 * Reads the configuration: one TOML file in, a checked and frozen `Config` out. Whatever is wrong with it comes back at once as
 * one KioskError "bad-config", one line for each problem, with the file, the key's full name, the value and what is allowed.
 */
import { readFileSync } from "node:fs";
import { parse, TomlError } from "smol-toml";
import { contradictions } from "./config-check.ts";
import { type Config, configSchema } from "./config-schema.ts";
import { allowed, configNode, configTable, type Node } from "./config-table.ts";
import { nearestKey } from "./config-nearest.ts";
import { KioskError, messageOf } from "./core/errors.ts";

type Path = readonly PropertyKey[];
type Issue = NonNullable<ReturnType<typeof configSchema.safeParse>["error"]>["issues"][number];

/** The configuration of a file, or the documented defaults without one. */
export function loadConfig(file: string | undefined): Config {
  return file === undefined ? parseConfig("", "(defaults)") : parseConfig(readText(file), file);
}

/** The configuration that a TOML text describes; `file` is what the errors call it. */
export function parseConfig(text: string, file: string): Config {
  const given = parseToml(text, file);
  const result = configSchema.safeParse(given);
  if (!result.success) {
    const lines = result.error.issues.flatMap((issue) => explain(issue, given));
    throw new KioskError("bad-config", lines.map((line) => `${file}: ${line}`).join("\n"));
  }
  const problems = contradictions(result.data);
  if (problems.length > 0) {
    const lines = problems.map((problem) => refusal(problem.key, problem.value, problem.allowed));
    throw new KioskError("bad-config", lines.map((line) => `${file}: ${line}`).join("\n"));
  }
  return freeze(result.data);
}

function readText(file: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(file));
  } catch (error) {
    throw new KioskError("bad-config", `${file}: ${readFailure(error)}`, { cause: error });
  }
}

function readFailure(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  switch (code) {
    case "ENOENT":
      return "there is no such file; give --config the path of a TOML file, or leave it out for the defaults";
    case "EISDIR":
      return "this is a folder; give --config the path of a TOML file";
    case "EACCES":
      return "no permission to read it";
    case "ERR_ENCODING_INVALID_ENCODED_DATA":
      return "this is no text in UTF-8";
    default:
      return `cannot be read: ${messageOf(error)}`;
  }
}

function parseToml(text: string, file: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const reason = (error.message.split("\n")[0] ?? "").replace(/^Invalid TOML document: /, "");
    const line = text.split(/\r?\n/)[error.line - 1] ?? "";
    throw new KioskError(
      "bad-config",
      `${file}:${error.line}:${error.column}: not TOML: ${reason}: ${clipped(line.trim())}`,
      { cause: error },
    );
  }
}

function explain(issue: Issue, given: unknown): readonly string[] {
  const root = configNode();
  if (issue.code === "unrecognized_keys") return issue.keys.map((key) => unknownKey([...issue.path, key]));
  return [refusal(nameOf(issue.path), valueAt(given, issue.path), allowed(nodeAt(root, issue.path)))];
}

function unknownKey(path: Path): string {
  const key = nameOf(path);
  const near = nearestKey(
    key,
    configTable().map((row) => row.key),
  );
  const hint = near === undefined ? "`maskgate config` lists all keys" : `did you mean ${near}?`;
  return `unknown key ${key}; ${hint}`;
}

function refusal(key: string, value: unknown, allowedText: string): string {
  return `${key} = ${clipped(shown(value))} is not allowed; allowed: ${allowedText}`;
}

function nameOf(path: Path): string {
  return path.reduce<string>((name, step) => {
    if (typeof step === "number") return `${name}[${step}]`;
    return name === "" ? String(step) : `${name}.${String(step)}`;
  }, "");
}

function valueAt(given: unknown, path: Path): unknown {
  return path.reduce<unknown>((value, step) => (value as Record<PropertyKey, unknown>)[step], given);
}

function nodeAt(root: Node, path: Path): Node {
  return path.reduce<Node>(
    (node, step) => (typeof step === "number" ? node.items : node.properties?.[String(step)]) ?? {},
    root,
  );
}

function shown(value: unknown): string {
  return typeof value === "bigint" || Number.isNaN(value) || value === Infinity || value === -Infinity
    ? String(value)
    : JSON.stringify(value);
}

function clipped(text: string): string {
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}

function freeze<T extends object>(value: T): T {
  for (const child of Object.values(value)) {
    if (typeof child === "object" && child !== null) freeze(child as object);
  }
  return Object.freeze(value);
}
