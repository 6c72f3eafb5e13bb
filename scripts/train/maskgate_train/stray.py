"""What gets before a face without being held: a cut-out of any shape and colour, somebody else's head or shoulder.

Promises: `lies_like_a_mask` tells where a shape has the outline of a worn mask; such ones are not used.
"""

from __future__ import annotations

import cv2
import numpy as np

from . import fabrics
from .blend import Layer
from .face import Face
from .goods import ball
from .holding import board, held, skin_albedo
from .things import rounded, size_of

_JAW = (234, 93, 132, 58, 172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397, 288, 361, 323, 454, 6)


def lies_like_a_mask(layer: Layer, face: Face) -> bool:
    """Whether its outline is nearly that of a mask on this face."""
    region = np.zeros(layer.alpha.shape, np.uint8)
    outline = np.round(face.points[list(_JAW)] - [layer.x, layer.y]).astype(np.int32)
    cv2.fillPoly(region, [outline], 1)
    solid = layer.alpha > 0.5
    either = np.count_nonzero(solid | (region > 0))
    return np.count_nonzero(solid & (region > 0)) > 0.62 * max(either, 1)


def _fill(rng: np.random.Generator, h: int, w: int, pictures: list[np.ndarray]) -> np.ndarray:
    """Fabric, print, flat colour or gradient."""
    pick = rng.random()
    if pick < 0.35:
        return (
            fabrics.cloth(rng, h, w, pictures, 0.6)
            * fabrics.relief(rng, h, w, int(rng.integers(0, 12)), 0.2)[..., None]
        )
    colour = fabrics.surgical_colour(rng) if rng.random() < 0.5 else fabrics.any_colour(rng)
    if pick < 0.6:
        return fabrics.plain(rng, h, w, colour)
    if pick < 0.75:
        flat = np.empty((h, w, 3), np.float32)
        flat[:] = colour
        return flat
    other = fabrics.any_colour(rng)
    a = rng.uniform(0, 2 * np.pi)
    yy, xx = np.mgrid[-1 : 1 : h * 1j, -1 : 1 : w * 1j]
    t = np.clip(0.5 + 0.5 * (xx * np.cos(a) + yy * np.sin(a)), 0, 1)[..., None]
    return (colour * t + other * (1 - t)).astype(np.float32)


def _outline(rng: np.random.Generator, h: int, w: int) -> np.ndarray:
    """Alpha of a polygon, star, ellipse, blob, bar or round-cornered rectangle; sometimes with a hole or a bite."""
    alpha, pick = np.zeros((h, w), np.float32), rng.random()
    if pick < 0.45:
        n = int(rng.integers(3, 10))
        around = np.sort(rng.uniform(0, 2 * np.pi, n)) if rng.random() < 0.7 else np.arange(n) * 2 * np.pi / n
        reach = rng.uniform(0.55, 1, n) if rng.random() < 0.7 else np.where(np.arange(n) % 2, 0.6, 1)
        edge = np.c_[np.cos(around), np.sin(around)] * np.minimum(reach * 1.2, 1)[:, None]
        cv2.fillPoly(alpha, [np.round((edge * 0.5 + 0.5) * [w - 1, h - 1]).astype(np.int32)], 1.0, cv2.LINE_AA)
    elif pick < 0.6:
        cv2.ellipse(alpha, (w // 2, h // 2), (w // 2 - 1, h // 2 - 1), 0, 0, 360, 1.0, -1, cv2.LINE_AA)
    elif pick < 0.8:
        yy, xx = np.mgrid[-1 : 1 : h * 1j, -1 : 1 : w * 1j]
        at = np.arctan2(yy, xx)
        wobble = 0.75 + 0.12 * (np.sin(at * rng.integers(2, 5) + rng.uniform(0, 6)) + np.sin(at * rng.integers(4, 9)))
        alpha = np.clip((wobble - np.hypot(xx, yy)) * 20, 0, 1).astype(np.float32)
    else:
        alpha = rounded(h, w, rng.uniform(0.02, 0.5) * min(h, w))
    if rng.random() < 0.2:
        hole = (int(rng.uniform(0, 1) * w), int(rng.choice([0, 1]) * h))
        cv2.circle(alpha, hole, int(rng.uniform(0.1, 0.3) * min(h, w)), 0.0, -1, cv2.LINE_AA)
    return alpha


def shape(*scene) -> list[Layer] | None:
    """A flat piece of anything, of any outline and size, over the mouth; it does not follow the face."""
    rng, assets = scene[3], scene[4]
    w, h = rng.uniform(6, 26), rng.uniform(5, 24)
    if rng.random() < 0.15:
        w, h = rng.uniform(24, 34), rng.uniform(5, 12)
    rows, cols = size_of(w, h)
    fill = _fill(rng, rows, cols, assets.textures)
    if rng.random() < 0.3:
        fill = fill * ball(rows, cols, rng)[..., None]
    texture = np.dstack([np.clip(fill, 0, 1), _outline(rng, rows, cols)]).astype(np.float32)
    at = rng.uniform(-0.3, 0.3, 2) * [w, h]
    return held(scene, texture, board(rng, w, h, tuple(at), 0.5, 0.2), 0.15)


_HAIR = (
    (0.05, 0.04, 0.04),
    (0.12, 0.08, 0.06),
    (0.28, 0.18, 0.11),
    (0.6, 0.45, 0.25),
    (0.55, 0.55, 0.55),
    (0.4, 0.15, 0.07),
)


def strands(rng: np.random.Generator, h: int, w: int, colour: np.ndarray) -> np.ndarray:
    """Hair: brightness that runs in lines down the patch."""
    line = rng.normal(1, 0.35, (max(2, h // 24), w)).astype(np.float32)
    line = cv2.resize(line, (w, h), interpolation=cv2.INTER_CUBIC)
    fine = cv2.blur(rng.standard_normal((h, w), np.float32) * 0.5, (1, 9))
    return np.clip(np.asarray(colour) * np.clip(line + fine, 0.35, 1.9)[..., None] + 0.015, 0, 1).astype(np.float32)


def hair_colour(rng: np.random.Generator) -> np.ndarray:
    """Black to blond, grey, red."""
    return fabrics.near(np.array(_HAIR[rng.integers(len(_HAIR))]), rng, 0.02)


def _head(rng: np.random.Generator, h: int, w: int, skin: np.ndarray, pictures: list[np.ndarray]) -> np.ndarray:
    """The back of a head with hair, a bald one, or one in a hat or hood."""
    pick = rng.random()
    if pick < 0.65:
        inner = strands(rng, h, w, hair_colour(rng))
    elif pick < 0.8:
        inner = fabrics.plain(rng, h, w, np.clip(skin * rng.uniform(0.6, 1.2), 0.03, 0.95), 0.04)
    else:
        inner = fabrics.cloth(rng, h, w, pictures, 0.3) * fabrics.relief(rng, h, w, 8, 0.2)[..., None]
    alpha = np.zeros((h, w), np.float32)
    cv2.ellipse(alpha, (w // 2, h // 2), (w // 2 - 2, h // 2 - 2), 0, 0, 360, 1.0, -1, cv2.LINE_AA)
    alpha[h // 2 :, 3:-3] = 1.0
    return np.dstack([np.clip(inner * ball(h, w, rng)[..., None], 0, 1), alpha]).astype(np.float32)


def _shoulder(rng: np.random.Generator, h: int, w: int, pictures: list[np.ndarray]) -> np.ndarray:
    cloth = fabrics.cloth(rng, h, w, pictures, 0.3) * fabrics.relief(rng, h, w, 12, 0.22)[..., None]
    x = np.linspace(-1, 1, w)[None]
    y = np.linspace(0, 1, h)[:, None]
    slope = 0.02 + rng.uniform(0.1, 0.35) * (x - rng.uniform(-0.5, 0.5)) ** 2
    alpha = np.clip((y - slope) * h, 0, 1)
    shade = 0.55 + 0.5 * np.clip((y - slope) * 4, 0, 1) ** 0.5
    return np.dstack([np.clip(cloth * shade[..., None], 0, 1), alpha]).astype(np.float32)


def person(*scene) -> list[Layer] | None:
    """Somebody else's head or shoulder before the lower face."""
    rng, assets = scene[3], scene[4]
    if rng.random() < 0.6:
        w, h = rng.uniform(13, 21), rng.uniform(20, 30)
        texture = _head(rng, *size_of(w, h), skin_albedo(scene[2], rng), assets.textures)
        at = (rng.uniform(-5, 5), h / 2 - rng.uniform(1.5, 5))
    else:
        w, h = rng.uniform(26, 44), rng.uniform(16, 24)
        texture = _shoulder(rng, *size_of(w, h), assets.textures)
        at = (rng.uniform(-6, 6), h / 2 - rng.uniform(1.5, 5))
    return held(scene, texture, board(rng, w, h, at, 0.2, 0.06), 0)
