/** Keys of bundles as files: the folder of those that a kiosk trusts, and pairs that are made anew. */
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { readFile, readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { KioskError, messageOf } from "./core/errors.ts";
import { keyIdOf, privateKey, publicKey, type KeyId, type TrustedKey } from "./update/bundle-signature.ts";

/** Where a kiosk has them. */
export const trustedKeysFolder = "/etc/maskgate/keys";

/** No key in PEM is longer. */
const keyFileBytes = 64 * 1024;

/**
 * All public keys `*.pem` of a folder. A file that is none refuses the folder: a key that silently does not count is
 * found out when an update is needed.
 * @throws KioskError bad-key
 */
export async function trustedKeys(folder: string): Promise<readonly TrustedKey[]> {
  const names = await readdir(folder).catch((cause: unknown) => {
    throw badKey(folder, `cannot be read: ${messageOf(cause)}; name a folder of public keys`, cause);
  });
  const files = names.filter((name) => name.endsWith(".pem") && !name.startsWith(".")).sort();
  const keys = await Promise.all(files.map((name) => readPublicKey(path.join(folder, name))));
  const [first] = keys;
  if (!first)
    throw badKey(folder, "holds no key *.pem; put the public key there that bundles are signed with");
  for (const [k, { id, file }] of keys.entries()) {
    const same = keys.slice(0, k).find((other) => other.id === id);
    if (same) throw badKey(file, `has the id of ${same.file}; remove one of them`);
  }
  return keys;
}

/** @throws KioskError bad-key */
export async function readPublicKey(file: string): Promise<TrustedKey> {
  return publicKey(await pemOf(file), file);
}

/** @throws KioskError bad-key */
export async function readPrivateKey(file: string): Promise<KeyObject> {
  return privateKey(await pemOf(file), file);
}

/**
 * Writes `<name>.key.pem`, which only its owner can read, and `<name>.pub.pem`. Neither may be there before.
 * @throws KioskError bad-key
 */
export async function makeKeyPair(
  name: string,
): Promise<{ readonly id: KeyId; readonly files: readonly string[] }> {
  const pair = generateKeyPairSync("ed25519");
  const [secret, open] = [`${name}.key.pem`, `${name}.pub.pem`];
  await writeNew(secret, pair.privateKey.export({ type: "pkcs8", format: "pem" }), 0o600);
  await writeNew(open, pair.publicKey.export({ type: "spki", format: "pem" }), 0o644);
  return { id: keyIdOf(pair.publicKey), files: [secret, open] };
}

async function writeNew(file: string, text: string | Buffer, mode: number): Promise<void> {
  await writeFile(file, text, { mode, flag: "wx" }).catch((cause: unknown) => {
    throw badKey(file, `cannot be written: ${messageOf(cause)}; choose another name`, cause);
  });
}

async function pemOf(file: string): Promise<string> {
  const bytes = await readFile(file).catch((cause: unknown) => {
    throw badKey(file, `cannot be read: ${messageOf(cause)}; name a key in PEM`, cause);
  });
  if (bytes.length > keyFileBytes) throw badKey(file, "is too long for a key; name a key in PEM");
  return bytes.toString("latin1");
}

function badKey(file: string, text: string, cause?: unknown): KioskError {
  return new KioskError("bad-key", `${file}: ${text}`, { cause });
}
