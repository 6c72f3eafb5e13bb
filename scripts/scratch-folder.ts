/**
 * Where benchmark and soak keep their frames, socket and simulated lines: in memory, as /run is on a device. On a disk
 * the simulated chip's files would take longer than everything that is to be measured on the main thread.
 */
import { access, constants, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

const memoryFolder = "/dev/shm";

/** A new, empty folder; in memory if the machine has such a place. */
export async function makeScratchFolder(name: string): Promise<string> {
  const parent = await access(memoryFolder, constants.W_OK).then(
    () => memoryFolder,
    () => tmpdir(),
  );
  return mkdtemp(path.join(parent, `${name}-`));
}
