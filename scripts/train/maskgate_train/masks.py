"""The kinds of mask: where each lies on the head, its folds and seams, its ear loops; worn properly and worn wrong.

Promises: a properly worn mask covers nose, mouth and chin; one worn wrong leaves the nose free, and the mouth too
unless it is `under_nose`.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from . import fabrics
from .assets import Assets
from .blend import Layer, Light, luma, region_of, shrink
from .face import LIPS, NOSE, Face
from .surface import Shape, finish, grid_of, render, samples
from .weave import drawn_texture

PROPER = ("surgical", "n95", "kn95", "cloth", "gas", "fitted", "sport")
WRONG = ("under_nose", "under_mouth", "on_chin", "hanging")
_TEMPLATES = {"surgical": ("surgical", "surgical_blue", "surgical_green"), "n95": ("N95",), "kn95": ("KN95",),
    "cloth": ("cloth",), "gas": ("gas",)}  # fmt: skip
_DARK_SKIN = 105.0

_SHAPES = {
    "surgical": Shape(
        ((1.9, 3.3), (4.1, 4.75), (6.6, 4.2), (9.0, 2.9), (11.3, 0.3)),
        (6.3, 3.0, -2.6), (5.6, 8.0, -3.6)),
    "kn95": Shape(
        ((1.6, 3.3), (4.0, 5.1), (6.4, 5.0), (8.9, 3.5), (11.5, 0.3)),
        (6.5, 3.0, -2.8), (5.7, 7.6, -3.8), 1, 1.3),
    "n95": Shape(
        ((1.6, 3.3), (4.0, 5.6), (6.5, 5.9), (9.0, 4.4), (11.6, 0.4)),
        (6.2, 3.4, -2.0), (6.0, 8.6, -3.0), 0.8, 2.0, 0.7),
    "cloth": Shape(
        ((1.8, 3.3), (4.1, 4.9), (6.6, 4.2), (9.1, 2.7), (11.4, 0.1)),
        (6.6, 2.8, -3.2), (6.0, 7.2, -4.3), 1, 1.4),
    "gas": Shape(
        ((1.4, 3.5), (4.1, 6.6), (6.6, 6.8), (9.0, 5.0), (11.2, 1.5)),
        (6.4, 3.6, 0.5), (6.0, 8.0, 0.0), 0.5, 1.9),
    "fitted": Shape(
        ((1.6, 3.2), (4.0, 5.3), (6.6, 5.5), (9.2, 4.0), (11.5, 0.4)),
        (6.5, 3.4, -2.7), (6.0, 7.2, -3.8), 1, 1.5),
    "sport": Shape(
        ((1.8, 3.2), (4.1, 4.85), (6.6, 4.3), (9.2, 2.9), (11.7, -0.3)),
        (6.8, 2.6, -4.2), (6.2, 7.0, -5.0), 1, 1.6),
}  # fmt: skip


def _vary(shape: Shape, rng: np.random.Generator) -> Shape:
    """The same mask a bit higher, lower, wider, tilted in height."""
    up, low = rng.uniform(-0.7, 0.6), rng.uniform(-0.3, 0.7)
    steps = np.linspace(up, low, len(shape.centre))
    centre = tuple((y + d, z + rng.normal(0, 0.1)) for (y, z), d in zip(shape.centre, steps, strict=True))
    wide = rng.uniform(0.9, 1.04)
    top = (shape.top[0] * wide, shape.top[1] + 0.5 * up + rng.uniform(-0.3, 0.5), shape.top[2])
    bottom = (shape.bottom[0] * wide, shape.bottom[1] + rng.uniform(-0.6, 0.6), shape.bottom[2])
    return replace(shape, centre=centre, top=top, bottom=bottom, hug=shape.hug * rng.uniform(0.75, 1))


def _lowered(shape: Shape, kind: str, rng: np.random.Generator) -> Shape:
    """The same mask pulled down below the nose, below the mouth or onto the chin and neck."""
    start, end, z0, z1 = {
        "under_nose": (rng.uniform(5.0, 5.6), rng.uniform(11.2, 12.4), 2.9, -0.2),
        "under_mouth": (rng.uniform(8.3, 8.9), rng.uniform(11.6, 13), 1.9, -0.6),
        "on_chin": (rng.uniform(9.4, 10.8), rng.uniform(12.4, 14.2), 1.0, -2.0),
    }[kind]
    pushed = rng.uniform(0.2, 0.9)
    centre = tuple(
        (start + (end - start) * t, z0 + (z1 - z0) * t**1.6 + pushed * np.sin(np.pi * t)) for t in np.linspace(0, 1, 5)
    )
    side = start + rng.uniform(-1.6, 0.2)
    top = (shape.top[0] * (0.97 if kind == "under_nose" else 0.9), min(side, 8.8), -3.6)
    bottom = (shape.bottom[0] * 0.95, min(max(side + rng.uniform(2, 3.5), 8.4), 11.0), -4.4)
    return replace(shape, centre=centre, top=top, bottom=bottom, hug=0.0, bulge=0.1)


def _template(kind: str, rng: np.random.Generator, assets: Assets) -> np.ndarray | None:
    names = [n for n in _TEMPLATES.get(kind, ()) if n in assets.templates]
    if not names:
        return None
    texture = assets.templates[names[rng.integers(len(names))]].copy()
    if kind in ("cloth", "surgical", "kn95", "n95") and rng.random() < (0.7 if kind == "cloth" else 0.3):
        _dye(texture, kind, rng, assets)
    return texture


def _dye(texture: np.ndarray, kind: str, rng: np.random.Generator, assets: Assets) -> None:
    """Another fabric with the template's own folds."""
    grey = texture[..., :3].mean(-1)
    inside = texture[..., 3] > 0.9
    folds = grey / max(float(grey[inside].mean()), 0.05)
    folds = 1 + (folds - 1) * (0.5 if grey[inside].mean() < 0.2 else 1)
    h, w = grey.shape
    if kind == "cloth":
        base = fabrics.cloth(rng, h, w, assets.textures, 0.6)
    else:
        base = fabrics.plain(rng, h, w, fabrics.surgical_colour(rng))
    texture[..., :3] = np.clip(base * np.clip(folds, 0.3, 1.6)[..., None], 0, 1)


def _texture(kind: str, rng: np.random.Generator, assets: Assets, zoom: int) -> np.ndarray | None:
    found = _template(kind, rng, assets) if kind == "gas" or rng.random() < 0.45 else None
    if found is None:
        return None if kind == "gas" else drawn_texture(kind, rng, assets, zoom)
    return found


def put_on(
    kind: str,
    rgb_shape: tuple[int, ...],
    face: Face,
    light: Light,
    rng: np.random.Generator,
    assets: Assets,
    zoom: int = 1,
    max_yaw: float = 62,
) -> list[Layer] | None:
    """Layers of a mask of a kind of PROPER, or of any mask worn as WRONG says; None if the head is turned too far."""
    if abs(face.yaw) > max_yaw or abs(face.pitch) > 45:
        return None
    if kind == "hanging":
        return _hang(rgb_shape, face, light, rng, assets)
    make = kind
    if kind in WRONG:
        make = str(rng.choice(["surgical", "surgical", "cloth", "kn95", "fitted", "sport", "n95"]))
    texture = _texture(make, rng, assets, zoom)
    if texture is None:
        return None
    # Dark cloth on dark skin is what cameras tell apart worst: show it more often than chance would.
    if make != "gas" and luma(light.skin) < _DARK_SKIN * light.exposure and rng.random() < 0.3:
        texture[..., :3] *= rng.uniform(0.05, 0.2) / max(float(texture[..., :3].mean()), 0.05)
        np.clip(texture[..., :3], 0, 1, out=texture[..., :3])
    shape = _vary(_SHAPES[make], rng)
    if kind in WRONG:
        shape = _lowered(shape, kind, rng)
    grid = grid_of(shape)
    layer = render(face, grid, texture, light, rng, rgb_shape)
    if layer is None:
        return None
    if kind in WRONG:
        leave_free(layer, face, NOSE if kind == "under_nose" else (*NOSE, *LIPS))
    loops = _loops(grid, make, face, light, rng, rgb_shape, texture)
    return [*loops, layer]


def leave_free(layer: Layer, face: Face, keep: tuple[int, ...]) -> None:
    """The nose (or nose and mouth) stays in front of a mask that is pulled down."""
    hull = cv2.convexHull(np.round((face.points[list(keep)] - [layer.x, layer.y]) * 16).astype(np.int32))
    hole = cv2.fillConvexPoly(np.zeros(layer.alpha.shape, np.uint8), hull, 255, cv2.LINE_AA, 4)
    hole = cv2.dilate(hole, np.ones((3, 3), np.uint8)) / 255.0
    layer.alpha = (layer.alpha * (1 - hole)).astype(np.float32)


def _loops(
    grid: np.ndarray,
    make: str,
    face: Face,
    light: Light,
    rng: np.random.Generator,
    shape: tuple[int, ...],
    texture: np.ndarray,
) -> list[Layer]:
    """Ear loops on the sides that the camera sees."""
    if rng.random() < 0.12:
        return []
    white = np.array([0.9, 0.9, 0.9])
    colour = white if rng.random() < 0.65 and make != "sport" else texture[48, 64, :3] * 0.9
    strands, ear = [], [6.95, 1.6 + rng.uniform(-0.4, 0.5), -5.4]
    row = face.place(grid[len(grid) // 2])
    for side, column in ((-1, 1), (1, -2)):
        out = row[column] - row[column - 2 * side]
        ear_px = face.place(np.array([side * ear[0], 4.0, ear[2]]))
        if side * face.yaw > 22 or out @ (row[column] - row[len(row) // 2]) <= 0 or out @ (ear_px - row[column]) <= 0:
            continue
        for line, at in ((1, [side * ear[0], ear[1] - 0.6, ear[2]]), (-2, [side * ear[0], ear[1] + 2.6, ear[2]])):
            start, end = grid[line, column], np.array(at)
            sag = np.array([side * 0.15, rng.uniform(0, 0.5), 0])
            strands.append(np.stack([start, (start + end) / 2 + sag, end]))
    return _strands(list(face.place(np.array(strands))), colour, face, light, rng, shape) if strands else []


def _strands(
    strands: list[np.ndarray],
    colour: np.ndarray,
    face: Face,
    light: Light,
    rng: np.random.Generator,
    shape: tuple[int, ...],
) -> list[Layer]:
    if not strands:
        return []
    box = region_of(np.concatenate(strands), face.px_per_cm * 0.5, shape)
    if box is None:
        return []
    ss = samples(face)
    h, w = (box[3] - box[1]) * ss, (box[2] - box[0]) * ss
    mask = np.zeros((h, w), np.uint8)
    width = max(1, round(rng.uniform(0.16, 0.32) * face.px_per_cm * ss))
    for line in strands:
        fixed = np.round((line - [box[0], box[1]]) * ss * 16).astype(np.int32)
        cv2.polylines(mask, [fixed], False, 255, width, cv2.LINE_AA, 4)
    alpha = shrink(mask, ss).astype(np.float32) / 255
    rgb = np.empty((*alpha.shape, 3), np.float32)
    rgb[:] = colour * light.tint * 235 * light.exposure
    return [Layer(box[0], box[1], rgb, alpha)]


def _hang(
    shape: tuple[int, ...], face: Face, light: Light, rng: np.random.Generator, assets: Assets
) -> list[Layer] | None:
    """A mask that hangs down from one ear, seen askew."""
    side = -1 if face.yaw > 12 else 1 if face.yaw < -12 else int(rng.choice([-1, 1]))
    make = str(rng.choice(["surgical", "surgical", "cloth", "kn95", "fitted"]))
    texture = drawn_texture(make, rng, assets)
    ear = face.place(np.array([side * 7.0, 2.4, -6.0]))
    wide, tall = rng.uniform(2.0, 6.0), rng.uniform(7, 11)
    lean, away = rng.uniform(-0.15, 0.25), rng.uniform(-0.6, 1.2)
    drop = rng.uniform(0.8, 2.5)
    corner = np.array(
        [
            [-wide / 2, drop],
            [wide / 2, drop + rng.uniform(-1, 1)],
            [wide / 2, tall],
            [-wide / 2, tall + rng.uniform(-1, 1)],
        ]
    )
    corner[:, 0] = side * (corner[:, 0] + away + corner[:, 1] * lean)
    quad = face.upright(corner, ear).astype(np.float32)
    box = region_of(np.r_[quad, ear[None]], face.px_per_cm, shape)
    if box is None:
        return None
    ss = samples(face)
    flat = np.rot90(texture, int(rng.choice([1, 3]))).copy()
    h, w = flat.shape[:2]
    source = np.float32([[0.07 * w, 0.07 * h], [0.93 * w, 0.07 * h], [0.93 * w, 0.93 * h], [0.07 * w, 0.93 * h]])
    warp = cv2.getPerspectiveTransform(source, (quad - [box[0], box[1]]).astype(np.float32) * ss)
    size = ((box[2] - box[0]) * ss, (box[3] - box[1]) * ss)
    flat[..., :3] *= flat[..., 3:]
    layer = finish(cv2.warpPerspective(flat, warp, size, flags=cv2.INTER_LINEAR), box, ss, face, light, rng)
    leave_free(layer, face, (*NOSE, *LIPS))
    if layer.alpha.sum() < 6 * face.px_per_cm**2:
        return None
    strands = [np.stack([ear, (ear + quad[i]) / 2, quad[i]]) for i in (0, 1)]
    return [*_strands(strands, np.array([0.88] * 3), face, light, rng, shape), layer]
