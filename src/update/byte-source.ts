/**
 * Bytes that come in chunks, asked for by number, front to back and once. Holds one chunk at a time, whatever follows.
 */

/** The bytes ended before those that were asked for. */
export class EndOfBytes extends Error {}

/** Owns the chunks: disposing it ends their reading. */
export class ByteSource implements AsyncDisposable {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array(0);
  #isEnded = false;

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /**
   * A copy of the next `size` bytes, which are few.
   * @throws EndOfBytes
   */
  async take(size: number): Promise<Uint8Array> {
    const taken = new Uint8Array(size);
    let filled = 0;
    await this.forward(size, (bytes) => {
      taken.set(bytes, filled);
      filled += bytes.length;
    });
    return taken;
  }

  /**
   * Hands on the next `size` bytes as they come; each piece is the receiver's until it returns.
   * @throws EndOfBytes
   */
  async forward(size: number, to: (bytes: Uint8Array) => Promise<void> | void): Promise<void> {
    let left = size;
    while (left > 0) {
      if (await this.isAtEnd()) throw new EndOfBytes(`${left} bytes are missing`);
      const piece = this.#rest.subarray(0, left);
      this.#rest = this.#rest.subarray(piece.length);
      left -= piece.length;
      await to(piece);
    }
  }

  /** Whether no byte follows. */
  async isAtEnd(): Promise<boolean> {
    while (this.#rest.length === 0 && !this.#isEnded) {
      const next = await this.#chunks.next();
      if (next.done === true) this.#isEnded = true;
      else this.#rest = next.value;
    }
    return this.#rest.length === 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isEnded = true;
    this.#rest = new Uint8Array(0);
    await this.#chunks.return?.();
  }
}
