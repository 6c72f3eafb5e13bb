/**
 * GPIO through the kernel's character devices, /dev/gpiochipN (Linux 5.10 and later). It speaks the kernel's own interface, because
 * libgpiod 1 and 2 are different libraries and a distribution carries only one of them. The kernel takes the line back when
 * this process ends in any way; which level it then has is the chip's choice, so the safe level belongs into the wiring.
 */
import { messageOf } from "../core/errors.ts";
import {
  type DriverInput,
  type DriverOutput,
  type Gpio,
  gpioOf,
  isDenied,
  type InputSettings,
  lineFailed,
  type LineSettings,
} from "./gpio.ts";
import { type KernelCalls, loadKernelCalls } from "./gpio-kernel.ts";
import {
  type ChipInfo,
  decodeChipInfo,
  decodeLineFd,
  decodeLineInfo,
  decodeLineValue,
  encodeInputRequest,
  encodeLineInfoQuery,
  encodeLineValue,
  encodeOutputRequest,
  encodeValueQuery,
  ioctlNumbers,
  layout,
} from "./gpio-uapi.ts";

/** A chip is named by its device ("gpiochip0", "/dev/gpiochip0") or by its label ("tegra234-gpio"). */
export async function openCharacterDeviceGpio(calls?: KernelCalls): Promise<Gpio> {
  const kernel = calls ?? (await loadKernelCalls());
  return gpioOf({
    openOutput: (settings, isActive) => openOutput(kernel, settings, isActive),
    openInput: (settings) => openInput(kernel, settings),
  });
}

function openOutput(kernel: KernelCalls, settings: LineSettings, isActive: boolean): DriverOutput {
  const fd = openLine(kernel, settings, encodeOutputRequest(settings, isActive), "output");
  return {
    write: (level) => {
      kernel.ioctl(fd, ioctlNumbers.setLineValues, encodeLineValue(level));
    },
    close: () => {
      kernel.close(fd);
    },
  };
}

function openInput(kernel: KernelCalls, settings: InputSettings): DriverInput {
  const fd = openLine(kernel, settings, encodeInputRequest(settings, settings.bias), "input");
  return {
    read: () => {
      const value = encodeValueQuery();
      kernel.ioctl(fd, ioctlNumbers.getLineValues, value);
      return decodeLineValue(value);
    },
    close: () => {
      kernel.close(fd);
    },
  };
}

/**
 * Who holds a line, without touching it; undefined if nobody does.
 * @throws KioskError gpio-failed
 */
export async function lineHolder(settings: LineSettings, calls?: KernelCalls): Promise<string | undefined> {
  const kernel = calls ?? (await loadKernelCalls());
  return withChip(kernel, settings, (chipFd) => {
    const query = encodeLineInfoQuery(settings.offset);
    kernel.ioctl(chipFd, ioctlNumbers.getLineInfo, query);
    const { isUsed, consumer } = decodeLineInfo(query);
    return isUsed ? consumer || "an unnamed consumer" : undefined;
  });
}

/**
 * Device file and label of a line's chip, by whichever of the two it is named.
 * @throws KioskError gpio-failed
 */
export async function chipOf(
  settings: LineSettings,
  calls?: KernelCalls,
): Promise<{ readonly file: string; readonly label: string }> {
  const kernel = calls ?? (await loadKernelCalls());
  const { label } = withChip(kernel, settings, (chipFd) => chipInfo(kernel, chipFd));
  return { file: chipPath(kernel, settings), label };
}

type Use = "input" | "output";

/** @returns the line's own file, which the kernel takes back when this process ends */
function openLine(kernel: KernelCalls, settings: LineSettings, request: Uint8Array, use: Use): number {
  return withChip(kernel, settings, (chipFd) => requestLine(kernel, chipFd, settings, request, use));
}

/** With the chip open, which has the line. */
function withChip<Result>(
  kernel: KernelCalls,
  settings: LineSettings,
  use: (chipFd: number) => Result,
): Result {
  const chipFd = openChip(kernel, settings);
  try {
    const lineCount = countLines(kernel, chipFd, settings);
    if (settings.offset >= lineCount) {
      throw lineFailed(
        settings,
        `the chip has ${lineCount} lines`,
        `choose an offset from 0 to ${lineCount - 1}`,
      );
    }
    return use(chipFd);
  } finally {
    kernel.close(chipFd);
  }
}

function openChip(kernel: KernelCalls, settings: LineSettings): number {
  const path = chipPath(kernel, settings);
  try {
    return kernel.open(path);
  } catch (error) {
    if (codeOf(error) === "ENOENT") throw noSuchChip(kernel, settings, error);
    throw notOpened(settings, path, error);
  }
}

function chipPath(kernel: KernelCalls, settings: LineSettings): string {
  const { chip } = settings;
  if (chip.startsWith("/")) return chip;
  if (/^gpiochip\d+$/.test(chip)) return `/dev/${chip}`;
  const labelled = chipsOf(kernel).filter(({ info }) => info?.label === chip);
  const [first, second] = labelled;
  if (first === undefined) throw noSuchChip(kernel, settings);
  if (second !== undefined) {
    const names = labelled.map(({ name }) => name).join(", ");
    throw lineFailed(settings, `several chips have this label: ${names}`, "name one of them instead");
  }
  return `/dev/${first.name}`;
}

function requestLine(
  kernel: KernelCalls,
  chipFd: number,
  settings: LineSettings,
  request: Uint8Array,
  use: Use,
): number {
  try {
    kernel.ioctl(chipFd, ioctlNumbers.getLine, request);
  } catch (error) {
    throw requestFailed(kernel, chipFd, settings, use, error);
  }
  return decodeLineFd(request);
}

function requestFailed(
  kernel: KernelCalls,
  chipFd: number,
  settings: LineSettings,
  use: Use,
  error: unknown,
): Error {
  switch (codeOf(error)) {
    case "EBUSY": {
      const query = encodeLineInfoQuery(settings.offset);
      kernel.ioctl(chipFd, ioctlNumbers.getLineInfo, query);
      const holder = decodeLineInfo(query).consumer || "an unnamed consumer";
      return lineFailed(
        settings,
        `the line is held by "${holder}"`,
        "stop that program or choose another line",
        error,
      );
    }
    case "EINVAL":
    case "ENOTTY": {
      const cannot =
        use === "output" ? "the chip cannot drive this line as an output" : "the chip cannot read this line";
      const mend = `on a kernel before 5.10 choose the driver "sysfs"; otherwise ${cannot}`;
      return lineFailed(settings, `the kernel refuses the request (${messageOf(error)})`, mend, error);
    }
    default:
      return lineFailed(settings, messageOf(error), "see the kernel's log (journalctl -k)", error);
  }
}

function notOpened(settings: LineSettings, path: string, error: unknown): Error {
  if (!isDenied(error)) {
    return lineFailed(settings, messageOf(error), `check that ${path} is a GPIO chip`, error);
  }
  const rule = `SUBSYSTEM=="gpio", KERNEL=="gpiochip*", GROUP="gpio", MODE="0660"`;
  const mend = `add the user to the group that owns ${path}, or install the udev rule ${rule}`;
  return lineFailed(settings, `no permission to open ${path}`, mend, error);
}

function noSuchChip(kernel: KernelCalls, settings: LineSettings, error?: unknown): Error {
  const there = chipsOf(kernel).map(({ name, info }) => {
    const about = info === undefined ? "this user may not open it" : `${info.label}, ${info.lineCount} lines`;
    return `${name} (${about})`;
  });
  const mend =
    there.length > 0
      ? `this machine has: ${there.join(", ")}`
      : 'this machine has no /dev/gpiochip*: on a kernel before 5.10 choose the driver "sysfs", without hardware "simulated"';
  return lineFailed(settings, "no such chip", mend, error);
}

function countLines(kernel: KernelCalls, chipFd: number, settings: LineSettings): number {
  try {
    return chipInfo(kernel, chipFd).lineCount;
  } catch (error) {
    throw lineFailed(settings, "this is not a GPIO chip", "name one that gpiodetect lists", error);
  }
}

function chipsOf(
  kernel: KernelCalls,
): readonly { readonly name: string; readonly info: ChipInfo | undefined }[] {
  return kernel.chipNames().map((name) => {
    try {
      const fd = kernel.open(`/dev/${name}`);
      try {
        return { name, info: chipInfo(kernel, fd) };
      } finally {
        kernel.close(fd);
      }
    } catch {
      // Only listed: whoever asked for this very chip gets the reason when opening it.
      return { name, info: undefined };
    }
  });
}

function chipInfo(kernel: KernelCalls, chipFd: number): ChipInfo {
  const bytes = new Uint8Array(layout.chipInfo.sizeBytes);
  kernel.ioctl(chipFd, ioctlNumbers.getChipInfo, bytes);
  return decodeChipInfo(bytes);
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
