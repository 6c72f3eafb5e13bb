/** The same door twice, in virtual time: driven by this process, and behind a real lease socket with its holder. */
import { setImmediate as turn } from "node:timers/promises";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Door, DoorCommand } from "../../src/core/ports.ts";
import { openDoor, type Wiring } from "../../src/io/door.ts";
import { openIndicator } from "../../src/io/indicator.ts";
import { openLease } from "../../src/io/lease-client.ts";
import { LeaseServer } from "../../src/io/lease-server.ts";
import { createLog } from "../../src/io/log.ts";
import { type DoorBench, maxUnlockMs } from "../io/door-contract.ts";
import { SimLine } from "./sim-line.ts";
import { VirtualTime } from "./virtual-time.ts";

const cycleMs = 50;
export const silenceMs = 500;

export const silentLog = createLog({ level: "fatal", style: "json", sink: { write: () => undefined } });

function attempt(work: () => void): unknown {
  try {
    work();
    return undefined;
  } catch (error) {
    return error;
  }
}

/** Polls what another end of a socket does; fails loudly instead of waiting forever. */
export async function until(what: string, holds: () => boolean, limitMs = 20_000): Promise<void> {
  const endMs = performance.now() + limitMs;
  while (!holds()) {
    if (performance.now() > endMs) throw new Error(`in vain: ${what}`);
    await turn();
  }
}

/** Without a holder. */
// eslint-disable-next-line @typescript-eslint/require-await -- one signature for both
export async function ownDoor(wiring: Wiring): Promise<DoorBench> {
  const time = new VirtualTime();
  const line = new SimLine(wiring === "fail-safe");
  const door = openDoor(line, { wiring, maxUnlockMs }, time, time.schedule);
  return {
    door,
    line,
    nowMs: () => time.nowMs(),
    apply: (command) =>
      Promise.resolve(
        attempt(() => {
          door.apply(command);
        }),
      ),
    pass: (ms, command) => {
      for (let leftMs = ms; leftMs > 0; leftMs -= cycleMs) {
        time.advance(Math.min(cycleMs, leftMs));
        attempt(() => {
          door.apply(command);
        });
      }
      return Promise.resolve();
    },
    [Symbol.asyncDispose]: () => Promise.resolve(door[Symbol.asyncDispose]()),
  };
}

/** A folder for a socket, gone with the process. */
export function socketFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), "maskgate-lease-"));
  process.once("exit", () => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}
process.setMaxListeners(200);

/** Behind the socket; each step waits until both ends have heard of it. */
export async function leasedDoor(wiring: Wiring): Promise<DoorBench & { readonly held: Door }> {
  const time = new VirtualTime();
  const line = new SimLine(wiring === "fail-safe");
  const held = openDoor(line, { wiring, maxUnlockMs }, time, time.schedule);
  const indicator = openIndicator({}, time, time.schedule);
  const socketPath = path.join(socketFolder(), "lease.sock");
  const parts = { silenceMs, clock: time, log: silentLog };
  const place = { path: socketPath, key: "gpio.leaseSocketPath", owner: "holder" } as const;
  const server = await LeaseServer.open(
    { ...parts, place, door: held, indicator, onTick: () => undefined },
    time.schedule,
  );
  let accounts = 0;
  let heard = 0;
  const lease = await openLease(
    {
      ...parts,
      socketPath,
      onAccount: ({ heardAtMs }) => {
        accounts += 1;
        if (heardAtMs !== null) heard += 1;
      },
    },
    time.schedule,
  );
  await until("an obeyed order", () => heard > 0);
  const apply = async (command: DoorCommand): Promise<unknown> => {
    const before = [line.setCount, accounts] as const;
    const thrown = attempt(() => {
      lease.door.apply(command);
    });
    await until("an order at the line", () => line.setCount > before[0]);
    await until("the report of it", () => accounts > before[1]);
    return thrown;
  };
  let isDisposed = false;
  return {
    door: lease.door,
    held,
    line,
    nowMs: () => time.nowMs(),
    apply,
    async pass(ms, command) {
      for (let leftMs = ms; leftMs > 0; leftMs -= cycleMs) {
        const before = accounts;
        time.advance(cycleMs);
        await until("a report", () => accounts > before);
        await apply(command);
      }
    },
    async [Symbol.asyncDispose]() {
      if (isDisposed) return;
      isDisposed = true;
      await lease.door[Symbol.asyncDispose]();
      await until("the lock", () => held.state.kind === "locked");
      await lease[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
      await held[Symbol.asyncDispose]();
    },
  };
}
