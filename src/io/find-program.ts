/** Finds programs as the shell does, so that a missing one is named before anything is started. */
import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import path from "node:path";

async function isProgram(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return (await stat(file)).isFile();
  } catch {
    return false;
  }
}

/** The path of a program by its name (searched in PATH) or its path; undefined if there is none to execute. */
export async function findProgram(name: string): Promise<string | undefined> {
  if (name.includes("/")) return (await isProgram(name)) ? path.resolve(name) : undefined;
  for (const folder of (process.env["PATH"] ?? "").split(path.delimiter)) {
    const file = path.join(folder, name);
    if (folder !== "" && (await isProgram(file))) return file;
  }
  return undefined;
}
