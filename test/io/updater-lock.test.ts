/** One updater at a time, and how long another one waits for it. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { lockUpdater, waitForUpdater } from "../../src/io/updater-lock.ts";

const folder = mkdtempSync(path.join(tmpdir(), "maskgate-lock-"));
after(() => {
  rmSync(folder, { recursive: true });
});

test("who waits gets the lock as soon as it is free, and nobody else has it then", async () => {
  const first = await lockUpdater(folder);
  let hasSecond = false;
  const second = waitForUpdater(folder, 20_000, 10).then((lock) => {
    hasSecond = true;
    return lock;
  });
  await assert.rejects(lockUpdater(folder), { code: "socket-busy" });
  assert.equal(hasSecond, false);
  await first[Symbol.asyncDispose]();
  const lock = await second;
  await assert.rejects(lockUpdater(folder), { code: "socket-busy" });
  await lock[Symbol.asyncDispose]();
});

test("who waited long enough is told so, and never takes the lock after it", async () => {
  const first = await lockUpdater(folder);
  await assert.rejects(waitForUpdater(folder, 100, 10), {
    code: "socket-busy",
    message: "another update is under way for 0.1 s and more; try again when it is over",
  });
  await first[Symbol.asyncDispose]();
  const lock = await lockUpdater(folder);
  await lock[Symbol.asyncDispose]();
});

test("what is wrong with the folder is no reason to wait", async () => {
  await assert.rejects(waitForUpdater(path.join(folder, "none"), 20_000, 10), { code: "socket-failed" });
});
