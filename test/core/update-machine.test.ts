import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { DaemonSample } from "../../src/core/probation.ts";
import {
  isOver,
  nextUpdate,
  type Update,
  type UpdateInput,
  type UpdatePolicy,
} from "../../src/core/update-machine.ts";
import {
  freeSlot,
  initialRecord,
  namedSlots,
  packaged,
  rollBack,
  type Candidate,
  type UpdateRecord,
} from "../../src/core/update-record.ts";

const policy: UpdatePolicy = {
  handsOver: false,
  probation: { frames: 10, probationMs: 1000, limitMs: 5000, mostAttempts: 3 },
  limitsMs: { copying: 100, verifying: 100, staging: 100, switching: 100 },
};
const candidate: Candidate = {
  version: 7,
  bundle: "b7",
  ledger: { counters: { k: 7 }, bundles: {}, retired: ["old"] },
};
const good: DaemonSample = {
  uptimeMs: 10_000,
  framesDecided: 100,
  framesPerSecond: 10,
  hasVisionFault: false,
  running: packaged,
  unloadable: null,
};

function run(update: Update, ...inputs: readonly UpdateInput[]): Update {
  return inputs.reduce((now, input) => nextUpdate(now, input, policy), update);
}

const begun: Update = { record: initialRecord, state: { kind: "idle" } };
const steps: readonly UpdateInput[] = [
  { kind: "begin", atMs: 0 },
  { kind: "copied", atMs: 1, candidate },
  { kind: "done", atMs: 2 },
  { kind: "done", atMs: 3 },
  { kind: "done", atMs: 4 },
];
const onProbation = run(begun, ...steps);
const running = onProbation.record.active;

/** The daemon `afterMs` after the switch. */
const daemon = (afterMs: number, sample: Partial<DaemonSample> = {}): UpdateInput => ({
  kind: "daemon",
  atMs: 4 + afterMs,
  sample: { ...good, uptimeMs: 10_000 + afterMs, framesDecided: 100 + afterMs / 100, running, ...sample },
});

test("the record changes at the switch and at the end of the probation only, and the ledger at mark-good only", () => {
  let update = begun;
  for (const input of steps.slice(0, 4)) {
    update = run(update, input);
    assert.equal(update.record, initialRecord, update.state.kind);
  }
  assert.equal(update.state.kind, "switching");
  assert.deepEqual(running, { place: "slot-a", id: 1, version: 7, bundle: "b7" });
  assert.deepEqual(onProbation.record.previous, packaged);
  assert.deepEqual(onProbation.record.ledger, initialRecord.ledger);
  const waiting = run(onProbation, daemon(0, { running: packaged }), daemon(100), daemon(900));
  assert.equal(waiting.state.kind, "probation");
  assert.equal(waiting.record, onProbation.record);
  const done = run(waiting, daemon(1100));
  assert.deepEqual(done.state, { kind: "good", version: 7, reason: null });
  assert.deepEqual(done.record.ledger, candidate.ledger);
  assert.equal(done.record.trial, null);
});

test("time and frames are both asked for", () => {
  assert.equal(run(onProbation, daemon(0), daemon(2000, { framesDecided: 109 })).state.kind, "probation");
  assert.equal(run(onProbation, daemon(0), daemon(900, { framesDecided: 500 })).state.kind, "probation");
  assert.equal(run(onProbation, daemon(0), daemon(1000, { framesDecided: 110 })).state.kind, "good");
});

const bad: readonly (readonly [string, RegExp, readonly UpdateInput[]])[] = [
  [
    "cannot be loaded",
    /cannot load it: no/,
    [daemon(0, { running: packaged, unloadable: { id: 1, reason: "no" } })],
  ],
  ["vision fails", /vision failed/, [daemon(0), daemon(100, { hasVisionFault: true })]],
  ["daemon starts anew", /started anew/, [daemon(0), daemon(100, { uptimeMs: 5 })]],
  [
    "daemon starts anew before it ran it",
    /started anew/,
    [daemon(0, { running: packaged }), daemon(100, { uptimeMs: 5 })],
  ],
  [
    "daemon starts anew with the model before",
    /started anew/,
    [daemon(0), daemon(100, { uptimeMs: 5, running: packaged })],
  ],
  [
    "daemon starts anew and cannot load it",
    /cannot load it: no/,
    [daemon(0), daemon(100, { uptimeMs: 5, running: packaged, unloadable: { id: 1, reason: "no" } })],
  ],
  ["daemon leaves it", /left it/, [daemon(0), daemon(100, { running: packaged })]],
  [
    "too slow",
    /too slow: 4.0 frames\/s where it were 10.0/,
    [daemon(0, { running: packaged }), daemon(100), daemon(2000, { framesPerSecond: 4, framesDecided: 200 })],
  ],
  ["no daemon", /did not answer/, [{ kind: "tick", atMs: 5004 }]],
  ["too few frames, as it says itself", /too few frames/, [daemon(0), daemon(5000, { framesDecided: 109 })]],
  ["not run at all", /did not come to run it/, [daemon(5000, { running: packaged })]],
  ["too few frames", /too few frames/, [daemon(0), { kind: "tick", atMs: 5004 }]],
  [
    "too few frames, and the daemon answers all the while",
    /too few frames/,
    [daemon(0, { running: packaged }), daemon(10), daemon(5000, { framesDecided: 101 })],
  ],
];
for (const [name, reason, inputs] of bad) {
  test(`a candidate is rolled back: ${name}`, () => {
    const { record, state } = run(onProbation, ...inputs);
    assert.equal(state.kind, "rolled-back");
    assert.match("reason" in state ? state.reason : "", reason);
    const { last, lastId } = record;
    assert.deepEqual({ ...record, last: null, lastId: 0 }, initialRecord);
    assert.deepEqual([last?.kind, last?.version, lastId], ["rolled-back", 7, 1]);
  });
}

test("a fault of vision that the model before had, too, is not the candidate's", () => {
  const inputs = [
    daemon(0, { running: packaged, hasVisionFault: true }),
    daemon(100, { hasVisionFault: true }),
  ];
  assert.equal(run(onProbation, ...inputs).state.kind, "probation");
});

test("a failure, a refusal and a hang in each state before the switch end it without a change", () => {
  for (let n = 1; n <= 4; n++) {
    const at = run(begun, ...steps.slice(0, n));
    for (const input of [
      { kind: "failed", atMs: 9, reason: "r" },
      { kind: "refused", atMs: 9, reason: "r" },
      { kind: "tick", atMs: 500 },
    ] as const) {
      const { record, state } = run(at, input);
      assert.equal(state.kind, input.kind === "refused" ? "refused" : "failed");
      assert.equal(record, initialRecord);
    }
    assert.equal(run(at, { kind: "tick", atMs: 50 }).state.kind, at.state.kind);
  }
});

test("a probation that was cut off begins again, three times in all", () => {
  const resume = (record: UpdateRecord): Update =>
    run({ record, state: { kind: "idle" } }, { kind: "resume", atMs: 0 });
  const second = resume(onProbation.record);
  const third = resume(second.record);
  assert.deepEqual(
    [second.state.kind, third.state.kind, third.record.trial?.attempts],
    ["probation", "probation", 3],
  );
  const last = resume(third.record);
  assert.equal(last.state.kind, "rolled-back");
  assert.deepEqual(last.record.active, packaged);
  assert.equal(resume(initialRecord).state.kind, "idle");
});

test("a bundle that runs already is good and changes nothing; one that comes during a probation is refused", () => {
  const already = run(begun, { kind: "begin", atMs: 0 }, { kind: "already", atMs: 1, version: 3 });
  assert.deepEqual([already.state.kind, already.record], ["good", initialRecord]);
  const late = run({ record: onProbation.record, state: { kind: "idle" } }, { kind: "begin", atMs: 0 });
  assert.deepEqual([late.state.kind, late.record], ["refused", onProbation.record]);
});

test("whatever happens: the ledger changes at mark-good only, the active model was switched to, and a slot stays free", () => {
  const seen = new Set<string>();
  const awaited = {
    idle: "begin",
    copying: "copied",
    verifying: "done",
    staging: "done",
    switching: "done",
  } as const;
  const input = fc.oneof(
    { weight: 12, arbitrary: fc.constant("awaited" as const) },
    {
      weight: 1,
      arbitrary: fc.constantFrom("begin", "resume", "done", "tick", "failed", "refused", "restart"),
    },
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(input, fc.integer({ min: 0, max: 600 })), { maxLength: 60 }), (inputs) => {
      let update = begun;
      let atMs = 0;
      for (const [kind, ms] of inputs) {
        atMs += ms;
        if (kind === "restart" || isOver(update.state))
          update = { record: update.record, state: { kind: "idle" } };
        const before = update;
        const version = before.record.lastId + 1;
        const { kind: state } = before.state;
        const made =
          kind === "restart"
            ? "tick"
            : kind !== "awaited"
              ? kind
              : state in awaited
                ? awaited[state as "idle"]
                : "daemon";
        const active = before.record.active;
        update = run(update, {
          kind: made,
          atMs,
          reason: "r",
          version,
          candidate: {
            ...candidate,
            version,
            ledger: { counters: { k: version }, bundles: {}, retired: [] },
          },
          sample: { ...good, uptimeMs: atMs, framesDecided: atMs / 10, running: active },
        } as UpdateInput);
        const isMarked = before.record.trial !== null && update.state.kind === "good";
        if (update.record.ledger !== before.record.ledger) assert.ok(isMarked);
        if (update.record.active !== active)
          assert.ok(before.state.kind === "switching" || update.state.kind === "rolled-back");
        assert.equal(freeSlot(update.record) === undefined, update.record.trial !== null);
        assert.ok(namedSlots(update.record).length <= 3);
        seen.add(update.state.kind);
      }
    }),
    { numRuns: 3000 },
  );
  assert.deepEqual([...seen].sort(), [
    "copying",
    "failed",
    "good",
    "idle",
    "probation",
    "refused",
    "rolled-back",
    "staging",
    "switching",
    "verifying",
  ]);
});

test("going back by hand takes the model before, then the packaged one", () => {
  const other = { ...candidate, bundle: "b8" };
  const first = run(onProbation, daemon(0), daemon(1100)).record;
  const second = run(
    { record: first, state: { kind: "idle" } },
    ...steps.map((step) => (step.kind === "copied" ? { ...step, candidate: other } : step)),
    daemon(0, { running: { ...running, place: "slot-b", id: 2 } }),
    daemon(1100, { running: { ...running, place: "slot-b", id: 2 } }),
  ).record;
  assert.deepEqual([second.active.place, second.previous.place], ["slot-b", "slot-a"]);
  const back = rollBack(second, "by hand");
  assert.deepEqual(
    [back.active.place, back.previous.place, back.ledger],
    ["slot-a", "packaged", second.ledger],
  );
});
