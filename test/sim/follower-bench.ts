/** A daemon without its loop: the disk that the updater writes, the models that are loaded, the eyes that the kiosk was given. */
import assert from "node:assert/strict";
import { parseConfig } from "../../src/config.ts";
import { initialRecord, packaged, type ModelRef, type UpdateRecord } from "../../src/core/update-record.ts";
import { createLog } from "../../src/io/log.ts";
import { SlotStore } from "../../src/io/slot-store.ts";
import type { Eyes } from "../../src/kiosk-parts.ts";
import { ModelFollower } from "../../src/model-follower.ts";
import { benchPolicy, settle } from "./kiosk-bench.ts";
import { SimDisk } from "./sim-disk.ts";
import { SimVision } from "./sim-vision.ts";
import { VirtualTime } from "./virtual-time.ts";

const first: ModelRef = { place: "slot-a", id: 1, version: 7, bundle: "b7" };
/** The model of the second bundle. */
export const second: ModelRef = { place: "slot-b", id: 2, version: 8, bundle: "b8" };
/** A kiosk whose first bundle proved good. */
export const good: UpdateRecord = {
  ...initialRecord,
  lastId: 1,
  active: first,
  last: { kind: "good", version: 7, reason: null },
};
/** The same one with the next bundle on trial. */
export const onProbation: UpdateRecord = {
  ...good,
  lastId: 2,
  active: second,
  previous: first,
  trial: { attempts: 1, ledger: good.ledger, before: packaged, baseline: null },
};

/** How long a model may take to load beside another one. */
export const stagingS = 30;

/** Eyes that know whether they were closed. */
class TestEyes implements Eyes {
  readonly vision = new SimVision();
  readonly policy = benchPolicy;
  readonly model: Eyes["model"];
  isClosed = false;

  constructor({ version }: ModelRef) {
    this.model = {
      ...this.vision.model,
      version: String(version),
      askedProvider: "cpu",
      isFirstChoice: true,
    };
    this.vision[Symbol.asyncDispose] = () => {
      this.isClosed = true;
      return Promise.resolve();
    };
  }
}

/** Opens with a record; time passes only by `passS`. */
export class FollowerBench {
  readonly disk: SimDisk;
  readonly store: SlotStore;
  readonly time = new VirtualTime();
  readonly logged: string[] = [];
  /** Ids of all models that were asked for. */
  readonly asked: number[] = [];
  /** What gives up their loads, if anything does. */
  readonly signals: (AbortSignal | undefined)[] = [];
  readonly opened: TestEyes[] = [];
  /** What loading a model of this id ends with; else it works. */
  readonly broken = new Map<number, Error>();
  /** What happens while a model is loaded. */
  whileLoading: () => Promise<void> = () => Promise.resolve();
  /** The eyes that the kiosk was given, in order. */
  readonly given: Eyes[] = [];
  readonly swapped: Eyes[] = [];
  #follower: ModelFollower | undefined;

  /** On the disk of a daemon before, if one is given. */
  constructor(disk = new SimDisk().folder("/state").folder("/run").folder("/note")) {
    this.disk = disk;
    this.store = new SlotStore("/state", disk, (damage) => assert.fail(damage));
  }

  get follower(): ModelFollower {
    assert.ok(this.#follower);
    return this.#follower;
  }

  /** What of `unloadable`, place and version there is now. */
  get running(): readonly unknown[] {
    const { running, unloadable } = this.follower.status();
    return [running?.place, running?.version, unloadable?.id ?? null];
  }

  async open(record: UpdateRecord | undefined, folder = ""): Promise<this> {
    if (record) await this.store.write(record);
    const toml = `[model]\nfolder = "${folder}"\n[update]\nstateFolder = "/state"\nrunFolder = "/run"\nnoteFolder = "/note"\nstagingS = ${stagingS}\n`;
    const { disk, time, logged } = this;
    this.#follower = await ModelFollower.open({
      config: parseConfig(toml, "test"),
      clock: time,
      log: createLog({ level: "info", style: "json", sink: { write: (line) => logged.push(line) } }),
      disk,
      schedule: time.schedule,
      load: async (ref, signal) => {
        this.asked.push(ref.id);
        this.signals.push(signal);
        const failure = this.broken.get(ref.id);
        if (failure) throw failure;
        await this.whileLoading();
        const eyes = new TestEyes(ref);
        this.opened.push(eyes);
        return eyes;
      },
    });
    this.given.push(this.follower.eyes);
    this.follower.follow(
      {
        swap: (eyes) => {
          this.given.push(eyes);
          const old = this.given.at(-2);
          assert.ok(old);
          return Promise.resolve(old);
        },
      },
      (eyes) => this.swapped.push(eyes),
    );
    return this;
  }

  async passS(seconds: number): Promise<void> {
    for (let n = 0; n < seconds; n++) {
      this.time.advance(1000);
      await settle();
    }
  }

  async report(
    beat: number,
    state: string,
    version: number | null = 8,
    reason: string | null = null,
  ): Promise<void> {
    const file = await this.disk.create("/run/report.json");
    await file.write(Buffer.from(JSON.stringify({ beat, state, version, reason })));
  }

  /** The versions of the models that are loaded now. */
  get loaded(): readonly string[] {
    return this.opened.filter(({ isClosed }) => !isClosed).map(({ model }) => model.version);
  }
}
