/** The rows of `maskgate doctor` about device files: whether the units' users may open what they need. */
import type { Config } from "./config-schema.ts";
import { fail, ok, type Finding } from "./doctor-finding.ts";
import type { Host } from "./io/host.ts";

interface Need {
  /** What the row is called: a file, or a pattern. */
  readonly what: string;
  readonly user: "maskgate" | "maskgate-door";
  readonly files: readonly string[];
}

/** `chipFiles`: the device files of the GPIO chips in use. Only of devices that are there: what is not has a row of its own. */
export function permissionFindings(
  host: Host,
  { gpio, camera }: Config,
  chipFiles: readonly string[],
): readonly Finding[] {
  const holder = gpio.holder === "process" ? "maskgate-door" : "maskgate";
  const chips = chipFiles.map((file): Need => ({ what: file, user: holder, files: [file] }));
  return [...chips, ...cameraNeeds(host, camera)].flatMap((need) => permission(host, need));
}

function cameraNeeds(host: Host, { source, gstreamer }: Config["camera"]): readonly Need[] {
  const kind = source === "gstreamer" ? gstreamer.preset : source;
  if (kind === "v4l2") return [{ what: gstreamer.device, user: "maskgate", files: [gstreamer.device] }];
  if (kind !== "libcamera") return [];
  // Sensor, image processor and the memory of the pictures are devices of their own, with other names on each board.
  return ["/dev/video*", "/dev/media*", "/dev/dma_heap/*"].map((what): Need => ({
    what,
    user: "maskgate",
    files: matching(host, what),
  }));
}

function matching(host: Host, pattern: string): readonly string[] {
  const start = pattern.slice(0, -1);
  return host.filesIn(start.slice(0, start.lastIndexOf("/"))).filter((file) => file.startsWith(start));
}

function permission(host: Host, { what, user, files }: Need): readonly Finding[] {
  const there = files.filter((file) => host.ownership(file) !== undefined);
  const groupIds = groupIdsOf(host, user);
  if (there.length === 0 || groupIds === undefined) return [];
  const name = `permission ${what}`;
  for (const file of there) {
    const hindrance = hindranceOf(host, user, groupIds, file);
    if (hindrance === undefined) continue;
    return [fail(name, file === what ? hindrance : `${file}: ${hindrance}`, mendOf(file))];
  }
  return [ok(name, `${user} may open ${what === there[0] ? "it" : `all ${there.length}`}`)];
}

/** systemd adds the groups of the unit (`SupplementaryGroups`), which `id` does not know: both count. */
function groupIdsOf(host: Host, user: Need["user"]): readonly number[] | undefined {
  const own = host.groupIdsOf(user);
  if (own === undefined || !host.hasSystemd()) return own;
  const added = host.unit(`${user}.service`, "SupplementaryGroups").split(" ").filter(Boolean);
  return [...own, ...added.flatMap((name) => host.groupIdNamed(name) ?? [])];
}

/** The kernel's rule: the first of owner, group and others that the user is decides, whatever the later ones might do. */
function hindranceOf(
  host: Host,
  user: string,
  groupIds: readonly number[],
  file: string,
): string | undefined {
  const owned = host.ownership(file);
  if (owned === undefined) return undefined;
  const isOwner = owned.userId === host.userIdOf(user);
  const isInGroup = groupIds.includes(owned.groupId);
  const bits = (owned.mode >> (isOwner ? 6 : isInGroup ? 3 : 0)) & 0o7;
  // The files that make a line of sysfs are written only.
  const needed = file.startsWith("/sys/") ? 0o2 : 0o6;
  if ((bits & needed) === needed) return undefined;
  return isOwner || isInGroup
    ? `its mode ${owned.mode.toString(8).padStart(4, "0")} keeps ${user} out`
    : `${user} is not in the group that owns it`;
}

function mendOf(file: string): string {
  return file.startsWith("/sys/")
    ? "install a udev rule that gives /sys/class/gpio and its lines to the group gpio"
    : "sudo udevadm trigger, or install device/99-maskgate.rules";
}
