/** A machine that was made up, on which all is well, for the doctor; tests make it ill. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { loadConfig } from "../../src/config.ts";
import type { Config } from "../../src/config-schema.ts";
import type { Host } from "../../src/io/host.ts";

export const folder = mkdtempSync(path.join(tmpdir(), "maskgate-doctor-"));
process.once("exit", () => {
  rmSync(folder, { recursive: true, force: true });
});

/** The configuration of a file with this text. */
export function configOf(toml: string): Config {
  const file = path.join(folder, "config.toml");
  writeFileSync(file, toml);
  return loadConfig(file);
}

/** Both units, the character device, a USB camera. */
export const onDevice = configOf(
  '[gpio]\ndriver = "character-device"\nholder = "process"\n[gpio.door]\nchip = "gpiochip0"\n[camera]\nsource = "gstreamer"\n',
);
export const unitProperties: Readonly<Record<string, string>> = {
  LoadState: "loaded",
  ActiveState: "active",
  UnitFileState: "enabled",
  StatusText: "door locked; daemon connected",
  ExecMainStartTimestampMonotonic: "1000000000",
  ExecStart:
    "{ path=/opt/maskgate/bin/maskgate ; argv[]=/opt/maskgate/bin/maskgate run --config /etc/maskgate/config.toml ; ignore_errors=no ; pid=7 }",
  SupplementaryGroups: "gpio video",
  RuntimeDirectory: "maskgate maskgate-door",
};
const groups: Readonly<Record<string, number>> = { gpio: 20, video: 44 };

const nowS = Date.UTC(2027, 4, 1) / 1000;

/** All is well on this one. Its units have run for 4000 s, its files lie there for 4500 s. */
export const sound: Host = {
  compatible: () => ["nvidia,p3768-0000+p3767-0005", "nvidia,tegra234"],
  zones: () => [
    { name: "cpu-thermal", celsius: 48 },
    { name: "gpu-thermal", celsius: 51 },
  ],
  throttles: () => [],
  freeBytes: () => 5e9,
  availableMemoryBytes: () => 3e9,
  wallClockS: () => nowS,
  monotonicS: () => 5000,
  changedS: () => nowS - 4500,
  userIdOf: () => 999,
  isTimeSynchronized: () => true,
  isFolder: () => true,
  isWritable: () => true,
  hasSystemd: () => true,
  unit: (_, property) => unitProperties[property] ?? "",
  ownership: (file) => ({ userId: 0, groupId: file.includes("gpio") ? 20 : 44, mode: 0o660 }),
  filesIn: () => [],
  groupIdNamed: (name) => groups[name],
  groupIdsOf: () => [999],
};
