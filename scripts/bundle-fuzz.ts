/**
 * Fuzzes the reader of bundles. Every input must end in a bundle that is canonical to the last byte or in a KioskError of
 * one line, within a second and 200 MB. Inputs that end in a way not seen before are kept and changed further.
 */
import { createHash } from "node:crypto";
import { performance } from "node:perf_hooks";
import { KioskError, messageOf } from "../src/core/errors.ts";
import { formatSignature, signManifest } from "../src/update/bundle-signature.ts";
import { bundle, facility, inPieces, MemorySink, spare, trust } from "../test/update/sample-bundle.ts";
import { openBundle } from "../src/update/bundle-reader.ts";
import { tarHeader } from "../src/update/tar-block.ts";
import { changedBytes, changedInside, randomOf, type Random } from "./bundle-mutations.ts";

/** What an input may take. */
export const bounds = { ms: 1000, rssBytes: 200e6 } as const;

const kept = 512;

export interface FuzzResult {
  readonly inputs: number;
  /** Inputs that were read to their end. */
  readonly read: number;
  /** Inputs that a trusted key had signed. */
  readonly signed: number;
  /** Different ways to end. */
  readonly endings: readonly string[];
  readonly slowestMs: number;
  readonly mostRssBytes: number;
}

/** An input on which the reader did what it must not. */
export class FuzzFailure extends Error {
  readonly input: Uint8Array;

  constructor(what: string, input: Uint8Array, cause?: unknown) {
    super(what, { cause });
    this.input = input;
  }
}

/** @throws FuzzFailure */
export async function fuzz(
  inputs: number,
  seed: number,
  tell?: (sofar: FuzzResult) => void,
): Promise<FuzzResult> {
  const random = randomOf(seed);
  const corpus: Buffer[] = [bundle(), bundle({ signer: spare, graph: Buffer.alloc(3000, 7) })];
  const endings = new Map<string, number>();
  const count = { read: 0, signed: 0, slowestMs: 0, mostRssBytes: process.memoryUsage.rss() };
  const result = (k: number): FuzzResult => ({ inputs: k, ...count, endings: [...endings.keys()].sort() });
  for (let k = 1; k <= inputs; k += 1) {
    const input = nextInput(corpus, random);
    const startMs = cpuMs();
    const { ending, isSigned } = await endingOf(input, 1 + random(3000));
    count.slowestMs = Math.max(count.slowestMs, cpuMs() - startMs);
    if (count.slowestMs > bounds.ms) throw new FuzzFailure(`took ${count.slowestMs} ms`, input);
    if (isSigned) count.signed += 1;
    if (ending === "read") count.read += 1;
    if (!endings.has(ending)) keep(corpus, input, random);
    endings.set(ending, (endings.get(ending) ?? 0) + 1);
    if (k % 1000 !== 0) continue;
    count.mostRssBytes = Math.max(count.mostRssBytes, process.memoryUsage.rss());
    if (count.mostRssBytes > bounds.rssBytes)
      throw new FuzzFailure(`${count.mostRssBytes} bytes of memory`, input);
    if (k % 50_000 === 0) tell?.(result(k));
  }
  return result(inputs);
}

function nextInput(corpus: readonly Buffer[], random: Random): Buffer {
  if (random(3) === 0) return changedInside(random);
  const from = corpus[random(corpus.length)] ?? Buffer.alloc(0);
  return changedBytes(from, random);
}

function keep(corpus: Buffer[], input: Buffer, random: Random): void {
  // The first two are the good ones everything comes from.
  if (corpus.length < kept) corpus.push(input);
  else corpus[2 + random(kept - 2)] = input;
}

/** Time that this process computed: on a busy machine others take the rest. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

interface Ending {
  readonly ending: string;
  readonly isSigned: boolean;
}

async function endingOf(input: Uint8Array, pieceBytes: number): Promise<Ending> {
  const sink = new MemorySink();
  let isSigned = false;
  try {
    await using opened = await openBundle({ name: "input", chunks: inPieces(input, pieceBytes) }, trust);
    isSigned = true;
    await opened.readParts(sink);
    const { manifest, manifestSha256, signer } = opened.signed;
    checkCanonical(input, manifestSha256, signer, sink, manifest.parts.length);
    return { ending: "read", isSigned };
  } catch (error) {
    if (error instanceof FuzzFailure) throw error;
    if (!(error instanceof KioskError)) throw new FuzzFailure(`threw: ${messageOf(error)}`, input, error);
    if (!/^input: [\x20-\x7e]+; [\x20-\x7e]+$/.test(error.message)) {
      throw new FuzzFailure(`says ${JSON.stringify(error.message)}`, input);
    }
    if (sink.files.size > 0 || sink.discards !== (isSigned ? 1 : 0))
      throw new FuzzFailure("left something", input);
    return { ending: shapeOf(error), isSigned };
  }
}

/** What was read, put together again by hand, must be the input. */
function checkCanonical(
  input: Uint8Array,
  sha256: string,
  signer: string,
  sink: MemorySink,
  parts: number,
): void {
  const size = parseInt(Buffer.from(input.subarray(124, 135)).toString("latin1"), 8);
  const manifest = input.subarray(512, 512 + size);
  const isSame = createHash("sha256").update(manifest).digest("hex") === sha256;
  const by = [facility, spare].find(({ trusted }) => trusted.id === signer);
  if (!isSame || by === undefined || sink.usable.length !== parts)
    throw new FuzzFailure("read what is not there", input);
  // Ed25519 is deterministic: the one right signature can be made again.
  const signature = Buffer.from(formatSignature(signManifest(manifest, by.secret)));
  const entries: readonly (readonly [string, Uint8Array])[] = [
    ["bundle.json", manifest],
    ["bundle.sig", signature],
    ...sink.files,
  ];
  const blocks = entries.flatMap(([name, bytes]) => [tarHeader(name, bytes.length), padded(bytes)]);
  if (!Buffer.concat([...blocks, new Uint8Array(1024)]).equals(input))
    throw new FuzzFailure("not canonical", input);
}

function padded(bytes: Uint8Array): Uint8Array {
  const whole = new Uint8Array(512 * Math.ceil(bytes.length / 512));
  whole.set(bytes);
  return whole;
}

/** A refusal without what differs between two of its kind. */
function shapeOf({ code, message }: KioskError): string {
  return `${code}: ${message.replace(/"[^"]*"|[0-9a-f]{16,}|\d+/g, "#").slice(0, 120)}`;
}

/** How many inputs a second, for the one who waits. */
export function rateOf(inputs: number, sinceMs: number): number {
  return Math.round((1000 * inputs) / Math.max(1, performance.now() - sinceMs));
}
