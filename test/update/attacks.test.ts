/**
 * The attacks that the TUF specification lists, as far as they can come on a stick. Freezing a kiosk at an old version by
 * withholding bundles is none of them: there is no trusted clock at the door, and who holds the stick can always leave.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { admit, emptyLedger, markedGood, type Kiosk, type Ledger } from "../../src/update/admission.ts";
import { signManifest } from "../../src/update/bundle-signature.ts";
import { bundleChunks } from "../../src/update/bundle-writer.ts";
import { assertRefused } from "./refused.ts";
import {
  bundle,
  bytesOf,
  facility,
  inPieces,
  read,
  sample,
  spare,
  stranger,
  trust,
  type Change,
} from "./sample-bundle.ts";

type Signed = Extract<Awaited<ReturnType<typeof read>>, { kind: "read" }>["signed"];

async function signed(change: Change, retired: readonly string[] = []): Promise<Signed> {
  const reading = await read(bundle(change), { ...trust, retired });
  assert.equal(reading.kind, "read");
  return reading.signed;
}

function kiosk(change: Partial<Kiosk> = {}): Kiosk {
  return { ledger: emptyLedger, boards: ["nvidia,p3450-0000"], daemonVersion: "0.1.0", ...change };
}

/** The ledger after bundles that all proved good. */
async function after(...changes: readonly Change[]): Promise<Ledger> {
  let ledger = emptyLedger;
  for (const change of changes) ledger = markedGood(ledger, await signed(change));
  return ledger;
}

function assertNotAdmitted(bundle: Signed, at: Kiosk, reason: string, says: RegExp): void {
  const admission = admit(bundle, at);
  assert.equal(admission.kind, "refused");
  assert.equal(admission.reason, reason);
  assert.match(admission.message, says);
  assert.match(admission.message, /; /);
}

describe("arbitrary installation", () => {
  it("of a bundle that a stranger signed", async () => {
    const says = /signed by the key [0-9a-f]{16}, which this kiosk does not trust; sign/;
    await assertRefused(bundle({ signer: stranger }), "bundle-untrusted", says);
  });

  it("of a bundle that nobody signed", async () => {
    await assertRefused(bundle({ signer: null }), "bundle-untrusted", /the bundle is not signed; sign it/);
  });

  it("of a stranger's signature under the id of a trusted key", async () => {
    const { manifest, parts } = sample();
    const forged = { ...signManifest(manifest, stranger.secret), keyId: facility.trusted.id };
    const bytes = Buffer.concat([...bundleChunks(manifest, forged, parts)]);
    await assertRefused(
      bytes,
      "bundle-untrusted",
      /its manifest is not what the key [0-9a-f]{16} signed; get/,
    );
  });

  it("of a signature that is no signature", async () => {
    const bytes = bundle();
    const at = bytes.indexOf("ed25519 ");
    bytes.write("ED25519 ", at, "latin1");
    await assertRefused(bytes, "bad-bundle", /bundle\.sig is no signature; sign/);
  });

  it("of a signature in upper case, which would be a second form of one bundle", async () => {
    const bytes = bundle();
    const at = bytes.indexOf("ed25519 ");
    bytes.write(bytes.toString("latin1", at + 25, at + 153).toUpperCase(), at + 25, "latin1");
    await assertRefused(bytes, "bad-bundle", /bundle\.sig is no signature; sign/);
  });

  it("of a manifest changed after it was signed, without a byte of it being parsed", async () => {
    const bytes = bundle({ signer: stranger });
    for (const text of ["{", "\0\0\0", "[[["]) {
      bytes.write(text, 512, "latin1");
      await assertRefused(bytes, "bundle-untrusted", /does not trust/);
    }
  });
});

describe("rollback and replay", () => {
  it("to a version below one that was good", async () => {
    const ledger = await after({ manifest: { version: 8 } });
    const says = /has version 7, and 8 was good here before; bring a newer one/;
    assertNotAdmitted(await signed({}), kiosk({ ledger }), "older", says);
  });

  it("signed by the other trusted key", async () => {
    const ledger = await after({ manifest: { version: 8 } });
    assertNotAdmitted(await signed({ signer: spare }), kiosk({ ledger }), "older", /8 was good here before/);
  });

  it("of the very bundle that runs changes nothing", async () => {
    const running = await signed({});
    const ledger = markedGood(emptyLedger, running);
    assert.deepEqual(admit(running, kiosk({ ledger, running: running.manifestSha256 })), { kind: "already" });
    const again = await signed({ signer: spare });
    assert.deepEqual(admit(again, kiosk({ ledger, running: running.manifestSha256 })), { kind: "already" });
  });

  it("of a twin: another bundle of the very version that was good, under whichever key", async () => {
    const ledger = await after({});
    for (const signer of [facility, spare]) {
      const twin = await signed({ signer, graph: Buffer.from("withdrawn") });
      const says = /has version 7 as another bundle that was good here before; bring one of a higher version/;
      assertNotAdmitted(twin, kiosk({ ledger }), "twin", says);
      assert.deepEqual(admit(await signed({ signer }), kiosk({ ledger })), { kind: "admitted" });
    }
  });

  it("of a twin of which a ledger of old times knows no bundle is not seen, and kept out from the next good one on", async () => {
    const old = { ...(await after({})), bundles: {} };
    const twin = await signed({ graph: Buffer.from("withdrawn") });
    assert.deepEqual(admit(twin, kiosk({ ledger: old })), { kind: "admitted" });
    assertNotAdmitted(twin, kiosk({ ledger: markedGood(old, await signed({})) }), "twin", /another bundle/);
  });

  it("marked good below its key's counter lets neither the counter nor its bundle fall", async () => {
    const ledger = await after({ manifest: { version: 8 } });
    assert.deepEqual(markedGood(ledger, await signed({})), ledger);
  });

  it("of a version that was never good here does not count: the counter rises at mark-good only", async () => {
    const newer = await signed({ manifest: { version: 9 } });
    const ledger = await after({});
    assert.deepEqual(admit(newer, kiosk({ ledger })), { kind: "admitted" });
    assert.deepEqual(admit(await signed({}), kiosk({ ledger })), { kind: "admitted" });
    assert.deepEqual(markedGood(ledger, newer).counters, { [facility.trusted.id]: 9 });
  });
});

describe("mix-and-match", () => {
  const other = { graph: Buffer.from("b graph ".repeat(100)), manifest: { version: 8 } };

  it("of one bundle's manifest and another's model", async () => {
    const bytes = bytesOf({ ...sample(), parts: sample(other).parts });
    await assertRefused(bytes, "bad-bundle", /manifest\.json has the sha256 /);
  });

  it("of one bundle's manifest and another's graph alone", async () => {
    const [mine, theirs] = [sample(), sample(other)];
    const bytes = bytesOf({ ...mine, parts: [...mine.parts.slice(0, 3), ...theirs.parts.slice(3)] });
    await assertRefused(bytes, "bad-bundle", /model\.onnx has the sha256 /);
  });

  it("of one bundle's manifest and another's signature", async () => {
    const { manifest, parts } = sample();
    const signature = signManifest(sample(other).manifest, facility.secret);
    const bytes = Buffer.concat([...bundleChunks(manifest, signature, parts)]);
    await assertRefused(bytes, "bundle-untrusted", /its manifest is not what the key/);
  });

  for (const [field, model] of Object.entries({
    threshold: { threshold: 0.05 },
    input: { input: { name: "image", type: "uint8", shape: ["N", 2, 2, 3] } },
    output: { output: { name: "bare", type: "float32", shape: ["N"] } },
    name: { name: "other" },
    modelVersion: { version: "2.0.0" },
    graphs: { sha256: "0".repeat(64) },
  })) {
    it(`of a signed manifest and a model that states another ${field}`, async () => {
      await assertRefused(bundle({ model }), "bad-bundle", new RegExp(`differ in ${field}; make`));
    });
  }
});

describe("endless data", () => {
  /** These bytes, then as many more as anybody asks for. */
  function endless(start: Uint8Array): { chunks: AsyncGenerator<Uint8Array>; given: () => number } {
    let given = 0;
    async function* chunks(): AsyncGenerator<Uint8Array> {
      yield await Promise.resolve(start);
      for (;;) {
        given += 65_536;
        yield new Uint8Array(65_536);
      }
    }
    return { chunks: chunks(), given: () => given };
  }

  for (const [name, start] of Object.entries({
    "from the first byte": Buffer.alloc(0),
    "after the manifest's header": bundle().subarray(0, 512),
    "in the middle of the model": bundle().subarray(0, bundle().length - 1500),
    "after the end": bundle(),
  })) {
    it(name, async () => {
      const { chunks, given } = endless(start);
      await assertRefused(chunks, "bad-bundle", /; /);
      assert.ok(given() <= 3 * 65_536, `${given()} bytes were asked for`);
    });
  }

  it("is written nowhere beyond what the manifest states", async () => {
    const graph = Buffer.alloc(300_000);
    const reading = await read(inPieces(Buffer.concat([bundle({ graph }), graph]), 65_536));
    assert.equal(reading.kind, "refused");
    assert.equal(reading.sink.mostBytes, graph.length);
  });
});

describe("wrong software", () => {
  it("for another board", async () => {
    const bundle = await signed({ manifest: { compatible: ["nvidia,p3737-0000", "nvidia,p3668"] } });
    const says = /is for nvidia,p3737-0000 or nvidia,p3668 and this is nvidia,p3450-0000; bring/;
    assertNotAdmitted(bundle, kiosk(), "other-board", says);
    assertNotAdmitted(bundle, kiosk({ boards: [] }), "other-board", /a board without a name/);
    assert.equal(admit(bundle, kiosk({ boards: ["x", "nvidia,p3668"] })).kind, "admitted");
  });

  it("for a later daemon", async () => {
    const bundle = await signed({ manifest: { leastDaemonVersion: "0.10.2" } });
    for (const daemonVersion of ["0.10.1", "0.9.9", "0.10.1-rc.9", "0.2", "none"]) {
      assertNotAdmitted(
        bundle,
        kiosk({ daemonVersion }),
        "older-daemon",
        /needs maskgate 0\.10\.2 and this is/,
      );
    }
    for (const daemonVersion of ["0.10.2", "0.10.10", "0.11.0", "1.0.0"]) {
      assert.equal(admit(bundle, kiosk({ daemonVersion })).kind, "admitted");
    }
  });
});

it("extraneous dependencies: a bundle brings its model's files and no other", async () => {
  const more = { name: "libcudart.onnx", bytes: Buffer.from("\x7fELF") };
  await assertRefused(bundle({ parts: (parts) => [...parts, more] }), "bad-bundle", /differ in graphs/);
});

describe("a stolen key", () => {
  const [stolen, kept] = [facility.trusted.id, spare.trusted.id];
  const recovery: Change = { signer: spare, manifest: { version: 9, retires: [stolen] } };

  it("signs no more once a bundle by another key has retired it", async () => {
    const ledger = await after(recovery);
    const { manifestSha256 } = await signed(recovery);
    assert.deepEqual(ledger, {
      counters: { [kept]: 9 },
      bundles: { [kept]: manifestSha256 },
      retired: [stolen],
    });
    const says = /signed by the key [0-9a-f]{16}, which was retired; sign/;
    const bytes = bundle({ manifest: { version: 10 } });
    await assertRefused(bytes, "bundle-untrusted", says, { ...trust, retired: ledger.retired });
  });

  it("signs until that bundle has proved good", async () => {
    await signed(recovery);
    assert.equal((await read(bundle(), trust)).kind, "read");
  });

  it("cannot retire itself, so that the last key in use never goes", async () => {
    const bytes = bundle({ manifest: { retires: [kept, stolen] } });
    await assertRefused(
      bytes,
      "bundle-untrusted",
      /retires the key [0-9a-f]{16} that signed it; sign it with another/,
    );
  });

  it("that used up the highest version does not shut out the bundle that retires it (fast-forward)", async () => {
    const ledger = await after({ manifest: { version: 2 ** 31 - 1 } });
    assertNotAdmitted(
      await signed({ ...recovery, manifest: { version: 9 } }),
      kiosk({ ledger }),
      "older",
      /2147483647/,
    );
    const way = await signed(recovery);
    assert.equal(admit(way, kiosk({ ledger })).kind, "admitted");
    const healed = markedGood(ledger, way);
    assert.equal(
      admit(await signed({ signer: spare, manifest: { version: 10 } }), kiosk({ ledger: healed })).kind,
      "admitted",
    );
    const old = await signed({ signer: spare, manifest: { version: 8 } });
    assertNotAdmitted(old, kiosk({ ledger: healed }), "older", /9 was good/);
  });
});
