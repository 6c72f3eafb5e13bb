/**
 * Whether the camera sees at all. A covered lens, a dark room and a picture that never changes look like an empty place before the
 * door, and are none: they are faults, shown and locked, until a picture proves otherwise. Pure: time is the frames' own.
 */

import { KioskError } from "./errors.ts";

/** What the vision tells of a picture as a whole. */
export interface PictureSigns {
  /** How much there is to see: of 32 x 24 cells, the 95th percentile of the difference of neighbours, 0..255. */
  readonly detail: number;
  /** Equal for equal pictures; a sensor's noise makes any two differ. */
  readonly fingerprint: number;
}

export interface SightPolicy {
  /** A picture with less detail shows nothing; 0: every picture shows something. */
  readonly leastDetail: number;
  /** The same picture for so long is a frozen camera; 0: it never is. */
  readonly frozenMs: number;
}

/** What is remembered from frame to frame. */
export interface Sight {
  readonly finding: "clear" | "blind" | "frozen";
  readonly fingerprint: number | undefined;
  /** The picture is the one before: nobody has looked a second time. Never so if no camera counts as frozen. */
  readonly isRepeated: boolean;
  /** Since when pictures have been equal to this one. */
  readonly sameSinceMs: number;
  /** Since when pictures have shown nothing. */
  readonly emptySinceMs: number | undefined;
}

/** A flash, or somebody who walks past with a dark coat, is no fault. */
const blindMs = 1000;

/** Before the first frame. */
export const initialSight: Sight = {
  finding: "clear",
  fingerprint: undefined,
  isRepeated: false,
  sameSinceMs: Number.NEGATIVE_INFINITY,
  emptySinceMs: undefined,
};

/** One frame later. A single picture that shows something new ends both faults. */
export function nextSight(
  sight: Sight,
  signs: PictureSigns,
  capturedAtMs: number,
  policy: SightPolicy,
): Sight {
  const isSame = signs.fingerprint === sight.fingerprint;
  const sameSinceMs = isSame ? sight.sameSinceMs : capturedAtMs;
  // Written so that a number that makes no sense counts as nothing to see.
  const isEmpty = policy.leastDetail > 0 && !(signs.detail >= policy.leastDetail);
  const emptySinceMs = isEmpty ? (sight.emptySinceMs ?? capturedAtMs) : undefined;
  const isBlind = emptySinceMs !== undefined && capturedAtMs - emptySinceMs >= blindMs;
  const isFrozen = policy.frozenMs > 0 && capturedAtMs - sameSinceMs >= policy.frozenMs;
  const finding = isBlind ? "blind" : isFrozen ? "frozen" : "clear";
  const isRepeated = isSame && policy.frozenMs > 0;
  return { finding, fingerprint: signs.fingerprint, isRepeated, sameSinceMs, emptySinceMs };
}

/** What each finding that is a fault says to whoever has to mend it. */
export const sightErrors = {
  blind: new KioskError(
    "camera-blind",
    "the camera shows nothing: uncover its lens and light the place, or lower camera.leastDetail",
  ),
  frozen: new KioskError(
    "camera-frozen",
    "the camera shows the same picture again and again: reconnect it, or raise camera.frozenMs",
  ),
} as const;
