/** `maskgate classify` and `crops` on photographs, with a stand-in model that takes brightness for masks; and what needs no picture. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { configTable } from "../../src/config-table.ts";
import type { Box } from "../../src/core/face.ts";
import { concurrency, configFile, maskgate, photograph, temporaryFolder } from "./probe.ts";

const folder = temporaryFolder();
const at = (name: string): string => path.join(folder, name);
const config = configFile(folder);
const [plain, turned, broken] = [at("in/people.jpg"), at("turned.jpg"), at("in/text.jpg")];
const size = { widthPx: 480, heightPx: 320 };

interface Answer {
  readonly file: string;
  readonly widthPx: number;
  readonly heightPx: number;
  readonly faces: readonly { readonly box: Box; readonly score: number; readonly masked: number }[];
}

function answers(out: string): readonly Answer[] {
  return out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Answer);
}

function assertFaces({ faces, widthPx, heightPx }: Answer, people: number): void {
  assert.equal(faces.length, people);
  for (const { box, score, masked } of faces) {
    assert.ok(box.x >= 0 && box.x + box.width <= widthPx && box.width >= 40, JSON.stringify(box));
    assert.ok(box.y >= 0 && box.y + box.height <= heightPx && box.height >= 40, JSON.stringify(box));
    assert.ok(score >= 0.5 && score <= 1 && masked > 0 && masked < 1, `${score} ${masked}`);
  }
}

before(async () => {
  mkdirSync(at("in"));
  await photograph(plain);
  writeFileSync(broken, "no picture");
  // As a camera that was held on its side stores it: pixels turned by 90 degrees, and a note of it.
  writeFileSync(turned, await sharp(plain).rotate(-90).withMetadata({ orientation: 6 }).jpeg().toBuffer());
});

describe("good input", { concurrency }, () => {
  it("--version is the package's", async () => {
    const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { readonly version: string };
    assert.deepEqual(await maskgate("--version"), { code: 0, signal: null, out: `${version}\n`, err: "" });
  });

  for (const args of [["--help"], ["run", "--help"], ["-h"]]) {
    it(`${args.join(" ")} names every command and exit code`, async () => {
      const { code, out, err } = await maskgate(...args);
      assert.deepEqual([code, err], [0, ""]);
      for (const command of [
        "run",
        "status",
        "watch",
        "classify PATH...",
        "crops PATH...",
        "config",
        "--version",
      ])
        assert.ok(out.includes(`maskgate ${command}`), command);
      assert.match(out, /Exit codes: 0 .*; 1 .*; 2 /);
    });
  }

  it("config prints every key, as text and as JSON", async () => {
    const [text, json] = await Promise.all([maskgate("config"), maskgate("config", "--json")]);
    assert.deepEqual([text.code, json.code, text.err, json.err], [0, 0, "", ""]);
    for (const { key } of configTable())
      assert.match(text.out, new RegExp(`^${key.replaceAll(".", "\\.")} `, "m"));
    assert.deepEqual(JSON.parse(json.out), configTable());
  });

  it("classify --json gives a line for each picture: boxes of the upright picture, masked inside (0,1)", async () => {
    const { code, out, err } = await maskgate("classify", "--json", "--config", config, plain, turned);
    assert.deepEqual([code, err], [0, ""]);
    const [first, second] = answers(out);
    assert.ok(first && second);
    for (const [answer, file] of [
      [first, plain],
      [second, turned],
    ] as const) {
      assert.deepEqual(Object.keys(answer), ["file", "widthPx", "heightPx", "faces"]);
      assert.deepEqual(Object.keys(answer.faces[0] ?? {}), ["box", "score", "masked"]);
      assert.deepEqual(Object.keys(answer.faces[0]?.box ?? {}), ["x", "y", "width", "height"]);
      assert.deepEqual({ ...answer, faces: [] }, { file, ...size, faces: [] });
      assertFaces(answer, 3);
    }
    for (const { box } of first.faces) {
      const near = second.faces.some(
        (face) => Math.hypot(face.box.x - box.x, face.box.y - box.y) < box.width / 4,
      );
      assert.ok(near, `no face at ${box.x},${box.y} in the turned picture`);
    }
  });

  it("a folder with a broken picture: the good one is answered, the other named, exit code 2", async () => {
    const [json, text] = await Promise.all([
      maskgate("classify", "--json", "--config", config, at("in")),
      maskgate("classify", "--config", config, at("in")),
    ]);
    assert.deepEqual([json.code, text.code, json.err], [2, 2, ""]);
    const [good, bad, ...others] = answers(json.out);
    assert.ok(good && bad && others.length === 0);
    assertFaces(good, 3);
    assert.deepEqual(Object.keys(bad), ["file", "error"]);
    assert.equal(bad.file, broken);
    assert.match(
      text.out,
      /people\.jpg: 480x320, 3 faces\n( {2}not masked 0\.\d{3} {2}\d+ px at \d+,\d+\n){3}$/,
    );
    assert.match(text.err, /^maskgate: \S+text\.jpg: not a readable picture: .*\n$/);
  });

  it("classify --annotate draws the boxes, and pictures of one name stay apart", async () => {
    const [other, out] = [at("other"), at("annotated/deep")];
    mkdirSync(other);
    await photograph(path.join(other, "people.jpg"), true);
    const { code, err } = await maskgate(
      "classify",
      "--config",
      config,
      plain,
      path.join(other, "people.jpg"),
      "--annotate",
      out,
    );
    assert.deepEqual([code, err, readdirSync(out)], [0, "", ["people.jpg", "people~2.jpg"]]);
    const isNear = (rgb: readonly number[], wanted: readonly number[]): boolean =>
      rgb.every((value, n) => Math.abs(value - (wanted[n] ?? 0)) < 60);
    for (const [name, wanted] of [
      ["people.jpg", [0xff, 0x3b, 0x30]],
      ["people~2.jpg", [0x19, 0xc3, 0x7d]],
    ] as const) {
      const { data, info } = await sharp(path.join(out, name)).raw().toBuffer({ resolveWithObject: true });
      assert.deepEqual([info.width, info.height, info.channels], [480, 320, 3]);
      let marked = 0;
      for (let n = 0; n < data.length; n += 3) if (isNear([...data.subarray(n, n + 3)], wanted)) marked++;
      assert.ok(marked > 3 * 4 * 40, `${name}: ${marked} pixels in the colour of the boxes`);
    }
  });

  it("a reader that goes away early is no failure", async () => {
    const main = fileURLToPath(new URL("../../src/main.js", import.meta.url));
    const line = `"${process.execPath}" "${main}" classify --config "${config}" "${plain}" "${plain}" | head -n 1; echo "\${PIPESTATUS[*]}"`;
    const shell = spawn("bash", ["-c", line], { stdio: ["ignore", "pipe", "pipe"] });
    const written = { out: "", err: "" };
    shell.stdout.on("data", (piece: Buffer) => (written.out += piece.toString()));
    shell.stderr.on("data", (piece: Buffer) => (written.err += piece.toString()));
    await once(shell, "close");
    assert.match(written.out, /people\.jpg: 480x320, 3 faces\n0 0\n$/);
    assert.equal(written.err, "");
  });

  it("crops writes 112x112 pictures and a line for each picture", async () => {
    const out = at("crops");
    const { code, out: said, err } = await maskgate("crops", "--config", config, at("in"), "--out", out);
    assert.equal(code, 2);
    assert.match(said, /^3 crops of 2 pictures in \S+crops; 1 not readable\n$/);
    assert.match(err, /^maskgate: \S+text\.jpg: not a readable picture: .*\n$/);
    const names = ["people-0.png", "people-1.png", "people-2.png"];
    assert.deepEqual(readdirSync(out).sort(), ["crops.jsonl", ...names]);
    for (const name of names) {
      const { width, height, format } = await sharp(path.join(out, name)).metadata();
      assert.deepEqual([width, height, format], [112, 112, "png"]);
    }
    const lines = readFileSync(path.join(out, "crops.jsonl"), "utf8").trim().split("\n");
    const [good, bad] = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.deepEqual([good?.["file"], good?.["widthPx"], good?.["heightPx"]], [plain, 480, 320]);
    assert.deepEqual(
      (good?.["faces"] as { readonly crop: string }[]).map(({ crop }) => crop),
      names,
    );
    assert.deepEqual(Object.keys(bad ?? {}), ["file", "error"]);
  });
});

describe("a long command line", () => {
  it("is no harm: every path is answered", async () => {
    const paths = Array.from({ length: 900 }, (_, n) => at(`no-such-picture-with-a-long-name-${n}.jpg`));
    const { code, out } = await maskgate("classify", "--json", "--config", config, ...paths);
    assert.equal(code, 2);
    assert.equal(out.trim().split("\n").length, 900);
  });
});
