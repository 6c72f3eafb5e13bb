/**
 * The updater's folder: three slots, each a model folder, and `state.json` with its copy, which says which of them count.
 *
 * INVARIANTS, whatever fails and wherever the power is cut
 *
 *  1. `state.json` names only slots whose every byte was verified and synced before, or the packaged model.
 *  2. The slot that is written or cleared is never one that `state.json` names.
 *  3. `state.json` is the old one or the new one, never a part: temporary file, sync, rename, sync of the folder.
 *  4. Nothing is written before there is room for all of it, and for two models beside it: whoever brings the first bundle learns that
 *     the disk is too small, and not whoever brings the third. Slots that have no model yet count as much as the candidate.
 *  5. What a power cut leaves behind is cleared before the next candidate is written.
 *  6. Either of `state.json` and its copy may rot. The copy is written first: what counts then is never older, so the counter never
 *     falls; and it is no other than `state.json` when a slot is cleared, so 1 and 2 hold for both.
 */
import { createHash } from "node:crypto";
import path from "node:path";
import { KioskError, messageOf } from "../core/errors.ts";
import { freeSlot, slotNames, namedSlots, type SlotName, type UpdateRecord } from "../core/update-record.ts";
import type { Part } from "../update/bundle-manifest.ts";
import type { PartSink } from "../update/bundle-reader.ts";
import { replaceFile, type Disk, type DiskFile } from "./disk.ts";
import { readRecord, recordFiles, recordText } from "./update-files.ts";

/** What must stay free beside the models: `state.json` is written after them. */
const spareBytes = 4 * 1024 * 1024;

/** Owns nothing that has to be closed: every method leaves the disk as it promises. */
export class SlotStore {
  readonly #folder: string;
  readonly #disk: Disk;
  readonly #onDamage: (text: string) => void;

  /** `onDamage` hears of a record that its copy has to stand in for. */
  constructor(folder: string, disk: Disk, onDamage: (text: string) => void) {
    this.#folder = folder;
    this.#disk = disk;
    this.#onDamage = onDamage;
  }

  /** @throws KioskError update-failed */
  record(): Promise<UpdateRecord> {
    return readRecord(this.#disk, this.#folder, this.#onDamage);
  }

  folderOf(slot: SlotName): string {
    return path.join(this.#folder, slot);
  }

  /** Whether every byte of these parts can be read and is what it was. */
  async isWhole(slot: SlotName, parts: readonly Part[]): Promise<boolean> {
    const damaged = damagedFile(this.#disk, this.folderOf(slot), parts);
    return (await damaged.catch(() => slot)) === undefined;
  }

  /** Both files, one after the other; from an aborted signal on nothing is begun any more, since another updater may work by then. */
  async write(record: UpdateRecord, signal?: AbortSignal): Promise<void> {
    const [file, copy] = recordFiles(this.#folder);
    const bytes = Buffer.from(recordText(record));
    // A copy without a record is damage; nobody may take the very first writing for it.
    const isFirst = (await this.#contents()).every((content) => content === "");
    for (const name of isFirst ? [file, copy] : [copy, file])
      await replaceFile(this.#disk, name, bytes, signal);
  }

  /**
   * Clears the free slot and opens it for the parts of a candidate.
   * @throws KioskError update-failed if there is no room
   */
  async open(parts: readonly Part[]): Promise<SlotWriter> {
    const record = await this.record();
    const slot = freeSlot(record);
    if (slot === undefined)
      throw new KioskError("update-failed", "a model is on probation; come again later");
    const [content, copied] = await this.#contents();
    if (content !== copied) await this.write(record);
    const named = namedSlots(record);
    for (const other of slotNames) {
      if (!named.includes(other)) await this.#disk.remove(this.folderOf(other));
    }
    await this.#needRoom(parts, slotNames.length - named.length);
    await this.#disk.makeFolder(this.folderOf(slot));
    return new SlotWriter(slot, this.folderOf(slot), parts, this.#disk);
  }

  /** For so many models of this one's size. */
  async #needRoom(parts: readonly Part[], models: number): Promise<void> {
    const modelBytes = parts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    const wantedBytes = models * modelBytes + spareBytes;
    const freeBytes = await this.#disk.freeBytes(this.#folder);
    if (freeBytes >= wantedBytes) return;
    const mib = 1024 * 1024;
    const [wantedMib, freeMib] = [Math.ceil(wantedBytes / mib), Math.floor(freeBytes / mib)];
    const what = { 2: "two models of this size need", 3: "three models of this size need" }[models];
    const text = `${what ?? "the model needs"} ${wantedMib} MiB and ${freeMib} MiB are free; make room`;
    throw new KioskError("update-failed", `${this.#folder}: ${text}`);
  }

  /** Of the record and its copy; empty if there is none, or if it cannot be read. */
  async #contents(): Promise<readonly string[]> {
    const read = (file: string): Promise<Uint8Array | undefined> =>
      this.#disk.read(file).catch(() => undefined);
    const all = await Promise.all(recordFiles(this.#folder).map(read));
    return all.map((bytes) => Buffer.from(bytes ?? []).toString("latin1"));
  }
}

/** Takes the parts of one candidate; what it holds counts only after `seal`. */
export class SlotWriter implements PartSink {
  readonly slot: SlotName;
  readonly folder: string;
  readonly #parts: readonly Part[];
  readonly #disk: Disk;
  #open: { readonly name: string; readonly file: DiskFile } | undefined;
  #isDiscarded = false;

  constructor(slot: SlotName, folder: string, parts: readonly Part[], disk: Disk) {
    this.slot = slot;
    this.folder = folder;
    this.#parts = parts;
    this.#disk = disk;
  }

  async write({ name }: Part, bytes: Uint8Array): Promise<void> {
    // A copy that was given up may still go on; the slot may be another candidate's by then.
    if (this.#isDiscarded)
      throw new KioskError("update-failed", `${this.folder}: was given up; plug the stick in again`);
    if (this.#open?.name !== name) {
      await this.#close();
      this.#open = { name, file: await this.#disk.create(path.join(this.folder, name)) };
    }
    await this.#open.file.write(bytes);
  }

  async verified(): Promise<void> {
    await this.#open?.file.sync();
    await this.#close();
  }

  /**
   * Makes names and content safe, then reads everything back: that shows what a write lost or changed on its way to the disk, and
   * blocks that cannot be read. What a disk only keeps in its own memory, and loses with the power, it does not show.
   * @throws KioskError update-failed if the disk gives other bytes than it was given
   */
  async seal(): Promise<void> {
    await this.#disk.syncFolder(this.folder);
    await this.#disk.syncFolder(path.dirname(this.folder));
    const file = await damagedFile(this.#disk, this.folder, this.#parts);
    if (file === undefined) return;
    const text = "the disk gives back other bytes than were written; replace it";
    throw new KioskError("update-failed", `${file}: ${text}`);
  }

  async discard(): Promise<void> {
    this.#isDiscarded = true;
    await this.#close().catch(() => undefined);
    await this.#disk.remove(this.folder);
  }

  async #close(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    await open?.file.close();
  }
}

/** The first file that is not what its part says; KioskError update-failed for one that cannot be read. */
async function damagedFile(disk: Disk, folder: string, parts: readonly Part[]): Promise<string | undefined> {
  for (const { name, sha256 } of parts) {
    const file = path.join(folder, name);
    const found = await hashOf(disk.readBack(file)).catch((cause: unknown) => {
      const text = `${file}: cannot be read back: ${messageOf(cause)}; replace the disk`;
      throw new KioskError("update-failed", text, { cause });
    });
    if (found !== sha256) return file;
  }
  return undefined;
}

async function hashOf(pieces: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash("sha256");
  for await (const piece of pieces) hash.update(piece);
  return hash.digest("hex");
}
