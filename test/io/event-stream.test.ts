import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { eventStreamParser, type ServerEvent } from "../../src/io/event-stream.ts";

function parseAll(...pieces: readonly string[]): readonly ServerEvent[] {
  const parse = eventStreamParser();
  return pieces.flatMap((piece) => parse(piece));
}

const table: readonly (readonly [string, string, readonly ServerEvent[]])[] = [
  ["an event with all fields", "id: 7\nevent: frame\ndata: {}\n\n", [{ id: "7", name: "frame", data: "{}" }]],
  [
    "only one space is taken off, none is needed",
    "data:  x\n\ndata:y\n\n",
    [
      { id: "", name: "message", data: " x" },
      { id: "", name: "message", data: "y" },
    ],
  ],
  [
    "several data lines are one text",
    "data: a\ndata\ndata: b\n\n",
    [{ id: "", name: "message", data: "a\n\nb" }],
  ],
  ["comments and retry are no events", ": hello\n\nretry: 1000\n\n:\n\n", []],
  [
    "the id stays until the next one",
    "id: 3\ndata: a\n\ndata: b\n\n",
    [
      { id: "3", name: "message", data: "a" },
      { id: "3", name: "message", data: "b" },
    ],
  ],
  [
    "the name does not stay",
    "event: state\ndata: a\n\ndata: b\n\n",
    [
      { id: "", name: "state", data: "a" },
      { id: "", name: "message", data: "b" },
    ],
  ],
  [
    "CRLF and CR end lines, too",
    "event: state\r\ndata: a\r\n\r\ndata: b\r\r",
    [{ id: "", name: "state", data: "a" }],
  ],
  ["an unfinished event is none", "data: a\n", []],
];
for (const [name, text, events] of table) {
  test(name, () => {
    assert.deepEqual(parseAll(text), events);
  });
}

test("wherever the stream is cut, the events are the same", () => {
  const ending = fc.constantFrom("\n", "\r\n");
  const line = fc.constantFrom(
    "data: ä",
    "data: {}",
    "event: state",
    "event: frame",
    "id: 1",
    "id: 2",
    ": comment",
    "x",
    "",
  );
  const stream = fc
    .tuple(fc.array(line, { minLength: 4, maxLength: 16 }), ending)
    .map(([lines, end]) => lines.map((text) => text + end).join(""));
  let seen = 0;
  fc.assert(
    fc.property(stream, fc.array(fc.nat(100), { maxLength: 6 }), (text, cuts) => {
      const at = [0, ...cuts.map((cut) => Math.min(cut, text.length)), text.length].sort((a, b) => a - b);
      const pieces = at.slice(1).map((end, index) => text.slice(at[index], end));
      const whole = parseAll(text);
      seen += whole.length;
      assert.deepEqual(parseAll(...pieces, "\n"), parseAll(`${text}\n`));
    }),
    { numRuns: 500 },
  );
  assert.ok(seen > 200, `only ${seen} events`);
});

test("an event without an end is refused before it fills the memory", () => {
  const parse = eventStreamParser();
  assert.throws(() => {
    for (let piece = 0; piece < 100; piece += 1) parse("x".repeat(100_000));
  }, RangeError);
});
