/**
 * Where to look for faces. The short-range detector sees 128 x 128 pixels and finds masked faces well that fill
 * 30 % of what it sees, and half of them at 15-30 %; so a picture is searched whole and in overlapping square tiles.
 */
import type { Box } from "../core/face.ts";
import type { Search } from "../core/ports.ts";
import { squareAround, type Square } from "./square.ts";

interface Size {
  readonly widthPx: number;
  readonly heightPx: number;
}

/** Side of the tiles of one level as a share of the level above. */
const tileShare = 0.65;
/** Tiles overlap by at least this share of their side, so that a face of that size is whole in one of them. */
const overlapShare = 0.4;
/** A full search goes down to tiles in which the least face fills this share; the daemon's sweep stops earlier. */
const leastFill = { full: 0.12, follow: 0.1 } as const;
/** From how far away a full search sees the picture, in longer sides of it: a face that fills it is as large as the detector likes in some. */
const wholeShares = [1, 1.3, 1.6, 2, 2.5, 3.2];

/**
 * Side of the region around a known or suspected face, in sides of that face. Of 1.6 to 5 this told faces from
 * things best (140 scenes of masked and bare people, 204 faces, measured when it was chosen).
 */
export const closeUpShare = 3.2;

/** The regions of a picture to run the detector on. */
export function regionsOf(search: Search, size: Size, leastFacePx: number): Square[] {
  if (search.kind === "full") {
    return [...wholeShares.map((share) => whole(size, share)), ...tiles(size, leastFacePx, leastFill.full)];
  }
  const close = closeUps(search.around, size);
  const sweep = tiles(size, leastFacePx, leastFill.follow);
  const tile = sweep[Math.floor(search.turn / 2) % sweep.length] ?? whole(size, 1);
  // Whoever is new at the door is large, and the whole picture finds him: it is seen at least every other frame.
  if (close.length === 0) return [whole(size, 1), tile];
  return [...close, search.turn % 2 === 0 ? whole(size, 1) : tile];
}

/** Whether a region shows the whole picture; tiles and close-ups are smaller. */
export function showsWhole(region: Square, size: Size): boolean {
  return region.sidePx >= Math.max(size.widthPx, size.heightPx);
}

/** The region that shows a face at the size the detector knows best. */
export function closeUp(box: Box): Square {
  return squareAround(box, Math.max(1, Math.round(Math.max(box.width, box.height) * closeUpShare)));
}

function whole(size: Size, share: number): Square {
  const sidePx = Math.round(Math.max(size.widthPx, size.heightPx) * share);
  return squareAround({ x: 0, y: 0, width: size.widthPx, height: size.heightPx }, sidePx);
}

function tiles(size: Size, leastFacePx: number, fill: number): Square[] {
  const found: Square[] = [];
  // In a long picture the first tiles are as large as its shorter side or larger: a face that is too small in the whole
  // picture must be whole in one of them.
  const leastFirstPx = (fill * Math.max(size.widthPx, size.heightPx)) / overlapShare;
  let sidePx = Math.max(Math.min(size.widthPx, size.heightPx), leastFirstPx / tileShare);
  do {
    sidePx = Math.max(1, Math.round(sidePx * tileShare));
    for (const y of offsets(size.heightPx, sidePx)) {
      for (const x of offsets(size.widthPx, sidePx)) found.push({ x, y, sidePx });
    }
  } while (leastFacePx / sidePx < fill);
  return found;
}

/** Evenly spaced offsets that cover a length with tiles that overlap. */
function offsets(lengthPx: number, sidePx: number): number[] {
  const steps = Math.ceil((lengthPx - sidePx) / (sidePx * (1 - overlapShare)));
  if (steps <= 0) return [0];
  return Array.from({ length: steps + 1 }, (_, i) => Math.round(((lengthPx - sidePx) * i) / steps));
}

/** Close-ups of known faces; faces that stand together share one. */
function closeUps(boxes: readonly Box[], size: Size): Square[] {
  const regions: Square[] = [];
  for (const box of boxes) {
    const region = closeUp(box);
    if (!regions.some((other) => holds(other, box)) && touches(region, size)) regions.push(region);
  }
  return regions;
}

/** Whether a region shows a box whole, and not much smaller than its own close-up would. */
function holds(region: Square, box: Box): boolean {
  const slackPx = 0.25 * box.width;
  return (
    region.sidePx <= 1.5 * closeUpShare * box.width &&
    box.x - slackPx >= region.x &&
    box.y - slackPx >= region.y &&
    box.x + box.width + slackPx <= region.x + region.sidePx &&
    box.y + box.height + slackPx <= region.y + region.sidePx
  );
}

function touches(region: Square, size: Size): boolean {
  return (
    region.x < size.widthPx &&
    region.y < size.heightPx &&
    region.x + region.sidePx > 0 &&
    region.y + region.sidePx > 0
  );
}
