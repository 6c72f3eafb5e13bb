/** What the kernel keeps of files in memory, through koffi: node has no posix_fadvise. */
import { getSystemErrorName } from "node:util";

const adviceDontNeed = 4;

/**
 * What forgets the pages of an open file, so that it is next read from its disk. Pages that were not synced stay, and so do all on a
 * file system that is memory. Throws an Error whose message begins with the name of the errno.
 */
export async function loadDropPages(): Promise<(fd: number) => void> {
  const { default: koffi } = await import("koffi");
  const fadvise = koffi
    .load(null)
    .func("int posix_fadvise(int fd, int64 offset, int64 length, int advice)") as (
    ...args: readonly [fd: number, offset: number, length: number, advice: number]
  ) => number;
  return (fd) => {
    const error = fadvise(fd, 0, 0, adviceDontNeed);
    if (error !== 0) throw new Error(`${getSystemErrorName(-error)}: posix_fadvise`);
  };
}
