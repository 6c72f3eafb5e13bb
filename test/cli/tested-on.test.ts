/** A model is tested on the daemon's provider, or the journal says on which other. */
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { startDaemon, stop } from "./probe.ts";
import { bundle, kioskConfig, put, stickKiosk, update } from "./stick-kiosk.ts";

// There is no GPU here, so the updater falls through to the CPU.
const providers = { "model.providers": ["cuda", "cpu"] };
const state = { config: "" };

describe("a candidate that falls through to another provider", { concurrency: 1 }, () => {
  before(async () => {
    state.config = await stickKiosk(providers);
    await bundle(1);
    put(1);
  });

  it("is doubted in the journal if the daemon does not say that it runs there, too", async () => {
    const hasty = kioskConfig({ ...providers, "update.probationS": 1, "update.probationLimitS": 3 });
    const { out, err } = await update(hasty);
    assert.equal(err, "");
    assert.match(out, /tested on cpu, but model\.providers asks for cuda \(here: .+\); only the probation/);
    assert.match(out, /update rolled-back/);
  });

  it("is not if the daemon says that it runs there", async () => {
    const daemon = await startDaemon(kioskConfig({ "model.providers": ["cpu"] }));
    try {
      const { out, err } = await update(state.config);
      assert.equal(err, "");
      assert.match(out, /update good/);
      assert.doesNotMatch(out, /tested on/);
    } finally {
      await stop(daemon);
    }
  });
});
