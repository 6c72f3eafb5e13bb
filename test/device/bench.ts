/** The kiosk on the bench: what a row may do to it, and what the kernel saw of it. Rows judge by `edges` and `trace`, never by what the daemon says. */
import { blindNs, bootRecords, spans, traceRecords, type BootRecord, type Span } from "./edges.ts";
import type { Machine, Outcome } from "./machine.ts";

/** Offsets on the simulated chip, as test/device/guest/board names them. */
export const lines = {
  lock: 0,
  green: 1,
  red: 2,
  amber: 3,
  contact: 4,
  exit: 5,
  fire: 6,
  tamper: 7,
} as const;

/** What stands before the camera, or what is done to it. */
export type Scene =
  "nobody" | "bare" | "masked" | "bright" | "pale" | "black" | "covered" | "frozen" | "silent";

/** Seconds of the guest's time in which a daemon that was started decides frames; it is a slow machine. */
export const startSeconds = 120;
const nsPerMs = 1e6;
/** A reader that looked away for longer has not seen what a row is about. */
const mostBlindMs = 100;

export class Bench {
  readonly machine: Machine;

  constructor(machine: Machine) {
    this.machine = machine;
  }

  /** Runs a script in the guest, with the functions of guest/lib.sh. */
  sh(script: string, options?: { readonly check?: boolean }): Promise<Outcome> {
    return this.machine.sh(`. /usr/lib/bench/lib.sh; set -e; ${script}`, options);
  }

  /** The guest's CLOCK_MONOTONIC. */
  async nowNs(): Promise<number> {
    return Number((await this.sh("/usr/lib/bench/bench now")).stdout);
  }

  async show(scene: Scene): Promise<void> {
    await this.sh(`echo ${scene} >/run/bench/scene`);
  }

  /** Sets keys of the installed configuration, written as `section.key`, to values in TOML. */
  async configure(settings: Readonly<Record<string, string>>): Promise<void> {
    const commands = Object.entries(settings).map(([name, value]) => {
      const at = name.lastIndexOf(".");
      return `set_key ${name.slice(0, at)} ${name.slice(at + 1)} '${value}'`;
    });
    await this.sh(commands.join("; "));
  }

  /** Starts the kiosk anew before an empty door and waits until it decides frames: red alone is lit. */
  async restart(): Promise<void> {
    await this.show("nobody");
    await this.sh("systemctl reset-failed 'maskgate*' || true; systemctl restart maskgate");
    await this.untilReady();
  }

  /** The same with the holder of the lines, which a restart of the daemon leaves alone. */
  async restartAll(): Promise<void> {
    await this.sh("systemctl restart maskgate-door");
    await this.restart();
  }

  /** Before an empty door, ready, with the model that the row is about: the one that ships, or one that takes brightness for a mask. */
  async ready(model: "shipped" | "brightness"): Promise<void> {
    const folder = model === "shipped" ? "" : "/host/source/test/fixtures/models/brightness";
    const isSet = await this.sh(`grep -qxF 'folder = "${folder}"' /etc/maskgate/config.toml`, {
      check: false,
    });
    if (isSet.exitCode !== 0) await this.configure({ "model.folder": `"${folder}"` });
    const isUp = await this.sh("systemctl is-active -q maskgate", { check: false });
    if (isSet.exitCode !== 0 || isUp.exitCode !== 0) return this.restart();
    await this.show("nobody");
    await this.untilReady();
  }

  /** Lets a unit run with more lines in its [Service] section, until the machine restarts or `plain` is called. */
  async dropIn(unit: string, linesOfUnit: readonly string[]): Promise<void> {
    const folder = `/run/systemd/system/${unit}.d`;
    await this.sh(
      `mkdir -p ${folder}; printf '%s\\n' '[Service]' ${linesOfUnit.map((line) => `'${line}'`).join(" ")} >${folder}/bench.conf; systemctl daemon-reload`,
    );
  }

  /** Takes every drop-in away. */
  async plain(): Promise<void> {
    await this.sh("rm -rf /run/systemd/system/maskgate*.d; systemctl daemon-reload");
  }

  /** The daemon's process. */
  async daemon(): Promise<string> {
    return (await this.sh("systemctl show -P MainPID maskgate")).stdout.trim();
  }

  /** The units of ours that run: what holds the lines and what decides, at least. */
  async units(): Promise<readonly string[]> {
    const { stdout } = await this.sh(
      "systemctl list-units --plain --no-legend --state=active 'maskgate*.service'",
    );
    const units = stdout
      .split("\n")
      .flatMap((line) => line.split(" ", 1))
      .filter((unit) => unit !== "");
    for (const unit of ["maskgate.service", "maskgate-door.service"])
      need(units.includes(unit), `${unit} does not run`);
    return units;
  }

  /** Until the LEDs say for one second that the kiosk is ready and locked. */
  async untilReady(seconds = startSeconds): Promise<void> {
    await this.sh(
      `steady() { local n; for n in 1 2 3 4 5; do [ $(level ${lines.red})$(level ${lines.amber}) = 10 ] || return 1; sleep 0.2; done; }
       await ${seconds} steady`,
    );
  }

  /** Shows a person of whom the daemon is told to open, and waits until the line is unlocked. */
  async unlock(scene: Scene = "bright", seconds = 60): Promise<void> {
    await this.sh(`echo ${scene} >/run/bench/scene; await ${seconds} '[ $(level ${lines.lock}) = 1 ]'`);
  }

  /** What was read of the lines since the machine was last started. */
  async boot(): Promise<BootRecord> {
    const boot = bootRecords(await this.machine.edgeLog()).at(-1);
    if (!boot) throw new Error("nothing was read of the lines: is bench-edges.service up?");
    return boot;
  }

  /** When the lock was unlocked since a time, by what was read; fails if the reader looked away meanwhile. */
  async unlockedSince(sinceNs: number): Promise<readonly Span[]> {
    await this.sh("sleep 0.5");
    const untilNs = await this.nowNs();
    await this.sh("sleep 0.5");
    const boot = await this.boot();
    const blindMs = blindNs(boot, sinceNs, untilNs) / nsPerMs;
    if (!(blindMs <= mostBlindMs)) throw new Error(`the lines were not read for ${blindMs.toFixed(0)} ms`);
    return spans(boot.edges, lines.lock, 1).filter(({ toNs }) => toNs === undefined || toNs >= sinceNs);
  }

  /** Fails if the line was unlocked, or the kernel was asked for it, since a time of this boot. */
  async neverUnlocked(sinceNs: number): Promise<void> {
    const unlocked = await this.unlockedSince(sinceNs);
    const asked = await this.unlocksAskedSince(sinceNs);
    need(unlocked.length === 0 && asked === 0, `unlocked ${unlocked.length} times, asked for ${asked} times`);
  }

  /** How often the machine was started so far. */
  async boots(): Promise<number> {
    return bootRecords(await this.machine.edgeLog()).length;
  }

  /** Waits until the machine is up again after it was made to start anew, and returns what was read before and since. */
  async afterBoot(bootsBefore: number): Promise<readonly [BootRecord, BootRecord]> {
    while ((await this.boots()) <= bootsBefore) await new Promise((resolve) => setTimeout(resolve, 500));
    await this.machine.untilUp();
    await this.untilReady();
    await this.neverUnlocked(0);
    const [before, since] = bootRecords(await this.machine.edgeLog()).slice(-2);
    if (!before || !since) throw new Error("the log of the lines is gone");
    return [before, since];
  }

  /** How often the kernel was asked to unlock since a time; shorter than the time between two looks counts too. */
  async unlocksAskedSince(sinceNs: number): Promise<number> {
    const boot = traceRecords(await this.machine.traceLog()).at(-1);
    if (!boot) throw new Error("there is no trace of the kernel: is bench-trace.service up?");
    return boot.sets.filter(({ line, level, atNs }) => line === lines.lock && level === 1 && atNs >= sinceNs)
      .length;
  }
}

/** Fails the row with this sentence. */
export function need(isSo: boolean, sentence: string): void {
  if (!isSo) throw new Error(sentence);
}

export function msBetween(fromNs: number, toNs: number): number {
  return (toNs - fromNs) / nsPerMs;
}
