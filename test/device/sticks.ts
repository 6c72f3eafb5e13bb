/** USB sticks for the machine, and bundles to put onto them, made by the program's own commands. */
import { execFile } from "node:child_process";
import { cp, mkdir, open, readFile, rm, truncate, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { writeGoldenValues } from "../fixtures/golden-values.ts";

const run = promisify(execFile);
const program = fileURLToPath(new URL("../../src/main.js", import.meta.url));
const sectorBytes = 512;
const firstSector = 2048;
const leastSectors = 65_536;
const withSbin = { ...process.env, PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin` };

/** Keys and bundles in a folder. */
export class Sticks {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** With the key pairs of a facility and of a stranger. */
  static async in(folder: string): Promise<Sticks> {
    const sticks = new Sticks(folder);
    await mkdir(folder, { recursive: true });
    for (const key of ["facility", "stranger"] as const) {
      const isThere = await readFile(sticks.#at(`${key}.pub.pem`)).catch(() => undefined);
      if (!isThere) await run(process.execPath, [program, "bundle", "keygen", "--out", sticks.#at(key)]);
    }
    return sticks;
  }

  /** The facility's public key, as a kiosk gets it. */
  publicKey(): Promise<string> {
    return readFile(this.#at("facility.pub.pem"), "utf8");
  }

  /** The bundle of a version, with the model that ships or the one that takes brightness for a mask. */
  async bundle(
    version: number,
    model: "shipped" | "brightness",
    key: "facility" | "stranger" = "facility",
  ): Promise<string> {
    const file = this.#at(`${model}-${version}-${key}.maskgate`);
    const folder = model === "shipped" ? "models/mask-resnet50" : await this.#brightness();
    await rm(file, { force: true });
    await run(process.execPath, [
      ...[program, "bundle", "create", folder, "--version", String(version), "--out", file],
      ...["--key", this.#at(`${key}.key.pem`)],
    ]);
    return file;
  }

  /** An image with one FAT partition that holds the files under these names. */
  async image(files: Readonly<Record<string, string>>): Promise<string> {
    const sizes = await Promise.all(Object.values(files).map(async (file) => (await readFile(file)).length));
    // mkfs.vfat counts in pairs of sectors.
    const sectors =
      leastSectors + 2 * Math.ceil((0.55 * sizes.reduce((sum, size) => sum + size, 0)) / sectorBytes);
    const image = await this.#partitioned(sectors);
    await run("mkfs.vfat", ["-n", "UPDATE", "--offset", String(firstSector), image, String(sectors / 2)], {
      env: withSbin,
    });
    for (const [name, file] of Object.entries(files))
      await run("mcopy", ["-i", `${image}@@${firstSector * sectorBytes}`, file, `::${name}`]);
    return image;
  }

  /** The image with a FAT that nobody can mount: a root directory of no whole number of sectors. */
  async unmountable(): Promise<string> {
    const image = await this.image({});
    const entriesAt = firstSector * sectorBytes + 17;
    await using file = await open(image, "r+");
    await file.write(Buffer.from([0x01, 0x02]), 0, 2, entriesAt);
    return image;
  }

  /** The image with a file system that is no stick's. */
  async foreign(): Promise<string> {
    const image = await this.#partitioned(leastSectors);
    const options = ["-q", "-F", "-E", `offset=${firstSector * sectorBytes}`];
    await run("mkfs.ext4", [...options, image, "16M"], { env: withSbin });
    return image;
  }

  /** The file with one byte in its middle changed, as a bad block reads. */
  async damaged(file: string): Promise<string> {
    const bytes = await readFile(file);
    const middle = Math.floor(bytes.length / 2);
    bytes[middle] = (bytes[middle] ?? 0) ^ 0xff;
    const damaged = `${file}.damaged`;
    await writeFile(damaged, bytes);
    return damaged;
  }

  /** The image, empty but for one partition. */
  async #partitioned(sectors: number): Promise<string> {
    const image = this.#at("stick.img");
    await writeFile(image, "");
    await truncate(image, (firstSector + sectors) * sectorBytes);
    await writePartition(image, sectors);
    return image;
  }

  #at(name: string): string {
    return path.join(this.#folder, name);
  }

  /** The fixture has no golden values, which a bundle needs. */
  async #brightness(): Promise<string> {
    const folder = this.#at("brightness");
    await cp("test/fixtures/models/brightness", folder, { recursive: true });
    await writeGoldenValues(folder);
    return folder;
  }
}

/** One entry of a partition table: FAT32 with LBA. */
async function writePartition(image: string, sectors: number): Promise<void> {
  const table = Buffer.alloc(66);
  table[4] = 0x0c;
  table.writeUInt32LE(firstSector, 8);
  table.writeUInt32LE(sectors, 12);
  table.writeUInt16LE(0xaa55, 64);
  await using file = await open(image, "r+");
  await file.write(table, 0, table.length, 446);
}
