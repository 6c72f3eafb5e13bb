/** A classifier's folder: its manifest, and the model file that the manifest vouches for. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { KioskError, messageOf } from "../core/errors.ts";
import { cropPx, marginShare } from "./crop.ts";

/** What maskgate needs of manifest.json; the trainer writes more into it, for people. */
const manifestSchema = z.object({
  schema: z.literal(1),
  name: z.string().min(1),
  version: z.string().min(1),
  file: z.string().regex(/^[\w.-]+$/, "must be a plain file name"),
  sizeBytes: z.int().positive(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/, "must be 64 lower-case hex digits"),
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

export interface ModelFiles {
  readonly manifest: Manifest;
  /** The ONNX graph, of the size and SHA-256 that the manifest states. */
  readonly graph: Uint8Array;
}

/** @throws KioskError bad-model */
export async function readModelFiles(folder: string): Promise<ModelFiles> {
  const manifest = await readManifest(folder);
  const file = path.join(folder, manifest.file);
  const graph = await readFile(file).catch((cause: unknown) => {
    throw new KioskError(
      "bad-model",
      `${file}: cannot be read: ${messageOf(cause)}; install the model again`,
      { cause },
    );
  });
  const sha256 = createHash("sha256").update(graph).digest("hex");
  if (graph.length !== manifest.sizeBytes || sha256 !== manifest.sha256) {
    const found = `${graph.length} bytes with sha256 ${sha256}`;
    const stated = `${manifest.sizeBytes} bytes with sha256 ${manifest.sha256}`;
    throw new KioskError(
      "bad-model",
      `${file}: has ${found}, its manifest states ${stated}; install the model again`,
    );
  }
  return { manifest, graph };
}

async function readManifest(folder: string): Promise<Manifest> {
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
