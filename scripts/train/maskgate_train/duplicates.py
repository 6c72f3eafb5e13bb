"""Near-duplicates: the same photograph in two sources, or in training and test part, found by a perceptual hash.

Promises: a picture and its mirror image, other sizes and other JPEG qualities of it count as the same; `load_pairs`
computes the pairs of an arrays folder once and keeps them beside it as duplicates.npy.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import cv2
import numpy as np

_SAME_BITS = 20


def difference_hash(rgb: np.ndarray) -> np.ndarray:
    """256 signs of brightness differences of the middle of a crop, as +1 and -1."""
    h, w = rgb.shape[:2]
    grey = cv2.cvtColor(np.ascontiguousarray(rgb[h // 8 : h - h // 8, w // 8 : w - w // 8]), cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (17, 16), interpolation=cv2.INTER_AREA).astype(np.int16)
    return np.where(small[:, 1:] > small[:, :-1], 1, -1).astype(np.float32).ravel()


def hashes(pictures: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The hash of each picture, and of its mirror image."""
    bits = np.stack([difference_hash(p) for p in pictures])
    return bits, np.stack([difference_hash(p[:, ::-1]) for p in pictures])


def near_duplicates(pictures: np.ndarray, rows: list[dict]) -> np.ndarray:
    """True for each picture outside the test part that nearly equals one of the test part, mirrored or not."""
    bits, mirrored = hashes(pictures)
    test = np.array([r["split"] == "test" for r in rows])
    same = np.zeros(len(rows), bool)
    for at in range(0, len(rows), 2048):
        part = slice(at, at + 2048)
        near = np.maximum(bits[part] @ bits[test].T, mirrored[part] @ bits[test].T)
        same[part] = (near >= 256 - 2 * _SAME_BITS).any(1)
    return same & ~test


def across_sources(pictures: np.ndarray, rows: list[dict]) -> np.ndarray:
    """Pairs [N,2] of places in `rows`, each of two sources that show nearly the same picture, mirrored or not."""
    bits, mirrored = hashes(pictures)
    source = np.unique([r["source"] for r in rows], return_inverse=True)[1]
    pairs = [np.empty((0, 2), np.int64)]
    for at in range(0, len(rows), 2048):
        part = slice(at, at + 2048)
        near = np.maximum(bits[part] @ bits[at:].T, mirrored[part] @ bits[at:].T) >= 256 - 2 * _SAME_BITS
        near &= source[part][:, None] != source[at:][None]
        found = np.argwhere(near) + at
        pairs.append(found[found[:, 0] < found[:, 1]])
    return np.concatenate(pairs)


def load_pairs(arrays: Path, rows: list[dict]) -> np.ndarray:
    """`across_sources` of an arrays folder; computed when asked for the first time or when the pictures changed."""
    file, pictures = arrays / "duplicates.npy", arrays / "pictures.npy"
    if file.exists() and file.stat().st_mtime >= pictures.stat().st_mtime:
        return np.load(file)
    pairs = across_sources(np.load(pictures, mmap_mode="r"), rows)
    part = file.with_suffix(f".{os.getpid()}.npy")
    np.save(part, pairs)
    part.replace(file)
    return pairs


def redundant(pairs: np.ndarray, rows: list[dict]) -> np.ndarray:
    """True for the picture of each pair that goes: of the larger source, but never one of the test part against one
    outside it; a picture whose twin is gone already stays."""
    sizes = Counter(r["source"] for r in rows)
    gone = np.zeros(len(rows), bool)
    for i, j in pairs:
        if gone[i] or gone[j]:
            continue
        rank = [(rows[k]["split"] != "test", sizes[rows[k]["source"]], rows[k]["source"]) for k in (i, j)]
        gone[i if rank[0] > rank[1] else j] = True
    return gone


def twins_of(source: str, pairs: np.ndarray, rows: list[dict]) -> frozenset[int]:
    """Places of pictures from other sources that a picture of this source nearly equals."""
    here = np.array([r["source"] == source for r in rows], bool)
    out = np.concatenate([pairs[here[pairs[:, 0]], 1], pairs[here[pairs[:, 1]], 0]])
    return frozenset(int(i) for i in out)
