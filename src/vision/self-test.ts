/**
 * The classifier's self-test before it may speak at a door: pictures of nobody, made by a rule, and what the trainer's
 * own run of the same graph said of them. A provider that computes something else is refused.
 */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { KioskError, messageOf } from "../core/errors.ts";
import { cropPx } from "./crop.ts";

/** What a graph must say of the self-test's pictures, and by how much it may differ. */
export const goldenSchema = z.object({
  tolerance: z.number().positive().max(0.05),
  masked: z.array(z.number().min(0).max(1)).min(1).max(64),
});

export type Golden = z.infer<typeof goldenSchema>;

/**
 * Runs the self-test of the graph in `file` and compares with what its trainer's run gave.
 * @throws KioskError bad-model
 */
export async function selfTest(
  file: string,
  golden: Golden,
  classify: (crops: readonly Uint8Array[]) => Promise<number[]>,
): Promise<void> {
  const given = await classify(golden.masked.map((_, k) => goldenPicture(k)));
  for (const [k, wanted] of golden.masked.entries()) {
    const got = given[k] ?? Number.NaN;
    if (Math.abs(got - wanted) <= golden.tolerance) continue;
    const difference = `gives ${got} for picture ${k} where its trainer got ${wanted}`;
    throw new KioskError(
      "bad-model",
      `${file}: the self-test fails: the model ${difference}; install the model again, or change model.providers or model.precision`,
    );
  }
}

/** The picture of number `k`, 112 x 112 x 3 bytes: the rule is written in the trainer's export.py and in golden.json. */
export function goldenPicture(k: number): Uint8Array {
  const bytes = new Uint8Array(cropPx * cropPx * 3);
  let s = 1000 + k;
  for (let i = 0; i < bytes.length; i += 1) {
    s = (s * 48271) % 2147483647;
    const x = Math.floor(i / 3) % cropPx;
    const y = Math.floor(i / (3 * cropPx));
    const slope = (x * (k + 1) + y * ((i % 3) + 1)) % 256;
    bytes[i] = Math.floor((3 * slope + (s % 256)) / 4);
  }
  return bytes;
}

/**
 * The golden.json of a model's folder; a folder without one has no self-test.
 * @throws KioskError bad-model
 */
export async function readGolden(folder: string): Promise<Golden | undefined> {
  const file = path.join(folder, "golden.json");
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw new KioskError(
      "bad-model",
      `${file}: cannot be read: ${messageOf(error)}; install the model again`,
    );
  });
  if (text === undefined) return undefined;
  try {
    return goldenSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new KioskError("bad-model", `${file}: is not what the self-test needs; install the model again`, {
      cause,
    });
  }
}
