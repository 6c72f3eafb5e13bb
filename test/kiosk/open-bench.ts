/** Where the scenarios of faults begin, and what each of them must show. */
import assert from "node:assert/strict";
import { masked } from "../core/scene.ts";
import { benchPolicy, KioskBench } from "../sim/kiosk-bench.ts";

export async function openBench(): Promise<KioskBench> {
  const bench = new KioskBench();
  await bench.start();
  await bench.frames(benchPolicy.framesToGrant, masked());
  assert.equal(bench.isOpen, true, "the scene begins with an open door");
  return bench;
}

export function assertFault(bench: KioskBench, source: string, code: string): void {
  assert.equal(bench.isOpen, false);
  assert.equal(bench.access, "faulted");
  assert.deepEqual([bench.now.fault?.source, bench.now.fault?.code], [source, code]);
  assert.ok(["red", "amber"].includes(bench.shining), `red or amber in turn, not ${bench.shining}`);
}
