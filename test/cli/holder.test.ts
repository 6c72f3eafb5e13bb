/** Daemon and holder as two real processes: what each of them logs and counts of the door. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { ask } from "../io/status-probe.ts";
import {
  configFile,
  lockLine,
  photograph,
  program,
  pullLine,
  startDaemon,
  startHolder,
  stop,
  temporaryFolder,
  until,
} from "./probe.ts";

const folder = temporaryFolder();
const tamper = 7;
const contact = 4;

const messages = (out: string): readonly string[] =>
  out
    .trim()
    .split("\n")
    .map((line) => (JSON.parse(line) as { readonly msg: string }).msg);

test("what happened before the daemon came is in the holder's log and in the daemon's metrics and status; its log tells nothing of the door", async () => {
  mkdirSync(path.join(folder, "frames"));
  await photograph(path.join(folder, "frames/1.jpg"));
  const config = configFile(folder, {
    "gpio.holder": "process",
    "gpio.contact.isFitted": true,
    "gpio.tamper.isFitted": true,
  });
  for (const offset of [contact, tamper]) pullLine(folder, offset, "pull-down");
  using holder = await startHolder(config);
  await until("a shut door", holder, () => holder.written.out.includes('"to":"locked"'));
  pullLine(folder, contact, "pull-up");
  await until("a forced door", holder, () => messages(holder.written.out).includes("door forced-open"));

  const daemon = await startDaemon(config);
  const socketPath = path.join(folder, "status.sock");
  const count = async (event: string): Promise<number> => {
    const { body } = await ask(socketPath, "/metrics");
    return Number(
      new RegExp(`^maskgate_door_events_total\\{event="${event}"\\} (\\d+)$`, "m").exec(body)?.[1],
    );
  };
  assert.deepEqual([await count("forced-open"), await count("locked"), await count("tamper")], [1, 0, 0]);
  const { door } = JSON.parse((await ask(socketPath, "/v1/status")).body) as { door: { kind: string } };
  assert.equal(door.kind, "forced-open");

  pullLine(folder, tamper, "pull-up");
  await until("an open housing", holder, () => messages(holder.written.out).includes("housing open"));
  for (let tries = 0; tries < 100 && (await count("tamper")) === 0; tries += 1);
  assert.deepEqual([await count("forced-open"), await count("tamper")], [1, 1]);

  const ended = await stop(daemon);
  assert.equal(ended.code, 0);
  const ofTheDoor = /^(door (?!locked$)|housing)/;
  assert.deepEqual(
    messages(ended.out).filter((message) => ofTheDoor.test(message)),
    [],
  );
  assert.equal(lockLine(folder), "0\n");
  await stop(holder);
});

test("a holder that cannot start ends at once for a person, and after a pause for systemd, which starts it again", async () => {
  const config = configFile(folder, { "gpio.holder": "daemon" });
  const tookMs = async (env: NodeJS.ProcessEnv): Promise<number> => {
    const sinceMs = performance.now();
    const child = spawn(process.execPath, [program, "hold", "--config", config], {
      stdio: "ignore",
      env: { ...process.env, ...env },
    });
    const [code] = (await once(child, "exit")) as [number | null];
    assert.equal(code, 2);
    return performance.now() - sinceMs;
  };
  const atOnceMs = await tookMs({});
  const pausedMs = await tookMs({ NOTIFY_SOCKET: path.join(folder, "nobody") });
  assert.ok(pausedMs >= 3000 && atOnceMs < pausedMs - 1500, `${atOnceMs} ms and ${pausedMs} ms`);
});
