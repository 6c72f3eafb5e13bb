/** How little code holds the door: what the holder and lock-lines load, module by module. */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import {
  afterwards,
  concurrency,
  configFile,
  program,
  startWith,
  stop,
  tellingModules,
  temporaryFolder,
  until,
} from "./cli/probe.ts";

const root = temporaryFolder();
const dist = pathToFileURL(path.join(path.dirname(afterwards), "/")).href;

interface Loaded {
  /** Of src/. */
  readonly own: readonly string[];
  readonly packages: readonly string[];
  readonly builtins: readonly string[];
}

function loadedIn(file: string): Loaded {
  const all = [...new Set(readFileSync(file, "utf8").trim().split("\n"))].sort();
  const packages = all.flatMap((url) => /\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url)?.[1] ?? []);
  return {
    own: all.filter((url) => url.startsWith(dist)).map((url) => url.slice(dist.length)),
    packages: [...new Set(packages)],
    builtins: all.filter((url) => url.startsWith("node:")),
  };
}

async function lockLines(name: string, driver: string): Promise<Loaded> {
  const folder = path.join(root, name);
  mkdirSync(folder);
  const [record, modules] = [path.join(folder, "safe-lines.json"), path.join(folder, "modules")];
  writeFileSync(record, JSON.stringify({ driver, simulatorDir: folder, isFireReleased: false, lines: [] }));
  const { code, err } = await startWith(tellingModules(modules), [afterwards, record]).ended;
  assert.deepEqual([code, err], [0, ""]);
  return loadedIn(modules);
}

describe("lock-lines", { concurrency }, () => {
  const own = ["core/errors.js", "io/gpio-drivers.js", "io/gpio.js", "io/safe-lines.js", "lock-lines.js"];

  it("loads its driver and no package, no configuration, nothing else", async () => {
    const loaded = await lockLines("simulated", "simulated");
    assert.deepEqual(loaded, {
      own: [...own, "io/gpio-simulated.js"].sort(),
      packages: [],
      builtins: ["node:fs", "node:path"],
    });
  });

  it("loads of all packages the driver's one alone", async () => {
    const loaded = await lockLines("character", "character-device");
    assert.deepEqual(loaded.packages, ["koffi"]);
    const kernel = ["io/gpio-character-device.js", "io/gpio-kernel.js", "io/gpio-uapi.js"];
    assert.deepEqual(loaded.own, [...own, ...kernel].sort());
  });
});

it("the holder loads no code of cameras, models, pictures, bundles, the status socket or a network", async () => {
  const folder = path.join(root, "holder");
  mkdirSync(folder);
  const modules = path.join(folder, "modules");
  const config = configFile(folder, { "gpio.holder": "process", "gpio.fireAlarm.isFitted": true });
  const holder = startWith(tellingModules(modules), [program, "hold", "--config", config]);
  await until("an open lease socket", holder, () => holder.written.out.includes("lease socket open"));
  assert.equal((await stop(holder)).code, 0);
  const { own, packages, builtins } = loadedIn(modules);
  for (const needed of ["hold.js", "io/door-keeper.js", "io/lease-server.js"])
    assert.ok(own.includes(needed));
  const rest = own.filter((file) => !file.startsWith("core/"));
  assert.deepEqual(
    rest.filter((file) =>
      /camera|model|picture|vision|view|frame|bundle|update|status-|metrics|kiosk/.test(file),
    ),
    // A path of the configuration's defaults, and what puts any Unix socket to its place.
    ["io/status-socket.js", "vision/packaged.js"],
  );
  assert.deepEqual(packages, ["pino", "smol-toml", "systemd-notify", "zod"]);
  assert.deepEqual(
    builtins.filter((name) => /http|tls|dgram|dns|worker|child_process|inspector/.test(name)),
    [],
  );
});
