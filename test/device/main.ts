/**
 * `scripts/test-device`: boots the bench's machine, runs the rows and prints their table. Exits with 1 if a row fails.
 *   --images FOLDER --host FILE    what was built (scripts/test-device gives these)
 *   --only ROW, again for more     these rows, and the ones that install what they need
 *   --rounds N                     how often the rows with random moments draw (20)
 *   --machines N                   on how many machines at once (one a core, as far as the memory goes)
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
import { share, usualMachines, type Member } from "./team.ts";

interface Options {
  readonly images: MachineImages;
  readonly rows: readonly Row[];
  readonly rounds: number;
  readonly machines: number;
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
      machines: { type: "string", default: String(usualMachines()) },
      broken: { type: "boolean", default: false },
      list: { type: "boolean", default: false },
      scenes: { type: "string" },
    },
  });
  return {
    images: { folder: values.images, host: values.host },
    rows: chosen(values.only),
    rounds: counted("rounds", values.rounds),
    machines: counted("machines", values.machines),
    isBroken: values.broken,
    isList: values.list,
    scenes: values.scenes,
  };
}

function counted(option: string, text: string): number {
  const count = Number(text);
  if (!(Number.isInteger(count) && count > 0)) throw new Error(`--${option}: a whole number above 0`);
  return count;
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
  // One machine more than there are rows beside the first would have nothing to do.
  const count = Math.min(options.machines, Math.max(1, options.rows.length - 1));
  const team = Array.from({ length: count }, () => async () => {
    const member = await memberOf(options, say);
    say(`a machine is up after ${minutes()} minutes\n`);
    return member;
  });
  const { verdicts, notRun } = await share(options.rows, team);
  const failed = verdicts.filter(({ isOk }) => !isOk).length;
  const left = notRun > 0 ? `, ${notRun} not run` : "";
  const machines = count === 1 ? "1 machine" : `${count} machines`;
  say(
    `${verdicts.length - failed} of ${verdicts.length} rows are green${left}; ${minutes()} minutes on ${machines}\n`,
  );
  return failed > 0 ? 1 : 0;
}

/** A machine that boots, and says what comes of each row as soon as it is known. */
async function memberOf(options: Options, say: (text: string) => void): Promise<Member> {
  const machine = await Machine.boot(options.images);
  const bench = new Bench(machine);
  const run = async (row: Row): Promise<Verdict> => {
    const verdict = await (options.isBroken ? judgeBroken : judge)(row, bench, options);
    say(tableLine(verdict) + (verdict.isOk ? "" : await traces(bench)));
    return verdict;
  };
  return {
    run,
    async install(row) {
      const verdict = await run(row);
      if (verdict.isOk && options.isBroken) await installWhole(row, bench, options);
      return verdict;
    },
    [Symbol.asyncDispose]: () => machine[Symbol.asyncDispose](),
  };
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
