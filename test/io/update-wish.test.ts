import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chownSync, existsSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { leaveWish, takeWish, wishFile, withdrawWish } from "../../src/io/update-wish.ts";
import { temporaryFolder } from "../cli/probe.ts";

const folder = temporaryFolder();
const file = wishFile(folder);
const wish = JSON.stringify({ trial: 3, end: "good" });

/** What is taken for trial 3, and what was complained of; nothing is left behind. */
async function taken(): Promise<readonly [string | undefined, ...string[]]> {
  const complaints: string[] = [];
  const end = await takeWish(folder, 3, (text) => complaints.push(text));
  assert.deepEqual(readdirSync(folder), []);
  return [end, ...complaints];
}

for (const end of ["good", "back"] as const) {
  test(`a wish (${end}) is taken once, and only its owner can read it`, async () => {
    await leaveWish(folder, { trial: 3, end: end === "good" ? "back" : "good" });
    await leaveWish(folder, { trial: 3, end });
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.deepEqual(await taken(), [end]);
    assert.deepEqual(await taken(), [undefined]);
  });
}

const complaint = (text: string): never => assert.fail(text);

test("a wish that is left while whoever watches looks for one is not lost", async () => {
  for (let n = 0; n < 400; n++) {
    const looking = takeWish(folder, 3, complaint);
    await leaveWish(folder, { trial: 3, end: "good" });
    assert.equal((await looking) ?? (await takeWish(folder, 3, complaint)), "good", `lost in round ${n}`);
  }
  assert.deepEqual(await taken(), [undefined]);
});

test("a wish for another trial, and one that was withdrawn, count for nothing", async () => {
  for (const trial of [2, 4]) {
    await leaveWish(folder, { trial, end: "good" });
    assert.deepEqual(await taken(), [undefined]);
  }
  await leaveWish(folder, { trial: 3, end: "good" });
  await withdrawWish(folder);
  assert.deepEqual(await taken(), [undefined]);
});

const elsewhere = path.join(temporaryFolder(), "wish.json");
writeFileSync(elsewhere, wish);
for (const [what, make, says] of [
  [
    "no JSON",
    () => {
      writeFileSync(file, wish.slice(1));
    },
    /JSON/,
  ],
  [
    "an end that is none",
    () => {
      writeFileSync(file, wish.replace("good", "bad"));
    },
    /end/,
  ],
  [
    "more than is stated",
    () => {
      writeFileSync(file, wish.replace("}", ',"force":true}'));
    },
    /force/,
  ],
  [
    "much too long",
    () => {
      writeFileSync(file, wish.padEnd(201));
    },
    /is no wish/,
  ],
  ["a folder", () => mkdirSync(path.join(file, "x"), { recursive: true }), /is no wish/],
  ["a pipe that nobody writes to", () => execFileSync("mkfifo", [file]), /is no wish/],
  [
    "a link",
    () => {
      symlinkSync(elsewhere, file);
    },
    /ELOOP/,
  ],
] as const) {
  test(`what is ${what} is no wish, is said once and removed`, { timeout: 10_000 }, async () => {
    make();
    const [end, complaint = "", ...more] = await taken();
    assert.deepEqual([end, more], [undefined, []]);
    assert.match(complaint, says);
    assert.ok(complaint.startsWith(`${file}: `) && complaint.endsWith("; nobody's wish is taken from it"));
    assert.ok(existsSync(elsewhere));
  });
}

const skip = process.getuid?.() === 0 ? false : "only root makes files of others";
test("what another user left is no wish", { skip }, async () => {
  writeFileSync(file, wish);
  chownSync(file, 12_345, 12_345);
  const [end, complaint = ""] = await taken();
  assert.equal(end, undefined);
  assert.match(complaint, /belongs to user 12345;/);
});
