/** The daemon's note of the model that it is loading, as a file that is whole or not there, whenever the power is cut. */
import path from "node:path";
import { z } from "zod";
import { KioskError } from "../core/errors.ts";
import type { LoadNote } from "../core/load-note.ts";
import type { SlotName } from "../core/update-record.ts";
import { replaceFile, type Disk } from "./disk.ts";
import type { IsSame, Mutable } from "./same-type.ts";

const noteSchema = z.strictObject({
  id: z.int().min(0),
  bundle: z.string().nullable(),
  attempts: z.int().min(1),
});

export class LoadNoteFile {
  readonly path: string;
  readonly #disk: Disk;

  constructor(folder: string, name: "loading" | `starting-${SlotName}`, disk: Disk) {
    this.path = path.join(folder, `${name}.json`);
    this.#disk = disk;
  }

  /**
   * Undefined if there is none.
   * @throws KioskError update-failed
   */
  async read(): Promise<LoadNote | undefined> {
    try {
      const bytes = await this.#disk.read(this.path);
      return bytes && noteSchema.parse(JSON.parse(Buffer.from(bytes).toString()));
    } catch (cause) {
      throw new KioskError("update-failed", `${this.path}: is not what the daemon writes, or rots`, {
        cause,
      });
    }
  }

  /** Safe on the disk when it returns. */
  async write(note: LoadNote): Promise<void> {
    await replaceFile(this.#disk, this.path, Buffer.from(`${JSON.stringify(note)}\n`));
  }

  async remove(): Promise<void> {
    await this.#disk.remove(this.path);
    await this.#disk.syncFolder(path.dirname(this.path));
  }
}

/** Does not compile when schema and core's type part. */
export const isNoteSchema: IsSame<z.output<typeof noteSchema>, Mutable<LoadNote>> = true;
