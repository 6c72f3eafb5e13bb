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

/** The fields of a bundle's manifest that come from the model's folder. */
export type ModelFields = Pick<
  BundleManifest,
  "name" | "modelVersion" | "input" | "output" | "threshold" | "golden"
> & {
  readonly graphs: readonly { readonly name: string; readonly sizeBytes: number; readonly sha256: string }[];
};

/**
 * What the files of a model's folder say that a bundle's manifest repeats.
 * @throws KioskError bad-bundle
 */
export function modelFields(manifestJson: Uint8Array, goldenJson: Uint8Array, from: string): Unchecked {
  const model = parsed(modelSchema, manifestJson, `${from}: manifest.json`);
  const golden = parsed(goldenSchema, goldenJson, `${from}: golden.json`);
  const { name, version: modelVersion, input, output, threshold } = model;
  const graphs = [model, ...model.variants].map(({ file, sizeBytes, sha256 }) => ({
    name: file,
    sizeBytes,
    sha256,
  }));
  return { name, modelVersion, input, output, threshold, golden, graphs };
}

/** The same fields before a bundle's manifest has been checked. */
export type Unchecked = { readonly [Field in keyof ModelFields]: unknown };

/**
 * Refuses a bundle whose manifest says something else than its model's files.
 * @throws KioskError bad-bundle
 */
export function checkAgreement(
  manifest: BundleManifest,
  files: { readonly manifestJson: Uint8Array; readonly goldenJson: Uint8Array },
  bundle: string,
): void {
  const model = modelFields(files.manifestJson, files.goldenJson, bundle);
  const stated: Unchecked = { ...manifest, graphs: manifest.parts.slice(fixedParts.length) };
  for (const field of Object.keys(model) as (keyof ModelFields)[]) {
    if (isDeepStrictEqual(model[field], stated[field])) continue;
    const text = `bundle.json and the model's own files differ in ${field}; make the bundle anew`;
    throw new KioskError("bad-bundle", `${bundle}: ${text}`);
  }
}

function parsed<Schema extends z.ZodType>(schema: Schema, bytes: Uint8Array, what: string): z.infer<Schema> {
  const result = schema.safeParse(jsonOf(bytes, what));
  if (result.success) return result.data;
  throw new KioskError("bad-bundle", `${what}: ${issuesOf(result.error)}; export the model anew`);
}
