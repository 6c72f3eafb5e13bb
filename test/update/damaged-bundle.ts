/** A good bundle, and the same one with some of its bytes changed. */
import { blockBytes } from "../../src/update/tar-block.ts";
import { bundle } from "./sample-bundle.ts";

/** Of the sample, signed by its key. */
export const good = bundle();

/** The bundle with some of its bytes replaced. */
export function patched(at: number, bytes: Uint8Array): Buffer {
  const copy = Buffer.from(good);
  copy.set(bytes, at);
  return copy;
}

/** Where the header of an entry is. */
export function headerAt(name: string): number {
  for (let at = 0; at < good.length; at += blockBytes) {
    if (good.subarray(at, at + name.length + 1).toString("latin1") === `${name}\0`) return at;
  }
  throw new Error(`no entry ${name}`);
}

/** A header with one field changed and the checksum made right again. */
export function forged(name: string, at: number, text: string): Buffer {
  const header = Buffer.from(good.subarray(headerAt(name), headerAt(name) + blockBytes));
  header.write(text, at, "latin1");
  header.fill(" ", 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return patched(headerAt(name), header);
}
