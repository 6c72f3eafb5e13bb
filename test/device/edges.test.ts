/** The device bench's judgement of what the kernel saw. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { blindNs, bootRecords, levelAt, spans, traceRecords } from "./edges.ts";

const log = [
  "B 100 first",
  "V 100 0 0",
  "V 100 3 1",
  "V 2000 0 1",
  "A 2500 7",
  "V 5000 0 0",
  "A 6000 90",
  "B 50 second",
  "V 60 0 1",
  "V 70 0",
].join("\n");

describe("the log of the lines", () => {
  const [first, second, ...more] = bootRecords(log);

  it("is parted by starts of the machine", () => {
    assert.equal(first?.bootId, "first");
    assert.equal(second?.bootId, "second");
    assert.deepEqual(more, []);
  });

  it("gives the spans in which a line had a level", () => {
    assert.deepEqual(spans(first?.edges ?? [], 0, 1), [{ fromNs: 2000, toNs: 5000 }]);
    assert.deepEqual(spans(first?.edges ?? [], 0, 0), [
      { fromNs: 100, toNs: 2000 },
      { fromNs: 5000, toNs: undefined },
    ]);
    assert.deepEqual(spans(first?.edges ?? [], 3, 1), [{ fromNs: 100, toNs: undefined }]);
    assert.deepEqual(spans(first?.edges ?? [], 1, 1), []);
  });

  it("leaves a line out that is not whole yet", () => {
    assert.deepEqual(second?.edges, [{ atNs: 60, line: 0, level: 1 }]);
  });

  it("tells the level at a time", () => {
    assert.equal(levelAt(first?.edges ?? [], 0, 1999), 0);
    assert.equal(levelAt(first?.edges ?? [], 0, 2000), 1);
    assert.equal(levelAt(first?.edges ?? [], 0, 99), undefined);
  });

  it("knows how long nobody looked, and does not guess", () => {
    assert.ok(first && second);
    assert.equal(blindNs(first, 0, 6000), 90);
    assert.equal(blindNs(first, 0, 2500), 90);
    assert.equal(blindNs(first, 0, 6001), Infinity);
    assert.equal(blindNs(second, 50, 60), Infinity);
  });
});

describe("the kernel's trace", () => {
  it("gives every level that was asked for, with the line's offset", () => {
    const trace = [
      "B one 1016",
      "           node-412     [000] .....    31.000250: gpio_direction: 1016 out (0)",
      "           node-412     [000] .....    31.000251: gpio_value: 1016 set 0",
      "           node-412     [000] .....    32.500000: gpio_value: 1018 set 1",
      "           node-412     [000] .....    33.000000: gpio_value: 1016 get 1",
      "",
    ].join("\n");
    assert.deepEqual(traceRecords(trace), [
      {
        bootId: "one",
        firstLine: 1016,
        sets: [
          { atNs: 31_000_251_000, line: 0, level: 0 },
          { atNs: 32_500_000_000, line: 2, level: 1 },
        ],
      },
    ]);
  });
});
