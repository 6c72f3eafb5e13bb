/** A stick that cannot be read, comes at the wrong time or is hostile, and a kiosk that takes none: each says so where people look. */
import assert from "node:assert/strict";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterEach, before, beforeEach, describe, it } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { lockUpdater } from "../../src/io/updater-lock.ts";
import { onlyBundle } from "../../src/update-commands.ts";
import { startHeld } from "./held.ts";
import { maskgate, modelFolder, start, startDaemon, stop, until, type Running } from "./probe.ts";
import { at, bundle, done, kioskConfig, put, statusWhere, stick, stickKiosk, update } from "./stick-kiosk.ts";

const state: { config: string; daemon: Running | undefined } = { config: "", daemon: undefined };
const reportFile = at("run", "report.json");

/** What a terminal would obey, and what turns letters round. */
function ordersIn(text: string): readonly string[] {
  return ["\u001b", "\u009b", "\u202e"].filter((order) => text.includes(order));
}

/** What the updater said last. */
function reported(run = at("run")): { readonly state: string; readonly reason: string | null } {
  return JSON.parse(readFileSync(path.join(run, "report.json"), "utf8")) as ReturnType<typeof reported>;
}

before(async () => {
  state.config = await stickKiosk();
  await bundle(1);
});

describe("a stick in trouble, before a daemon", { concurrency: 1 }, () => {
  beforeEach(async () => {
    state.daemon = await startDaemon(state.config);
    rmSync(reportFile, { force: true });
  });
  afterEach(async () => {
    if (state.daemon) await stop(state.daemon);
  });

  it("that cannot be mounted is told on the socket and with red, fit for a terminal", async () => {
    const reason = "/dev/sda1 cannot be mounted: \u001b[2Jwrong\nfs; look at it on a computer";
    const { code, out, err } = await maskgate("update", `--stick-failed=${reason}`, "--config", state.config);
    const plain = "/dev/sda1 cannot be mounted: ?[2Jwrong fs; look at it on a computer";
    assert.equal(code, 1);
    assert.match(out, /update failed/);
    assert.deepEqual(ordersIn(out + err), []);
    assert.deepEqual([reported().state, reported().reason], ["failed", plain]);
    const now = await statusWhere(({ update }) => update.notice === "bad");
    assert.deepEqual([now.update.state, now.update.reason], ["failed", plain]);
    assert.match(await done("status", "--config", state.config), /^update +failed: \/dev\/sda1 cannot be/m);
  });

  it("whose names are orders to a terminal shows them as text, wherever it is told", async () => {
    const [first, second] = ["\u001b[2J\u009b31mTür.maskgate", "\u202eb.maskgate"];
    mkdirSync(stick, { recursive: true });
    for (const name of [first, second]) writeFileSync(path.join(stick, name), "no bundle");
    const two = await update(state.config);
    await statusWhere(({ update }) => update.state === "refused");
    const screen = await done("status", "--config", state.config);
    rmSync(path.join(stick, second));
    const one = await update(state.config);
    for (const text of [two.out, two.err, one.out, screen, reported().reason ?? ""]) {
      assert.deepEqual(ordersIn(text), []);
      assert.match(text, /Tür\.maskgate/);
    }
    assert.deepEqual([two.code, one.code, one.err], [2, 1, ""]);
    assert.equal(reported().state, "refused");
  });

  it("that comes while another updater ends waits for it and installs", async () => {
    put(1);
    const busy = await lockUpdater(at("run"));
    const running = start("update", "--stick", stick, "--config", state.config);
    await wait(2500);
    assert.equal(running.written.out, "");
    await busy[Symbol.asyncDispose]();
    const { code, out } = await running.ended;
    assert.equal(code, 0, out);
    assert.match(out, /update good/);
  });
});

describe("a stick in trouble", { concurrency: 3 }, () => {
  it("that comes while another updater works for long is told after 30 s, and so is one that cannot be read", async () => {
    put(1);
    await using _busy = await lockUpdater(at("run"));
    const args = ["--config", state.config];
    const sinceMs = performance.now();
    const [late, broken] = await Promise.all([
      maskgate("update", "--stick", stick, ...args),
      maskgate("update", "--stick-failed=/dev/sdb1 holds ntfs; make it anew", ...args),
    ]);
    const says = /another update is under way for 30 s and more; try again when it is over/;
    assert.match(late.out, says);
    assert.match(late.err, says);
    assert.match(broken.out, /\/dev\/sdb1 holds ntfs; make it anew/);
    assert.deepEqual([late.code, broken.code], [2, 1]);
    assert.equal(reported().state, "failed");
    assert.ok(performance.now() - sinceMs > 28_000);
  });

  it("that comes during the probation of the one before is told at once, and for as long as the LEDs show it", async () => {
    const [run, folder] = [at("next-run"), at("next-stick")];
    for (const made of [run, at("next-state"), folder]) mkdirSync(made);
    cpSync(at("v1.maskgate"), path.join(folder, "v1.maskgate"));
    const keys = { "update.runFolder": run, "update.stateFolder": at("next-state") };
    const config = ["--config", kioskConfig({ ...keys, "update.probationLimitS": 7200 })];
    const first = await maskgate("update", "--stick", folder, "--hand-over", ...config);
    assert.deepEqual([first.code, first.err, reported(run).state], [0, "", "probation"]);
    const watching = start("update", "--resume", ...config);
    await until("update probation", watching, () => watching.written.out.includes("update probation"));
    const sinceMs = performance.now();
    const { code, err } = await maskgate("update", "--stick", folder, "--hand-over", ...config);
    assert.equal(code, 2);
    assert.match(err, /version 1 is on probation; come again when it is over/);
    assert.ok(performance.now() - sinceMs < 15_000);
    // Longer than whoever watches takes to say again that it does.
    await wait(2500);
    assert.equal(reported(run).state, "refused");
    await until("the probation told again", watching, () => reported(run).state === "probation");
    watching.child.kill("SIGKILL");
    await watching.ended;
  });

  it("that holds no bundle is nobody's concern, whoever works", async () => {
    const run = at("busy-run");
    mkdirSync(run);
    await using _busy = await lockUpdater(run);
    const folder = at("photographs");
    mkdirSync(folder);
    const sinceMs = performance.now();
    const config = kioskConfig({ "update.runFolder": run });
    const { code, err } = await maskgate("update", "--stick", folder, "--config", config);
    assert.deepEqual([code, err], [0, ""]);
    assert.ok(performance.now() - sinceMs < 20_000);
    assert.deepEqual(readdirSync(run), ["updater.sock"]);
  });

  it("for a kiosk whose configuration names its model is told in the report, too", async () => {
    const run = at("fixed-run");
    mkdirSync(run);
    const keys = { "model.folder": modelFolder("brightness"), "update.runFolder": run };
    const { code, err } = await update(kioskConfig(keys));
    const says = /model\.folder is .*, so no bundle changes the model; make it empty/;
    assert.equal(code, 2);
    assert.match(err, says);
    assert.equal(reported(run).state, "failed");
    assert.match(reported(run).reason ?? "", says);
  });

  it("that hangs while it is looked at is told after 30 s, and its updater ends for certain", async () => {
    const [slow, run] = [at("slow"), at("slow-run")];
    for (const name of [slow, run]) mkdirSync(name);
    const config = kioskConfig({ "update.runFolder": run });
    const hold = { call: "readdir", ends: slow, nth: 1 } as const;
    const { ended } = await startHeld(hold, "update", "--stick", slow, "--config", config);
    const sinceMs = performance.now();
    const { signal, err } = await ended;
    assert.ok(performance.now() - sinceMs < 45_000);
    assert.match(err, /slow: cannot be read: it takes longer than 30 s; plug the stick in again/);
    assert.equal(signal, "SIGKILL");
    assert.equal(reported(run).state, "failed");
  });

  it("that does not say what is on it is waited for no longer than its time", async () => {
    const never = (): Promise<never> => new Promise(() => undefined);
    await assert.rejects(onlyBundle("/stick", never, 50), {
      code: "update-failed",
      message: "/stick: cannot be read: it takes longer than 0.05 s; plug the stick in again",
    });
    const gone = (): Promise<never> => Promise.reject(new Error("EIO"));
    await assert.rejects(onlyBundle("/stick", gone, 50), { message: /cannot be read: EIO; plug/ });
  });

  it("is not asked for beside another wish", async () => {
    for (const args of [
      [],
      ["--stick", "x", "--resume"],
      ["--stick", "x", "--stick-failed", "y"],
      ["--stick-failed", "y", "--resume"],
    ]) {
      const { code, err } = await maskgate("update", ...args, "--config", state.config);
      assert.equal(code, 2);
      assert.match(err, /update: give --stick with a folder, --stick-failed with the reason, or --resume/);
    }
  });
});
