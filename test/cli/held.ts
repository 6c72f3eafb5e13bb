/** `maskgate` over a disk that holds it in one call, for certain. */
import { start, until, type Running } from "./probe.ts";

/** The call that never comes back: of those of its kind on a path that ends so, the one of this number. */
export interface Hold {
  readonly call: "readdir" | "rename" | "rm";
  readonly ends: string;
  readonly nth: number;
}

/** Started, and held by now. */
export async function startHeld(hold: Hold, ...args: readonly string[]): Promise<Running> {
  process.env["NODE_OPTIONS"] = holding(hold);
  const running = start(...args);
  delete process.env["NODE_OPTIONS"];
  await until("a disk that holds", running, () => running.written.out.includes("held\n"));
  return running;
}

/** Loaded before the program, whose modules import what this puts there. */
function holding({ call, ends, nth }: Hold): string {
  const script = `
    import fs from "node:fs";
    import { syncBuiltinESMExports } from "node:module";
    const real = fs.promises.${call};
    let count = 0;
    fs.promises.${call} = (...args) => {
      if (!String(args[${call === "rename" ? 1 : 0}]).endsWith(${JSON.stringify(ends)})) return real(...args);
      count += 1;
      if (count !== ${nth}) return real(...args);
      fs.writeSync(1, "held\\n");
      // As a call in the kernel does, it keeps the process alive.
      setInterval(() => undefined, 1000);
      return new Promise(() => undefined);
    };
    syncBuiltinESMExports();`;
  return `--import=data:text/javascript,${encodeURIComponent(script)}`;
}
