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
    version: fc.integer({ min: 1, max: 6 }),
    // Retiring is rare, as in life; else no key is left after a few bundles.
    retired: fc.option(fc.constantFrom(...keys), { freq: 8 }),
    isGood: fc.boolean(),
    /** Two bundles may have the same version. */
    content: fc.constantFrom("x", "y"),
  }),
  { minLength: 5, maxLength: 30 },
);

/** What the reader lets through: signed by a key in use, which it does not retire itself. */
function isReadable(signer: string, retires: readonly string[], ledger: Ledger): boolean {
  return !ledger.retired.includes(signer) && !retires.includes(signer);
}

/** The bundles that were good, signed by keys that still count: what a ledger boils down. */
type Goods = readonly { readonly signer: string; readonly version: number; readonly hash: string }[];

function isTwin(goods: Goods, { manifest, manifestSha256 }: SignedManifest): boolean {
  return goods.some(
    ({ signer, version, hash }) =>
      !manifest.retires.includes(signer) && version === manifest.version && hash !== manifestSha256,
  );
}

function highest({ counters }: Ledger, but: readonly string[] = []): number {
  const counted = Object.entries(counters).filter(([id]) => !but.includes(id));
  return Math.max(0, ...counted.map(([, version]) => version));
}

const seen = { admitted: 0, again: 0, older: 0, twin: 0, pardoned: 0, retiring: 0, healed: 0 };

/** A kiosk, and beside its ledger all that the ledger is made of. */
class Life {
  #ledger = emptyLedger;
  #goods: Goods = [];

  offer(bundle: SignedManifest, isGood: boolean): void {
    const { version, retires } = bundle.manifest;
    if (!isReadable(bundle.signer, retires, this.#ledger)) return;
    const isOlder = version < highest(this.#ledger, retires);
    const wanted = isOlder ? "older" : isTwin(this.#goods, bundle) ? "twin" : "admitted";
    const admission = admit(bundle, { ledger: this.#ledger, boards: [], daemonVersion: "0.1.0" });
    assert.equal(admission.kind === "refused" ? admission.reason : admission.kind, wanted);
    if (wanted !== "admitted") seen[wanted] += 1;
    else if (isGood) this.#markGood(bundle);
  }

  #markGood(bundle: SignedManifest): void {
    const { manifest, manifestSha256: hash, signer } = bundle;
    const { version, retires } = manifest;
    const before = this.#ledger;
    seen.admitted += 1;
    seen.retiring += retires.length;
    if (this.#goods.some((good) => good.hash === hash)) seen.again += 1;
    if (isTwin(this.#goods, { ...bundle, manifest: { ...manifest, retires: [] } })) seen.pardoned += 1;
    if (version < highest(before)) seen.healed += 1;
    const after = markedGood(before, bundle);
    assert.equal(highest(after), version, "the version that was good is the least from now on");
    assert.deepEqual(after.retired, [...new Set([...before.retired, ...retires])].sort());
    assert.ok(!after.retired.includes(signer), "a key is left that can sign");
    assert.ok(Object.keys(after.counters).every((id) => !after.retired.includes(id)));
    assert.deepEqual(Object.keys(after.bundles).sort(), Object.keys(after.counters).sort());
    this.#ledger = after;
    this.#goods = [...this.#goods, { signer, version, hash }].filter(
      (good) => !retires.includes(good.signer),
    );
  }
}

test("an admitted version is no lower than any that was good and no twin of one, but for those of keys it retires", () => {
  fc.assert(
    fc.property(offers, (all) => {
      const life = new Life();
      for (const { signer, version, retired, isGood, content } of all) {
        const retires = retired === null ? [] : [retired];
        const manifestSha256 = [content, version, ...retires].join(" ");
        const manifestBytes = Buffer.from(manifestSha256);
        life.offer(
          { manifest: { ...model, version, retires }, manifestBytes, manifestSha256, signer },
          isGood,
        );
      }
    }),
    { numRuns: 4000 },
  );
  for (const [state, count] of Object.entries(seen))
    assert.ok(count > 100, `reached ${state} only ${count} times`);
});
