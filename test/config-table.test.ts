/** The table of keys, and the file that documents them. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { parse } from "smol-toml";
import { allowed, configNode, configTable, formatConfigTable } from "../src/config-table.ts";
import { loadConfig, parseConfig } from "../src/config.ts";
import { valueAt } from "./config-value.ts";

test("the table as JSON and as text hold every key once", () => {
  const rows = configTable();
  assert.deepEqual(JSON.parse(formatConfigTable(rows, "json")), rows);
  const lines = formatConfigTable(rows, "text").trimEnd().split("\n");
  assert.equal(lines.length, rows.length + 1);
  const start = lines[0]?.indexOf("TEXT");
  for (const [index, row] of rows.entries()) {
    assert.ok(lines[index + 1]?.startsWith(`${row.key} `));
    assert.equal(lines[index + 1]?.slice(start), row.text);
  }
});

test("device/config.toml is taken, names every key, and its comments hold the ones it leaves out", () => {
  const text = readFileSync("device/config.toml", "utf8");
  assert.equal(parseConfig(text, "device/config.toml").camera.source, "gstreamer");
  const whole = text.replaceAll(/^# (\w+ = )/gm, "$1");
  const given = parse(whole);
  for (const row of configTable()) assert.notEqual(valueAt(given, row.key), undefined, row.key);
  parseConfig(whole, "device/config.toml");
});

test("device/config.toml differs from the defaults only in the keys of a real device", () => {
  const config = loadConfig("device/config.toml");
  const different = configTable().filter(
    (row) => JSON.stringify(valueAt(config, row.key)) !== JSON.stringify(row.default),
  );
  assert.deepEqual(
    different.map((row) => row.key),
    ["camera.source", "gpio.driver", "gpio.simulatorDir", "gpio.holder"],
  );
});

test("allowed() names a unit", () => {
  assert.equal(
    allowed(configNode().properties?.["access"]?.properties?.["unlockMs"] ?? {}),
    "a whole number from 1000 to 10000 (ms)",
  );
});
