/** What holds of every bundle that is refused. */
import assert from "node:assert/strict";
import type { ErrorCode } from "../../src/core/errors.ts";
import { read, type Reading } from "./sample-bundle.ts";

/** Reads and asserts a refusal: its code, its reason in one line with a mend, and that nothing is left. */
export async function assertRefused(
  bytes: Parameters<typeof read>[0],
  code: ErrorCode,
  says: RegExp,
  trust?: Parameters<typeof read>[1],
): Promise<Reading & { readonly kind: "refused" }> {
  const reading = await read(bytes, trust);
  assert.equal(reading.kind, "refused", "the bundle was read");
  const { error, sink, isSigned } = reading;
  assert.equal(error.code, code, error.message);
  assert.match(error.message, says);
  assert.match(error.message, /^sample\.maskgate: [\x20-\x7e]+; [\x20-\x7e]+$/);
  assert.deepEqual([sink.files.size, sink.usable.length], [0, 0], "something is left");
  assert.equal(sink.discards, isSigned ? 1 : 0);
  return reading;
}
