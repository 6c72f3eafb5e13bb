import assert from "node:assert/strict";
import { test } from "node:test";
import { providerDoubt } from "../../src/update-work.ts";

const passedOver = [{ provider: "cuda", reason: "no such device" }];
const both = ["cuda", "cpu"];

for (const [what, provider, daemonRuns, asked, says] of [
  ["the daemon's provider, though another is asked for", "cpu", "cpu", both, undefined],
  ["the provider that is asked for first, without a daemon", "cuda", undefined, both, undefined],
  [
    "another one than the daemon's, though it is asked for first",
    "cuda",
    "cpu",
    both,
    "the new model was tested on cuda, but the daemon runs cpu; only the probation tests it there",
  ],
  [
    "another one than the daemon's, with the reason",
    "cpu",
    "cuda",
    both,
    "the new model was tested on cpu, but the daemon runs cuda (here: no such device); only the probation tests it there",
  ],
  [
    "another one than is asked for, without a daemon",
    "cpu",
    undefined,
    both,
    "the new model was tested on cpu, but model.providers asks for cuda (here: no such device); only the probation tests it there",
  ],
] as const) {
  test(`a test on ${what}, is ${says === undefined ? "no doubt" : "said"}`, () => {
    assert.equal(
      providerDoubt({ provider, passedOver: provider === "cpu" ? passedOver : [] }, daemonRuns, asked),
      says,
    );
  });
}
