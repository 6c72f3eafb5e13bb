/** `maskgate bundle create`: a model's folder, as the trainer exports it, becomes the manifest and parts of a bundle. */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { KioskError, messageOf } from "./core/errors.ts";
import { issuesOf, parseManifest, type BundleManifest } from "./update/bundle-manifest.ts";
import type { KeyId } from "./update/bundle-signature.ts";
import { manifestBytes, statedPart, type PartBytes } from "./update/bundle-writer.ts";
import { modelFields } from "./update/model-agreement.ts";
import { readGraph, readManifest, type Manifest } from "./vision/model-files.ts";
import { goldenPicture, readGolden } from "./vision/self-test.ts";

/** What the model's folder does not say. */
export interface BundleTerms {
  readonly version: number;
  readonly compatible: BundleManifest["compatible"];
  readonly leastDaemonVersion: string;
  readonly retires: readonly KeyId[];
}

/** A bundle before it is written. */
export interface BundleContent {
  readonly manifest: BundleManifest;
  readonly manifestBytes: Uint8Array;
  readonly parts: readonly PartBytes[];
}

/**
 * Everything that goes into the bundle, checked the way a kiosk checks it.
 * @throws KioskError bad-model, bad-bundle
 */
export async function bundleOf(folder: string, terms: BundleTerms): Promise<BundleContent> {
  const model = await readManifest(folder);
  const golden = await readGolden(folder);
  if (golden === undefined) {
    const text = "golden.json is missing, so no kiosk could test the model; export it with scripts/train/run";
    throw new KioskError("bad-model", `${folder}: ${text}`);
  }
  const manifestJson = await bytesOf(folder, "manifest.json");
  const goldenJson = await bytesOf(folder, "golden.json");
  const pictures = golden.masked.map((_, k) => goldenPicture(k));
  const parts = [
    { name: "manifest.json", bytes: manifestJson },
    { name: "golden.json", bytes: goldenJson },
    { name: "golden.bin", bytes: Buffer.concat(pictures) },
    ...(await graphsOf(folder, model)),
  ];
  const { fields } = modelFields(manifestJson, goldenJson, folder);
  const metrics = metricsOf(manifestJson, folder);
  const stated = { format: 1, ...fields, ...terms, metrics, parts: parts.map(statedPart) };
  const bytes = manifestBytes(stated);
  return { manifest: parseManifest(bytes, folder), manifestBytes: bytes, parts };
}

async function graphsOf(folder: string, model: Manifest): Promise<readonly PartBytes[]> {
  const graphs: PartBytes[] = [];
  for (const stated of [{ ...model, precision: "float" as const }, ...model.variants]) {
    graphs.push({ name: stated.file, bytes: await readGraph(folder, stated) });
  }
  return graphs;
}

const ratesSchema = z.object({
  metrics: z
    .object({
      byKind: z.array(
        z.object({
          name: z.string(),
          label: z.number(),
          accepted: z.object({ rate: z.number(), low: z.number(), high: z.number(), n: z.number() }),
        }),
      ),
    })
    .nullable(),
});

/** The accepted rates that the trainer measured; of a model that was never measured it writes null. */
function metricsOf(manifestJson: Uint8Array, folder: string): readonly unknown[] {
  const parsed = ratesSchema.safeParse(JSON.parse(Buffer.from(manifestJson).toString()));
  if (!parsed.success) {
    const text = `${issuesOf(parsed.error)}; export the model anew, with metrics null if nothing was measured`;
    throw new KioskError("bad-model", `${path.join(folder, "manifest.json")}: ${text}`);
  }
  const byKind = parsed.data.metrics?.byKind ?? [];
  return byKind.map(({ name, label, accepted }) => ({ name, label, ...accepted }));
}

async function bytesOf(folder: string, name: string): Promise<Uint8Array> {
  const file = path.join(folder, name);
  return readFile(file).catch((cause: unknown) => {
    throw new KioskError("bad-model", `${file}: cannot be read: ${messageOf(cause)}; export the model anew`, {
      cause,
    });
  });
}
