/** A short run of the fuzzer, and that the reader has no way to a file: `scripts/fuzz-bundle.ts` is the long one. */
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { fuzz } from "../../scripts/bundle-fuzz.ts";

test("6000 hostile inputs end in refusals or in what their maker signed", { timeout: 120_000 }, async () => {
  const { signed, read, endings } = await fuzz(6000, 20_261_125);
  assert.ok(signed > 1500, `only ${signed} inputs came past the signature`);
  assert.ok(read > 20, `only ${read} inputs were bundles`);
  assert.ok(endings.length > 100, `only ${endings.length} ways to end`);
  for (const code of ["bad-bundle", "bundle-untrusted"])
    assert.ok(endings.some((ending) => ending.startsWith(code)));
});

test("src/update reaches no file, no process and no network", () => {
  const folder = path.resolve("src/update");
  const allowed = /^(\.\/|\.\.\/core\/)|^(node:crypto|node:util|zod)$/;
  for (const file of readdirSync(folder)) {
    const text = readFileSync(path.join(folder, file), "utf8");
    const imports = [...text.matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)].map(([, name = ""]) => name);
    assert.deepEqual(
      imports.filter((name) => !allowed.test(name)),
      [],
      file,
    );
    assert.doesNotMatch(text, /\bprocess\.|\brequire\(|globalThis|\bfetch\(/, file);
  }
});
