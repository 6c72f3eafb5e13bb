/** Random lives of a kiosk: whatever bundles come and prove good, its ledger lets nothing back in. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { admit, emptyLedger, markedGood, type Ledger } from "../../src/update/admission.ts";
import { parseManifest } from "../../src/update/bundle-manifest.ts";
import type { SignedManifest } from "../../src/update/bundle-reader.ts";
import { sample } from "./sample-bundle.ts";

const keys = ["a", "b", "c"].map((letter) => letter.repeat(16));
const model = parseManifest(sample().manifest, "sample");

const offers = fc.array(
  fc.record({
    signer: fc.constantFrom(...keys),
    version: fc.integer({ min: 1, max: 12 }),
    // Retiring is rare, as in life; else no key is left after a few bundles.
    retired: fc.option(fc.constantFrom(...keys), { freq: 8 }),
    isGood: fc.boolean(),
  }),
  { minLength: 5, maxLength: 30 },
);

/** What the reader lets through: signed by a key in use, which it does not retire itself. */
function isReadable(signer: string, retires: readonly string[], ledger: Ledger): boolean {
  return !ledger.retired.includes(signer) && !retires.includes(signer);
}

function highest({ counters }: Ledger, but: readonly string[] = []): number {
  const counted = Object.entries(counters).filter(([id]) => !but.includes(id));
  return Math.max(0, ...counted.map(([, version]) => version));
}

test("an admitted version is no lower than any that was good, but for those of keys it retires", () => {
  const seen = { admitted: 0, older: 0, retiring: 0, healed: 0 };
  fc.assert(
    fc.property(offers, (all) => {
      let ledger: Ledger = emptyLedger;
      for (const { signer, version, retired, isGood } of all) {
        const retires = retired === null ? [] : [retired];
        if (!isReadable(signer, retires, ledger)) continue;
        const bundle: SignedManifest = {
          manifest: { ...model, version, retires },
          manifestSha256: "",
          signer,
        };
        const { kind } = admit(bundle, { ledger, boards: [], daemonVersion: "0.1.0" });
        assert.equal(kind, version >= highest(ledger, retires) ? "admitted" : "refused");
        if (kind === "refused") seen.older += 1;
        if (kind === "refused" || !isGood) continue;
        if (version < highest(ledger)) seen.healed += 1;
        const before = ledger;
        ledger = markedGood(ledger, bundle);
        seen.admitted += 1;
        seen.retiring += retires.length;
        assert.equal(highest(ledger), version, "the version that was good is the least from now on");
        assert.deepEqual(ledger.retired, [...new Set([...before.retired, ...retires])].sort());
        assert.ok(!ledger.retired.includes(signer), "a key is left that can sign");
        assert.ok(Object.keys(ledger.counters).every((id) => !ledger.retired.includes(id)));
      }
    }),
    { numRuns: 1500 },
  );
  for (const [state, count] of Object.entries(seen))
    assert.ok(count > 100, `reached ${state} only ${count} times`);
});
