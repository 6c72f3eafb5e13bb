/** What the daemon says of a holder that does not hold: each trouble, met on a real socket, names what helps. */
import assert from "node:assert/strict";
import { createServer } from "node:net";
import path from "node:path";
import { describe, it } from "node:test";
import { KioskError } from "../../src/core/errors.ts";
import { openLease } from "../../src/io/lease-client.ts";
import { leaseVersion } from "../../src/io/lease-protocol.ts";
import { silenceMs, silentLog, socketFolder } from "../sim/door-benches.ts";
import { VirtualTime } from "../sim/virtual-time.ts";

/** Says one line to whoever comes. */
function holderThatSays(socketPath: string, line: string): Promise<AsyncDisposable> {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.resume().write(`${line}\n`);
  });
  return new Promise((resolve) => {
    server.listen(socketPath, () => {
      resolve({
        [Symbol.asyncDispose]: () =>
          new Promise((closed) => {
            server.close(() => {
              closed();
            });
          }),
      });
    });
  });
}

const restart = "systemctl restart maskgate-door maskgate; the door stays locked";
const look = "see systemctl status maskgate-door; the door stays locked";
const refusal = { version: leaseVersion, sentAtMs: 0, kind: "refused", reason: "there is one daemon" };

const troubles: readonly (readonly [what: string, line: object | string, says: RegExp, mend: string])[] = [
  [
    "of another version",
    { ...refusal, version: leaseVersion - 1 },
    /speaks another language \(version: [^;]+\); /,
    restart,
  ],
  ["that talks nonsense", "hello", /speaks another language \([^;]+\); /, restart],
  ["that refuses", refusal, /refuses: there is one daemon; /, look],
];

describe("a holder", () => {
  for (const [what, line, says, mend] of troubles) {
    it(`${what} is a fault that says what helps`, async () => {
      const socketPath = path.join(socketFolder(), "lease.sock");
      const text = typeof line === "string" ? line : JSON.stringify(line);
      await using _holder = await holderThatSays(socketPath, text);
      await assertFault(socketPath, says, mend);
    });
  }

  it("that is not there is a fault that says what helps", async () => {
    await assertFault(path.join(socketFolder(), "none.sock"), /nobody listens there; /, look);
  });
});

async function assertFault(socketPath: string, says: RegExp, mend: string): Promise<void> {
  const time = new VirtualTime();
  await using lease = await openLease({ socketPath, silenceMs, clock: time, log: silentLog }, time.schedule);
  assert.throws(
    () => {
      lease.door.apply({ kind: "lock" });
    },
    (error) =>
      error instanceof KioskError &&
      error.code === "holder-gone" &&
      error.message.startsWith(`${socketPath}: the holder of the door's lines: `) &&
      says.test(error.message) &&
      error.message.endsWith(mend),
  );
}
