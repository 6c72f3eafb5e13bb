/** The work of an update on the real machine: bundle to slot, read back, run on the configured provider, watch the daemon. */
import { readFile } from "node:fs/promises";
import { bundleFile } from "./bundle-file.ts";
import { trustedKeys } from "./bundle-keys.ts";
import type { Config } from "./config-schema.ts";
import { KioskError } from "./core/errors.ts";
import type { RunningModel } from "./core/ports.ts";
import type { DaemonSample } from "./core/probation.ts";
import type { ModelRef, UpdateRecord } from "./core/update-record.ts";
import type { Log } from "./io/log.ts";
import type { SlotStore, SlotWriter } from "./io/slot-store.ts";
import { fetchStatus } from "./io/status-client.ts";
import { stage } from "./staging.ts";
import { admit, markedGood } from "./update/admission.ts";
import { manifestName, pictureBytes, type BundleManifest, type Part } from "./update/bundle-manifest.ts";
import { openBundle, type SignedManifest } from "./update/bundle-reader.ts";
import type { UpdateWork } from "./updater.ts";
import { version as daemonVersion } from "./version.ts";

export interface BundleWorkParts {
  readonly config: Config;
  readonly store: SlotStore;
  readonly file: string;
  readonly log: Log;
  /** Called when the file is not needed any more. */
  readonly onCopied?: () => void;
}

/** The work on the bundle in `file`. */
export class BundleWork implements UpdateWork {
  readonly #config: Config;
  readonly #store: SlotStore;
  readonly #file: string;
  readonly #log: Log;
  readonly #onCopied: () => void;
  #writer: SlotWriter | undefined;
  #manifest: BundleManifest | undefined;
  #staging: Promise<unknown> | undefined;
  /** Aborted when the candidate is given up: its process may hang. */
  readonly #givenUp = new AbortController();

  constructor({ config, store, file, log, onCopied }: BundleWorkParts) {
    this.#config = config;
    this.#store = store;
    this.#file = file;
    this.#log = log;
    this.#onCopied = onCopied ?? (() => undefined);
  }

  async copying({ active, ledger }: UpdateRecord): ReturnType<UpdateWork["copying"]> {
    const keys = await trustedKeys(this.#config.update.keysFolder);
    await using bundle = await openBundle(bundleFile(this.#file), { keys, retired: ledger.retired });
    const { manifest, manifestSha256 } = bundle.signed;
    const running = (await this.#runsWell(active, bundle.signed)) ? manifestSha256 : undefined;
    const admission = admit(bundle.signed, { ledger, boards: await boardNames(), daemonVersion, running });
    if (admission.kind === "refused")
      throw new KioskError("bundle-refused", `${this.#file}: ${admission.message}`);
    if (admission.kind === "already") return { kind: "already", version: manifest.version };
    this.#manifest = manifest;
    const parts = slotParts(bundle.signed);
    const writer = await this.#store.open(parts);
    this.#writer = writer;
    // It stays beside the model: it alone vouches for the small files once they lie on the disk.
    await writer.write(parts[0], bundle.signed.manifestBytes);
    await writer.verified();
    await bundle.readParts(writer);
    const kept = markedGood(ledger, bundle.signed);
    return { kind: "copied", candidate: { version: manifest.version, bundle: manifestSha256, ledger: kept } };
  }

  /** Whether this very bundle is active, whole on the disk, and none that the daemon had to pass over: else it mends the kiosk. */
  async #runsWell({ bundle, id, place }: ModelRef, signed: SignedManifest): Promise<boolean> {
    if (bundle !== signed.manifestSha256 || place === "packaged") return false;
    if (!(await this.#store.isWhole(place, slotParts(signed)))) return false;
    const daemon = await fetchStatus(this.#config.status.socketPath).catch(() => undefined);
    return daemon?.update.unloadable?.id !== id;
  }

  async verifying(): Promise<void> {
    this.#onCopied();
    await this.#writer?.seal();
  }

  async staging(): Promise<void> {
    const [folder, manifest] = [this.#writer?.folder, this.#manifest];
    if (folder === undefined || manifest === undefined) throw new Error("nothing was copied");
    const { providers, precision, threads } = this.#config.model;
    const golden = { ...manifest.golden, pictureBytes: pictureBytes(manifest) };
    const job = { classifier: { folder, providers, precision, threads }, golden };
    const staging = stage(job, this.#givenUp.signal);
    this.#staging = staging;
    const tested = await staging;
    const daemon = await fetchStatus(this.#config.status.socketPath).catch(() => undefined);
    const doubt = providerDoubt(tested, daemon?.model.provider, providers);
    if (doubt !== undefined) this.#log.warn(doubt);
  }

  async daemon(): ReturnType<UpdateWork["daemon"]> {
    return daemonSample(this.#config.status.socketPath);
  }

  async discard(): Promise<void> {
    this.#givenUp.abort();
    await this.#staging?.catch(() => undefined);
    await this.#writer?.discard();
  }
}

/** What lies in a slot: the bundle's manifest, and its parts. */
function slotParts({ manifest, manifestBytes, manifestSha256 }: SignedManifest): readonly [Part, ...Part[]] {
  return [{ name: manifestName, sizeBytes: manifestBytes.length, sha256: manifestSha256 }, ...manifest.parts];
}

/**
 * What to say if the model was tested on another provider than the one that will decide with it; undefined if it was the same.
 * That refuses no bundle, since a kiosk whose GPU is gone must stay mendable: the probation is on the daemon's own provider.
 */
export function providerDoubt(
  { provider, passedOver }: Pick<RunningModel, "provider" | "passedOver">,
  daemonRuns: string | undefined,
  [asked]: readonly string[],
): string | undefined {
  const wanted = daemonRuns ?? asked;
  if (wanted === undefined || wanted === provider) return undefined;
  const whose = daemonRuns === undefined ? "model.providers asks for" : "the daemon runs";
  const reason = passedOver.find((other) => other.provider === wanted)?.reason;
  const why = reason === undefined ? "" : ` (here: ${reason})`;
  return `the new model was tested on ${provider}, but ${whose} ${wanted}${why}; only the probation tests it there`;
}

/** What a probation needs to know of the daemon. */
export async function daemonSample(socketPath: string): Promise<DaemonSample> {
  const { uptimeMs, camera, fault, update } = await fetchStatus(socketPath);
  const { framesDecided, framesPerSecond } = camera;
  const { running, unloadable } = update;
  return {
    uptimeMs,
    framesDecided,
    framesPerSecond,
    hasVisionFault: fault?.source === "vision",
    running,
    unloadable,
  };
}

/** What the board calls itself; nothing on a machine without a device tree. */
async function boardNames(): Promise<readonly string[]> {
  const text = await readFile("/proc/device-tree/compatible", "utf8").catch(() => "");
  return text.split("\0").filter((name) => name !== "");
}
