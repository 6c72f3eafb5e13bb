/** `maskgate doctor` as a user runs it: on a replay and a pipeline with the real models, and on a camera that is not there. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("../../src/main.js", import.meta.url));

const folder = mkdtempSync(path.join(tmpdir(), "maskgate-doctor-"));
process.once("exit", () => {
  rmSync(folder, { recursive: true, force: true });
});
mkdirSync(path.join(folder, "frames"));
copyFileSync("test/fixtures/masked/sample1-masked.png", path.join(folder, "frames", "1.png"));

const replayOf = (frames: string): string =>
  `source = "replay"\n[camera.replay]\npath = ${JSON.stringify(path.join(folder, frames))}`;

function doctor(camera: string, ...args: readonly string[]) {
  const file = path.join(folder, "config.toml");
  writeFileSync(
    file,
    `[camera]\n${camera}\n` +
      `[model]\nproviders = ["cpu"]\n[access]\nmaxGapMs = 10000\n[status]\nsocketPath = ${JSON.stringify(path.join(folder, "s.sock"))}\n`,
  );
  return spawnSync(process.execPath, [program, "doctor", "--config", file, ...args], {
    encoding: "utf8",
  });
}

test("camera, model and speed are looked at for real", () => {
  const { status, stdout, stderr } = doctor(replayOf("frames"));
  assert.equal(status, 0, stdout + stderr);
  assert.match(stdout, /^ok {4}camera .* frames\/s, 10 asked for$/m);
  assert.match(stdout, /^ok {4}model .* on cpu, \w+; its self-test passed$/m);
  assert.match(stdout, /^ok {4}detector /m);
  assert.match(stdout, /^ok {4}sight /m);
  assert.match(stdout, /^warn {2}lines .*simulated/m);
});

test("a camera that gives smaller pictures than asked for is told, by a pipeline that has it for itself", () => {
  const lone = path.join(folder, "lone-gst-launch");
  // Two at once cannot run, as with a device that only one can open.
  writeFileSync(lone, `#!/bin/sh\nexec flock -n ${folder}/lock gst-launch-1.0 "$@"\n`, { mode: 0o755 });
  const { stdout, stderr } = doctor(
    `source = "gstreamer"\n[camera.gstreamer]\npreset = "custom"\nprogram = ${JSON.stringify(lone)}\n` +
      'pipeline = "videotestsrc is-live=true ! video/x-raw,width=160,height=120"',
  );
  assert.match(stdout, /^ok {4}camera .*640x480 at/m, stdout + stderr);
  assert.match(stdout, /^warn {2}picture .*the camera gives 160x120, brought to the 640x480/m);
  assert.equal(stdout.match(/^.{4} {2}picture /gm)?.length, 1);
});

test("a camera that is not there fails, says what to do, and the other rows are there; --json too", () => {
  const { status, stdout } = doctor(replayOf("none"), "--json");
  assert.equal(status, 1);
  const told = JSON.parse(stdout) as {
    isWell: boolean;
    findings: { name: string; kind: string; mend?: string }[];
  };
  assert.equal(told.isWell, false);
  const camera = told.findings.find(({ name }) => name === "camera");
  assert.deepEqual([camera?.kind, typeof camera?.mend], ["fail", "string"]);
  assert.equal(told.findings.find(({ name }) => name === "model")?.kind, "ok");
});

test("a configuration that is wrong fails with a row for each problem; the machine is looked at all the same", () => {
  const file = path.join(folder, "wrong.toml");
  writeFileSync(file, "[camera]\nwidth = 3\n[log]\nlevel = 'loud'\n");
  const args = [program, "doctor", "--config", file];
  const { status, stderr, stdout } = spawnSync(process.execPath, args, { encoding: "utf8" });
  assert.equal(status, 1);
  assert.equal(stderr, "");
  assert.match(stdout, /^FAIL {2}configuration .*unknown key camera\.width/m);
  assert.match(stdout, /^FAIL {2}configuration .*log\.level/m);
  assert.match(stdout, /^ok {4}clock /m);
  assert.doesNotMatch(stdout, / (camera|model) {3}/);
});
