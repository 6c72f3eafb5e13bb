/** How benchmark and soak start: options that make no sense, and a model that cannot be used, are one line and exit code 2. */
import { KioskError, messageOf } from "../src/core/errors.ts";

/** Parses the command line, runs, and sets the exit code that `main` returns. */
export async function runScript<Options>(
  optionsOf: (args: readonly string[]) => Options,
  main: (options: Options) => Promise<number>,
): Promise<void> {
  try {
    process.exitCode = await main(parsed(optionsOf));
  } catch (error) {
    if (!(error instanceof KioskError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 2;
  }
}

function parsed<Options>(optionsOf: (args: readonly string[]) => Options): Options {
  try {
    return optionsOf(process.argv.slice(2));
  } catch (cause) {
    const [reason = ""] = messageOf(cause).split(/\. |\n/, 1);
    throw new KioskError("bad-usage", reason, { cause });
  }
}
