/** What happens to bundles on the way to a kiosk: refused, with nothing left. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { KioskError } from "../../src/core/errors.ts";
import { openBundle } from "../../src/update/bundle-reader.ts";
import { blockBytes } from "../../src/update/tar-block.ts";
import { good, headerAt, patched } from "./damaged-bundle.ts";
import { assertRefused } from "./refused.ts";
import { bundle, inPieces, MemorySink, read, sample, trust } from "./sample-bundle.ts";

describe("a good bundle", () => {
  it("is read, whatever pieces its bytes come in", async () => {
    for (const pieceBytes of [1, 7, 511, 512, 513, 4096, good.length]) {
      const reading = await read(inPieces(good, pieceBytes));
      assert.equal(reading.kind, "read");
      assert.deepEqual(reading.sink.usable, ["manifest.json", "golden.json", "golden.bin", "model.onnx"]);
      for (const { name, bytes } of sample().parts)
        assert.deepEqual(reading.sink.files.get(name), Buffer.from(bytes));
      assert.equal(reading.sink.discards, 0);
    }
  });

  it("is read if pieces without a byte come between", async () => {
    async function* sparse(): AsyncGenerator<Uint8Array> {
      for await (const piece of inPieces(good, 300)) yield* [new Uint8Array(0), piece, new Uint8Array(0)];
    }
    assert.equal((await read(sparse())).kind, "read");
  });

  it("is asked for its manifest without its parts, and its bytes are let go", async () => {
    let asked = 0;
    let isClosed = false;
    async function* counted(): AsyncGenerator<Uint8Array> {
      try {
        for await (const piece of inPieces(bundle({ graph: Buffer.alloc(100_000) }), 512)) {
          asked += 1;
          yield piece;
        }
      } finally {
        isClosed = true;
      }
    }
    {
      await using opened = await openBundle({ name: "x", chunks: counted() }, trust);
      assert.equal(opened.signed.manifest.version, 7);
    }
    assert.ok(isClosed);
    assert.ok(asked < 10, `${asked} pieces were asked for`);
  });
});

describe("a damaged bundle is refused", () => {
  it("cut off at every length", async () => {
    for (
      let size = 0;
      size < good.length;
      size += size % blockBytes > 2 && size % blockBytes < 509 ? 101 : 1
    ) {
      await assertRefused(good.subarray(0, size), "bad-bundle", /it ends within|there is/);
    }
  });

  it("with one bit changed, at every byte", async () => {
    for (let at = 0; at < good.length; at += 1) {
      const reading = await read(patched(at, Buffer.from([(good[at] ?? 0) ^ (1 << (at % 8))])));
      assert.equal(reading.kind, "refused", `byte ${at}`);
      assert.equal(reading.sink.files.size, 0);
    }
  });

  it("with a block of zeros in the middle of the model", async () => {
    const at = headerAt("model.onnx") + 2 * blockBytes;
    await assertRefused(
      patched(at, new Uint8Array(64)),
      "bad-bundle",
      /model\.onnx has the sha256 .*; copy the/,
    );
  });

  it("with bytes after its end", async () => {
    for (const more of [1, 512, 9000]) {
      const longer = Buffer.concat([good, new Uint8Array(more)]);
      await assertRefused(longer, "bad-bundle", /bytes follow its end/);
    }
    await assertRefused(Buffer.concat([good, good]), "bad-bundle", /bytes follow its end/);
  });

  it("with a byte hidden in the zeros between", async () => {
    for (const name of ["golden.bin", "model.onnx"]) {
      const next = name === "golden.bin" ? headerAt("model.onnx") : good.length - 2 * blockBytes;
      await assertRefused(patched(next - 1, Buffer.from([1])), "bad-bundle", /bytes hide behind/);
    }
  });

  it("when its stick is pulled while it is read", async () => {
    for (const after of [0, 1, 3, 5, 10]) {
      async function* pulled(): AsyncGenerator<Uint8Array> {
        yield* inPieces(good.subarray(0, after * blockBytes), blockBytes);
        throw new KioskError("bundle-unreadable", "sample.maskgate: EIO; put the stick in again");
      }
      await assertRefused(pulled(), "bundle-unreadable", /EIO/);
    }
  });

  it("when the sink cannot take it, as on a full disk", async () => {
    const sink = new MemorySink();
    sink.write = () => Promise.reject(new KioskError("bundle-unreadable", "slot: ENOSPC; make room"));
    const reading = await read(good, undefined, sink);
    assert.equal(reading.kind, "refused");
    assert.equal(sink.discards, 1);
  });
});

it("no reading of damaged bytes ends in anything but a refusal", async () => {
  let isDeep = 0;
  const damage = fc.record({
    at: fc.nat(good.length - 1),
    cut: fc.nat(700),
    paste: fc.uint8Array({ maxLength: 700 }),
    pieceBytes: fc.integer({ min: 1, max: 5000 }),
  });
  await fc.assert(
    fc.asyncProperty(damage, async ({ at, cut, paste, pieceBytes }) => {
      const bytes = Buffer.concat([good.subarray(0, at), paste, good.subarray(at + cut)]);
      if (bytes.equals(good)) return;
      const reading = await read(inPieces(bytes, pieceBytes));
      assert.equal(reading.kind, "refused");
      assert.equal(reading.sink.files.size, 0);
      if (reading.isSigned) isDeep += 1;
    }),
    { numRuns: 1000 },
  );
  assert.ok(isDeep > 150, `only ${isDeep} readings came past the signature`);
});
