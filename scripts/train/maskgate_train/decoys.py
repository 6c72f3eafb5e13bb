"""Things elsewhere on a bare face (label 0): patches, dark glasses, hats, masks over the eyes, beards, things aside.

Promises: every entry of DECOYS leaves the mouth or the nose to be seen, so that "something flat on the face" is no cue.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from . import fabrics, things
from .beside import aside
from .blend import Layer
from .face import LIPS, NOSE, Face
from .holding import Scene, board, lay
from .surface import Shape, grid_of, render
from .wraps import beard


def _patch(scene: Scene, corners: np.ndarray, alpha: np.ndarray | None = None) -> list[Layer] | None:
    rng, assets = scene[3], scene[4]
    colour = fabrics.surgical_colour(rng) if rng.random() < 0.5 else fabrics.any_colour(rng)
    base = fabrics.plain(rng, 80, 80, colour) if rng.random() < 0.7 else fabrics.printed(rng, 80, 80, assets.textures)
    texture = things.solid(base)
    if alpha is not None:
        texture[..., 3] = alpha
    layer = lay(scene, texture, corners, scene[1].place(np.array([0.0, 2.5, 2.0])))
    return None if layer is None else [layer]


def patch(*scene) -> list[Layer] | None:
    """A flat piece of anything over the eyes, the brow, a cheek or one side of the face."""
    rng, face = scene[3], scene[1]
    spot = rng.integers(4)
    side = rng.choice([-1, 1])
    if spot == 0:
        corners = board(
            rng, rng.uniform(10, 20), rng.uniform(4, 7), (rng.uniform(-2, 2), rng.uniform(-4.5, -2.2)), 0.15
        )
    elif spot == 1:
        corners = board(rng, rng.uniform(10, 20), rng.uniform(6, 12), (rng.uniform(-2, 2), rng.uniform(-12, -9)), 0.15)
    elif spot == 2:
        corners = board(rng, rng.uniform(3, 6), rng.uniform(3, 7), (side * rng.uniform(4, 7), rng.uniform(-1, 5)), 0.5)
    else:
        w = rng.uniform(9, 14)
        corners = board(rng, w, rng.uniform(16, 28), (side * (w / 2 + rng.uniform(0.8, 2.5)), rng.uniform(-2, 4)), 0.1)
    blob = None
    if rng.random() < 0.3:
        yy, xx = np.mgrid[-1:1:80j, -1:1:80j]
        wobble = 0.8 + 0.18 * np.sin(np.arctan2(yy, xx) * rng.integers(2, 5) + rng.uniform(0, 6))
        blob = np.clip((wobble - np.hypot(xx, yy)) * 20, 0, 1).astype(np.float32)
    layers = _patch(scene, corners, blob)
    if layers and spot < 2:
        _keep_free(layers[0], face, (*NOSE, *LIPS))
    return layers


def _keep_free(layer: Layer, face: Face, points: tuple[int, ...]) -> None:
    hull = cv2.convexHull(np.round(face.points[list(points)] - [layer.x, layer.y]).astype(np.int32))
    hole = cv2.fillConvexPoly(np.zeros(layer.alpha.shape, np.uint8), hull, 1)
    covered = float((layer.alpha * hole).sum()) / max(int(hole.sum()), 1)
    if covered > 0.55:
        layer.alpha *= 1 - cv2.GaussianBlur(cv2.dilate(hole, np.ones((3, 3), np.uint8)).astype(np.float32), (0, 0), 0.6)


def sunglasses(*scene) -> list[Layer] | None:
    """Dark or mirrored glasses."""
    rng = scene[3]
    h, w = 48, 128
    colour = np.array([rng.uniform(0.02, 0.15)] * 3) if rng.random() < 0.75 else fabrics.any_colour(rng)
    texture = np.zeros((h, w, 4), np.float32)
    tint = (*colour.tolist(), 1.0)
    r = rng.uniform(0.5, 1)
    for x in (34, 94):
        cv2.ellipse(texture, (x, 25), (27, int(14 + 7 * r)), 0, 0, 360, tint, -1, cv2.LINE_AA)
        if r < 0.75:
            cv2.rectangle(texture, (x - 25, 10), (x + 25, 30), tint, -1)
    cv2.line(texture, (0, 17), (w, 17), tint, 4)
    gloss = np.linspace(rng.uniform(1, 1.5), 0.8, h).astype(np.float32)
    texture[..., :3] = np.clip(texture[..., :3] * gloss[:, None, None], 0, 1)
    texture[..., 3] *= rng.uniform(0.85, 1)
    face = scene[1]
    if abs(face.yaw) > 40:
        return None
    tall = rng.uniform(4.2, 5.4)
    band = np.array([[-7.0, -tall / 2, -2.0], [7.0, -tall / 2, -2.0], [7.0, tall / 2, -2.0], [-7.0, tall / 2, -2.0]])
    centre = face.place(np.array([0.0, 0.3, 1.5]))
    flat = (band @ face.pose[:, :3].T) / face.px_per_cm
    c, s = np.cos(-face.roll), np.sin(-face.roll)
    corners = flat @ np.array([[c, s], [-s, c]])
    layer = lay(scene, texture, corners - corners.mean(0), centre)
    return None if layer is None else [layer]


def hat(*scene) -> list[Layer] | None:
    """A cap or woollen hat down to the brows."""
    rng, assets, face = scene[3], scene[4], scene[1]
    h, w = 100, 130
    base = fabrics.cloth(rng, h, w, assets.textures, 0.35) * fabrics.relief(rng, h, w, 4, 0.15)[..., None]
    across = np.linspace(-1, 1, w)
    base = base * (0.55 + 0.5 * np.sqrt(np.clip(1 - across**2 * 0.9, 0, 1)))[None, :, None]
    alpha = np.zeros((h, w), np.float32)
    cv2.ellipse(alpha, (w // 2, h), (w // 2, h - 2), 0, 180, 360, 1.0, -1, cv2.LINE_AA)
    band = int(rng.uniform(0.12, 0.3) * h)
    base[-band:] *= rng.uniform(0.6, 1.2)
    texture = np.dstack([np.clip(base, 0, 1), alpha]).astype(np.float32)
    wide, tall = rng.uniform(16, 19), rng.uniform(9, 13)
    at = (0.0, -3.0 - tall / 2 + rng.uniform(-1.5, 0.6))
    layer = lay(scene, texture, board(rng, wide, tall, at, 0.06, 0.04), face.place(np.array([0.0, 0.0, 2.0])))
    return None if layer is None else [layer]


def eye_mask(*scene) -> list[Layer] | None:
    """A sleeping mask or a carnival mask over the eyes; nose and mouth stay free."""
    shape, face, light, rng, assets = scene
    if abs(face.yaw) > 45:
        return None
    band = Shape(((-3.2, 2.2), (-1.4, 2.3), (0.4, 2.6), (2.2, 3.4)), (6.4, -2.4, -3), (6.4, 1.6, -3), 0.0, 1.8, 0.1)
    h, w = 96, 128
    texture = things.solid(fabrics.cloth(rng, h, w, assets.textures, 0.4))
    u, v = np.meshgrid(np.linspace(-1.1, 1.1, w), np.linspace(-0.08, 1.08, h))
    edge = np.abs(u) ** 4 + np.abs(2 * v - 1) ** 6
    notch = ((u / 0.22) ** 2 + ((v - 1.15) / 0.45) ** 2) < 1
    texture[..., 3] = np.clip((1 - edge) * 8, 0, 1) * (1 - notch)
    if rng.random() < 0.5:
        for x in (-0.5, 0.5):
            hole = ((u - x) / 0.2) ** 2 + ((v - 0.55) / 0.2) ** 2
            texture[..., 3] *= np.clip((hole - 1) * 4, 0, 1)
    layer = render(face, grid_of(band), texture, light, rng, shape)
    return None if layer is None else [layer]


DECOYS: dict[str, Callable[..., list[Layer] | None]] = {
    "patch": patch,
    "sunglasses": sunglasses,
    "hat": hat,
    "eye_mask": eye_mask,
    "beard": beard,
    "aside": aside,
}
