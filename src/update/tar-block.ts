/**
 * Blocks of a bundle's tar. A bundle's header states a name and a size and nothing else: every other field has one
 * fixed value, so that one content has one form. What differs by a single byte is not of a bundle.
 */

/** Everything in a tar is a multiple of this. */
export const blockBytes = 512;

/** Two blocks of zeros end a tar. */
export const endBytes = 2 * blockBytes;

const sizeField = { start: 124, end: 136 } as const;
const checksumField = { start: 148, end: 156 } as const;

/** Fields of a ustar header in their order, by where each ends. */
const fields = [
  { name: "name", end: 100 },
  { name: "mode", end: 108 },
  { name: "owner", end: 116 },
  { name: "group", end: 124 },
  { name: "size", end: sizeField.end },
  { name: "time", end: checksumField.start },
  { name: "checksum", end: checksumField.end },
  { name: "type", end: 157 },
  { name: "link name", end: 257 },
  { name: "magic", end: 265 },
  { name: "owner's name", end: 297 },
  { name: "group's name", end: 329 },
  { name: "device", end: 345 },
  { name: "name's prefix", end: 500 },
  { name: "padding", end: blockBytes },
] as const;

/** The one header that a bundle has for an entry of this name and size. */
export function tarHeader(name: string, sizeBytes: number): Uint8Array {
  const block = Buffer.alloc(blockBytes);
  block.write(name, 0, 100, "latin1");
  block.write("0000644\0" + "0000000\0" + "0000000\0", 100, "latin1");
  block.write(`${octal(sizeBytes)}\0${octal(0)}\0`, sizeField.start, "latin1");
  block.fill(" ", checksumField.start, checksumField.end);
  block.write("0", checksumField.end, "latin1");
  block.write("ustar\0" + "00", 257, "latin1");
  block.write("0000000\0" + "0000000\0", 329, "latin1");
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, checksumField.start, "latin1");
  return block;
}

/** The size that a header states; undefined if it is not written the way a bundle's is. */
export function statedSize(header: Uint8Array): number | undefined {
  const text = Buffer.from(header.subarray(sizeField.start, sizeField.end)).toString("latin1");
  return /^[0-7]{11}\0$/.test(text) ? parseInt(text, 8) : undefined;
}

/** What is different first, in words; undefined if the headers are the same. */
export function headerDifference(header: Uint8Array, wanted: Uint8Array): string | undefined {
  if (Buffer.compare(header, wanted) === 0) return undefined;
  const type = headerType(header);
  if (type !== undefined) return type;
  const name = headerName(header);
  if (name !== headerName(wanted)) return `the name ${name}`;
  // The checksum covers all fields, so of two differences it is the less telling one.
  const differing = fields.filter((_, k) => fieldDiffers(header, wanted, k));
  return `another ${(differing.find(({ name: field }) => field !== "checksum") ?? fields[6]).name}`;
}

/** How many zeros follow an entry of this size. */
export function paddingBytes(sizeBytes: number): number {
  return (blockBytes - (sizeBytes % blockBytes)) % blockBytes;
}

function fieldDiffers(header: Uint8Array, wanted: Uint8Array, k: number): boolean {
  const [start, end] = [fields[k - 1]?.end ?? 0, fields[k]?.end ?? blockBytes];
  return Buffer.compare(header.subarray(start, end), wanted.subarray(start, end)) !== 0;
}

/** Why a header is of no plain file. */
function headerType(header: Uint8Array): string | undefined {
  if (header.every((byte) => byte === 0)) return "the end of the tar";
  if (Buffer.from(header.subarray(257, 262)).toString("latin1") !== "ustar") return "no header of a tar";
  const type = String.fromCharCode(header[checksumField.end] ?? 0);
  return type === "0" ? undefined : (typeWords[type] ?? `an entry of the type ${printable(type)}`);
}

const typeWords: Readonly<Record<string, string>> = {
  "1": "a hard link",
  "2": "a symbolic link",
  "3": "a device",
  "4": "a device",
  "5": "a folder",
  "6": "a pipe",
  S: "a sparse file",
  x: "a pax header",
  g: "a pax header",
  L: "a long name of GNU tar",
  K: "a long link of GNU tar",
};

/** What the name's field holds, fit to be shown. */
function headerName(header: Uint8Array): string {
  const text = Buffer.from(header.subarray(0, 100)).toString("latin1");
  return printable(text.replace(/\0+$/, ""));
}

function printable(text: string): string {
  return JSON.stringify(text.replace(/[^\x20-\x7e]/g, "?"));
}

function octal(size: number): string {
  return size.toString(8).padStart(11, "0");
}
