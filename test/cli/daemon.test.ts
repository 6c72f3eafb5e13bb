/** `maskgate run` as a real process: what it does at the lock's line, says on its socket, and leaves behind. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { request } from "node:http";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import type { StatusSnapshot } from "../../src/core/status.ts";
import {
  concurrency,
  configFile,
  lockLine,
  maskgate,
  photograph,
  start,
  startDaemon,
  stop,
  temporaryFolder,
  until,
} from "./probe.ts";

const root = temporaryFolder();
let scenes = 0;

/** A folder of its own for one daemon, with one picture to replay. */
async function scene(brighten: boolean): Promise<string> {
  const folder = path.join(root, `scene-${++scenes}`);
  mkdirSync(path.join(folder, "frames"), { recursive: true });
  await photograph(path.join(folder, "frames/1.jpg"), brighten);
  return folder;
}

/** The events of the stream up to the first of this kind. */
async function eventsUntil(kind: string, socketPath: string): Promise<readonly string[]> {
  const asked = request({ socketPath, path: "/v1/events" }).end();
  const [response] = (await once(asked, "response")) as [AsyncIterable<Buffer>];
  const told: string[] = [];
  let rest = "";
  for await (const piece of response) {
    const parts = (rest + piece.toString()).split("\n\n");
    rest = parts.pop() ?? "";
    told.push(...parts);
    if (told.some((event) => event.includes(`event: ${kind}\n`))) break;
  }
  asked.destroy();
  return told;
}

describe("maskgate run", { concurrency }, () => {
  it("opens for whom the model takes for masked, and a SIGTERM locks the open door and ends well", async () => {
    const folder = await scene(true);
    const keys = { "access.unlockMs": 10_000, "access.framesToGrant": 2, "access.maxGapMs": 5000 };
    const daemon = await startDaemon(configFile(folder, keys));
    await until("an open lock", daemon, () => lockLine(folder) === "1\n");
    const { code, signal, out, err } = await stop(daemon);
    assert.deepEqual([code, signal, err], [0, null, ""]);
    assert.equal(lockLine(folder), "0\n");
    assert.equal(existsSync(path.join(folder, "status.sock")), false);
    const messages = out
      .trim()
      .split("\n")
      .map((line) => (JSON.parse(line) as { readonly msg: string }).msg);
    assert.deepEqual(messages, [
      "door locked",
      "model loaded",
      "status socket open",
      "access checking",
      "door unlocked",
      "access granted",
      "door locked",
      "stopping; door locked",
    ]);
  });

  it("a replay that plays once ends the daemon well, and bare faces opened nothing", async () => {
    const folder = await scene(false);
    const daemon = await startDaemon(
      configFile(folder, { "camera.replay.loop": false, "access.framesToGrant": 1 }),
    );
    const { code, out, err } = await daemon.ended;
    assert.deepEqual([code, err, lockLine(folder)], [0, "", "0\n"]);
    assert.doesNotMatch(out, /access granted/);
  });

  it("a lock that cannot be locked at the end is told, once in the log and in one line, with exit code 1", async () => {
    const folder = await scene(false);
    const daemon = await startDaemon(configFile(folder));
    // Again if need be: the daemon writes its levels there while this removes them.
    rmSync(path.join(folder, "gpio/gpiochip0/sim_gpio0"), {
      recursive: true,
      maxRetries: 100,
      retryDelay: 10,
    });
    await until("a fault", daemon, () => daemon.written.out.includes("access faulted"));
    const { code, out, err } = await stop(daemon);
    assert.equal(code, 1);
    assert.match(
      err,
      /^maskgate: GPIO chip "gpiochip0" line 0 \(maskgate-door\): cannot set its level: .*\n$/,
    );
    assert.equal(out.match(/"level":"error"/g)?.length, 1);
    assert.match(out, /"stopping; door unlocked"/);
  });

  it("replaces the stale socket of a daemon that died", async () => {
    const folder = await scene(false);
    const socketPath = path.join(folder, "status.sock");
    const listen = `require("net").createServer().listen(${JSON.stringify(socketPath)}, () => console.log("up"))`;
    const dying = spawn(process.execPath, ["-e", listen], { stdio: ["ignore", "pipe", "inherit"] });
    await once(dying.stdout, "data");
    dying.kill("SIGKILL");
    await once(dying, "close");
    assert.equal(existsSync(socketPath), true);
    const daemon = await startDaemon(configFile(folder));
    const now = await maskgate("status", "--json", "--socket", socketPath);
    assert.deepEqual([now.code, now.err], [0, ""]);
    assert.equal((await stop(daemon)).code, 0);
  });
});

describe("beside a live daemon", { concurrency }, () => {
  let folder = "";
  let socketPath = "";
  let config = "";
  let daemon: ReturnType<typeof start>;

  before(async () => {
    folder = await scene(false);
    socketPath = path.join(folder, "status.sock");
    config = configFile(folder);
    daemon = await startDaemon(config);
    await until("a decision", daemon, () => daemon.written.out.includes("access "));
  });
  after(() => stop(daemon));

  it("status tells what it sees, for programs and for people", async () => {
    const [json, text] = await Promise.all([
      maskgate("status", "--json", "--config", config),
      maskgate("status", "--config", config),
    ]);
    assert.deepEqual([json.code, json.err, text.code, text.err], [0, "", 0, ""]);
    const now = JSON.parse(json.out) as StatusSnapshot;
    assert.deepEqual(
      [now.door.kind, now.door.lock, now.model.name, now.camera.state],
      ["locked", "locked", "brightness", "streaming"],
    );
    assert.ok(now.camera.framesDecided > 0 && now.camera.framesDecided <= now.camera.framesDelivered);
    assert.ok(now.stages !== null && now.stages.detectMs > 0);
    assert.match(text.out, /^door +locked$/m);
    assert.match(text.out, /^model +brightness 1\.0\.0, float, on cpu$/m);
  });

  it("watch prints a head and a row for each decided frame, until it is told to stop", async () => {
    const watching = start("watch", "--config", config);
    await until("rows", watching, () => watching.written.out.split("\n").length > 4);
    const { code, signal, out, err } = await stop(watching);
    assert.deepEqual([code, signal, err], [0, null, ""]);
    const [head, ...rows] = out.trim().split("\n");
    assert.match(head ?? "", /^frame +faces +masked +access +door +LEDs +ms$/);
    for (const row of rows) assert.match(row, /^\d+ +\d+ .* locked +(red|amber|red\+amber) +(\d+|-)$/);
  });

  it("watch --json prints a snapshot for each", async () => {
    const watching = start("watch", "--json", "--socket", socketPath);
    await until("lines", watching, () => watching.written.out.split("\n").length > 3);
    const { code, out } = await stop(watching);
    assert.equal(code, 0);
    const decided = out
      .trim()
      .split("\n")
      .map((line) => (JSON.parse(line) as StatusSnapshot).camera.framesDecided);
    assert.ok((decided.at(-1) ?? 0) > (decided[0] ?? 0), decided.join());
  });

  it("the socket streams events", async () => {
    const told = await eventsUntil("frame", socketPath);
    assert.match(told[0] ?? "", /^event: state\n/m);
    assert.match(told.at(-1) ?? "", /^event: frame\ndata: \{/m);
  });

  it("a second daemon on its socket is refused before it touches a line", async () => {
    const { code, out, err } = await maskgate("run", "--config", config);
    assert.deepEqual([code, out], [2, ""]);
    assert.match(
      err,
      /^maskgate: \S+status\.sock: a live daemon has this socket; stop it or change status\.socketPath\n$/,
    );
  });

  it("a second daemon on its lines is refused with the holder's name", async () => {
    const other = configFile(folder, { "status.socketPath": path.join(folder, "other.sock") });
    const { code, out, err } = await maskgate("run", "--config", other);
    assert.deepEqual([code, out], [2, ""]);
    assert.match(
      err,
      new RegExp(
        `^maskgate: GPIO chip "gpiochip0" line 0 .*held by "maskgate-door" \\(process ${daemon.child.pid ?? 0}\\); .*\n$`,
      ),
    );
    assert.equal(lockLine(folder), "0\n");
  });
});
