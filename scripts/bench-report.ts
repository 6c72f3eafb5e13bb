/** What the benchmark found, as JSON and as a table for people. */
import type { Ratios, Spread } from "./bench-numbers.ts";

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly node: string;
  /** Runnable processes, averaged over a minute, before the benchmark began: above 0.5 something else ran. */
  readonly loadBefore: number;
}

export interface ScenarioReport {
  readonly name: string;
  readonly widthPx: number;
  readonly heightPx: number;
  readonly encoding: "file" | "rgb24";
  readonly frames: number;
  readonly faces: { readonly mean: number; readonly most: number };
  readonly detectorCalls: { readonly mean: number; readonly most: number };
  /** In ms. */
  readonly stages: Readonly<Record<string, Spread>>;
  /** In ms: one detector call, and one batch for each number of crops. */
  readonly raw: { readonly detect: Spread; readonly classify: Readonly<Record<string, Spread>> };
  readonly ratios: Ratios;
}

export interface BenchReport {
  readonly machine: Machine;
  readonly model: {
    readonly name: string;
    readonly version: string;
    readonly provider: string;
    readonly threads: number;
  };
  readonly framesPerSecond: number;
  readonly warmUpFrames: number;
  readonly scenarios: readonly ScenarioReport[];
}

/** The report as text. */
export function benchTable({ machine, model, ...report }: BenchReport): string {
  const head = [
    `${machine.cpu}, ${machine.cores} cores, load ${machine.loadBefore.toFixed(1)} before; Node ${machine.node}`,
    `${model.name} ${model.version} on ${model.provider}, ${model.threads} threads; ` +
      `${report.framesPerSecond} frames/s, ${report.warmUpFrames} frames of warm-up left out of each run; times in ms`,
  ];
  return `${[...head, ...report.scenarios.map(scenarioTable)].join("\n")}\n`;
}

function scenarioTable(scenario: ScenarioReport): string {
  const { faces, detectorCalls, ratios } = scenario;
  const rows = [
    ...Object.entries(scenario.stages).map(([name, spread]) => row(name, spread)),
    row("raw detector, 1 call", scenario.raw.detect),
    ...Object.entries(scenario.raw.classify).map(([crops, spread]) =>
      row(`raw classifier, ${crops} ${crops === "1" ? "crop" : "crops"}`, spread),
    ),
  ];
  return [
    "",
    `${scenario.name}: ${scenario.frames} frames, ${faces.mean.toFixed(1)} faces (at most ${faces.most}), ` +
      `${detectorCalls.mean.toFixed(2)} detector calls a frame (at most ${detectorCalls.most})`,
    `  ${"".padEnd(26)}${["n", "p50", "p95", "p99"].map((name) => name.padStart(9)).join("")}`,
    ...rows,
    `  (crop + classify) / raw classifier ${ratio(ratios.cropToVerdict)}; ` +
      `detect / (calls x raw detector) ${ratio(ratios.detect)}`,
  ].join("\n");
}

function row(name: string, { n, p50, p95, p99 }: Spread): string {
  const cells = [String(n), ...[p50, p95, p99].map((value) => value.toFixed(2))];
  return `  ${name.padEnd(26)}${cells.map((cell) => cell.padStart(9)).join("")}`;
}

function ratio(value: number): string {
  return Number.isNaN(value) ? "-" : value.toFixed(2);
}
