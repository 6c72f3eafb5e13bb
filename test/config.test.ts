import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import { configTable } from "../src/config-table.ts";
import { loadConfig, parseConfig } from "../src/config.ts";
import { KioskError } from "../src/core/errors.ts";
import { valueAt } from "./config-value.ts";

const folder = mkdtempSync(path.join(tmpdir(), "maskgate-config-"));
after(() => {
  rmSync(folder, { recursive: true });
});

function refusals(toml: string): readonly string[] {
  try {
    parseConfig(toml, "c.toml");
  } catch (error) {
    assert.ok(error instanceof KioskError, String(error));
    assert.equal(error.code, "bad-config");
    return error.message.split("\n");
  }
  assert.fail(`accepted: ${toml}`);
}

/** A TOML text that sets one key. */
function setting(key: string, value: string): string {
  const cut = key.lastIndexOf(".");
  return `[${key.slice(0, cut)}]\n${key.slice(cut + 1)} = ${value}\n`;
}

test("an empty file and no file give the documented defaults", () => {
  assert.deepEqual(parseConfig("", "c.toml"), loadConfig(undefined));
  const config = loadConfig(undefined);
  for (const row of configTable()) assert.deepEqual(valueAt(config, row.key), row.default, row.key);
  assert.deepEqual(
    [config.camera.source, config.camera.replay.path, config.access.framesToGrant, config.gpio.amber.offset],
    ["replay", "demo-frames", 5, 3],
  );
  assert.equal(config.access.threshold, undefined);
});

test("the result is frozen to its leaves", () => {
  const config = parseConfig("[model]\nproviders = ['cpu']", "c.toml");
  for (const part of [config, config.gpio, config.gpio.door, config.model.providers])
    assert.ok(Object.isFrozen(part));
});

for (const row of configTable()) {
  test(`${row.key}: its ends are taken and what lies beyond is refused with key, value and range`, () => {
    const refused = (value: string): void => {
      const [line, ...others] = refusals(setting(row.key, value));
      assert.deepEqual(others, []);
      assert.ok(line !== undefined);
      assert.ok(line.toLowerCase().startsWith(`c.toml: ${row.key} = ${value} is`.toLowerCase()), line);
      assert.match(line, /; allowed: \S/);
    };
    assert.ok(row.text.length > 10, "has a text");
    const ends = /^([\d.]+?)\.\.([\d.]+)$/.exec(row.range);
    if (ends !== null) {
      const [least, most] = [Number(ends[1]), Number(ends[2])];
      for (const end of [least, most]) {
        // An end may contradict another key's default; what counts is that its own range does not refuse it.
        try {
          parseConfig(setting(row.key, String(end)), "c.toml");
        } catch (error) {
          assert.doesNotMatch(String(error), new RegExp(`${row.key} = .*allowed: a (whole )?number`));
        }
      }
      refused(String(most + 1));
      refused(String(least - 1));
      if (row.type === "integer") refused("3.5");
      refused("nan");
    }
    refused(row.type === "string" ? "7" : '"seven"');
    if (row.range.includes("|") && row.type === "string") refused('"seven"');
  });
}

test("all problems are told at once, one line each", () => {
  const lines = refusals(
    [
      "[camera]",
      "framesPerSecond = 100",
      'source = "webcam"',
      "framesPerSec = 5",
      "[access]",
      'threshold = "high"',
      "[modle]",
      "[model]",
      "providers = ['cpu', 'tpu']",
    ].join("\n"),
  );
  assert.deepEqual(lines.toSorted(), [
    'c.toml: access.threshold = "high" is not allowed; allowed: a number from 0.5 to 0.999',
    "c.toml: camera.framesPerSecond = 100 is not allowed; allowed: a whole number from 1 to 60 (1/s)",
    'c.toml: camera.source = "webcam" is not allowed; allowed: replay or gstreamer or libcamera',
    'c.toml: model.providers[1] = "tpu" is not allowed; allowed: tensorrt or cuda or cpu',
    "c.toml: unknown key camera.framesPerSec; did you mean camera.framesPerSecond?",
    "c.toml: unknown key modle; did you mean model?",
  ]);
});

test("a list must not be empty and names each provider once; a section must be a table", () => {
  const list = "a list of at least one, tensorrt or cuda or cpu, each once";
  assert.deepEqual(refusals("[model]\nproviders = []"), [
    `c.toml: model.providers = [] is not allowed; allowed: ${list}`,
  ]);
  assert.deepEqual(refusals("[model]\nproviders = ['cpu', 'cpu']"), [
    `c.toml: model.providers = ["cpu","cpu"] is not allowed; allowed: ${list}`,
  ]);
  assert.deepEqual(refusals("[camera]\nreplay = 3"), [
    "c.toml: camera.replay = 3 is not allowed; allowed: a table with the keys path, loop",
  ]);
});

const misspelt: readonly (readonly [string, string | undefined])[] = [
  ["camera.frames_per_second", "camera.framesPerSecond"],
  ["camera.Source", "camera.source"],
  ["acces.unlockMs", "access"],
  ["door.wiring", "gpio.door.wiring"],
  ["door.heldOpenAfterMs", "door.heldOpenAfterS"],
  ["access.minScore", "faces.minScore"],
  ["gpio.door.activeLow", "gpio.door.isActiveLow"],
  ["faces.colour", undefined],
];
for (const [written, meant] of misspelt) {
  test(`${written} is refused, and the hint is ${meant ?? "where to read"}`, () => {
    const [line] = refusals(setting(written, "1"));
    const hint = meant === undefined ? "`maskgate config` lists all keys" : `did you mean ${meant}?`;
    assert.ok(line?.endsWith(`; ${hint}`), line);
  });
}

const contradictory: readonly (readonly [string, string, string])[] = [
  ["camera.replay.path", 'camera.source = "replay"\ncamera.replay.path = ""', 'camera.source = "replay"'],
  [
    "camera.gstreamer.url",
    'camera.source = "gstreamer"\ncamera.gstreamer.preset = "rtsp"',
    'camera.source = "gstreamer"\ncamera.gstreamer.preset = "rtsp"\ncamera.gstreamer.url = "rtsp://a/b"',
  ],
  [
    "camera.gstreamer.pipeline",
    'camera.source = "gstreamer"\ncamera.gstreamer.preset = "custom"\ncamera.gstreamer.pipeline = " "',
    'camera.source = "gstreamer"\ncamera.gstreamer.preset = "custom"\ncamera.gstreamer.pipeline = "videotestsrc"',
  ],
  [
    "camera.restartMinMs",
    "camera.restartMinMs = 600\ncamera.restartMaxMs = 599",
    "camera.restartMaxMs = 500",
  ],
  [
    "camera.silenceMs",
    "camera.silenceMs = 1000\ncamera.framesPerSecond = 1\naccess.maxGapMs = 1001",
    "camera.silenceMs = 200",
  ],
  ["access.leastFacePx", "access.leastFacePx = 31", "access.leastFacePx = 32"],
  ["access.maxGapMs", "access.maxGapMs = 100", "access.maxGapMs = 101"],
  ["gpio.red.offset", "gpio.red.offset = 1", "gpio.red.offset = 1\ngpio.red.chip = 'gpiochip1'"],
  ["gpio.amber.offset", "gpio.amber.offset = 0", "gpio.amber.offset = 0\ngpio.amber.isFitted = false"],
  [
    "gpio.tamper.offset",
    "gpio.contact.isFitted = true\ngpio.tamper.isFitted = true\ngpio.tamper.offset = 4",
    "gpio.contact.isFitted = false\ngpio.tamper.isFitted = true\ngpio.tamper.offset = 4",
  ],
  [
    "gpio.contact.bias",
    'gpio.driver = "sysfs"\ngpio.contact.isFitted = true',
    'gpio.driver = "sysfs"\ngpio.contact.isFitted = true\ngpio.contact.bias = "none"',
  ],
  [
    "status.socketPath",
    `status.socketPath = "/${"ä".repeat(53)}x"`,
    `status.socketPath = "/${"ä".repeat(53)}"`,
  ],
];
for (const [index, [key, wrong, right]] of contradictory.entries()) {
  test(`contradiction ${index + 1}, ${key}: refused, and what differs least is taken`, () => {
    const lines = refusals(wrong);
    assert.equal(lines.length, 1, lines.join("\n"));
    assert.ok(lines[0]?.startsWith(`c.toml: ${key} = `), lines[0]);
    parseConfig(right, "c.toml");
  });
}

test("a refused camera address does not show its password", () => {
  const [line] = refusals(
    'camera.source="gstreamer"\ncamera.gstreamer.preset="rtsp"\ncamera.gstreamer.url="http://me:secret@cam/"',
  );
  assert.match(line ?? "", /http:\/\/\*\*\*@cam/);
});

test("what is no TOML is told with file, line, column and the line itself", () => {
  assert.deepEqual(refusals("[camera]\nwidthPx = = 3\n").length, 1);
  assert.match(refusals("[camera]\nwidthPx = = 3\n")[0] ?? "", /^c\.toml:2:11: not TOML: .+: widthPx = = 3$/);
});

const unreadable: readonly (readonly [string, () => string, RegExp])[] = [
  ["a missing file", () => path.join(folder, "none.toml"), /no such file/],
  ["a folder", () => folder, /is a folder/],
  [
    "a binary file",
    () => {
      writeFileSync(path.join(folder, "binary"), Buffer.from([0xff, 0xfe, 0x00, 0xd8]));
      return path.join(folder, "binary");
    },
    /no text in UTF-8/,
  ],
];
for (const [name, make, reason] of unreadable) {
  test(`${name} gives one clear line`, () => {
    const file = make();
    assert.throws(
      () => loadConfig(file),
      (error) =>
        error instanceof KioskError &&
        error.code === "bad-config" &&
        error.message.startsWith(`${file}: `) &&
        !error.message.includes("\n") &&
        reason.test(error.message),
    );
  });
}

test("no TOML text brings down the check otherwise than by a KioskError", () => {
  const keys = [
    ...configTable().map((row) => row.key),
    "camera",
    "gpio.door",
    "model.extra",
    "__proto__",
    "constructor",
  ];
  const values = ["1", "-1", "true", '"x"', "[]", "[1]", "{}", "nan", "1979-05-27T07:32:00Z", '"cpu"', "inf"];
  let refused = 0;
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.tuple(fc.constantFrom(...keys), fc.constantFrom(...values)), {
        maxLength: 4,
        selector: ([key]) => key,
      }),
      (settings) => {
        try {
          parseConfig(settings.map(([key, value]) => `${key} = ${value}`).join("\n"), "c.toml");
        } catch (error) {
          assert.ok(error instanceof KioskError, String(error));
          refused += 1;
        }
      },
    ),
    { numRuns: 300 },
  );
  assert.ok(refused > 50, `refused ${refused}`);
});
