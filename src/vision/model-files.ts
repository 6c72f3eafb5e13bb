/**
 * A classifier's folder: its manifest, and the graphs that the manifest vouches for: the float one, and beside it an int8
 * one for the providers that gain by it.
 */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { KioskError, messageOf } from "../core/errors.ts";
import type { Precision } from "../core/ports.ts";
import { cropPx, marginShare } from "./crop.ts";
import { goldenSchema, type Golden } from "./self-test.ts";

const file = {
  file: z.string().regex(/^[\w.-]+$/, "must be a plain file name"),
  sizeBytes: z.int().positive(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/, "must be 64 lower-case hex digits"),
};

/** A graph that some providers run in place of the float one; it never comes without its self-test. */
const variantSchema = z.object({
  precision: z.literal("int8"),
  ...file,
  providers: z.array(z.enum(["tensorrt", "cuda", "cpu"])).min(1),
  golden: goldenSchema,
});

/** What maskgate needs of manifest.json; the trainer writes more into it, for people. */
const manifestSchema = z.object({
  schema: z.literal(1),
  name: z.string().min(1),
  version: z.string().min(1),
  ...file,
  variants: z.array(variantSchema).max(1, "must be one at most").default([]),
  input: z.object({
    name: z.string(),
    type: z.literal("uint8"),
    shape: z.tuple([z.union([z.string(), z.number()]), z.literal(cropPx), z.literal(cropPx), z.literal(3)]),
  }),
  output: z.object({ name: z.string(), type: z.literal("float32") }),
  crop: z.object({ marginShare: z.literal(marginShare) }),
  threshold: z.number().min(0.05).max(0.999),
});

export type Manifest = z.infer<typeof manifestSchema>;

/** Which graph the configuration wants: `auto` takes int8 on the providers that it is made for. */
export type AskedPrecision = "auto" | Precision;

/** One graph of a model's folder, as its manifest states it. */
export interface GraphFile {
  readonly precision: Precision;
  readonly file: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  /** Of the float graph it is in golden.json. */
  readonly golden?: Golden;
}

/**
 * The graph that a provider is to run; undefined if it is asked for int8 and the model's is not made for it.
 * @throws KioskError bad-model
 */
export function graphFor(
  manifest: Manifest,
  provider: string,
  asked: AskedPrecision,
  folder: string,
): GraphFile | undefined {
  const [int8] = manifest.variants;
  if (asked === "int8" && !int8) {
    const mend = "set model.precision to auto or float, or install a model that has one";
    throw new KioskError("bad-model", `${folder}: the model has no int8 graph; ${mend}`);
  }
  const isMadeFor = int8?.providers.some((name) => name === provider) === true;
  if (asked === "int8") return isMadeFor ? int8 : undefined;
  return asked === "auto" && isMadeFor ? int8 : { ...manifest, precision: "float" };
}

/**
 * The bytes of a graph, of the size and SHA-256 that its manifest states.
 * @throws KioskError bad-model
 */
export async function readGraph(folder: string, stated: GraphFile): Promise<Uint8Array> {
  const file = path.join(folder, stated.file);
  const graph = await readFile(file).catch((cause: unknown) => {
    throw new KioskError("bad-model", `${file}: cannot be read: ${messageOf(cause)}; ${mendOf(stated)}`, {
      cause,
    });
  });
  const sha256 = createHash("sha256").update(graph).digest("hex");
  if (graph.length === stated.sizeBytes && sha256 === stated.sha256) return graph;
  const found = `${graph.length} bytes with sha256 ${sha256}`;
  const wanted = `${stated.sizeBytes} bytes with sha256 ${stated.sha256}`;
  throw new KioskError(
    "bad-model",
    `${file}: has ${found}, its manifest states ${wanted}; ${mendOf(stated)}`,
  );
}

function mendOf({ precision }: GraphFile): string {
  return `install the model again${precision === "int8" ? ", or set model.precision to float" : ""}`;
}

/** @throws KioskError bad-model */
export async function readManifest(folder: string): Promise<Manifest> {
  const file = path.join(folder, "manifest.json");
  const text = await readFile(file, "utf8").catch((cause: unknown) => {
    const mend = "model.folder must name a folder with manifest.json and the model it describes";
    throw new KioskError("bad-model", `${file}: cannot be read: ${messageOf(cause)}; ${mend}`, { cause });
  });
  const parsed = manifestSchema.safeParse(parseJson(text, file));
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map(
    (issue) => `${issue.path.join(".") || "manifest"}: ${issue.message}`,
  );
  throw new KioskError("bad-model", `${file}: ${issues.join("; ")}; install the model again`);
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new KioskError("bad-model", `${file}: is not JSON: ${messageOf(cause)}; install the model again`, {
      cause,
    });
  }
}
