import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { closeSync, fstatSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import type pino from "pino";
import { KioskError } from "../../src/core/errors.ts";
import { createLog, type Log, type LogStyle } from "../../src/io/log.ts";

const folder = mkdtempSync(path.join(tmpdir(), "maskgate-log-"));
after(() => {
  rmSync(folder, { recursive: true });
});

function written(style: LogStyle, level: pino.Level, use: (log: Log) => void): readonly string[] {
  const lines: string[] = [];
  use(createLog({ level, style, sink: { write: (line) => lines.push(line) } }));
  return lines;
}

test("json: one object a line, with level, time and message; less severe messages are left out", () => {
  const lines = written("json", "info", (log) => {
    log.debug("unheard");
    log.info({ frames: 3 }, "two\nlines");
  });
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? "", /^[^\n]*\n$/);
  const { time, ...entry } = JSON.parse(lines[0] ?? "") as Record<string, unknown>;
  assert.deepEqual(entry, { level: "info", frames: 3, msg: "two\nlines" });
  assert.match(String(time), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
});

test("journal: each level has syslog's priority in front", () => {
  const lines = written("journal", "trace", (log) => {
    for (const level of ["fatal", "error", "warn", "info", "debug", "trace"] as const) log[level](level);
  });
  const priorities = lines.map((line) => /^<(\d)>\{.*"msg":"(\w+)"\}\n$/.exec(line)?.slice(1, 3).join(" "));
  assert.deepEqual(priorities, ["2 fatal", "3 error", "4 warn", "6 info", "7 debug", "7 trace"]);
});

test("terminal: readable", () => {
  const [line] = written("terminal", "info", (log) => {
    log.warn({ provider: "cpu", asked: ["tensorrt", "cpu"] }, "not the first choice");
  });
  assert.match(
    line ?? "",
    /^[\d:.]{12} warn {2}not the first choice provider=cpu asked=\["tensorrt","cpu"\]\n$/,
  );
});

test("no picture and nothing of a face gets in, however deep it is hidden", () => {
  const pixels = new Uint8Array([222, 111]);
  const box = { x: 4321, y: 4321, width: 4321, height: 4321 };
  const secrets = {
    observation: { verdicts: [{ face: { box, score: 0.4321 }, masked: 0.4321 }] },
    deep: { list: [{ verdict: { masked: 0.4321 } }, { box }, { face: box }, { faces: [box] }] },
    raw: pixels,
    node: Buffer.from(pixels),
    shared: new SharedArrayBuffer(2),
    tracks: [{ box }],
    frame: { seq: 4321 },
  };
  const lines = written("json", "info", (log) => {
    log.info(secrets, "seen");
    log.info({ ...secrets, faces: 2, frame: 17 }, "counts may pass");
  });
  for (const line of lines) assert.doesNotMatch(line, /4321|222/);
  assert.match(lines[1] ?? "", /"frame":17,"faces":2/);
});

test("an expected failure is its code and one line; a bug has its stack", () => {
  const lines = written("json", "info", (log) => {
    log.error({ err: new KioskError("camera-silent", "no frames for two s") }, "camera");
    log.error({ err: new TypeError("bug") }, "loop");
  });
  assert.match(lines[0] ?? "", /"err":\{"code":"camera-silent","message":"no frames for two s"\}/);
  assert.match(lines[1] ?? "", /"message":"bug","stack":"TypeError: bug\\n/);
});

/** Runs a process whose stdout is a file of ours, and whose JOURNAL_STREAM is what `journalStream` makes of that file. */
function childOutput(journalStream: (file: { dev: bigint; ino: bigint }) => string | undefined): string {
  const file = path.join(folder, "out");
  const fd = openSync(file, "w");
  const stream = journalStream(fstatSync(fd, { bigint: true }));
  const program = `import { openLog } from ${JSON.stringify(new URL("../../src/io/log.js", import.meta.url).href)};
    const log = openLog("info"); log.info("hello"); process.exit(0);`;
  const { stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
    stdio: ["ignore", fd, "pipe"],
    env: stream === undefined ? {} : { JOURNAL_STREAM: stream },
    encoding: "utf8",
  });
  closeSync(fd);
  assert.equal(stderr, "");
  return readFileSync(file, "utf8");
}

test("a process writes priorities only if the journal reads its very stdout, and loses nothing at its end", () => {
  assert.match(
    childOutput(({ dev, ino }) => `${dev}:${ino}`),
    /^<6>\{"level":"info".*"msg":"hello"\}\n$/,
  );
  assert.match(
    childOutput(({ dev, ino }) => `${dev}:${ino + 1n}`),
    /^\{"level":"info"/,
  );
  assert.match(
    childOutput(() => undefined),
    /^\{"level":"info"/,
  );
});
