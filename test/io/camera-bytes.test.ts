import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { FrameSlots } from "../../src/io/frame-slots.ts";
import { RawFrames } from "../../src/io/raw-frames.ts";

/** `count` frames as a program writes them: the pixel bytes count up, the padding is 255. */
function stream(widthPx: number, heightPx: number, strideBytes: number, count: number): Buffer {
  const bytes = Buffer.alloc(strideBytes * heightPx * count, 255);
  let next = 0;
  for (let row = 0; row < heightPx * count; row += 1) {
    for (let column = 0; column < widthPx * 3; column += 1) bytes[row * strideBytes + column] = next++ % 251;
  }
  return bytes;
}

test("however the bytes are cut, whole frames come out without padding", () => {
  let padded = 0;
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 6 }),
      fc.constantFrom(1, 4),
      fc.array(fc.integer({ min: 1, max: 70 }), { minLength: 1, maxLength: 12 }),
      (widthPx, heightPx, rowAlignBytes, cuts) => {
        const slots = new FrameSlots();
        let nowMs = 0;
        const raw = new RawFrames({ widthPx, heightPx, rowAlignBytes }, 10, slots, {
          nowMs: () => (nowMs += 100),
        });
        const strideBytes = Math.ceil((widthPx * 3) / rowAlignBytes) * rowAlignBytes;
        padded += strideBytes === widthPx * 3 ? 0 : 1;
        const bytes = stream(widthPx, heightPx, strideBytes, 5);
        let expected = 0;
        for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
          const size = cuts[turn % cuts.length] ?? 1;
          raw.push(bytes.subarray(at, at + size));
          at += size;
          const frame = slots.take();
          if (frame === undefined) continue;
          expected = frame.seq;
          assert.equal(frame.sizeBytes, widthPx * heightPx * 3);
          const first = (frame.seq - 1) * frame.sizeBytes;
          const pixels = [...new Uint8Array(frame.memory, 0, frame.sizeBytes)];
          assert.deepEqual(
            pixels,
            pixels.map((_, index) => (first + index) % 251),
          );
        }
        assert.equal(expected, 5);
      },
    ),
  );
  assert.ok(padded > 20, `only ${padded} runs had padding`);
});

test("after a reset the next byte begins a frame", () => {
  const slots = new FrameSlots();
  const raw = new RawFrames({ widthPx: 3, heightPx: 2, rowAlignBytes: 4 }, 10, slots, { nowMs: () => 0 });
  raw.push(Buffer.alloc(17, 9));
  raw.reset();
  assert.deepEqual(raw.push(Buffer.alloc(24, 5)), { completed: 1, delivered: 1 });
  const frame = slots.take();
  assert.ok(frame !== undefined && new Uint8Array(frame.memory, 0, 18).every((value) => value === 5));
});

const rates = [
  {
    name: "a camera at the asked rate with jitter loses nothing",
    arrivals: (n: number) => n * 100 + (n % 2) * 24,
    least: 100,
    most: 100,
  },
  {
    name: "three times the asked rate is thinned to a third",
    arrivals: (n: number) => n * 33.3,
    least: 32,
    most: 35,
  },
  {
    name: "a rate just above the asked one is thinned to it",
    arrivals: (n: number) => n * 83.3,
    least: 82,
    most: 85,
  },
  { name: "a slow camera loses nothing", arrivals: (n: number) => n * 450, least: 100, most: 100 },
];
for (const { name, arrivals, least, most } of rates) {
  test(name, () => {
    let nowMs = 0;
    const raw = new RawFrames({ widthPx: 1, heightPx: 1, rowAlignBytes: 1 }, 10, new FrameSlots(), {
      nowMs: () => nowMs,
    });
    let delivered = 0;
    for (let index = 0; index < 100; index += 1) {
      nowMs = arrivals(index);
      delivered += raw.push(Buffer.alloc(3)).delivered;
    }
    assert.ok(delivered >= least && delivered <= most, `${delivered} of 100`);
  });
}
