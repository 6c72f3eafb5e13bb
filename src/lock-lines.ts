/**
 * `node dist/src/lock-lines.js FILE`: what systemd runs after the holder's end, whatever the end was. Drives the lines that the holder wrote
 * down to their safe levels. An own entry with next to no imports, because a door may be unlocked until it is done.
 */
import { existsSync } from "node:fs";
import { messageOf } from "./core/errors.ts";
import { driveSafe } from "./io/safe-lines.ts";

async function main(file: string | undefined): Promise<number> {
  if (file === undefined) {
    process.stderr.write("lock-lines: name the file that the holder wrote, safe-lines.json\n");
    return 2;
  }
  // A holder that ended before it took its lines leaves none behind.
  if (!existsSync(file)) return 0;
  const failures = await driveSafe(file).catch((error: unknown) => [`${file}: ${messageOf(error)}`]);
  for (const failure of failures) process.stderr.write(`lock-lines: ${failure}\n`);
  return failures.length > 0 ? 1 : 0;
}

process.exitCode = await main(process.argv[2]);
