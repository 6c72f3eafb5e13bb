/** Writes a line of log whenever the access decision changes its kind: what happened at the door, without anybody's face. */
import type { AccessState } from "./core/access.ts";
import type { Log } from "./io/log.ts";

/** Returns what to call after each step. */
export function stepLog(log: Log): (state: AccessState) => void {
  let last: AccessState["access"]["kind"] = "idle";
  return ({ access, tracks }) => {
    if (access.kind === last) return;
    log.info({ from: last, to: access.kind, people: tracks.length }, `access ${access.kind}`);
    last = access.kind;
  };
}
