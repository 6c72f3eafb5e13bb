/** A kiosk of the updater's tests: no process, no daemon, a simulated disk. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { DaemonSample } from "../../src/core/probation.ts";
import type { ProbationEnd, UpdatePolicy, UpdateState } from "../../src/core/update-machine.ts";
import { modelsToTry, type ModelRef } from "../../src/core/update-record.ts";
import { SlotStore, type SlotWriter } from "../../src/io/slot-store.ts";
import { driveUpdate, type UpdateWork } from "../../src/updater.ts";
import { SimDisk } from "../sim/sim-disk.ts";

const folder = "/store";
export const policy: UpdatePolicy = {
  handsOver: false,
  probation: { frames: 4, probationMs: 2000, limitMs: 60_000, mostAttempts: 3 },
  limitsMs: { copying: 5000, verifying: 5000, staging: 5000, switching: 5000 },
};
const bytesOf = (version: number): Buffer => Buffer.from(`model ${version}`);
const partOf = (version: number) => {
  const bytes = bytesOf(version);
  return {
    name: "model.onnx",
    sizeBytes: bytes.length,
    sha256: createHash("sha256").update(bytes).digest("hex"),
  };
};

/** A kiosk: its disk, a daemon that runs whatever the record names, and time that passes only by waiting. */
export class Kiosk {
  readonly disk: SimDisk;
  readonly store: SlotStore;
  readonly told: UpdateState["kind"][] = [];
  readonly reasons: (string | null)[] = [];
  nowMs = 0;
  /** By how much a timer comes before its time. */
  earlyMs = 0;
  /** What happens in place of the work of a state. */
  instead: Partial<Record<"copying" | "verifying" | "staging" | "daemon" | "discard", () => Promise<never>>> =
    {};
  /** What the daemon says from its second answer on. */
  sample: Partial<DaemonSample> = {};
  /** Hears when the daemon is asked. */
  onSample: () => void = () => undefined;
  /** How somebody wants the trial to end. */
  wish: (trial: number) => ProbationEnd | undefined = () => undefined;
  #answers = 0;

  constructor(disk = new SimDisk().folder(folder)) {
    this.disk = disk;
    this.store = new SlotStore(folder, disk, (damage) => assert.fail(damage));
  }

  update(start: "begin" | "resume", version = 0, handsOver = false): Promise<UpdateState> {
    this.#answers = 0;
    return driveUpdate(start, {
      store: this.store,
      work: this.#work(version),
      policy: { ...policy, handsOver },
      clock: { nowMs: () => this.nowMs },
      wait: async (ms, signal) => {
        // Work that can be done is done before time passes.
        for (let turns = 0; turns < 300; turns++) await Promise.resolve();
        if (signal?.aborted !== true) this.nowMs += ms - this.earlyMs;
      },
      wish: (trial) => Promise.resolve(this.wish(trial)),
      tell: (state) => {
        this.told.push(state.kind);
        if ("reason" in state) this.reasons.push(state.reason);
      },
    });
  }

  async active(): Promise<number> {
    return (await this.store.record()).active.version;
  }

  /** What the daemon would decide with; asserts that it is whole. */
  async works(): Promise<number> {
    for (const { place, version } of modelsToTry(await this.store.record())) {
      if (place === "packaged") continue;
      const bytes = await this.disk.read(`${folder}/${place}/model.onnx`);
      assert.deepEqual(bytes && Buffer.from(bytes), bytesOf(version));
    }
    return this.active();
  }

  #work(version: number): UpdateWork {
    const { instead, store } = this;
    let writer: SlotWriter | undefined;
    return {
      copying: async (record) => {
        if (instead.copying) return instead.copying();
        writer = await store.open([partOf(version)]);
        await writer.write(partOf(version), bytesOf(version));
        await writer.verified();
        const ledger = { ...record.ledger, counters: { key: version } };
        return { kind: "copied", candidate: { version, bundle: String(version), ledger } };
      },
      verifying: async () => instead.verifying?.() ?? writer?.seal(),
      staging: async () => instead.staging?.(),
      daemon: async () => instead.daemon?.() ?? this.#daemon((await store.record()).active),
      discard: async () => instead.discard?.() ?? writer?.discard(),
    };
  }

  #daemon(running: ModelRef): DaemonSample {
    this.onSample();
    const usual = { uptimeMs: this.nowMs, framesDecided: this.nowMs / 100, framesPerSecond: 10 };
    return {
      ...usual,
      hasVisionFault: false,
      running,
      unloadable: null,
      ...(this.#answers++ > 0 ? this.sample : {}),
    };
  }
}

/** One whose first model is good. */
export async function kiosk(): Promise<Kiosk> {
  const made = new Kiosk();
  assert.equal((await made.update("begin", 1)).kind, "good");
  return made;
}

/** Whatever happened, the next bundle installs. */
export async function nextWorks(kiosk: Kiosk): Promise<void> {
  kiosk.instead = {};
  kiosk.sample = {};
  assert.equal((await kiosk.update("begin", 9)).kind, "good");
  assert.equal(await kiosk.works(), 9);
  assert.deepEqual((await kiosk.store.record()).ledger.counters, { key: 9 });
}
