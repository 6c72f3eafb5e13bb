/** The updater killed while it writes down a switch or how a probation ended, and while it clears up: held there by its disk, for certain. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { afterEach, before, beforeEach, describe, it } from "node:test";
import type { UpdateRecord } from "../../src/core/update-record.ts";
import { startHeld, type Hold } from "./held.ts";
import { startDaemon, stop, type Running } from "./probe.ts";
import * as kiosk from "./stick-kiosk.ts";
import { at, bundle, done, put, stick, stickKiosk, kioskConfig } from "./stick-kiosk.ts";

const state: { config: string; daemon: Running | undefined } = { config: "", daemon: undefined };
const record = (): Promise<UpdateRecord> => kiosk.record(state.config);

/** Brings the bundle on a stick and kills the updater where its disk holds it. @returns the states that it told */
async function killed(version: number, hold: Hold, config = state.config): Promise<readonly string[]> {
  put(version);
  const updater = await startHeld(hold, "update", "--stick", stick, "--config", config);
  updater.child.kill("SIGKILL");
  const { signal, out } = await updater.ended;
  assert.equal(signal, "SIGKILL");
  return [...new Set([...out.matchAll(/"msg":"update ([\w-]+)"/g)].map(([, told = ""]) => told))];
}

async function installs(version: number): Promise<void> {
  put(version);
  const { code, out } = await kiosk.update(state.config);
  assert.equal(code, 0, out);
  assert.equal((await record()).active.version, version);
}

const upToSwitching = ["copying", "verifying", "staging", "switching"];
const [copy, file] = ["/state.copy.json", "/state.json"];

describe("an updater killed", { concurrency: 1 }, () => {
  before(async () => {
    state.config = await stickKiosk();
    for (const version of [1, 2, 3, 4, 5]) await bundle(version);
    await bundle(6, { golden: false });
  });
  beforeEach(async () => {
    state.daemon = await startDaemon(state.config);
  });
  afterEach(async () => {
    if (state.daemon) await stop(state.daemon);
  });

  it("never, works", () => installs(1));

  for (const ends of [copy, file]) {
    it(`in the switch, at ${ends}, has switched nothing`, async () => {
      assert.deepEqual(await killed(2, { call: "rename", ends, nth: 1 }), upToSwitching);
      const { active, trial } = await record();
      assert.deepEqual([active.version, trial], [1, null]);
    });
  }

  it("in the switch: the next stick works", () => installs(2));

  for (const [ends, version] of [
    [copy, 3],
    [file, 4],
  ] as const) {
    it(`at mark-good, at ${ends}, leaves the probation to another, who marks it good`, async () => {
      assert.deepEqual(await killed(version, { call: "rename", ends, nth: 2 }), [
        ...upToSwitching,
        "probation",
      ]);
      const { active, trial, ledger } = await record();
      assert.deepEqual([active.version, trial?.attempts], [version, 1]);
      assert.deepEqual(Object.values(ledger.counters), [version - 1]);
      await done("update", "--resume", "--config", state.config);
      const after = await record();
      assert.deepEqual([after.active.version, after.trial, after.last?.kind], [version, null, "good"]);
      assert.deepEqual(Object.values(after.ledger.counters), [version]);
    });
  }

  for (const ends of [copy, file]) {
    it(`in the rollback, at ${ends}, leaves it to another, who goes back`, async () => {
      // Nobody answers, and that is not waited for for long.
      if (state.daemon) await stop(state.daemon);
      const config = kioskConfig({ "update.probationLimitS": 3 });
      assert.deepEqual(await killed(5, { call: "rename", ends, nth: 2 }, config), [
        ...upToSwitching,
        "probation",
      ]);
      const { active, previous, trial } = await record();
      assert.deepEqual([active.version, previous.version, trial?.attempts], [5, 4, 1]);
      await done("update", "--resume", "--config", config);
      const after = await record();
      assert.deepEqual([after.active.version, after.trial, after.last?.kind], [4, null, "rolled-back"]);
      assert.deepEqual(Object.values(after.ledger.counters), [4]);
    });
  }

  it("while it clears up leaves the model that runs, and the next stick works", async () => {
    const { active, previous } = await record();
    const slot = ["slot-a", "slot-b", "slot-c"].find(
      (name) => name !== active.place && name !== previous.place,
    );
    assert.ok(slot !== undefined);
    // The first time it clears the slot for the candidate.
    const told = await killed(6, { call: "rm", ends: `/${slot}`, nth: 2 });
    assert.deepEqual(told, ["copying", "verifying", "staging", "refused"]);
    assert.ok(existsSync(at("state", slot, "model.onnx")));
    assert.deepEqual((await record()).active, active);
    await installs(5);
  });
});
