/**
 * Reads a bundle once, front to back, in bounded memory. It promises:
 *  1. nothing of the manifest is parsed before the signature over its bytes is verified;
 *  2. every size is bounded before what it counts is read;
 *  3. a part counts as usable only after its SHA-256 has been compared, the bundle only after its last byte;
 *  4. one content has one form: a byte that differs anywhere, or follows the end, refuses the bundle;
 *  5. whatever fails, the sink is told to discard; what is wrong with the bundle is a KioskError with the thing and the mend,
 *     and stays the reason when discarding fails, too.
 */
import { createHash } from "node:crypto";
import { cleanUpAfter, KioskError } from "../core/errors.ts";
import { ByteSource, EndOfBytes } from "./byte-source.ts";
import {
  fixedParts,
  limits,
  manifestName,
  parseManifest,
  signatureName,
  type BundleManifest,
  type Part,
} from "./bundle-manifest.ts";
import {
  parseSignature,
  signatureBytes,
  signerOf,
  type KeyId,
  type Signature,
  type Trust,
} from "./bundle-signature.ts";
import { checkAgreement } from "./model-agreement.ts";
import { blockBytes, endBytes, headerDifference, paddingBytes, statedSize, tarHeader } from "./tar-block.ts";

/** The bytes of a bundle and what to call it in messages. */
export interface BundleBytes {
  readonly name: string;
  readonly chunks: AsyncIterable<Uint8Array>;
}

/** Where parts go as they come. Nothing that it was given may be used before `readParts` has returned. */
export interface PartSink {
  /** The next bytes of a part; they are the sink's until the promise resolves. */
  write(part: Part, bytes: Uint8Array): Promise<void>;
  /** All bytes of the part came, and they have the SHA-256 that the manifest states. */
  verified(part: Part): Promise<void>;
  /** The bundle is refused: nothing of it may be left. */
  discard(): Promise<void>;
}

/** What is known of a bundle once its signature is verified. */
export interface SignedManifest {
  readonly manifest: BundleManifest;
  readonly manifestBytes: Uint8Array;
  /** Of these bytes: the bundle's identity, since the manifest states the hash of everything else. */
  readonly manifestSha256: string;
  readonly signer: KeyId;
}

/** A bundle whose manifest is read and whose parts are not. Disposing it ends the reading of its bytes. */
export interface OpenBundle<Manifest> extends AsyncDisposable {
  readonly signed: Manifest;
  /**
   * Hands all parts to the sink, verified, up to the bundle's last byte. Once only.
   * @throws KioskError bad-bundle, and what the chunks or the sink throw
   */
  readParts(sink: PartSink): Promise<void>;
}

/**
 * Reads the manifest of a bundle that a trusted key has signed.
 * @throws KioskError bad-bundle, bundle-untrusted, and what the chunks throw
 */
export function openBundle(bytes: BundleBytes, trust: Trust): Promise<OpenBundle<SignedManifest>> {
  return opened(bytes, (head) => {
    if (head.signature === undefined) {
      const text = "the bundle is not signed; sign it with `maskgate bundle sign`";
      throw new KioskError("bundle-untrusted", `${bytes.name}: ${text}`);
    }
    const signer = signerOf(head.manifestBytes, head.signature, trust, bytes.name);
    const manifest = parseManifest(head.manifestBytes, bytes.name);
    if (manifest.retires.includes(signer)) {
      const text = `retires the key ${signer} that signed it; sign it with another trusted key`;
      throw new KioskError("bundle-untrusted", `${bytes.name}: ${text}`);
    }
    const manifestSha256 = createHash("sha256").update(head.manifestBytes).digest("hex");
    return { manifest, manifestBytes: head.manifestBytes, manifestSha256, signer };
  });
}

/** What a tool of the bundle's maker sees: nobody has vouched for any of it. */
export interface UnverifiedManifest {
  readonly manifest: BundleManifest;
  readonly manifestBytes: Uint8Array;
  readonly signature: Signature | undefined;
}

/**
 * Reads a bundle without asking who signed it, or whether anybody did: for those who make bundles, never on a kiosk.
 * @throws KioskError bad-bundle, and what the chunks throw
 */
export function openUnverified(bytes: BundleBytes): Promise<OpenBundle<UnverifiedManifest>> {
  return opened(bytes, (head) => ({ ...head, manifest: parseManifest(head.manifestBytes, bytes.name) }));
}

interface Head {
  readonly manifestBytes: Uint8Array;
  readonly signature: Signature | undefined;
  /** The header that follows, if there was no signature in its place. */
  readonly firstHeader: Uint8Array | undefined;
}

async function opened<Manifest extends { readonly manifest: BundleManifest }>(
  { name, chunks }: BundleBytes,
  vouch: (head: Head) => Manifest,
): Promise<OpenBundle<Manifest>> {
  const source = new ByteSource(chunks);
  const dispose = (): Promise<void> => source[Symbol.asyncDispose]();
  try {
    const reading = new Reading(source, name);
    const head = await reading.head();
    const signed = vouch(head);
    return {
      signed,
      readParts: (sink) => reading.parts(signed.manifest, head.firstHeader, sink),
      [Symbol.asyncDispose]: dispose,
    };
  } catch (error) {
    await cleanUpAfter(error, dispose);
    throw error;
  }
}

function isNamed(header: Uint8Array, name: string): boolean {
  return Buffer.compare(header.subarray(0, name.length + 1), Buffer.from(`${name}\0`)) === 0;
}

class Reading {
  readonly #source: ByteSource;
  readonly #name: string;
  #hasRead = false;

  constructor(source: ByteSource, name: string) {
    this.#source = source;
    this.#name = name;
  }

  /** Manifest and signature, as bytes. */
  async head(): Promise<Head> {
    const header = await this.#take(blockBytes, `the header of ${manifestName}`);
    const sizeBytes = statedSize(header) ?? 0;
    if (sizeBytes < 1 || sizeBytes > limits.manifestBytes) {
      const difference = headerDifference(header, tarHeader(manifestName, 1));
      const text = difference === "another size" ? "a size that no bundle's has" : (difference ?? "no size");
      throw this.#bad(`where the header of ${manifestName} should be there is ${text}; this is no bundle`);
    }
    this.#compare(header, manifestName, sizeBytes);
    const manifestBytes = await this.#take(sizeBytes, manifestName);
    await this.#padding(sizeBytes, manifestName);
    const next = await this.#take(blockBytes, `the header of ${signatureName}`);
    // A bundle that is not signed goes on with its first part; nothing else may stand here.
    if (isNamed(next, fixedParts[0])) return { manifestBytes, signature: undefined, firstHeader: next };
    this.#compare(next, signatureName, signatureBytes);
    const signature = parseSignature(await this.#take(signatureBytes, signatureName), this.#name);
    await this.#padding(signatureBytes, signatureName);
    return { manifestBytes, signature, firstHeader: undefined };
  }

  async parts(manifest: BundleManifest, firstHeader: Uint8Array | undefined, sink: PartSink): Promise<void> {
    if (this.#hasRead) throw new Error("the parts of a bundle are read once");
    this.#hasRead = true;
    try {
      const texts: Uint8Array[] = [];
      for (const [k, part] of manifest.parts.entries()) {
        const waiting = k === 0 ? firstHeader : undefined;
        this.#compare(
          waiting ?? (await this.#take(blockBytes, `the header of ${part.name}`)),
          part.name,
          part.sizeBytes,
        );
        const text = await this.#part(part, k < 2, sink);
        if (text !== undefined) texts.push(text);
        const [manifestJson, goldenJson] = texts;
        // Before the graphs, which are big, are read at all.
        if (k === 1 && manifestJson && goldenJson)
          checkAgreement(manifest, { manifestJson, goldenJson }, this.#name);
      }
      await this.#end();
    } catch (error) {
      await cleanUpAfter(error, () => sink.discard());
      throw error;
    }
  }

  /** One part into the sink; its bytes too, if they are few and wanted. */
  async #part(part: Part, isKept: boolean, sink: PartSink): Promise<Uint8Array | undefined> {
    const hash = createHash("sha256");
    const kept = isKept ? new Uint8Array(part.sizeBytes) : undefined;
    let at = 0;
    await this.#forward(part.sizeBytes, part.name, async (bytes) => {
      hash.update(bytes);
      kept?.set(bytes, at);
      at += bytes.length;
      await sink.write(part, bytes);
    });
    const sha256 = hash.digest("hex");
    if (sha256 !== part.sha256) {
      throw this.#bad(
        `${part.name} has the sha256 ${sha256} instead of ${part.sha256}; copy the bundle again`,
      );
    }
    await this.#padding(part.sizeBytes, part.name);
    await sink.verified(part);
    return kept;
  }

  async #end(): Promise<void> {
    const end = await this.#take(endBytes, "its end");
    if (end.some((byte) => byte !== 0)) throw this.#bad("more follows its last part; make the bundle anew");
    if (!(await this.#source.isAtEnd())) throw this.#bad("bytes follow its end; make the bundle anew");
  }

  async #padding(sizeBytes: number, what: string): Promise<void> {
    const padding = await this.#take(paddingBytes(sizeBytes), `the zeros after ${what}`);
    if (padding.some((byte) => byte !== 0))
      throw this.#bad(`bytes hide behind ${what}; make the bundle anew`);
  }

  #compare(header: Uint8Array, name: string, sizeBytes: number): void {
    const difference = headerDifference(header, tarHeader(name, sizeBytes));
    if (difference === undefined) return;
    throw this.#bad(`where the header of ${name} should be there is ${difference}; make the bundle anew`);
  }

  async #take(size: number, what: string): Promise<Uint8Array> {
    return this.#source.take(size).catch((error: unknown) => this.#explain(error, what));
  }

  async #forward(size: number, what: string, to: (bytes: Uint8Array) => Promise<void>): Promise<void> {
    await this.#source.forward(size, to).catch((error: unknown) => this.#explain(error, what));
  }

  #explain(error: unknown, what: string): never {
    if (error instanceof EndOfBytes) throw this.#bad(`it ends within ${what}; copy the bundle again`);
    throw error;
  }

  #bad(text: string): KioskError {
    return new KioskError("bad-bundle", `${this.#name}: ${text}`);
  }
}
