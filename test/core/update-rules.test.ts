/** The edges of an update's rules, one by one: each was once a change of the code that no other test saw. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  expireProbation,
  observeDaemon,
  startProbation,
  type DaemonSample,
  type ProbationPolicy,
} from "../../src/core/probation.ts";
import { nextUpdate, versionOf, type Update, type UpdatePolicy } from "../../src/core/update-machine.ts";
import {
  beginProbation,
  beginTrial,
  initialRecord,
  isSameModel,
  markGood,
  rollBack,
  namedSlots,
  packaged,
  type Baseline,
  type Candidate,
  type ModelRef,
} from "../../src/core/update-record.ts";

const limits: ProbationPolicy = { frames: 10, probationMs: 1000, limitMs: 120_000, mostAttempts: 3 };
const policy: UpdatePolicy = {
  probation: limits,
  handsOver: false,
  limitsMs: { copying: 100, verifying: 100, staging: 100, switching: 100 },
};
const candidate: Candidate = {
  version: 7,
  bundle: "b7",
  ledger: { counters: { k: 7 }, bundles: {}, retired: [] },
};
const onTrial = beginProbation(beginTrial(initialRecord, "slot-a", candidate));
const model = onTrial.active;
const sample: DaemonSample = {
  uptimeMs: 10_000,
  framesDecided: 100,
  framesPerSecond: 10,
  hasVisionFault: false,
  running: model,
  unloadable: null,
};

/** The last verdict after samples that come one a second. */
function verdict(...samples: readonly Partial<DaemonSample>[]): string {
  return verdictOver(null, samples);
}

function verdictOver(baseline: Baseline | null, samples: readonly Partial<DaemonSample>[]): string {
  let probation = startProbation(model, 5000, baseline);
  let kind = "none";
  for (const [n, change] of samples.entries()) {
    const heard = observeDaemon(probation, { ...sample, ...change }, 5000 + n * 1000, limits);
    probation = heard.probation;
    kind = heard.verdict.kind;
  }
  return kind;
}

test("time alone ends a probation at its limit, counted from its beginning", () => {
  const probation = startProbation(model, 5000);
  assert.deepEqual(expireProbation(probation, 124_999, limits), { kind: "undecided" });
  const reason = "not proven within 2 minutes: the daemon did not answer";
  assert.deepEqual(expireProbation(probation, 125_000, limits), { kind: "bad", reason });
  const seen = startProbation(model, 5000, null, { ...sample, running: packaged });
  const notRun = "not proven within 2 minutes: the daemon did not come to run it";
  assert.deepEqual(expireProbation(seen, 125_000, limits), { kind: "bad", reason: notRun });
});

test("a daemon that counts fewer frames than before has started anew; one that stands still has not", () => {
  assert.equal(verdict({}, { uptimeMs: 11_000, framesDecided: 99 }), "bad");
  assert.equal(verdict({}, {}), "undecided");
});

test("a candidate that does not run is not proven, however long that lasts", () => {
  const old = { running: packaged };
  assert.equal(verdict(old, { ...old, framesDecided: 200 }, { ...old, framesDecided: 300 }), "undecided");
  assert.equal(verdict({ running: null }, { running: null, framesDecided: 300 }), "undecided");
});

test("what the record says of the daemon before counts, and not what is seen after a cut; else the last look before the candidate", () => {
  const recorded = { framesPerSecond: 10, hasVisionFault: false, running: 1 };
  const old = { running: packaged };
  for (const [baseline, samples, kind] of [
    [recorded, [{ ...old, framesPerSecond: 1 }, {}, { framesDecided: 300, framesPerSecond: 4.9 }], "bad"],
    [recorded, [{}, { framesDecided: 300, framesPerSecond: 5 }], "good"],
    [recorded, [{ hasVisionFault: true }], "bad"],
    [{ ...recorded, hasVisionFault: true }, [{ hasVisionFault: true }], "undecided"],
    [null, [{ ...old, framesPerSecond: 90 }, old, {}, { framesDecided: 300, framesPerSecond: 5 }], "good"],
    [null, [old, {}, { framesDecided: 300, framesPerSecond: 4.9 }], "bad"],
  ] as const)
    assert.equal(verdictOver(baseline, samples), kind, JSON.stringify([baseline, samples]));
});

test("a switch writes down how the daemon did before it, which a resumed probation takes", () => {
  const switching: Update = { record: initialRecord, state: { kind: "switching", sinceMs: 50, candidate } };
  const seen = nextUpdate(switching, { kind: "daemon", atMs: 60, sample }, policy);
  assert.deepEqual(seen.record.trial?.baseline, {
    framesPerSecond: 10,
    hasVisionFault: false,
    running: sample.running?.id,
  });
  const unseen = nextUpdate(switching, { kind: "done", atMs: 60 }, policy);
  assert.equal(unseen.record.trial?.baseline, null);
  const resumed = nextUpdate(
    { record: seen.record, state: { kind: "idle" } },
    { kind: "resume", atMs: 0 },
    policy,
  );
  assert.ok(resumed.state.kind === "probation");
  assert.deepEqual(resumed.state.probation.baseline, seen.record.trial.baseline);
});

test("half the speed of the model before is enough, and without one before any speed is", () => {
  const before = { running: packaged };
  const later = { framesDecided: 300 };
  assert.equal(verdict(before, {}, { ...later, framesPerSecond: 5 }), "good");
  assert.equal(verdict(before, {}, { ...later, framesPerSecond: 4.9 }), "bad");
  assert.equal(verdict({}, { ...later, framesPerSecond: 0.5 }), "good");
});

test("each state says which version it is about", () => {
  const idle: Update = { record: initialRecord, state: { kind: "idle" } };
  assert.equal(versionOf(idle.state), null);
  let update = nextUpdate(idle, { kind: "begin", atMs: 50 }, policy);
  assert.equal(versionOf(update.state), null);
  for (const input of ["copied", "done", "done", "done"] as const) {
    update = nextUpdate(update, { kind: input, atMs: 60, candidate }, policy);
    assert.equal(versionOf(update.state), 7, update.state.kind);
  }
  assert.equal(update.state.kind, "probation");
  const { state } = nextUpdate(update, { kind: "failed", atMs: 70, reason: "r" }, policy);
  assert.deepEqual(state, { kind: "rolled-back", version: 7, reason: "r" });
});

test("an end says its version and its reason", () => {
  const copying: Update = { record: initialRecord, state: { kind: "copying", sinceMs: 50 } };
  const staging: Update = { record: initialRecord, state: { kind: "staging", sinceMs: 50, candidate } };
  const already = { kind: "good", version: 3, reason: "already installed" };
  assert.deepEqual(nextUpdate(copying, { kind: "already", atMs: 60, version: 3 }, policy).state, already);
  assert.equal(nextUpdate(staging, { kind: "tick", atMs: 149 }, policy).state.kind, "staging");
  const late = { kind: "failed", version: 7, reason: "staging took longer than 0 s" };
  assert.deepEqual(nextUpdate(staging, { kind: "tick", atMs: 150 }, policy).state, late);
  const refused = nextUpdate(staging, { kind: "refused", atMs: 60, reason: "r" }, policy).state;
  assert.deepEqual(refused, { kind: "refused", version: 7, reason: "r" });
  const busy: Update = { record: onTrial, state: { kind: "idle" } };
  const reason = "version 7 is on probation; come again when it is over";
  const turnedAway = nextUpdate(busy, { kind: "begin", atMs: 0 }, policy);
  assert.deepEqual(turnedAway, { record: onTrial, state: { kind: "refused", version: null, reason } });
  assert.equal(nextUpdate(busy, { kind: "tick", atMs: 0 }, policy), busy);
  assert.equal(nextUpdate(copying, { kind: "done", atMs: 60 }, policy), copying);
});

test("a wish ends a probation at once, as it wants, and says that it was by hand", () => {
  const copying = nextUpdate(
    { record: initialRecord, state: { kind: "idle" } },
    { kind: "begin", atMs: 0 },
    policy,
  );
  let update = nextUpdate(copying, { kind: "copied", atMs: 1, candidate }, policy);
  for (let atMs = 2; update.state.kind !== "probation"; atMs++) {
    assert.equal(
      nextUpdate(update, { kind: "wished", atMs, end: "good" }, policy),
      update,
      update.state.kind,
    );
    update = nextUpdate(update, { kind: "done", atMs }, policy);
  }
  const good = nextUpdate(update, { kind: "wished", atMs: 9, end: "good" }, policy);
  const reason = "marked good by hand";
  assert.deepEqual(good.state, { kind: "good", version: 7, reason });
  assert.deepEqual(good.record, markGood(update.record, reason));
  assert.deepEqual([good.record.ledger, good.record.last?.reason], [candidate.ledger, reason]);
  const back = nextUpdate(update, { kind: "wished", atMs: 9, end: "back" }, policy);
  assert.deepEqual(back.state, { kind: "rolled-back", version: 7, reason: "by hand" });
  assert.deepEqual([back.record.active, back.record.ledger], [packaged, initialRecord.ledger]);
});

const ref = (place: ModelRef["place"], id: number): ModelRef => ({
  place,
  id,
  version: id,
  bundle: `b${id}`,
});
/** Of a kiosk with two good bundles. */
const settled = { ...initialRecord, lastId: 2, active: ref("slot-b", 2), previous: ref("slot-a", 1) };

test("a trial names three slots at most, and only the free one can be put on trial", () => {
  assert.throws(() => beginTrial(settled, "slot-a", candidate), /slot-a is not free/);
  const trial = beginTrial(settled, "slot-c", candidate);
  assert.deepEqual(namedSlots(trial), ["slot-a", "slot-b", "slot-c"]);
  assert.deepEqual(namedSlots(markGood(trial)), ["slot-b", "slot-c"]);
  assert.throws(() => beginTrial(trial, "slot-c", candidate), /not free/);
});

test("where the active model could not be loaded, the one that decided in its place stays behind a good candidate", () => {
  for (const [running, behind] of [
    [2, 2],
    [1, 1],
    [0, 2],
    [null, 2],
  ] as const) {
    const baseline = { framesPerSecond: 10, hasVisionFault: false, running };
    const trial = beginTrial(settled, "slot-c", candidate, baseline);
    assert.equal(markGood(trial).previous.id, behind);
    const back = rollBack(trial, "slow");
    assert.deepEqual([back.active, back.previous], [settled.active, settled.previous]);
  }
});

test("without a trial nothing is marked good or tried again; a good end is told", () => {
  assert.equal(markGood(initialRecord), initialRecord);
  assert.equal(beginProbation(initialRecord), initialRecord);
  assert.deepEqual(markGood(onTrial).last, { kind: "good", version: 7, reason: null });
});

test("a bundle that was installed again leaves what was behind it there; another one goes before it", () => {
  const first = markGood(beginTrial(initialRecord, "slot-a", { ...candidate, bundle: "b6" }));
  const second = markGood(beginTrial(first, "slot-b", candidate));
  assert.deepEqual(second.previous, first.active);
  const trial = beginTrial(second, "slot-c", candidate);
  assert.deepEqual(trial.previous, second.active);
  const again = markGood(trial);
  assert.deepEqual([again.active.place, again.previous], ["slot-c", first.active]);
});

test("a model is the same only at the same place and with the same id", () => {
  assert.ok(isSameModel(model, { ...model }));
  assert.ok(!isSameModel(model, { ...model, id: 2 }));
  assert.ok(!isSameModel(model, { ...model, place: "slot-b" }));
});
