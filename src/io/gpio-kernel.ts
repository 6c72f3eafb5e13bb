/**
 * The system calls of the character-device driver, as a port: tests bring a kernel of their own. Opening and closing are node's;
 * only ioctl is called through koffi, which is loaded when this driver is chosen and not before.
 */
import { closeSync, constants, openSync, readdirSync } from "node:fs";
import { getSystemErrorName } from "node:util";
import { messageOf } from "../core/errors.ts";
import { driverFailed } from "./gpio.ts";

/** Every call throws an Error whose `code` is the name of the errno, such as "EBUSY". */
export interface KernelCalls {
  /** Names of the chips in /dev, such as "gpiochip0". */
  chipNames(): readonly string[];
  open(path: string): number;
  /** The kernel reads and writes `argument`. */
  ioctl(fd: number, request: number, argument: Uint8Array): void;
  close(fd: number): void;
}

type Ioctl = (fd: number, request: number, type: "void *", argument: Uint8Array) => number;

/** This machine's kernel. */
export async function loadKernelCalls(): Promise<KernelCalls> {
  const { call, errno } = await loadIoctl();
  return {
    chipNames: () =>
      readdirSync("/dev")
        .filter((name) => /^gpiochip\d+$/.test(name))
        .sort((a, b) => a.localeCompare(b, "en", { numeric: true })),
    open: (path) => openSync(path, constants.O_RDWR),
    ioctl(fd, request, argument) {
      if (call(fd, request, "void *", argument) < 0) {
        const code = getSystemErrorName(-errno());
        throw Object.assign(new Error(`${code}: ioctl 0x${request.toString(16)}`), { code });
      }
    },
    close: closeSync,
  };
}

async function loadIoctl(): Promise<{ readonly call: Ioctl; readonly errno: () => number }> {
  try {
    const { default: koffi } = await import("koffi");
    // The process's own symbols: the C library is loaded already, whatever its file is called.
    const call = koffi.load(null).func("int ioctl(int fd, unsigned long request, ...)");
    return { call, errno: () => koffi.errno() };
  } catch (error) {
    const mend = "install the packages again with npm ci, on this machine's own architecture";
    throw driverFailed("character-device", `koffi cannot be loaded: ${messageOf(error)}`, mend, error);
  }
}
