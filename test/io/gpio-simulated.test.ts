/** The simulator keeps the contract, and what it promises to programs outside. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  watch,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { openSimulatedGpio } from "../../src/io/gpio-simulated.ts";
import { failure, gpioContract, settings } from "./gpio-contract.ts";
import { gpioInputContract, inputSettings } from "./gpio-input-contract.ts";

gpioContract("simulated", () => Promise.resolve(makeBench()));
gpioInputContract("simulated", () => Promise.resolve(makeBench()));

function makeBench() {
  const dir = mkdtempSync(path.join(tmpdir(), "maskgate-gpio-"));
  const fileOf = (offset: number, file: string): string => path.join(dir, "board", `sim_gpio${offset}`, file);
  return {
    chip: "board",
    dir,
    fileOf,
    open: () => openSimulatedGpio(dir),
    physical: (offset: number): 0 | 1 => (readFileSync(fileOf(offset, "value"), "utf8") === "1\n" ? 1 : 0),
    drive: (offset: number, physical: 0 | 1) => {
      writeFileSync(fileOf(offset, "pull"), physical === 1 ? "pull-up\n" : "pull-down\n");
    },
    hasBias: true,
    knowsHolders: true,
    keepsLevel: true,
    [Symbol.asyncDispose]: () => {
      rmSync(dir, { recursive: true });
      return Promise.resolve();
    },
  };
}

const otherProcess = (dir: string): string => `
  const { openSimulatedGpio } = await import(${JSON.stringify(new URL("../../src/io/gpio-simulated.js", import.meta.url).href)});
  const gpio = openSimulatedGpio(${JSON.stringify(dir)});
  gpio.requestOutput({ chip: "board", offset: 4, isActiveLow: false, consumer: "first daemon" }, "inactive").set(true);
  console.log("held");
  setInterval(() => undefined, 1000);
`;

test("a line is refused while the process that holds it lives, and taken over from a dead one without a glitch", async () => {
  await using bench = makeBench();
  const child = spawn(process.execPath, ["--input-type=module", "-e", otherProcess(bench.dir)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  await using gpio = bench.open();
  const isRefusal = failure(
    bench,
    4,
    new RegExp(`held by "first daemon" \\(process ${String(child.pid)}\\)`),
  );
  assert.throws(() => gpio.requestOutput(settings(bench, 4), "inactive"), isRefusal);
  assert.equal(bench.physical(4), 1);
  child.kill("SIGKILL");
  await once(child, "exit");
  assert.equal(bench.physical(4), 1);
  gpio.requestOutput(settings(bench, 4, { consumer: "second daemon" }), "inactive");
  assert.equal(bench.physical(4), 0);
  assert.equal(readFileSync(bench.fileOf(4, "consumer"), "utf8"), "second daemon\n");
});

test("a new process with a dead owner's number does not count as the owner", async () => {
  await using bench = makeBench();
  await using gpio = bench.open();
  mkdirSync(path.dirname(bench.fileOf(0, "owner")), { recursive: true });
  writeFileSync(bench.fileOf(0, "owner"), `${process.pid} 1\n`);
  gpio.requestOutput(settings(bench, 0), "inactive");
  assert.equal(bench.physical(0), 0);
});

test("requesting a line writes its level once, so that it cannot glitch", async () => {
  await using bench = makeBench();
  await using gpio = bench.open();
  const folder = path.dirname(bench.fileOf(0, "value"));
  mkdirSync(folder, { recursive: true });
  const written: (string | null)[] = [];
  const watcher = watch(folder, (event, file) => {
    if (event === "rename") written.push(file);
  });
  gpio.requestOutput(settings(bench, 0), "inactive");
  const end = Date.now() + 5000;
  // The consumer is written after the level.
  while (!written.includes("consumer") && Date.now() < end) await sleep(5);
  watcher.close();
  assert.equal(written.filter((file) => file === "value").length, 1, written.join(" "));
});

test("a released line leaves its level and nothing else", async () => {
  await using bench = makeBench();
  await using gpio = bench.open();
  gpio.requestOutput(settings(bench, 0), "inactive").release();
  assert.deepEqual(readdirSync(path.dirname(bench.fileOf(0, "value"))), ["value"]);
});

test("an input keeps what was done to it before, shows its level, and leaves both behind", async () => {
  await using bench = makeBench();
  const first = bench.open();
  first.requestInput(inputSettings(bench, 0));
  bench.drive(0, 1);
  await first[Symbol.asyncDispose]();
  await using gpio = bench.open();
  const line = gpio.requestInput({ ...inputSettings(bench, 0), bias: "pull-down" });
  assert.equal(line.read(), true);
  assert.equal(bench.physical(0), 1);
  line.release();
  assert.deepEqual(readdirSync(path.dirname(bench.fileOf(0, "value"))), ["pull", "value"]);
});

test("an input whose file is being written, or is gone, stays as it was; nonsense in it is told", async () => {
  await using bench = makeBench();
  await using gpio = bench.open();
  const line = gpio.requestInput(inputSettings(bench, 0));
  for (const physical of [1, 0] as const) {
    bench.drive(0, physical);
    assert.equal(line.read(), physical === 1);
    writeFileSync(bench.fileOf(0, "pull"), "");
    assert.equal(line.read(), physical === 1);
    rmSync(bench.fileOf(0, "pull"));
    assert.equal(line.read(), physical === 1);
  }
  writeFileSync(bench.fileOf(0, "pull"), "up");
  assert.throws(
    () => line.read(),
    failure(bench, 0, /pull says "up"; write "pull-up" or "pull-down" into it/),
  );
});

test("a reader outside meets whole values only", async () => {
  await using bench = makeBench();
  await using gpio = bench.open();
  const line = gpio.requestOutput(settings(bench, 0), "inactive");
  const reader = new Worker(
    `const { parentPort, workerData } = require("node:worker_threads");
     const { readFileSync } = require("node:fs");
     const seen = {};
     let isDone = false;
     parentPort.once("message", () => (isDone = true));
     const read = () => {
       for (let i = 0; i < 200; i++) { const text = readFileSync(workerData, "utf8"); seen[text] = (seen[text] ?? 0) + 1; }
       if (isDone) parentPort.postMessage(seen); else setImmediate(read);
     };
     parentPort.postMessage("reading");
     read();`,
    { eval: true, workerData: bench.fileOf(0, "value") },
  );
  await once(reader, "message");
  for (let i = 0; i < 3000; i++) line.set(i % 2 === 0);
  reader.postMessage("stop");
  const [seen] = (await once(reader, "message")) as [Record<string, number>];
  await reader.terminate();
  assert.deepEqual(Object.keys(seen).sort(), ["0\n", "1\n"]);
  assert.ok(Math.min(...Object.values(seen)) > 50, JSON.stringify(seen));
});

test("a chip's name cannot leave the folder", async () => {
  await using bench = makeBench();
  await using gpio = bench.open();
  for (const chip of ["../up", "a/b", "", "..", "a\0b"]) {
    assert.throws(
      () => gpio.requestOutput({ ...settings(bench, 0), chip }, "inactive"),
      failure({ chip }, 0, /rename the chip/),
    );
  }
  assert.equal(existsSync(path.join(bench.dir, "..", "up")), false);
});

test("a folder that cannot be made is one clear line", async () => {
  await using bench = makeBench();
  writeFileSync(path.join(bench.dir, "file"), "");
  await using gpio = openSimulatedGpio(path.join(bench.dir, "file"));
  assert.throws(
    () => gpio.requestOutput(settings(bench, 0), "inactive"),
    failure(bench, 0, /cannot make .*choose a folder/),
  );
});
