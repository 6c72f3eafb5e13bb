/** The rows of `maskgate doctor` about what systemd runs: its units, and the folders of their sockets. */
import path from "node:path";
import type { Config } from "./config-schema.ts";
import { fail, info, ok, warn, type Finding } from "./doctor-finding.ts";
import type { Host } from "./io/host.ts";

export function serviceFindings(host: Host, config: Config): readonly Finding[] {
  return [...units(host, config), ...folders(host, config)];
}

function unitNames({ gpio }: Config): readonly string[] {
  return gpio.holder === "process" ? ["maskgate-door.service", "maskgate.service"] : ["maskgate.service"];
}

function units(host: Host, config: Config): readonly Finding[] {
  if (!host.hasSystemd())
    return [info("service", "systemd does not run here: nothing starts the daemon after a power cut")];
  const names = unitNames(config);
  const restart = `systemctl restart ${names.map((name) => path.basename(name, ".service")).join(" ")}`;
  return names.map((name) => {
    if (host.unit(name, "LoadState") !== "loaded") {
      return fail(name, "not installed", "run sudo scripts/install");
    }
    const [state, file] = [host.unit(name, "ActiveState"), host.unit(name, "UnitFileState")];
    if (state === "failed")
      return fail(name, "failed", `journalctl -u ${name}, then systemctl restart ${name}`);
    if (file !== "enabled")
      return warn(
        name,
        `${state}, but not enabled`,
        `systemctl enable ${name}: else it is off after a power cut`,
      );
    if (state !== "active") return warn(name, state, `systemctl start ${name}`);
    const changed = changedSinceStart(host, name);
    if (changed !== undefined) return warn(name, `started before ${changed} was changed`, restart);
    return ok(name, host.unit(name, "StatusText") || state);
  });
}

/**
 * What a running unit has read at its start and not seen since. Compared are ages, each on its own clock: the time of day may have been
 * set meanwhile. A date that lies in the future is of another clock and tells nothing.
 */
function changedSinceStart(host: Host, name: string): string | undefined {
  // Not when it was ready, which may be minutes later.
  const startedS = Number(host.unit(name, "ExecMainStartTimestampMonotonic")) / 1e6;
  if (!(startedS > 0)) return undefined;
  const files = filesOf(host.unit(name, "ExecStart"));
  const [unitAgeS, nowS] = [host.monotonicS() - startedS, host.wallClockS()];
  return files.find((file) => {
    const ageS = nowS - (host.changedS(file) ?? -Infinity);
    return ageS >= 0 && ageS < unitAgeS;
  });
}

/** Configuration and program of a command as systemd prints it: `{ path=/opt/maskgate/bin/maskgate ; argv[]=... --config FILE ; ... }`. */
function filesOf(execStart: string): readonly string[] {
  const program = /\bpath=(\S+)/.exec(execStart)?.[1];
  const config = /\s--config[ =](\S+)/.exec(execStart)?.[1];
  const folder = program === undefined ? undefined : path.resolve(program, "../..");
  return [
    ...(config === undefined ? [] : [config]),
    ...(folder === undefined ? [] : [path.join(folder, "dist"), path.join(folder, "package.json")]),
  ];
}

/** Under systemd the folder comes and goes with the unit. */
function folders(host: Host, { status, gpio }: Config): readonly Finding[] {
  const places = [
    { socket: status.socketPath, unit: "maskgate.service" },
    ...(gpio.holder === "process" ? [{ socket: gpio.leaseSocketPath, unit: "maskgate-door.service" }] : []),
  ];
  return places.map(({ socket, unit }): Finding => {
    const folder = path.dirname(path.resolve(socket));
    const name = `folder ${folder}`;
    const made = host.hasSystemd() ? host.unit(unit, "RuntimeDirectory").split(" ").filter(Boolean) : [];
    if (made.some((part) => folder === `/run/${part}`)) return ok(name, `${unit} makes it when it starts`);
    if (!host.isFolder(folder))
      return fail(name, "missing", `make it, and give it to the user of ${unit}, or change ${socket}`);
    // Whether a unit's user may write there is told by the unit; the daemon of a terminal runs as this user.
    return host.hasSystemd() || host.isWritable(folder)
      ? ok(name, `is there, for ${path.basename(socket)}`)
      : fail(name, "this user may not write there", "be the user who owns it, or name another folder");
  });
}
