import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { after, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { parseConfig } from "../../src/config.ts";
import { createLog } from "../../src/io/log.ts";
import { openServiceManager } from "../../src/io/systemd.ts";
import { limits } from "../../src/update/bundle-manifest.ts";
import { updatePolicy } from "../../src/update-commands.ts";

const folder = mkdtempSync(path.join(tmpdir(), "maskgate-systemd-"));
after(() => {
  rmSync(folder, { recursive: true });
});

/** What PID 1 does with its notification socket: takes messages with their sender's process id, and closes barriers. */
const receiver = `
import array, json, socket, struct, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
a = sys.argv[1]
s.bind("\\0" + a[1:] if a[0] == "@" else a)
print(json.dumps({"pid": 0, "lines": ["bound"]}), flush=True)
while True:
    data, ancillary, _, _ = s.recvmsg(4096, 4096)
    pid = 0
    for level, kind, value in ancillary:
        if kind == socket.SCM_CREDENTIALS: pid = struct.unpack("iII", value[:12])[0]
        if kind == socket.SCM_RIGHTS: [__import__("os").close(fd) for fd in array.array("i", value)]
    print(json.dumps({"pid": pid, "lines": data.decode().split("\\n")}), flush=True)
`;

interface Message {
  readonly pid: number;
  readonly lines: readonly string[];
}

class Receiver implements AsyncDisposable {
  readonly messages: Message[] = [];
  readonly #program: ChildProcess;

  constructor(address: string) {
    this.#program = spawn("python3", ["-c", receiver, address], { stdio: ["ignore", "pipe", "inherit"] });
    assert.ok(this.#program.stdout);
    createInterface(this.#program.stdout).on("line", (line) =>
      this.messages.push(JSON.parse(line) as Message),
    );
  }

  async until(isThere: (message: Message) => boolean): Promise<Message> {
    for (let tries = 0; tries < 500; tries += 1) {
      const found = this.messages.find(isThere);
      if (found !== undefined) return found;
      await wait(10);
    }
    assert.fail(`never came, only ${JSON.stringify(this.messages)}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#program.kill();
    await once(this.#program, "exit");
  }
}

const says = (line: string) => (message: Message) => message.lines.includes(line);

/** A daemon of the length of `body`, as a process of its own. */
async function runDaemon(body: string, env: NodeJS.ProcessEnv): Promise<{ pid: number; stdout: string }> {
  const module = (name: string): string =>
    JSON.stringify(new URL(`../../src/io/${name}.js`, import.meta.url).href);
  const program = `import { openServiceManager } from ${module("systemd")}; import { openLog } from ${module("log")};
    let nowMs = 0; const clock = { nowMs: () => nowMs };
    const manager = await openServiceManager({ clock, log: openLog("info") }); ${body}`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { PATH: process.env["PATH"], ...env },
  });
  let stdout = "";
  child.stdout.on("data", (data: Buffer) => (stdout += data.toString()));
  const [code] = (await once(child, "close")) as [number | null];
  assert.equal(code, 0, stdout);
  return { pid: child.pid ?? 0, stdout };
}

for (const address of [path.join(folder, "notify"), `@maskgate-test-${process.pid}`]) {
  test(`READY, WATCHDOG, STATUS and STOPPING reach ${address.startsWith("@") ? "an abstract" : "a"} socket`, async () => {
    await using systemd = new Receiver(address);
    await systemd.until(says("bound"));
    const daemon = await runDaemon(
      `await manager.ready("loading\\nWATCHDOG=trigger"); manager.progress("idle, door locked");
       await manager.stopping(); await manager[Symbol.asyncDispose](); await manager[Symbol.asyncDispose]();
       manager.progress("too late");`,
      { NOTIFY_SOCKET: address, WATCHDOG_USEC: "2000000" },
    );
    assert.equal(daemon.stdout, "");
    const ready = await systemd.until(says("READY=1"));
    assert.ok(ready.lines.includes("STATUS=loading WATCHDOG=trigger"), "no line break gets through");
    assert.ok(ready.lines.includes(`MAINPID=${daemon.pid}`), "systemd-notify names the daemon");
    const progress = await systemd.until(says("WATCHDOG=1"));
    assert.deepEqual(progress, {
      pid: daemon.pid,
      lines: ["READY=1", "WATCHDOG=1", "STATUS=idle, door locked"],
    });
    const stopping = await systemd.until(says("STOPPING=1"));
    assert.equal(stopping.pid, daemon.pid);
    assert.ok(!systemd.messages.some(says("STATUS=too late")));
  });
}

test("READY is told again by whoever told of its progress before, once", async () => {
  const address = path.join(folder, "again");
  await using systemd = new Receiver(address);
  await systemd.until(says("bound"));
  await runDaemon(
    `manager.progress("a"); await manager.ready("b"); nowMs = 1000; manager.progress("c"); nowMs = 2000; manager.progress("d");
     await manager.stopping();`,
    { NOTIFY_SOCKET: address, WATCHDOG_USEC: "2000000", PATH: "/nowhere" },
  );
  await systemd.until(says("STOPPING=1"));
  const told = systemd.messages.map(({ lines }) => lines.join(" ")).filter((text) => text !== "bound");
  assert.deepEqual(told, [
    "WATCHDOG=1 STATUS=a",
    "READY=1 STATUS=b",
    "READY=1 WATCHDOG=1 STATUS=c",
    "WATCHDOG=1 STATUS=d",
    "STOPPING=1 STATUS=stopping",
  ]);
});

test("frames feed the watchdog at a quarter of its time, time alone does not", async () => {
  const address = path.join(folder, "feed");
  await using systemd = new Receiver(address);
  await systemd.until(says("bound"));
  await runDaemon(
    `for (nowMs = 0; nowMs < 2000; nowMs += 100) manager.progress("at " + nowMs);
     nowMs = 60000; await new Promise((done) => setTimeout(done, 300)); await manager.stopping();`,
    { NOTIFY_SOCKET: address, WATCHDOG_USEC: "2000000" },
  );
  await systemd.until(says("STOPPING=1"));
  const fed = systemd.messages.filter(says("WATCHDOG=1")).map(({ lines }) => lines.at(-1));
  assert.deepEqual(fed, ["STATUS=at 0", "STATUS=at 500", "STATUS=at 1000", "STATUS=at 1500"]);
});

test("a status line alone feeds nothing: told when it changes, at most once a second, and only after READY", async () => {
  const address = path.join(folder, "status");
  await using systemd = new Receiver(address);
  await systemd.until(says("bound"));
  await runDaemon(
    `manager.status("too early"); await manager.ready("loaded"); nowMs = 1; manager.status("a fault"); manager.status("another");
     for (nowMs = 1000; nowMs < 5000; nowMs += 100) manager.status("at " + Math.floor(nowMs / 2000)); await manager.stopping();`,
    { NOTIFY_SOCKET: address, WATCHDOG_USEC: "2000000", PATH: folder },
  );
  await systemd.until(says("STOPPING=1"));
  const told = systemd.messages
    .map(({ lines }) => lines.join(" "))
    .filter((text) => text.startsWith("STATUS="));
  assert.deepEqual(told, ["STATUS=a fault", "STATUS=at 0", "STATUS=at 1", "STATUS=at 2"]);
  assert.ok(!systemd.messages.some(says("WATCHDOG=1")));
});

test("a watchdog that is meant for another process does not set the pace", async () => {
  const address = path.join(folder, "other");
  await using systemd = new Receiver(address);
  await systemd.until(says("bound"));
  await runDaemon(
    `for (nowMs = 0; nowMs < 2000; nowMs += 100) manager.progress("at " + nowMs); await manager.stopping();`,
    { NOTIFY_SOCKET: address, WATCHDOG_USEC: "400000", WATCHDOG_PID: "1" },
  );
  await systemd.until(says("STOPPING=1"));
  assert.equal(systemd.messages.filter(says("WATCHDOG=1")).length, 2);
});

test("without the program systemd-notify READY is told all the same, and the log says so", async () => {
  const address = path.join(folder, "bare");
  await using systemd = new Receiver(address);
  await systemd.until(says("bound"));
  const daemon = await runDaemon(`await manager.ready("loaded");`, { NOTIFY_SOCKET: address, PATH: folder });
  const ready = await systemd.until(says("READY=1"));
  assert.deepEqual(ready, { pid: daemon.pid, lines: ["READY=1", "STATUS=loaded"] });
  assert.match(daemon.stdout, /"level":"warn".*systemd-notify failed.*ENOENT/);
});

test("a service manager that went away is logged once, and the daemon goes on", async () => {
  const daemon = await runDaemon(`for (nowMs = 0; nowMs < 5000; nowMs += 1000) manager.progress("x");`, {
    NOTIFY_SOCKET: path.join(folder, "nobody"),
  });
  assert.match(daemon.stdout, /^[^\n]*"level":"warn"[^\n]*ENOENT: sendto[^\n]*\n$/);
});

test("without NOTIFY_SOCKET nothing is done", async () => {
  const lines: string[] = [];
  const log = createLog({ level: "trace", style: "json", sink: { write: (line) => lines.push(line) } });
  await using manager = await openServiceManager({ clock: { nowMs: () => 0 }, log, env: {} });
  await manager.ready("x");
  manager.progress("x");
  await manager.stopping();
  assert.deepEqual(lines, []);
});

const unitText = (name: string): string => readFileSync(path.join("systemd", name), "utf8");
const unit = unitText("maskgate.service");

/** The last value of each key, which is the one that counts for these. */
function settings(name: string): ReadonlyMap<string, string> {
  return new Map(
    [...unitText(name).matchAll(/^(\w+)=(.*)$/gm)].map(([, key = "", value = ""]) => [key, value]),
  );
}

test("no unit of the door is ever given up, and a start that fails again and again is no more than one in three seconds", () => {
  for (const name of ["maskgate.service", "maskgate-door.service"]) {
    const of = settings(name);
    assert.deepEqual([of.get("Restart"), of.get("StartLimitIntervalSec")], ["always", "0"], name);
  }
  assert.ok(Number(settings("maskgate.service").get("RestartSec")) >= 3);
});

test("a camera that is plugged in after the start may be used, although the kernel had no cameras by then", () => {
  assert.match(unit, /^DeviceAllow=char-81 rw$/m);
});

const hasAnalyze = spawnSync("systemd-analyze", ["--version"]).status === 0;
for (const name of readdirSync("systemd").filter((file) => file.endsWith(".service"))) {
  test(
    `systemd-analyze verify has nothing to say of ${name}`,
    { skip: !hasAnalyze && "systemd-analyze is not here" },
    () => {
      const verify = (text: string): string => {
        const file = path.join(mkdtempSync(path.join(folder, "unit-")), name);
        writeFileSync(file, text.replaceAll(/\/opt\/maskgate\/\S+/g, "/bin/true"));
        return spawnSync("systemd-analyze", ["verify", file], { encoding: "utf8" }).stderr;
      };
      const text = readFileSync(path.join("systemd", name), "utf8");
      assert.equal(verify(text), "");
      assert.match(verify(`${text}\n[Service]\nWatchDogSeconds=1\n`), /WatchDogSeconds/);
    },
  );
}

test("the daemon cannot reach a GPIO chip: its lines are the holder's alone", () => {
  const groups = /^SupplementaryGroups=(.*)$/m.exec(unit)?.[1] ?? "";
  assert.deepEqual(groups.split(" "), ["video", "maskgate-door"]);
  assert.match(unit, /^DevicePolicy=closed$/m);
  assert.doesNotMatch(unit, /^DeviceAllow=.*gpio/m);
});

for (const name of ["maskgate-updater@.service", "maskgate-probation.service"]) {
  test(`${name} has what the door leaves over, and ends first where memory runs out`, () => {
    const of = settings(name);
    const daemon = settings("maskgate.service");
    for (const [key, value] of [
      ["Nice", "10"],
      ["CPUWeight", "20"],
      ["IOWeight", "20"],
      ["OOMScoreAdjust", "500"],
    ] as const)
      assert.deepEqual([key, of.get(key), daemon.get(key)], [key, value, undefined]);
  });
}

test("where memory runs out, the holder of the door's lines is the last to go", () => {
  assert.equal(settings("maskgate-door.service").get("OOMScoreAdjust"), "-900");
});

test("the updater has room for the largest graph that a bundle may bring, three times: its bytes, what is made of them, its session", () => {
  const [, gib = ""] = /^(\d+)G$/.exec(settings("maskgate-updater@.service").get("MemoryMax") ?? "") ?? [];
  assert.ok(Number(gib) * 2 ** 30 > 3 * limits.graphBytes + 2 ** 29);
});

test("no unit leaves a core dump, which would hold pictures of people", () => {
  for (const name of readdirSync("systemd").filter((file) => file.endsWith(".service")))
    assert.equal(settings(name).get("LimitCORE"), "0", name);
});

test("the updater's unit runs as long as the longest staging that can be configured, and all that comes before and after", () => {
  const [, hours = ""] =
    /^(\d+)h$/.exec(settings("maskgate-updater@.service").get("RuntimeMaxSec") ?? "") ?? [];
  const longest = (stagingS: number): number => {
    const { limitsMs } = updatePolicy(parseConfig(`update.stagingS = ${stagingS}`, "test"));
    return Object.values(limitsMs).reduce((sum, ms) => sum + ms / 1000, 0);
  };
  // Looking at the stick, mounting it, waiting for another updater, reading its folder, giving a candidate up.
  const aroundS = 30 + 60 + 30 + 30 + 60;
  assert.ok(longest(5400) + aroundS < Number(hours) * 3600);
  assert.throws(() => longest(5401), { message: /update\.stagingS/ });
});
