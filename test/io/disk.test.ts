/** What the simulated disk and the machine's own promise alike, and what only the machine's own can show. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statfsSync } from "node:fs";
import path from "node:path";
import { after, test } from "node:test";
import { realDisk, type Disk } from "../../src/io/disk.ts";
import { SimDisk } from "../sim/sim-disk.ts";

// Beside the build and not in /tmp, which may be memory: of that nothing can be read back.
const folder = mkdtempSync(path.resolve("dist/disk-"));
after(() => {
  rmSync(folder, { recursive: true });
});

const disks: readonly (readonly [string, Disk, string])[] = [
  ["the simulated disk", new SimDisk().folder("/folder"), "/folder"],
  ["the machine's disk", realDisk, folder],
];
const content = Buffer.alloc(3 * 1024 * 1024 + 5, "0123456789abcdef0");

async function writeTo(disk: Disk, file: string, bytes: Uint8Array): Promise<void> {
  const opened = await disk.create(file);
  await opened.write(bytes);
  await opened.sync();
  await opened.close();
}

for (const [name, disk, root] of disks) {
  test(`${name} gives a synced file back, in pieces`, async () => {
    const file = path.join(root, "file");
    await writeTo(disk, file, content);
    const pieces: Buffer[] = [];
    for await (const piece of disk.readBack(file)) pieces.push(Buffer.from(piece));
    assert.deepEqual(Buffer.concat(pieces), content);
    assert.ok(pieces.length > 3);
  });

  test(`${name} gives an empty file back, and throws for one that is not there`, async () => {
    const file = path.join(root, "empty");
    await writeTo(disk, file, Buffer.alloc(0));
    for await (const piece of disk.readBack(file)) assert.fail(`${piece.length} bytes of nothing`);
    const first = disk.readBack(path.join(root, "none"))[Symbol.asyncIterator]();
    await assert.rejects(first.next(), /none/);
  });
}

/** How many of a file's pages the kernel remembers. */
function pagesOf(file: string): number {
  const { status, stdout } = spawnSync("fincore", ["-n", "-b", "-o", "PAGES", file], { encoding: "utf8" });
  assert.equal(status, 0, "fincore is not here; scripts/test installs it");
  return Number(stdout);
}

const memoryFileSystem = 0x01021994;

test("the machine's disk reads back from the disk, not from what the kernel remembers of the writing", async () => {
  assert.notEqual(
    statfsSync(folder).type,
    memoryFileSystem,
    `${folder} is memory, of which nothing can be read back; keep the project on a disk`,
  );
  const file = path.join(folder, "large");
  await writeTo(realDisk, file, Buffer.alloc(32 * 1024 * 1024, 1));
  readFileSync(file);
  const before = pagesOf(file);
  assert.ok(before >= 8192, `${before} pages`);
  const pieces = realDisk.readBack(file)[Symbol.asyncIterator]();
  await pieces.next();
  // The first piece, and what the kernel reads ahead of it.
  const now = pagesOf(file);
  await pieces.return?.();
  assert.ok(now < before / 2, `${now} of ${before} pages`);
});
