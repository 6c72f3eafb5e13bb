/**
 * GPIO without hardware, for the demo and the tests: each line is a folder that other programs may read, named as the kernel's gpio-sim
 * names it: DIR/CHIP/sim_gpioOFFSET/value holds the physical level, "0" or "1" and a newline, and `consumer` who holds the line.
 *
 * Promises: a reader never meets an empty or half-written file; a line held by a living process is refused to any other owner.
 */
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { messageOf } from "../core/errors.ts";
import { type DriverLine, type Gpio, gpioOf, lineFailed, type LineSettings } from "./gpio.ts";

/** `dir` is made if it is not there. */
export function openSimulatedGpio(dir: string): Gpio {
  return gpioOf((settings, isActive) => openLine(dir, settings, isActive));
}

function openLine(dir: string, settings: LineSettings, isActive: boolean): DriverLine {
  if (!/^[\w.-]+$/.test(settings.chip) || /^\.+$/.test(settings.chip)) {
    throw lineFailed(
      settings,
      "the name of a simulated chip has letters, digits, _ . and - only",
      "rename the chip",
    );
  }
  const folder = path.join(dir, settings.chip, `sim_gpio${settings.offset}`);
  const write = (level: boolean): void => {
    replaceFile(path.join(folder, "value"), level === settings.isActiveLow ? "0\n" : "1\n");
  };
  makeFolder(folder, settings);
  takeOwnership(folder, settings);
  try {
    write(isActive);
    replaceFile(path.join(folder, "consumer"), `${settings.consumer}\n`);
  } catch (error) {
    rmSync(path.join(folder, "owner"), { force: true });
    throw error;
  }
  return {
    write,
    close: () => {
      rmSync(path.join(folder, "consumer"), { force: true });
      rmSync(path.join(folder, "owner"), { force: true });
    },
  };
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
