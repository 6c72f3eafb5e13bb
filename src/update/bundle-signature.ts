/**
 * Keys and signatures of bundles: Ed25519 over the exact bytes of the manifest, as OpenSSL makes it too. A signature
 * names its key by an id, so that of several trusted keys one is asked.
 */
import { createHash, createPrivateKey, createPublicKey, sign, verify, type KeyObject } from "node:crypto";
import { KioskError, messageOf } from "../core/errors.ts";

/** The first 16 hex digits of the SHA-256 of a raw public key. */
export type KeyId = string;

/** A public key that a kiosk trusts. */
export interface TrustedKey {
  readonly id: KeyId;
  readonly key: KeyObject;
  /** Where it was read from, for messages. */
  readonly file: string;
}

/** Who may sign: the keys of the kiosk without those that a bundle has retired. */
export interface Trust {
  readonly keys: readonly TrustedKey[];
  readonly retired: readonly KeyId[];
}

/** A signature as it stands in a bundle. */
export interface Signature {
  readonly keyId: KeyId;
  readonly bytes: Uint8Array;
}

/** The only length of a `bundle.sig`: one line of text. */
export const signatureBytes = "ed25519 ".length + 16 + 1 + 128 + 1;

/** The text of `bundle.sig`. */
export function formatSignature({ keyId, bytes }: Signature): string {
  return `ed25519 ${keyId} ${Buffer.from(bytes).toString("hex")}\n`;
}

/**
 * The signature in a `bundle.sig`.
 * @throws KioskError bad-bundle
 */
export function parseSignature(text: Uint8Array, bundle: string): Signature {
  const found = /^ed25519 ([0-9a-f]{16}) ([0-9a-f]{128})\n$/.exec(Buffer.from(text).toString("latin1"));
  const [, keyId, hex] = found ?? [];
  if (keyId === undefined || hex === undefined) {
    throw new KioskError("bad-bundle", `${bundle}: bundle.sig is no signature; sign the bundle again`);
  }
  return { keyId, bytes: Buffer.from(hex, "hex") };
}

/**
 * Whose signature this is.
 * @throws KioskError bundle-untrusted
 */
export function signerOf(
  manifest: Uint8Array,
  { keyId, bytes }: Signature,
  trust: Trust,
  bundle: string,
): KeyId {
  if (trust.retired.includes(keyId)) {
    throw untrusted(bundle, `signed by the key ${keyId}, which was retired; sign it with a key in use`);
  }
  const trusted = trust.keys.find(({ id }) => id === keyId);
  if (trusted === undefined) {
    throw untrusted(
      bundle,
      `signed by the key ${keyId}, which this kiosk does not trust; sign it with one it does`,
    );
  }
  if (!verify(null, manifest, trusted.key, bytes)) {
    throw untrusted(
      bundle,
      `its manifest is not what the key ${keyId} signed; get the bundle from its maker again`,
    );
  }
  return keyId;
}

/** Signs the bytes of a manifest. */
export function signManifest(manifest: Uint8Array, key: KeyObject): Signature {
  return { keyId: keyIdOf(createPublicKey(key)), bytes: sign(null, manifest, key) };
}

/** The id of a public key. */
export function keyIdOf(key: KeyObject): KeyId {
  const { x = "" } = key.export({ format: "jwk" });
  return createHash("sha256").update(Buffer.from(x, "base64url")).digest("hex").slice(0, 16);
}

/**
 * A public key in PEM, as `openssl pkey -pubout` writes it.
 * @throws KioskError bad-key
 */
export function publicKey(pem: string, file: string): TrustedKey {
  if (pem.includes("PRIVATE KEY")) {
    throw badKey(file, "this is a private key; keep it with its owner and put the public one here");
  }
  const key = keyIn(pem, file, createPublicKey, "no public key; `maskgate bundle keygen` makes a pair");
  return { id: keyIdOf(key), key, file };
}

/**
 * A private key in PEM, as `openssl genpkey -algorithm ed25519` writes it.
 * @throws KioskError bad-key
 */
export function privateKey(pem: string, file: string): KeyObject {
  if (pem.includes("ENCRYPTED")) {
    throw badKey(file, "the key is encrypted; sign with openssl and give the signature with --signature");
  }
  return keyIn(pem, file, createPrivateKey, "no private key; `maskgate bundle keygen` makes a pair");
}

function keyIn(pem: string, file: string, read: (pem: string) => KeyObject, otherwise: string): KeyObject {
  if (pem.split("-----BEGIN ").length > 2)
    throw badKey(file, "holds several keys; give each a file of its own");
  let key: KeyObject;
  try {
    key = read(pem);
  } catch (cause) {
    throw new KioskError("bad-key", `${file}: ${otherwise} (${messageOf(cause)})`, { cause });
  }
  if (key.asymmetricKeyType === "ed25519") return key;
  throw badKey(
    file,
    `a key for ${key.asymmetricKeyType ?? "something else"}; bundles are signed with Ed25519`,
  );
}

function badKey(file: string, text: string): KioskError {
  return new KioskError("bad-key", `${file}: ${text}`);
}

function untrusted(bundle: string, text: string): KioskError {
  return new KioskError("bundle-untrusted", `${bundle}: ${text}`);
}
