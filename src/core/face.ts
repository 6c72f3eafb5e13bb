/** Faces as rectangles of the upright picture, and the arithmetic on them. */

/** Bounding box in pixels of the upright picture; `x`, `y` is the upper left corner and may lie outside of it. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Face {
  readonly box: Box;
  /** The detector's confidence that this is a face, 0..1. */
  readonly score: number;
}

/** The smaller side of a box: what "a face of 40 px" means everywhere in maskgate. */
export function sidePx(box: Box): number {
  return Math.min(box.width, box.height);
}

export function intersectionPx2(a: Box, b: Box): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  return width > 0 && height > 0 ? width * height : 0;
}

/** Intersection over union, 0..1. */
export function iou(a: Box, b: Box): number {
  const both = intersectionPx2(a, b);
  const either = a.width * a.height + b.width * b.height - both;
  return either > 0 ? both / either : 0;
}
