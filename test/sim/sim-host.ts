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
  SupplementaryGroups: "gpio video",
  RuntimeDirectory: "maskgate maskgate-door",
};
const groups: Readonly<Record<string, number>> = { gpio: 20, video: 44 };

/** All is well on this one. */
export const sound: Host = {
  compatible: () => ["nvidia,p3768-0000+p3767-0005", "nvidia,tegra234"],
  zones: () => [
    { name: "cpu-thermal", celsius: 48 },
    { name: "gpu-thermal", celsius: 51 },
  ],
  throttles: () => [],
  freeBytes: () => 5e9,
  availableMemoryBytes: () => 3e9,
  wallClockS: () => Date.UTC(2027, 4, 1) / 1000,
  isTimeSynchronized: () => true,
  isFolder: () => true,
  isWritable: () => true,
  hasSystemd: () => true,
  unit: (_, property) => unitProperties[property] ?? "",
  groupIdOf: (file) => (file === "/dev/video0" ? 44 : 20),
  groupIdNamed: (name) => groups[name],
  groupIdsOf: () => [999],
};
