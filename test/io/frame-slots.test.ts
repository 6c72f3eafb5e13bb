import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Frame } from "../../src/core/frame.ts";
import { FrameSlots } from "../../src/io/frame-slots.ts";

type Step =
  | { readonly kind: "publish"; readonly sizeBytes: number }
  | { readonly kind: "half" }
  | { readonly kind: "take" };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("publish" as const), sizeBytes: fc.nat(150_000) }) },
  { weight: 1, arbitrary: fc.constant({ kind: "half" as const }) },
  { weight: 2, arbitrary: fc.constant({ kind: "take" as const }) },
);

function publish(slots: FrameSlots, sizeBytes: number, mark: number): void {
  slots.writable(sizeBytes).fill(mark, 0, sizeBytes);
  slots.publish({ encoding: "rgb24", capturedAtMs: mark, widthPx: 1, heightPx: 1, sizeBytes });
}

function holds(frame: Frame, mark: number): boolean {
  return new Uint8Array(frame.memory, 0, frame.sizeBytes).every((value) => value === mark % 256);
}

test("whatever is written and taken, the newest frame wins and a lent one stays as it was", () => {
  const reached = { taken: 0, skipped: 0, nothing: 0, writtenWhileLent: 0 };
  fc.assert(
    fc.property(fc.array(step, { minLength: 20, maxLength: 40, size: "max" }), (steps) => {
      const slots = new FrameSlots();
      const memories = new Set<SharedArrayBuffer>();
      let [published, takenSeq, taken] = [0, 0, 0];
      let lent: Frame | undefined;
      for (const { kind, ...rest } of steps) {
        if (kind === "publish") {
          published += 1;
          publish(slots, "sizeBytes" in rest ? rest.sizeBytes : 0, published);
        } else if (kind === "half") {
          slots.writable(100).fill(255);
        } else {
          const frame = slots.take();
          assert.equal(frame === undefined, published === takenSeq);
          reached.nothing += frame === undefined ? 1 : 0;
          if (frame !== undefined) {
            assert.equal(frame.seq, published);
            lent = frame;
            takenSeq = frame.seq;
            taken += 1;
            memories.add(frame.memory);
          }
        }
        if (lent !== undefined) {
          assert.ok(holds(lent, lent.seq), "a lent frame changed");
          reached.writtenWhileLent += kind === "take" ? 0 : 1;
        }
        const waiting = published > takenSeq ? 1 : 0;
        assert.deepEqual([slots.delivered, slots.skipped], [published, published - taken - waiting]);
      }
      reached.taken += taken;
      reached.skipped += slots.skipped;
    }),
    { numRuns: 150 },
  );
  for (const [state, times] of Object.entries(reached))
    assert.ok(times > 100, `${state} was reached ${times} times`);
});

test("frames of one size live in three memories for ever", () => {
  const slots = new FrameSlots();
  const memories = new Set<SharedArrayBuffer>();
  for (let mark = 1; mark <= 1000; mark += 1) {
    publish(slots, 3000, mark);
    const frame = mark % 3 === 0 ? slots.take() : undefined;
    if (frame !== undefined) memories.add(frame.memory);
  }
  assert.equal(memories.size, 3);
});

test("a frame that is larger than what was written is a bug", () => {
  const slots = new FrameSlots();
  slots.writable(10);
  const sizeBytes = 70_000;
  const shape = { encoding: "file" as const, capturedAtMs: 0, widthPx: 0, heightPx: 0, sizeBytes };
  assert.throws(() => {
    slots.publish(shape);
  }, RangeError);
});
