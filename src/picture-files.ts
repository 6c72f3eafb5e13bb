/** The pictures that a command was given: files as they are, folders with all pictures in them. */
import { mkdir, readdir, stat } from "node:fs/promises";
import path from "node:path";
import { KioskError, messageOf } from "./core/errors.ts";

const pictureName = /\.(jpe?g|png|webp|gif|tiff?)$/i;

/** One picture, and what files that are made of it are called. */
export interface PictureFile {
  readonly file: string;
  /** Path below the given folder without its ending; `~2` and so on keeps pictures of one name apart. */
  readonly stem: string;
}

/**
 * Files in the order given, folders searched through in natural order. A path that is not there stays in the
 * list: reading it tells what is wrong with it.
 * @throws KioskError bad-usage for a folder that has no pictures or cannot be read
 */
export async function pictureFiles(paths: readonly string[]): Promise<PictureFile[]> {
  const found: PictureFile[] = [];
  const taken = new Map<string, number>();
  const add = (file: string, relative: string): void => {
    const plain = relative.replace(/\.[^.]*$/, "");
    const count = (taken.get(plain) ?? 0) + 1;
    taken.set(plain, count);
    found.push({ file, stem: count === 1 ? plain : `${plain}~${count}` });
  };
  for (const given of paths) {
    const isFolder = await stat(given).then(
      (info) => info.isDirectory(),
      () => false,
    );
    if (!isFolder) {
      add(given, path.basename(given));
      continue;
    }
    const names = (await namesIn(given)).filter(isPicture);
    if (names.length === 0) {
      throw new KioskError(
        "bad-usage",
        `${given}: no pictures (JPEG, PNG, WebP, GIF, TIFF) in this folder; name one with some`,
      );
    }
    const inOrder = names.sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
    for (const relative of inOrder) add(path.join(given, relative), relative);
  }
  return found;
}

/** Why a picture cannot be read, in words for whoever named it. */
export function pictureFailure(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "ENOENT" || code === "ENOTDIR") return "there is no such file";
  if (code === "EISDIR") return "this is a folder";
  if (code === "EACCES") return "no permission to read it";
  return messageOf(error);
}

/**
 * Makes the folder of an option such as `--out`, unless it is there.
 * @throws KioskError bad-usage
 */
export async function makeFolder(option: string, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true }).catch((cause: unknown) => {
    const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
    const reason =
      code === "EEXIST" || code === "ENOTDIR"
        ? "a file is in its place; name a folder"
        : `this folder cannot be made (${messageOf(cause)}); name another`;
    throw new KioskError("bad-usage", `${option} ${folder}: ${reason}`, { cause });
  });
}

/**
 * Refuses to write over the pictures that are read.
 * @throws KioskError bad-usage
 */
export function refuseOverwriting(
  option: string,
  pictures: readonly PictureFile[],
  targets: readonly string[],
): void {
  const sources = new Set(pictures.map(({ file }) => path.resolve(file)));
  const target = targets.find((file) => sources.has(path.resolve(file)));
  if (target === undefined) return;
  throw new KioskError(
    "bad-usage",
    `${option}: ${target} is one of the pictures to read and would be overwritten; name another folder`,
  );
}

async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder, { recursive: true, encoding: "utf8" }).catch((cause: unknown) => {
    throw new KioskError("bad-usage", `${folder}: this folder cannot be read: ${messageOf(cause)}`, {
      cause,
    });
  });
}

function isPicture(name: string): boolean {
  return pictureName.test(name) && !path.basename(name).startsWith(".");
}
