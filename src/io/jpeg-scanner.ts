/**
 * Finds where JPEG pictures begin and end in a stream of bytes, by their markers (ITU-T T.81, annex B).
 * Promises: an end of image inside of a segment (a thumbnail, a comment) ends nothing, whatever is between pictures is
 * passed over, and a picture that breaks off is told as such as soon as another one begins or a marker is missing.
 */

/** What the bytes up to `end` were. */
export interface Step {
  /** Where the next step begins. */
  readonly end: number;
  /** `began`: the picture's first two bytes have passed. `ended`: its last byte has. `broke`: it was none. */
  readonly kind: "began" | "went-on" | "ended" | "broke";
}

/** Where the stream is: `high` and `low` are the two bytes of a segment's length. */
type Place = "outside" | "segment" | "scan" | Single;
/** Places of which every byte decides. */
type Single = "outside-ff" | "marker" | "code" | "high" | "low" | "scan-ff";

const startOfImage = 0xd8;
const endOfImage = 0xd9;
const startOfScan = 0xda;

/** Markers that are followed by no segment. */
function standsAlone(code: number): boolean {
  return code === 0x01 || (code >= 0xd0 && code <= 0xd7);
}

/** Reads one stream; `reset` forgets a picture that is not whole. */
export class JpegScanner {
  #place: Place = "outside";
  #code = 0;
  #left = 0;

  reset(): void {
    this.#place = "outside";
  }

  /** Reads on from `at`, up to the next event or the end of the chunk. */
  step(chunk: Uint8Array, at: number): Step {
    if (this.#place === "outside") return this.#skipTo(chunk, at, "outside-ff");
    if (this.#place === "scan") return this.#skipTo(chunk, at, "scan-ff");
    if (this.#place === "segment") return this.#skip(chunk, at);
    return { end: at + 1, kind: this.#byte(this.#place, chunk[at] ?? 0) };
  }

  #skipTo(chunk: Uint8Array, at: number, found: Place): Step {
    const ff = chunk.indexOf(0xff, at);
    if (ff === -1) return { end: chunk.length, kind: "went-on" };
    this.#place = found;
    return { end: ff + 1, kind: "went-on" };
  }

  #skip(chunk: Uint8Array, at: number): Step {
    const count = Math.min(this.#left, chunk.length - at);
    if (this.#code === startOfScan) {
      // No header of a scan holds this byte: the picture broke off in it, and another one begins.
      const ff = chunk.subarray(at, at + count).indexOf(0xff);
      if (ff !== -1) return { end: at + ff + 1, kind: this.#to("outside-ff", "broke") };
    }
    this.#left -= count;
    if (this.#left === 0) this.#place = this.#code === startOfScan ? "scan" : "marker";
    return { end: at + count, kind: "went-on" };
  }

  #byte(place: Single, byte: number): Step["kind"] {
    switch (place) {
      case "outside-ff":
        if (byte === startOfImage) return this.#to("marker", "began");
        return this.#to(byte === 0xff ? "outside-ff" : "outside");
      case "marker":
        return byte === 0xff ? this.#to("code") : this.#to("outside", "broke");
      case "high":
        this.#left = byte * 256;
        return this.#to("low");
      case "low":
        return this.#length(this.#left + byte);
      case "scan-ff":
        // A stuffed zero or a restart marker belongs to the scan.
        return byte === 0 ? this.#to("scan") : this.#marker(byte, "scan");
      case "code":
        return this.#marker(byte, "marker");
    }
  }

  /** `after` is the place behind a marker that stands alone. */
  #marker(code: number, after: Place): Step["kind"] {
    this.#code = code;
    if (code === 0xff) return "went-on";
    if (standsAlone(code)) return this.#to(after);
    if (code === endOfImage) return this.#to("outside", "ended");
    if (code === startOfImage) return this.#to("marker", "began");
    return code === 0 ? this.#to("outside", "broke") : this.#to("high");
  }

  /** The length of a segment counts its own two bytes. */
  #length(bytes: number): Step["kind"] {
    if (bytes < 2) return this.#to("outside", "broke");
    this.#left = bytes - 2;
    if (this.#left > 0) return this.#to("segment");
    return this.#to(this.#code === startOfScan ? "scan" : "marker");
  }

  #to(place: Place, kind: Step["kind"] = "went-on"): Step["kind"] {
    this.#place = place;
    return kind;
  }
}
