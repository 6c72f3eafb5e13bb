/** Rows about installing and starting. */
import { lines, msBetween, need, type Bench } from "./bench.ts";
import type { Row } from "./row.ts";

const mostExposure = 2.0;

/** What the person who fits the kiosk writes into its configuration; the rest is as installed. */
const settings = {
  "camera.widthPx": "320",
  "camera.heightPx": "240",
  "camera.framesPerSecond": "1",
  "model.providers": '["cpu"]',
  "model.threads": "1",
  // One emulated core takes half a second for a look at a person.
  "access.framesToGrant": "3",
  "access.maxGapMs": "2000",
  ...Object.fromEntries(["door", "green", "red", "amber"].map((line) => [`gpio.${line}.chip`, '"board"'])),
};

async function install(bench: Bench): Promise<string> {
  const fromNs = await bench.nowNs();
  await bench.sh("/host/source/scripts/install --built /host/program 2>&1");
  await bench.configure(settings);
  await bench.show("nobody");
  await bench.sh("systemctl start maskgate");
  await bench.untilReady();
  const { stdout } = await bench.sh(
    `cat /proc/1/comm; systemctl is-enabled maskgate; systemctl is-active maskgate; systemctl show -P NRestarts maskgate
     gpioinfo | grep LOCK; systemctl show -P StatusText maskgate
     echo $(($(systemctl show -P ActiveEnterTimestampMonotonic maskgate) - $(systemctl show -P ExecMainStartTimestampMonotonic maskgate)))`,
  );
  const [init, enabled, active, restarts, line = "", status = "", startUs = ""] = stdout.split("\n");
  need(init === "systemd" && enabled === "enabled" && active === "active" && restarts === "0", stdout);
  need(/maskgate.* output /.test(line), `the kernel does not see the lock's line held as an output: ${line}`);
  need((await bench.unlockedSince(fromNs)).length === 0, "the lock's line was unlocked meanwhile");
  need((await bench.unlocksAskedSince(fromNs)) === 0, "the kernel was asked to unlock meanwhile");
  return `READY after ${(Number(startUs) / 1e6).toFixed(1)} s; "${status}"`;
}

async function installAgain(bench: Bench): Promise<string> {
  await bench.ready("brightness");
  const before = await bench.sh("sha256sum /etc/maskgate/config.toml; find /opt/maskgate | sort | sha256sum");
  const fromNs = await bench.nowNs();
  await bench.sh("/host/source/scripts/install --built /host/program 2>&1");
  const after = await bench.sh("sha256sum /etc/maskgate/config.toml; find /opt/maskgate | sort | sha256sum");
  need(before.stdout === after.stdout, `not the same as before:\n${before.stdout}${after.stdout}`);
  await bench.restart();
  need((await bench.unlockedSince(fromNs)).length === 0, "the lock's line was unlocked meanwhile");
  await bench.unlock();
  return "the configuration is kept byte for byte, and the door works";
}

async function security(bench: Bench): Promise<string> {
  const { stdout } = await bench.sh(
    `for unit in $(cd /etc/systemd/system; ls maskgate*.service); do
       unit=\${unit/@./@bench.}
       echo "$unit $(systemd-analyze security --no-pager $unit | sed -n 's/.*exposure level for [^:]*: \\([0-9.]*\\).*/\\1/p')"
     done`,
  );
  const found = stdout.trim().split("\n");
  for (const line of found) {
    const exposure = Number(line.split(" ")[1]);
    need(exposure > 0 && exposure <= mostExposure, `exposure above ${mostExposure}: ${line}`);
  }
  return found.join(", ");
}

/** Where the kernel shows a lock that nobody holds. */
async function uninstall(bench: Bench): Promise<string> {
  await bench.ready("brightness");
  await bench.unlock();
  const fromNs = await bench.nowNs();
  await bench.sh("/host/source/scripts/uninstall --purge 2>&1");
  const open = (await bench.unlockedSince(fromNs)).at(-1);
  need(open?.toNs !== undefined, "the lock's line stays unlocked");
  const left = await bench.sh(
    `find / -xdev \\( -path /proc -o -path /sys -o -path /run/bench -o -path /var/lib/bench -o -path /host -o -path /var/log \\) -prune -o -iname '*maskgate*' -print
     { getent passwd; getent group; } | grep maskgate || true; gpioinfo | grep -i maskgate || true; systemctl list-unit-files --no-legend 'maskgate*' || true`,
  );
  need(left.stdout.trim() === "", `left behind:\n${left.stdout}`);
  return `nothing is left; locked ${msBetween(fromNs, open?.toNs ?? NaN).toFixed(0)} ms after its begin`;
}

export const installRow: Row = {
  name: "install",
  asserts:
    "installed by scripts/install, started by systemd as PID 1, READY; the line is held and never unlocked",
  run: install,
};

export const startRows: readonly Row[] = [
  {
    name: "security",
    asserts: `systemd-analyze security of every unit is at most ${mostExposure.toFixed(1)}`,
    run: security,
  },
  {
    name: "install-again",
    asserts: "installing again keeps the configuration, and the door works",
    run: installAgain,
  },
];

/** Last of all. */
export const uninstallRow: Row = {
  name: "uninstall",
  asserts: `scripts/uninstall locks line ${lines.lock} and leaves nothing behind`,
  run: uninstall,
};
