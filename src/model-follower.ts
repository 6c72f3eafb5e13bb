/**
 * The daemon's model as the updater's files want it. A new one is loaded in a second worker while the first goes on, and takes over
 * between two frames; one that cannot be loaded changes nothing. Nothing is ever written here, and a stick is never seen.
 */
import { policyOf, reportModel } from "./camera-side.ts";
import type { Config } from "./config-schema.ts";
import { cleanUpAfter, messageOf } from "./core/errors.ts";
import type { Clock } from "./core/ports.ts";
import {
  isSameModel,
  modelsToTry,
  packaged,
  type ModelRef,
  type UpdateRecord,
} from "./core/update-record.ts";
import { isUnderWay, noticeOf, updatesOff, type UpdateStatus } from "./core/update-status.ts";
import { realDisk, type Disk } from "./io/disk.ts";
import type { Log } from "./io/log.ts";
import { scheduleTimeout, type Schedule } from "./io/timer.ts";
import { readRecord, readReport, type UpdateReport } from "./io/update-files.ts";
import type { Eyes } from "./kiosk-parts.ts";
import { modelFolder, pipelineSettings } from "./pipeline-settings.ts";
import { startVision } from "./vision/worker-vision.ts";

const pollMs = 1000;
/** A report of work that did not change for so long is of an updater that is gone. */
const silenceMs = 15_000;

export interface FollowerParts {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Log;
  /** Where the updater's files are; the machine's own disk if nothing else is given. */
  readonly disk?: Disk;
  readonly schedule?: Schedule;
  /** Loads a model; in a worker of its own if nothing else is given. */
  readonly load?: (ref: ModelRef) => Promise<Eyes>;
}

/** Looks with other eyes from the next frame on, and gives the old ones back. */
interface Swapping {
  swap(eyes: Eyes): Promise<Eyes>;
}

type Told = Pick<UpdateStatus, "state" | "version" | "reason">;

/** Owns the eyes that the kiosk looks with, and those that are being loaded. */
export class ModelFollower implements AsyncDisposable {
  readonly #parts: FollowerParts;
  #eyes: Eyes;
  #running: ModelRef | null;
  #unloadable: UpdateStatus["unloadable"];
  #told: Told;
  #toldAtMs: number;
  /** When what is told came to be, if this daemon saw it happen. */
  #newsAtMs: number | undefined;
  #hasHeard = false;
  #beat = { count: -1, atMs: 0 };
  #work: Promise<void> = Promise.resolve();
  #cancel: () => void = () => undefined;
  #complaint: string | undefined;
  #damage: string | undefined;

  private constructor(parts: FollowerParts, first: First) {
    this.#parts = parts;
    this.#eyes = first.eyes;
    this.#running = first.running;
    this.#unloadable = first.unloadable;
    this.#told = first.running === null ? updatesOff : first.told;
    this.#toldAtMs = parts.clock.nowMs();
  }

  /**
   * Loads the first model that can be: the active one, else the one before, else the packaged one.
   * @throws KioskError bad-model, vision-failed
   */
  static async open(parts: FollowerParts): Promise<ModelFollower> {
    return new ModelFollower(parts, await firstModel(parts));
  }

  get eyes(): Eyes {
    return this.#eyes;
  }

  status(): UpdateStatus {
    if (this.#running === null) return updatesOff;
    const nowMs = this.#parts.clock.nowMs();
    const newsForMs = this.#newsAtMs === undefined ? undefined : nowMs - this.#newsAtMs;
    return {
      ...this.#told,
      sinceMs: nowMs - this.#toldAtMs,
      notice: noticeOf(this.#told.state, newsForMs),
      running: this.#running,
      unloadable: this.#unloadable,
    };
  }

  /** From now on the kiosk gets every new model; `onSwapped` hears after it took over. */
  follow(kiosk: Swapping, onSwapped: (eyes: Eyes) => void): void {
    if (this.#running === null) return;
    const schedule = this.#parts.schedule ?? scheduleTimeout;
    let isBusy = false;
    const again = (): void => {
      this.#cancel = schedule(() => {
        again();
        void this.#hearReport();
        if (isBusy) return;
        isBusy = true;
        this.#work = this.#followOnce(kiosk, onSwapped).finally(() => {
          isBusy = false;
        });
      }, pollMs);
    };
    again();
    // What was told up to here is no news to this daemon; whatever comes later is.
    void this.#hearReport();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#cancel();
    await this.#work;
    await this.#eyes.vision[Symbol.asyncDispose]();
  }

  async #followOnce(kiosk: Swapping, onSwapped: (eyes: Eyes) => void): Promise<void> {
    try {
      await this.#poll(kiosk, onSwapped);
      this.#complaint = undefined;
    } catch (error) {
      const complaint = messageOf(error);
      if (complaint !== this.#complaint) this.#parts.log.warn(complaint);
      this.#complaint = complaint;
    }
  }

  async #poll(kiosk: Swapping, onSwapped: (eyes: Eyes) => void): Promise<void> {
    const wanted = (await this.#record()).active;
    if (this.#running === null || isSameModel(wanted, this.#running)) {
      this.#unloadable = null;
      return;
    }
    if (this.#unloadable?.id === wanted.id) return;
    const eyes = await this.#load(wanted);
    if (eyes === undefined) return;
    if (!(await this.#isStillWanted(wanted, eyes))) return;
    const old = await kiosk.swap(eyes);
    this.#eyes = eyes;
    this.#running = wanted;
    this.#unloadable = null;
    onSwapped(eyes);
    await old.vision[Symbol.asyncDispose]();
  }

  /** The updater may have thought otherwise while the model was loaded; then nobody needs these eyes. */
  async #isStillWanted(wanted: ModelRef, eyes: Eyes): Promise<boolean> {
    const dispose = async (): Promise<void> => eyes.vision[Symbol.asyncDispose]();
    try {
      const isWanted = isSameModel((await this.#record()).active, wanted);
      if (!isWanted) await dispose();
      return isWanted;
    } catch (error) {
      await cleanUpAfter(error, dispose);
      throw error;
    }
  }

  async #load(wanted: ModelRef): Promise<Eyes | undefined> {
    const { log } = this.#parts;
    try {
      return await load(this.#parts, wanted);
    } catch (error) {
      const reason = messageOf(error);
      log.error({ place: wanted.place, version: wanted.version, reason }, "the new model cannot be loaded");
      this.#unloadable = { id: wanted.id, reason };
      return undefined;
    }
  }

  async #record(): Promise<UpdateRecord> {
    const { disk = realDisk, config, log } = this.#parts;
    const heard: string[] = [];
    const record = await readRecord(disk, config.update.stateFolder, (text) => heard.push(text));
    const [damage] = heard;
    if (damage !== undefined && damage !== this.#damage) log.error(damage);
    this.#damage = damage;
    return record;
  }

  async #hearReport(): Promise<void> {
    const { clock, config, log, disk = realDisk } = this.#parts;
    try {
      const report = await readReport(disk, config.update.runFolder);
      const nowMs = clock.nowMs();
      if (report !== undefined && report.beat !== this.#beat.count)
        this.#beat = { count: report.beat, atMs: nowMs };
      const told = tell(report, nowMs - this.#beat.atMs > silenceMs, await this.#record());
      const isNews = this.#hasHeard;
      this.#hasHeard = true;
      const { state, version, reason } = this.#told;
      if (told.state === state && told.version === version && told.reason === reason) return;
      log.info({ ...told }, `update ${told.state}`);
      this.#told = told;
      this.#toldAtMs = nowMs;
      this.#newsAtMs = isNews ? nowMs : undefined;
    } catch (error) {
      log.debug(messageOf(error));
    }
  }
}

interface First {
  readonly eyes: Eyes;
  readonly running: ModelRef | null;
  readonly unloadable: UpdateStatus["unloadable"];
  readonly told: Told;
}

async function firstModel(parts: FollowerParts): Promise<First> {
  const { config, log } = parts;
  const idle: Told = { state: "idle", version: null, reason: null };
  if (config.model.folder !== "")
    return { eyes: await load(parts, packaged), running: null, unloadable: null, told: idle };
  const complain = (text: string): void => {
    log.error(text);
  };
  const record = await readRecord(parts.disk ?? realDisk, config.update.stateFolder, complain).catch(
    (error: unknown) => {
      complain(messageOf(error));
      return undefined;
    },
  );
  const refs = record === undefined ? [packaged] : modelsToTry(record);
  let unloadable: UpdateStatus["unloadable"] = null;
  for (const ref of refs) {
    try {
      const eyes = await load(parts, ref);
      return { eyes, running: ref, unloadable, told: record === undefined ? idle : recorded(record) };
    } catch (error) {
      if (ref === refs.at(-1)) throw error;
      const { place, version } = ref;
      log.error(
        { place, version, reason: messageOf(error) },
        "a model cannot be loaded; trying the one before",
      );
      unloadable ??= { id: ref.id, reason: messageOf(error) };
    }
  }
  throw new Error("the packaged model is always tried");
}

async function load(parts: FollowerParts, ref: ModelRef): Promise<Eyes> {
  if (parts.load) return parts.load(ref);
  const { config, log } = parts;
  const vision = await startVision(pipelineSettings(config, modelFolder(config, ref.place)));
  return { vision, model: reportModel(vision, config, log), policy: policyOf(config, vision.model) };
}

/** What is told of the updater's report and record. */
export function tell(report: UpdateReport | undefined, isSilent: boolean, record: UpdateRecord): Told {
  if (report === undefined) return recorded(record);
  const { state, version, reason } = report;
  if (!isUnderWay(state) || !isSilent) return { state, version, reason };
  if (state === "probation") return recorded(record);
  return { state: "failed", version, reason: `the updater ended while ${state}` };
}

function recorded({ active, trial, last }: UpdateRecord): Told {
  if (trial !== null) return { state: "probation", version: active.version, reason: null };
  if (last === null) return { state: "idle", version: null, reason: null };
  return { state: last.kind, version: last.version, reason: last.reason };
}
