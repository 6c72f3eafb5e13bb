"""Near-duplicates: the same photograph in two sources, or in the test part and outside it.

Promises: a picture and its mirror image, other sizes, qualities and crops of it count as the same, two people who
look alike do not (a perceptual hash finds candidates, correlation decides); `load_pairs` computes the pairs of an
arrays folder once and keeps them beside it as duplicates.npy.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import cv2
import numpy as np

_CANDIDATE_BITS, _COARSE, _SAME = 64, 0.87, 0.955
_SIDE, _COARSE_SIDE = 112, 28


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


def find_pairs(pictures: np.ndarray, rows: list[dict]) -> np.ndarray:
    """Pairs [N,2] of places in `rows` that show the same photograph, mirrored or not, and differ in source, or of
    which one is of the test part and the other is not."""
    greys = [_grey(p) for p in pictures]
    bits = np.stack([difference_hash(g) for g in greys])
    mirrored = np.stack([difference_hash(np.ascontiguousarray(g[:, ::-1])) for g in greys])
    small = [cv2.resize(g, (_COARSE_SIDE, _COARSE_SIDE), interpolation=cv2.INTER_AREA) for g in greys]
    part = np.unique([f"{r.get('source')} {r['split'] == 'test'}" for r in rows], return_inverse=True)[1]
    found: set[tuple[int, int]] = set()
    for at in range(0, len(rows), 1024):
        here = slice(at, at + 1024)
        apart = part[here][:, None] != part[at:][None]
        for hashes, step in ((bits, 1), (mirrored, -1)):
            near = (hashes[here] @ bits[at:].T >= 256 - 2 * _CANDIDATE_BITS) & apart
            for i, j in np.argwhere(near) + at:
                if i < j and _best(small[j], np.ascontiguousarray(small[i][4:-4, 4:-4][:, ::step])) >= _COARSE:
                    turned = np.ascontiguousarray(greys[i][:, ::step])
                    if alike(greys[j], turned) >= _SAME:
                        found.add((int(i), int(j)))
    return np.array(sorted(found), np.int64).reshape(-1, 2)


def load_pairs(arrays: Path, rows: list[dict]) -> np.ndarray:
    """`find_pairs` of an arrays folder; computed when asked for the first time or when the pictures changed."""
    file, pictures = arrays / "duplicates.npy", arrays / "pictures.npy"
    if file.exists() and file.stat().st_mtime >= pictures.stat().st_mtime:
        return np.load(file)
    pairs = find_pairs(np.load(pictures, mmap_mode="r"), rows)
    part = file.with_suffix(f".{os.getpid()}.npy")
    np.save(part, pairs)
    part.replace(file)
    return pairs


def redundant(pairs: np.ndarray, rows: list[dict]) -> np.ndarray:
    """True for the picture of each pair that goes: the one outside the test part, else the one of the larger source.
    A picture whose twin is gone already stays, but not where its twin is of the test part."""
    sizes = Counter(r.get("source") for r in rows)
    gone = np.zeros(len(rows), bool)
    test = np.array([r["split"] == "test" for r in rows], bool)
    for i, j in pairs[test[pairs[:, 0]] != test[pairs[:, 1]]]:
        gone[j if test[i] else i] = True
    for i, j in pairs:
        if not gone[i] and not gone[j]:
            source = [rows[k].get("source") for k in (i, j)]
            gone[i if (sizes[source[0]], source[0]) > (sizes[source[1]], source[1]) else j] = True
    return gone


def near_duplicates(pictures: np.ndarray, rows: list[dict]) -> np.ndarray:
    """True for each picture that goes, see `redundant`."""
    return redundant(find_pairs(pictures, rows), rows)


def twins_of(chosen: np.ndarray, pairs: np.ndarray) -> frozenset[int]:
    """Places of pictures, themselves not chosen, that show the same photograph as a chosen one (bool [N])."""
    first, second = chosen[pairs[:, 0]], chosen[pairs[:, 1]]
    twins = np.concatenate([pairs[first & ~second, 1], pairs[second & ~first, 0]])
    return frozenset(int(i) for i in twins)
