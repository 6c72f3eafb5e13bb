/** The rows of `maskgate doctor` about the machine: board, clock, room, memory, temperature, units, permissions. */
import { boardOf, readBoard } from "./boards.ts";
import type { Config } from "./config-schema.ts";
import { fail, info, ok, warn, type Finding } from "./doctor-finding.ts";
import type { Host } from "./io/host.ts";

const stateFolder = "/var/lib/maskgate";
const mebibyte = 2 ** 20;
/** Two models and a candidate. */
const leastFreeBytes = 300 * mebibyte;
/** What the daemon took at most in ten minutes of the soak test, and half as much again. */
const leastMemoryBytes = 660 * mebibyte;
const warmCelsius = 80;
const hotCelsius = 95;
/** Before this the clock was never set. */
const builtS = Date.UTC(2026, 0, 1) / 1000;

export function hostFindings(host: Host, config: Config): readonly Finding[] {
  return [
    board(host),
    clock(host),
    disk(host),
    memory(host),
    temperature(host),
    ...units(host, config),
    ...permissions(host, config),
  ];
}

function board(host: Host): Finding {
  const names = host.compatible();
  if (names.length === 0) return info("board", "no device tree: a PC, or a virtual machine");
  const id = boardOf(names);
  return id === undefined
    ? info("board", `${names[0] ?? ""}: none of device/boards, so its lines must be looked up by hand`)
    : ok("board", `${readBoard(id).name} (maskgate config --board ${id})`);
}

/** Nothing here needs the time of day; logs do. */
function clock(host: Host): Finding {
  const now = new Date(host.wallClockS() * 1000).toISOString().slice(0, 16);
  return host.wallClockS() < builtS
    ? warn(
        "clock",
        `it says ${now}: it was never set`,
        "set it, so that the log's times are right; the door does not need it",
      )
    : ok("clock", `${now}Z`);
}

function disk(host: Host): Finding {
  const free = host.freeBytes(stateFolder);
  const text = `${(free / mebibyte).toFixed(0)} MiB free for ${stateFolder}`;
  return free >= leastFreeBytes
    ? ok("disk", text)
    : warn("disk", text, "make room: a new model needs 300 MiB");
}

function memory(host: Host): Finding {
  const free = host.availableMemoryBytes();
  const text = `${(free / mebibyte).toFixed(0)} MiB available`;
  return free >= leastMemoryBytes
    ? ok("memory", text)
    : warn(
        "memory",
        text,
        "end other programs: the daemon takes about 440 MiB (this counts while it runs, too)",
      );
}

function temperature(host: Host): Finding {
  const hottest = host
    .zones()
    .reduce<{ name: string; celsius: number } | undefined>(
      (most, zone) => (most === undefined || zone.celsius > most.celsius ? zone : most),
      undefined,
    );
  if (hottest === undefined) return info("temperature", "this machine tells none");
  const text = `${hottest.celsius.toFixed(0)} degrees Celsius at ${hottest.name}`;
  if (hottest.celsius >= hotCelsius)
    return fail("temperature", text, "switch it off and cool it: it will shut down by itself");
  return hottest.celsius >= warmCelsius
    ? warn("temperature", text, "cool it: a hot board computes slower, and then the door does not open")
    : ok("temperature", text);
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
function permissions(host: Host, { gpio, camera }: Config): readonly Finding[] {
  const isChip = gpio.driver === "character-device" && /^gpiochip\d+$/.test(gpio.door.chip);
  const holder = gpio.holder === "process" ? "maskgate-door" : "maskgate";
  const usesVideo = camera.source === "gstreamer" && camera.gstreamer.preset === "v4l2";
  const needs: readonly Need[] = [
    ...(isChip ? [{ user: holder, file: `/dev/${gpio.door.chip}` }] : []),
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
          "sudo udevadm trigger, or install device/99-maskgate.rules",
        ),
  ];
}
