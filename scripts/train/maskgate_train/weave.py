"""The flat texture of our own drawn masks: fabric, folds, seams, hems and valves by kind, in (u,v) of surface.py.

Promises: float RGBA 0..1 of any size; the same generator state gives the same texture.
"""

from __future__ import annotations

import cv2
import numpy as np

from . import fabrics
from .assets import TEXTURE_H, TEXTURE_W, Assets
from .surface import PAD_U, PAD_V


def _lines(h: int, w: int, curves: list[tuple[np.ndarray, float]], width: float) -> np.ndarray:
    """Brightness change drawn along (u,v) curves: `curves` are (points, depth)."""
    out = np.zeros((h, w), np.float32)
    for uv, depth in curves:
        px = (np.asarray(uv) + np.array([1 + PAD_U, PAD_V])) / [2 + 2 * PAD_U, 1 + 2 * PAD_V] * [w - 1, h - 1]
        fixed = np.round(px * 16).astype(np.int32)
        one = cv2.polylines(np.zeros((h, w), np.float32), [fixed], False, 1.0, max(1, round(width * h)), cv2.LINE_AA, 4)
        np.add(out, one * depth, out=out)
    return out


def _across(v: float, sag: float = 0.0, reach: float = 1.1) -> np.ndarray:
    u = np.linspace(-reach, reach, 15)
    return np.c_[u, v + sag * (1 - u**2)]


def _pleats(h: int, w: int, rng: np.random.Generator) -> np.ndarray:
    """Three horizontal folds, each lit above and dark beneath, fanning out to the middle."""
    rows = (np.arange(h) / (h - 1) * (1 + 2 * PAD_V) - PAD_V)[:, None]
    cols = np.abs(np.linspace(-1.1, 1.1, w))[None]
    out = np.zeros((h, w), np.float32)
    for v0 in rng.uniform(0.22, 0.3) + np.arange(3) * rng.uniform(0.17, 0.23):
        v = v0 + rng.uniform(-0.02, 0.05) * (1 - cols**2)
        t = (rows - v) / 0.09
        out += np.where(t > 0, -np.exp(-t * 2.2), 0.45 * np.exp(t * 1.6)) * rng.uniform(0.6, 1)
    return out * rng.uniform(0.14, 0.42)


def _hems(h: int, w: int, rng: np.random.Generator, depth: float) -> np.ndarray:
    curves = [(_across(v), -depth) for v in (0.06, 0.95)]
    curves += [(np.c_[[u, u], [0, 1]], -depth) for u in (-0.94, 0.94)]
    if rng.random() < 0.6:
        curves.append((_across(0.035), depth * 0.8))
    return _lines(h, w, curves, 0.012)


def _details(kind: str, h: int, w: int, rng: np.random.Generator) -> np.ndarray:
    """The brightness changes by which one knows the kind."""
    if kind == "surgical":
        return _pleats(h, w, rng) + _hems(h, w, rng, rng.uniform(0.04, 0.16))
    seam = np.c_[[0.0] * 5, np.linspace(-0.1, 1.1, 5)]
    if kind == "kn95":
        weld = [np.c_[[s * 0.85, s * 0.25], [0.2, rng.uniform(0.3, 0.42)]] for s in (-1, 1)]
        curves = [(seam, -0.3), (seam + np.array([0.02, 0]), 0.15), *((c, -0.12) for c in weld)]
        return _lines(h, w, curves, 0.014) + _hems(h, w, rng, 0.1)
    if kind == "n95":
        return _lines(h, w, [(_across(v, rng.uniform(-0.1, 0.1)), -0.1) for v in (0.3, 0.62)], 0.03)
    if kind == "fitted":
        folds = [rng.uniform(0.3, 0.4), rng.uniform(0.62, 0.74)] if rng.random() < 0.6 else [rng.uniform(0.45, 0.55)]
        curves = [(_across(v, 0.05), -0.28) for v in folds] + [(_across(v - 0.025, 0.05), 0.2) for v in folds]
        rows = (np.arange(h) / h)[:, None]
        lower = -rng.uniform(0.05, 0.3) * np.clip((rows - folds[-1]) * 8, 0, 1)
        return _lines(h, w, curves, 0.02) + lower.astype(np.float32) + _hems(h, w, rng, 0.06)
    if kind == "sport":
        sides = [np.c_[[s * 0.62, s * 0.5, s * 0.66], [-0.1, 0.5, 1.1]] for s in (-1, 1)]
        return _lines(h, w, [(c, rng.choice([-0.2, 0.3])) for c in sides], 0.016) + _hems(h, w, rng, 0.08)
    curves = [(seam, -0.2)] if rng.random() < 0.5 else []
    return _lines(h, w, curves, 0.012) + _hems(h, w, rng, rng.uniform(0.05, 0.15))


def _valves(texture: np.ndarray, rng: np.random.Generator) -> None:
    h, w = texture.shape[:2]
    colour = fabrics.any_colour(rng)
    for u in (-0.42, 0.42) if rng.random() < 0.6 else (rng.choice([-0.4, 0.4]),):
        centre = (int((u + 1 + PAD_U) / (2 + 2 * PAD_U) * w), int(0.56 * h))
        axes = (int(0.06 * w), int(0.11 * h))
        for k, gain in ((1.0, 1.0), (0.75, 0.7), (0.55, 1.15)):
            size = (int(axes[0] * k), int(axes[1] * k))
            cv2.ellipse(
                texture, centre, size, 0, 0, 360, (*(np.clip(colour * gain, 0, 1).tolist()), 1.0), -1, cv2.LINE_AA
            )


def drawn_texture(kind: str, rng: np.random.Generator, assets: Assets, zoom: int = 1) -> np.ndarray:
    """Our own mask of this kind, flat in (u,v): float RGBA 0..1."""
    h, w = TEXTURE_H * zoom, TEXTURE_W * zoom
    if kind == "surgical":
        base = fabrics.plain(rng, h, w, fabrics.surgical_colour(rng))
    elif kind in ("n95", "kn95", "fitted"):
        pick = fabrics.RESPIRATOR[rng.integers(len(fabrics.RESPIRATOR))]
        colour = fabrics.near(pick, rng, 0.02) if rng.random() < 0.8 else fabrics.any_colour(rng)
        base = fabrics.plain(rng, h, w, colour)
    elif rng.random() < 0.4:
        base = fabrics.plain(rng, h, w, fabrics.near(fabrics.DARK[rng.integers(6)], rng, 0.02))
    else:
        base = fabrics.cloth(rng, h, w, assets.textures, 0.55 if kind == "cloth" else 0.25)
    factor = 1 + _details(kind, h, w, rng)
    factor *= fabrics.relief(rng, h, w, int(rng.integers(0, 7)), rng.uniform(0.05, 0.28))
    texture = np.empty((h, w, 4), np.float32)
    # Black cloth shows its folds by gloss, not by a factor of almost nothing.
    texture[..., :3] = np.clip(base * factor[..., None] + 0.06 * (factor[..., None] - 1), 0, 1)
    texture[..., 3] = _cut(kind, h, w)
    if kind == "sport" and rng.random() < 0.5:
        _valves(texture, rng)
    return texture


def _cut(kind: str, h: int, w: int) -> np.ndarray:
    """Outline in (u,v), a little rounded at the corners."""
    u = np.abs(np.linspace(-1 - PAD_U, 1 + PAD_U, w))[None]
    v = np.linspace(-PAD_V, 1 + PAD_V, h)[:, None]
    power = {"surgical": 14, "n95": 5, "kn95": 8}.get(kind, 9)
    r = u**power + np.abs(2 * v - 1) ** (power + 5)
    return np.clip((1.0 - r) * 6 + 0.5, 0, 1).astype(np.float32)
