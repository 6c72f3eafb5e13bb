/** Shares the rows of the table among several machines. */
import { availableParallelism, totalmem } from "node:os";
import type { Row, Verdict } from "./row.ts";

/** One machine at work, from its boot to its end. */
export interface Member extends AsyncDisposable {
  /** The first row, which every machine needs, then what comes before the others. */
  install(row: Row): Promise<Verdict>;
  run(row: Row): Promise<Verdict>;
}

export interface Shared {
  readonly verdicts: readonly Verdict[];
  /** Rows that no machine was left for. */
  readonly notRun: number;
}

/** QEMU's own memory and what it translates, beside the guest's. */
const bytesEach = 2.5 * 2 ** 30;

/** As many machines as this host has cores and memory for: emulation keeps a core busy. */
export function usualMachines(cores = availableParallelism(), memoryBytes = totalmem()): number {
  return Math.max(1, Math.min(cores, Math.floor(memoryBytes / bytesEach)));
}

/**
 * Each machine goes through the first row and then takes the next one that nobody took, so that the last row is the last one of its
 * machine. A machine that cannot install leaves the rows to the others.
 * @throws what ended a machine, once the others are done
 */
export async function share(rows: readonly Row[], team: readonly (() => Promise<Member>)[]): Promise<Shared> {
  const [first, ...queue] = rows;
  const verdicts: Verdict[] = [];
  const work = async (open: () => Promise<Member>, isLeader: boolean): Promise<void> => {
    if (first === undefined) return;
    await using member = await open();
    const installed = await member.install(first);
    // One row, however many machines go through it.
    if (isLeader || !installed.isOk) verdicts.push(installed);
    if (!installed.isOk) return;
    for (let row = queue.shift(); row !== undefined; row = queue.shift())
      verdicts.push(await member.run(row));
  };
  const ends = await Promise.allSettled(team.map((open, at) => work(open, at === 0)));
  const failure = ends.find((end) => end.status === "rejected");
  if (failure !== undefined) throw failure.reason;
  return { verdicts, notRun: queue.length };
}
