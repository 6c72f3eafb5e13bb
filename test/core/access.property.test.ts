/** Random visitors against the decision: it opens exactly when its definition says so, and never for nonsense. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  doorCommand,
  initialState,
  leaseEndMs,
  next,
  type AccessState,
  type Input,
} from "../../src/core/access.ts";
import type { Policy } from "../../src/core/policy.ts";
import { isSaneBox } from "../../src/core/tracks.ts";
import { outcomes, type Outcome } from "./oracle.ts";
import { oddNumber, rules, spoilt, walk } from "./walks.ts";

function states(inputs: readonly Input[], policy: Policy): readonly AccessState[] {
  let state = initialState;
  return inputs.map((input) => (state = next(state, input, policy)));
}

function outcomeOf({ access }: AccessState): Outcome {
  return access.kind === "idle" || access.kind === "checking" || access.kind === "refused"
    ? "locked"
    : access.kind;
}

function isOpen(state: AccessState): boolean {
  return doorCommand(state).kind === "unlock";
}

test("the door opens exactly when the definition over the whole history says so", () => {
  const leases = new Map<string, number>();
  fc.assert(
    fc.property(walk, rules, (inputs, policy) => {
      const played = states(inputs, policy);
      assert.deepEqual(played.map(outcomeOf), outcomes(inputs, policy));
      played.forEach((state, i) => {
        if (!isOpen(state) || (i > 0 && isOpen(played[i - 1] ?? initialState))) return;
        const name = `${state.access.kind} under ${policy.mode}, ${policy.several}`;
        leases.set(name, (leases.get(name) ?? 0) + 1);
      });
    }),
    { numRuns: 1200 },
  );
  for (const several of ["all", "any", "largest"]) {
    for (const name of ["granted under must-wear", "granted under remind", "reminded under remind"]) {
      const count = leases.get(`${name}, ${several}`) ?? 0;
      assert.ok(count > 100, `the walks reached "${name}, ${several}" only ${count} times`);
    }
  }
});

/** What holds between any two states, whatever the input was. */
function assertStep(before: AccessState, input: Input, after: AccessState, policy: Policy): void {
  const [wasUntilMs, untilMs] = [leaseEndMs(before.access), leaseEndMs(after.access)];
  assert.equal(isOpen(after), untilMs !== undefined);
  assert.ok(after.nowMs >= before.nowMs);
  if (untilMs !== undefined) {
    assert.ok(untilMs > after.nowMs && untilMs <= after.nowMs + policy.unlockMs);
    if (wasUntilMs === undefined) assert.equal(input.kind, "observed");
    else assert.equal(untilMs, wasUntilMs);
    assert.ok(after.tracks.every((track) => track.agreed === 0 && track.steady === 0));
  }
  if (input.kind === "fault") assert.equal(after.access.kind, "faulted");
  if (before.access.kind === "faulted" && after.access.kind !== "faulted")
    assert.equal(input.kind, "recovered");
  assert.equal(new Set(after.tracks.map((track) => track.id)).size, after.tracks.length);
  for (const track of after.tracks) {
    assert.ok(isSaneBox(track.box) && track.id < after.nextTrackId);
    assert.ok(after.nowMs - track.lastSeenAtMs <= 2 * policy.maxGapMs);
  }
}

function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(deepFreeze);
  }
  return value;
}

/** At most so many frames that could vote since the last lease or fault. */
function votesAfter(votes: number, before: AccessState, input: Input, isSane: boolean): number {
  if (input.kind === "fault" || isOpen(before)) return 0;
  return input.kind === "observed" && isSane ? votes + 1 : votes;
}

test("nonsense in any number never throws, never lengthens a lease and never stands for a vote", () => {
  let [leases, spoiltCount] = [0, 0];
  const spoiling = fc.array(fc.tuple(fc.nat({ max: 20 }), fc.nat({ max: 8 }), oddNumber), {
    minLength: 5,
    maxLength: 40,
  });
  fc.assert(
    fc.property(walk, rules, spoiling, (sane, policy, spoilings) => {
      let [state, votes] = [initialState, 0];
      sane.forEach((clean, i) => {
        const [dice, field, number] = spoilings[i % spoilings.length] ?? [9, 0, 0];
        // A time that is huge but finite would only lock the door for good, and end the walk.
        const isSpoilt = dice < 3 && !(field === 0 && number > 1e6 && number < Infinity);
        const input = deepFreeze(isSpoilt ? spoilt(clean, field, number) : clean);
        const after = deepFreeze(next(state, input, policy));
        assert.deepEqual(next(state, input, policy), after);
        assertStep(state, input, after, policy);
        votes = votesAfter(votes, state, input, !isSpoilt || mayVote(field, number));
        if (isSpoilt) spoiltCount += 1;
        if (isOpen(after) && !isOpen(state)) {
          leases += 1;
          assert.ok(votes >= policy.framesToGrant, "a lease with too few frames that could vote");
        }
        state = after;
      });
    }),
    { numRuns: 400 },
  );
  assert.ok(leases > 100, `only ${leases} leases`);
  assert.ok(spoiltCount > 1000, `only ${spoiltCount} spoilt inputs`);
});

/** Whether a frame with this number may count all the same: others stand in it too, or the number happens to be sane. */
function mayVote(field: number, number: number): boolean {
  return field === 3 || field === 4 || Number.isFinite(number);
}
