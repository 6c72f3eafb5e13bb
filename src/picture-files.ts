/** The pictures that a command was given: files as they are, folders with all pictures in them. */
import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import { KioskError } from "./core/errors.ts";

const pictureName = /\.(jpe?g|png|webp|gif|tiff?)$/i;

/** One picture and the folder it was found under, which names it apart from same-named ones. */
export interface PictureFile {
  readonly file: string;
  /** Path below the given folder, or the file's own name. */
  readonly relative: string;
}

/**
 * Files in the order given, folders searched through in natural order. A path that is not there stays in the
 * list: reading it tells what is wrong with it.
 * @throws KioskError bad-usage for a folder without pictures
 */
export async function pictureFiles(paths: readonly string[]): Promise<PictureFile[]> {
  const found: PictureFile[] = [];
  for (const given of paths) {
    const isFolder = await stat(given).then(
      (info) => info.isDirectory(),
      () => false,
    );
    if (!isFolder) {
      found.push({ file: given, relative: path.basename(given) });
      continue;
    }
    const names = (await readdir(given, { recursive: true, encoding: "utf8" })).filter(isPicture);
    if (names.length === 0) throw new KioskError("bad-usage", `${given}: no pictures in this folder`);
    const inOrder = names.sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
    found.push(...inOrder.map((relative) => ({ file: path.join(given, relative), relative })));
  }
  return found;
}

function isPicture(name: string): boolean {
  return pictureName.test(name) && !path.basename(name).startsWith(".");
}
