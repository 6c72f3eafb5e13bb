/**
 * The command line of libcamera-vid, built by npm's node-libcamera. That package runs it through a shell and gives neither
 * a stream nor a handle to stop it, so its `child_process` is answered here, through node's documented `require.cache`, by
 * a stand-in that hands the finished command back instead of running it.
 */
import { createRequire, Module } from "node:module";
import { KioskError, messageOf } from "../core/errors.ts";

/** Options of libcamera-vid by their long names; a flag is `true` or absent. */
export type LibcameraOptions = Readonly<Record<string, string | number | true>>;

type Exec = (command: string, options: unknown, done: (error: null, stdout: string) => void) => void;

interface NodeLibcamera {
  vid(options: LibcameraOptions): Promise<string>;
}

const handBack: Exec = (command, _options, done) => {
  done(null, command);
};

/**
 * The arguments of libcamera-vid for these options, which no shell sees.
 * @throws KioskError if the package is not there, or a value would not stay one word
 */
export async function libcameraArguments(options: LibcameraOptions): Promise<readonly string[]> {
  const odd = Object.entries(options).find(([, value]) => value === "" || /\s/.test(String(value)));
  if (odd !== undefined) {
    throw new KioskError("bad-config", `libcamera-vid: --${odd[0]} takes one word, not "${String(odd[1])}"`);
  }
  const command = await loadPackage().vid(options);
  // The first word is the program, which our own search finds under either of its names.
  return command.split(" ").slice(1);
}

function loadPackage(): NodeLibcamera {
  const own = createRequire(import.meta.url);
  const id = "child_process";
  const before = own.cache[id];
  try {
    own.cache[id] = Object.assign(new Module(id), { exports: { exec: handBack }, loaded: true });
    return own("node-libcamera") as NodeLibcamera;
  } catch (error) {
    const reason = `the package node-libcamera cannot be loaded: ${messageOf(error)}`;
    throw new KioskError("camera-missing", `${reason}; install the packages again with npm ci`, {
      cause: error,
    });
  } finally {
    // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- this is how entries leave require.cache
    if (before === undefined) delete own.cache[id];
    else own.cache[id] = before;
  }
}
