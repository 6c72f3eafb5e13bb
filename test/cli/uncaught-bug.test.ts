import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("../fixtures/uncaught-bug.js", import.meta.url));

function levelAfterBug(how: "guarded" | "bare"): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), "maskgate-"));
  try {
    const { status, stderr } = spawnSync(process.execPath, [program, folder, how], { encoding: "utf8" });
    assert.match(stderr, /a bug/);
    assert.notEqual(status, 0);
    return readFileSync(path.join(folder, "gpiochip0/sim_gpio0/value"), "utf8").trim();
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("an uncaught bug locks the door on its way out", () => {
  assert.equal(
    levelAfterBug("bare"),
    "1",
    "without the guard the line stays unlocked, so the test can see it",
  );
  assert.equal(levelAfterBug("guarded"), "0");
});
