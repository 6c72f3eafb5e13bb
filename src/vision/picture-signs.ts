/** What a picture as a whole tells of the camera: how much there is to see, and whether it is the same as the one before. */
import type { PictureSigns } from "../core/sight.ts";
import type { Picture } from "./picture.ts";

const columns = 32;
const rows = 24;
/** Pixels of a cell in each direction that are looked at: enough to average the sensor's noise away. */
const samples = 6;

/** Looks at 27,648 green values at most, whatever the size. */
export function signsOf({ pixels, widthPx, heightPx }: Picture): PictureSigns {
  const cells = new Float32Array(columns * rows);
  // FNV-1a over everything that is sampled.
  let fingerprint = 0x811c9dc5;
  for (let y = 0; y < rows * samples; y += 1) {
    const row = Math.floor(((y + 0.5) * heightPx) / (rows * samples)) * widthPx;
    const cellRow = Math.floor(y / samples) * columns;
    for (let x = 0; x < columns * samples; x += 1) {
      const column = Math.floor(((x + 0.5) * widthPx) / (columns * samples));
      const green = pixels[(row + column) * 3 + 1] ?? 0;
      fingerprint = Math.imul(fingerprint ^ green, 0x01000193);
      const cell = cellRow + Math.floor(x / samples);
      cells[cell] = (cells[cell] ?? 0) + green / (samples * samples);
    }
  }
  return { detail: detailOf(cells), fingerprint: fingerprint >>> 0 };
}

/** Slow changes of brightness, such as light that seeps past a hand on the lens, are none between neighbours. */
function detailOf(cells: Float32Array): number {
  const differences: number[] = [];
  for (let at = 0; at < cells.length; at += 1) {
    const here = cells[at] ?? 0;
    if (at % columns < columns - 1) differences.push(Math.abs(here - (cells[at + 1] ?? 0)));
    if (at + columns < cells.length) differences.push(Math.abs(here - (cells[at + columns] ?? 0)));
  }
  differences.sort((a, b) => a - b);
  return differences[Math.floor(differences.length * 0.95)] ?? 0;
}
