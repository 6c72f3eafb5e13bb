/** Each invariant of src/io/lease-holder.ts in virtual time, and random walks of peers that are sane, silent, late or gone. */
import assert from "node:assert/strict";
import { describe, it, test } from "node:test";
import fc from "fast-check";
import type { Indication } from "../../src/core/ports.ts";
import { openDoor } from "../../src/io/door.ts";
import { openIndicator } from "../../src/io/indicator.ts";
import { LeaseHolder } from "../../src/io/lease-holder.ts";
import { leaseVersion, type Order } from "../../src/io/lease-protocol.ts";
import { silenceMs, silentLog } from "../sim/door-benches.ts";
import { SimLine } from "../sim/sim-line.ts";
import { VirtualTime } from "../sim/virtual-time.ts";

const maxUnlockMs = 3100;

function makeHolder() {
  const time = new VirtualTime();
  const line = new SimLine();
  const [green, red, amber] = [new SimLine(), new SimLine(), new SimLine()];
  const door = openDoor(line, { wiring: "fail-secure", maxUnlockMs }, time, time.schedule);
  const indicator = openIndicator({ green, red, amber }, time, time.schedule);
  const holder = new LeaseHolder({ door, indicator, clock: time, log: silentLog, silenceMs });
  const obey = (order: Partial<Order>, ageMs = 0): string | undefined =>
    holder.obey({ version: leaseVersion, sentAtMs: time.nowMs() - ageMs, ...order } as Order);
  return {
    ...{ time, line, green, red, amber, holder, obey },
    lock: (ageMs = 0) => obey({ kind: "lock" }, ageMs),
    unlock: (ms = 2000, ageMs = 0) => obey({ kind: "unlock", untilMs: time.nowMs() + ms }, ageMs),
    unlockUntil: (untilMs: number) => obey({ kind: "unlock", untilMs }),
    show: (indication: Indication, ageMs = 0) => obey({ kind: "indicate", indication }, ageMs),
    isOpen: () => line.isActive,
    /** A fault blinks red and amber in turn. */
    showsReady: () => red.isActive && !green.isActive && !amber.isActive,
    showsFault: () => !green.isActive && red.isActive !== amber.isActive,
    pass: (ms: number) => {
      for (let leftMs = ms; leftMs > 0; leftMs -= 50) {
        time.advance(Math.min(50, leftMs));
        holder.tick();
      }
    },
  };
}

/** With a peer that has said lock. */
function withPeer() {
  const bench = makeHolder();
  bench.holder.greet();
  bench.lock();
  return bench;
}

describe("a holder", () => {
  it("without a peer is locked and shows a fault", () => {
    const { isOpen, showsFault, holder, pass } = makeHolder();
    pass(200);
    assert.deepEqual([isOpen(), showsFault(), holder.account().heardAtMs], [false, true, null]);
  });

  it("obeys a peer that has said lock", () => {
    const { unlock, show, isOpen, green, lock, holder, time } = withPeer();
    assert.equal(unlock(), undefined);
    assert.equal(isOpen(), true);
    show("granted");
    assert.equal(green.isActive, true);
    assert.equal(holder.account().heardAtMs, time.nowMs());
    lock();
    assert.equal(isOpen(), false);
  });

  it("grants nothing to a peer that comes with an unlock, and shows no green for it", () => {
    const { holder, unlock, show, isOpen, showsFault, lock, green } = makeHolder();
    holder.greet();
    unlock();
    show("granted");
    assert.deepEqual([isOpen(), showsFault()], [false, true]);
    show("reminded");
    assert.equal(green.isActive, false);
    lock();
    unlock();
    show("granted");
    assert.deepEqual([isOpen(), green.isActive], [true, true]);
  });

  it("locks at once when the peer is gone, and shows a fault", () => {
    const { unlock, show, holder, isOpen, showsFault } = withPeer();
    unlock();
    show("granted");
    holder.lose();
    assert.deepEqual([isOpen(), showsFault()], [false, true]);
  });

  it("locks when the peer is silent, shows a fault, and does not go on with that lease", () => {
    const { unlockUntil, show, isOpen, showsFault, pass, time, lock } = withPeer();
    const untilMs = time.nowMs() + 3000;
    unlockUntil(untilMs);
    show("granted");
    pass(silenceMs);
    assert.equal(isOpen(), true);
    pass(50);
    assert.deepEqual([isOpen(), showsFault()], [false, true]);
    unlockUntil(untilMs);
    show("granted");
    assert.deepEqual([isOpen(), showsFault()], [false, true]);
    lock();
    unlockUntil(untilMs + 1);
    assert.equal(isOpen(), true);
  });

  it("stays unlocked while the peer speaks, to the lease's end", () => {
    const { unlockUntil, isOpen, pass, time } = withPeer();
    const untilMs = time.nowMs() + 2000;
    for (let passed = 0; passed < 2000; passed += 400) {
      unlockUntil(untilMs);
      assert.equal(isOpen(), true);
      pass(400);
    }
    assert.equal(isOpen(), false);
  });

  it("takes an order that has waited too long for none", () => {
    const { unlock, isOpen, holder, time, pass, showsFault } = withPeer();
    pass(300);
    assert.equal(unlock(3000, silenceMs + 1), undefined);
    assert.equal(isOpen(), false);
    pass(250);
    assert.equal(showsFault(), true, "and for no sign of life");
    assert.equal(holder.account().heardAtMs, time.nowMs() - 550);
  });

  it("refuses orders of another clock", () => {
    const { unlock, isOpen } = withPeer();
    for (const ageMs of [-1, NaN]) assert.match(unlock(2000, ageMs) ?? "", /share one clock/);
    assert.equal(isOpen(), false);
  });

  it("grants no more than its own door does, whatever it is told", () => {
    const { unlockUntil, isOpen, pass, time } = withPeer();
    const untilMs = time.nowMs() + 1e9;
    for (let passed = 0; passed < maxUnlockMs - 100; passed += 100) {
      unlockUntil(untilMs);
      pass(100);
      assert.equal(isOpen(), true);
    }
    pass(100);
    assert.equal(isOpen(), false);
    unlockUntil(untilMs);
    assert.equal(isOpen(), false);
  });

  for (const opening of ["granted", "reminded"] as const) {
    it(`shows ready and not ${opening} when its door has ended the lease earlier than the peer thinks`, () => {
      const { unlockUntil, show, isOpen, showsReady, green, pass, lock, unlock, time } = withPeer();
      const untilMs = time.nowMs() + 2 * maxUnlockMs;
      for (let passed = 0; passed < maxUnlockMs; passed += 100) {
        unlockUntil(untilMs);
        show(opening);
        assert.deepEqual([isOpen(), green.isActive], [true, true]);
        pass(100);
      }
      unlockUntil(untilMs);
      show(opening);
      assert.deepEqual([isOpen(), showsReady()], [false, true]);
      pass(400);
      show(opening);
      assert.equal(showsReady(), true, "and blinks no fault");
      lock();
      unlock();
      show(opening);
      assert.deepEqual([isOpen(), green.isActive], [true, true]);
    });
  }

  it("tells what its outputs met, and a broken LED does not keep the lock", () => {
    const { unlock, lock, show, isOpen, holder, line, green } = withPeer();
    green.failures = { count: 1 };
    unlock();
    show("granted");
    assert.equal(isOpen(), true);
    assert.deepEqual(holder.account().failures, {
      door: null,
      indicator: { code: "gpio-failed", message: "the line failed" },
    });
    assert.equal(holder.isSound, true);
    line.failures = { count: 1 };
    lock();
    assert.equal(holder.isSound, false);
    assert.equal(holder.account().failures.door?.code, "gpio-failed");
    lock();
    show("ready");
    assert.deepEqual(holder.account().failures, { door: null, indicator: null });
  });
});

type Step =
  | { readonly kind: "lock" }
  | { readonly kind: "greet" | "lose" }
  | { readonly kind: "unlock"; readonly ms: number; readonly ageMs: number }
  | { readonly kind: "pass"; readonly ms: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.constant<Step>({ kind: "lock" }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("unlock" as const),
      ms: fc.oneof(
        { weight: 1, arbitrary: fc.integer({ min: -10, max: 0 }) },
        { weight: 5, arbitrary: fc.integer({ min: 1, max: 5000 }) },
      ),
      ageMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 700 })),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant("pass" as const), ms: fc.integer({ min: 1, max: 700 }) }),
  },
  { weight: 2, arbitrary: fc.constant<Step>({ kind: "greet" }) },
  { weight: 1, arbitrary: fc.constant<Step>({ kind: "lose" }) },
);

/** A holder, and beside it what its peer has earned, told independently. */
class Walk {
  readonly bench = makeHolder();
  /** The last step was an order to open, or to lock, with green. */
  hasShown = false;
  #isThere = false;
  hasSaidLock = false;
  #freshMs = -Infinity;
  #leaseEndMs = -Infinity;

  get isEarned(): boolean {
    const nowMs = this.bench.time.nowMs();
    const isFresh = nowMs - this.#freshMs <= silenceMs;
    return this.#isThere && this.hasSaidLock && isFresh && nowMs < this.#leaseEndMs;
  }

  take(step: Step): void {
    const { holder, pass, time } = this.bench;
    this.hasShown = false;
    switch (step.kind) {
      case "greet":
        if (this.#isThere) break;
        holder.greet();
        [this.#isThere, this.hasSaidLock] = [true, false];
        break;
      case "lose":
        holder.lose();
        this.#isThere = false;
        break;
      case "pass":
        pass(step.ms);
        if (time.nowMs() - this.#freshMs > silenceMs) this.hasSaidLock = false;
        break;
      case "lock":
      case "unlock":
        if (this.#isThere) this.#order(step);
    }
  }

  #order(step: Extract<Step, { kind: "lock" | "unlock" }>): void {
    const { lock, unlock, show, time } = this.bench;
    const ageMs = step.kind === "unlock" ? step.ageMs : 0;
    if (step.kind === "unlock") unlock(step.ms, ageMs);
    else lock();
    // A daemon that takes its word for the deed.
    show("granted", ageMs);
    if (ageMs > silenceMs) return;
    this.hasShown = true;
    this.#freshMs = time.nowMs() - ageMs;
    this.hasSaidLock ||= step.kind === "lock";
    this.#leaseEndMs = step.kind === "lock" ? -Infinity : time.nowMs() + Math.min(step.ms, maxUnlockMs);
  }
}

test("whatever a peer does, the door is open only for one that is there, has said lock, speaks and has a lease; green lies for nobody", () => {
  let opened = 0;
  let denied = 0;
  fc.assert(
    fc.property(fc.array(step, { minLength: 5, maxLength: 40 }), (random) => {
      const steps: readonly Step[] = [{ kind: "greet" }, { kind: "lock" }, ...random];
      const walk = new Walk();
      for (const each of steps) {
        walk.take(each);
        assert.equal(walk.bench.isOpen(), walk.isEarned, JSON.stringify(each));
        if (walk.isEarned) opened++;
        if (!walk.hasShown) continue;
        assert.equal(walk.bench.green.isActive, walk.isEarned, JSON.stringify(each));
        if (!walk.isEarned && walk.hasSaidLock && each.kind === "unlock") denied++;
      }
    }),
    { numRuns: 300 },
  );
  assert.ok(opened > 300, `opened ${opened} times only`);
  assert.ok(denied > 20, `green was denied to an unlock that may come ${denied} times only`);
});
