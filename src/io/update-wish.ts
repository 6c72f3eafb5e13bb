/**
 * How a person at the command line ends a probation that another process watches: a small file in the run folder, which whoever
 * watches takes. It names the trial that it is about, so that one that comes late ends no other; what is not of the updater's own
 * user, or of root, counts as nothing.
 */
import { constants } from "node:fs";
import { open, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { messageOf } from "../core/errors.ts";
import { probationEnds, type ProbationEnd } from "../core/update-machine.ts";

const mostBytes = 200;
const wishSchema = z.strictObject({ trial: z.int().min(1), end: z.enum(probationEnds) });

export interface UpdateWish {
  /** The id of the model on probation. */
  readonly trial: number;
  readonly end: ProbationEnd;
}

export function wishFile(runFolder: string): string {
  return path.join(runFolder, "wish.json");
}

/** Whole or not at all, in place of an older wish. */
export async function leaveWish(runFolder: string, { trial, end }: UpdateWish): Promise<void> {
  const file = wishFile(runFolder);
  const part = `${file}.${process.pid}`;
  await rm(part, { force: true });
  await writeFile(part, JSON.stringify({ trial, end }), { mode: 0o600, flag: "wx" });
  await rename(part, file);
}

export async function withdrawWish(runFolder: string): Promise<void> {
  await rm(wishFile(runFolder), { force: true, recursive: true });
}

/**
 * Takes away whatever is there. Never rejects: a wish that cannot be read stops no probation, and `complain` hears of it.
 * @returns how the trial is wanted to end; undefined if nobody wants that
 */
export async function takeWish(
  runFolder: string,
  trial: number,
  complain: (text: string) => void,
): Promise<ProbationEnd | undefined> {
  const file = wishFile(runFolder);
  const taken = `${file}.taken`;
  try {
    await rm(taken, { force: true, recursive: true });
    // Under another name first: whoever leaves a wish while this one is read must not lose it.
    if (!(await isMoved(file, taken))) return undefined;
    const wish = await readWish(taken).finally(() => rm(taken, { force: true, recursive: true }));
    return wish.trial === trial ? wish.end : undefined;
  } catch (error) {
    complain(`${file}: ${messageOf(error)}; nobody's wish is taken from it`);
    return undefined;
  }
}

/** False if there is nothing to move. */
async function isMoved(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return false;
    throw error;
  }
}

async function readWish(file: string): Promise<UpdateWish> {
  // Neither a link to elsewhere nor a pipe without a writer.
  const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  await using _handle = { [Symbol.asyncDispose]: () => handle.close() };
  const found = await handle.stat();
  if (!found.isFile() || found.size > mostBytes) throw new Error("is no wish");
  if (found.uid !== 0 && found.uid !== process.getuid?.()) throw new Error(`belongs to user ${found.uid}`);
  return wishSchema.parse(JSON.parse(await handle.readFile("utf8")));
}
