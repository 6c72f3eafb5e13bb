"""Cloth, paper and plastic: flat colour patterns as float RGB albedo 0..1, drawn or taken from texture pictures.

Promises: the same generator state gives the same pattern; pattern sizes are in parts of the patch, not in pixels.
"""

from __future__ import annotations

import cv2
import numpy as np

SURGICAL = ((0.55, 0.75, 0.88), (0.42, 0.66, 0.86), (0.93, 0.94, 0.95), (0.52, 0.78, 0.74), (0.62, 0.84, 0.9))
RESPIRATOR = ((0.94, 0.94, 0.93), (0.94, 0.94, 0.93), (0.88, 0.87, 0.84), (0.1, 0.1, 0.11), (0.72, 0.76, 0.8))
DARK = (
    (0.06, 0.06, 0.07),
    (0.1, 0.1, 0.12),
    (0.09, 0.12, 0.22),
    (0.2, 0.2, 0.22),
    (0.24, 0.09, 0.1),
    (0.1, 0.18, 0.14),
)
LIGHT = ((0.93, 0.92, 0.9), (0.85, 0.85, 0.86), (0.92, 0.86, 0.76), (0.9, 0.75, 0.78), (0.75, 0.83, 0.9))


def any_colour(rng: np.random.Generator) -> np.ndarray:
    """A colour that things have: dark, light, grey or vivid."""
    pick = rng.random()
    if pick < 0.3:
        base = DARK[rng.integers(len(DARK))]
    elif pick < 0.5:
        base = LIGHT[rng.integers(len(LIGHT))]
    elif pick < 0.62:
        base = (rng.uniform(0.1, 0.9),) * 3
    else:
        hsv = np.uint8([[[rng.integers(180), rng.integers(60, 230), rng.integers(70, 245)]]])
        base = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)[0, 0] / 255.0
    return near(np.array(base), rng)


def near(colour: np.ndarray | tuple, rng: np.random.Generator, spread: float = 0.04) -> np.ndarray:
    """A colour close to the given one."""
    return np.clip(np.asarray(colour) + rng.normal(0, spread * 0.6, 3) + rng.normal(0, spread), 0.02, 0.98)


def surgical_colour(rng: np.random.Generator) -> np.ndarray:
    """Blue, white and green mostly, sometimes black, pink or anything."""
    pick = rng.random()
    if pick < 0.72:
        return near(SURGICAL[rng.integers(len(SURGICAL))], rng)
    if pick < 0.86:
        return near(DARK[rng.integers(4)], rng, 0.02)
    return any_colour(rng)


def plain(rng: np.random.Generator, h: int, w: int, colour: np.ndarray, uneven: float = 0.025) -> np.ndarray:
    """One colour with weave noise and soft blotches."""
    out = np.empty((h, w, 3), np.float32)
    out[:] = colour
    grain = rng.standard_normal((h // 2 + 1, w // 2 + 1), np.float32) * rng.uniform(0.002, 0.014)
    grain = cv2.resize(grain, (w, h), interpolation=cv2.INTER_LINEAR)
    return np.clip(out * (1 + 2 * grain[..., None]) * cloudy(rng, h, w, uneven)[..., None], 0, 1)


def cloudy(rng: np.random.Generator, h: int, w: int, depth: float, cells: int = 5) -> np.ndarray:
    """Soft random brightness factor about 1."""
    coarse = rng.normal(1, depth, (cells, cells + 1)).astype(np.float32)
    return cv2.resize(coarse, (w, h), interpolation=cv2.INTER_CUBIC)


def stripes(rng: np.random.Generator, h: int, w: int) -> np.ndarray:
    """Straight bands of two or three colours at any angle."""
    a = rng.choice([0, np.pi / 2, rng.uniform(0, np.pi)])
    yy, xx = np.mgrid[0:h, 0:w] / max(h, w)
    t = (xx * np.cos(a) + yy * np.sin(a)) * rng.uniform(4, 22)
    colours = np.stack([any_colour(rng) for _ in range(rng.integers(2, 4))])
    return colours[np.floor(t).astype(int) % len(colours)].astype(np.float32)


def checks(rng: np.random.Generator, h: int, w: int) -> np.ndarray:
    """Tartan-like: two sets of half-transparent bands."""
    n = rng.uniform(4, 16)
    yy, xx = np.mgrid[0:h, 0:w] / max(h, w)
    first, second = any_colour(rng), any_colour(rng)
    k = ((np.floor(xx * n) % 2) + (np.floor(yy * n) % 2))[..., None] / 2
    return (first * (1 - k) + second * k).astype(np.float32)


def dots(rng: np.random.Generator, h: int, w: int) -> np.ndarray:
    """Dots or blobs, in rows or scattered."""
    out = np.empty((h, w, 3), np.float32)
    out[:] = any_colour(rng)
    size = max(h, w)
    step, r = size / rng.uniform(5, 15), rng.uniform(0.15, 0.38)
    colours = [any_colour(rng).tolist() for _ in range(rng.integers(1, 4))]
    loose = rng.uniform(0, 0.4) if rng.random() < 0.5 else 0.0
    for i, y in enumerate(np.arange(0, h + step, step)):
        for x in np.arange((i % 2) * step / 2, w + step, step):
            jitter = rng.uniform(-loose, loose, 2) * step
            centre = (int((x + jitter[0]) * 16), int((y + jitter[1]) * 16))
            cv2.circle(out, centre, int(step * r * 16), colours[rng.integers(len(colours))], -1, cv2.LINE_AA, 4)
    return out


def blotches(rng: np.random.Generator, h: int, w: int) -> np.ndarray:
    """Camouflage or a coarse print: thresholded clouds of several colours."""
    out = np.empty((h, w, 3), np.float32)
    out[:] = any_colour(rng)
    for _ in range(rng.integers(2, 5)):
        field = cloudy(rng, h, w, 1, int(rng.integers(5, 14)))
        out[field > rng.uniform(1.1, 1.9)] = any_colour(rng)
    return out


def knit(rng: np.random.Generator, h: int, w: int) -> np.ndarray:
    """Ribbed wool."""
    yy, xx = np.mgrid[0:h, 0:w] / max(h, w)
    n = rng.uniform(14, 34)
    wave = 1 + 0.13 * np.sin(2 * np.pi * (xx * n)) * (1 + 0.5 * np.sin(2 * np.pi * (yy * n * 1.3)))
    return np.clip(plain(rng, h, w, any_colour(rng)) * wave[..., None], 0, 1).astype(np.float32)


_PATTERNS = (stripes, checks, dots, blotches, knit)


def printed(rng: np.random.Generator, h: int, w: int, pictures: list[np.ndarray]) -> np.ndarray:
    """Any pattern: a patch of a texture picture if there are some, else one drawn."""
    if pictures and rng.random() < 0.4:
        source = pictures[rng.integers(len(pictures))]
        side = int(rng.uniform(0.35, 1) * min(source.shape[:2]))
        y = rng.integers(source.shape[0] - side + 1)
        x = rng.integers(source.shape[1] - side + 1)
        patch = cv2.resize(source[y : y + side, x : x + side], (w, h), interpolation=cv2.INTER_AREA)
        if rng.random() < 0.5:
            patch = patch[:, ::-1]
        return patch.astype(np.float32) / 255
    return _PATTERNS[rng.integers(len(_PATTERNS))](rng, h, w)


def cloth(rng: np.random.Generator, h: int, w: int, pictures: list[np.ndarray], patterned: float = 0.5) -> np.ndarray:
    """Plain or patterned."""
    if rng.random() < patterned:
        return printed(rng, h, w, pictures)
    return plain(rng, h, w, any_colour(rng))


def relief(rng: np.random.Generator, h: int, w: int, lines: int, depth: float) -> np.ndarray:
    """Brightness factor of soft wrinkles running across a patch."""
    small_h, small_w = 48, 64
    factor = np.ones((small_h, small_w), np.float32)
    for _ in range(lines):
        start = rng.uniform([-0.1, 0], [1.1, 1]) * (small_w, small_h)
        end = start + rng.uniform(0.25, 0.8) * small_w * np.array([rng.choice([-1, 1]), rng.normal(0, 0.35)])
        middle = (start + end) / 2 + rng.normal(0, 4, 2)
        curve = np.round(np.stack([start, middle, end]) * 16).astype(np.int32)
        strength = rng.uniform(0.4, 1) * depth
        cv2.polylines(factor, [curve], False, 1 - strength, 1, cv2.LINE_8, 4)
        cv2.polylines(factor, [curve + np.array([0, 24], np.int32)], False, 1 + 0.7 * strength, 1, cv2.LINE_8, 4)
    factor = cv2.GaussianBlur(factor, (0, 0), 1.2)
    return cv2.resize(factor, (w, h), interpolation=cv2.INTER_CUBIC)
