/** `maskgate hold` and `lock-lines` as real processes on the simulator: who gets the door, and what is left of it after any end. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, it } from "node:test";
import { monotonicClock } from "../src/io/clock.ts";
import {
  concurrency,
  configFile,
  lineValue,
  lockLine,
  lockLines,
  maskgate,
  pullLine,
  type Running,
  startHolder,
  stop,
  temporaryFolder,
  until,
} from "./cli/probe.ts";
import { until as untilHere } from "./sim/door-benches.ts";
import { LeasePeer } from "./sim/lease-peer.ts";

const root = temporaryFolder();
const clock = monotonicClock();
const green = 1;
let scenes = 0;

function scene(keys: Readonly<Record<string, unknown>> = {}): {
  readonly folder: string;
  readonly config: string;
} {
  const folder = path.join(root, `scene-${++scenes}`);
  mkdirSync(folder);
  // Patient, so that a busy machine is not taken for a silent peer.
  const patient = { "gpio.leaseSilenceMs": 5000, "access.unlockMs": 10_000 };
  return { folder, config: configFile(folder, { "gpio.holder": "process", ...patient, ...keys }) };
}

/** A client that has the lock at its open level, and the green LED on. */
async function unlocked(holder: Running, folder: string, level: string): Promise<LeasePeer> {
  const peer = new LeasePeer(path.join(folder, "lease.sock"));
  peer.say({ kind: "lock" });
  const untilMs = clock.nowMs() + 9000;
  await until("an open lock and a green LED", holder, () => {
    peer.say({ kind: "unlock", untilMs });
    peer.say({ kind: "indicate", indication: "granted" });
    return lockLine(folder) === level && lineValue(folder, green) === "1\n";
  });
  return peer;
}

async function kill(holder: Running): Promise<void> {
  holder.child.kill("SIGKILL");
  const { signal } = await holder.ended;
  assert.equal(signal, "SIGKILL");
}

describe("maskgate hold", { concurrency }, () => {
  for (const [wiring, isActiveLow, locked, open] of [
    ["fail-secure", false, "0\n", "1\n"],
    ["fail-secure", true, "1\n", "0\n"],
    ["fail-safe", false, "1\n", "0\n"],
    ["fail-safe", true, "0\n", "1\n"],
  ] as const) {
    const keys = { "gpio.door.wiring": wiring, "gpio.door.isActiveLow": isActiveLow };
    const which = `${wiring}, ${isActiveLow ? "active-low" : "active-high"}`;

    it(`killed while unlocked leaves an open door, and lock-lines locks and darkens it: ${which}`, async () => {
      const { folder, config } = scene(keys);
      using holder = await startHolder(config);
      assert.equal(lockLine(folder), locked);
      using _peer = await unlocked(holder, folder, open);
      await kill(holder);
      assert.deepEqual([lockLine(folder), lineValue(folder, green)], [open, "1\n"]);
      const { code, out, err } = await lockLines(folder);
      assert.deepEqual([code, out, err], [0, "", ""]);
      assert.deepEqual([lockLine(folder), lineValue(folder, green)], [locked, "0\n"]);
    });

    it(`stopped while unlocked locks and ends well: ${which}`, async () => {
      const { folder, config } = scene(keys);
      using holder = await startHolder(config);
      using _peer = await unlocked(holder, folder, open);
      const { code, err } = await stop(holder);
      assert.deepEqual([code, err, lockLine(folder), lineValue(folder, green)], [0, "", locked, "0\n"]);
      assert.equal(existsSync(path.join(folder, "lease.sock")), false);
      assert.equal((await lockLines(folder)).code, 0);
      assert.equal(lockLine(folder), locked);
    });
  }

  it("turns a second client away while the first has the door open, and takes it when the first is gone", async () => {
    const { folder, config } = scene();
    using holder = await startHolder(config);
    const first = await unlocked(holder, folder, "1\n");
    using second = new LeasePeer(path.join(folder, "lease.sock"));
    await untilHere("the refusal", () => second.isClosed);
    assert.match(second.refusal ?? "", /another client has the door/);
    assert.deepEqual([first.isClosed, lockLine(folder)], [false, "1\n"]);
    first[Symbol.dispose]();
    await until("the lock", holder, () => lockLine(folder) === "0\n");
    using _next = await unlocked(holder, folder, "1\n");
    await stop(holder);
  });

  it("logs what happens at the door though no daemon is there", async () => {
    const fitted = { "gpio.contact.isFitted": true, "gpio.tamper.isFitted": true };
    const { folder, config } = scene(fitted);
    for (const offset of [4, 7]) pullLine(folder, offset, "pull-down");
    using holder = await startHolder(config);
    const says = (text: string) => (): boolean => holder.written.out.includes(text);
    await until("a shut door", holder, says('"to":"locked"'));
    pullLine(folder, 4, "pull-up");
    await until("the forced door", holder, says('"msg":"door forced-open"'));
    pullLine(folder, 7, "pull-up");
    await until("the open housing", holder, says('"msg":"housing open"'));
    const { out } = await stop(holder);
    const alarms = out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { readonly level: string; readonly msg: string })
      .filter(({ level }) => level === "error");
    assert.deepEqual(
      alarms.map(({ msg }) => msg),
      ["door forced-open", "housing open"],
    );
  });
});

describe(
  "a holder that cannot be one says so in one line, with exit code 2, and touches no line",
  { concurrency },
  () => {
    it("by gpio.holder", async () => {
      const { folder, config } = scene({ "gpio.holder": "daemon" });
      const { code, out, err } = await maskgate("hold", "--config", config);
      assert.deepEqual([code, out], [2, ""]);
      assert.match(
        err,
        /^maskgate: \S+maskgate\.toml: gpio\.holder is "daemon": .*; set it to "process" or .*\n$/,
      );
      assert.equal(lockLine(folder), undefined);
    });

    it("by a key that it does not know", async () => {
      const { folder, config } = scene({ "gpio.leaseSilence": 500 });
      const { code, out, err } = await maskgate("hold", "--config", config);
      assert.deepEqual([code, out], [2, ""]);
      assert.match(
        err,
        /^maskgate: \S+: unknown key gpio\.leaseSilence; did you mean gpio\.leaseSilenceMs\?\n$/,
      );
      assert.equal(lockLine(folder), undefined);
    });

    it("by a live holder on its socket, whose record it leaves alone", async () => {
      const { folder, config } = scene();
      const record = path.join(folder, "safe-lines.json");
      using holder = await startHolder(config);
      using _peer = await unlocked(holder, folder, "1\n");
      writeFileSync(record, "the other's");
      const { code, out, err } = await maskgate("hold", "--config", config);
      assert.deepEqual([code, out], [2, ""]);
      assert.match(
        err,
        /^maskgate: \S+lease\.sock: a live holder has this socket; .*gpio\.leaseSocketPath\n$/,
      );
      assert.deepEqual([lockLine(folder), readFileSync(record, "utf8")], ["1\n", "the other's"]);
      await stop(holder);
    });

    it("by a line that another program holds", async () => {
      const { folder, config } = scene();
      using holder = await startHolder(config);
      const other = configFile(folder, {
        "gpio.holder": "process",
        "gpio.leaseSocketPath": path.join(root, "other.sock"),
      });
      const { code, err } = await maskgate("hold", "--config", other);
      assert.equal(code, 2);
      const pid = holder.child.pid ?? 0;
      assert.match(
        err,
        new RegExp(
          `^maskgate: GPIO chip "gpiochip0" line 0 .*held by "maskgate-door" \\(process ${pid}\\); .*\n$`,
        ),
      );
      await stop(holder);
    });
  },
);

describe("lock-lines", { concurrency }, () => {
  it("has nothing to do where no holder wrote anything", async () => {
    const { folder } = scene();
    const { code, out, err } = await lockLines(folder);
    assert.deepEqual([code, out, err, existsSync(path.join(folder, "gpio"))], [0, "", "", false]);
  });

  it("tells in one line that a record is none, and which line it cannot drive", async () => {
    const { folder, config } = scene();
    const record = path.join(folder, "safe-lines.json");
    writeFileSync(record, "{");
    const nonsense = await lockLines(folder);
    assert.equal(nonsense.code, 1);
    assert.match(nonsense.err, /^lock-lines: \S+safe-lines\.json: .*JSON.*\n$/);
    using holder = await startHolder(config);
    await kill(holder);
    const told = JSON.parse(readFileSync(record, "utf8")) as { lines: object[] };
    const [door, ...others] = told.lines;
    writeFileSync(record, JSON.stringify({ ...told, lines: [{ ...door, chip: "a/b" }, ...others] }));
    const { code, err } = await lockLines(folder);
    assert.equal(code, 1);
    assert.match(err, /^lock-lines: GPIO chip "a\/b" line 0 \(maskgate-door\): .*; rename the chip\n$/);
  });
});
