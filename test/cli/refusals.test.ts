/** Bad input, as people give it: one line that names the thing and the mend, exit code 2, and nothing that confuses before it. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, it } from "node:test";
import {
  concurrency,
  configFile,
  maskgate,
  maskgateWithoutModels,
  modelFolder,
  temporaryFolder,
  type Outcome,
} from "./probe.ts";

const folder = temporaryFolder();

function file(name: string, content: string | Buffer): string {
  const target = path.join(folder, name);
  mkdirSync(path.dirname(target), { recursive: true });
  writeFileSync(target, content);
  return target;
}

function emptyFolder(name: string): string {
  const target = path.join(folder, name);
  mkdirSync(target, { recursive: true });
  return target;
}

function assertRefused(outcome: Outcome, says: RegExp, lines = 1): void {
  const told = outcome.err.split("\n");
  assert.equal(told.pop(), "", `the last line is not ended: ${outcome.err}`);
  assert.equal(told.length, lines, outcome.err);
  for (const line of told) assert.match(line, /^maskgate: /);
  assert.match(outcome.err, says);
  assert.doesNotMatch(outcome.err, /\n {4}at |this is a bug|node:|file:/);
  assert.deepEqual([outcome.code, outcome.signal], [2, null]);
}

interface Refusal {
  readonly name: string;
  readonly args: readonly string[];
  readonly says: RegExp;
  readonly lines?: number;
}

const note = file("note.txt", "no picture, no model, no folder");
const torn = readFileSync("node_modules/@vladmandic/face-api/demo/sample1.jpg");
const tornPicture = file("torn.jpg", torn.subarray(0, torn.length / 2));
const textPicture = file("text.jpg", "no picture");
const usual = configFile(folder);

const commandLines: readonly Refusal[] = [
  { name: "no command", args: [], says: /a command is missing; see maskgate --help/ },
  { name: "an unknown command", args: ["dance"], says: /unknown command "dance"; see maskgate --help/ },
  { name: "an unknown flag", args: ["run", "--dance"], says: /run: .*'--dance'; see maskgate --help/ },
  { name: "a flag of another command", args: ["run", "--json"], says: /run: .*'--json'; see/ },
  {
    name: "a flag without its value",
    args: ["run", "--config"],
    says: /'--config <value>' argument missing; see/,
  },
  {
    name: "a flag for a value",
    args: ["crops", "x.jpg", "--out", "--json"],
    says: /'--out' argument missing; see/,
  },
  { name: "an empty value", args: ["run", "--config="], says: /'--config' has an empty value; see/ },
  {
    name: "a value too many",
    args: ["status", "--json=yes"],
    says: /'--json' does not take an argument; see/,
  },
  {
    name: "a path where none is meant",
    args: ["run", "maskgate.toml"],
    says: /run: takes no path.*"maskgate\.toml"/,
  },
  {
    name: "no path where one is meant",
    args: ["classify"],
    says: /classify: name at least one picture or folder/,
  },
];

let texts = 0;
const setting = (text: string): readonly string[] => ["run", "--config", file(`${++texts}.toml`, text)];
const configs: readonly Refusal[] = [
  {
    name: "no file",
    args: ["run", "--config", path.join(folder, "no.toml")],
    says: /no\.toml: there is no such file; give --config/,
  },
  { name: "a folder", args: ["run", "--config", folder], says: /: this is a folder; give --config/ },
  { name: "no TOML", args: setting("[camera\nsource = 1"), says: /toml:1:8: not TOML: .*\[camera/ },
  { name: "no text", args: ["run", "--config", tornPicture], says: /torn\.jpg: this is no text in UTF-8/ },
  {
    name: "an unknown key",
    args: setting("[camera]\nsorce = 'replay'"),
    says: /unknown key camera\.sorce; did you mean camera\.source\?/,
  },
  {
    name: "a wrong value",
    args: setting("[access]\nunlockMs = 99999"),
    says: /access\.unlockMs = 99999 is not allowed; allowed: a whole number from 1000 to 10000/,
  },
  {
    name: "keys that contradict",
    args: setting("[faces]\nleastFacePx = 100"),
    says: /access\.leastFacePx = 80 is not allowed; allowed: at least faces\.leastFacePx/,
  },
  {
    name: "two problems",
    args: setting("[log]\nlevel = 'loud'\n[model]\nthreads = -1"),
    says: /log\.level[^]*model\.threads|model\.threads[^]*log\.level/,
    lines: 2,
  },
  { name: "for status", args: ["status", "--config", folder], says: /this is a folder; give --config/ },
];

/** Each with a simulated chip of its own: they run at the same time. */
const run = (keys: Readonly<Record<string, unknown>>): readonly string[] => [
  "run",
  "--config",
  configFile(folder, { "gpio.simulatorDir": mkdtempSync(path.join(folder, "gpio-")), ...keys }),
];
const replay = (at: string) => run({ "camera.replay.path": at });
const model = (at: string) =>
  run({ "model.folder": at, "camera.replay.path": path.resolve("test/fixtures/masked") });
const manifest = (change: (text: string) => string): string =>
  path.dirname(
    file(
      `model-${String(Math.random()).slice(2)}/manifest.json`,
      change(readFileSync(path.join(modelFolder("brightness"), "manifest.json"), "utf8")),
    ),
  );

const outside: readonly Refusal[] = [
  {
    name: "no camera program",
    args: run({ "camera.source": "gstreamer", "camera.gstreamer.program": "no-such-program" }),
    says: /camera program no-such-program is not installed; install the package gstreamer1\.0-tools/,
  },
  {
    name: "no replay path",
    args: replay(path.join(folder, "nowhere")),
    says: /camera\.replay\.path: there is no \S+nowhere; name a folder of pictures or a video file/,
  },
  {
    name: "an empty replay folder",
    args: replay(emptyFolder("empty")),
    says: /camera\.replay\.path: no pictures \(.*\) in the folder \S+empty; name a folder with some/,
  },
  {
    name: "a text to replay",
    args: replay(note),
    says: /camera\.replay\.path: \S+note\.txt is neither a folder nor one of \.jpg, /,
  },
  {
    name: "no folder for the socket",
    args: run({ "status.socketPath": path.join(folder, "no/s.sock") }),
    says: /s\.sock: the folder \S+no is missing; make it/,
  },
  {
    name: "a file in place of the socket",
    args: run({ "status.socketPath": note }),
    says: /note\.txt: this is no socket and stays untouched; remove it or change status\.socketPath/,
  },
  {
    name: "a file in place of the simulated chips",
    args: run({ "gpio.simulatorDir": note }),
    says: /GPIO chip "gpiochip0" line 0 \(maskgate-door\): .*note\.txt.*; choose a folder/,
  },
  {
    name: "status without a daemon",
    args: ["status", "--config", usual],
    says: /status\.sock: there is no such socket; is the daemon running/,
  },
  {
    name: "watch without a daemon",
    args: ["watch", "--json", "--socket", path.join(folder, "w.sock")],
    says: /w\.sock: there is no such socket; is the daemon running/,
  },
  {
    name: "status of what is no socket",
    args: ["status", "--socket", note],
    says: /note\.txt: nobody answers there; is the daemon running/,
  },
];

const models: readonly Refusal[] = [
  {
    name: "no model folder",
    args: model(path.join(folder, "no-model")),
    says: /no-model\/manifest\.json: cannot be read: .*; model\.folder must name a folder/,
  },
  {
    name: "no manifest",
    args: model(emptyFolder("bare-model")),
    says: /bare-model\/manifest\.json: cannot be read/,
  },
  {
    name: "a manifest that is no JSON",
    args: model(manifest(() => "{")),
    says: /manifest\.json: is not JSON: .*; install the model again/,
  },
  {
    name: "a manifest that lacks keys",
    args: model(manifest((text) => text.replace('"threshold"', '"limit"'))),
    says: /manifest\.json: threshold: .*; install the model again/,
  },
  {
    name: "a manifest without its model",
    args: model(manifest((text) => text)),
    says: /model\.onnx: cannot be read: .*; install the model again/,
  },
  {
    name: "a wrong sha256",
    args: model(modelFolder("wrong-sha256")),
    says: /model\.onnx: has 224 bytes with sha256 [0-9a-f]{64}, its manifest states .*; install the model again/,
  },
  {
    name: "a wrong shape",
    args: model(modelFolder("wrong-shape")),
    says: /wrong-shape\/model\.onnx: the model has image uint8 \[N,96,96,3\].* its manifest states .*; install a model/,
  },
  {
    name: "a wrong output",
    args: model(modelFolder("wrong-output")),
    says: /wrong-output\/model\.onnx: the model has .*masked float32 \[N,1,1,1\], its manifest states .*; install a model/,
  },
];

const classify = (...args: readonly string[]): readonly string[] => ["classify", "--config", usual, ...args];
const crops = (...args: readonly string[]): readonly string[] => ["crops", "--config", usual, ...args];
const pictures: readonly Refusal[] = [
  { name: "crops without --out", args: ["crops", note], says: /crops: say with --out DIR where to/ },
  { name: "no configuration", args: ["classify", note, "--config", note], says: /note\.txt:1:4: not TOML: / },
  { name: "no picture", args: classify(path.join(folder, "no.jpg")), says: /no\.jpg: there is no such file/ },
  {
    name: "a folder without pictures",
    args: classify(emptyFolder("empty")),
    says: /empty: no pictures \(.*\) in this folder; name one with some/,
  },
  { name: "a text named .jpg", args: classify(textPicture), says: /text\.jpg: not a readable picture: / },
  { name: "half a picture", args: classify(tornPicture), says: /torn\.jpg: not a readable picture: / },
  {
    name: "a file for --annotate",
    args: classify(tornPicture, "--annotate", note),
    says: /--annotate \S+note\.txt: a file is in its place; name a folder/,
  },
  {
    name: "--annotate over the pictures",
    args: classify(tornPicture, "--annotate", folder),
    says: /--annotate: \S+torn\.jpg is one of the pictures to read .*; name another folder/,
  },
  {
    name: "crops of no picture",
    args: crops(path.join(folder, "no.jpg"), "--out", path.join(folder, "o")),
    says: /no\.jpg: there is no such file/,
  },
  {
    name: "a file for --out",
    args: crops(tornPicture, "--out", path.join(note, "o")),
    says: /--out \S+note\.txt\/o: a file is in its place; name a folder/,
  },
];

for (const [what, table] of Object.entries({ commandLines, configs, outside, models, pictures })) {
  // All but the last two must be refused before anybody waits for a model.
  const command = table === models || table === pictures ? maskgate : maskgateWithoutModels;
  describe(`refused: ${what}`, { concurrency }, () => {
    for (const { name, args, says, lines } of table) {
      it(name, async () => {
        const outcome = await command(...args);
        assertRefused(outcome, says, lines);
        const log = outcome.out.split("\n").filter((line) => line !== "" && !line.startsWith("0 crops"));
        for (const line of log) assert.match(line, /"level":"info".*"msg":"door locked"/);
      });
    }
  });
}

it("a Node without models does refuse to load them", async () => {
  const outcome = await maskgateWithoutModels("classify", note);
  assert.equal(outcome.code, 1);
  assert.match(outcome.err, /onnxruntime|tensorflow/);
});
