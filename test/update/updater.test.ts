/** Every state of an update, with an error in it, a hang in it and the power cut in it: the old or the new model works, and the next bundle installs. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { KioskError } from "../../src/core/errors.ts";
import type { UpdateState } from "../../src/core/update-machine.ts";
import { PowerCut } from "../sim/sim-disk.ts";
import { Kiosk, kiosk, nextWorks } from "./updater-kiosk.ts";

test("an update goes through all states", async () => {
  const { told, ...rest } = await kiosk();
  assert.deepEqual([...new Set(told)], ["copying", "verifying", "staging", "switching", "probation", "good"]);
  assert.ok(rest.nowMs >= 2000);
});

for (const state of ["copying", "verifying", "staging"] as const) {
  for (const [what, error, kind] of [
    ["an error", new Error("EIO"), "failed"],
    [
      "a full disk",
      Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" }),
      "failed",
    ],
    ["a bad bundle", new KioskError("bad-bundle", "damaged"), "refused"],
  ] as const) {
    test(`${what} in ${state} changes nothing, and the next bundle installs`, async () => {
      const it = await kiosk();
      const before = await it.store.record();
      it.instead = { [state]: () => Promise.reject(error) };
      const ending = await it.update("begin", 2);
      assert.deepEqual([ending.kind, "reason" in ending && ending.reason], [kind, error.message]);
      assert.deepEqual(await it.store.record(), before);
      assert.equal(await it.disk.read("/store/slot-b/model.onnx"), undefined);
      assert.equal(await it.works(), 1);
      await nextWorks(it);
    });
  }

  test(`a hang in ${state} of which the timer hears a little early is given up all the same, and nothing done twice`, async () => {
    const it = await kiosk();
    let begun = 0;
    it.instead = {
      [state]: () => {
        begun += 1;
        return new Promise<never>(() => undefined);
      },
    };
    it.earlyMs = 1;
    assert.equal((await it.update("begin", 2)).kind, "failed");
    assert.equal(begun, 1);
  });

  test(`a hang in ${state} ends after its time, and the next bundle installs`, async () => {
    const it = await kiosk();
    it.instead = { [state]: () => new Promise<never>(() => undefined) };
    const ending = await it.update("begin", 2);
    assert.deepEqual(
      [ending.kind, "reason" in ending && ending.reason],
      ["failed", `${state} took longer than 5 s`],
    );
    assert.equal(await it.works(), 1);
    await nextWorks(it);
  });
}

for (const [what, discard, second] of [
  ["fails", () => Promise.reject(new Error("EIO")), "EIO"],
  ["hangs", () => new Promise<never>(() => undefined), "it takes longer than 60 s"],
] as const) {
  test(`clearing up that ${what} is told after the reason, and the next bundle installs`, async () => {
    const it = await kiosk();
    const staging = (): Promise<never> => Promise.reject(new KioskError("bad-model", "too old"));
    it.instead = { staging, discard };
    const ending = await it.update("begin", 2);
    const both = `too old (and clearing the slot failed: ${second})`;
    assert.deepEqual([ending.kind, "reason" in ending && ending.reason], ["refused", both]);
    assert.deepEqual(it.reasons.slice(-2), ["too old", both]);
    assert.equal(await it.works(), 1);
    await nextWorks(it);
  });
}

test("work that fails twice, in itself and in its clearing up, is judged by the first failure", async () => {
  const it = await kiosk();
  it.instead = {
    copying: async () => {
      await using _file = { [Symbol.asyncDispose]: () => Promise.reject(new Error("EIO")) };
      await Promise.reject(new KioskError("bad-bundle", "damaged"));
      throw new Error("never");
    },
  };
  const ending = await it.update("begin", 2);
  assert.deepEqual([ending.kind, "reason" in ending && ending.reason], ["refused", "damaged; and then EIO"]);
});

for (const [what, sample] of [
  ["a restart of the daemon", { uptimeMs: -1 }],
  ["a fault of vision", { hasVisionFault: true }],
  ["a model that cannot be loaded", { unloadable: { id: 2, reason: "no" } }],
] as const) {
  test(`${what} in the probation goes back, the ledger did not rise, and the next bundle installs`, async () => {
    const it = await kiosk();
    it.sample = sample;
    assert.equal((await it.update("begin", 2)).kind, "rolled-back");
    const { active, ledger, trial } = await it.store.record();
    assert.deepEqual([active.version, ledger.counters, trial], [1, { key: 1 }, null]);
    await nextWorks(it);
  });
}

test("a daemon that hangs in the probation is waited for no longer than its limit", async () => {
  const it = await kiosk();
  it.instead = { daemon: () => Promise.reject(new Error("no answer")) };
  assert.equal((await it.update("begin", 2)).kind, "rolled-back");
  assert.equal(await it.works(), 1);
  await nextWorks(it);
});

test("a switch that cannot be written down is no switch", async () => {
  const it = await kiosk();
  it.instead = {
    staging: () => {
      it.disk.failure = { at: it.disk.operations, error: new Error("EROFS") };
      return Promise.resolve() as Promise<never>;
    },
  };
  assert.deepEqual((await it.update("begin", 2)).kind, "failed");
  assert.equal(it.told.at(-1), "failed");
  assert.equal(await it.works(), 1);
  await nextWorks(it);
});

for (const [code, kind] of [
  ["bundle-refused", "refused"],
  ["bundle-untrusted", "refused"],
  ["bundle-unreadable", "failed"],
] as const) {
  test(`${code} ends as ${kind}, and what was copied is cleared away`, async () => {
    const it = await kiosk();
    let discards = 0;
    it.instead = {
      copying: () => Promise.reject(new KioskError(code, "r")),
      discard: () => {
        discards += 1;
        return Promise.reject(new Error("EIO"));
      },
    };
    const ending = await it.update("begin", 2);
    const both = "r (and clearing the slot failed: EIO)";
    assert.deepEqual([ending.kind, "reason" in ending && ending.reason, discards], [kind, both, 1]);
  });
}

test("a resume without a probation tells nothing", async () => {
  const it = await kiosk();
  it.told.length = 0;
  assert.equal((await it.update("resume")).kind, "idle");
  assert.deepEqual(it.told, []);
});

test("a rollback that cannot be written down is tried again by the next process", async () => {
  const it = await kiosk();
  let looks = 0;
  it.instead = {
    daemon: () => {
      // The first look is before the switch.
      if (looks++ > 0) it.disk.failure ??= { at: it.disk.operations, error: new Error("EROFS") };
      return Promise.reject(new Error("no answer"));
    },
  };
  await assert.rejects(it.update("begin", 2), /EROFS/);
  assert.equal((await it.store.record()).trial?.attempts, 1);
  assert.equal((await it.update("resume")).kind, "rolled-back");
  assert.equal(await it.works(), 1);
  await nextWorks(it);
});

/** When the record is written, and by what: the last update of a kiosk on whose disk nothing hangs yet. */
const writings = {
  switching: { sample: {}, ends: "failed" },
  "mark-good": { sample: {}, ends: "throws" },
  rollback: { sample: { hasVisionFault: true }, ends: "throws" },
} as const;

/** A kiosk whose disk hangs in the operation of this number of a writing of the record, and how to end the hang. */
async function hanging(writing: keyof typeof writings, nth: number): Promise<[Kiosk, () => void]> {
  const it = await kiosk();
  it.sample = writings[writing].sample;
  let end = (): void => undefined;
  const until = new Promise<void>((resolve) => (end = resolve));
  const arm = (): void => {
    it.disk.hang = { at: it.disk.operations + nth, until };
  };
  // The record is written once the daemon was looked at for the switch, and again once the look after it was judged.
  if (writing === "switching")
    it.instead.staging = () => {
      arm();
      return Promise.resolve() as Promise<never>;
    };
  else {
    let looks = 0;
    it.onSample = () => {
      looks += 1;
      if (looks === 2) arm();
    };
  }
  return [it, end];
}

for (const writing of ["switching", "mark-good", "rollback"] as const) {
  test(`a disk that hangs in the ${writing}, in whichever of its operations: given up after its time, the next update works`, async () => {
    // Five operations for the copy and five for the record.
    for (let nth = 0; nth < 10; nth++) {
      const [it, end] = await hanging(writing, nth);
      const before = it.nowMs;
      const ending = await it.update("begin", 2).catch((error: unknown) => error);
      const says = "the disk took longer than 5 s to write down what runs; see whether it still works";
      if (writings[writing].ends === "throws") {
        assert.ok(ending instanceof KioskError && ending.code === "update-failed");
        assert.equal(ending.message, says);
      } else assert.deepEqual(ending, { kind: "failed", version: 2, reason: says });
      assert.ok(it.nowMs - before >= 5000 && it.nowMs - before < 20_000);
      // Another updater may work by the time that the disk comes back: nothing more of this one is written.
      const { operations } = it.disk;
      it.disk.hang = undefined;
      end();
      for (let turns = 0; turns < 100; turns++) await Promise.resolve();
      assert.equal(it.disk.operations, operations, `operation ${nth}`);
      const after = new Kiosk(it.disk);
      assert.ok([1, 2].includes(await after.works()));
      await after.update("resume");
      await nextWorks(after);
    }
  });
}

test("the power cut, or a kill, before every single operation of the disk in every state: a model works, and the next bundle installs", async () => {
  const whole = await kiosk();
  const first = whole.disk.operations;
  await whole.update("begin", 2);
  const count = whole.disk.operations;
  const reached = new Set<string>();
  const outcomes = new Set<string>();
  for (let cut = first; cut < count; cut++) {
    for (const isKept of [() => true, () => false]) {
      const it = await kiosk();
      it.disk.cutBefore = cut;
      const ending = await it.update("begin", 2).catch((error: unknown) => error);
      assert.ok(ending instanceof PowerCut || (ending as UpdateState).kind === "failed");
      reached.add(it.told.filter((kind) => kind !== "failed").at(-1) ?? "");
      const after = new Kiosk(it.disk.afterPowerCut(isKept));
      const version = await after.works();
      assert.ok(version === 1 || version === 2, `version ${version} works`);
      const resumed = await after.update("resume");
      outcomes.add(`${version} ${resumed.kind}`);
      assert.equal(await after.works(), version);
      await nextWorks(after);
    }
  }
  assert.deepEqual([...reached].sort(), ["copying", "probation", "switching", "verifying"]);
  assert.deepEqual([...outcomes].sort(), ["1 idle", "2 good", "2 idle"]);
});
