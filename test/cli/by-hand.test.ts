/** `maskgate model` as text, and ending a probation by hand: while an updater watches it, and while nobody does. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { lockUpdater } from "../../src/io/updater-lock.ts";
import {
  maskgate,
  modelFolder,
  start,
  startDaemon,
  stop,
  until,
  type Outcome,
  type Running,
} from "./probe.ts";
import { at, bundle, done, kioskConfig, put, record, statusWhere, stick, stickKiosk } from "./stick-kiosk.ts";

const state: { config: string; daemon: Running | undefined } = { config: "", daemon: undefined };
const model = (what: string): Promise<Outcome> => maskgate("model", what, "--config", state.config);
const list = (): Promise<string> => done("model", "list", "--config", state.config);

/** An updater that watches the probation of this version, which decides nothing by itself for an hour. */
async function onProbation(version: number): Promise<Running> {
  put(version);
  const updater = start("update", "--stick", stick, "--config", state.config);
  await until("update probation", updater, () => updater.written.out.includes("update probation"));
  return updater;
}

async function decides(version: number): Promise<void> {
  await statusWhere((now) => now.update.running?.version === version);
}

describe("the kiosk's models by hand", { concurrency: 1 }, () => {
  before(async () => {
    state.config = await stickKiosk({ "update.probationS": 3600, "update.probationLimitS": 7200 });
    for (const version of [1, 2, 3, 4]) await bundle(version);
    state.daemon = await startDaemon(state.config);
  });
  after(async () => {
    if (state.daemon) await stop(state.daemon);
  });

  it("mark-good ends a probation that an updater watches", async () => {
    assert.deepEqual((await list()).trimEnd().split("\n"), [
      "active    the model that comes with maskgate",
      "previous  the model that comes with maskgate",
      "good      up to version 0; 0 keys retired",
    ]);
    const updater = await onProbation(1);
    assert.deepEqual((await list()).trimEnd().split("\n"), [
      "active    version 1 in slot-a, on probation",
      "previous  the model that comes with maskgate",
      "good      up to version 0; 0 keys retired",
    ]);
    await decides(1);
    const { code, out, err } = await model("mark-good");
    assert.deepEqual([code, out, err], [0, "active    version 1 in slot-a\n", ""]);
    const ended = await updater.ended;
    assert.equal(ended.code, 0);
    assert.match(ended.out, /marked good by hand.*update good/);
    const { trial, ledger } = await record(state.config);
    assert.deepEqual([trial, Object.values(ledger.counters)], [null, [1]]);
    const { update } = await statusWhere((now) => now.update.state === "good");
    assert.deepEqual([update.reason, update.running?.version], ["marked good by hand", 1]);
  });

  it("rollback ends one with the model before, and the counter does not rise", async () => {
    const updater = await onProbation(2);
    const { code, out, err } = await model("rollback");
    assert.deepEqual([code, out, err], [0, "active    version 1 in slot-a\n", ""]);
    const ended = await updater.ended;
    assert.equal(ended.code, 1);
    assert.match(ended.out, /by hand.*update rolled-back/);
    const { trial, ledger } = await record(state.config);
    assert.deepEqual([trial, Object.values(ledger.counters)], [null, [1]]);
    const { update } = await statusWhere((now) => now.update.state === "rolled-back");
    assert.equal(update.reason, "by hand");
    await statusWhere((now) => now.update.running?.version === 1);
  });

  it("mark-good ends one that nobody watches any more, once", async () => {
    const updater = await onProbation(3);
    updater.child.kill("SIGKILL");
    await updater.ended;
    await decides(3);
    const { code, out, err } = await model("mark-good");
    assert.deepEqual([code, out, err], [0, "active    version 3 in slot-b\n", ""]);
    const again = await model("mark-good");
    assert.deepEqual([again.code, again.err], [1, "maskgate: no model is on probation\n"]);
    assert.deepEqual((await list()).trimEnd().split("\n"), [
      "active    version 3 in slot-b",
      "previous  version 1 in slot-a",
      "good      up to version 3; 0 keys retired",
    ]);
  });

  it("mark-good is refused of a model that no daemon decides with, and the counter does not rise", async () => {
    const updater = await onProbation(4);
    await decides(4);
    if (state.daemon) await stop(state.daemon);
    const { code, out, err } = await model("mark-good");
    assert.deepEqual([code, out], [1, ""]);
    assert.match(err, /status\.sock: .*only a daemon that decides with it shows that it is good/);
    updater.child.kill("SIGKILL");
    await updater.ended;
    // One whose configuration names another model.
    state.daemon = await startDaemon(kioskConfig({ "model.folder": modelFolder("brightness") }));
    const other = await model("mark-good");
    assert.deepEqual([other.code, other.out], [1, ""]);
    assert.match(other.err, /the daemon does not decide with version 4 yet/);
    const { trial, ledger } = await record(state.config);
    assert.deepEqual([trial?.attempts, Object.values(ledger.counters)], [1, [3]]);
    await done("model", "rollback", "--config", state.config);
  });

  it("neither waits for an update that has nothing on probation yet", async () => {
    await using _lock = await lockUpdater(at("run"));
    for (const what of ["mark-good", "rollback"]) {
      const { code, err } = await model(what);
      assert.equal(code, 2);
      assert.equal(err, "maskgate: another update is under way; try again when it is over\n");
    }
    assert.ok(!existsSync(at("run", "wish.json")));
  });
});
