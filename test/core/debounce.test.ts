/** When a level of an input counts, and when it stops counting. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  isUnsteady,
  sampled,
  unseen,
  unsteadyMs,
  type Sample,
  type Signal,
} from "../../src/core/debounce.ts";

/** So often is looked, as the keeper does. */
const everyMs = 20;

type Each = (after: Signal, atMs: number) => void;

/** The signal after looks every 20 ms, from `fromMs` on and before `untilMs`, at a line that gives what `look` makes of the one before. */
function looked(
  signal: Signal,
  look: (before: Signal) => Sample,
  fromMs: number,
  untilMs: number,
  debounceMs: number,
  each: Each = () => undefined,
): Signal {
  let after = signal;
  for (let atMs = fromMs; atMs < untilMs; atMs += everyMs) {
    after = sampled(after, look(after), atMs, debounceMs);
    each(after, atMs);
  }
  return after;
}

type Span = readonly [fromMs: number, untilMs: number, debounceMs: number, each?: Each];

const held = (signal: Signal, sample: Sample, ...span: Span): Signal => looked(signal, () => sample, ...span);

/** A line that changes with every look. */
const bounced = (signal: Signal, ...span: Span): Signal =>
  looked(signal, ({ sample }) => sample !== true, ...span);

const settled = (isOn: boolean, debounceMs: number): Signal =>
  sampled(sampled(unseen, isOn, -5000, debounceMs), isOn, -5000 + debounceMs, debounceMs);

for (const debounceMs of [1, 30, 50, 200, 490, 600, 1000, 2000]) {
  describe(`an input with a debounce of ${debounceMs} ms`, () => {
    for (const isOn of [false, true]) {
      it(`that is ${isOn} counts from its ${debounceMs} ms on, at first and after a change, and not before`, () => {
        for (const before of [unseen, settled(!isOn, debounceMs)]) {
          const first = sampled(before, isOn, 0, debounceMs);
          assert.equal(first.isOn, before.isOn);
          assert.equal(sampled(first, isOn, debounceMs - 0.5, debounceMs).isOn, before.isOn);
          assert.equal(sampled(first, isOn, debounceMs, debounceMs).isOn, isOn);
        }
      });

      it(`that is ${isOn} keeps its level through one pulse of whatever length below ${debounceMs} ms`, () => {
        for (let pulseMs = everyMs; pulseMs < debounceMs; pulseMs += everyMs) {
          const check = (after: Signal): void => {
            assert.equal(after.isOn, isOn);
            assert.equal(isUnsteady(after, debounceMs), false);
          };
          const pulsed = held(settled(isOn, debounceMs), !isOn, 0, pulseMs, debounceMs, check);
          held(pulsed, isOn, pulseMs, pulseMs + debounceMs + everyMs, debounceMs, check);
        }
      });
    }

    it("is never unsteady while its line holds a level, however it is looked at", () => {
      for (const stepMs of [1, 20, 700, 10_000]) {
        let signal = unseen;
        for (let atMs = 0; atMs < 20 * stepMs; atMs += stepMs) {
          signal = sampled(signal, true, atMs, debounceMs);
          assert.equal(isUnsteady(signal, debounceMs), false);
        }
      }
    });
  });
}

describe("an input that bounces", () => {
  const bounds = [
    [30, 1000],
    [50, 1000],
    [200, 1000],
    [500, 1000],
    [600, 1200],
    [2000, 4000],
  ] as const;

  for (const [debounceMs, boundMs] of bounds) {
    it(`keeps its level for ${boundMs} ms with a debounce of ${debounceMs} ms, and then has none`, () => {
      assert.ok(boundMs >= unsteadyMs);
      let [kept, lost] = [0, 0];
      const after = bounced(settled(false, debounceMs), 0, 3 * boundMs, debounceMs, (now, atMs) => {
        const isLost = atMs >= boundMs;
        assert.equal(now.isOn, isLost ? undefined : false, `after ${atMs} ms`);
        assert.equal(isUnsteady(now, debounceMs), isLost);
        if (isLost) lost += 1;
        else kept += 1;
      });
      assert.ok(kept > 40 && lost > 40, `${kept} and ${lost} looks`);
      const later = held(after, true, 3 * boundMs, 3 * boundMs + debounceMs, debounceMs);
      assert.deepEqual([later.isOn, isUnsteady(later, debounceMs)], [undefined, true]);
      const steady = sampled(later, true, 4 * boundMs, debounceMs);
      assert.deepEqual([steady.isOn, isUnsteady(steady, debounceMs)], [true, false]);
    });

    it(`has no level before the first one, and is unsteady after ${boundMs} ms (debounce ${debounceMs} ms)`, () => {
      bounced(unseen, 0, 2 * boundMs, debounceMs, (now, atMs) => {
        assert.equal(now.isOn, undefined);
        assert.equal(isUnsteady(now, debounceMs), atMs >= boundMs);
      });
    });
  }

  for (const debounceMs of [200, 600, 2000]) {
    it(`loses its level also if it changes only every ${debounceMs - everyMs} ms (debounce ${debounceMs} ms)`, () => {
      const pulseMs = debounceMs - everyMs;
      let signal = settled(false, debounceMs);
      for (let pulse = 0, atMs = 0; atMs < 8 * debounceMs + unsteadyMs; pulse += 1, atMs += pulseMs) {
        signal = held(signal, pulse % 2 === 0, atMs, atMs + pulseMs, debounceMs);
      }
      assert.deepEqual([signal.isOn, isUnsteady(signal, debounceMs)], [undefined, true]);
    });
  }

  it("changes nothing if it bounces as a contact does, again and again", () => {
    const bounceMs = 400;
    let signal = settled(false, 50);
    for (let turn = 0, startMs = 0; turn < 20; turn += 1, startMs += 1000) {
      signal = bounced(signal, startMs, startMs + bounceMs, 50, (now) => {
        assert.equal(now.isOn, turn % 2 === 1);
      });
      signal = held(signal, turn % 2 === 0, startMs + bounceMs, startMs + 1000, 50);
      assert.equal(signal.isOn, turn % 2 === 0);
    }
  });

  it("never bounces with a debounce of nothing: each look counts", () => {
    bounced(unseen, 0, 5000, 0, (now) => {
      assert.deepEqual([now.isOn, isUnsteady(now, 0)], [now.sample, false]);
    });
  });
});

describe("an input that cannot be read", () => {
  it("has no level at once, and counts again when a level was shown for long enough after that", () => {
    const lost = sampled(settled(true, 50), "unreadable", 0, 50);
    assert.equal(lost.isOn, undefined);
    const read = sampled(lost, true, 20, 50);
    assert.equal(read.isOn, undefined);
    assert.equal(sampled(read, true, 69, 50).isOn, undefined);
    assert.equal(sampled(read, true, 70, 50).isOn, true);
  });

  it("never counts as a level, with whatever debounce and however long", () => {
    for (const debounceMs of [0, 50]) {
      held(unseen, "unreadable", 0, 5000, debounceMs, (now) => {
        assert.equal(now.isOn, undefined);
      });
    }
  });
});
