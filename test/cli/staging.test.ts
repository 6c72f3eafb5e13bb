/** A candidate that blocks its thread for good, as a native load can: the updater goes on telling, keeps its limit, and takes the next. */
import assert from "node:assert/strict";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { before, describe, it } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import type { UpdateReport } from "../../src/io/update-files.ts";
import { startDaemon, startWithOnnx, stop, until } from "./probe.ts";
import { at, bundle, put, record, statusWhere, stick, stickKiosk, update } from "./stick-kiosk.ts";

const stagingS = 6;
const pidFile = at("pid");
const blocking = `import { writeFileSync } from "node:fs";
  writeFileSync(${JSON.stringify(pidFile)}, String(process.pid));
  export const env = {}; export class Tensor {}
  export class InferenceSession { static create() { for (;;); } }`;
const state = { config: "" };

/** Whether the process that blocks is still there after so long at most. */
async function isThere(limitMs: number): Promise<boolean> {
  const pid = Number(readFileSync(pidFile, "utf8"));
  const endMs = performance.now() + limitMs;
  try {
    for (;;) {
      process.kill(pid, 0);
      if (performance.now() > endMs) return true;
      await wait(100);
    }
  } catch {
    rmSync(pidFile);
    return false;
  }
}

const report = (): UpdateReport => JSON.parse(readFileSync(at("run", "report.json"), "utf8")) as UpdateReport;

describe("a candidate that blocks its thread for good", { concurrency: 1 }, () => {
  before(async () => {
    state.config = await stickKiosk({ "update.stagingS": stagingS });
    await bundle(1);
    put(1);
  });

  for (const [what, ...words] of [
    ["maskgate update", "update", "--stick", stick],
    ["maskgate model install", "model", "install", at("v1.maskgate")],
  ] as const) {
    it(`${what}: the beat goes on, the limit fires, and no process is left`, async () => {
      const updater = startWithOnnx(blocking, ...words, "--config", state.config);
      await until("staging", updater, () => updater.written.out.includes("update staging"));
      const atFirst = report();
      await wait((stagingS * 1000) / 2);
      const later = report();
      assert.deepEqual([atFirst.state, later.state], ["staging", "staging"]);
      assert.ok(later.beat > atFirst.beat, `${later.beat} follows ${atFirst.beat}`);
      assert.equal((await updater.ended).code, 1);
      const { state: ending, version, reason } = report();
      assert.deepEqual([ending, version, reason], ["failed", 1, `staging took longer than ${stagingS} s`]);
      assert.ok(!(await isThere(0)));
      assert.equal((await record(state.config)).active.place, "packaged");
    });
  }

  it("an updater that is killed takes it along", async () => {
    const updater = startWithOnnx(blocking, "update", "--stick", stick, "--config", state.config);
    await until("a process that blocks", updater, () => existsSync(pidFile));
    updater.child.kill("SIGKILL");
    assert.ok(!(await isThere(10_000)));
    await updater.ended;
  });

  it("the next bundle installs", async () => {
    const daemon = await startDaemon(state.config);
    try {
      const { code, out } = await update(state.config);
      assert.equal(code, 0, out);
      await statusWhere((now) => now.update.running?.version === 1);
    } finally {
      await stop(daemon);
    }
  });
});
