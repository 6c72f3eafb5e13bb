/** The table, in its order. The first row installs, the last one takes everything away. */
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
  ...startRows,
  ...contractRows,
  ...peopleRows,
  ...inputRows,
  ...killRows,
  ...powerRows,
  ...cameraRows,
  ...scarceRows,
  ...updateRows,
  uninstallRow,
];
