/** A disk that loses what was not synced, fails or hangs when told, and is cut off after so many operations. */
import type { Disk, DiskFile } from "../../src/io/disk.ts";

interface FileNode {
  readonly kind: "file";
  data: Buffer;
  durable: Buffer;
}
interface FolderNode {
  readonly kind: "folder";
  readonly names: Map<string, Node>;
  readonly durable: Map<string, Node>;
  /** Changes of names since the last sync, each of which a power cut may lose. */
  pending: ((names: Map<string, Node>) => void)[];
}
type Node = FileNode | FolderNode;

/** Of what is read back: few, so that also small files come in several. */
const pieceBytes = 64;

export class PowerCut extends Error {}

const newFolder = (): FolderNode => ({ kind: "folder", names: new Map(), durable: new Map(), pending: [] });

export class SimDisk implements Disk {
  #root = newFolder();
  /** Operations that were begun; reads do not count. */
  operations = 0;
  /** The power goes before the operation of this number. */
  cutBefore = Number.POSITIVE_INFINITY;
  /** Thrown by the operation of this number, once. */
  failure: { readonly at: number; readonly error: Error } | undefined;
  /** The operation of this number comes back no sooner than that. */
  hang: { readonly at: number; readonly until: Promise<void> } | undefined;
  /** It says that it has synced, and has not. */
  isLying = false;
  free = 2 ** 30;
  /** Every path that was written, cleared or renamed. */
  readonly touched: string[] = [];

  read(path: string): Promise<Uint8Array | undefined> {
    const node = this.#find(path);
    return Promise.resolve(node?.kind === "file" ? Buffer.from(node.data) : undefined);
  }

  async *readBack(path: string): AsyncGenerator<Uint8Array> {
    const node = this.#find(path);
    if (node?.kind !== "file") throw new Error(`${path} is not there`);
    for (let at = 0; at < node.durable.length; at += pieceBytes)
      yield await Promise.resolve(Buffer.from(node.durable.subarray(at, at + pieceBytes)));
  }

  async create(path: string): Promise<DiskFile> {
    await this.#begin(path);
    const file: FileNode = { kind: "file", data: Buffer.alloc(0), durable: Buffer.alloc(0) };
    this.#change(path, (names, name) => names.set(name, file));
    return {
      write: async (bytes) => {
        await this.#begin(path);
        file.data = Buffer.concat([file.data, bytes]);
      },
      sync: async () => {
        await this.#begin(path);
        if (!this.isLying) file.durable = Buffer.from(file.data);
      },
      close: () => Promise.resolve(),
    };
  }

  async makeFolder(path: string): Promise<void> {
    await this.#begin(path);
    if (this.#find(path) === undefined) {
      const folder = newFolder();
      this.#change(path, (names, name) => names.set(name, folder));
    }
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#begin(to);
    const node = this.#find(from);
    if (node === undefined) throw new Error(`${from} is not there`);
    const [old, name] = [nameOf(from), nameOf(to)];
    this.#change(to, (names) => {
      names.delete(old);
      names.set(name, node);
    });
  }

  async remove(path: string): Promise<void> {
    await this.#begin(path);
    if (this.#find(path) !== undefined) this.#change(path, (names, name) => names.delete(name));
  }

  async syncFolder(path: string): Promise<void> {
    await this.#begin(path);
    const folder = this.#find(path);
    if (folder?.kind !== "folder") throw new Error(`${path} is no folder`);
    for (const change of folder.pending) change(folder.durable);
    folder.pending = [];
  }

  freeBytes(): Promise<number> {
    return Promise.resolve(this.free);
  }

  /** The disk after a power cut; `isKept` is asked for each change that was not synced. */
  afterPowerCut(isKept: () => boolean): SimDisk {
    const disk = new SimDisk();
    disk.#root = survived(this.#root, isKept) as FolderNode;
    return disk;
  }

  /** One bit of a file has turned over, on the disk. */
  rot(path: string, bit: number): void {
    const node = this.#find(path);
    if (node?.kind !== "file") throw new Error(`${path} is no file`);
    const bytes = Buffer.from(node.data);
    const at = Math.floor(bit / 8) % bytes.length;
    bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << (bit % 8)), at);
    [node.data, node.durable] = [bytes, Buffer.from(bytes)];
  }

  folder(path: string): this {
    const folder = newFolder();
    this.#change(path, (names, name) => names.set(name, folder));
    for (const change of this.#root.pending) change(this.#root.durable);
    this.#root.pending = [];
    return this;
  }

  async #begin(path: string): Promise<void> {
    await Promise.resolve();
    const number = this.operations++;
    if (number >= this.cutBefore) throw new PowerCut("the power is gone");
    if (this.failure?.at === number) throw this.failure.error;
    if (this.hang?.at === number) await this.hang.until;
    this.touched.push(path);
  }

  #find(path: string): Node | undefined {
    let node: Node | undefined = this.#root;
    for (const name of path.split("/").filter((part) => part !== ""))
      node = node?.kind === "folder" ? node.names.get(name) : undefined;
    return node;
  }

  #change(path: string, how: (names: Map<string, Node>, name: string) => void): void {
    const parent = this.#find(path.split("/").slice(0, -1).join("/"));
    if (parent?.kind !== "folder") throw new Error(`${path}: its folder is not there`);
    const change = (names: Map<string, Node>): void => {
      how(names, nameOf(path));
    };
    change(parent.names);
    parent.pending.push(change);
  }
}

function nameOf(path: string): string {
  return path.split("/").at(-1) ?? "";
}

function survived(node: Node, isKept: () => boolean): Node {
  if (node.kind === "file") {
    const kept = isKept() ? node.data : node.durable;
    // A block that never reached the disk reads as zeros or is missing; a synced file is as it was synced.
    const data = node.data.equals(node.durable) || isKept() ? kept : node.durable;
    return { kind: "file", data: Buffer.from(data), durable: Buffer.from(data) };
  }
  const names = new Map(node.durable);
  for (const change of node.pending) if (isKept()) change(names);
  const after = new Map([...names].map(([name, child]) => [name, survived(child, isKept)]));
  return { kind: "folder", names: after, durable: new Map(after), pending: [] };
}
