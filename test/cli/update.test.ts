/** A stick, the updater and a daemon as real processes: the way of a model to the door and back. */
import assert from "node:assert/strict";
import { appendFileSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterEach, before, beforeEach, describe, it } from "node:test";
import { start, startDaemon, stop, until, type Running } from "./probe.ts";
import * as kiosk from "./stick-kiosk.ts";
import { at, bundle, done, kioskConfig, put, status, statusWhere, stick, stickKiosk } from "./stick-kiosk.ts";

const state: { config: string; daemon: Running | undefined } = { config: "", daemon: undefined };
const update = () => kiosk.update(state.config);
const record = () => kiosk.record(state.config);

async function restart(config = state.config): Promise<void> {
  if (state.daemon) await stop(state.daemon);
  state.daemon = await startDaemon(config);
}

/** The least that a disk can do: of a manifest one bit, by which the door would open at a threshold of 0.1. */
function damage(file: string): void {
  const bytes = readFileSync(file);
  const at = bytes.indexOf('"threshold": 0.5');
  if (at < 0) bytes[bytes.length - 3] = (bytes.at(-3) ?? 0) ^ 1;
  else bytes[at + '"threshold": 0.'.length] = "5".charCodeAt(0) ^ 4;
  writeFileSync(file, bytes);
}

describe("updates from a stick", { concurrency: 1 }, () => {
  before(async () => {
    state.config = await stickKiosk();
    for (const version of [1, 2, 4]) await bundle(version);
    await bundle(3, { golden: false });
  });
  beforeEach(async () => {
    state.daemon = await startDaemon(state.config);
  });
  afterEach(async () => {
    if (state.daemon) await stop(state.daemon);
  });

  it("installs the one bundle while the daemon goes on, and marks it good", async () => {
    const before = await statusWhere((now) => now.camera.framesDecided > 0);
    assert.deepEqual([before.update.state, before.update.running?.place], ["idle", "packaged"]);
    put(1);
    const { code, out, err } = await update();
    assert.deepEqual([code, err], [0, ""], out);
    for (const kind of ["copying", "verifying", "staging", "switching", "probation", "good"])
      assert.match(out, new RegExp(`update ${kind}`));
    const now = await statusWhere(({ update }) => update.state === "good");
    assert.deepEqual([now.update.running?.version, now.model.version], [1, "1.0.0"]);
    assert.ok(now.uptimeMs > before.uptimeMs && now.camera.framesDecided > before.camera.framesDecided);
    assert.equal(now.fault, null);
    const { active, trial, ledger } = await record();
    assert.deepEqual(
      [active.place, active.version, trial, Object.values(ledger.counters)],
      ["slot-a", 1, null, [1]],
    );
  });

  it("says that a bundle is installed already, and writes nothing", async () => {
    const before = readFileSync(at("state", "state.json"));
    const { code, out } = await update();
    assert.equal(code, 0);
    assert.match(out, /already installed/);
    assert.deepEqual(readFileSync(at("state", "state.json")), before);
  });

  for (const [daemon, place, name] of [
    ["goes on with it", "slot-a", "model.onnx"],
    ["started anew with the one before", "packaged", "manifest.json"],
    ["started anew with the one before", "packaged", "bundle.json"],
    ["started anew with the one before", "packaged", "golden.json"],
  ] as const) {
    it(`mends a bundle whose ${name} is damaged on the disk while the daemon ${daemon}, and keeps what was behind it`, async () => {
      const damaged = (await record()).active;
      damage(at("state", damaged.place, name));
      if (place === "packaged") await restart();
      assert.equal((await status()).update.running?.place, place);
      const { code, out } = await update();
      assert.equal(code, 0, out);
      await statusWhere(({ update }) => update.running?.id === damaged.id + 1);
      const { active, previous } = await record();
      assert.deepEqual([active.version, active.id, previous.place], [1, damaged.id + 1, "packaged"]);
    });
  }

  it("tries a bundle anew that is whole and that the daemon cannot load", async () => {
    const { active } = await record();
    await restart(kioskConfig({ "model.precision": "int8" }));
    const { update: before } = await status();
    assert.deepEqual([before.running?.place, before.unloadable?.id], ["packaged", active.id]);
    const { code, out } = await update();
    assert.equal(code, 1, out);
    assert.match(out, /the daemon cannot load it: .*no int8 graph/);
    assert.deepEqual((await record()).active, active);
  });

  it("refuses two bundles by name, a damaged one, one whose self-test fails; nothing changes", async () => {
    const before = readFileSync(at("state", "state.json"));
    put(1, 2);
    const two = await update();
    assert.equal(two.code, 2);
    assert.match(
      two.err,
      /holds 2 bundles, "Model v1 \(final\).MASKGATE", "Model v2 \(final\).MASKGATE"; leave one/,
    );
    await statusWhere((now) => now.update.state === "refused" && now.update.notice === "bad");
    put(2);
    const file = path.join(stick, "Model v2 (final).MASKGATE");
    const bytes = readFileSync(file);
    const middle = Math.floor(bytes.length / 2);
    writeFileSync(file, bytes.fill(0xff, middle, middle + 64));
    const damaged = await update();
    assert.equal(damaged.code, 1);
    assert.match(damaged.out, /update refused/);
    put(3);
    const wrong = await update();
    assert.equal(wrong.code, 1);
    assert.match(wrong.out, /the self-test fails/);
    put();
    assert.equal((await update()).code, 0);
    assert.deepEqual(readFileSync(at("state", "state.json")), before);
    assert.equal((await status()).update.running?.version, 1);
  });

  it("killed in each state, it leaves a model that works, and the next try installs", async () => {
    for (const kind of ["copying", "verifying", "staging", "probation"]) {
      put(2);
      const updater = start("update", "--stick", stick, "--config", state.config);
      await until(`update ${kind}`, updater, () => updater.written.out.includes(`update ${kind}`));
      updater.child.kill("SIGKILL");
      await updater.ended;
      const { active, trial } = await record();
      assert.equal(active.version, trial === null ? 1 : 2);
      if (kind === "probation") assert.equal(trial?.attempts, 1);
    }
    const late = await update();
    assert.match(late.out, /on probation; come again/);
    // The daemon starts anew with what is on probation.
    await restart();
    await done("update", "--resume", "--config", state.config);
    assert.equal((await record()).active.version, 2);
    await statusWhere(({ update }) => update.running?.version === 2);
  });

  it("refuses an older one, and goes back by hand", async () => {
    put(1);
    const older = await update();
    assert.equal(older.code, 1);
    assert.match(older.out, /has version 1, and 2 was good here before/);
    await done("model", "rollback", "--config", state.config);
    await statusWhere(({ update }) => update.running?.version === 1 && update.state === "rolled-back");
    assert.equal((await status()).update.reason, "by hand");
    await done("model", "install", at("v4.maskgate"), "--config", state.config);
    assert.equal((await record()).active.version, 4);
    await statusWhere(({ update }) => update.running?.version === 4);
  });

  it("a model that was damaged on the disk is passed over by a daemon that starts anew", async () => {
    if (state.daemon) await stop(state.daemon);
    const { active, previous } = await record();
    appendFileSync(at("state", active.place, "model.onnx"), "x");
    state.daemon = await startDaemon(state.config);
    const { update } = await status();
    assert.deepEqual([update.running?.place, update.unloadable?.id], [previous.place, active.id]);
    for (const name of ["state.json", "state.copy.json"])
      renameSync(at("state", name), at("state", `was.${name}`));
    await statusWhere(({ update }) => update.running?.place === "packaged");
  });
});
