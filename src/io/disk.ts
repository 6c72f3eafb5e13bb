/**
 * The disk as the store of models needs it: few operations, each of which says what a power cut can do to it. Data is safe after
 * the file's `sync`, names (made, renamed, removed) after `syncFolder` of the folder that they are in. Tests bring one that loses the rest.
 */
import { mkdir, open, readFile, rename, rm, statfs, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { loadDropPages } from "./page-cache.ts";

/** A file that is being written. */
export interface DiskFile {
  write(bytes: Uint8Array): Promise<void>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

export interface Disk {
  /** Undefined if there is no such file. */
  read(path: string): Promise<Uint8Array | undefined>;
  /**
   * A synced file as the disk gives it, and not as the kernel remembers it. What the disk keeps in a memory of its own may still come
   * from there. Each piece holds until the next one is asked for.
   */
  readBack(path: string): AsyncIterable<Uint8Array>;
  /** A new, empty file; an older one of that name is gone. */
  create(path: string): Promise<DiskFile>;
  makeFolder(path: string): Promise<void>;
  /** Atomic: whoever looks sees the one or the other. */
  rename(from: string, to: string): Promise<void>;
  /** With all that is in it; nothing happens if it is not there. */
  remove(path: string): Promise<void>;
  syncFolder(path: string): Promise<void>;
  freeBytes(path: string): Promise<number>;
}

const pieceBytes = 1024 * 1024;

/**
 * A small file that is the old one or the new one, whenever the power is cut, and safe on the disk when this returns: temporary file,
 * sync, rename, sync of the folder. From an aborted signal on nothing more is begun.
 */
export async function replaceFile(
  disk: Disk,
  file: string,
  bytes: Uint8Array,
  signal?: AbortSignal,
): Promise<void> {
  const part = `${file}.new`;
  const opened = await disk.create(part);
  {
    await using _file = { [Symbol.asyncDispose]: () => opened.close() };
    signal?.throwIfAborted();
    await opened.write(bytes);
    signal?.throwIfAborted();
    await opened.sync();
  }
  signal?.throwIfAborted();
  await disk.rename(part, file);
  signal?.throwIfAborted();
  await disk.syncFolder(dirname(file));
  signal?.throwIfAborted();
}

/** The machine's own. The daemon reads through the group that the folder gives. */
export const realDisk: Disk = {
  read: (path) =>
    readFile(path).catch((error: unknown) => {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
      throw error;
    }),
  readBack: async function* (path) {
    const dropPages = await loadDropPages();
    await using handle = await open(path, "r");
    dropPages(handle.fd);
    const piece = new Uint8Array(pieceBytes);
    for (;;) {
      const { bytesRead } = await handle.read(piece);
      if (bytesRead === 0) return;
      yield piece.subarray(0, bytesRead);
    }
  },
  create: async (path) => {
    await rm(path, { force: true });
    return new RealFile(await open(path, "wx", 0o640));
  },
  makeFolder: async (path) => {
    await mkdir(path, { recursive: true, mode: 0o750 });
  },
  rename,
  remove: (path) => rm(path, { recursive: true, force: true }),
  syncFolder: async (path) => {
    const handle = await open(path, "r");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
  freeBytes: async (path) => {
    const { bavail, bsize } = await statfs(path);
    return bavail * bsize;
  },
};

class RealFile implements DiskFile {
  readonly #handle: FileHandle;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) at += (await this.#handle.write(bytes, at)).bytesWritten;
  }

  sync(): Promise<void> {
    return this.#handle.sync();
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}
