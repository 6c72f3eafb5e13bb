/** Writes bundles, in the one form that the reader takes. */
import { createHash } from "node:crypto";
import { manifestName, signatureName, type Part } from "./bundle-manifest.ts";
import { formatSignature, type Signature } from "./bundle-signature.ts";
import { endBytes, paddingBytes, tarHeader } from "./tar-block.ts";

/** A part with its bytes. */
export interface PartBytes {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** The bytes of a manifest: what is signed. */
export function manifestBytes(manifest: object): Uint8Array {
  return Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`);
}

/** What a manifest states of a part. */
export function statedPart({ name, bytes }: PartBytes): Part {
  return { name, sizeBytes: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") };
}

/** The chunks of a bundle; without a signature it is one that only `bundle sign` takes. */
export function* bundleChunks(
  manifest: Uint8Array,
  signature: Signature | undefined,
  parts: Iterable<PartBytes>,
): Generator<Uint8Array> {
  yield* entry(manifestName, manifest);
  if (signature !== undefined) yield* entry(signatureName, Buffer.from(formatSignature(signature)));
  for (const { name, bytes } of parts) yield* entry(name, bytes);
  yield new Uint8Array(endBytes);
}

function* entry(name: string, bytes: Uint8Array): Generator<Uint8Array> {
  yield tarHeader(name, bytes.length);
  yield bytes;
  yield new Uint8Array(paddingBytes(bytes.length));
}
