/**
 * /sys/class/gpio as drivers/gpio/gpiolib-sysfs.c behaves, in place of node:fs: exporting makes a line's files appear,
 * and each file takes and refuses what the kernel's takes and refuses.
 */

interface Line {
  direction: "in" | "out";
  isActiveLow: boolean;
  physical: 0 | 1;
  isExported: boolean;
  /** Held by a driver of the kernel. */
  isBusy: boolean;
  /** Every physical level since the line became an output. */
  readonly history: (0 | 1)[];
}

export interface SimSysfsChip {
  readonly base: number;
  readonly label: string;
  readonly lines: Line[];
}

const root = "/sys/class/gpio";

export class SimSysfs {
  readonly chips: SimSysfsChip[] = [];
  readonly #files = new Map<number, string>();
  #nextFd = 100;
  /** A user who may not export. */
  isForbidden = false;
  /** How often an exported line's files cannot be opened yet: udev gives them to the group later. */
  deniedOpens = 0;
  /** Files of exported lines that this user may not write, such as "direction". */
  readonly readOnly = new Set<string>();

  addChip(label: string, base: number, lineCount: number): SimSysfsChip {
    const lines = Array.from({ length: lineCount }, (): Line => {
      return {
        direction: "in",
        isActiveLow: false,
        physical: 0,
        isExported: false,
        isBusy: false,
        history: [],
      };
    });
    const chip = { base, label, lines };
    this.chips.push(chip);
    return chip;
  }

  get openFileCount(): number {
    return this.#files.size;
  }

  existsSync(path: string): boolean {
    if (path === root) return this.chips.length > 0;
    const [, number] = /gpio(\d+)\/?$/.exec(path) ?? [];
    return number !== undefined && this.#line(Number(number))?.isExported === true;
  }

  readdirSync(path: string): string[] {
    if (path !== root) throw errno("ENOENT", path);
    return ["export", "unexport", ...this.chips.map(({ base }) => `gpiochip${base}`)];
  }

  readFileSync(path: string): string {
    const [, base, about] = /gpiochip(\d+)\/(\w+)$/.exec(path) ?? [];
    if (base === undefined) return this.#read(path);
    const chip = this.chips.find((c) => c.base === Number(base));
    const facts: Record<string, string | number | undefined> = {
      label: chip?.label,
      base: chip?.base,
      ngpio: chip?.lines.length,
    };
    return `${facts[about ?? ""] ?? ""}\n`;
  }

  writeFileSync(path: string, content: string | Buffer): void {
    const text = content.toString();
    if (path === `${root}/export`) this.#export(Number(text));
    else if (path === `${root}/unexport`) this.#unexport(Number(text));
    else this.#write(path, text);
  }

  openSync(path: string): number {
    this.#find(path);
    if (this.deniedOpens-- > 0) throw errno("EACCES", path);
    const fd = this.#nextFd++;
    this.#files.set(fd, path);
    return fd;
  }

  closeSync(fd: number): void {
    if (!this.#files.delete(fd)) throw errno("EBADF");
  }

  readSync(fd: number, buffer: Buffer): number {
    return buffer.write(this.#read(this.#pathOf(fd)));
  }

  writeSync(fd: number, buffer: Buffer): number {
    this.#write(this.#pathOf(fd), buffer.toString());
    return buffer.length;
  }

  #export(number: number): void {
    if (this.isForbidden) throw errno("EACCES", `${root}/export`);
    const line = this.#line(number);
    if (line === undefined) throw errno("EINVAL");
    if (line.isBusy || line.isExported) throw errno("EBUSY");
    line.isExported = true;
  }

  #unexport(number: number): void {
    const line = this.#line(number);
    if (line?.isExported !== true) throw errno("EINVAL");
    line.isExported = false;
    line.isActiveLow = false;
  }

  #read(path: string): string {
    const { line, file } = this.#find(path);
    if (file === "direction") return `${line.direction}\n`;
    if (file === "active_low") return `${Number(line.isActiveLow)}\n`;
    return `${line.isActiveLow ? 1 - line.physical : line.physical}\n`;
  }

  #write(path: string, text: string): void {
    const { line, file } = this.#find(path);
    if (this.readOnly.has(file)) throw errno("EACCES", path);
    if (file === "active_low") line.isActiveLow = text !== "0";
    else if (file === "direction") setDirection(line, text);
    else if (line.direction === "in") throw errno("EPERM", path);
    else drive(line, (text !== "0") === line.isActiveLow ? 0 : 1);
  }

  #find(path: string): { readonly line: Line; readonly file: string } {
    const [, number, file] = /gpio(\d+)\/(value|direction|active_low)$/.exec(path) ?? [];
    const line = number === undefined ? undefined : this.#line(Number(number));
    if (file === undefined || line?.isExported !== true) throw errno("ENOENT", path);
    return { line, file };
  }

  #line(number: number): Line | undefined {
    const chip = this.chips.find(({ base, lines }) => number >= base && number < base + lines.length);
    return chip?.lines[number - chip.base];
  }

  #pathOf(fd: number): string {
    const path = this.#files.get(fd);
    if (path === undefined) throw errno("EBADF");
    return path;
  }
}

/** "high" and "low" are physical levels, whatever active_low says; "out" is "low". */
function setDirection(line: Line, text: string): void {
  if (!["in", "out", "high", "low"].includes(text)) throw errno("EINVAL");
  if (line.direction === "in") line.history.length = 0;
  line.direction = text === "in" ? "in" : "out";
  if (text !== "in") drive(line, text === "high" ? 1 : 0);
}

function drive(line: Line, physical: 0 | 1): void {
  line.physical = physical;
  line.history.push(physical);
}

function errno(code: string, about = ""): Error {
  return Object.assign(new Error(`${code}: ${about}`), { code });
}
