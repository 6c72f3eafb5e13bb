/**
 * Tracks: one person's face over several frames, with the votes that its verdicts have cast. Promises: matching is
 * one-to-one, so two tracks never share a vote; a face elsewhere in the picture begins a new track without votes; a
 * face that is hidden stays known for `maxGapMs`.
 */
import { iou, sidePx, type Box } from "./face.ts";
import type { Policy } from "./policy.ts";
import type { Observation, Verdict } from "./verdict.ts";

/** A face followed from frame to frame. */
export interface Track {
  /** Never used again for another track, also not after a fault. */
  readonly id: number;
  /** Where it was last seen. */
  readonly box: Box;
  /** What the classifier said last; null if that was not a number in 0..1. */
  readonly masked: number | null;
  /** Consecutive masked votes. */
  readonly agreed: number;
  /** Consecutive bare votes. */
  readonly bare: number;
  /** Consecutive votes of either kind: how steadily the face is seen. */
  readonly steady: number;
  /** Whether it is shown as refused; follows the votes with a delay of one frame, so that an odd one does not flicker. */
  readonly isRefused: boolean;
  /** Capture times. */
  readonly firstSeenAtMs: number;
  readonly lastSeenAtMs: number;
  /** When it last had `leastFacePx`; -Infinity if never. */
  readonly lastLargeAtMs: number;
}

/**
 * Least IoU between a track and its next box, SORT's value. It holds a face that grows to 1.8 times its size or moves
 * by half its width between two frames: at 10 frames/s a run towards the camera and a slow walk across. Whoever is
 * faster starts his votes again where he stops, while neighbours, whose faces do not overlap, are never confused.
 */
export const leastOverlap = 0.3;

/** Consecutive equal votes before the shown refusal of a track changes. Shows only: a lease never depends on it. */
export const framesToShow = 2;

/** Beyond this no box is one of a picture, and areas would leave the range in which IoU is exact. */
const mostPx = 1e6;

/** A box that a detector can mean. */
export function isSaneBox(box: Box): boolean {
  const isWithin = (value: number): boolean => Math.abs(value) <= mostPx;
  return [box.x, box.y, box.width, box.height].every(isWithin) && box.width > 0 && box.height > 0;
}

/**
 * The tracks whose votes the policy asks for: those large enough within the last `maxGapMs`, so that nobody is forgotten
 * who hides his face, or half of it, for one frame. Of equally large faces every one is the largest.
 */
export function deciders(tracks: readonly Track[], capturedAtMs: number, policy: Policy): readonly Track[] {
  const near = tracks.filter((track) => capturedAtMs - track.lastLargeAtMs <= policy.maxGapMs);
  if (policy.several !== "largest") return near;
  const largestPx = Math.max(...near.map((track) => sidePx(track.box)));
  return near.filter((track) => sidePx(track.box) === largestPx);
}

/** A track without votes; what it is shown as stays. */
export function withoutVotes(track: Track): Track {
  return { ...track, agreed: 0, bare: 0, steady: 0 };
}

/**
 * Carries the tracks on by one frame: matched ones get its vote, faces that no track claims begin one, and tracks unseen
 * for more than `maxGapMs` are gone. Boxes that make no sense are left out; the caller must not let such a frame vote.
 */
export function follow(
  tracks: readonly Track[],
  seen: Observation,
  policy: Policy,
  nextTrackId: number,
): { readonly tracks: readonly Track[]; readonly nextTrackId: number } {
  const known = tracks.filter((track) => seen.capturedAtMs - track.lastSeenAtMs <= policy.maxGapMs);
  const verdicts = seen.verdicts.filter((verdict) => isSaneBox(verdict.face.box));
  const matches = match(known, verdicts);
  const claimed = new Set(matches.values());
  const carried = known.map((track) => {
    const verdict = matches.get(track);
    return verdict === undefined ? track : voted(track, verdict, seen.capturedAtMs, policy);
  });
  const begun = verdicts
    .filter((verdict) => !claimed.has(verdict))
    .map((verdict, index) => begin(nextTrackId + index, verdict, seen.capturedAtMs, policy));
  return { tracks: [...carried, ...begun], nextTrackId: nextTrackId + begun.length };
}

/** One-to-one, the best overlap first; between equals the older track. */
function match(tracks: readonly Track[], verdicts: readonly Verdict[]): ReadonlyMap<Track, Verdict> {
  const pairs = tracks
    .flatMap((track) =>
      verdicts.map((verdict) => ({ track, verdict, overlap: iou(track.box, verdict.face.box) })),
    )
    .filter((pair) => pair.overlap >= leastOverlap)
    .sort((a, b) => b.overlap - a.overlap);
  const matches = new Map<Track, Verdict>();
  const claimed = new Set<Verdict>();
  for (const { track, verdict } of pairs) {
    if (matches.has(track) || claimed.has(verdict)) continue;
    matches.set(track, verdict);
    claimed.add(verdict);
  }
  return matches;
}

function begin(id: number, verdict: Verdict, capturedAtMs: number, policy: Policy): Track {
  const unseen: Track = {
    id,
    box: verdict.face.box,
    masked: null,
    agreed: 0,
    bare: 0,
    steady: 0,
    isRefused: false,
    firstSeenAtMs: capturedAtMs,
    lastSeenAtMs: capturedAtMs,
    lastLargeAtMs: Number.NEGATIVE_INFINITY,
  };
  return voted(unseen, verdict, capturedAtMs, policy);
}

function voted(track: Track, verdict: Verdict, capturedAtMs: number, policy: Policy): Track {
  const box = verdict.face.box;
  const masked = isScore(verdict.masked) && isScore(verdict.face.score) ? verdict.masked : null;
  const isLarge = sidePx(box) >= policy.leastFacePx;
  const isMasked = isLarge && masked !== null && masked >= policy.threshold;
  const agreed = isMasked ? track.agreed + 1 : 0;
  const bare = isLarge && !isMasked ? track.bare + 1 : 0;
  return {
    ...track,
    box,
    masked,
    agreed,
    bare,
    steady: isLarge && masked !== null ? track.steady + 1 : 0,
    isRefused: track.isRefused ? agreed < framesToShow : bare >= framesToShow,
    lastSeenAtMs: capturedAtMs,
    lastLargeAtMs: isLarge ? capturedAtMs : track.lastLargeAtMs,
  };
}

function isScore(value: number): boolean {
  return value >= 0 && value <= 1;
}
