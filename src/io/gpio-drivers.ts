/** Opens the GPIO driver that the configuration names. Only its code is loaded: whoever locks a door in haste waits for no other. */
import type { Gpio } from "./gpio.ts";

export type GpioDriver = "simulated" | "character-device" | "sysfs";

/** The GPIO chips of this machine, or of the simulator whose lines are folders in `simulatorDir`. */
export async function openGpio(driver: GpioDriver, simulatorDir: string): Promise<Gpio> {
  switch (driver) {
    case "simulated":
      return (await import("./gpio-simulated.ts")).openSimulatedGpio(simulatorDir);
    case "character-device":
      return (await import("./gpio-character-device.ts")).openCharacterDeviceGpio();
    case "sysfs":
      return (await import("./gpio-sysfs.ts")).openSysfsGpio();
  }
}
