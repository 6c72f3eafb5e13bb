/**
 * Loads npm's onoff, which drives GPIO through /sys/class/gpio. onoff requires `epoll`, a native module that must be compiled on the
 * machine, only to watch inputs for edges. maskgate reads levels instead and installs packages without running their scripts, so
 * `require("epoll")` is answered here, through node's documented `require.cache`, by a stand-in that refuses to watch.
 */
import { createRequire, Module } from "node:module";
import { messageOf } from "../core/errors.ts";
import { driverFailed } from "./gpio.ts";

/** What the sysfs driver uses of onoff's Gpio. */
export interface OnoffLine {
  readSync(): 0 | 1;
  writeSync(value: 0 | 1): void;
  direction(): string;
  unexport(): void;
}

/** onoff's Gpio; "high" and "low" make an output with that physical level in one write, "in" an input. */
export type OnoffGpio = new (
  globalNumber: number,
  direction: "high" | "low" | "in",
  options: { readonly activeLow: boolean },
) => OnoffLine;

class NoEpoll {
  add(): never {
    throw new Error("GPIO edges cannot be watched: epoll is not built");
  }
}

/** Loads a copy of onoff. `fs` stands in for node:fs, for tests with a kernel of their own. */
export function loadOnoff(fs?: object): OnoffGpio {
  const own = createRequire(import.meta.url);
  const answers = new Map<string, NodeJS.Module | undefined>();
  try {
    const file = own.resolve("onoff");
    const answer = (id: string, exports: unknown): void => {
      answers.set(id, own.cache[id]);
      own.cache[id] = Object.assign(new Module(id), { exports, loaded: true });
    };
    answer(createRequire(file).resolve("epoll"), { Epoll: NoEpoll });
    if (fs !== undefined) answer("fs", fs);
    const { Gpio } = own(file) as { readonly Gpio: OnoffGpio };
    // The next caller may bring another fs.
    answers.set(file, undefined);
    return Gpio;
  } catch (error) {
    throw driverFailed(
      "sysfs",
      `the package onoff cannot be loaded: ${messageOf(error)}`,
      "install the packages again with npm ci",
      error,
    );
  } finally {
    for (const [id, before] of answers) {
      // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- this is how entries leave require.cache
      if (before === undefined) delete own.cache[id];
      else own.cache[id] = before;
    }
  }
}
