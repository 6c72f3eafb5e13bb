/**
 * `node dist/scripts/fuzz-bundle.js [--inputs 1000000] [--seed 1]`: the long run of the fuzzer. A failing input is written
 * to `fuzz-bundle-failure.maskgate` in the folder for temporary files, and the exit code is 1.
 */
import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { performance } from "node:perf_hooks";
import { parseArgs } from "node:util";
import { KioskError } from "../src/core/errors.ts";
import { fuzz, FuzzFailure, rateOf, type FuzzResult } from "./bundle-fuzz.ts";
import { runScript } from "./run-script.ts";

interface Options {
  readonly inputs: number;
  readonly seed: number;
}

function optionsOf(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: { inputs: { type: "string", default: "1000000" }, seed: { type: "string", default: "1" } },
  });
  const [inputs, seed] = [Number(values.inputs), Number(values.seed)];
  if (Number.isSafeInteger(inputs) && inputs > 0 && Number.isSafeInteger(seed)) return { inputs, seed };
  throw new KioskError("bad-usage", "--inputs and --seed are whole numbers");
}

async function main({ inputs, seed }: Options): Promise<number> {
  const sinceMs = performance.now();
  const say = (result: FuzzResult): void => {
    const { signed, read, endings, slowestMs, mostRssBytes } = result;
    const reached = `${signed} signed, ${read} read whole, ${endings.length} ways to end`;
    const cost = `slowest ${slowestMs.toFixed(0)} ms, most ${(mostRssBytes / 1e6).toFixed(0)} MB`;
    const line = `${result.inputs} inputs, ${rateOf(result.inputs, sinceMs)} a second: ${reached}; ${cost}`;
    process.stdout.write(`${line}\n`);
  };
  try {
    say(await fuzz(inputs, seed, say));
    return 0;
  } catch (error) {
    if (!(error instanceof FuzzFailure)) throw error;
    const file = path.join(tmpdir(), "fuzz-bundle-failure.maskgate");
    writeFileSync(file, error.input);
    process.stderr.write(
      `${error.message}: ${file}\n${error.cause instanceof Error ? (error.cause.stack ?? "") : ""}\n`,
    );
    return 1;
  }
}

await runScript(optionsOf, main);
