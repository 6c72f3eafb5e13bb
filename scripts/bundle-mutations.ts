/**
 * Hostile bundles from good ones: bytes, tar headers with a right checksum, and manifests that are changed and then signed
 * anew, so that what lies behind the signature is reached too. One seed gives one sequence.
 */
import { bytesOf, sample, type Sample } from "../test/update/sample-bundle.ts";
import { statedPart } from "../src/update/bundle-writer.ts";

/** Whole numbers below a bound, the same ones for the same seed. */
export type Random = (below: number) => number;

/** Mulberry32: small, quick, and good enough to choose where to break something. */
export function randomOf(seed: number): Random {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

type Change = (bytes: Buffer, random: Random) => Buffer;

const oddBytes = [0, 1, 0x2f, 0x30, 0x37, 0x7f, 0x80, 0xff];
const oddValues = [
  0,
  -1,
  1.5,
  2 ** 31,
  2 ** 53,
  1e308,
  "",
  "../x",
  "\0",
  "x".repeat(70),
  null,
  true,
  [],
  {},
  [[]],
];
const oddNames = ["../x", "/etc/x", "bundle.json", "bundle.sig", "._model.onnx", "model.onnx", "\x1b[2J"];

const byteChanges: readonly Change[] = [
  (bytes, random) => {
    const at = random(bytes.length);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << random(8));
    return bytes;
  },
  (bytes, random) => {
    bytes[random(bytes.length)] = oddBytes[random(oddBytes.length)] ?? 0;
    return bytes;
  },
  (bytes, random) => bytes.subarray(0, random(bytes.length)),
  (bytes, random) => {
    const [at, size] = [random(bytes.length), random(2000)];
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + size)]);
  },
  (bytes, random) => {
    const [to, from, size] = [random(bytes.length), random(bytes.length), random(2000)];
    return Buffer.concat([bytes.subarray(0, to), bytes.subarray(from, from + size), bytes.subarray(to)]);
  },
  (bytes, random) => swapBlocks(bytes, random),
  (bytes, random) => forgeHeader(bytes, random),
  (bytes, random) => Buffer.concat([bytes, Buffer.alloc(random(2000), random(256))]),
];

/** One to three changes of a bundle's bytes. */
export function changedBytes(bytes: Buffer, random: Random): Buffer {
  let changed: Buffer = Buffer.from(bytes);
  for (let k = random(3); k >= 0 && changed.length > 0; k -= 1) {
    changed = byteChanges[random(byteChanges.length)]?.(changed, random) ?? changed;
  }
  return changed;
}

/** A bundle whose manifest, or whose model's files, are odd; a trusted key has signed it. */
export function changedInside(random: Random): Buffer {
  const good = sample();
  const which = random(4);
  if (which === 0) return bytesOf({ ...good, manifest: changedText(good.manifest, random) });
  if (which === 1) return bytesOf({ ...good, manifest: changedJson(good.manifest, random) });
  const k = random(2);
  const parts = good.parts.map((part, i) => {
    if (i !== k) return part;
    return {
      ...part,
      bytes: which === 2 ? changedJson(part.bytes, random) : changedText(part.bytes, random),
    };
  });
  return restated({ ...good, parts });
}

/** A sample whose manifest states the parts that it has. */
function restated(changed: Sample): Buffer {
  const manifest = JSON.parse(Buffer.from(changed.manifest).toString()) as object;
  return bytesOf({ ...changed, manifest: asJson({ ...manifest, parts: changed.parts.map(statedPart) }) });
}

function changedText(text: Uint8Array, random: Random): Buffer {
  const bytes = changedBytes(Buffer.from(text), random);
  return bytes.length > 0 ? bytes : Buffer.from(" ");
}

function changedJson(text: Uint8Array, random: Random): Buffer {
  const value: unknown = JSON.parse(Buffer.from(text).toString());
  for (let k = random(2); k >= 0; k -= 1) changeSomewhere(value, random);
  return asJson(value);
}

function asJson(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

/** Walks down to some field and changes it there. */
function changeSomewhere(value: unknown, random: Random): void {
  if (typeof value !== "object" || value === null) return;
  const fields = value as Record<string, unknown>;
  const keys = Object.keys(fields);
  const key = keys[random(keys.length || 1)] ?? "more";
  const below = fields[key];
  if (typeof below === "object" && below !== null && random(3) > 0) changeSomewhere(below, random);
  else changeField(fields, key, random);
}

/** Doubles a field, takes it away, or gives it an odd value. */
function changeField(fields: Record<string, unknown>, key: string, random: Random): void {
  const value = fields[key];
  const isDoubled = random(6) === 0;
  const isGone = !isDoubled && random(6) === 0;
  if (isDoubled) fields[`${key}x`] = value;
  else if (isGone) Reflect.deleteProperty(fields, key);
  else if (Array.isArray(fields) && random(3) === 0) fields.push(value);
  else if (random(4) === 0) fields[key] = oddNames[random(oddNames.length)];
  // A copy, or the next change would change the list.
  else fields[key] = structuredClone(oddValues[random(oddValues.length)]);
}

function swapBlocks(bytes: Buffer, random: Random): Buffer {
  const blocks = Math.floor(bytes.length / 512);
  if (blocks < 2) return bytes;
  const [a, b] = [512 * random(blocks), 512 * random(blocks)];
  const held = Buffer.from(bytes.subarray(a, a + 512));
  bytes.copy(bytes, a, b, b + 512);
  held.copy(bytes, b);
  return bytes;
}

/** Changes a field of some header and makes its checksum right again. */
function forgeHeader(bytes: Buffer, random: Random): Buffer {
  const headers = [];
  for (let at = 0; at + 512 <= bytes.length; at += 512) {
    if (bytes.toString("latin1", at + 257, at + 262) === "ustar") headers.push(at);
  }
  const at = headers[random(headers.length || 1)];
  if (at === undefined) return bytes;
  const header = bytes.subarray(at, at + 512);
  const kind = random(4);
  if (kind === 0) header.write(`${oddNames[random(oddNames.length)] ?? ""}\0`, 0, "latin1");
  else if (kind === 1)
    header.write(
      `${random(2 ** 31)
        .toString(8)
        .padStart(11, "0")}\0`,
      124,
      "latin1",
    );
  else if (kind === 2) header.write("01234567SxgLK\0"[random(14)] ?? "0", 156, "latin1");
  else header[random(512)] = random(256);
  header.fill(" ", 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return bytes;
}
