/**
 * The kernel's GPIO v2 user interface (linux/gpio.h, since Linux 5.10) as bytes: only what one line, output or input, needs.
 * Numbers and offsets are the same on every 64- and 32-bit little-endian Linux; a test compares them with the header where it is installed.
 */

/** ioctl numbers: direction, size of the argument, 0xB4, number. */
export const ioctlNumbers = {
  getChipInfo: 0x8044b401,
  getLineInfo: 0xc100b405,
  getLine: 0xc250b407,
  getLineValues: 0xc010b40e,
  setLineValues: 0xc010b40f,
} as const;

/** Bits of a line's flags. */
export const lineFlags = {
  used: 1n,
  activeLow: 2n,
  input: 4n,
  output: 8n,
  biasPullUp: 256n,
  biasPullDown: 512n,
  biasDisabled: 1024n,
} as const;

/** Sizes and byte offsets; the names are those of linux/gpio.h. */
export const layout = {
  nameBytes: 32,
  chipInfo: { sizeBytes: 68, name: 0, label: 32, lines: 64 },
  lineInfo: { sizeBytes: 256, name: 0, consumer: 32, offset: 64, flags: 72 },
  lineRequest: {
    sizeBytes: 592,
    offsets: 0,
    consumer: 256,
    flags: 288,
    numAttrs: 296,
    attrId: 320,
    attrValues: 328,
    attrMask: 336,
    numLines: 560,
    fd: 588,
  },
  lineValues: { sizeBytes: 16, bits: 0, mask: 8 },
} as const;

const attrIdOutputValues = 2;

/** What GPIO_GET_CHIPINFO tells. */
export interface ChipInfo {
  readonly name: string;
  readonly label: string;
  readonly lineCount: number;
}

/** What GPIO_V2_GET_LINEINFO tells. */
export interface LineInfo {
  readonly isUsed: boolean;
  readonly consumer: string;
}

export function decodeChipInfo(bytes: Uint8Array): ChipInfo {
  const { name, label, lines } = layout.chipInfo;
  return {
    name: text(bytes, name),
    label: text(bytes, label),
    lineCount: view(bytes).getUint32(lines, true),
  };
}

export function encodeLineInfoQuery(offset: number): Uint8Array {
  const bytes = new Uint8Array(layout.lineInfo.sizeBytes);
  view(bytes).setUint32(layout.lineInfo.offset, offset, true);
  return bytes;
}

export function decodeLineInfo(bytes: Uint8Array): LineInfo {
  const flags = view(bytes).getBigUint64(layout.lineInfo.flags, true);
  return { isUsed: (flags & lineFlags.used) !== 0n, consumer: text(bytes, layout.lineInfo.consumer) };
}

interface RequestedLine {
  readonly offset: number;
  readonly isActiveLow: boolean;
  readonly consumer: string;
}

/** A request for one output line. Its level is an attribute of the request, so that the kernel sets both in one step. */
export function encodeOutputRequest(line: RequestedLine, isActive: boolean): Uint8Array {
  const at = layout.lineRequest;
  const bytes = encodeRequest(line, lineFlags.output);
  const request = view(bytes);
  request.setUint32(at.numAttrs, 1, true);
  request.setUint32(at.attrId, attrIdOutputValues, true);
  request.setBigUint64(at.attrValues, isActive ? 1n : 0n, true);
  request.setBigUint64(at.attrMask, 1n, true);
  return bytes;
}

const biasFlags = {
  "pull-up": lineFlags.biasPullUp,
  "pull-down": lineFlags.biasPullDown,
  none: lineFlags.biasDisabled,
} as const;

/** A request for one input line. */
export function encodeInputRequest(line: RequestedLine, bias: keyof typeof biasFlags): Uint8Array {
  return encodeRequest(line, lineFlags.input | biasFlags[bias]);
}

function encodeRequest(line: RequestedLine, flags: bigint): Uint8Array {
  const at = layout.lineRequest;
  const bytes = new Uint8Array(at.sizeBytes);
  const request = view(bytes);
  request.setUint32(at.offsets, line.offset, true);
  new TextEncoder().encodeInto(
    line.consumer,
    bytes.subarray(at.consumer, at.consumer + layout.nameBytes - 1),
  );
  request.setBigUint64(at.flags, flags | (line.isActiveLow ? lineFlags.activeLow : 0n), true);
  request.setUint32(at.numLines, 1, true);
  return bytes;
}

/** The line's own file descriptor, which the kernel wrote into the request. */
export function decodeLineFd(bytes: Uint8Array): number {
  return view(bytes).getInt32(layout.lineRequest.fd, true);
}

export function encodeLineValue(isActive: boolean): Uint8Array {
  const bytes = new Uint8Array(layout.lineValues.sizeBytes);
  view(bytes).setBigUint64(layout.lineValues.bits, isActive ? 1n : 0n, true);
  view(bytes).setBigUint64(layout.lineValues.mask, 1n, true);
  return bytes;
}

/** Asks for the level of the request's one line; the kernel writes the answer into the same bytes. */
export function encodeValueQuery(): Uint8Array {
  return encodeLineValue(false);
}

export function decodeLineValue(bytes: Uint8Array): boolean {
  return (view(bytes).getBigUint64(layout.lineValues.bits, true) & 1n) === 1n;
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function text(bytes: Uint8Array, start: number): string {
  const name = bytes.subarray(start, start + layout.nameBytes);
  const end = name.indexOf(0);
  return new TextDecoder().decode(end < 0 ? name : name.subarray(0, end));
}
