/** The drivers keep the contract on the kernel's own simulator, gpio-sim. It needs root and that module, so most machines skip it. */
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { it } from "node:test";
import { openCharacterDeviceGpio } from "../../src/io/gpio-character-device.ts";
import type { Gpio } from "../../src/io/gpio.ts";
import { openSysfsGpio } from "../../src/io/gpio-sysfs.ts";
import { gpioContract } from "./gpio-contract.ts";
import { gpioInputContract } from "./gpio-input-contract.ts";

const configFolder = "/sys/kernel/config/gpio-sim";

if (!existsSync(configFolder) || process.getuid?.() !== 0) {
  it(
    "GPIO contract on the real kernel",
    { skip: `needs root and ${configFolder}: modprobe gpio-sim` },
    () => undefined,
  );
} else {
  gpioContract("character device on gpio-sim, by name", () =>
    makeBench((name) => name, openCharacterDeviceGpio, true),
  );
  gpioContract("character device on gpio-sim, by label", () =>
    makeBench((_, label) => label, openCharacterDeviceGpio, true),
  );
  gpioInputContract("character device on gpio-sim", () =>
    makeBench((name) => name, openCharacterDeviceGpio, true),
  );
  if (existsSync("/sys/class/gpio")) {
    gpioContract("sysfs on gpio-sim", () => makeBench((_, label) => label, openSysfsGpio, false));
    gpioInputContract("sysfs on gpio-sim", () => makeBench((_, label) => label, openSysfsGpio, false));
  }
}

let count = 0;

function makeBench(
  chipOf: (name: string, label: string) => string,
  open: () => Gpio | Promise<Gpio>,
  knowsHolders: boolean,
) {
  const label = `maskgate-${process.pid}-${count++}`;
  const config = path.join(configFolder, label);
  mkdirSync(path.join(config, "bank"), { recursive: true });
  writeFileSync(path.join(config, "bank/num_lines"), "8");
  writeFileSync(path.join(config, "bank/label"), label);
  writeFileSync(path.join(config, "live"), "1");
  const device = readFileSync(path.join(config, "dev_name"), "utf8").trim();
  const name = readFileSync(path.join(config, "bank/chip_name"), "utf8").trim();
  const folderOf = (offset: number): string => `/sys/devices/platform/${device}/${name}/sim_gpio${offset}`;
  return Promise.resolve({
    chip: chipOf(name, label),
    open,
    physical: (offset: number): 0 | 1 =>
      readFileSync(path.join(folderOf(offset), "value"), "utf8").trim() === "1" ? 1 : 0,
    drive: (offset: number, physical: 0 | 1) => {
      writeFileSync(path.join(folderOf(offset), "pull"), physical === 1 ? "pull-up" : "pull-down");
    },
    hasBias: knowsHolders,
    lineCount: 8,
    knowsHolders,
    // gpio-sim pulls a line down when it is given up.
    keepsLevel: false,
    [Symbol.asyncDispose]: () => {
      writeFileSync(path.join(config, "live"), "0");
      rmdirSync(path.join(config, "bank"));
      rmdirSync(config);
      return Promise.resolve();
    },
  });
}
