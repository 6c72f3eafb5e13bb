/** Puts a signature into a bundle's file. What is signed is checked to its last byte first; the parts stay as they are. */
import { verify } from "node:crypto";
import { readFile } from "node:fs/promises";
import { bundleFile, writeWhole } from "./bundle-file.ts";
import { KioskError, messageOf } from "./core/errors.ts";
import type { BundleManifest } from "./update/bundle-manifest.ts";
import { openUnverified, type UnverifiedManifest } from "./update/bundle-reader.ts";
import type { KeyId, Signature, TrustedKey } from "./update/bundle-signature.ts";
import { bundleChunks, type PartBytes } from "./update/bundle-writer.ts";

/** What was signed, and by whom. */
export interface Signed {
  readonly manifest: BundleManifest;
  readonly keyId: KeyId;
}

/**
 * Reads the bundle whole, has its manifest signed, and writes it in place of the one that was there.
 * @throws KioskError bad-bundle, bundle-unreadable, and what `signer` throws
 */
export async function rewriteSigned(
  file: string,
  signer: (head: UnverifiedManifest) => Promise<Signature>,
): Promise<Signed> {
  await using bundle = await openUnverified(bundleFile(file));
  const parts = new Map<string, Uint8Array[]>();
  await bundle.readParts({
    write: ({ name }, bytes) => {
      const pieces = parts.get(name) ?? [];
      parts.set(name, pieces);
      pieces.push(bytes.slice());
      return Promise.resolve();
    },
    verified: () => Promise.resolve(),
    discard: () => Promise.resolve(),
  });
  const signature = await signer(bundle.signed);
  const whole = [...parts].map(([name, pieces]): PartBytes => ({ name, bytes: Buffer.concat(pieces) }));
  await writeWhole(file, bundleChunks(bundle.signed.manifestBytes, signature, whole));
  return { manifest: bundle.signed.manifest, keyId: signature.keyId };
}

/**
 * A signature that was made elsewhere, after a look that it is one of this manifest.
 * @throws KioskError bad-key
 */
export async function signatureFrom(
  given: { readonly made: string; readonly key: TrustedKey } | undefined,
  manifestBytes: Uint8Array,
): Promise<Signature> {
  if (given === undefined) throw new Error("no signature was given");
  const bytes = await readFile(given.made).catch((cause: unknown) => {
    throw new KioskError("bad-key", `${given.made}: cannot be read: ${messageOf(cause)}; name a signature`, {
      cause,
    });
  });
  if (bytes.length === 64 && verify(null, manifestBytes, given.key.key, bytes))
    return { keyId: given.key.id, bytes };
  const text = `is no signature of this bundle's manifest by ${given.key.file}; sign bundle.json of this very bundle`;
  throw new KioskError("bad-key", `${given.made}: ${text}`);
}
