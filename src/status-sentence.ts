/** What `systemctl status` says in one line: what is decided, the door, and what is wrong, if something is. */
import type { AccessState } from "./core/access.ts";
import type { DoorReport } from "./core/door-report.ts";

export function statusSentence(
  { access, tracks }: AccessState,
  { kind, fault }: DoorReport,
  framesPerSecond: number,
): string {
  const reason = access.kind === "faulted" ? access.faults[0]?.message : fault?.message;
  const because = reason === undefined ? "" : ` (${reason})`;
  return `${access.kind}; door ${kind}${because}; ${tracks.length} faces; ${framesPerSecond.toFixed(1)} frames/s`;
}
