/** `maskgate view` as an installer uses it: a real process on real photographs, its page in a real browser. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { loadConfig } from "../../src/config.ts";
import { initialState, type AccessState } from "../../src/core/access.ts";
import { thisHost } from "../../src/io/host.ts";
import { ViewServer } from "../../src/io/view-server.ts";
import { viewAssets } from "../../src/view-page.ts";
import { viewState, type ViewParts } from "../../src/view-state.ts";
import { view } from "../../src/view.ts";
import { masked, observation } from "../core/scene.ts";
import { faulted, policy, stateAfter } from "../io/status-sample.ts";
import { SimVision } from "../sim/sim-vision.ts";
import { startBrowser, type Browser } from "./browser.ts";
import {
  configFile,
  maskgate,
  modelFolder,
  startDaemon,
  startIn,
  stop,
  temporaryFolder,
  until,
  type Running,
} from "./probe.ts";
import { seenWhen, slide } from "./view-probe.ts";
import { difference, framesPerSecond, portrait, writeFrames } from "./view-scene.ts";

const folder = temporaryFolder();
const [frames, home] = ["frames", "home"].map((name) => path.join(folder, name)) as [string, string];
for (const made of [frames, home, path.join(folder, "state"), path.join(folder, "gpio")]) mkdirSync(made);
const keys = {
  "camera.framesPerSecond": framesPerSecond,
  "access.framesToGrant": 2,
  "access.maxGapMs": 10_000,
  "access.unlockMs": 1000,
  "update.stateFolder": path.join(folder, "state"),
};

/** Every file below the folder with its content, and every folder. */
function everything(): Readonly<Record<string, string>> {
  return Object.fromEntries(
    readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => {
      const file = path.join(folder, name);
      const { mtimeMs } = statSync(file);
      const isFolder = statSync(file).isDirectory();
      const content = isFolder ? "folder" : createHash("sha256").update(readFileSync(file)).digest("hex");
      return [name, `${content} ${mtimeMs}`];
    }),
  );
}

let browser: Browser;
before(async () => {
  browser = await startBrowser();
});
after(() => browser[Symbol.asyncDispose]());

describe("maskgate view", () => {
  let viewing: Running;
  let url = "";
  let pictures: readonly Buffer[] = [];
  let config = "";
  let untouched: Readonly<Record<string, string>> = {};

  before(async () => {
    pictures = await writeFrames(frames);
    config = configFile(folder, { ...keys, "model.folder": "" });
    untouched = everything();
    viewing = startIn(home, { HOME: home, TMPDIR: home }, "view", "--port", "0", "--config", config);
    await until("its address", viewing, () => viewing.written.out.includes("Ctrl+C"));
    url = /^The camera's view is at (\S+)$/m.exec(viewing.written.out)?.[1] ?? "";
    await browser.open(url);
  });
  after(() => stop(viewing));

  it("says where the page is, from this machine and from another", () => {
    const { port, pathname } = new URL(url);
    assert.match(pathname, /^\/[\w-]{32}\/$/);
    assert.deepEqual(viewing.written.out.split("\n").slice(1), [
      `From another machine: ssh -L ${port}:127.0.0.1:${port} USER@THIS-MACHINE, then the same address there.`,
      "The door is not touched and nothing is stored. Ctrl+C ends it.",
      "",
    ]);
  });

  it("shows who is masked: the picture, a box, words, votes, and a door that would be open", async () => {
    const seen = await seenWhen(browser, `page.says === "Door open: mask"`);
    assert.deepEqual([seen.kind, seen.hint, seen.faces.length], ["open", "", 1]);
    assert.match(seen.faces[0] ?? "", /^mask, \d+ px wide: masked [01]\.\d\d, face 0\.\d\d, \d+ of 2 votes$/);
    assert.deepEqual(seen.canvas, { widthPx: 480, heightPx: 360, label: "The camera's picture with 1 face" });
    assert.ok((await difference(seen, pictures[0])) < 20, "the picture is what the camera sees");
    assert.ok(seen.boxPx.masked > 300 && seen.boxPx.bare === 0, JSON.stringify(seen.boxPx));
  });

  it("shows who is not: no mask, and a door that refuses", async () => {
    const seen = await seenWhen(browser, `page.says === "Door locked: refused, no mask"`);
    assert.equal(seen.kind, "locked");
    assert.match(seen.faces[0] ?? "", /^no mask, \d+ px wide: masked 0\.\d\d/);
    assert.ok((await difference(seen, pictures[1])) < 20, "the picture is what the camera sees");
    assert.ok(seen.boxPx.bare > 600 && seen.boxPx.masked === 0, JSON.stringify(seen.boxPx));
  });

  it("shows a covered lens as the daemon does: a fault, what to do, and the dark picture; and its end", async () => {
    const seen = await seenWhen(browser, `page.says === "Door locked: fault"`);
    assert.deepEqual([seen.kind, seen.faces], ["fault", []]);
    assert.match(seen.hint, /^the camera shows nothing: uncover its lens and light the place/);
    assert.ok((await difference(seen, pictures[2])) < 20, "the picture is what the camera sees");
    await seenWhen(browser, `page.says === "Door open: mask"`);
  });

  it("shows model, rate and the time of each stage", async () => {
    const { numbers } = await seenWhen(browser, `page.says === "Door open: mask"`);
    const said = Object.entries(numbers).map(([name, value]) => `${name}: ${value}`);
    for (const [at, row] of [
      /^Frames decided: \d+(\.\d)? a second, \d+ skipped$/,
      /^Picture: 480 x 360 px$/,
      /^Provider: cpu$/,
      /^Model: .+ \d+\.\d+\.\d+$/,
      /^Masked from: 0\.\d\d$/,
      ...["Decode", "Detect", "Crop", "Classify", "Frame to decision"].map(
        (name) => new RegExp(`^${name}: \\d+(\\.\\d)? ms$`),
      ),
    ].entries()) {
      assert.match(said[at] ?? "", row);
    }
    const ms = (name: string): number => Number.parseFloat(numbers[name] ?? "");
    assert.ok(ms("Detect") > 0 && ms("Classify") > 0 && ms("Frame to decision") >= ms("Detect"));
  });

  it("the sliders print lines that maskgate takes, whichever is moved where, and judge faces by them", async () => {
    const moves = [
      { id: "search", px: 20, least: [80, 20] },
      { id: "open", px: 400, least: [400, 20] },
      { id: "search", px: 150, least: [400, 150] },
      { id: "open", px: 100, least: [100, 100] },
      { id: "search", px: 120, least: [120, 120] },
      { id: "open", px: 20, least: [20, 20] },
    ] as const;
    const usual = await seenWhen(browser, "page.faces.length === 1");
    assert.deepEqual(usual.sizes, ["40 px (runs with 40)", "32 px (runs with 32)"]);
    await slide(browser, "open", 80);
    for (const { id, px, least } of moves) {
      await slide(browser, id, px);
      const { lines } = await seenWhen(browser, "true");
      const file = path.join(temporaryFolder(), "maskgate.toml");
      writeFileSync(file, lines);
      const { access, faces } = loadConfig(file);
      assert.deepEqual([access.leastFacePx, faces.leastFacePx], least, lines);
    }
    await slide(browser, "open", 400);
    const small = await seenWhen(browser, "page.faces.length === 1");
    assert.match(small.faces[0] ?? "", /^too small, \d+ px wide/);
    assert.ok(small.boxPx.small > 150 && small.boxPx.masked + small.boxPx.bare === 0, "its box is dashed");
  });

  it("fits a telephone", async () => {
    await browser.size(360, 740);
    await seenWhen(browser, "page.faces.length === 1");
    assert.equal(await browser.evaluate("document.documentElement.scrollWidth"), 360);
  });

  it("asked nobody but itself for anything, and the browser had nothing to complain of", () => {
    assert.deepEqual(browser.complaints, []);
    assert.deepEqual(
      browser.requested.filter((address) => !address.startsWith(url)),
      [],
    );
    assert.ok(browser.requested.filter((address) => address === `${url}frame`).length > 10);
  });

  it("wrote nothing: not where it runs, not to its temporary folder, not beside its configuration", async () => {
    const { code, signal, err } = await stop(viewing);
    assert.deepEqual([code, signal], [0, null]);
    assert.match(err, /camera-blind/);
    assert.deepEqual(everything(), untouched);
    await seenWhen(browser, `page.says === "maskgate view does not answer"`);
  });

  it("is refused while the daemon runs, which can start when the view has ended", async () => {
    const daemon = await startDaemon(
      configFile(folder, { ...keys, "model.folder": modelFolder("brightness") }),
    );
    const { code, out, err } = await maskgate("view", "--port", "0", "--config", config);
    assert.deepEqual([code, out], [2, ""]);
    assert.match(
      err,
      /^maskgate: \S+status\.sock: the daemon runs and has the camera; stop it first \(systemctl stop maskgate\)\n$/,
    );
    assert.equal((await stop(daemon)).code, 0);
  });

  it("is refused while systemd starts the daemon, which has the camera before its socket", async () => {
    const cameraless = configFile(folder, { "camera.replay.path": path.join(folder, "none") });
    const beside = (state: string): Promise<void> => {
      const host = {
        ...thisHost,
        hasSystemd: () => true,
        unit: (name: string, property: string) =>
          /^maskgate\.service ActiveState$/.test(`${name} ${property}`) ? state : "",
      };
      const options = { configFile: cameraless, port: "0", write: () => undefined };
      return view(options, AbortSignal.abort(), () => undefined, host);
    };
    await assert.rejects(beside("activating"), {
      code: "socket-busy",
      message:
        "maskgate.service: the daemon is starting and has the camera; stop it first (systemctl stop maskgate)",
    });
    await assert.rejects(beside("inactive"), { code: "camera-missing" });
  });
});

describe("its page", () => {
  const parts: ViewParts = {
    ...{ state: initialState, seen: undefined, frameToDecisionMs: 0, hasEnded: false },
    ...{ framesPerSecond: 0, framesSkipped: 0, policy, leastSearchedPx: 32 },
    model: { ...new SimVision().model, askedProvider: "cpu", isFirstChoice: true },
  };
  let now = viewState(parts);
  let picture: string | null = null;
  let server: ViewServer;

  before(async () => {
    server = await ViewServer.open(0, viewAssets);
    server.answerFrames(async () => {
      await wait(20);
      return { ...now, picture };
    });
    await browser.open(server.url);
  });
  after(() => server[Symbol.asyncDispose]());

  const reminded: AccessState = { ...initialState, access: { kind: "reminded", untilMs: 1 } };
  const sentences: readonly (readonly [AccessState, string, string])[] = [
    [initialState, "Door locked: nobody near enough", "locked"],
    [stateAfter([0.9]), "Door locked: checking", "locked"],
    [stateAfter([0.1, 0.1]), "Door locked: refused, no mask", "locked"],
    [stateAfter([0.9, 0.9, 0.9]), "Door open: mask", "open"],
    [reminded, "Door open: no mask, reminded", "open"],
    [faulted, "Door locked: fault", "fault"],
  ];

  it("has a sentence for each state of the access machine", async () => {
    assert.equal(new Set(sentences.map(([{ access }]) => access.kind)).size, sentences.length);
    for (const [state, says, kind] of sentences) {
      now = viewState({ ...parts, state });
      const seen = await seenWhen(browser, `page.says === ${JSON.stringify(says)}`);
      assert.equal(seen.kind, kind);
    }
  });

  it("says why no picture comes: the fault, a replay that has ended, a camera that is silent", async () => {
    const { fault } = viewState({ ...parts, state: faulted });
    for (const [change, hint] of [
      [{ state: faulted }, fault?.message],
      [{ hasEnded: true }, "The replay has ended."],
      [{}, "No new frame for two seconds."],
    ] as const) {
      now = viewState({ ...parts, ...change });
      await seenWhen(browser, `page.hint === ${JSON.stringify(hint)}`);
    }
  });

  it("starts with the sizes that run, however large", async () => {
    now = viewState({ ...parts, policy: { ...policy, leastFacePx: 1200 }, leastSearchedPx: 700 });
    await browser.open(server.url);
    const { sizes, lines } = await seenWhen(browser, `page.says.startsWith("Door")`);
    assert.deepEqual(sizes, ["1200 px (runs with 1200)", "700 px (runs with 700)"]);
    assert.equal(lines, "[access]\nleastFacePx = 1200\n\n[faces]\nleastFacePx = 700");
  });

  it("draws the picture before while the next one is decoded, if a slider is moved then", async () => {
    const seen = observation(1, 0, [masked(0, 200)]);
    now = viewState({ ...parts, seen });
    picture = (await portrait(true)).toString("base64");
    await seenWhen(browser, "page.faces.length === 1");
    await browser.evaluate(`(() => {
      const decode = window.createImageBitmap;
      window.createImageBitmap = async (...given) => {
        await new Promise((resolve) => setTimeout(resolve, 100));
        return decode(...given);
      };
    })()`);
    const complaints = browser.complaints.length;
    for (let px = 100; px < 120; px++) {
      await slide(browser, "open", px);
      await wait(10);
    }
    assert.deepEqual(browser.complaints.slice(complaints), []);
  });
});
