/** Keys as files give them: what is no Ed25519 key, or not the half that is wanted, is refused in one line. */
import assert from "node:assert/strict";
import { createHash, generateKeyPairSync } from "node:crypto";
import { describe, it } from "node:test";
import { KioskError } from "../../src/core/errors.ts";
import {
  formatSignature,
  keyIdOf,
  parseSignature,
  privateKey,
  publicKey,
  signManifest,
  signatureBytes,
} from "../../src/update/bundle-signature.ts";
import { facility } from "./sample-bundle.ts";

const pair = generateKeyPairSync("ed25519");
const secretPem = pair.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
const openPem = pair.publicKey.export({ type: "spki", format: "pem" }).toString();

function assertBadKey(read: () => unknown, says: RegExp): void {
  assert.throws(read, (error) => {
    assert.ok(error instanceof KioskError && error.code === "bad-key");
    assert.match(error.message, says);
    assert.doesNotMatch(error.message, /\n/);
    return true;
  });
}

describe("keys", () => {
  it("have the id of their raw public key's SHA-256", () => {
    const raw = pair.publicKey.export({ type: "spki", format: "der" }).subarray(-32);
    const id = createHash("sha256").update(raw).digest("hex").slice(0, 16);
    assert.equal(keyIdOf(pair.publicKey), id);
    assert.equal(publicKey(openPem, "a.pem").id, id);
    assert.equal(signManifest(Buffer.from("x"), privateKey(secretPem, "a.pem")).keyId, id);
  });

  it("that are private are refused where a public one is wanted", () => {
    assertBadKey(
      () => publicKey(secretPem, "a.pem"),
      /a\.pem: this is a private key; keep it with its owner/,
    );
  });

  it("of other kinds are refused", () => {
    const rsa = generateKeyPairSync("rsa", { modulusLength: 1024 });
    const pem = rsa.publicKey.export({ type: "spki", format: "pem" }).toString();
    assertBadKey(() => publicKey(pem, "a.pem"), /a\.pem: a key for rsa; bundles are signed with Ed25519/);
    const secret = rsa.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
    assertBadKey(() => privateKey(secret, "a.pem"), /a\.pem: a key for rsa/);
  });

  it("that are several, none, or encrypted are refused", () => {
    assertBadKey(() => publicKey(openPem + openPem, "a.pem"), /holds several keys; give each a file/);
    assertBadKey(() => publicKey("hello", "a.pem"), /a\.pem: no public key; .* makes a pair/);
    assertBadKey(() => privateKey(openPem, "a.pem"), /a\.pem: no private key; /);
    const options = { type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "x" } as const;
    const encrypted = pair.privateKey.export(options).toString();
    assertBadKey(() => privateKey(encrypted, "a.pem"), /the key is encrypted; sign with openssl/);
  });
});

it("a signature has one form", () => {
  const signature = signManifest(Buffer.from("manifest"), facility.secret);
  const text = Buffer.from(formatSignature(signature));
  assert.equal(text.length, signatureBytes);
  const parsed = parseSignature(text, "b");
  assert.deepEqual({ ...parsed, bytes: [...parsed.bytes] }, { ...signature, bytes: [...signature.bytes] });
  for (const other of [
    text.subarray(1),
    Buffer.concat([text, text]),
    Buffer.from(`${text.toString().trim()} `),
  ]) {
    assert.throws(() => parseSignature(other, "b"), /b: bundle\.sig is no signature; sign/);
  }
});
