/**
 * The kernel's GPIO character devices, as drivers/gpio/gpiolib-cdev.c behaves: it reads requests byte by byte, with offsets of its own
 * (not those of src/io/gpio-uapi.ts), and refuses whatever the kernel refuses.
 */
import type { KernelCalls } from "../../src/io/gpio-kernel.ts";

interface Line {
  consumer: string | undefined;
  isActiveLow: boolean;
  isOutput: boolean;
  physical: 0 | 1;
  /** The bias of an input that is held. */
  bias: "pull-up" | "pull-down" | "none" | undefined;
  /** Every physical level since the line became an output. */
  readonly history: (0 | 1)[];
}

interface Chip {
  readonly name: string;
  readonly label: string;
  readonly lines: Line[];
  isForbidden: boolean;
}

export class SimGpioKernel implements KernelCalls {
  readonly chips: Chip[] = [];
  readonly #files = new Map<number, { readonly chip: Chip; readonly line?: Line } | "other">();
  #nextFd = 100;
  /** A kernel before 5.10 doesn't know the requests of version 2. */
  isOld = false;
  /** The errno of every later setting, and of every later reading, of a level. */
  setFailure: string | undefined;
  readFailure: string | undefined;

  addChip(label: string, lineCount: number): Chip {
    const lines = Array.from({ length: lineCount }, (): Line => {
      return {
        consumer: undefined,
        isActiveLow: false,
        isOutput: false,
        physical: 0,
        bias: undefined,
        history: [],
      };
    });
    const chip = { name: `gpiochip${this.chips.length}`, label, lines, isForbidden: false };
    this.chips.push(chip);
    return chip;
  }

  get openFileCount(): number {
    return this.#files.size;
  }

  chipNames(): readonly string[] {
    return this.chips.map(({ name }) => name);
  }

  open(path: string): number {
    if (path === "/dev/null") return this.#newFd("other");
    const chip = this.chips.find(({ name }) => path === `/dev/${name}`);
    if (chip === undefined) throw errno("ENOENT", path);
    if (chip.isForbidden) throw errno("EACCES", path);
    return this.#newFd({ chip });
  }

  close(fd: number): void {
    const file = this.#files.get(fd);
    if (file === undefined) throw errno("EBADF");
    this.#files.delete(fd);
    if (file !== "other" && file.line !== undefined) file.line.consumer = undefined;
  }

  ioctl(fd: number, request: number, argument: Uint8Array): void {
    const file = this.#files.get(fd);
    if (file === undefined) throw errno("EBADF");
    if (file === "other") throw errno("ENOTTY");
    const bytes = Buffer.from(argument.buffer, argument.byteOffset, argument.byteLength);
    // As _IOC_SIZE says: a kernel would read and write past a shorter argument.
    if (bytes.length !== ((request >>> 16) & 0x3fff)) throw new Error(`argument of ${bytes.length} bytes`);
    if (file.line !== undefined) this.#lineIoctl(file.line, request, bytes);
    else this.#chipIoctl(file.chip, request, bytes);
  }

  #chipIoctl(chip: Chip, request: number, bytes: Buffer): void {
    if (request === 0x8044b401) {
      bytes.write(`${chip.name}\0`, 0);
      bytes.write(`${chip.label}\0`, 32);
      bytes.writeUInt32LE(chip.lines.length, 64);
    } else if (this.isOld) {
      throw errno("EINVAL");
    } else if (request === 0xc100b405) {
      const line = chip.lines[bytes.readUInt32LE(64)];
      if (line === undefined) throw errno("EINVAL");
      bytes.write(`${line.consumer ?? ""}\0`, 32);
      bytes.writeBigUInt64LE(line.consumer === undefined ? 0n : 1n, 72);
    } else if (request === 0xc250b407) {
      this.#requestLine(chip, bytes);
    } else {
      throw errno("EINVAL");
    }
  }

  #requestLine(chip: Chip, bytes: Buffer): void {
    const line = chip.lines[bytes.readUInt32LE(0)];
    const direction = requestedDirection(bytes);
    if (line === undefined || direction === undefined) throw errno("EINVAL");
    if (line.consumer !== undefined) throw errno("EBUSY");
    line.consumer = bytes.toString("utf8", 256, 256 + 31).replace(/\0.*$/s, "") || "?";
    line.isActiveLow = (bytes.readBigUInt64LE(288) & 2n) !== 0n;
    line.isOutput = direction.kind === "output";
    if (direction.kind === "input") {
      line.bias = direction.bias;
      if (direction.bias !== "none") line.physical = direction.bias === "pull-up" ? 1 : 0;
    } else {
      line.history.length = 0;
      drive(line, direction.isActive);
    }
    bytes.writeInt32LE(this.#newFd({ chip, line }), 588);
  }

  #lineIoctl(line: Line, request: number, bytes: Buffer): void {
    if (request === 0xc010b40e) {
      if (this.readFailure !== undefined) throw errno(this.readFailure);
      if (bytes.readBigUInt64LE(8) !== 1n) throw errno("EINVAL");
      bytes.writeBigUInt64LE((line.physical === 1) === line.isActiveLow ? 0n : 1n, 0);
      return;
    }
    if (request !== 0xc010b40f) throw errno("EINVAL");
    if (!line.isOutput) throw errno("EPERM");
    if (this.setFailure !== undefined) throw errno(this.setFailure);
    if (bytes.readBigUInt64LE(8) !== 1n) throw errno("EINVAL");
    drive(line, (bytes.readBigUInt64LE(0) & 1n) === 1n);
  }

  #newFd(file: { readonly chip: Chip; readonly line?: Line } | "other"): number {
    const fd = this.#nextFd++;
    this.#files.set(fd, file);
    return fd;
  }
}

const biases = new Map<bigint, Bias>([
  [256n, "pull-up"],
  [512n, "pull-down"],
  [1024n, "none"],
]);

type Bias = "pull-up" | "pull-down" | "none";

type Direction =
  { readonly kind: "input"; readonly bias: Bias } | { readonly kind: "output"; readonly isActive: boolean };

/** undefined where the kernel would say EINVAL. */
function requestedDirection(bytes: Buffer): Direction | undefined {
  const flags = bytes.readBigUInt64LE(288);
  const paddings = [bytes.subarray(300, 320), bytes.subarray(568, 588)];
  if (bytes.readUInt32LE(560) !== 1 || !paddings.every((padding) => padding.every((b) => b === 0)))
    return undefined;
  const isOutput = (flags & 8n) !== 0n && (flags & ~(8n | 2n)) === 0n;
  if (isOutput) return { kind: "output", isActive: startsActive(bytes) };
  const bias = biases.get(flags & ~(4n | 2n));
  const isInput = (flags & 4n) !== 0n && bytes.readUInt32LE(296) === 0;
  return isInput && bias !== undefined ? { kind: "input", bias } : undefined;
}

/** Without the attribute, the kernel starts an output inactive. */
function startsActive(bytes: Buffer): boolean {
  const hasLevel =
    bytes.readUInt32LE(296) === 1 && bytes.readUInt32LE(320) === 2 && bytes.readUInt32LE(324) === 0;
  return hasLevel && (bytes.readBigUInt64LE(336) & 1n) === 1n && (bytes.readBigUInt64LE(328) & 1n) === 1n;
}

function drive(line: Line, isActive: boolean): void {
  line.physical = isActive === line.isActiveLow ? 0 : 1;
  line.history.push(line.physical);
}

function errno(code: string, about = ""): Error {
  return Object.assign(new Error(`${code}: ${about}`), { code });
}
