import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import sharp from "sharp";
import { FrameSlots } from "../../src/io/frame-slots.ts";
import { JpegFrames } from "../../src/io/jpeg-frames.ts";
import { decode } from "../../src/vision/picture.ts";

const noise = { type: "gaussian", mean: 128, sigma: 60 } as const;
const create = { width: 40, height: 30, channels: 3, background: "#888", noise } as const;
/** Small pictures of every make: baseline, progressive (several scans), and with a thumbnail inside. */
const pictures: readonly [Buffer, Buffer, Buffer] = await Promise.all([
  sharp({ create }).jpeg({ quality: 93 }).toBuffer(),
  sharp({ create }).jpeg({ quality: 40, progressive: true }).toBuffer(),
  sharp({ create })
    .jpeg()
    .toBuffer()
    .then((jpeg) => withSegment(jpeg, jpeg)),
]);

/** The picture with an APP1 segment of these bytes behind its start. */
function withSegment(jpeg: Buffer, bytes: Buffer): Buffer {
  const head = Buffer.from([0xff, 0xe1, 0, 0]);
  head.writeUInt16BE(bytes.length + 2, 2);
  return Buffer.concat([jpeg.subarray(0, 2), head, bytes, jpeg.subarray(2)]);
}

function reader(mostBytes = 60_000): { readonly frames: JpegFrames; readonly slots: FrameSlots } {
  const slots = new FrameSlots();
  let nowMs = 0;
  return { slots, frames: new JpegFrames({ mostBytes }, 10, slots, { nowMs: () => (nowMs += 100) }) };
}

/** All frames that come out of these bytes, cut to pieces of these sizes. */
function read(bytes: Buffer, cuts: readonly number[], mostBytes?: number): readonly Buffer[] {
  const { frames, slots } = reader(mostBytes);
  const found: Buffer[] = [];
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = cuts[turn % cuts.length] ?? 1;
    const { completed } = frames.push(bytes.subarray(at, at + size));
    assert.ok(completed <= 1, "the pieces are smaller than a picture");
    at += size;
    const frame = slots.take();
    if (frame !== undefined) found.push(Buffer.from(new Uint8Array(frame.memory, 0, frame.sizeBytes)));
  }
  return found;
}

const junk = fc.constantFrom("", "frame 1\n", "\xff", "\xff\xff\x00", "\xff\xd9");

test("however the bytes are cut, and whatever is between them, exactly the whole pictures come out", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom(...pictures), junk), { minLength: 1, maxLength: 4 }),
      fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 8 }),
      (parts, cuts) => {
        const stream = parts.flatMap(([picture, between]) => [Buffer.from(between, "latin1"), picture]);
        assert.deepEqual(
          read(Buffer.concat(stream), cuts),
          parts.map(([picture]) => picture),
        );
      },
    ),
    { numRuns: 40 },
  );
});

test("a picture that breaks off is never shown, and those behind it are, at the latest one segment's length later", async () => {
  const [first, second] = pictures;
  const whole = await decode(second);
  const scanAt = first.lastIndexOf(Buffer.from([0xff, 0xda])) + 14;
  // A cut inside of a length may hide 64 KiB.
  const behind = Array.from({ length: Math.ceil(70_000 / second.length) }, () => second);
  let lost = 0;
  let mixed = 0;
  for (let at = 2; at < first.length - 1; at += 1) {
    const seen = read(Buffer.concat([first.subarray(0, at), ...behind]), [577]);
    assert.ok(seen.length > 0, `cut at ${at}`);
    lost += behind.length - seen.length;
    for (const picture of seen.filter((jpeg) => !jpeg.equals(second))) {
      // A header that swallows the next picture's first bytes hides where that begins; no pixel of the first one is in it.
      assert.ok(at < scanAt, `cut at ${at} in the scan`);
      const { pixels } = await decode(picture).catch(() => whole);
      assert.ok(Buffer.from(pixels).equals(whole.pixels), `cut at ${at}`);
      mixed += 1;
    }
  }
  assert.ok(lost > 0, "no cut fell into a segment");
  assert.ok(mixed > 0, "no cut hid the beginning of the next picture");
});

test("a picture larger than any that was asked for is dropped in bounded memory, and the stream goes on", () => {
  const [first, second] = pictures;
  assert.ok(first.length > second.length + 200);
  assert.deepEqual(read(Buffer.concat([first, second]), [50], second.length), [second]);
});

test("a reset forgets the open picture", () => {
  const [first] = pictures;
  const { frames, slots } = reader();
  frames.push(first.subarray(0, 300));
  frames.reset();
  assert.equal(frames.push(first.subarray(300)).completed, 0);
  assert.equal(frames.push(first).completed, 1);
  assert.equal(slots.take()?.sizeBytes, first.length);
});

test("several pictures in one piece are counted, and those above the rate are not delivered", () => {
  const [first] = pictures;
  const slots = new FrameSlots();
  const frames = new JpegFrames({ mostBytes: 60_000 }, 10, slots, { nowMs: () => 0 });
  assert.deepEqual(frames.push(Buffer.concat([first, first, first])), { completed: 3, delivered: 1 });
});
