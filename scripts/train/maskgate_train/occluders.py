"""Things in front of a bare face that are no mask (label 0).

Promises: every entry of OCCLUDERS covers the middle of the mouth. Works without asset folders: a hand is drawn then.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from . import fabrics, things
from .blend import Layer, Light
from .holding import board, held, skin_albedo


def _top_at(rng: np.random.Generator, h: float, high: float, low: float) -> float:
    """Centre height of a thing h tall whose upper edge lies `high`..`low` cm above the mouth."""
    return h / 2 - rng.uniform(low, high)


def notebook(*scene) -> list[Layer] | None:
    """A book or notebook held before the mouth, or mouth and nose."""
    rng, assets = scene[3], scene[4]
    w, h = rng.uniform(11, 23), rng.uniform(9, 24)
    texture = things.notebook(rng, w, h, assets.textures)
    at = (rng.uniform(-2.5, 2.5), _top_at(rng, h, 5.2, 1.2))
    return held(scene, texture, board(rng, w, h, at, 0.14))


def paper(*scene) -> list[Layer] | None:
    """A sheet of paper or a card."""
    rng = scene[3]
    w, h = rng.uniform(7, 22), rng.uniform(6, 24)
    at = (rng.uniform(-1.5, 1.5), _top_at(rng, h, 5, 1))
    return held(scene, things.paper(rng, w, h), board(rng, w, h, at, 0.15))


def phone(*scene) -> list[Layer] | None:
    """A phone, upright or lying."""
    rng = scene[3]
    texture, w, h = things.phone(rng, 7.4, 15), 7.4, 15.0
    if rng.random() < 0.4:
        texture, w, h = np.ascontiguousarray(np.rot90(texture)), 15.0, 7.4
    at = (rng.uniform(-1.2, 1.2), _top_at(rng, h, min(6.0, h - 2), 1.5))
    return held(scene, texture, board(rng, w, h, at, 0.25), 0.8)


def cup(*scene) -> list[Layer] | None:
    """A cup at the mouth."""
    rng, assets = scene[3], scene[4]
    w, h = rng.uniform(7, 10), rng.uniform(8, 13)
    texture = things.cup(rng, w, h, assets.textures)
    w *= texture.shape[1] / (w * things.PER_CM)
    at = (rng.uniform(-0.8, 0.8), _top_at(rng, h, 3.0, 0.6))
    return held(scene, texture, board(rng, w, h, at, 0.15, 0.04), 0.7)


def sleeve(*scene) -> list[Layer] | None:
    """A forearm or the crook of an arm across the mouth."""
    rng, assets = scene[3], scene[4]
    w, h = rng.uniform(26, 36), rng.uniform(8, 11)
    at = (rng.uniform(-3, 3), rng.uniform(-1.5, 1.8))
    return held(scene, things.sleeve(rng, w, h, assets.textures), board(rng, w, h, at, 0.3, 0.1), 0)


def microphone(*scene) -> list[Layer] | None:
    """A microphone close to the lips."""
    rng = scene[3]
    w, h = rng.uniform(4.6, 7.5), rng.uniform(14, 20)
    at = (rng.uniform(-0.7, 0.7), h / 2 - w / 2 + rng.uniform(-0.6, 0.9))
    a = rng.uniform(-0.6, 0.6)
    corners = board(rng, w, h, (0.0, h / 2 - w / 2), 0, 0.03)
    turn = np.array([[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]])
    corners = corners @ turn + [at[0], at[1] - h / 2 + w / 2]
    return held(scene, things.microphone(rng, w, h), corners, 0)


def held_cloth(*scene) -> list[Layer] | None:
    """A cloth or towel held up before the face, its edges straight."""
    rng, assets = scene[3], scene[4]
    w, h = rng.uniform(12, 26), rng.uniform(10, 24)
    at = (rng.uniform(-2, 2), _top_at(rng, h, 5.2, 1.5))
    return held(scene, things.held_cloth(rng, w, h, assets.textures), board(rng, w, h, at, 0.12, 0.08), 0.6)


def hand(*scene) -> list[Layer] | None:
    """A hand over the mouth: a real one cut out if there are some, made as bright as the face; else a drawn one."""
    rng, assets, light, face = scene[3], scene[4], scene[2], scene[1]
    if assets.hands:
        texture = _matched(assets.hands[rng.integers(len(assets.hands))], light, rng)
    else:
        texture = _drawn_hand(light, rng)
    if rng.random() < 0.5:
        texture = np.ascontiguousarray(texture[:, ::-1])
    scale = rng.uniform(17, 21) / texture.shape[0]
    w, h = texture.shape[1] * scale, texture.shape[0] * scale
    # In the texture fingers point down and the arm comes from above: turn it to come from below or from a side.
    side = rng.choice([-1, 1])
    a = side * rng.uniform(1.1, 3.0)
    grip = rng.uniform(0.15, 0.3) * h
    corners = np.array([[-w, -h], [w, -h], [w, h], [-w, h]]) / 2
    corners[:, 1] -= grip
    turn = np.array([[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]])
    corners = corners @ turn * rng.uniform(0.95, 1.05, (4, 1)) + rng.uniform(-1.2, 1.2, 2)
    layers = held(scene, _with_arm(texture), _longer(corners), 0)
    return layers if layers and _covers(layers[0], face.mouth) else None


def _with_arm(texture: np.ndarray) -> np.ndarray:
    """Carries the cut wrist on beyond the upper edge, so that no straight cut shows in the picture."""
    h = texture.shape[0]
    return cv2.copyMakeBorder(texture, h // 2, 0, 0, 0, cv2.BORDER_REPLICATE)


def _longer(corners: np.ndarray) -> np.ndarray:
    out = corners.copy()
    out[0] += (corners[0] - corners[3]) / 2
    out[1] += (corners[1] - corners[2]) / 2
    return out


def _covers(layer: Layer, px: np.ndarray) -> bool:
    x, y = int(px[0]) - layer.x, int(px[1]) - layer.y
    h, w = layer.alpha.shape
    return 0 <= x < w and 0 <= y < h and layer.alpha[y, x] > 0.7


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


Maker = Callable[..., list[Layer] | None]
OCCLUDERS: dict[str, Maker] = {
    "notebook": notebook, "paper": paper, "phone": phone, "cup": cup, "hand": hand, "sleeve": sleeve,
    "microphone": microphone, "held_cloth": held_cloth,
}  # fmt: skip
