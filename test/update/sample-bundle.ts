/** Small bundles, good ones and bad ones, made anew for each run and signed with keys that are thrown away after it. */
import { createHash, generateKeyPairSync, type KeyObject } from "node:crypto";
import { KioskError } from "../../src/core/errors.ts";
import type { Part } from "../../src/update/bundle-manifest.ts";
import { openBundle, type PartSink, type SignedManifest } from "../../src/update/bundle-reader.ts";
import { keyIdOf, signManifest, type Trust, type TrustedKey } from "../../src/update/bundle-signature.ts";
import { bundleChunks, manifestBytes, statedPart, type PartBytes } from "../../src/update/bundle-writer.ts";

/** A pair of keys and the public one as a kiosk has it. */
export interface Signer {
  readonly secret: KeyObject;
  readonly trusted: TrustedKey;
}

export function makeSigner(name: string): Signer {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  return { secret: privateKey, trusted: { id: keyIdOf(publicKey), key: publicKey, file: `${name}.pub.pem` } };
}

/** The facility's keys, and one of somebody else. */
export const facility = makeSigner("facility");
export const spare = makeSigner("spare");
export const stranger = makeSigner("stranger");

export const trust: Trust = { keys: [facility.trusted, spare.trusted], retired: [] };

/** What can be different in a sample. */
export interface Change {
  /** Fields of `bundle.json`. */
  readonly manifest?: Readonly<Record<string, unknown>>;
  /** Fields of the model's own `manifest.json`. */
  readonly model?: Readonly<Record<string, unknown>>;
  /** The graph's bytes. */
  readonly graph?: Uint8Array;
  /** Other parts than the usual ones; the manifest states them unless it is changed too. */
  readonly parts?: (parts: readonly PartBytes[]) => readonly PartBytes[];
  readonly signer?: Signer | null;
}

/** A bundle in pieces. */
export interface Sample {
  readonly manifest: Uint8Array;
  readonly parts: readonly PartBytes[];
  readonly signer: Signer | null;
}

/** A model whose pictures have one pixel, so that everything that is read stays small. */
export function sample(change: Change = {}): Sample {
  const graph = change.graph ?? Buffer.from("a graph ".repeat(100));
  const hash = createHash("sha256").update(graph).digest("hex");
  const golden = { tolerance: 0.005, masked: [0.25, 0.75] };
  const stated = {
    input: { name: "image", type: "uint8", shape: ["N", 1, 1, 3] },
    output: { name: "masked", type: "float32", shape: ["N"] },
    threshold: 0.5,
  };
  const model = {
    schema: 1,
    name: "tiny",
    version: "1.0.0",
    file: "model.onnx",
    sizeBytes: graph.length,
    sha256: hash,
    ...stated,
    ...change.model,
  };
  const usual = [
    { name: "manifest.json", bytes: Buffer.from(JSON.stringify(model)) },
    { name: "golden.json", bytes: Buffer.from(JSON.stringify(golden)) },
    { name: "golden.bin", bytes: Buffer.from([1, 2, 3, 250, 251, 252]) },
    { name: "model.onnx", bytes: graph },
  ];
  const parts = change.parts?.(usual) ?? usual;
  const manifest = {
    format: 1,
    name: "tiny",
    version: 7,
    modelVersion: "1.0.0",
    compatible: "any",
    leastDaemonVersion: "0.1.0",
    parts: parts.map(statedPart),
    ...stated,
    metrics: [{ name: "masked", label: 1, rate: 0.98, low: 0.97, high: 0.99, n: 1197 }],
    golden,
    retires: [],
    ...change.manifest,
  };
  return {
    manifest: manifestBytes(manifest),
    parts,
    signer: change.signer === undefined ? facility : change.signer,
  };
}

/** The bytes of a bundle. */
export function bytesOf({ manifest, parts, signer }: Sample): Buffer {
  const signature = signer ? signManifest(manifest, signer.secret) : undefined;
  return Buffer.concat([...bundleChunks(manifest, signature, parts)]);
}

/** The bytes of a sample with a change. */
export function bundle(change: Change = {}): Buffer {
  return bytesOf(sample(change));
}

/** Bytes in pieces of this size. */
export async function* inPieces(bytes: Uint8Array, pieceBytes = 4096): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    yield await Promise.resolve(bytes.subarray(at, at + pieceBytes));
  }
}

/** A sink that asserts the order of what it hears. */
export class MemorySink implements PartSink {
  readonly files = new Map<string, Uint8Array>();
  readonly usable: string[] = [];
  discards = 0;
  mostBytes = 0;

  write(part: Part, bytes: Uint8Array): Promise<void> {
    if (this.discards > 0 || this.usable.includes(part.name)) throw new Error(`written late: ${part.name}`);
    const whole = Buffer.concat([this.files.get(part.name) ?? new Uint8Array(0), bytes]);
    if (whole.length > part.sizeBytes) throw new Error(`more than stated: ${part.name}`);
    this.files.set(part.name, whole);
    this.mostBytes = Math.max(this.mostBytes, whole.length);
    return Promise.resolve();
  }

  verified(part: Part): Promise<void> {
    const { sha256 } = statedPart({ name: part.name, bytes: this.files.get(part.name) ?? new Uint8Array(0) });
    if (this.discards > 0 || sha256 !== part.sha256) throw new Error(`not what was stated: ${part.name}`);
    this.usable.push(part.name);
    return Promise.resolve();
  }

  discard(): Promise<void> {
    this.discards += 1;
    this.files.clear();
    this.usable.length = 0;
    return Promise.resolve();
  }
}

/** How a reading ended. */
export type Reading =
  | { readonly kind: "read"; readonly signed: SignedManifest; readonly sink: MemorySink }
  | {
      readonly kind: "refused";
      readonly error: KioskError;
      readonly sink: MemorySink;
      readonly isSigned: boolean;
    };

/** Reads a bundle to its end; what is no KioskError is thrown. */
export async function read(
  chunks: Uint8Array | AsyncIterable<Uint8Array>,
  { keys, retired }: Trust = trust,
  sink: MemorySink = new MemorySink(),
): Promise<Reading> {
  const bytes = { name: "sample.maskgate", chunks: chunks instanceof Uint8Array ? inPieces(chunks) : chunks };
  let isSigned = false;
  try {
    await using opened = await openBundle(bytes, { keys, retired });
    isSigned = true;
    await opened.readParts(sink);
    return { kind: "read", signed: opened.signed, sink };
  } catch (error) {
    if (!(error instanceof KioskError)) throw error;
    return { kind: "refused", error, sink, isSigned };
  }
}
