"""Near-duplicates: the same photograph in two sources, or in two parts (train, val, test) of one.

Promises: a picture and its mirror image, other sizes, qualities, crops and turns by up to 25 degrees of it count as the
same, two people who look alike do not (a perceptual hash finds candidates, correlation decides); `load_pairs` computes
the pairs of an arrays folder once and keeps them beside it as duplicates.npz.
"""

from __future__ import annotations

import itertools
import os
from collections import Counter
from pathlib import Path

import cv2
import numpy as np

_CANDIDATE_BITS, _COARSE, _SAME = 64, 0.87, 0.955
_SIDE, _COARSE_SIDE, _BLOCK = 112, 28, 1024
# mask12k was augmented before it was published: its masked pictures come turned by up to 25 degrees, too.
_DEGREES = (0, *(sign * d for d in (6, 10, 15, 20, 25) for sign in (1, -1)))
_VERSION = 2
"""Of the search: pairs that another version found are found anew. Raise it with every change of what counts as same."""


_PARTS = {"train": 0, "val": 1, "test": 2}
"""Of two parts the one of the higher number keeps a photograph that is in both."""


def difference_hash(grey: np.ndarray) -> np.ndarray:
    """256 signs of brightness differences of the middle of a crop, as +1 and -1."""
    edge = grey.shape[0] // 8
    small = cv2.resize(grey[edge:-edge, edge:-edge], (17, 16), interpolation=cv2.INTER_AREA).astype(np.int16)
    return np.where(small[:, 1:] > small[:, :-1], 1, -1).astype(np.float32).ravel()


def _grey(rgb: np.ndarray) -> np.ndarray:
    grey = cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2GRAY)
    return grey if len(grey) == _SIDE else cv2.resize(grey, (_SIDE, _SIDE), interpolation=cv2.INTER_LINEAR)


def _best(whole: np.ndarray, part: np.ndarray) -> float:
    return float(cv2.matchTemplate(whole, part, cv2.TM_CCOEFF_NORMED).max())


def alike(one: np.ndarray, other: np.ndarray) -> float:
    """Highest correlation of the middle of a grey picture with another, a bit shifted and scaled."""
    one, other = (cv2.GaussianBlur(grey, (0, 0), 1.5) for grey in (one, other))
    middle = other[24:88, 24:88]
    zooms = (0.88, 0.94, 1, 1.06, 1.12)
    return max(_best(one, cv2.resize(middle, None, fx=z, fy=z, interpolation=cv2.INTER_AREA)) for z in zooms)


def turned(grey: np.ndarray, degrees: float, mirrored: bool) -> np.ndarray:
    """The picture turned about its middle, its borders smeared outwards, then mirrored."""
    if degrees:
        middle = (len(grey) - 1) / 2
        turn = cv2.getRotationMatrix2D((middle, middle), degrees, 1.0)
        grey = cv2.warpAffine(grey, turn, grey.shape[::-1], flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.ascontiguousarray(grey[:, ::-1]) if mirrored else grey


def _coarse(grey: np.ndarray) -> np.ndarray:
    return cv2.resize(grey, (_COARSE_SIDE, _COARSE_SIDE), interpolation=cv2.INTER_AREA)


def find_pairs(pictures: np.ndarray, rows: list[dict]) -> np.ndarray:
    """Pairs [N,2] of places in `rows` that show the same photograph, mirrored, turned or as it is, and differ in source
    or in split. Takes 30 kB a picture and the scores of 1024 pictures against all; for 30,000 pictures some two minutes
    of one core, and 30 microseconds more for each pair whose hashes are near at one of the angles."""
    greys = [_grey(p) for p in pictures]
    bits = np.stack([difference_hash(g) for g in greys])
    small = [_coarse(g) for g in greys]
    part = np.unique([f"{r.get('source')} {r['split']}" for r in rows], return_inverse=True)[1]
    found: set[tuple[int, int]] = set()
    for at in range(0, len(rows), _BLOCK):
        block = greys[at : at + _BLOCK]
        apart = part[at : at + _BLOCK, None] != part[None, at:]
        for mirrored, degrees in itertools.product((False, True), _DEGREES):
            queries = [turned(g, degrees, mirrored) for g in block]
            near = np.stack([difference_hash(q) for q in queries]) @ bits[at:].T >= 256 - 2 * _CANDIDATE_BITS
            middles = [np.ascontiguousarray(_coarse(q)[4:-4, 4:-4]) for q in queries]
            for i, j in np.argwhere(near & apart):
                pair = (int(at + i), int(at + j))
                if i >= j or pair in found or _best(small[pair[1]], middles[i]) < _COARSE:
                    continue
                if alike(greys[pair[1]], queries[i]) >= _SAME:
                    found.add(pair)
    return np.array(sorted(found), np.int64).reshape(-1, 2)


def load_pairs(arrays: Path, rows: list[dict]) -> np.ndarray:
    """`find_pairs` of an arrays folder; computed when asked for the first time, when the pictures changed, or when
    what is kept was found by another version of the search."""
    file, pictures = arrays / "duplicates.npz", arrays / "pictures.npy"
    if file.exists() and file.stat().st_mtime >= pictures.stat().st_mtime:
        with np.load(file) as kept:
            if kept["version"] == _VERSION:
                return kept["pairs"]
    pairs = find_pairs(np.load(pictures, mmap_mode="r"), rows)
    part = file.with_suffix(f".{os.getpid()}.npz")
    np.savez(part, pairs=pairs, version=_VERSION)
    part.replace(file)
    return pairs


def redundant(pairs: np.ndarray, rows: list[dict]) -> np.ndarray:
    """True for the picture of each pair that goes: the one outside the test part; within one source the one outside the
    validation part; else the one of the larger source. A picture whose twin is gone already stays, but not where its
    twin is of the test part."""
    sizes = Counter(r.get("source") for r in rows)
    gone = np.zeros(len(rows), bool)
    test = np.array([r["split"] == "test" for r in rows], bool)
    for i, j in pairs[test[pairs[:, 0]] != test[pairs[:, 1]]]:
        gone[j if test[i] else i] = True
    for i, j in pairs:
        if not gone[i] and not gone[j]:
            ranks = [(sizes[r.get("source")], r.get("source"), -_PARTS[r["split"]]) for r in (rows[i], rows[j])]
            gone[i if ranks[0] > ranks[1] else j] = True
    return gone


def near_duplicates(pictures: np.ndarray, rows: list[dict]) -> np.ndarray:
    """True for each picture that goes, see `redundant`."""
    return redundant(find_pairs(pictures, rows), rows)


def twins_of(chosen: np.ndarray, pairs: np.ndarray) -> frozenset[int]:
    """Places of pictures, themselves not chosen, that show the same photograph as a chosen one (bool [N])."""
    first, second = chosen[pairs[:, 0]], chosen[pairs[:, 1]]
    twins = np.concatenate([pairs[first & ~second, 1], pairs[second & ~first, 0]])
    return frozenset(int(i) for i in twins)


def hidden_twins(rows: list[dict], pairs: np.ndarray, splits: set[str]) -> frozenset[int]:
    """Places of pictures that show a photograph of a later part (train, val, test) which is not among `splits`: who is
    to be measured or validated on that one must not have trained on these."""
    part = np.array([_PARTS[r["split"]] for r in rows])
    away = np.array([r["split"] not in splits for r in rows], bool)
    both = np.concatenate([pairs, pairs[:, ::-1]])
    one, other = both[:, 0], both[:, 1]
    return frozenset(int(i) for i in one[(part[other] > part[one]) & away[other]])
