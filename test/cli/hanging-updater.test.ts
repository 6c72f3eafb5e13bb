/** A stick that hangs the kernel's read must not keep the updater's unit busy for hours. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import path from "node:path";
import { it } from "node:test";
import { fileURLToPath } from "node:url";
import { temporaryFolder } from "./probe.ts";

const commands = fileURLToPath(new URL("../../src/update-commands.js", import.meta.url));

it("ends for certain although a read never comes back", () => {
  const fifo = path.join(temporaryFolder(), "stick");
  execFileSync("mkfifo", [fifo]);
  const script = `import { endForCertain } from ${JSON.stringify(commands)}; import { open } from "node:fs/promises";
    void open(${JSON.stringify(fifo)}); endForCertain(200);`;
  const { signal } = spawnSync(process.execPath, ["--input-type=module", "-e", script], { timeout: 30_000 });
  assert.equal(signal, "SIGKILL");
});

it("keeps nobody waiting who can end by himself", () => {
  const script = `import { endForCertain } from ${JSON.stringify(commands)}; endForCertain(20_000);`;
  const { status } = spawnSync(process.execPath, ["--input-type=module", "-e", script], { timeout: 15_000 });
  assert.equal(status, 0);
});
