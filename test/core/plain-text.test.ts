import assert from "node:assert/strict";
import { test } from "node:test";
import { plainText } from "../../src/core/plain-text.ts";

const texts: Readonly<Record<string, readonly [string, string]>> = {
  "letters of any script stay as they are": [
    "Tür (final) – Дверь 門.maskgate",
    "Tür (final) – Дверь 門.maskgate",
  ],
  "letters beyond 16 bits are letters": ["a 🚪 b", "a 🚪 b"],
  "a terminal's orders are none": ["\u001b[2J\u001b]0;x\u0007", "?[2J?]0;x?"],
  "neither are they in one character": ["\u009b2J", "?2J"],
  "nor rubbing out": ["a\u007fb\bc", "a?b?c"],
  "one line stays one line": ["a\r\nb\tc\u2028d\u2029e", "a b c?d?e"],
  "nothing turns letters round": ["a\u202egpj.exe\u2066", "a?gpj.exe?"],
  "nothing hides among letters": ["a\u200bb\u00adc\ufeffd", "a?b?c?d"],
  "half a letter is none": ["a\ud83d", "a?"],
};

for (const [says, [text, plain]] of Object.entries(texts)) {
  test(says, () => {
    assert.equal(plainText(text), plain);
  });
}
