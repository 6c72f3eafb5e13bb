/**
 * Whether a kiosk takes a bundle that a trusted key has signed, and what the kiosk remembers of the bundles that proved
 * good. It promises: no version below one that was marked good comes back, no other bundle of that very version either (a twin
 * that was withdrawn), and a retired key never signs again.
 *
 * The counter is kept by the key that signed. A stolen key can use up the highest version; the bundle that retires it is
 * compared without that key's counter, so the kiosk can still be updated. Everything else is compared with all.
 */
import type { SignedManifest } from "./bundle-reader.ts";
import type { KeyId } from "./bundle-signature.ts";

/** What a kiosk keeps of bundles that were marked good. It changes by `markedGood` only. */
export interface Ledger {
  /** The highest version that was marked good, by the key that signed it. */
  readonly counters: Readonly<Record<KeyId, number>>;
  /** `manifestSha256` of the bundle that brought each counter there; of counters from before this was kept there is none. */
  readonly bundles: Readonly<Record<KeyId, string>>;
  readonly retired: readonly KeyId[];
}

/** Of a kiosk that never had a bundle. */
export const emptyLedger: Ledger = { counters: {}, bundles: {}, retired: [] };

/** The kiosk that a bundle comes to. */
export interface Kiosk {
  readonly ledger: Ledger;
  /** What it calls its board, as in the device tree's `compatible`. */
  readonly boards: readonly string[];
  readonly daemonVersion: string;
  /** `manifestSha256` of the bundle whose model runs; absent for the packaged model, and for one that is damaged or does not load. */
  readonly running?: string | undefined;
}

export type RefusalReason = "older" | "twin" | "other-board" | "older-daemon";

/** `already`: this very bundle runs; there is nothing to do. */
export type Admission =
  | { readonly kind: "admitted" }
  | { readonly kind: "already" }
  | { readonly kind: "refused"; readonly reason: RefusalReason; readonly message: string };

/** What the kiosk says to the bundle. */
export function admit(bundle: SignedManifest, { ledger, boards, daemonVersion, running }: Kiosk): Admission {
  const { version, compatible, leastDaemonVersion } = bundle.manifest;
  if (bundle.manifestSha256 === running) return { kind: "already" };
  if (compatible !== "any" && !compatible.some((board) => boards.includes(board))) {
    const mine = boards.length > 0 ? boards.join(" or ") : "a board without a name";
    return refused(
      "other-board",
      `is for ${compatible.join(" or ")} and this is ${mine}; bring the bundle made for it`,
    );
  }
  if (isOlder(daemonVersion, leastDaemonVersion)) {
    const text = `needs maskgate ${leastDaemonVersion} and this is ${daemonVersion}; update maskgate first`;
    return refused("older-daemon", text);
  }
  const counted = countedFor(bundle, ledger);
  const least = Math.max(0, ...counted.map(([, counter]) => counter));
  if (version < least)
    return refused("older", `has version ${version}, and ${least} was good here before; bring a newer one`);
  const isTwin = counted.some(([id, counter]) => {
    const good = ledger.bundles[id];
    return counter === version && good !== undefined && good !== bundle.manifestSha256;
  });
  if (!isTwin) return { kind: "admitted" };
  const text = `has version ${version} as another bundle that was good here before; bring one of a higher version`;
  return refused("twin", text);
}

/** What the kiosk remembers once the bundle's model has proved itself. */
export function markedGood(ledger: Ledger, { manifest, manifestSha256, signer }: SignedManifest): Ledger {
  const retired = [...new Set([...ledger.retired, ...manifest.retires])].sort();
  const kept = <T>(all: Readonly<Record<KeyId, T>>): Readonly<Record<KeyId, T>> =>
    Object.fromEntries(Object.entries(all).filter(([id]) => !retired.includes(id)));
  const isCounted = manifest.version >= (ledger.counters[signer] ?? 0);
  return {
    counters: kept(isCounted ? { ...ledger.counters, [signer]: manifest.version } : ledger.counters),
    bundles: kept(isCounted ? { ...ledger.bundles, [signer]: manifestSha256 } : ledger.bundles),
    retired,
  };
}

/** The counters that a bundle is compared with. */
function countedFor(
  { manifest, signer }: SignedManifest,
  { counters }: Ledger,
): readonly (readonly [KeyId, number])[] {
  return Object.entries(counters).filter(([id]) => id === signer || !manifest.retires.includes(id));
}

/** Compares numbers between dots; what follows a dash is passed over. */
function isOlder(version: string, than: string): boolean {
  const [mine, wanted] = [numbersOf(version), numbersOf(than)];
  const k = wanted.findIndex((number, i) => number !== mine[i]);
  return k >= 0 && !((mine[k] ?? Number.NaN) > (wanted[k] ?? 0));
}

function numbersOf(version: string): readonly number[] {
  return (version.split(/[-+]/, 1)[0] ?? "").split(".").map(Number);
}

function refused(reason: RefusalReason, message: string): Admission {
  return { kind: "refused", reason, message };
}
