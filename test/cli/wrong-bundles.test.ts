/** Bundles that are signed and whole, and that this kiosk refuses for what it knows of itself. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { before, describe, it } from "node:test";
import { bundleFile } from "../../src/bundle-file.ts";
import { readPrivateKey } from "../../src/bundle-keys.ts";
import { openUnverified } from "../../src/update/bundle-reader.ts";
import { signManifest } from "../../src/update/bundle-signature.ts";
import { bundleChunks, manifestBytes, statedPart } from "../../src/update/bundle-writer.ts";
import { MemorySink } from "../update/sample-bundle.ts";
import { maskgateOnBoard, startDaemon, stop } from "./probe.ts";
import { at, bundle, done, makeKey, put, record, stick, stickKiosk, update } from "./stick-kiosk.ts";

const state = { config: "" };

/** Other pictures in `golden.bin`, and a manifest that states them, signed again: what they should give is wrong now. */
async function invertPictures(file: string): Promise<void> {
  const sink = new MemorySink();
  await using opened = await openUnverified(bundleFile(file));
  await opened.readParts(sink);
  const parts = [...sink.files].map(([name, bytes]) => ({
    name,
    bytes: name === "golden.bin" ? bytes.map((byte) => 255 - byte) : bytes,
  }));
  const bytes = manifestBytes({ ...opened.signed.manifest, parts: parts.map(statedPart) });
  const signature = signManifest(bytes, await readPrivateKey(at("k.key.pem")));
  writeFileSync(file, Buffer.concat([...bundleChunks(bytes, signature, parts)]));
}

describe("a bundle that is signed and whole", { concurrency: 1 }, () => {
  before(async () => {
    state.config = await stickKiosk();
  });

  it("is refused if the model says something else of the pictures in it", async () => {
    await invertPictures(await bundle(1));
    await done("bundle", "verify", at("v1.maskgate"), "--keys", at("keys"));
    put(1);
    const { code, out } = await update(state.config);
    assert.equal(code, 1);
    assert.match(out, /the model gives [\d.e-]+ for picture 0 of golden\.bin where its trainer got/);
    assert.match(out, /update refused/);
    assert.equal((await record(state.config)).active.place, "packaged");
  });

  it("is refused on another board than it is for, and by its own only for what comes after that", async () => {
    await bundle(2, { terms: ["--compatible", "acme,door acme,gate", "--least-daemon", "99.0.0"] });
    put(2);
    const { code, out } = await update(state.config);
    assert.equal(code, 1);
    assert.match(out, /is for acme,door or acme,gate and this is a board without a name; bring/);
    const args = ["update", "--stick", stick, "--config", state.config];
    const other = await maskgateOnBoard(["other,door", "acme,chip"], ...args);
    assert.match(other.out, /is for acme,door or acme,gate and this is other,door or acme,chip; bring/);
    const own = await maskgateOnBoard(["acme,gate", "acme,chip"], ...args);
    assert.match(own.out, /needs maskgate 99\.0\.0/);
  });

  it("is refused once a bundle that proved good has retired the key that signed it", async () => {
    const old = await makeKey("old");
    await makeKey("new");
    await bundle(3, { key: "new", terms: ["--retires", old] });
    await bundle(4, { key: "old" });
    const daemon = await startDaemon(state.config);
    try {
      put(3);
      assert.equal((await update(state.config)).code, 0);
    } finally {
      await stop(daemon);
    }
    assert.match(await done("model", "list", "--config", state.config), /up to version 3; 1 keys retired/);
    await done("bundle", "verify", at("v4.maskgate"), "--keys", at("keys"));
    put(4);
    const { code, out } = await update(state.config);
    assert.equal(code, 1);
    assert.match(out, new RegExp(`signed by the key ${old}, which was retired`));
    assert.equal((await record(state.config)).active.version, 3);
  });
});
