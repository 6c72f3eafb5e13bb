/** What a trainer measured comes with the bundle, whole, or no bundle is made. */
import assert from "node:assert/strict";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { bundleOf } from "../../src/bundle-create.ts";
import { maskgate, modelFolder, temporaryFolder } from "./probe.ts";

const folder = temporaryFolder();
const at = (...names: readonly string[]): string => path.join(folder, ...names);

/** What a model's manifest says of it. */
interface Measured {
  readonly metrics: {
    readonly byKind: readonly { readonly accepted: Readonly<Record<string, number>> }[];
  };
}

function read(file: string): unknown {
  return JSON.parse(readFileSync(file, "utf8"));
}

async function done(...args: readonly string[]): Promise<string> {
  const { code, out, err } = await maskgate(...args);
  assert.deepEqual([code, err], [0, ""]);
  return out;
}

test("a bundle of the model that ships carries every rate that its trainer measured, and a kiosk takes it", async () => {
  const [file, shipped] = [at("shipped.maskgate"), "models/mask-resnet50"];
  mkdirSync(at("keys"));
  await done("bundle", "keygen", "--out", at("k"));
  cpSync(at("k.pub.pem"), at("keys", "k.pub.pem"));
  await done("bundle", "create", shipped, "--version", "5", "--out", file, "--key", at("k.key.pem"));
  assert.match(
    await done("bundle", "verify", file, "--keys", at("keys")),
    /: mask-resnet50 5, whole, signed/,
  );
  const { metrics } = read(path.join(shipped, "manifest.json")) as Measured;
  const said = JSON.parse(await done("bundle", "inspect", file, "--json")) as { readonly metrics: unknown };
  assert.ok(metrics.byKind.length > 30);
  assert.deepEqual(
    said.metrics,
    metrics.byKind.map(({ accepted, ...kind }) => ({ ...kind, ...accepted })),
  );
});

const kind = { name: "masked", label: 1, accepted: { rate: 1, low: 0.9, high: 1, n: 9 } };
const { accepted, ...unmeasured } = kind;
const measured = { byKind: [kind, kind] };

for (const [what, metrics, says] of [
  ["no field of it", undefined, "metrics"],
  ["a list of another name", { kinds: measured.byKind }, "metrics.byKind"],
  [
    "rates of another name",
    { byKind: [kind, { ...unmeasured, taken: accepted }] },
    "metrics.byKind.1.accepted",
  ],
  [
    "a rate without its count",
    { byKind: [{ ...kind, accepted: { ...accepted, n: undefined } }] },
    "metrics.byKind.0.accepted.n",
  ],
] as const) {
  test(`${what} in the model's manifest is said by its name, and nothing is packed`, async () => {
    await assert.rejects(pack(what, metrics), (error: Error) => {
      const file = path.join(at(what), "manifest.json");
      assert.ok(error.message.startsWith(`${file}: ${says}: `), error.message);
      return true;
    });
  });
}

test("a model that was never measured says so, and brings no rates; a measured one brings its own", async () => {
  assert.deepEqual((await pack("never", null)).manifest.metrics, []);
  const { manifest } = await pack("measured", measured);
  assert.deepEqual(
    manifest.metrics,
    [1, 2].map(() => ({ ...unmeasured, ...accepted })),
  );
});

/** The stand-in model, with these metrics in its manifest. */
function pack(name: string, metrics: unknown): ReturnType<typeof bundleOf> {
  cpSync(modelFolder("brightness"), at(name), { recursive: true });
  const file = at(name, "manifest.json");
  writeFileSync(file, JSON.stringify({ ...(read(file) as object), metrics }));
  writeFileSync(at(name, "golden.json"), JSON.stringify({ recipe: "x", tolerance: 0.005, masked: [0.5] }));
  return bundleOf(at(name), { version: 1, compatible: "any", leastDaemonVersion: "0.1.0", retires: [] });
}
