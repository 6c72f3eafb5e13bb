/**
 * `scripts/test-device`: boots the bench's machine, runs the rows and prints their table. Exits with 1 if a row fails.
 *   --images FOLDER --host FILE    what was built (scripts/test-device gives these)
 *   --only ROW, again for more     these rows, and the ones that install what they need
 *   --rounds N                     how often the rows with random moments draw (20)
 *   --broken                       breaks each guarantee on purpose and holds that its row goes red
 *   --list                         the rows
 *   --scenes FOLDER                only writes what is shown to the camera
 */
import { parseArgs } from "node:util";
import { runScript } from "../../scripts/run-script.ts";
import { Bench } from "./bench.ts";
import { judgeBroken, keep } from "./broken.ts";
import { Machine, type MachineImages } from "./machine.ts";
import { judge, tableLine, type Row, type Verdict } from "./row.ts";
import { rows } from "./rows.ts";
import { writeBenchScenes } from "./scenes.ts";

interface Options {
  readonly images: MachineImages;
  readonly rows: readonly Row[];
  readonly rounds: number;
  readonly isBroken: boolean;
  readonly isList: boolean;
  readonly scenes: string | undefined;
}

function optionsOf(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      images: { type: "string", default: "" },
      host: { type: "string", default: "" },
      only: { type: "string", multiple: true, default: [] },
      rounds: { type: "string", default: "20" },
      broken: { type: "boolean", default: false },
      list: { type: "boolean", default: false },
      scenes: { type: "string" },
    },
  });
  const rounds = Number(values.rounds);
  if (!(Number.isInteger(rounds) && rounds > 0)) throw new Error("--rounds: a whole number above 0");
  return {
    images: { folder: values.images, host: values.host },
    rows: chosen(values.only),
    rounds,
    isBroken: values.broken,
    isList: values.list,
    scenes: values.scenes,
  };
}

function chosen(names: readonly string[]): readonly Row[] {
  const unknown = names.find((name) => !rows.some((row) => row.name === name));
  if (unknown !== undefined) {
    throw new Error(`--only ${unknown}: the rows are ${rows.map(({ name }) => name).join(" ")}`);
  }
  // Without the first row nothing is installed.
  return names.length === 0 ? rows : rows.filter((row, at) => at === 0 || names.includes(row.name));
}

async function main(options: Options): Promise<number> {
  const say = (text: string): void => void process.stdout.write(text);
  if (options.isList) {
    for (const { name, asserts } of rows) say(`${name.padEnd(14)} ${asserts}\n`);
    return 0;
  }
  if (options.scenes !== undefined) {
    await writeBenchScenes(options.scenes);
    return 0;
  }
  const startedMs = performance.now();
  const minutes = (): string => ((performance.now() - startedMs) / 60_000).toFixed(1);
  await using machine = await Machine.boot(options.images);
  say(`the machine is up after ${minutes()} minutes\n`);
  const bench = new Bench(machine);
  const verdicts: Verdict[] = [];
  for (const row of options.rows) {
    const verdict = await (options.isBroken ? judgeBroken : judge)(row, bench, options);
    verdicts.push(verdict);
    say(tableLine(verdict));
    if (!verdict.isOk) say(await traces(bench));
    if (row !== rows[0]) continue;
    if (!verdict.isOk) break;
    if (options.isBroken) await installWhole(row, bench, options);
  }
  const failed = verdicts.filter(({ isOk }) => !isOk).length;
  const left = options.rows.length - verdicts.length;
  const notRun = left > 0 ? `, ${left} not run` : "";
  say(`${verdicts.length - failed} of ${verdicts.length} rows are green${notRun}; ${minutes()} minutes\n`);
  return failed > 0 ? 1 : 0;
}

/** The first row was broken; the others need what it installs. */
async function installWhole(row: Row, bench: Bench, options: Options): Promise<void> {
  const verdict = await judge(row, bench, options);
  if (!verdict.isOk) throw new Error(`${row.name}: ${verdict.figure}`);
  await keep(bench);
}

/** What a person wants to see of a row that failed. */
async function traces(bench: Bench): Promise<string> {
  const journal =
    "journalctl -b -n 25 --no-pager -o short-monotonic -u 'maskgate*' | cut -c1-220; gpioinfo | head -9";
  const { stdout } = await bench.sh(journal, { check: false });
  return stdout.replaceAll(/^/gm, "      | ").trimEnd() + "\n";
}

await runScript(optionsOf, main);
