"""Laying flat things into a picture before a face, and the fingers that hold them.

Promises: corners are cm in the picture plane, turned with the head's roll; light, shadow and samples as for masks.
"""

from __future__ import annotations

import cv2
import numpy as np

from .assets import Assets
from .blend import Layer, Light, region_of
from .face import Face
from .surface import finish

Shape3 = tuple[int, ...]
Scene = tuple[Shape3, Face, Light, np.random.Generator, Assets]


def board(
    rng: np.random.Generator, w: float, h: float, at: tuple[float, float], tilt: float, depth: float = 0.12
) -> np.ndarray:
    """Corners in cm of a w x h rectangle about `at`, turned by up to `tilt` radians and seen askew."""
    corners = np.array([[-w, -h], [w, -h], [w, h], [-w, h]]) / 2
    corners = corners * (1 + rng.uniform(-depth, depth, 2)[None] * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]))
    corners *= 1 + rng.uniform(-depth / 2, depth / 2, (4, 2))
    a = rng.normal(0, tilt)
    turn = np.array([[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]])
    return corners @ turn + at


def top_at(rng: np.random.Generator, h: float, high: float, low: float) -> float:
    """Centre height of a thing h tall whose upper edge lies `high`..`low` cm above the mouth."""
    return h / 2 - rng.uniform(low, high)


def covers(layer: Layer, px: np.ndarray) -> bool:
    """Whether the layer hides this pixel."""
    x, y = int(px[0]) - layer.x, int(px[1]) - layer.y
    h, w = layer.alpha.shape
    return bool(0 <= x < w and 0 <= y < h and layer.alpha[y, x] > 0.7)


def lay(scene: Scene, texture: np.ndarray, corners_cm: np.ndarray, centre: np.ndarray) -> Layer | None:
    """Puts a flat RGBA thing onto four corners (cm of the picture plane about a pixel)."""
    shape, face, light, rng, _ = scene
    quad = face.upright(corners_cm, centre)
    box = region_of(quad, 1.5 * face.px_per_cm, shape)
    if box is None:
        return None
    ss = int(np.clip(round(9 / face.px_per_cm), 1, 2))
    th, tw = texture.shape[:2]
    source = np.float32([[0, 0], [tw, 0], [tw, th], [0, th]])
    goal = ((quad - [box[0], box[1]]) * ss).astype(np.float32)
    area = abs(cv2.contourArea(goal))
    shrinkage = np.sqrt(area / (th * tw))
    if shrinkage < 0.5:
        texture = cv2.resize(texture, None, fx=2 * shrinkage, fy=2 * shrinkage, interpolation=cv2.INTER_AREA)
        source *= [texture.shape[1] / tw, texture.shape[0] / th]
    warp = cv2.getPerspectiveTransform(source.astype(np.float32), goal)
    framed = _premultiplied(texture)
    size = ((box[2] - box[0]) * ss, (box[3] - box[1]) * ss)
    drawn = cv2.warpPerspective(framed, warp, size, flags=cv2.INTER_LINEAR)
    return finish(drawn, box, ss, face, light, rng)


def _premultiplied(texture: np.ndarray) -> np.ndarray:
    out = texture.copy()
    out[..., :3] *= out[..., 3:]
    return out


def skin_albedo(light: Light, rng: np.random.Generator) -> np.ndarray:
    """Albedo of this person's hands."""
    bare = light.skin / (255 * light.exposure * light.tint) * rng.uniform(0.85, 1.1)
    return np.clip(bare, 0.05, 0.98)


def fingers(scene: Scene, at: np.ndarray, inward: np.ndarray, centre: np.ndarray, count: int) -> Layer | None:
    """Finger ends that reach over an edge at `at`, pointing `inward` (cm)."""
    rng = scene[3]
    length, thick = rng.uniform(3, 5), rng.uniform(1.5, 1.9)
    h, w = int(length * 10), int(count * thick * 10)
    skin = skin_albedo(scene[2], rng)
    texture = np.zeros((h, w, 4), np.float32)
    for k in range(count):
        x = (k + 0.5) * thick * 10
        tip = rng.uniform(0, 0.25) * h
        r = int(thick * 4.9)
        one = np.zeros((h, w), np.float32)
        cv2.line(one, (int(x), int(tip + r)), (int(x), h + r), 1.0, 2 * r, cv2.LINE_AA)
        cv2.circle(one, (int(x), int(tip + r)), r, 1.0, -1, cv2.LINE_AA)
        light = np.clip(1.08 - 0.45 * np.abs((np.arange(w) - x + 1.5) / r) ** 2.2, 0.45, 1.08)
        nail = np.zeros((h, w), np.float32)
        cv2.ellipse(nail, (int(x), int(tip + 0.8 * r)), (int(0.5 * r), int(0.6 * r)), 0, 0, 360, 0.12, -1, cv2.LINE_AA)
        colour = skin * light[None, :, None] + nail[..., None]
        texture[..., :3] += (colour - texture[..., :3]) * one[..., None]
        texture[..., 3] = np.maximum(texture[..., 3], one)
    inward = inward / max(np.linalg.norm(inward), 1e-6)
    across = np.array([-inward[1], inward[0]]) * count * thick / 2
    foot, head = at - inward * length * 0.35, at + inward * length * 0.65
    return lay(
        scene, np.clip(texture, 0, 1), np.array([head - across, head + across, foot + across, foot - across]), centre
    )


def held(scene: Scene, texture: np.ndarray, corners: np.ndarray, often: float = 0.45) -> list[Layer] | None:
    """A thing before the mouth, sometimes with fingers over its left, right or lower edge."""
    rng, face = scene[3], scene[1]
    board = lay(scene, texture, corners, face.mouth)
    if board is None:
        return None
    layers = [board]
    if rng.random() < often:
        for edge in rng.permutation([(0, 3), (1, 2), (2, 3)])[: rng.integers(1, 3)]:
            at = corners[edge[0]] + (corners[edge[1]] - corners[edge[0]]) * rng.uniform(0.25, 0.75)
            grip = fingers(scene, at, corners.mean(0) - at, face.mouth, int(rng.integers(1, 5)))
            if grip is not None:
                layers.append(grip)
    return layers
