/** Bundles from the command line, with real keys and models: what OpenSSL and GNU tar make and what maskgate makes are the same. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { before, describe, it } from "node:test";
import { concurrency, maskgate, maskgateWithoutModels, modelFolder, temporaryFolder } from "./probe.ts";

const folder = temporaryFolder();
const at = (...names: readonly string[]): string => path.join(folder, ...names);
const model = at("model");
const keys = at("keys");

/** Runs a program that must succeed. */
function run(program: string, ...args: readonly string[]): Buffer {
  const { status, stdout, stderr } = spawnSync(program, args);
  assert.equal(status, 0, `${program}: ${stderr.toString()}`);
  return stdout;
}

async function done(...args: readonly string[]): Promise<string> {
  const { code, out, err } = await maskgate(...args);
  assert.equal(err, "");
  assert.equal(code, 0);
  return out;
}

async function refused(says: RegExp, ...args: readonly string[]): Promise<void> {
  const { code, out, err } = await maskgateWithoutModels(...args);
  assert.match(err, says);
  assert.match(err, /^maskgate: [^\n]+\n$/);
  assert.deepEqual([code, out], [2, ""]);
}

before(async () => {
  cpSync(modelFolder("brightness"), model, { recursive: true });
  // What the model says of the six generated pictures is not asked here.
  writeFileSync(
    at("model", "golden.json"),
    JSON.stringify({ recipe: "x", tolerance: 0.005, masked: [0.5, 0.5] }),
  );
  mkdirSync(keys);
  mkdirSync(at("empty"));
  writeFileSync(at("note.txt"), "no bundle");
  run("openssl", "genpkey", "-algorithm", "ed25519", "-out", at("openssl.key.pem"));
  run("openssl", "pkey", "-in", at("openssl.key.pem"), "-pubout", "-out", at("keys", "openssl.pub.pem"));
  const made = await done("bundle", "keygen", "--out", at("facility"));
  assert.match(made, /^key [0-9a-f]{16}: \S+facility\.key\.pem signs, keep it off every kiosk; /);
  cpSync(at("facility.pub.pem"), at("keys", "facility.pub.pem"));
  // As macOS leaves it on every stick: no key.
  writeFileSync(at("keys", "._facility.pub.pem"), "\0\x05\x16\x07");
  await done("bundle", "create", model, "--version", "3", "--out", at("plain.maskgate"));
});

describe("bundles", { concurrency }, () => {
  it("keygen keeps the private key to its owner and OpenSSL reads both", () => {
    assert.equal(statSync(at("facility.key.pem")).mode & 0o777, 0o600);
    const text = run("openssl", "pkey", "-in", at("facility.key.pem"), "-pubout").toString();
    assert.equal(text, readFileSync(at("facility.pub.pem"), "utf8"));
  });

  it("signed by create with an OpenSSL-made key are verified", async () => {
    const file = at("created.maskgate");
    const terms = [
      "--compatible",
      "nvidia,p3450-0000 acme",
      "--least-daemon",
      "0.2.0",
      "--retires",
      "0123456789abcdef",
    ];
    const told = await done(
      ...[
        "bundle",
        "create",
        model,
        "--version",
        "4",
        "--out",
        file,
        "--key",
        at("openssl.key.pem"),
        ...terms,
      ],
    );
    const [, id = ""] = /signed by ([0-9a-f]{16})\n$/.exec(told) ?? [];
    const verified = await done("bundle", "verify", file, "--keys", keys);
    assert.match(
      verified,
      new RegExp(`created\\.maskgate: brightness 4, whole, signed by ${id} \\(\\S+openssl\\.pub\\.pem\\)`),
    );
    const said = JSON.parse(await done("bundle", "inspect", file, "--json")) as Record<string, unknown>;
    assert.deepEqual(
      [said["signer"], said["version"], said["compatible"], said["leastDaemonVersion"], said["retires"]],
      [id, 4, ["nvidia,p3450-0000", "acme"], "0.2.0", ["0123456789abcdef"]],
    );
    const text = await done("bundle", "inspect", file);
    assert.match(
      text,
      /^model {2,}brightness 1\.0\.0\nversion +4\nsignature +by [0-9a-f]{16} \(not checked; /,
    );
  });

  it("signed by OpenSSL itself are verified", async () => {
    const [file, manifest, raw] = [at("outside.maskgate"), at("bundle.json"), at("raw.sig")];
    cpSync(at("plain.maskgate"), file);
    writeFileSync(manifest, run("tar", "-xOf", file, "bundle.json"));
    run(
      "openssl",
      "pkeyutl",
      "-sign",
      "-rawin",
      "-inkey",
      at("openssl.key.pem"),
      "-in",
      manifest,
      "-out",
      raw,
    );
    await done("bundle", "sign", file, "--signature", raw, "--public-key", at("keys", "openssl.pub.pem"));
    assert.match(await done("bundle", "verify", file, "--keys", keys), /openssl\.pub\.pem/);
  });

  it("signed here are verified by OpenSSL", async () => {
    const file = at("ours.maskgate");
    cpSync(at("plain.maskgate"), file);
    await done("bundle", "sign", file, "--key", at("facility.key.pem"));
    writeFileSync(at("ours.json"), run("tar", "-xOf", file, "bundle.json"));
    const [, , hex = ""] = run("tar", "-xOf", file, "bundle.sig").toString().trim().split(" ");
    writeFileSync(at("ours.sig"), Buffer.from(hex, "hex"));
    const verify = ["-verify", "-rawin", "-pubin", "-inkey", at("facility.pub.pem")];
    const told = run("openssl", "pkeyutl", ...verify, "-in", at("ours.json"), "-sigfile", at("ours.sig"));
    assert.match(told.toString(), /Signature Verified Successfully/);
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.endsWith("ours.maskgate.part")),
      [],
    );
  });

  it("are what GNU tar writes, byte for byte", () => {
    const unpacked = at("unpacked");
    mkdirSync(unpacked);
    run("tar", "-xf", at("plain.maskgate"), "-C", unpacked);
    const names = run("tar", "-tf", at("plain.maskgate")).toString().trim().split("\n");
    assert.deepEqual(names, ["bundle.json", "manifest.json", "golden.json", "golden.bin", "model.onnx"]);
    for (const name of ["manifest.json", "golden.json", "model.onnx"]) {
      assert.deepEqual(readFileSync(path.join(unpacked, name)), readFileSync(path.join(model, name)));
    }
    const fixed = [
      "--format=ustar",
      "--owner=0",
      "--group=0",
      "--numeric-owner",
      "--mtime=@0",
      "--mode=0644",
      "-b1",
    ];
    run("tar", ...fixed, "-C", unpacked, "-cf", at("by-tar.maskgate"), ...names);
    assert.deepEqual(readFileSync(at("by-tar.maskgate")), readFileSync(at("plain.maskgate")));
  });
});

describe("refused", { concurrency }, () => {
  const out = ["--out", at("never.maskgate")];
  const create = ["bundle", "create", model, ...out];
  const refusals: readonly (readonly [string, RegExp, ...string[]])[] = [
    ["bundle alone", /bundle: say which of keygen, create, sign, verify, inspect; see/, "bundle"],
    ["an unknown word", /bundle: say which of /, "bundle", "dance"],
    ["no file", /bundle verify: name one FILE, but got 0; see/, "bundle", "verify"],
    ["two files", /bundle inspect: name one FILE, but got 2; see/, "bundle", "inspect", "a", "b"],
    ["keygen without a name", /bundle keygen: say with --out a name for/, "bundle", "keygen"],
    ["create without a version", /bundle create: say with --version a whole number/, ...create],
    [
      "create without a place",
      /bundle create: say with --out where to/,
      "bundle",
      "create",
      model,
      "--version",
      "1",
    ],
    ["version 0", /--version is a whole number from 1 to 2147483647, not "0"/, ...create, "--version", "0"],
    ["version 1.0.0", /--version is a whole number .*, not "1\.0\.0"/, ...create, "--version", "1.0.0"],
    ["a board that is a path", /compatible\.?\S*: /, ...create, "--version", "1", "--compatible", "a/b"],
    [
      "a daemon of no version",
      /leastDaemonVersion: must be a/,
      ...create,
      "--version",
      "1",
      "--least-daemon",
      "new",
    ],
    [
      "a name for a key id",
      /retires\.0: must be a key's id/,
      ...create,
      "--version",
      "1",
      "--retires",
      "facility",
    ],
    [
      "a key that is none",
      /note\.txt: no private key; /,
      ...create,
      "--version",
      "1",
      "--key",
      at("note.txt"),
    ],
    [
      "a key that is not there",
      /no\.pem: cannot be read: .*; name a key/,
      ...create,
      "--version",
      "1",
      "--key",
      "no.pem",
    ],
    [
      "a place that is taken",
      /note\.txt is there already; name another file/,
      ...["bundle", "create", model, "--version", "1", "--out", at("note.txt")],
    ],
    [
      "a model without a self-test",
      /golden\.json is missing, so no kiosk could test the model; export it/,
      ...["bundle", "create", modelFolder("brightness"), "--version", "1", ...out],
    ],
    ["sign without a key", /bundle sign: give --key, or --signature/, "bundle", "sign", at("note.txt")],
    [
      "sign what is no bundle",
      /note\.txt: it ends within the header of bundle\.json; /,
      ...["bundle", "sign", at("note.txt"), "--key", at("facility.key.pem")],
    ],
    [
      "a signature of something else",
      /note\.txt: is no signature of this bundle's manifest by \S+facility\.pub\.pem; sign/,
      ...["bundle", "sign", at("plain.maskgate"), "--signature", at("note.txt")],
      ...["--public-key", at("facility.pub.pem")],
    ],
    [
      "no keys",
      /no-keys: cannot be read: .*; name a folder/,
      "bundle",
      "verify",
      "x",
      "--keys",
      at("no-keys"),
    ],
    [
      "an empty folder of keys",
      /empty: holds no key \*\.pem; put/,
      "bundle",
      "verify",
      "x",
      "--keys",
      at("empty"),
    ],
    [
      "an unsigned bundle",
      /plain\.maskgate: the bundle is not signed; sign it with/,
      ...["bundle", "verify", at("plain.maskgate"), "--keys", keys],
    ],
    ["a folder", /empty: cannot be read: this is no file; /, "bundle", "verify", at("empty"), "--keys", keys],
    [
      "a file that is not there",
      /no\.maskgate: cannot be read: ENOENT.*; /,
      "bundle",
      "inspect",
      at("no.maskgate"),
    ],
  ];
  for (const [name, says, ...args] of refusals) it(name, () => refused(says, ...args));

  it("a private key in the folder of trusted ones, and a key that is there twice", async () => {
    for (const [name, files, says] of [
      ["leaked", ["facility.key.pem"], /this is a private key; keep it with its owner/],
      ["twice", ["facility.pub.pem", "facility.pub.pem"], /has the id of \S+0\.pem; remove one/],
    ] as const) {
      mkdirSync(at(name));
      for (const [k, file] of files.entries()) cpSync(at(file), at(name, `${k}.pem`));
      await refused(says, "bundle", "verify", at("plain.maskgate"), "--keys", at(name));
    }
  });

  it("a bundle that would retire the key that signs it", async () => {
    const pem = at("facility.key.pem");
    const id = /key ([0-9a-f]{16})/.exec(await done("bundle", "keygen", "--out", at("third")))?.[1] ?? "";
    const args = [...create, "--version", "1", "--key", at("third.key.pem"), "--retires", id];
    await refused(/retires the key [0-9a-f]{16} that would sign it; sign with another/, ...args);
    await done("bundle", "create", model, ...out, "--version", "1", "--key", pem, "--retires", id);
  });
});
