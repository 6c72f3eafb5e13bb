/** A fire release outlives the holder: real processes on the simulator, killed and stopped while the fire alarm has released the lock. */
import assert from "node:assert/strict";
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { wasFireReleased } from "../src/io/safe-lines.ts";
import { longestSocketPathBytes } from "../src/io/status-socket.ts";
import {
  concurrency,
  configFile,
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

const root = temporaryFolder();
let scenes = 0;

interface Scene {
  readonly folder: string;
  /** The configuration, with other keys if need be. */
  readonly config: (keys?: Readonly<Record<string, unknown>>) => string;
  readonly alarm: (isOn: boolean) => void;
  readonly isRecordedFire: () => boolean;
}

/** A normally closed circuit to ground: at rest the line is low. */
function scene(): Scene {
  const folder = path.join(root, `scene-${++scenes}`);
  mkdirSync(folder);
  const alarm = (isOn: boolean): void => {
    pullLine(folder, 6, isOn ? "pull-up" : "pull-down");
  };
  alarm(false);
  return {
    ...{ folder, alarm },
    config: (keys = {}) =>
      configFile(folder, { "gpio.holder": "process", "gpio.fireAlarm.isFitted": true, ...keys }),
    isRecordedFire: () => wasFireReleased(path.join(folder, "safe-lines.json")),
  };
}

async function inFire({ folder, config, alarm }: Scene, keys = {}): Promise<Running & Disposable> {
  const holder = await startHolder(config(keys));
  alarm(true);
  await until("the release", holder, () => lockLine(folder) === "1\n");
  await until("its record", holder, () => holder.written.out.includes("has released the lock"));
  return holder;
}

/** Everything that is read at the lock's line while the work goes on. */
async function seen<Result>(folder: string, work: Promise<Result>): Promise<[Result, readonly string[]]> {
  const levels = new Set<string>();
  let looks = 0;
  const end = new AbortController();
  const looking = (async () => {
    while (!end.signal.aborted) {
      for (let i = 0; i < 100; i += 1) levels.add(lockLine(folder) ?? "none");
      looks += 100;
      await turn();
    }
  })();
  const result = await work.finally(() => {
    end.abort();
  });
  await looking;
  assert.ok(looks > 1000, `${looks} looks`);
  return [result, [...levels]];
}

async function killed(holder: Running): Promise<void> {
  holder.child.kill("SIGKILL");
  assert.equal((await holder.ended).signal, "SIGKILL");
}

describe("a fire release", { concurrency }, () => {
  it("outlives kill -9 without a moment of locking, also when the alarm is over meanwhile, until the holder is stopped", async () => {
    const at = scene();
    const { folder, config, alarm, isRecordedFire } = at;
    using first = await inFire(at);
    await killed(first);
    alarm(false);
    const [after, duringLockLines] = await seen(folder, lockLines(folder));
    assert.deepEqual([after.code, after.err, duringLockLines], [0, "", ["1\n"]]);
    const [second, duringStart] = await seen(folder, startHolder(config()));
    using _second = second;
    assert.deepEqual(duringStart, ["1\n"]);
    await until("the alarm to be read as over", second, () =>
      second.written.out.includes('"msg":"no fire alarm"'),
    );
    assert.match(second.written.out, /"level":"error".*"msg":"door released: so the fire alarm left it/);
    assert.deepEqual([lockLine(folder), isRecordedFire()], ["1\n", true]);

    assert.equal((await stop(second)).code, 0);
    assert.deepEqual([lockLine(folder), isRecordedFire()], ["0\n", false]);
    assert.equal((await lockLines(folder)).code, 0);
    assert.equal(lockLine(folder), "0\n");
    using third = await startHolder(config());
    await until("the alarm to be read", third, () => third.written.out.includes('"msg":"no fire alarm"'));
    assert.equal(lockLine(folder), "0\n");
  });

  it("outlives one kill after another", async () => {
    const at = scene();
    using first = await inFire(at);
    await killed(first);
    at.alarm(false);
    for (let kills = 0; kills < 2; kills += 1) {
      using next = await startHolder(at.config());
      await killed(next);
      assert.equal((await lockLines(at.folder)).code, 0);
      assert.deepEqual([lockLine(at.folder), at.isRecordedFire()], ["1\n", true]);
    }
  });

  it("that clears by itself outlives kill -9, and ends when the next holder reads that the alarm is over", async () => {
    const at = scene();
    const { folder, config, alarm, isRecordedFire } = at;
    const keys = { "door.fireClears": "by-itself", "gpio.fireAlarm.debounceMs": 1000 };
    using first = await inFire(at, keys);
    await killed(first);
    assert.equal((await lockLines(folder)).code, 0);
    const [next, duringStart] = await seen(folder, startHolder(config(keys)));
    using _next = next;
    assert.deepEqual(duringStart, ["1\n"]);
    await until("the alarm to be read", next, () => next.written.out.includes('"msg":"fire alarm"'));
    assert.deepEqual([lockLine(folder), isRecordedFire()], ["1\n", true]);
    alarm(false);
    await until("the lock", next, () => lockLine(folder) === "0\n");
    await until("the end in the log", next, () => next.written.out.includes("the fire release is over"));
    assert.equal(isRecordedFire(), false);
  });

  it("is left alone by a holder that cannot even start", async () => {
    const at = scene();
    using first = await inFire(at);
    await killed(first);
    const broken = at.config({ "gpio.contact.isFitted": true, "gpio.contact.chip": "no/chip" });
    await assert.rejects(startHolder(broken), /rename the chip/);
    assert.deepEqual([lockLine(at.folder), at.isRecordedFire()], ["1\n", true]);
    assert.equal((await lockLines(at.folder)).code, 0);
    assert.equal(lockLine(at.folder), "1\n");
  });

  it("is left alone by a holder that ends for another reason than a stop, though that one locks", async () => {
    const at = scene();
    using first = await inFire(at);
    await killed(first);
    // The holder listens under a longer name first: that fails when the door is open already.
    const folder = path.join(at.folder, "x".repeat(longestSocketPathBytes - at.folder.length - 3));
    mkdirSync(folder);
    const record = path.join(folder, "safe-lines.json");
    renameSync(path.join(at.folder, "safe-lines.json"), record);
    const config = at.config({ "gpio.leaseSocketPath": path.join(folder, "s") });
    const { code, err, out } = await maskgate("hold", "--config", config);
    assert.deepEqual([code, err.split("\n").length], [2, 2], err);
    assert.match(err, /the path is too long for a socket/);
    assert.match(out, /the fire release is over/);
    assert.deepEqual([lockLine(at.folder), wasFireReleased(record)], ["0\n", true]);
    assert.equal((await lockLines(folder)).code, 0);
    assert.equal(lockLine(at.folder), "1\n");
  });

  it("begins none where the configuration wants none any more, or the record is unreadable, which is told", async () => {
    for (const [what, keys] of [
      ["no release", { "door.fireRelease": false }],
      ["no alarm", { "gpio.fireAlarm.isFitted": false }],
      ["no record", {}],
    ] as const) {
      const at = scene();
      using first = await inFire(at);
      await killed(first);
      at.alarm(false);
      if (what === "no record") writeFileSync(path.join(at.folder, "safe-lines.json"), "{}");
      using next = await startHolder(at.config(keys));
      assert.deepEqual([lockLine(at.folder), at.isRecordedFire()], ["0\n", false], what);
      assert.match(next.written.out, /"driver":"simulated","msg":"door locked"/, what);
      const isTold = next.written.out.includes("whether the fire alarm had released the lock is not known");
      assert.equal(isTold, what === "no record", what);
    }
  });
});
