/** Bundles as files: read in pieces, written beside their place and moved there whole. */
import { createReadStream } from "node:fs";
import { open, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import { cleanUpAfter, KioskError, messageOf } from "./core/errors.ts";
import type { BundleBytes } from "./update/bundle-reader.ts";

/**
 * The bytes of a bundle's file.
 * @throws KioskError bundle-unreadable, as its bytes are asked for
 */
export function bundleFile(file: string): BundleBytes {
  return { name: file, chunks: chunksOf(file) };
}

async function* chunksOf(file: string): AsyncGenerator<Uint8Array> {
  try {
    const found = await stat(file);
    if (!found.isFile()) throw new Error("this is no file");
    for await (const chunk of createReadStream(file)) yield chunk as Uint8Array;
  } catch (cause) {
    const text = `${file}: cannot be read: ${messageOf(cause)}; name a bundle that can`;
    throw new KioskError("bundle-unreadable", text, { cause });
  }
}

/**
 * Writes chunks to a file that is there whole or not at all.
 * @throws KioskError bundle-unreadable, and what the chunks throw
 */
export async function writeWhole(
  file: string,
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<void> {
  const part = `${path.join(path.dirname(file), `.${path.basename(file)}`)}.part`;
  try {
    await writeSynced(part, chunks);
    await rename(part, file);
  } catch (cause) {
    await cleanUpAfter(cause, () => rm(part, { force: true }));
    if (cause instanceof KioskError) throw cause;
    const text = `${file}: cannot be written: ${messageOf(cause)}; choose another place`;
    throw new KioskError("bundle-unreadable", text, { cause });
  }
}

async function writeSynced(
  file: string,
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<void> {
  const handle = await open(file, "w", 0o644);
  try {
    for await (const chunk of chunks) if (chunk.length > 0) await handle.writeFile(chunk);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
