/** What fails while a refused bundle is being cleaned up after never takes the place of why it was refused. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { assertRefused } from "./refused.ts";
import { bundle, inPieces, MemorySink, read } from "./sample-bundle.ts";

test("a sink that cannot discard", async () => {
  const damaged = bundle();
  damaged.fill(1, damaged.length - 1);
  const sink = new MemorySink();
  sink.discard = () => Promise.reject(new Error("EIO"));
  const reading = await read(damaged, undefined, sink);
  assert.equal(reading.kind, "refused");
  const { code, message } = reading.error;
  assert.equal(code, "bad-bundle");
  assert.match(message, /^sample\.maskgate: .*; make the bundle anew \(and cleaning up failed: EIO\)$/);
});

test("a file that cannot be closed", async () => {
  async function* unclosable(): AsyncGenerator<Uint8Array> {
    try {
      yield* inPieces(Buffer.alloc(10_240));
    } finally {
      await Promise.reject(new Error("EIO"));
    }
  }
  const { error } = await assertRefused(unclosable(), "bad-bundle", /there is the end of the tar/);
  assert.match(error.message, /this is no bundle \(and cleaning up failed: EIO\)$/);
});
