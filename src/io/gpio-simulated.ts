/**
 * GPIO without hardware, for the demo and the tests: each line is a folder that other programs may read, named as the kernel's gpio-sim
 * names it: DIR/CHIP/sim_gpioOFFSET/value holds the physical level, "0" or "1" and a newline, and `consumer` who holds the line. An
 * input gets its level from the file `pull`, into which anyone writes "pull-up" or "pull-down", as into gpio-sim's.
 *
 * Promises: a reader never meets an empty or half-written file; a line held by a living process is refused to any other owner.
 */
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { messageOf } from "../core/errors.ts";
import {
  type DriverInput,
  type DriverOutput,
  type Gpio,
  gpioOf,
  type InputSettings,
  lineFailed,
  type LineSettings,
} from "./gpio.ts";

/** `dir` is made if it is not there. */
export function openSimulatedGpio(dir: string): Gpio {
  return gpioOf({
    openOutput: (settings, isActive) => openOutput(dir, settings, isActive),
    openInput: (settings) => openInput(dir, settings),
  });
}

function openOutput(dir: string, settings: LineSettings, isActive: boolean): DriverOutput {
  const folder = folderOf(dir, settings);
  const write = (level: boolean): void => {
    showLevel(folder, level !== settings.isActiveLow);
  };
  takeLine(folder, settings, () => {
    write(isActive);
  });
  return {
    write,
    close: () => {
      giveUp(folder);
    },
  };
}

function openInput(dir: string, settings: InputSettings): DriverInput {
  const folder = folderOf(dir, settings);
  const pullFile = path.join(folder, "pull");
  let isHigh: boolean | undefined;
  const read = (): boolean => {
    const pull = readIfThere(pullFile)?.trim();
    if (pull !== undefined && pull !== "" && pull !== "pull-up" && pull !== "pull-down") {
      throw lineFailed(settings, `${pullFile} says "${pull}"`, 'write "pull-up" or "pull-down" into it');
    }
    // Whoever writes the file in place empties it first: until then the level is what it was.
    const now =
      pull === undefined || pull === "" ? (isHigh ?? settings.bias === "pull-up") : pull === "pull-up";
    if (now !== isHigh) showLevel(folder, now);
    isHigh = now;
    return now !== settings.isActiveLow;
  };
  takeLine(folder, settings, () => {
    // What the world did to the line before stays; only an untouched line follows its bias.
    if (readIfThere(pullFile) === undefined) {
      replaceFile(pullFile, settings.bias === "pull-up" ? "pull-up\n" : "pull-down\n");
    }
    read();
  });
  return {
    read,
    close: () => {
      giveUp(folder);
    },
  };
}

function showLevel(folder: string, isHigh: boolean): void {
  replaceFile(path.join(folder, "value"), isHigh ? "1\n" : "0\n");
}

function folderOf(dir: string, settings: LineSettings): string {
  if (!/^[\w.-]+$/.test(settings.chip) || /^\.+$/.test(settings.chip)) {
    throw lineFailed(
      settings,
      "the name of a simulated chip has letters, digits, _ . and - only",
      "rename the chip",
    );
  }
  return path.join(dir, settings.chip, `sim_gpio${settings.offset}`);
}

function takeLine(folder: string, settings: LineSettings, setUp: () => void): void {
  makeFolder(folder, settings);
  takeOwnership(folder, settings);
  try {
    setUp();
    replaceFile(path.join(folder, "consumer"), `${settings.consumer}\n`);
  } catch (error) {
    rmSync(path.join(folder, "owner"), { force: true });
    throw error;
  }
}

function giveUp(folder: string): void {
  rmSync(path.join(folder, "consumer"), { force: true });
  rmSync(path.join(folder, "owner"), { force: true });
}

function makeFolder(folder: string, settings: LineSettings): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    const mend = "choose a folder for the simulated chips that this user may write";
    throw lineFailed(settings, `cannot make ${folder}: ${messageOf(error)}`, mend, error);
  }
}

/** The owner file is linked into place with its content, so that two processes can't both succeed. */
function takeOwnership(folder: string, settings: LineSettings): void {
  const file = path.join(folder, "owner");
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, `${process.pid} ${startTimeOf(process.pid) ?? ""}\n`);
  try {
    const holder = readOwner(file);
    if (holder !== undefined && startTimeOf(holder.pid) !== holder.startTime) rmSync(file, { force: true });
    linkSync(draft, file);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
    const mend = "stop that program or choose another line";
    throw lineFailed(
      settings,
      `the line is held by "${consumerOf(folder)}" (process ${readOwner(file)?.pid ?? "?"})`,
      mend,
      error,
    );
  } finally {
    rmSync(draft, { force: true });
  }
}

function readOwner(file: string): { readonly pid: number; readonly startTime: string } | undefined {
  const [pid, startTime] = (readIfThere(file) ?? "").trim().split(" ");
  return pid === undefined || startTime === undefined ? undefined : { pid: Number(pid), startTime };
}

/** When a process started, in the kernel's ticks; tells it from a later one with the same number. Undefined if it is dead. */
function startTimeOf(pid: number): string | undefined {
  const stat = readIfThere(`/proc/${pid}/stat`);
  // The second field, the program's name, is in parentheses and may hold anything; the start time is the 20th after it.
  const fields = stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields?.[0] === "Z" ? undefined : fields?.[19];
}

function consumerOf(folder: string): string {
  return readIfThere(path.join(folder, "consumer"))?.trim() ?? "an unnamed consumer";
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ESRCH"))
      return undefined;
    throw error;
  }
}

function replaceFile(file: string, content: string): void {
  const draft = `${file}.new`;
  writeFileSync(draft, content);
  renameSync(draft, file);
}
