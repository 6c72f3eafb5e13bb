/** What `maskgate doctor` reads of the machine it runs on. Only looks: nothing here changes anything. */
import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, readdirSync, readFileSync, statfsSync, statSync } from "node:fs";
import path from "node:path";
import { monotonicClock } from "./clock.ts";

export interface Zone {
  readonly name: string;
  readonly celsius: number;
}

/** Whose a file is; of `mode` the permission bits, such as 0o660. */
export interface Ownership {
  readonly userId: number;
  readonly groupId: number;
  readonly mode: number;
}

/** The machine, or in tests one that was made up. */
export interface Host {
  /** Names of the device tree, such as "nvidia,p3768-0000+p3767-0005"; none on a PC. */
  compatible(): readonly string[];
  zones(): readonly Zone[];
  /** What slows this machine down now, because of heat or too little power. */
  throttles(): readonly string[];
  /** Bytes that a user may still write to the file system of a folder, or of its nearest parent that is there. */
  freeBytes(folder: string): number;
  availableMemoryBytes(): number;
  /** Seconds since 1970 of the wall clock. */
  wallClockS(): number;
  /** Seconds of CLOCK_MONOTONIC, which systemd's ...Monotonic properties count, too. */
  monotonicS(): number;
  /** When a file, or what a folder lists, was last changed, by the wall clock of then; undefined if it is not there. */
  changedS(file: string): number | undefined;
  /** Whether the wall clock follows a time server; undefined if nobody knows. */
  isTimeSynchronized(): boolean | undefined;
  isFolder(folder: string): boolean;
  /** Whether this very user may make files there. */
  isWritable(folder: string): boolean;
  /** Whether systemd runs this machine. */
  hasSystemd(): boolean;
  /** A property of a systemd unit, "" if it has none. */
  unit(name: string, property: string): string;
  /** Undefined if there is no such file. */
  ownership(file: string): Ownership | undefined;
  /** Paths of what lies in a folder; none if it is not there. */
  filesIn(folder: string): readonly string[];
  groupIdNamed(name: string): number | undefined;
  /** Undefined if there is no such user. */
  userIdOf(user: string): number | undefined;
  /** The groups of a user; undefined if there is no such user. */
  groupIdsOf(user: string): readonly number[] | undefined;
}

/** This very machine. */
export const thisHost: Host = {
  compatible: () => read("/proc/device-tree/compatible").split("\0").filter(Boolean),
  zones,
  throttles,
  isTimeSynchronized: () => isTrue[said("timedatectl", ["show", "-P", "NTPSynchronized"]) ?? ""],
  isFolder: (folder) => statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true,
  isWritable,
  freeBytes: (folder) => {
    let there = path.resolve(folder);
    while (!existsSync(there)) there = path.dirname(there);
    const { bavail, bsize } = statfsSync(there);
    return bavail * bsize;
  },
  availableMemoryBytes: () =>
    1024 * Number(/^MemAvailable:\s+(\d+) kB/m.exec(read("/proc/meminfo"))?.[1] ?? NaN),
  wallClockS: () => Date.now() / 1000,
  monotonicS: () => monotonicClock().nowMs() / 1000,
  changedS: (file) => {
    const changedMs = statSync(file, { throwIfNoEntry: false })?.mtimeMs;
    return changedMs === undefined ? undefined : changedMs / 1000;
  },
  hasSystemd: () => existsSync("/run/systemd/system"),
  unit: (name, property) => said("systemctl", ["show", "-P", property, name]) ?? "",
  ownership: (file) => {
    const stat = statSync(file, { throwIfNoEntry: false });
    return stat && { userId: stat.uid, groupId: stat.gid, mode: stat.mode & 0o777 };
  },
  filesIn: (folder) =>
    existsSync(folder)
      ? readdirSync(folder)
          .sort()
          .map((name) => path.join(folder, name))
      : [],
  groupIdNamed: (name) => idOf(said("getent", ["group", name])),
  userIdOf: (user) => numberOf(said("id", ["-u", user])),
  groupIdsOf: (user) => said("id", ["-G", user])?.split(" ").map(Number),
};

const isTrue: Readonly<Record<string, boolean>> = { yes: true, no: false };

/** Of a line of /etc/group. */
function idOf(line: string | undefined): number | undefined {
  return numberOf(line?.split(":")[2]);
}

function numberOf(text: string | undefined): number | undefined {
  const id = Number(text);
  return Number.isInteger(id) ? id : undefined;
}

function zones(): readonly Zone[] {
  const folder = "/sys/class/thermal";
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.startsWith("thermal_zone"))
    .map((name) => ({
      name: read(path.join(folder, name, "type")).trim() || name,
      celsius: Number(read(path.join(folder, name, "temp"))) / 1000,
    }))
    .filter(({ celsius }) => celsius > 0);
}

/** Fans cool and do not slow; a Raspberry Pi's firmware tells of both heat and power. */
function throttles(): readonly string[] {
  const folder = "/sys/class/thermal";
  const devices = existsSync(folder) ? readdirSync(folder) : [];
  const slowed = devices
    .filter((name) => name.startsWith("cooling_device"))
    .map((name) => ({
      type: read(path.join(folder, name, "type")).trim(),
      state: Number(read(path.join(folder, name, "cur_state"))),
    }))
    .filter(({ type, state }) => state > 0 && /cpu|gpu|processor|devfreq/i.test(type))
    .map(({ type, state }) => `${type} by ${state} steps`);
  const bits = Number.parseInt(read("/sys/devices/platform/soc/soc:firmware/get_throttled"), 16);
  const now = ["too little voltage", "a lower frequency", "throttled", "the soft temperature limit"];
  return [...slowed, ...now.filter((_, bit) => ((bits >> bit) & 1) === 1)];
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

function said(program: string, args: readonly string[]): string | undefined {
  const { status, stdout } = spawnSync(program, args, { encoding: "utf8" });
  return status === 0 ? stdout.trim() : undefined;
}
