/** The rows of `maskgate doctor` about the machine, whatever the configuration: board, clock, room, memory, temperature. */
import { boardOf, readBoard } from "./boards.ts";
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

export function hostFindings(host: Host): readonly Finding[] {
  return [board(host), clock(host), disk(host), memory(host), temperature(host), throttling(host)];
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
    : ok("clock", `${now}Z${synchronized(host)}`);
}

function synchronized(host: Host): string {
  const isSo = host.isTimeSynchronized();
  if (isSo === undefined) return "";
  return isSo ? ", set by a time server" : ", by itself: no time server sets it";
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

function throttling(host: Host): Finding {
  const slowed = host.throttles();
  return slowed.length === 0
    ? ok("throttling", "nothing is slowed down")
    : warn("throttling", slowed.join(", "), "cool it, and give it the power supply that its maker names");
}
