import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { ownerOf, programCameraContract } from "./camera-contract.ts";
import { customCamera, gstreamer, isAlive, until } from "./camera-probe.ts";

programCameraContract(gstreamer);

test("GStreamer itself does not outlive a daemon that is killed", async () => {
  const daemon = await ownerOf("gstreamer", customCamera("videotestsrc is-live=true"));
  const pids = await childrenOf(daemon.pid ?? 0);
  assert.equal(pids.length, 1);
  assert.ok(pids.every(isAlive));
  daemon.kill("SIGKILL");
  await until("the program is gone", () => !pids.some(isAlive), 1000);
});

async function childrenOf(pid: number): Promise<readonly number[]> {
  const ps = spawn("ps", ["-o", "pid=", "--ppid", String(pid)], { stdio: ["ignore", "pipe", "inherit"] });
  const [text] = (await once(ps.stdout, "data")) as [Buffer];
  return text.toString().trim().split(/\s+/).map(Number);
}
