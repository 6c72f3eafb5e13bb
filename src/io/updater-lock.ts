/** One updater at a time: whoever listens on the updater's socket is it, and a process that ends, however, listens no more. */
import { createServer } from "node:net";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { KioskError } from "../core/errors.ts";
import { monotonicClock } from "./clock.ts";
import { listenAt } from "./status-socket.ts";

/**
 * Held until it is disposed of.
 * @throws KioskError socket-busy if another updater works, socket-failed
 */
export async function lockUpdater(runFolder: string): Promise<AsyncDisposable> {
  const server = createServer((socket) => socket.destroy());
  const place = {
    path: path.join(runFolder, "updater.sock"),
    key: "update.runFolder",
    owner: "updater",
  } as const;
  const claimed = await listenAt(server, place);
  return {
    [Symbol.asyncDispose]: async () => {
      claimed.release();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/**
 * As `lockUpdater`, once whoever works now is done; waits for that for so long.
 * @throws KioskError socket-busy, socket-failed
 */
export async function waitForUpdater(
  runFolder: string,
  limitMs = Number.POSITIVE_INFINITY,
  retryMs = 1000,
): Promise<AsyncDisposable> {
  const clock = monotonicClock();
  const untilMs = clock.nowMs() + limitMs;
  for (;;) {
    try {
      return await lockUpdater(runFolder);
    } catch (error) {
      if (!(error instanceof KioskError && error.code === "socket-busy")) throw error;
      if (clock.nowMs() + retryMs > untilMs) {
        const text = `another update is under way for ${limitMs / 1000} s and more; try again when it is over`;
        throw new KioskError("socket-busy", text, { cause: error });
      }
      await wait(retryMs);
    }
  }
}
