/**
 * The daemon's model as the updater's files want it. A new one is loaded in a second worker while the first goes on, and takes over
 * between two frames; one that cannot be loaded changes nothing. A stick is never seen here, and nothing of the updater's written.
 */
import { cleanUpAfter, messageOf } from "./core/errors.ts";
import { isSameModel, modelsToTry, type ModelRef, type UpdateRecord } from "./core/update-record.ts";
import { isUnderWay, noticeOf, updatesOff, type UpdateStatus } from "./core/update-status.ts";
import { realDisk } from "./io/disk.ts";
import { scheduleTimeout } from "./io/timer.ts";
import { readRecord, readReport, type UpdateReport } from "./io/update-files.ts";
import type { Eyes } from "./kiosk-parts.ts";
import { firstModel, loadBeside, loadOnProbation, type First, type LoadingParts } from "./model-loading.ts";

const pollMs = 1000;
/** A report of work that did not change for so long is of an updater that is gone. */
const silenceMs = 15_000;

/** Looks with other eyes from the next frame on, and gives the old ones back. */
interface Swapping {
  swap(eyes: Eyes): Promise<Eyes>;
}

type Told = Pick<UpdateStatus, "state" | "version" | "reason">;

const nothingTold: Told = { state: "idle", version: null, reason: null };

/** Owns the eyes that the kiosk looks with, and those that are being loaded. */
export class ModelFollower implements AsyncDisposable {
  readonly #parts: LoadingParts;
  #eyes: Eyes;
  #running: ModelRef | null;
  /** Of the record that was read last. */
  #activeId: number | undefined;
  /** Why models could not be loaded, by their ids; each is tried once. */
  readonly #failures: Map<number, string>;
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

  private constructor(parts: LoadingParts, first: First) {
    this.#parts = parts;
    this.#eyes = first.eyes;
    this.#running = first.running;
    this.#activeId = first.record?.active.id;
    this.#failures = new Map(first.failures);
    const told = first.record === undefined ? nothingTold : recorded(first.record);
    this.#told = first.running === null ? updatesOff : told;
    this.#toldAtMs = parts.clock.nowMs();
  }

  /**
   * Loads the first model that can be: the active one, else the one before, else the packaged one. One on probation is for later.
   * @throws KioskError bad-model, vision-failed
   */
  static async open(parts: LoadingParts): Promise<ModelFollower> {
    return new ModelFollower(parts, await firstModel(parts));
  }

  get eyes(): Eyes {
    return this.#eyes;
  }

  status(): UpdateStatus {
    if (this.#told.state === "off") return updatesOff;
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

  get #unloadable(): UpdateStatus["unloadable"] {
    const id = this.#activeId;
    const reason = id === undefined ? undefined : this.#failures.get(id);
    return id === undefined || reason === undefined ? null : { id, reason };
  }

  /** From now on the kiosk gets every new model; `onSwapped` hears after it took over. */
  follow(kiosk: Swapping, onSwapped: (eyes: Eyes) => void): void {
    const schedule = this.#parts.schedule ?? scheduleTimeout;
    let isBusy = false;
    const again = (): void => {
      this.#cancel = schedule(() => {
        again();
        void this.#hearReport();
        if (isBusy || this.#running === null) return;
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
    const record = await this.#record();
    const { active } = record;
    this.#activeId = active.id;
    if (this.#running === null || isSameModel(active, this.#running)) {
      this.#failures.clear();
      return;
    }
    // One at a time: the record may have changed when the next one is looked for.
    const wanted = modelsToTry(record).find(({ id }) => !this.#failures.has(id));
    if (wanted === undefined || isSameModel(wanted, this.#running)) return;
    const isOnProbation = record.trial !== null && isSameModel(wanted, active);
    const eyes = await this.#load(wanted, isOnProbation ? loadOnProbation : loadBeside);
    if (eyes === undefined) return;
    if (!(await this.#isStillActive(active, eyes))) return;
    const old = await kiosk.swap(eyes);
    this.#eyes = eyes;
    this.#running = wanted;
    onSwapped(eyes);
    await old.vision[Symbol.asyncDispose]();
  }

  /** The updater may have thought otherwise while the model was loaded; then nobody needs these eyes. */
  async #isStillActive(active: ModelRef, eyes: Eyes): Promise<boolean> {
    const dispose = async (): Promise<void> => eyes.vision[Symbol.asyncDispose]();
    try {
      const isActive = isSameModel((await this.#record()).active, active);
      if (!isActive) await dispose();
      return isActive;
    } catch (error) {
      await cleanUpAfter(error, dispose);
      throw error;
    }
  }

  async #load(wanted: ModelRef, load: typeof loadBeside): Promise<Eyes | undefined> {
    const { id, place, version } = wanted;
    try {
      return await load(this.#parts, wanted);
    } catch (error) {
      const reason = messageOf(error);
      this.#parts.log.error({ place, version, reason }, "the new model cannot be loaded");
      this.#failures.set(id, reason);
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

  /** A record that cannot be read is told, too: every stick is refused until a person mends that. */
  async #toldOf(report: UpdateReport | undefined, isSilent: boolean): Promise<Told> {
    return (
      tell(report, isSilent) ??
      (await this.#record().then(recorded, (error: unknown): Told => ({
        state: "failed",
        version: null,
        reason: messageOf(error),
      })))
    );
  }

  async #hearReport(): Promise<void> {
    const { clock, config, log, disk = realDisk } = this.#parts;
    try {
      const report = await readReport(disk, config.update.runFolder);
      const nowMs = clock.nowMs();
      if (report !== undefined && report.beat !== this.#beat.count)
        this.#beat = { count: report.beat, atMs: nowMs };
      const isSilent = nowMs - this.#beat.atMs > silenceMs;
      const told = this.#running === null ? tellFixed(report) : await this.#toldOf(report, isSilent);
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

/** What is told of the updater's report; undefined if that is for the record to say. */
export function tell(report: UpdateReport | undefined, isSilent: boolean): Told | undefined {
  if (report === undefined) return undefined;
  const { state, version, reason } = report;
  if (!isUnderWay(state) || !isSilent) return { state, version, reason };
  if (state === "probation") return undefined;
  return { state: "failed", version, reason: `the updater ended while ${state}` };
}

/** A model that the configuration names is never changed; why a stick was not taken is told all the same. */
function tellFixed(report: UpdateReport | undefined): Told {
  if (report?.state !== "refused" && report?.state !== "failed") return updatesOff;
  return { state: report.state, version: report.version, reason: report.reason };
}

function recorded({ active, trial, last }: UpdateRecord): Told {
  if (trial !== null) return { state: "probation", version: active.version, reason: null };
  if (last === null) return nothingTold;
  return { state: last.kind, version: last.version, reason: last.reason };
}
