/** The rows of `maskgate doctor` about what systemd runs: units, their permissions, and the folders of the sockets. */
import path from "node:path";
import type { Config } from "./config-schema.ts";
import { fail, info, ok, warn, type Finding } from "./doctor-finding.ts";
import type { Host } from "./io/host.ts";

/** `chipFiles`: the device files of the GPIO chips in use. */
export function serviceFindings(
  host: Host,
  config: Config,
  chipFiles: readonly string[],
): readonly Finding[] {
  return [...units(host, config), ...permissions(host, config, chipFiles), ...folders(host, config)];
}

function unitNames({ gpio }: Config): readonly string[] {
  return gpio.holder === "process" ? ["maskgate-door.service", "maskgate.service"] : ["maskgate.service"];
}

function units(host: Host, config: Config): readonly Finding[] {
  if (!host.hasSystemd())
    return [info("service", "systemd does not run here: nothing starts the daemon after a power cut")];
  return unitNames(config).map((name) => {
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
    return ok(name, host.unit(name, "StatusText") || state);
  });
}

interface Need {
  readonly user: string;
  readonly file: string;
}

/** Only of devices that are there: what is not has a row of its own. */
function permissions(host: Host, { gpio, camera }: Config, chipFiles: readonly string[]): readonly Finding[] {
  const holder = gpio.holder === "process" ? "maskgate-door" : "maskgate";
  const usesVideo = camera.source === "gstreamer" && camera.gstreamer.preset === "v4l2";
  const needs: readonly Need[] = [
    ...chipFiles.map((file) => ({ user: holder, file })),
    ...(usesVideo ? [{ user: "maskgate", file: camera.gstreamer.device }] : []),
  ];
  return needs.flatMap(({ user, file }) => permission(host, user, file));
}

/** systemd adds the groups of the unit (`SupplementaryGroups`), which `id` does not know: both count. */
function permission(host: Host, user: string, file: string): readonly Finding[] {
  const [owner, groups] = [host.groupIdOf(file), host.groupIdsOf(user)];
  if (owner === undefined || groups === undefined) return [];
  const unit = user === "maskgate-door" ? "maskgate-door.service" : "maskgate.service";
  const added = host.hasSystemd() ? host.unit(unit, "SupplementaryGroups").split(" ").filter(Boolean) : [];
  const isGiven = groups.includes(owner) || added.some((name) => host.groupIdNamed(name) === owner);
  const name = `permission ${file}`;
  return [
    isGiven
      ? ok(name, `${user} may open it`)
      : fail(
          name,
          `${user} is not in the group that owns it`,
          file.startsWith("/sys/")
            ? "install a udev rule that gives /sys/class/gpio and its lines to the group gpio"
            : "sudo udevadm trigger, or install device/99-maskgate.rules",
        ),
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
