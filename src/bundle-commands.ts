/** The commands on bundles: everything that was typed is checked before a byte is read or written. */
import { access } from "node:fs/promises";
import { bundleOf, type BundleTerms } from "./bundle-create.ts";
import { bundleFile, writeWhole } from "./bundle-file.ts";
import { makeKeyPair, readPrivateKey, readPublicKey, trustedKeys, trustedKeysFolder } from "./bundle-keys.ts";
import { rewriteSigned, signatureFrom } from "./bundle-sign.ts";
import { bundleText } from "./bundle-text.ts";
import type { Command } from "./command-line.ts";
import { KioskError } from "./core/errors.ts";
import { limits } from "./update/bundle-manifest.ts";
import { openBundle, openUnverified, type PartSink } from "./update/bundle-reader.ts";
import { signManifest } from "./update/bundle-signature.ts";
import { bundleChunks } from "./update/bundle-writer.ts";
import { version as daemonVersion } from "./version.ts";

type Write = (line: string) => void;

/** Reading a bundle to its end is enough to check it. */
const nowhere: PartSink = {
  write: () => Promise.resolve(),
  verified: () => Promise.resolve(),
  discard: () => Promise.resolve(),
};

/** @throws KioskError */
export async function keygen(command: Command, write: Write): Promise<void> {
  const { id, files } = await makeKeyPair(needed(command, "out", "a name for the two files"));
  const [secret = "", open = ""] = files;
  write(`key ${id}: ${secret} signs, keep it off every kiosk; ${open} goes to ${trustedKeysFolder}`);
}

/** @throws KioskError */
export async function create(command: Command, write: Write): Promise<void> {
  const terms = termsOf(command);
  const out = needed(command, "out", "where to");
  await mustBeNew(out);
  const keyFile = command.values.get("key");
  const key = keyFile === undefined ? undefined : await readPrivateKey(keyFile);
  const content = await bundleOf(pathOf(command), terms);
  const signature = key && signManifest(content.manifestBytes, key);
  mustNotRetireItself(terms.retires, signature?.keyId, "create");
  await writeWhole(out, bundleChunks(content.manifestBytes, signature, content.parts));
  const { name, version } = content.manifest;
  const by = signature ? `signed by ${signature.keyId}` : "not signed yet: maskgate bundle sign";
  write(`${out}: ${name} ${version}, ${by}`);
}

/** @throws KioskError */
export async function sign(command: Command, write: Write): Promise<void> {
  const [file, keyFile] = [pathOf(command), command.values.get("key")];
  const [made, publicFile] = [command.values.get("signature"), command.values.get("public-key")];
  if (
    (keyFile === undefined) === (made === undefined) ||
    (made === undefined) !== (publicFile === undefined)
  ) {
    const text = "give --key, or --signature of the manifest with its --public-key";
    throw new KioskError("bad-usage", `bundle sign: ${text}`);
  }
  const key = keyFile === undefined ? undefined : await readPrivateKey(keyFile);
  const given =
    made !== undefined && publicFile !== undefined
      ? { made, key: await readPublicKey(publicFile) }
      : undefined;
  const signed = await rewriteSigned(file, async ({ manifest, manifestBytes }) => {
    const signature = key ? signManifest(manifestBytes, key) : await signatureFrom(given, manifestBytes);
    mustNotRetireItself(manifest.retires, signature.keyId, "sign");
    return signature;
  });
  write(`${file}: ${signed.manifest.name} ${signed.manifest.version}, signed by ${signed.keyId}`);
}

/** @throws KioskError */
export async function verify(command: Command, write: Write): Promise<void> {
  const keys = await trustedKeys(command.values.get("keys") ?? trustedKeysFolder);
  const file = pathOf(command);
  await using bundle = await openBundle(bundleFile(file), { keys, retired: [] });
  await bundle.readParts(nowhere);
  const { manifest, signer } = bundle.signed;
  const from = keys.find(({ id }) => id === signer)?.file ?? "";
  write(`${file}: ${manifest.name} ${manifest.version}, whole, signed by ${signer} (${from})`);
}

/** @throws KioskError */
export async function inspect(command: Command, write: Write): Promise<void> {
  await using bundle = await openUnverified(bundleFile(pathOf(command)));
  await bundle.readParts(nowhere);
  const { manifest, signature } = bundle.signed;
  if (command.flags.has("json")) write(JSON.stringify({ ...manifest, signer: signature?.keyId ?? null }));
  else for (const line of bundleText(manifest, signature?.keyId)) write(line);
}

function termsOf(command: Command): BundleTerms {
  const boards = listOf(command, "compatible");
  return {
    version: versionOf(command),
    compatible: boards.length === 0 || boards.join() === "any" ? "any" : [...boards],
    leastDaemonVersion: command.values.get("least-daemon") ?? daemonVersion,
    retires: listOf(command, "retires"),
  };
}

function versionOf(command: Command): number {
  const text = needed(command, "version", "a whole number above all versions before");
  const number = /^\d{1,10}$/.test(text) ? Number(text) : 0;
  if (number >= 1 && number <= limits.version) return number;
  const reason = `--version is a whole number from 1 to ${limits.version}, not ${JSON.stringify(text)}`;
  throw new KioskError("bad-usage", `${command.name}: ${reason}`);
}

/** Between spaces: the device tree's names of boards have commas. */
function listOf({ values }: Command, option: string): readonly string[] {
  return values.get(option)?.trim().split(/\s+/) ?? [];
}

function needed({ name, values }: Command, option: string, what: string): string {
  const value = values.get(option);
  if (value === undefined) throw new KioskError("bad-usage", `${name}: say with --${option} ${what}`);
  return value;
}

function pathOf({ paths }: Command): string {
  const [file = ""] = paths;
  return file;
}

async function mustBeNew(file: string): Promise<void> {
  const isThere = await access(file).then(
    () => true,
    () => false,
  );
  if (isThere)
    throw new KioskError("bad-usage", `bundle create: ${file} is there already; name another file`);
}

function mustNotRetireItself(retires: readonly string[], keyId: string | undefined, name: string): void {
  if (keyId === undefined || !retires.includes(keyId)) return;
  const text = `the bundle retires the key ${keyId} that would sign it; sign with another trusted key`;
  throw new KioskError("bad-usage", `bundle ${name}: ${text}`);
}
