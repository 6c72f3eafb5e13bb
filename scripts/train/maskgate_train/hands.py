"""Hands: real ones cut out if there are some, made as bright as the face; else drawn ones.

Promises: the arm always runs on beyond the wrist, so that no straight cut shows in the picture.
"""

from __future__ import annotations

import cv2
import numpy as np

from . import fabrics
from .blend import Layer, Light
from .holding import Scene, held, skin_albedo


def hand_at(scene: Scene, at: np.ndarray, angle: float, tall_cm: float, grip: float) -> list[Layer] | None:
    """A hand `tall_cm` long; `grip` of it lies beyond `at` (cm about the mouth). Angle 0: fingers point down."""
    rng, assets, light = scene[3], scene[4], scene[2]
    if assets.hands:
        texture = _matched(assets.hands[rng.integers(len(assets.hands))], light, rng)
    else:
        texture = _drawn_hand(light, rng)
    if rng.random() < 0.5:
        texture = np.ascontiguousarray(texture[:, ::-1])
    scale = tall_cm / texture.shape[0]
    w, h = texture.shape[1] * scale, texture.shape[0] * scale
    corners = np.array([[-w, -h], [w, -h], [w, h], [-w, h]]) / 2
    corners[:, 1] -= grip * h
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    corners = corners @ turn * rng.uniform(0.95, 1.05, (4, 1)) + at
    return held(scene, _with_arm(texture), _longer(corners), 0)


def hand(*scene) -> list[Layer] | None:
    """A hand over the mouth; the arm comes from below or from a side."""
    rng = scene[3]
    angle = rng.choice([-1, 1]) * rng.uniform(1.1, 3.0)
    return hand_at(scene, rng.uniform(-1.2, 1.2, 2), angle, rng.uniform(17, 21), rng.uniform(0.15, 0.3))


def _with_arm(texture: np.ndarray) -> np.ndarray:
    h = texture.shape[0]
    return cv2.copyMakeBorder(texture, h // 2, 0, 0, 0, cv2.BORDER_REPLICATE)


def _longer(corners: np.ndarray) -> np.ndarray:
    out = corners.copy()
    out[0] += (corners[0] - corners[3]) / 2
    out[1] += (corners[1] - corners[2]) / 2
    return out


def _matched(rgba: np.ndarray, light: Light, rng: np.random.Generator) -> np.ndarray:
    texture = rgba.astype(np.float32) / 255
    mean = texture[..., :3][texture[..., 3] > 0.9].mean(0)
    gain = skin_albedo(light, rng) / np.maximum(mean, 0.05)
    texture[..., :3] = np.clip(texture[..., :3] * gain ** rng.uniform(0.75, 1), 0, 1)
    return texture


def _drawn_hand(light: Light, rng: np.random.Generator) -> np.ndarray:
    """A plain hand from capsules, fingers down."""
    h, w = 150, 90
    skin = skin_albedo(light, rng)
    texture = np.zeros((h, w, 4), np.float32)
    texture[..., :3] = skin
    palm = np.array([[24, 0], [62, 0], [68, 40], [70, 78], [16, 78], [18, 40]])
    parts = [((22 + 15 * k, 74), (20 + 16.5 * k, (122, 144, 148, 132)[k]), 13) for k in range(4)] + [
        ((66, 48), (84, 92), 15)
    ]
    shade = np.ones((h, w), np.float32)
    cv2.fillConvexPoly(texture, palm.astype(np.int32), (*skin.tolist(), 1.0), cv2.LINE_AA)
    for start, end, thick in parts:
        cv2.line(texture, tuple(map(int, start)), tuple(map(int, end)), (*skin.tolist(), 1.0), thick, cv2.LINE_AA)
        cv2.line(shade, (int(start[0] + thick / 2), int(start[1])), (int(end[0] + thick / 2), int(end[1])), 0.6, 3)
    texture[..., :3] *= cv2.GaussianBlur(shade, (0, 0), 2)[..., None] * fabrics.cloudy(rng, h, w, 0.05)[..., None]
    return np.clip(texture, 0, 1)
