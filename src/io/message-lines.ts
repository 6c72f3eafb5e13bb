/** Cuts a byte stream into lines of bounded length: whoever sends no line break must not fill the memory. */

/** The unfinished line of one stream. */
export class MessageLines {
  readonly #longestBytes: number;
  #rest = Buffer.alloc(0);

  constructor(longestBytes: number) {
    this.#longestBytes = longestBytes;
  }

  /** The lines that are complete now, without their breaks; undefined as soon as one is too long: the stream is of no use then. */
  push(chunk: Buffer): readonly string[] | undefined {
    const lines: string[] = [];
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    for (let end = bytes.indexOf(0x0a); end >= 0; end = bytes.indexOf(0x0a)) {
      if (end >= this.#longestBytes) return undefined;
      lines.push(bytes.toString("utf8", 0, end));
      bytes = bytes.subarray(end + 1);
    }
    // Copied, so that a piece of a line does not keep the whole chunk.
    this.#rest = Buffer.from(bytes);
    return bytes.length < this.#longestBytes ? lines : undefined;
  }
}
