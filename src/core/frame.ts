/** One picture of the camera, on its way from the camera adapter to the vision worker. */

export interface Frame {
  /** From 1, up by one for every frame that the camera delivered, also those that were never looked at. */
  readonly seq: number;
  /** Monotonic time at which the last byte of the frame arrived. */
  readonly capturedAtMs: number;
  /** `rgb24`: rows of 8-bit R, G, B without padding. `file`: the bytes of a JPEG, PNG or WebP picture. */
  readonly encoding: "rgb24" | "file";
  /** Size in pixels for `rgb24`; 0 for `file`, whose size the decoder finds. */
  readonly widthPx: number;
  readonly heightPx: number;
  /** Bytes used of `memory`, from its start. */
  readonly sizeBytes: number;
  /** Shared with the vision worker, so that a frame is never copied. Borrowed until the next `Camera.take()`. */
  readonly memory: SharedArrayBuffer;
}
