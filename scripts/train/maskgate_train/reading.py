"""Books and newspapers before a face, flat, as float RGBA albedo.

Promises: pure drawing like things.py, `PER_CM` samples a cm; the same generator state gives the same thing.
"""

from __future__ import annotations

import numpy as np

from . import fabrics
from .things import PER_CM, page_text, size_of, solid

Pictures = list[np.ndarray]


def book(rng: np.random.Generator, w_cm: float, h_cm: float, pictures: Pictures) -> np.ndarray:
    """A printed cover with title and picture, or both covers of an open book with the spine between."""
    h, w = size_of(w_cm, h_cm)
    ground = fabrics.surgical_colour(rng) if rng.random() < 0.3 else fabrics.any_colour(rng)
    out = fabrics.plain(rng, h, w, ground, 0.03)
    if rng.random() < 0.5:
        open_at, thick = int(rng.uniform(0.4, 0.6) * w), int(rng.uniform(0.8, 3) * PER_CM)
        _cover(out[:, open_at + thick // 2 :], rng, pictures)
        across = np.abs(np.arange(w) - open_at) / (thick / 2)
        out = out * np.where(across < 1, 0.55 + 0.4 * across**2, 1)[None, :, None]
        slope = np.where(np.arange(w) < open_at, rng.uniform(0.75, 1), rng.uniform(0.75, 1))
        out = out * slope[None, :, None]
    else:
        _cover(out, rng, pictures)
        spine = int(rng.uniform(0.5, 2.5) * PER_CM)
        out[:, :spine] *= rng.uniform(0.5, 0.9)
    if rng.random() < 0.6:
        edge = max(2, int(rng.uniform(0.3, 1.6) * PER_CM))
        out[-edge:] = 0.88
        out[-edge::2] *= 0.82
    return solid(np.clip(out, 0, 1).astype(np.float32))


def _cover(cover: np.ndarray, rng: np.random.Generator, pictures: Pictures) -> None:
    h, w = cover.shape[:2]
    if rng.random() < 0.6:
        y, tall = int(rng.uniform(0.1, 0.5) * h), int(rng.uniform(0.25, 0.45) * h)
        x, wide = int(rng.uniform(0.05, 0.3) * w), int(rng.uniform(0.4, 0.65) * w)
        cover[y : y + tall, x : x + wide] = fabrics.printed(rng, tall, wide, pictures)
    title = cover[int(rng.uniform(0, 0.6) * h) :][: int(0.3 * h)]
    page_text(title, rng, fabrics.any_colour(rng).tolist(), rng.uniform(1, 2.6), 0.97)


def newspaper(rng: np.random.Generator, w_cm: float, h_cm: float, pictures: Pictures) -> np.ndarray:
    """Columns of text, headlines and pictures on newsprint, or a glossy magazine; folds and waves."""
    h, w = size_of(w_cm, h_cm)
    glossy = rng.random() < 0.3
    sheet = fabrics.plain(rng, h, w, fabrics.near((0.8, 0.78, 0.72) if not glossy else (0.95, 0.95, 0.95), rng), 0.03)
    ink = [rng.uniform(0.1, 0.35)] * 3
    count = int(rng.integers(2, 6))
    head = int(rng.uniform(0.08, 0.2) * h)
    page_text(sheet[:head], rng, ink, rng.uniform(1.6, 2.6), 0.98)
    for k in range(count):
        column = sheet[head:, k * w // count : (k + 1) * w // count]
        page_text(column, rng, ink, rng.uniform(0.4, 0.7), 0.98)
    for _ in range(rng.integers(1, 4)):
        y, x = int(rng.uniform(0.1, 0.7) * h), int(rng.uniform(0.05, 0.6) * w)
        tall, wide = int(rng.uniform(0.15, 0.3) * h), int(rng.uniform(0.2, 0.4) * w)
        patch = sheet[y : y + tall, x : x + wide]
        patch[:] = fabrics.printed(rng, *patch.shape[:2], pictures)
        if not glossy:
            patch[:] = patch.mean(-1, keepdims=True)
    fold = np.abs(np.arange(w) / w - rng.uniform(0.35, 0.65))
    wave = 1 + rng.uniform(0, 0.1) * np.sin(np.linspace(0, rng.uniform(3, 12), w)) - 0.2 * np.exp(-fold * 60)
    across = np.abs(np.arange(h) / h - 0.5)
    wave = wave[None] * (1 - rng.choice([0, 0.2]) * np.exp(-across * 60))[:, None]
    return solid(np.clip(sheet * wave[..., None], 0, 1).astype(np.float32))
