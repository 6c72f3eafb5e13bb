"""A mask as a curved surface in front of the standard head, and its rendering into a picture of any head turn.

Promises: the surface follows this person's mesh points; parts turned away from the camera are not drawn.
A surface is a grid over (u,v): u from -1 (picture left) to 1, v from 0 (upper edge) to 1 (lower), a little beyond each.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .blend import Layer, Light, region_of, shadow_of, shrink
from .face import Face

PAD_U, PAD_V = 0.1, 0.08
_ROWS, _COLS = 9, 13
U = np.linspace(-1 - PAD_U, 1 + PAD_U, _COLS)
V = np.linspace(-PAD_V, 1 + PAD_V, _ROWS)
_COARSE = 22
_KNEE = 195.0


@dataclass(frozen=True)
class Shape:
    """Where a mask lies on the standard head, cm. `centre` is the midline (y,z) from the upper to the lower edge,
    `top`/`bottom` the (x,y,z) of its corners, `hug` how closely the upper edge follows the nose, `round` the dome."""

    centre: tuple[tuple[float, float], ...]
    top: tuple[float, float, float]
    bottom: tuple[float, float, float]
    hug: float = 1.0
    round: float = 1.7
    bulge: float = 0.25


def _curve(values: np.ndarray, at: np.ndarray) -> np.ndarray:
    knots = np.linspace(0, 1, len(values))
    inner = np.interp(at, knots, values)
    low, high = (values[1] - values[0]) / knots[1], (values[-1] - values[-2]) / (1 - knots[-2])
    return inner + low * np.minimum(at, 0) + high * np.maximum(at - 1, 0)


def grid_of(shape: Shape) -> np.ndarray:
    """The surface's nodes [rows,cols,3] in cm."""
    au, v = np.abs(U)[None], V[:, None]
    centre = np.array(shape.centre)
    yc, zc = _curve(centre[:, 0], V)[:, None], _curve(centre[:, 1], V)[:, None]
    top, bottom = np.array(shape.top), np.array(shape.bottom)
    side = top + (bottom - top) * v
    swell = shape.bulge * np.sin(np.pi * np.clip(v, 0, 1))
    hug = shape.hug * np.clip(1 - 2.2 * v, 0, 1)
    nose_y = np.interp(au, [0, 0.1, 0.25, 0.45, 0.75, 1, 1.2], [0, 0.13, 0.55, 0.72, 0.86, 1, 1.1])
    nose_z = np.interp(au, [0, 0.1, 0.25, 0.5, 0.75, 1, 1.2], [0, 0.12, 0.36, 0.46, 0.58, 1, 1.4])
    flat_y = (1 - v) * au + v * au**1.9
    flat_z = au**shape.round
    hy, hz = hug * nose_y + (1 - hug) * flat_y, hug * nose_z + (1 - hug) * flat_z
    x = np.sign(U)[None] * (side[:, :1] + swell) * au**0.95
    y = yc + (side[:, 1:2] - yc) * hy
    z = zc + (side[:, 2:] - zc) * hz
    return np.stack([x, y, z], -1)


def _visible(px: np.ndarray) -> np.ndarray:
    a, b, c, d = px[:-1, :-1], px[:-1, 1:], px[1:, 1:], px[1:, :-1]
    e, f = c - a, d - b
    return e[..., 0] * f[..., 1] - e[..., 1] * f[..., 0] > 0


def _backward(px: np.ndarray, uv: np.ndarray, box: tuple[int, int, int, int], ss: int) -> tuple[np.ndarray, np.ndarray]:
    """Thin plate spline from pixels to (u,v), evaluated coarsely and enlarged to the region's samples."""
    x0, y0, x1, y1 = box
    mid, size = px.mean(0), max(float(np.ptp(px, axis=0).max()), 1e-6)
    p = (px - mid) / size
    n = len(p)
    system = np.zeros((n + 3, n + 3))
    system[:n, :n] = _kernel(p, p) + 1e-3 * np.eye(n)
    system[:n, n:] = np.c_[np.ones(n), p]
    system[n:, :n] = system[:n, n:].T
    weights = np.linalg.solve(system, np.r_[uv, np.zeros((3, 2))])
    gx, gy = np.linspace(x0, x1, _COARSE), np.linspace(y0, y1, _COARSE)
    q = (np.stack(np.meshgrid(gx, gy), -1).reshape(-1, 2) - mid) / size
    coarse = (_kernel(q, p) @ weights[:n] + np.c_[np.ones(len(q)), q] @ weights[n:]).astype(np.float32)
    coarse = coarse.reshape(_COARSE, _COARSE, 2)
    w, h = (x1 - x0) * ss, (y1 - y0) * ss
    sx, sy = (_COARSE - 1) / w, (_COARSE - 1) / h
    back = np.array([[sx, 0, 0.5 * sx], [0, sy, 0.5 * sy]], np.float32)
    fine = cv2.warpAffine(
        coarse, back, (w, h), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE
    )
    return fine[..., 0], fine[..., 1]


def _kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    d2 = (a * a).sum(1)[:, None] + (b * b).sum(1)[None] - 2 * a @ b.T
    d2 = np.maximum(d2, 1e-12)
    return d2 * np.log(d2)


def _outline(px: np.ndarray, seen: np.ndarray, box: tuple[int, int, int, int], ss: int) -> np.ndarray:
    """Union of the cells that look at the camera, as a 0..1 map of the region's samples."""
    h, w = (box[3] - box[1]) * ss, (box[2] - box[0]) * ss
    fixed = np.round(((px - [box[0], box[1]]) * ss - 0.5) * 16).astype(np.int32)
    mask = np.zeros((h, w), np.uint8)
    quads = np.stack([fixed[:-1, :-1], fixed[:-1, 1:], fixed[1:, 1:], fixed[1:, :-1]], 2)
    for quad in quads[seen]:
        cv2.fillConvexPoly(mask, quad, 255, cv2.LINE_8, 4)
    return mask.astype(np.float32) * (1 / 255)


def samples(face: Face) -> int:
    """Samples a pixel side: more where the face is small."""
    return 3 if face.px_per_cm < 3.5 else 2


def shade_of(face: Face, grid: np.ndarray, px: np.ndarray, light_from: np.ndarray, hardness: float) -> np.ndarray:
    """Lambert factor at the nodes, 1 on average."""
    node = np.concatenate([px / face.px_per_cm, face.depth(grid)[..., None]], -1)
    du, dv = np.gradient(node, axis=1), np.gradient(node, axis=0)
    normal = np.cross(du, dv)
    normal /= np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-6)
    lit = np.clip(normal @ light_from, 0, 1)
    shade = 1 - hardness + hardness * lit
    return (shade / max(float(shade[1:-1, 2:-2].mean()), 0.3)).astype(np.float32)


def render(
    face: Face, grid: np.ndarray, texture: np.ndarray, light: Light, rng: np.random.Generator, shape: tuple[int, ...]
) -> Layer | None:
    """The textured surface as a layer in the picture; `texture` is float RGBA 0..1 over the padded (u,v) range."""
    px = face.place(grid)
    seen = _visible(px)
    if seen.mean() < 0.35:
        return None
    near = np.zeros(px.shape[:2], bool)
    for dr, dc in ((0, 0), (0, 1), (1, 0), (1, 1)):
        near[dr : dr + seen.shape[0], dc : dc + seen.shape[1]] |= seen
    box = region_of(px[near], 1.2 * face.px_per_cm, shape)
    if box is None:
        return None
    ss = samples(face)
    sparse = near.copy()
    sparse[1::2, ::2] = False
    uv = np.stack(np.meshgrid(U, V), -1)
    u, v = _backward(px[sparse], uv[sparse], box, ss)
    lit = np.array([rng.uniform(-0.45, 0.45) + 9 * light.slope[0] * face.px_per_cm, -rng.uniform(0.1, 0.75), 1.0])
    shade = shade_of(face, grid, px, lit / np.linalg.norm(lit), rng.uniform(0.35, 0.75))
    th, tw = texture.shape[:2]
    colour = texture.copy()
    colour[..., :3] *= (cv2.resize(shade, (tw, th), interpolation=cv2.INTER_CUBIC) * colour[..., 3])[..., None]
    mx = (u + 1 + PAD_U) * ((tw - 1) / (2 + 2 * PAD_U))
    my = (v + PAD_V) * ((th - 1) / (1 + 2 * PAD_V))
    drawn = cv2.remap(colour, mx, my, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    drawn *= _outline(px, seen, box, ss)[..., None]
    return finish(drawn, box, ss, face, light, rng)


def finish(
    drawn: np.ndarray, box: tuple[int, int, int, int], ss: int, face: Face, light: Light, rng: np.random.Generator
) -> Layer:
    """From supersampled RGBA albedo (colour times alpha) to a lit layer of whole pixels with its shadow."""
    whole = shrink(drawn, ss)
    small = np.ascontiguousarray(whole[..., 3])
    h, w = small.shape
    gain = light.falloff(box[0], box[1], w, h) * (255 * light.exposure * rng.uniform(0.88, 1.18))
    # Even black cloth gives back a few percent.
    seen = 0.035 + 0.965 * whole[..., :3] / np.maximum(small, 1e-3)[..., None]
    rgb = np.maximum(seen * (gain[..., None] * light.tint), 0)
    # Cameras bend bright values instead of cutting them: the folds of a white mask stay visible.
    over = np.maximum(rgb - _KNEE, 0)
    rgb += (255 - _KNEE) * (1 - np.exp(over * (-1 / (255 - _KNEE)))) - over
    throw = (rng.uniform(-0.3, 0.3), rng.uniform(0.1, 0.45))
    shadow = shadow_of(small, face.px_per_cm, rng.uniform(0.15, 0.5), throw)
    return Layer(box[0], box[1], rgb, small, shadow)
