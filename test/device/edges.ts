/**
 * What the kernel saw of the simulated lines, out of the two logs that the guest writes: the levels that `bench edges` read every
 * 4 ms, and the kernel's trace of every level that it was asked to set. Pure. Times are the guest's CLOCK_MONOTONIC in ns.
 */

/** From one edge to the next of a line that has the level; `toNs` is absent while it still has it. */
export interface Span {
  readonly fromNs: number;
  readonly toNs: number | undefined;
}

export interface Edge {
  readonly atNs: number;
  readonly line: number;
  readonly level: 0 | 1;
}

/** What was read of the lines from one start of the machine to the next. */
export interface BootRecord {
  readonly bootId: string;
  readonly edges: readonly Edge[];
  /** When the reader told that it is alive, and its longest time without a look since it told so before. */
  readonly signs: readonly { readonly atNs: number; readonly longestNs: number }[];
}

/** Levels that the kernel was asked to set, from one start of the machine to the next. */
export interface TraceRecord {
  readonly bootId: string;
  readonly sets: readonly Edge[];
}

/** The log of `bench edges`; a line that is not whole yet is left out. */
export function bootRecords(log: string): readonly BootRecord[] {
  const boots: { bootId: string; edges: Edge[]; signs: { atNs: number; longestNs: number }[] }[] = [];
  for (const line of wholeLines(log)) {
    const [kind, at, first, second] = line.split(" ");
    const atNs = Number(at);
    const boot = boots.at(-1);
    if (kind === "B" && first !== undefined) boots.push({ bootId: first, edges: [], signs: [] });
    else if (kind === "V" && boot)
      boot.edges.push({ atNs, line: Number(first), level: second === "1" ? 1 : 0 });
    else if (kind === "A" && boot) boot.signs.push({ atNs, longestNs: Number(first) });
  }
  return boots;
}

/** The log of the kernel's trace: "B boot-id number-of-the-first-line", then what ftrace prints. */
export function traceRecords(log: string): readonly TraceRecord[] {
  const boots: { bootId: string; firstLine: number; sets: Edge[] }[] = [];
  for (const line of wholeLines(log)) {
    const begin = /^B (\S+) (\d+)$/.exec(line);
    if (begin) boots.push({ bootId: begin[1] ?? "", firstLine: Number(begin[2]), sets: [] });
    const set = /\s(\d+)\.(\d{6}): gpio_value: (\d+) set ([01])/.exec(line);
    const boot = boots.at(-1);
    if (!set || !boot) continue;
    boot.sets.push({
      atNs: Number(set[1]) * 1e9 + Number(set[2]) * 1e3,
      line: Number(set[3]) - boot.firstLine,
      level: set[4] === "1" ? 1 : 0,
    });
  }
  return boots;
}

/** When a line had a level, in order. */
export function spans(edges: readonly Edge[], line: number, level: 0 | 1): readonly Span[] {
  const found: { fromNs: number; toNs: number | undefined }[] = [];
  for (const edge of edges) {
    if (edge.line !== line) continue;
    const open = found.at(-1)?.toNs === undefined ? found.at(-1) : undefined;
    if (edge.level === level && !open) found.push({ fromNs: edge.atNs, toNs: undefined });
    else if (edge.level !== level && open) open.toNs = edge.atNs;
  }
  return found;
}

/** The level of a line at a time; undefined if it was not read before. */
export function levelAt(edges: readonly Edge[], line: number, atNs: number): 0 | 1 | undefined {
  return edges.findLast((edge) => edge.line === line && edge.atNs <= atNs)?.level;
}

/** The longest time without a look at the lines between two times; Infinity if nobody can say so. */
export function blindNs(boot: BootRecord, fromNs: number, toNs: number): number {
  const last = boot.signs.at(-1);
  if (!last || last.atNs < toNs) return Infinity;
  return Math.max(...boot.signs.filter(({ atNs }) => atNs >= fromNs).map(({ longestNs }) => longestNs));
}

function wholeLines(log: string): readonly string[] {
  return log.split("\n").slice(0, -1);
}
