/**
 * The table. The first row installs, the last one takes everything away, and what updates leaves another model behind. The longest
 * come early among their like, so that machines that share the table end together.
 */
import type { Row } from "./row.ts";
import { cameraRows } from "./rows-camera.ts";
import { contractRows } from "./rows-contract.ts";
import { inputRows } from "./rows-inputs.ts";
import { killRows } from "./rows-kill.ts";
import { peopleRows } from "./rows-people.ts";
import { powerRows } from "./rows-power.ts";
import { scarceRows } from "./rows-scarce.ts";
import { updateRows } from "./rows-update.ts";
import { installRow, startRows, uninstallRow } from "./rows-start.ts";

export const rows: readonly Row[] = [
  installRow,
  ...killRows,
  ...startRows,
  ...contractRows,
  ...peopleRows,
  ...inputRows,
  ...powerRows,
  ...cameraRows,
  ...scarceRows,
  ...updateRows,
  uninstallRow,
];
