/**
 * GPIO through /sys/class/gpio, by npm's onoff, for kernels before 5.10 (JetPack 4). Prefer the character device wherever there is one.
 *
 * What sysfs cannot do: it gives no line back when the process dies, so a killed daemon leaves its last level standing until it runs
 * again; it cannot say who holds a line; and it sets no pull resistor. What is promised all the same: the first write sets direction and
 * level together.
 */
import * as nodeFs from "node:fs";
import { messageOf } from "../core/errors.ts";
import {
  type DriverInput,
  type DriverOutput,
  type Gpio,
  gpioOf,
  isDenied,
  type InputSettings,
  lineFailed,
  type LineSettings,
} from "./gpio.ts";
import { loadOnoff, type OnoffGpio, type OnoffLine } from "./gpio-onoff.ts";

const root = "/sys/class/gpio";

/** What this driver calls of node:fs. onoff gets the same object and calls more of it; tests bring a kernel of their own. */
export interface SysfsFiles {
  existsSync(path: string): boolean;
  readdirSync(path: string): string[];
  readFileSync(path: string, encoding: "utf8"): string;
  openSync(path: string, flags: "r+"): number;
  closeSync(fd: number): void;
}

/** How long udev may take to give a line's files to the group, on a machine that starts, too. */
const permissionMs = 3000;
const pauseMs = 20;

/** Blocks the thread; the holder has nothing else to do before it has its lines. */
function pauseThread(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** A chip is named by its label ("tegra-gpio") or by its folder in /sys/class/gpio, which ends in the number of its first line ("gpiochip512"). */
export function openSysfsGpio(files?: SysfsFiles, pause = pauseThread): Gpio {
  const Onoff = loadOnoff(files);
  const held = new Map<number, LineSettings>();
  const sysfs = { files: files ?? nodeFs, Onoff, held, pause };
  return gpioOf({
    openOutput: (settings, isActive) => openOutput(sysfs, settings, isActive),
    openInput: (settings) => openInput(sysfs, settings),
  });
}

interface Sysfs {
  readonly files: SysfsFiles;
  readonly Onoff: OnoffGpio;
  readonly held: Map<number, LineSettings>;
  readonly pause: (ms: number) => void;
}

interface Chip {
  readonly folder: string;
  readonly label: string;
  readonly base: number;
  readonly lineCount: number;
}

function openOutput(sysfs: Sysfs, settings: LineSettings, isActive: boolean): DriverOutput {
  const levelOf = (level: boolean): 0 | 1 => (level === settings.isActiveLow ? 0 : 1);
  const { line, close } = openLine(sysfs, settings, levelOf(isActive) === 1 ? "high" : "low");
  return {
    write: (level) => {
      line.writeSync(levelOf(level));
    },
    close,
  };
}

function openInput(sysfs: Sysfs, settings: InputSettings): DriverInput {
  if (settings.bias !== "none") {
    const mend = 'fit a resistor to the board and choose the bias "none"';
    throw lineFailed(settings, `sysfs cannot set the bias "${settings.bias}"`, mend);
  }
  const { line, close } = openLine(sysfs, settings, "in");
  return { read: () => (line.readSync() === 1) !== settings.isActiveLow, close };
}

type Direction = "high" | "low" | "in";

/**
 * Whether somebody has exported a line, without touching it.
 * @throws KioskError gpio-failed if there is no such chip or line
 */
export function isExported(settings: LineSettings, files: SysfsFiles = nodeFs): boolean {
  return files.existsSync(`${root}/gpio${globalNumberOf(files, settings)}`);
}

function globalNumberOf(files: SysfsFiles, settings: LineSettings): number {
  const { base, lineCount } = findChip(files, settings);
  if (settings.offset < lineCount) return base + settings.offset;
  const mend = `choose an offset from 0 to ${lineCount - 1}`;
  throw lineFailed(settings, `the chip has ${lineCount} lines`, mend);
}

function openLine(
  sysfs: Sysfs,
  settings: LineSettings,
  direction: Direction,
): { readonly line: OnoffLine; readonly close: () => void } {
  const globalNumber = globalNumberOf(sysfs.files, settings);
  const holder = sysfs.held.get(globalNumber);
  if (holder !== undefined) throw busy(settings, `"${holder.consumer}"`);
  const line = exportLine(sysfs, settings, globalNumber, direction);
  sysfs.held.set(globalNumber, settings);
  return {
    line,
    close: () => {
      sysfs.held.delete(globalNumber);
      line.unexport();
    },
  };
}

function exportLine(
  sysfs: Sysfs,
  settings: LineSettings,
  globalNumber: number,
  direction: Direction,
): OnoffLine {
  let line: OnoffLine;
  try {
    line = openWhenPermitted(sysfs, globalNumber, direction);
  } catch (error) {
    throw exportFailed(settings, globalNumber, direction, error);
  }
  // On a line that was exported before, say by a killed daemon, onoff passes over every error.
  const isSet =
    direction === "in"
      ? line.direction() === "in"
      : line.direction() === "out" && line.readSync() === (direction === "high" ? 1 : 0);
  if (isSet) return line;
  line.unexport();
  throw busy(settings, "someone who exported it before and whose settings cannot be changed");
}

/** The kernel makes a line's files root's; udev gives them to the group, and onoff's 10,000 tries may be over before. */
function openWhenPermitted(sysfs: Sysfs, globalNumber: number, direction: Direction): OnoffLine {
  // Inverting is ours: a leftover active_low would change what "high" and a later 1 mean.
  const open = (): OnoffLine => new sysfs.Onoff(globalNumber, direction, { activeLow: false });
  try {
    return open();
  } catch (error) {
    if (!isDenied(error) || !isPermittedSoon(sysfs, globalNumber)) throw error;
    return open();
  }
}

function isPermittedSoon({ files, pause }: Sysfs, globalNumber: number): boolean {
  const folder = `${root}/gpio${globalNumber}`;
  if (!files.existsSync(folder)) return false;
  for (let leftMs = permissionMs; leftMs > 0; leftMs -= pauseMs) {
    if (["direction", "active_low", "value"].every((file) => mayWrite(files, `${folder}/${file}`)))
      return true;
    pause(pauseMs);
  }
  return false;
}

function mayWrite(files: SysfsFiles, file: string): boolean {
  try {
    files.closeSync(files.openSync(file, "r+"));
    return true;
  } catch {
    return false;
  }
}

function exportFailed(
  settings: LineSettings,
  globalNumber: number,
  direction: Direction,
  error: unknown,
): Error {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "EBUSY") return busy(settings, "a driver or another program", error);
  if (isDenied(error)) {
    const mend = `add the user to the group that owns ${root}/export and let a udev rule give that group the exported lines`;
    return lineFailed(settings, `no permission (${messageOf(error)})`, mend, error);
  }
  const cause = `the kernel refuses line ${globalNumber} of ${root} (${messageOf(error)})`;
  const use = direction === "in" ? "read this line" : "drive this line as an output";
  return lineFailed(settings, cause, `the chip cannot ${use}: choose another one`, error);
}

function busy(settings: LineSettings, holder: string, error?: unknown): Error {
  const mend = "stop it or choose another line; as root, /sys/kernel/debug/gpio lists who holds what";
  return lineFailed(settings, `the line is held by ${holder}`, mend, error);
}

function findChip(files: SysfsFiles, settings: LineSettings): Chip {
  const chips = listChips(files);
  const named = chips.filter(({ folder, label }) => folder === settings.chip || label === settings.chip);
  const [first, second] = named;
  if (first !== undefined && second === undefined) return first;
  if (first !== undefined) {
    const folders = named.map(({ folder }) => folder).join(", ");
    throw lineFailed(settings, `several chips have this label: ${folders}`, "name one of them instead");
  }
  const there = chips
    .map(({ folder, label, lineCount }) => `${folder} (${label}, ${lineCount} lines)`)
    .join(", ");
  const mend =
    there === ""
      ? `this kernel shows no chips in ${root}: choose the driver "character-device", without hardware "simulated"`
      : `this machine has: ${there}`;
  throw lineFailed(settings, "no such chip", mend);
}

function listChips(files: SysfsFiles): readonly Chip[] {
  if (!files.existsSync(root)) return [];
  const read = (folder: string, file: string): string =>
    files.readFileSync(`${root}/${folder}/${file}`, "utf8").trim();
  return files
    .readdirSync(root)
    .filter((folder) => /^gpiochip\d+$/.test(folder))
    .map((folder) => ({
      folder,
      label: read(folder, "label"),
      base: Number(read(folder, "base")),
      lineCount: Number(read(folder, "ngpio")),
    }))
    .sort((a, b) => a.base - b.base);
}
