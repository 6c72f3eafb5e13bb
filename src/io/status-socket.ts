/**
 * Puts a listening server to its socket path. Promises: a live server's socket and whatever is no socket stay untouched, a stale
 * socket is replaced, the mode is 0660 from the first moment, and `release` removes the path only if it is still ours.
 */
import { chmodSync, linkSync, lstatSync, rmSync, statSync, type Stats } from "node:fs";
import { connect, type Server } from "node:net";
import path from "node:path";
import { KioskError, messageOf } from "../core/errors.ts";

/** Longest path of a Unix socket that Linux takes: 108 bytes with the closing zero. */
export const longestSocketPathBytes = 107;

/** Where a socket goes, and the words for whoever must mend it. */
export interface SocketPlace {
  readonly path: string;
  /** The key of the configuration that says so. */
  readonly key: string;
  /** What listens there. */
  readonly owner: "daemon" | "holder" | "updater";
}

/** A socket path that is ours. */
export interface ClaimedPath {
  release(): void;
}

/**
 * Listens under a name of its own first, then gives that socket its name by a hard link, which never replaces anything. Also,
 * libuv removes the name it listened on when the server closes, whoever owns it by then: now that is the first name only.
 */
export async function listenAt(server: Server, place: SocketPlace): Promise<ClaimedPath> {
  const socketPath = place.path;
  const ownPath = path.join(path.dirname(socketPath), `.${process.pid.toString(36)}`);
  for (const name of [socketPath, ownPath]) {
    if (Buffer.byteLength(name) > longestSocketPathBytes) {
      throw new KioskError(
        "socket-failed",
        `${socketPath}: the path is too long for a socket, Linux takes ${longestSocketPathBytes} bytes; shorten ${place.key}`,
      );
    }
  }
  checkFolder(place);
  rmSync(ownPath, { force: true });
  await listen(server, ownPath, place);
  try {
    chmodSync(ownPath, 0o660);
    await giveName(ownPath, place);
    const own = lstatSync(ownPath);
    rmSync(ownPath);
    return {
      release() {
        const there = lstatSync(socketPath, { throwIfNoEntry: false });
        if (there !== undefined && isSameFile(there, own)) rmSync(socketPath);
      },
    };
  } catch (error) {
    server.close();
    throw error instanceof KioskError ? error : failed(place, error);
  }
}

/**
 * What `listenAt` would refuse, found out before anything else is started.
 * @throws KioskError socket-busy, socket-failed
 */
export async function refuseTaken(place: SocketPlace): Promise<void> {
  checkFolder(place);
  await requireStale(place);
}

/** libuv says EACCES for a missing folder, too, so that must be found out before. */
function checkFolder({ path: socketPath, key }: SocketPlace): void {
  const folder = path.dirname(socketPath);
  const fail = (reason: string): never => {
    throw new KioskError("socket-failed", `${socketPath}: ${reason} or change ${key}`);
  };
  const found = statSync(folder, { throwIfNoEntry: false });
  if (found === undefined)
    fail(`the folder ${folder} is missing; make it (under systemd RuntimeDirectory= does)`);
  if (found?.isDirectory() === false) fail(`${folder} is no folder; replace it`);
}

function listen(server: Server, ownPath: string, place: SocketPlace): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      reject(failed(place, error));
    };
    server.once("error", fail);
    server.listen(ownPath, () => {
      server.off("error", fail);
      resolve();
    });
  });
}

async function giveName(ownPath: string, place: SocketPlace): Promise<void> {
  for (let tries = 0; tries < 3; tries += 1) {
    try {
      linkSync(ownPath, place.path);
      return;
    } catch (error) {
      if (codeOf(error) !== "EEXIST") throw error;
      await removeStale(place);
    }
  }
  throw new KioskError(
    "socket-busy",
    `${place.path}: other ${place.owner}s start on this socket at the same time`,
  );
}

async function removeStale(place: SocketPlace): Promise<void> {
  const found = await requireStale(place);
  const now = lstatSync(place.path, { throwIfNoEntry: false });
  if (found !== undefined && now !== undefined && isSameFile(now, found)) rmSync(place.path);
}

/** What is at the path, if anything is: a socket that nobody answers. */
async function requireStale(place: SocketPlace): Promise<Stats | undefined> {
  const { path: socketPath, key, owner } = place;
  const found = lstatSync(socketPath, { throwIfNoEntry: false });
  if (found === undefined) return undefined;
  if (!found.isSocket()) {
    throw new KioskError(
      "socket-failed",
      `${socketPath}: this is no socket and stays untouched; remove it or change ${key}`,
    );
  }
  if (await isAnswered(place)) {
    throw new KioskError(
      "socket-busy",
      `${socketPath}: a live ${owner} has this socket; stop it or change ${key}`,
    );
  }
  return found;
}

function isAnswered(place: SocketPlace): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(place.path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", (error) => {
      const code = codeOf(error);
      if (code === "ECONNREFUSED" || code === "ENOENT") resolve(false);
      // A full backlog is a daemon's, too.
      else if (code === "EAGAIN") resolve(true);
      else reject(failed(place, error));
    });
  });
}

function failed({ path: socketPath, key }: SocketPlace, error: unknown): KioskError {
  const folder = path.dirname(socketPath);
  const reasons: Readonly<Record<string, string>> = {
    EACCES: `no permission to make a socket in ${folder}; change its owner or ${key}`,
    EROFS: `${folder} is read-only; change ${key}`,
  };
  const reason = reasons[codeOf(error)] ?? `the socket cannot be made: ${messageOf(error)}`;
  return new KioskError("socket-failed", `${socketPath}: ${reason}`, { cause: error });
}

function isSameFile(a: Stats, b: Stats): boolean {
  return a.dev === b.dev && a.ino === b.ino;
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}
