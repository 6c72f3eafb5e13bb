/** What the soak sees of the daemon from outside, and what it concludes. */
import { readFile } from "node:fs/promises";
import { request } from "node:http";
import { text } from "node:stream/consumers";
import { growth, mean } from "./bench-numbers.ts";

export interface SoakSample {
  readonly atMs: number;
  readonly residentBytes: number;
  /** Of the window that the daemon keeps, about a minute. */
  readonly delayP99Ms: number;
  /** Since the daemon started. */
  readonly framesDecided: number;
}

export interface SoakVerdict {
  readonly minutes: number;
  readonly firstMinuteBytes: number;
  readonly lastMinuteBytes: number;
  /** Share by which the last minute's memory exceeds the first's. */
  readonly growth: number;
  /** The worst that was seen. */
  readonly delayP99Ms: number;
  readonly framesPerSecond: number;
  /** What was not as promised; empty if all was. */
  readonly failures: readonly string[];
}

const mostGrowth = 0.1;
const delayLimitMs = 20;
const minuteMs = 60_000;

/** Judges samples of two minutes or more. */
export function verdictOf(samples: readonly SoakSample[]): SoakVerdict {
  const [first, last] = [samples[0], samples.at(-1)];
  if (!first || !last || last.atMs - first.atMs < 2 * minuteMs * 0.99)
    throw new Error("samples of two minutes at least are needed");
  const bytesOf = (wanted: (sample: SoakSample) => boolean): number[] =>
    samples.filter(wanted).map((sample) => sample.residentBytes);
  const firstMinute = bytesOf(({ atMs }) => atMs - first.atMs <= minuteMs);
  const lastMinute = bytesOf(({ atMs }) => last.atMs - atMs <= minuteMs);
  const measured = {
    minutes: (last.atMs - first.atMs) / minuteMs,
    firstMinuteBytes: mean(firstMinute),
    lastMinuteBytes: mean(lastMinute),
    growth: growth(firstMinute, lastMinute),
    delayP99Ms: Math.max(...samples.map((sample) => sample.delayP99Ms)),
    framesPerSecond: ((last.framesDecided - first.framesDecided) * 1000) / (last.atMs - first.atMs),
  };
  return { ...measured, failures: failuresOf(measured) };
}

function failuresOf(measured: Omit<SoakVerdict, "failures">): string[] {
  const failures: string[] = [];
  // Written so that a value that is not a number fails.
  if (!(measured.growth <= mostGrowth))
    failures.push(`memory grew by more than ${(mostGrowth * 100).toFixed(0)} %`);
  if (!(measured.delayP99Ms < delayLimitMs))
    failures.push(`event loop delay p99 of ${delayLimitMs} ms or more`);
  if (!(measured.framesPerSecond > 0)) failures.push("no frame was decided");
  return failures;
}

/** The verdict as people read it. */
export function soakTable(verdict: SoakVerdict, load: number): string {
  const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
  return [
    `soak of ${verdict.minutes.toFixed(1)} minutes, load of the machine ${load.toFixed(1)} at its end`,
    `  memory, first minute    ${mebibytes(verdict.firstMinuteBytes)}`,
    `  memory, last minute     ${mebibytes(verdict.lastMinuteBytes)} (${(verdict.growth * 100).toFixed(1)} %)`,
    `  event loop delay p99    ${verdict.delayP99Ms.toFixed(1)} ms (worst minute)`,
    `  decided frames          ${verdict.framesPerSecond.toFixed(2)} /s`,
    verdict.failures.length === 0 ? "soak passed" : `soak FAILED: ${verdict.failures.join("; ")}`,
    "",
  ].join("\n");
}

/** The value of a metric without labels in Prometheus' text; NaN if it is not there. */
export function metricOf(metrics: string, name: string): number {
  const line = metrics.split("\n").find((candidate) => candidate.startsWith(`${name} `));
  return line === undefined ? NaN : Number(line.slice(name.length + 1));
}

/** `GET /metrics` over the status socket. */
export function scrape(socketPath: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const asking = request({ socketPath, path: "/metrics", timeout: 5000 }, (response) => {
      text(response).then(resolve, reject);
    });
    asking.on("timeout", () => {
      asking.destroy(new Error("/metrics does not answer"));
    });
    asking.on("error", reject);
    asking.end();
  });
}

/** What the process holds of the machine's memory now, all of its threads. */
export async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? NaN) * 1024;
}
