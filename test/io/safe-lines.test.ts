/** The file of safe levels: written whole, driven line by line, and asked whether a fire release goes on. */
import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, it } from "node:test";
import { KioskError } from "../../src/core/errors.ts";
import { openSimulatedGpio } from "../../src/io/gpio-simulated.ts";
import {
  driveSafe,
  type SafeLine,
  safeLinesFile,
  wasFireReleased,
  writeSafeLines,
} from "../../src/io/safe-lines.ts";

function makeFolder() {
  const folder = mkdtempSync(path.join(tmpdir(), "maskgate-safe-"));
  const file = safeLinesFile(path.join(folder, "lease.sock"));
  return {
    ...{ folder, file },
    write: (lines: readonly SafeLine[], isFireReleased = false): void => {
      writeSafeLines(file, { driver: "simulated", simulatorDir: folder, isFireReleased, lines });
    },
    level: (offset: number): string =>
      readFileSync(path.join(folder, `board/sim_gpio${offset}/value`), "utf8").trim(),
    isHeld: (offset: number): boolean => existsSync(path.join(folder, `board/sim_gpio${offset}/owner`)),
    [Symbol.dispose]: () => {
      rmSync(folder, { recursive: true });
    },
  };
}

const line = (offset: number, rest: Partial<SafeLine> = {}): SafeLine => ({
  ...{ chip: "board", offset, isActiveLow: false, consumer: `line-${offset}`, level: "inactive" as const },
  ...rest,
});

describe("the file of safe levels", () => {
  it("lies beside the lease socket, alone, for its owner and group, and is replaced as a whole", () => {
    using at = makeFolder();
    at.write([line(0)]);
    at.write([line(1)], true);
    assert.deepEqual(readdirSync(at.folder), ["safe-lines.json"]);
    assert.equal(statSync(at.file).mode & 0o137, 0);
    const { lines } = JSON.parse(readFileSync(at.file, "utf8")) as { lines: readonly SafeLine[] };
    assert.deepEqual(lines, [line(1)]);
  });

  it("that cannot be written leaves the old one, and is told with the mend", () => {
    using at = makeFolder();
    at.write([line(0)], true);
    mkdirSync(`${at.file}.new`);
    assert.throws(
      () => {
        at.write([line(0)]);
      },
      (error) =>
        error instanceof KioskError &&
        error.code === "gpio-failed" &&
        /safe-lines\.json: cannot be written: .*; give the holder a folder .*gpio\.leaseSocketPath/.test(
          error.message,
        ),
    );
    assert.equal(wasFireReleased(at.file), true);
  });
});

describe("driveSafe", () => {
  it("drives each line to its level, by its own active level, and gives it up", async () => {
    using at = makeFolder();
    at.write([
      line(0, { level: "active" }),
      line(1),
      line(2, { level: "active", isActiveLow: true }),
      line(3, { isActiveLow: true }),
    ]);
    assert.deepEqual(await driveSafe(at.file), []);
    const offsets = [0, 1, 2, 3];
    assert.deepEqual(offsets.map(at.level), ["1", "0", "0", "1"]);
    assert.deepEqual(offsets.map(at.isHeld), [false, false, false, false]);
  });

  it("drives the others although one fails, wherever that stands, and names that one", async () => {
    for (const broken of [0, 1, 2]) {
      using at = makeFolder();
      const lines = [0, 1, 2].map((offset) => line(offset, { level: "active" }));
      at.write(lines.map((one) => (one.offset === broken ? { ...one, chip: "no/chip" } : one)));
      const failures = await driveSafe(at.file);
      assert.equal(failures.length, 1);
      assert.match(
        failures[0] ?? "",
        new RegExp(`^GPIO chip "no/chip" line ${broken} \\(line-${broken}\\): `),
      );
      for (const offset of [0, 1, 2].filter((one) => one !== broken)) assert.equal(at.level(offset), "1");
    }
  });

  it("leaves a line alone that a living program holds, and says who", async () => {
    using at = makeFolder();
    await using gpio = openSimulatedGpio(at.folder);
    gpio.requestOutput(line(0, { consumer: "maskgate-door" }), "active");
    at.write([line(0), line(1, { level: "active" })]);
    const failures = await driveSafe(at.file);
    assert.match(failures.join(), /held by "maskgate-door" \(process \d+\)/);
    assert.deepEqual([at.level(0), at.level(1)], ["1", "1"]);
  });
});

describe("whether a fire release goes on", () => {
  it("is what was written last, and no without a file", () => {
    using at = makeFolder();
    assert.equal(wasFireReleased(at.file), false);
    for (const isReleased of [true, false]) {
      at.write([line(0)], isReleased);
      assert.equal(wasFireReleased(at.file), isReleased);
    }
  });

  for (const text of ["", "{", "null", "[]", "{}", '{"isFireReleased":1}', '{"isFireReleased":"false"}']) {
    it(`is unknown, which is told, by a file that says ${JSON.stringify(text)}`, () => {
      using at = makeFolder();
      writeFileSync(at.file, text);
      assert.throws(
        () => wasFireReleased(at.file),
        (error) => error instanceof KioskError && error.message.includes("safe-lines.json: cannot be read: "),
      );
    });
  }
});
