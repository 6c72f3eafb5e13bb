/**
 * The lines of the door as they must be when nobody holds them: written down by the holder before it takes them, and driven by
 * whoever comes after its death; the next holder reads there whether a fire release goes on. Needs no configuration and no package but the driver's own, so that it is quick.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { KioskError, messageOf } from "../core/errors.ts";
import { type GpioDriver, openGpio } from "./gpio-drivers.ts";
import type { Level, LineSettings } from "./gpio.ts";

/** A line and the level that is safe; the most important first. */
export interface SafeLine extends LineSettings {
  readonly level: Level;
}

export interface SafeLines {
  readonly driver: GpioDriver;
  readonly simulatorDir: string;
  /** The fire alarm has released the lock: its level is the open one. */
  readonly isFireReleased: boolean;
  readonly lines: readonly SafeLine[];
}

/** Beside the lease socket: a folder that only the holder writes, and that is gone after a boot. */
export function safeLinesFile(leaseSocketPath: string): string {
  return path.join(path.dirname(leaseSocketPath), "safe-lines.json");
}

/**
 * Whether a fire release went on when the file was written; there is none without a file.
 * @throws KioskError gpio-failed for a file that says nothing about it
 */
export function wasFireReleased(file: string): boolean {
  if (!existsSync(file)) return false;
  try {
    const { isFireReleased } = JSON.parse(readFileSync(file, "utf8")) as Partial<SafeLines>;
    if (typeof isFireReleased !== "boolean") throw new Error("isFireReleased is missing");
    return isFireReleased;
  } catch (error) {
    const mend = "the fire alarm is read anew";
    throw new KioskError("gpio-failed", `${file}: cannot be read: ${messageOf(error)}; ${mend}`, {
      cause: error,
    });
  }
}

/** Replaces the file in one step. */
export function writeSafeLines(file: string, record: SafeLines): void {
  try {
    writeFileSync(`${file}.new`, JSON.stringify(record), { mode: 0o640 });
    renameSync(`${file}.new`, file);
  } catch (error) {
    const mend = "give the holder a folder that it may write (gpio.leaseSocketPath)";
    throw new KioskError("gpio-failed", `${file}: cannot be written: ${messageOf(error)}; ${mend}`, {
      cause: error,
    });
  }
}

/**
 * Drives every line of the file to its level and gives it up; one that fails keeps no other from it.
 * @returns one line of text for each that failed
 */
export async function driveSafe(file: string): Promise<readonly string[]> {
  const { driver, simulatorDir, lines } = JSON.parse(readFileSync(file, "utf8")) as SafeLines;
  await using gpio = await openGpio(driver, simulatorDir);
  const failures: string[] = [];
  for (const { level, ...settings } of lines) {
    try {
      // Requested at its level and set to it once more when it is given up.
      gpio.requestOutput(settings, level).release();
    } catch (error) {
      failures.push(messageOf(error));
    }
  }
  return failures;
}
