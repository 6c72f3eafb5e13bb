/** What `maskgate bundle inspect` prints for people. */
import type { BundleManifest } from "./update/bundle-manifest.ts";
import type { KeyId } from "./update/bundle-signature.ts";

/** A bundle in lines. */
export function bundleText(manifest: BundleManifest, signer: KeyId | undefined): readonly string[] {
  const { name, version, modelVersion, compatible, leastDaemonVersion, threshold, golden, retires } =
    manifest;
  const rows = [
    ["model", `${name} ${modelVersion}`],
    ["version", `${version}`],
    ["signature", signer === undefined ? "none" : `by ${signer} (not checked; \`bundle verify\` does)`],
    ["boards", compatible === "any" ? "any" : compatible.join(", ")],
    ["needs", `maskgate ${leastDaemonVersion}`],
    ["threshold", `${threshold}`],
    ["self-test", `${golden.masked.length} pictures within ${golden.tolerance}`],
    ["retires", retires.length > 0 ? retires.join(", ") : "no key"],
    ...manifest.parts.map((part) => [part.name, `${part.sizeBytes} bytes, sha256 ${part.sha256}`]),
    ...manifest.metrics.map(({ name: kind, label, rate, n }) => [
      kind,
      `${(100 * rate).toFixed(1)} % accepted of ${n}${label === 1 ? ", to be accepted" : ""}`,
    ]),
  ];
  const width = Math.max(...rows.map(([head = ""]) => head.length));
  return rows.map(([head = "", text = ""]) => `${head.padEnd(width)}  ${text}`);
}
