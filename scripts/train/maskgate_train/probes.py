"""Changed pictures that must not change a verdict, and bare faces made to look like mask12k's masked crops.

Promises: uint8 [112,112,3] in and out; the same picture and number give the same pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol

import cv2
import numpy as np

from .data import Pool, group_of
from .measure import is_photograph
from .rates import share

Change = Callable[[np.ndarray], np.ndarray]


class Score(Protocol):
    """What gives probabilities: see scores.py."""

    def __call__(self, pictures: Iterable[np.ndarray], total: int, what: str = "pictures") -> np.ndarray:
        """float32 [total]."""


def changes() -> dict[str, Change]:
    """Small changes that must not change a verdict."""

    def half(p: np.ndarray) -> np.ndarray:
        return cv2.resize(
            cv2.resize(p, (56, 56), interpolation=cv2.INTER_AREA), (112, 112), interpolation=cv2.INTER_LINEAR
        )

    def jpeg(p: np.ndarray) -> np.ndarray:
        return cv2.imdecode(cv2.imencode(".jpg", p, [cv2.IMWRITE_JPEG_QUALITY, 40])[1], cv2.IMREAD_COLOR)

    def shift(p: np.ndarray) -> np.ndarray:
        return cv2.warpAffine(p, np.float32([[1, 0, 9], [0, 1, 9]]), (112, 112), borderMode=cv2.BORDER_REPLICATE)

    def border(p: np.ndarray) -> np.ndarray:
        return cv2.copyMakeBorder(p[7:-7, 7:-7], 7, 7, 7, 7, cv2.BORDER_REPLICATE)

    return {
        "half resolution": half,
        "JPEG quality 40": jpeg,
        "mirrored": lambda p: np.ascontiguousarray(p[:, ::-1]),
        "shifted by 8 %": shift,
        "smeared border": border,
    }


def as_mask12k(picture: np.ndarray, number: int) -> np.ndarray:
    """As mask12k's masked crops are: small once and enlarged, mostly to blocks; borders smeared outwards."""
    rng = np.random.default_rng([number, 12])
    small = int(rng.integers(26, 61))
    out = cv2.resize(picture, (small, small), interpolation=cv2.INTER_AREA)
    enlarge = cv2.INTER_NEAREST if rng.random() < 0.6 else cv2.INTER_CUBIC
    out = cv2.resize(out, (112, 112), interpolation=enlarge)
    if rng.random() < 0.3:
        turn = cv2.getRotationMatrix2D((55.5, 55.5), float(rng.uniform(-18, 18)), 1.0)
        out = cv2.warpAffine(out, turn, (112, 112), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    bottom, left, right = int(rng.integers(8, 19)), int(rng.integers(2, 17)), int(rng.integers(2, 17))
    return cv2.copyMakeBorder(out[: 112 - bottom, left : 112 - right], 0, bottom, left, right, cv2.BORDER_REPLICATE)


def sharpness(picture: np.ndarray) -> float:
    """Variance of the Laplacian of the middle: high where there is fine detail."""
    grey = cv2.cvtColor(picture[14:98, 14:98], cv2.COLOR_RGB2GRAY)
    return float(cv2.Laplacian(grey, cv2.CV_32F).var())


def sheet(pictures: list[np.ndarray], notes: list[str], columns: int = 12) -> np.ndarray:
    """Pictures in rows, a few letters on each."""
    tiles = []
    for picture, note in zip(pictures, notes, strict=True):
        tile = picture.copy()
        cv2.putText(tile, note, (2, 109), 0, 0.33, (255, 255, 0), 1, cv2.LINE_AA)
        tiles.append(tile)
    tiles += [np.zeros((112, 112, 3), np.uint8)] * (-len(tiles) % columns)
    return np.vstack([np.hstack(tiles[i : i + columns]) for i in range(0, len(tiles), columns)])


def invariance(score: Score, pool: Pool, accepted: np.ndarray, threshold: float, most: int) -> list[dict[str, Any]]:
    """Shares of verdicts that small changes of the picture change."""
    some = np.random.default_rng(1).choice(len(pool), min(most, len(pool)), replace=False)
    moved = []
    for name, change in changes().items():
        other = score((change(pool.picture(i)) for i in some), len(some), name) >= threshold
        moved.append({"name": name, "changed": share(other != accepted[some])})
    return moved


def _is_masked(row: dict) -> bool:
    return group_of(row) == "real" and is_photograph(row)


def shortcut(score: Score, pool: Pool, accepted: np.ndarray, threshold: float, most: int) -> dict[str, Any] | None:
    """Bare and masked faces as mask12k's masked crops are: blurred, blocky, with smeared borders."""

    def of(test: Callable[[dict], bool], limit: int) -> np.ndarray:
        at = [i for i, r in enumerate(pool.rows) if test(r)]
        return np.array(at if len(at) <= limit else np.random.default_rng(2).choice(at, limit, replace=False), int)

    bare, masked = of(lambda r: group_of(r) == "bare", 4 * most), of(_is_masked, most)
    model = [pool.picture(i) for i in of(lambda r: _is_masked(r) and r["source"] == "mask12k", 500)]
    if not len(bare):
        return None
    after = score((as_mask12k(pool.picture(i), int(i)) for i in bare), len(bare), "as mask12k") >= threshold
    worn = score((as_mask12k(pool.picture(i), int(i)) for i in masked), len(masked), "as mask12k") >= threshold
    sharp = {
        "bare": [sharpness(pool.picture(i)) for i in bare],
        "bareTreated": [sharpness(as_mask12k(pool.picture(i), int(i))) for i in bare],
        "mask12kMasked": [sharpness(p) for p in model],
    }
    return {
        "bareBefore": share(accepted[bare]), "bareAfter": share(after), "bareChanged": share(after != accepted[bare]),
        "maskedBefore": share(accepted[masked]), "maskedAfter": share(worn),
        "medianSharpness": {k: round(float(np.median(v)), 1) for k, v in sharp.items() if v},
    }  # fmt: skip
