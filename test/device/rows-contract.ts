/** The GPIO drivers' contract suite on the kernel's own simulator. */
import { need, type Bench } from "./bench.ts";
import type { Row } from "./row.ts";

async function contract(bench: Bench): Promise<string> {
  // The suite makes chips of its own, which give a released line to its pull as gpio-sim does by itself.
  await bench.sh("echo 0 >/sys/module/gpio_sim/parameters/keeps_level");
  try {
    const { exitCode, stdout } = await bench.sh(
      `cd /run/bench; timeout 300 /opt/maskgate/bin/node --test --test-reporter=tap /host/tests/dist/test/io/gpio-real-kernel.test.js 2>&1`,
      { check: false },
    );
    const count = (name: string): number =>
      Number(new RegExp(`^# ${name} (\\d+)$`, "m").exec(stdout)?.[1] ?? NaN);
    const failed = stdout
      .split("\n")
      .filter((line) => line.includes("not ok"))
      .slice(0, 8)
      .join("\n");
    const [tests, passed] = [count("tests"), count("pass")];
    need(
      exitCode === 0 && tests > 40 && passed === tests,
      `${passed} of ${tests} contract tests:\n${failed}`,
    );
    return `${passed} contract tests`;
  } finally {
    await bench.sh("echo 1 >/sys/module/gpio_sim/parameters/keeps_level");
  }
}

export const contractRows: readonly Row[] = [
  {
    name: "contract",
    asserts: "both GPIO drivers keep their contract on the kernel's simulator",
    run: contract,
  },
];
