/** Whether what describes a slot's model is what its bundle brought: the graph is held to its manifest, and this holds that to the record. */
import { createHash } from "node:crypto";
import path from "node:path";
import { KioskError, messageOf } from "./core/errors.ts";
import type { Disk } from "./io/disk.ts";
import { manifestName, parseManifest } from "./update/bundle-manifest.ts";

/** Small files that nothing else vouches for once they lie on the disk. */
const described: readonly string[] = ["manifest.json", "golden.json"];

/**
 * `bundle` is the SHA-256 of the bundle's manifest, which the updater leaves beside the model.
 * @throws KioskError bad-model
 */
export async function needAsSigned(disk: Disk, folder: string, bundle: string): Promise<void> {
  const manifestBytes = await needBytes(disk, path.join(folder, manifestName), bundle);
  const { parts } = parseManifest(manifestBytes, folder);
  for (const { name, sha256 } of parts)
    if (described.includes(name)) await needBytes(disk, path.join(folder, name), sha256);
}

async function needBytes(disk: Disk, file: string, sha256: string): Promise<Uint8Array> {
  const mend = "bring its bundle again";
  const bytes = await disk.read(file).catch((cause: unknown) => {
    throw new KioskError("bad-model", `${file}: cannot be read: ${messageOf(cause)}; ${mend}`, { cause });
  });
  if (bytes === undefined) throw new KioskError("bad-model", `${file}: is not there; ${mend}`);
  if (createHash("sha256").update(bytes).digest("hex") === sha256) return bytes;
  throw new KioskError("bad-model", `${file}: is not what its bundle brought; ${mend}`);
}
