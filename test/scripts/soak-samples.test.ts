import assert from "node:assert/strict";
import { test } from "node:test";
import {
  metricOf,
  residentBytes,
  soakTable,
  verdictOf,
  type SoakSample,
} from "../../scripts/soak-samples.ts";

function samples(of: (second: number) => Partial<SoakSample>, seconds = 180): SoakSample[] {
  return Array.from({ length: seconds + 1 }, (_, second) => ({
    atMs: second * 1000,
    residentBytes: 200e6,
    delayP99Ms: 3,
    framesDecided: 50 + second * 10,
    ...of(second),
  }));
}

test("a steady daemon passes", () => {
  const verdict = verdictOf(samples(() => ({})));
  assert.deepEqual(verdict.failures, []);
  assert.equal(verdict.framesPerSecond, 10);
  assert.equal(verdict.growth, 0);
  assert.match(soakTable(verdict, 1), /soak passed/);
});

test("a leak fails: memory that grows by more than a tenth between first and last minute", () => {
  const leaks = (bytesOfSecond: number): readonly string[] =>
    verdictOf(samples((second) => ({ residentBytes: 200e6 + second * bytesOfSecond }))).failures;
  assert.deepEqual(leaks(100_000), []);
  assert.equal(leaks(200_000).length, 1);
});

test("one minute with a slow main thread fails", () => {
  const verdict = verdictOf(samples((second) => ({ delayP99Ms: second === 90 ? 20 : 3 })));
  assert.equal(verdict.failures.length, 1);
  assert.match(soakTable(verdict, 1), /FAILED/);
});

test("a daemon that decides nothing, or says nothing of its delay, fails", () => {
  assert.equal(verdictOf(samples(() => ({ framesDecided: 7 }))).failures.length, 1);
  assert.equal(verdictOf(samples(() => ({ delayP99Ms: NaN }))).failures.length, 1);
});

test("less than two minutes say nothing", () => {
  assert.throws(() => verdictOf(samples(() => ({}), 100)), /two minutes/);
});

test("a metric is found by its whole name", () => {
  const text = "# HELP a_b x\na_b_total 7\na_b 2.5\n";
  assert.equal(metricOf(text, "a_b"), 2.5);
  assert.ok(Number.isNaN(metricOf(text, "b")));
});

test("the memory of a process is read from the kernel", async () => {
  const bytes = await residentBytes(process.pid);
  assert.ok(bytes > 10e6 && bytes < 4e9, `${bytes}`);
});
