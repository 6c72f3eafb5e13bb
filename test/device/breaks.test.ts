/** Every guarantee of the device bench can be broken on purpose. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { it } from "node:test";
import { fileURLToPath } from "node:url";
import { breaks } from "./breaks.ts";
import { rows } from "./rows.ts";

it("knows how to break each row of the bench, and no other", () => {
  assert.deepEqual(Object.keys(breaks).sort(), rows.map(({ name }) => name).sort());
});

const places: readonly (readonly [RegExp, string])[] = [
  [
    /^\/(?:opt\/maskgate|host\/program|host\/tests)\/dist\//,
    fileURLToPath(new URL("../../", import.meta.url)),
  ],
  [/^\/opt\/maskgate\/bin\/maskgate$/, "scripts/package"],
  [/^\/etc\/systemd\/system\//, "systemd/"],
  [/^\/host\/source\//, ""],
];

function fileHere(file: string): string {
  const [pattern, folder] = places.find(([prefix]) => prefix.test(file)) ?? [];
  assert.ok(pattern, file);
  return file.replace(pattern, folder ?? "");
}

it("changes texts that are there", () => {
  const edits = Object.values(breaks).flatMap(({ script }) => [
    ...script.matchAll(/\bedit (\S+) '([^']+)' '/g),
  ]);
  assert.ok(edits.length > 15);
  for (const [, file = "", text = ""] of edits)
    assert.ok(readFileSync(fileHere(file), "utf8").includes(text), `${file}: ${text}`);
});
