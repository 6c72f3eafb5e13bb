/**
 * What a bundle says of its model must be what the model's own manifest says: a bundle that is put together of two
 * models is refused before either is used.
 */
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { KioskError } from "../core/errors.ts";
import { fixedParts, issuesOf, jsonOf, type BundleManifest } from "./bundle-manifest.ts";

const graph = { file: z.string(), sizeBytes: z.number(), sha256: z.string() };

/** What both state, of the model's `manifest.json`. */
const modelSchema = z.object({
  name: z.string(),
  version: z.string(),
  ...graph,
  variants: z.array(z.object(graph)).max(1).default([]),
  input: z.object({ name: z.string(), type: z.string(), shape: z.array(z.unknown()) }),
  output: z.object({ name: z.string(), type: z.string(), shape: z.array(z.unknown()) }),
  threshold: z.number(),
});

const goldenSchema = z.object({ tolerance: z.number(), masked: z.array(z.number()) });

/** What the files of a model's folder say that a bundle's manifest repeats; not checked any further. */
export interface ModelStatements {
  readonly fields: Readonly<
    Record<"name" | "modelVersion" | "input" | "output" | "threshold" | "golden", unknown>
  >;
  readonly graphs: readonly { readonly name: string; readonly sizeBytes: number; readonly sha256: string }[];
}

/**
 * Takes them from `manifest.json` and `golden.json`.
 * @throws KioskError bad-bundle
 */
export function modelFields(manifestJson: Uint8Array, goldenJson: Uint8Array, from: string): ModelStatements {
  const model = parsed(modelSchema, manifestJson, `${from}: manifest.json`);
  const golden = parsed(goldenSchema, goldenJson, `${from}: golden.json`);
  const { name, version: modelVersion, input, output, threshold } = model;
  return {
    fields: { name, modelVersion, input, output, threshold, golden },
    graphs: [model, ...model.variants].map(({ file, sizeBytes, sha256 }) => ({
      name: file,
      sizeBytes,
      sha256,
    })),
  };
}

/**
 * Refuses a bundle whose manifest says something else than its model's files.
 * @throws KioskError bad-bundle
 */
export function checkAgreement(
  manifest: BundleManifest,
  files: { readonly manifestJson: Uint8Array; readonly goldenJson: Uint8Array },
  bundle: string,
): void {
  const { fields, graphs } = modelFields(files.manifestJson, files.goldenJson, bundle);
  const said = { ...fields, graphs };
  const stated = { ...manifest, graphs: manifest.parts.slice(fixedParts.length) };
  for (const field of Object.keys(said) as (keyof typeof said)[]) {
    if (isDeepStrictEqual(said[field], stated[field])) continue;
    const text = `bundle.json and the model's own files differ in ${field}; make the bundle anew`;
    throw new KioskError("bad-bundle", `${bundle}: ${text}`);
  }
}

function parsed<Schema extends z.ZodType>(schema: Schema, bytes: Uint8Array, what: string): z.infer<Schema> {
  const result = schema.safeParse(jsonOf(bytes, what));
  if (result.success) return result.data;
  throw new KioskError("bad-bundle", `${what}: ${issuesOf(result.error)}; export the model anew`);
}
