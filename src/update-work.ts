/** The work of an update on the real machine: bundle to slot, read back, run on the configured provider, watch the daemon. */
import { readFile } from "node:fs/promises";
import { bundleFile } from "./bundle-file.ts";
import { trustedKeys } from "./bundle-keys.ts";
import type { Config } from "./config-schema.ts";
import { KioskError } from "./core/errors.ts";
import type { UpdateRecord } from "./core/update-record.ts";
import type { SlotStore, SlotWriter } from "./io/slot-store.ts";
import { fetchStatus } from "./io/status-client.ts";
import { admit, markedGood } from "./update/admission.ts";
import { pictureBytes, type BundleManifest } from "./update/bundle-manifest.ts";
import { openBundle } from "./update/bundle-reader.ts";
import { stage } from "./staging.ts";
import type { UpdateWork } from "./updater.ts";
import { version as daemonVersion } from "./version.ts";

/** The work on the bundle in `file`; `onCopied` is called when that is not needed any more. */
export class BundleWork implements UpdateWork {
  readonly #config: Config;
  readonly #store: SlotStore;
  readonly #file: string;
  readonly #onCopied: () => void;
  #writer: SlotWriter | undefined;
  #manifest: BundleManifest | undefined;
  #staging: Promise<unknown> | undefined;
  /** Aborted when the candidate is given up: its process may hang. */
  readonly #givenUp = new AbortController();

  constructor(config: Config, store: SlotStore, file: string, onCopied: () => void) {
    this.#config = config;
    this.#store = store;
    this.#file = file;
    this.#onCopied = onCopied;
  }

  async copying({ active, ledger }: UpdateRecord): ReturnType<UpdateWork["copying"]> {
    const keys = await trustedKeys(this.#config.update.keysFolder);
    await using bundle = await openBundle(bundleFile(this.#file), { keys, retired: ledger.retired });
    const { manifest, manifestSha256 } = bundle.signed;
    const running = active.bundle ?? undefined;
    const admission = admit(bundle.signed, { ledger, boards: await boardNames(), daemonVersion, running });
    if (admission.kind === "refused")
      throw new KioskError("bundle-refused", `${this.#file}: ${admission.message}`);
    if (admission.kind === "already") return { kind: "already", version: manifest.version };
    this.#manifest = manifest;
    this.#writer = await this.#store.open(manifest.parts);
    await bundle.readParts(this.#writer);
    const kept = markedGood(ledger, bundle.signed);
    return { kind: "copied", candidate: { version: manifest.version, bundle: manifestSha256, ledger: kept } };
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
    this.#staging = stage(job, this.#givenUp.signal);
    await this.#staging;
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

/** What a probation needs to know of the daemon. */
export async function daemonSample(socketPath: string): ReturnType<UpdateWork["daemon"]> {
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
