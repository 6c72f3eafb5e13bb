/** A model on probation that kills or hangs the real daemon while it is loaded: the door works again with the one before. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { after, before, beforeEach, describe, it } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import type { UpdateStatus } from "../../src/core/update-status.ts";
import {
  initialRecord,
  packaged,
  rollBack,
  type ModelRef,
  type UpdateRecord,
} from "../../src/core/update-record.ts";
import { realDisk } from "../../src/io/disk.ts";
import { SlotStore } from "../../src/io/slot-store.ts";
import { fetchStatus } from "../../src/io/status-client.ts";
import { writeGoldenValues } from "../fixtures/golden-values.ts";
import { sample } from "../update/sample-bundle.ts";
import {
  configFile,
  lockLine,
  maskgate,
  modelFolder,
  photograph,
  startDaemon,
  temporaryFolder,
  type Running,
} from "./probe.ts";

const folder = temporaryFolder();
const at = (...names: readonly string[]): string => path.join(folder, ...names);
const store = new SlotStore(at("state"), realDisk, (damage) => assert.fail(damage));
/** By slot, as the record states them. */
const bundles = new Map<string, string>();
const ref = (place: ModelRef["place"], id: number): ModelRef => ({
  place,
  id,
  version: id,
  bundle: bundles.get(place) ?? null,
});
const good = (): UpdateRecord => ({ ...initialRecord, lastId: 1, active: ref("slot-a", 1) });
const trialOf = (place: ModelRef["place"], id: number): UpdateRecord => ({
  ...good(),
  lastId: id,
  active: ref(place, id),
  previous: good().active,
  trial: { attempts: 1, ledger: good().ledger, before: packaged, baseline: null },
});

/** As when the machine has no memory for a second model: the process is gone the moment that model 2.0.0 is loaded. */
const killsAtLoad = `
  import { readFileSync } from "node:fs";
  import { workerData } from "node:worker_threads";
  const folder = workerData?.classifier?.folder;
  if (folder && JSON.parse(readFileSync(folder + "/manifest.json", "utf8")).version === "2.0.0") process.kill(process.pid, "SIGKILL");
`;

/** What an updater leaves in a slot. */
async function model(slot: string, version: string): Promise<void> {
  rmSync(at("state", slot), { recursive: true, force: true });
  cpSync(modelFolder("brightness"), at("state", slot), { recursive: true });
  const file = at("state", slot, "manifest.json");
  const manifest = JSON.parse(readFileSync(file, "utf8")) as object;
  writeFileSync(file, JSON.stringify({ ...manifest, version }));
  await writeGoldenValues(at("state", slot));
  const bytesOf = (name: string): Buffer => readFileSync(at("state", slot, name));
  const { manifest: bundle } = sample({
    parts: (parts) =>
      parts.map((part) => (part.name === "golden.bin" ? part : { ...part, bytes: bytesOf(part.name) })),
  });
  writeFileSync(at("state", slot, "bundle.json"), bundle);
  bundles.set(slot, createHash("sha256").update(bundle).digest("hex"));
}

const statusOf = async (): Promise<UpdateStatus> => (await fetchStatus(at("status.sock"))).update;

async function statusWhere(holds: (update: UpdateStatus) => boolean): Promise<UpdateStatus> {
  for (let tries = 0; tries < 150; tries++) {
    const update = await statusOf();
    if (holds(update)) return update;
    await wait(200);
  }
  throw new Error(`in vain: ${JSON.stringify(await statusOf())}`);
}

describe("a model on probation that is fatal", { concurrency: 1 }, () => {
  const state = { config: "", daemons: [] as Running[] };
  const daemon = async (): Promise<Running> => {
    const started = await startDaemon(state.config, killsAtLoad);
    state.daemons.push(started);
    return started;
  };

  before(async () => {
    for (const name of ["frames", "state", "run", "note"]) mkdirSync(at(name));
    await photograph(at("frames", "a.jpg"));
    await model("slot-a", "1.0.0");
    state.config = configFile(folder, {
      "model.folder": "",
      "update.stateFolder": at("state"),
      "update.runFolder": at("run"),
      "update.noteFolder": at("note"),
      "update.stagingS": 10,
    });
  });
  beforeEach(() => store.write(good()));
  after(() => {
    for (const { child } of state.daemons) child.kill("SIGKILL");
  });

  it("kills the daemon twice and no more: it comes back with the model before each time, and says why in the end", async () => {
    await model("slot-b", "2.0.0");
    const first = await daemon();
    await store.write(trialOf("slot-b", 2));
    assert.equal((await first.ended).signal, "SIGKILL");
    assert.equal((await (await daemon()).ended).signal, "SIGKILL");
    const last = await daemon();
    const { running, unloadable, state: told } = await statusWhere((update) => update.unloadable !== null);
    const reason = "the daemon ended 2 times while it loaded this model";
    assert.deepEqual([running, unloadable, told], [good().active, { id: 2, reason }, "probation"]);
    const { framesDecided } = (await fetchStatus(at("status.sock"))).camera;
    await wait(3000);
    assert.ok((await fetchStatus(at("status.sock"))).camera.framesDecided > framesDecided);
    assert.deepEqual([last.child.signalCode, lockLine(folder)], [null, "0\n"]);
    last.child.kill("SIGKILL");
    await last.ended;
  });

  it("is rolled back at once by whoever watches its probation", async () => {
    await model("slot-b", "2.0.0");
    let running = await daemon();
    await store.write(trialOf("slot-b", 4));
    const watching = maskgate("update", "--resume", "--config", state.config);
    const over = watching.then(() => "over");
    let ends = 0;
    while ((await Promise.race([running.ended.then(() => "ended"), over])) === "ended") {
      ends += 1;
      // As systemd does it.
      running = await daemon();
    }
    const { code, out } = await watching;
    assert.equal(code, 0, out);
    const { active, trial, last } = await store.record();
    assert.deepEqual([active, trial, last?.kind], [good().active, null, "rolled-back"]);
    assert.match(last?.reason ?? "", /started anew|ended 2 times while it loaded/);
    assert.ok(ends === 1 || ends === 2, `it ended ${ends} times`);
    running.child.kill("SIGKILL");
    await running.ended;
  });

  it("hangs its load and nothing else: that is given up and said, and the next model is followed", async () => {
    await model("slot-b", "3.0.0");
    rmSync(at("state", "slot-b", "manifest.json"));
    execFileSync("mkfifo", [at("state", "slot-b", "manifest.json")]);
    await model("slot-c", "4.0.0");
    await daemon();
    await store.write(trialOf("slot-b", 6));
    const { running, unloadable } = await statusWhere((update) => update.unloadable !== null);
    assert.deepEqual(
      [running?.place, unloadable],
      ["slot-a", { id: 6, reason: "loading it took longer than 10 s" }],
    );
    await store.write(rollBack(trialOf("slot-b", 6), "no"));
    await store.write(trialOf("slot-c", 7));
    await statusWhere((update) => update.running?.id === 7);
  });
});
