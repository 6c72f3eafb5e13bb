/** From a picture to its faces: search the regions, merge what they found, look once more at each suspect. */
import { iou, sidePx, type Box, type Face } from "../core/face.ts";
import type { Search } from "../core/ports.ts";
import { agreement, fillsPicture, leastAgreement } from "./agreement.ts";
import type { FaceDetector } from "./detector.ts";
import { mergeFaces } from "./nms.ts";
import type { Picture } from "./picture.ts";
import { squareAround, type Square } from "./square.ts";
import { closeUp, closeUpShare, regionsOf, showsWhole } from "./search-plan.ts";

export interface FaceSettings {
  /** Faces whose box is smaller are not reported. */
  readonly leastFacePx: number;
  /** Least score, 0.5..1; the detector itself reports nothing below 0.5. */
  readonly minScore: number;
}

interface Suspect extends Face {
  /** Whether it was seen at close-up size already. */
  readonly isCloseUp: boolean;
}

/** The second look at a face that was first seen at close-up size, in sides of that face. */
const nearShare = 2;
/** Boxes jitter this much between a tile and its close-up and still mean one face. */
const sameFaceIou = 0.35;

/** Faces of a picture, largest first. */
export async function findFaces(
  detector: FaceDetector,
  picture: Picture,
  search: Search,
  settings: FaceSettings,
): Promise<Face[]> {
  const regions = regionsOf(search, picture, settings.leastFacePx);
  // All at once: the next region is cut on another thread while the detector sees the one before.
  const looks = await Promise.all(
    regions.map(async (region) => ({ region, faces: await suspectsIn(detector, picture, region) })),
  );
  const likely = mergeFaces(
    looks.flatMap(({ faces }) => faces),
    rank,
  ).filter(({ box }) => sidePx(box) >= settings.leastFacePx * 0.8 && !isOutside(box, picture));
  const wholeLooks = looks.filter(({ region }) => showsWhole(region, picture)).map(({ faces }) => faces);
  const seen = await Promise.all(
    likely.map(async (suspect) => {
      if (isKnown(suspect, search)) return suspect;
      if (search.kind === "full" && fillsPicture(suspect.box, picture)) return agreed(suspect, wholeLooks);
      return await lookAgain(detector, picture, suspect);
    }),
  );
  return mergeFaces(
    seen.filter(({ box, score }) => score >= settings.minScore && sidePx(box) >= settings.leastFacePx),
    (face) => face.score,
  )
    .map(({ box, score }) => ({ box, score }))
    .sort((a, b) => sidePx(b.box) - sidePx(a.box));
}

async function suspectsIn(detector: FaceDetector, picture: Picture, region: Square): Promise<Suspect[]> {
  const faces = await detector.detect(picture, region);
  return faces.map((face) => {
    const share = region.sidePx / Math.max(face.box.width, face.box.height);
    return { ...face, isCloseUp: share > closeUpShare * 0.75 && share < closeUpShare * 1.35 };
  });
}

/** Of one face the view at close-up size counts most: its box is the one training crops are cut from. */
function rank(suspect: Suspect): number {
  return suspect.score + (suspect.isCloseUp ? 1 : 0);
}

/** A face where there was one in the frame before, seen at the same size, needs no second look. */
function isKnown(suspect: Suspect, search: Search): boolean {
  if (search.kind === "full" || !suspect.isCloseUp) return false;
  return search.around.some((box) => iou(box, suspect.box) >= sameFaceIou);
}

/** Of a face that fills the picture the whole picture was seen at many scales already. */
function agreed({ box }: Suspect, wholeLooks: readonly (readonly Face[])[]): Face {
  const score = agreement(box, wholeLooks);
  return { box, score: score >= leastAgreement ? score : 0 };
}

/** Things look like faces at one scale; faces do at two. The score is the mean of both looks. */
async function lookAgain(detector: FaceDetector, picture: Picture, suspect: Suspect): Promise<Face> {
  const region = suspect.isCloseUp
    ? squareAround(suspect.box, Math.round(nearShare * sidePx(suspect.box)))
    : closeUp(suspect.box);
  const seen = await detector.detect(picture, region);
  const same = seen.filter((face) => iou(face.box, suspect.box) >= sameFaceIou);
  const best = same.reduce<Face | undefined>((a, b) => (a && a.score >= b.score ? a : b), undefined);
  const box = suspect.isCloseUp ? suspect.box : (best?.box ?? suspect.box);
  return { box, score: (suspect.score + (best?.score ?? 0)) / 2 };
}

function isOutside(box: Box, picture: Picture): boolean {
  const x = box.x + box.width / 2;
  const y = box.y + box.height / 2;
  return x < 0 || y < 0 || x >= picture.widthPx || y >= picture.heightPx;
}
