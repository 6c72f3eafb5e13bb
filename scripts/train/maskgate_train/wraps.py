"""Scarves, collars and beards: they go round the lower face as a mask does, and leave the nose free (label 0).

Promises: a scarf leaves the nose free, or nose and mouth; a beard leaves nose and most of the lips.
"""

from __future__ import annotations

import cv2
import numpy as np

from . import fabrics
from .blend import Layer, region_of
from .face import LIPS, NOSE
from .masks import leave_free
from .stray import hair_colour, strands
from .surface import PAD_U, PAD_V, Shape, finish, grid_of, render, samples

_LOWER_FACE = (234, 93, 132, 58, 172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397, 288, 361, 323, 454)
_BEARD_TOP = (411, 426, 327, 2, 98, 206, 187)


def scarf(*scene) -> list[Layer] | None:
    """A scarf, collar or neck warmer up to below the nose or below the mouth, down to the neck."""
    shape, face, light, rng, assets = scene
    if abs(face.yaw) > 62 or abs(face.pitch) > 45:
        return None
    mouth_free = rng.random() < 0.4
    start, z0 = (rng.uniform(8.6, 10.2), 1.6) if mouth_free else (rng.uniform(5.0, 5.7), 3.0)
    end = rng.uniform(14, 18)
    centre = tuple(
        (start + (end - start) * t, z0 + (rng.uniform(-2.5, -1) - z0) * t**1.4 + 0.6 * np.sin(np.pi * t))
        for t in np.linspace(0, 1, 5)
    )
    side = start + rng.uniform(-1.8, 1.0)
    at = Shape(centre, (rng.uniform(6.6, 8.2), min(side, 9.5), -4), (rng.uniform(6.5, 9), end - 1, -5), 0.0, 1.5, 0.5)
    h, w = 110, 140
    cloth = fabrics.knit(rng, h, w) if rng.random() < 0.35 else fabrics.cloth(rng, h, w, assets.textures, 0.45)
    cloth = cloth * fabrics.relief(rng, h, w, int(rng.integers(8, 24)), rng.uniform(0.2, 0.4))[..., None]
    if rng.random() < 0.4:
        cloth[:14] *= rng.uniform(0.7, 1.15)
        cloth[14:16] *= 0.6
    v = np.linspace(-PAD_V, 1 + PAD_V, h)[:, None] * np.ones((1, w))
    u = np.linspace(-1 - PAD_U, 1 + PAD_U, w)[None]
    edge = 0.03 * np.sin(u * rng.uniform(2, 9) + rng.uniform(0, 6))
    alpha = np.clip((v - edge) * 30 + 0.5, 0, 1)
    layer = render(face, grid_of(at), np.dstack([np.clip(cloth, 0, 1), alpha]).astype(np.float32), light, rng, shape)
    if layer is None:
        return None
    leave_free(layer, face, (*NOSE, *LIPS) if mouth_free else NOSE)
    return [layer]


def beard(*scene) -> list[Layer] | None:
    """A beard, stubble to long, over jaw and chin, the moustache up to the nose; the lips stay to be seen."""
    shape, face, light, rng, _ = scene
    if abs(face.yaw) > 50:
        return None
    jaw, top = face.points[list(_LOWER_FACE)], face.points[list(_BEARD_TOP)]
    down = face.upright(np.array([[0.0, 1.0]]), np.zeros(2))[0] / face.px_per_cm
    long = rng.uniform(0, 7) * face.px_per_cm
    near = np.exp(-(((np.arange(len(jaw)) - 10) / rng.uniform(3, 5)) ** 2))[:, None]
    outline = np.concatenate([jaw + near * down * long, top])
    if rng.random() < 0.3:
        outline = outline[4:-2]
    box = region_of(outline, 1.5 * face.px_per_cm, shape)
    if box is None:
        return None
    ss = samples(face)
    h, w = (box[3] - box[1]) * ss, (box[2] - box[0]) * ss
    patch = np.zeros((h, w), np.float32)
    cv2.fillPoly(patch, [np.round((outline - [box[0], box[1]]) * ss).astype(np.int32)], 1.0, cv2.LINE_AA)
    lips = cv2.convexHull(np.round((face.points[list(LIPS)] - [box[0], box[1]]) * ss).astype(np.int32))
    cv2.fillConvexPoly(patch, lips, 0.0)
    soft = max(1.0, 0.35 * face.px_per_cm * ss)
    ragged = cv2.GaussianBlur(rng.standard_normal((h, w), np.float32), (0, 0), 0.3 * soft)
    alpha = np.clip(
        cv2.GaussianBlur(patch, (0, 0), soft) * 2.2 - 0.6 + 0.35 * ragged / max(float(ragged.std()), 1e-6), 0, 1
    )
    alpha *= cv2.GaussianBlur(patch, (0, 0), 0.4 * soft) * rng.uniform(0.75, 1)
    drawn = np.dstack([strands(rng, h, w, hair_colour(rng)) * alpha[..., None], alpha]).astype(np.float32)
    layer = finish(drawn, box, ss, face, light, rng)
    layer.shadow = None
    leave_free(layer, face, NOSE)
    return [layer]
