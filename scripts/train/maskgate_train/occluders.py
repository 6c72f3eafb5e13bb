"""Things in front of a bare face that are no mask (label 0).

Promises: every entry of OCCLUDERS covers the middle of the mouth and either shows who holds it or lies otherwise than
a mask would, so that a person who looks can tell. Works without asset folders: a hand is drawn then.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from . import carried, stray, things
from .blend import Layer
from .hands import hand
from .holding import board, covers, fingers, held, skin_albedo, top_at
from .stray import lies_like_a_mask


def notebook(*scene) -> list[Layer] | None:
    """A book or notebook held before the mouth, or mouth and nose."""
    rng, assets = scene[3], scene[4]
    w, h = rng.uniform(11, 23), rng.uniform(9, 24)
    texture = things.notebook(rng, w, h, assets.textures)
    at = (rng.uniform(-2.5, 2.5), top_at(rng, h, 5.2, 1.2))
    return held(scene, texture, board(rng, w, h, at, 0.14))


def paper(*scene) -> list[Layer] | None:
    """A sheet of paper or a card."""
    rng = scene[3]
    w, h = rng.uniform(7, 22), rng.uniform(6, 24)
    at = (rng.uniform(-1.5, 1.5), top_at(rng, h, 5, 1))
    return held(scene, things.paper(rng, w, h), board(rng, w, h, at, 0.15))


def phone(*scene) -> list[Layer] | None:
    """A phone, upright or lying."""
    rng = scene[3]
    texture, w, h = things.phone(rng, 7.4, 15), 7.4, 15.0
    if rng.random() < 0.4:
        texture, w, h = np.ascontiguousarray(np.rot90(texture)), 15.0, 7.4
    at = (rng.uniform(-1.2, 1.2), top_at(rng, h, min(6.0, h - 2), 1.5))
    return held(scene, texture, board(rng, w, h, at, 0.25), 0.8)


def cup(*scene) -> list[Layer] | None:
    """A cup at the mouth."""
    rng, assets = scene[3], scene[4]
    w, h = rng.uniform(7, 10), rng.uniform(8, 13)
    texture = things.cup(rng, w, h, assets.textures)
    w *= texture.shape[1] / (w * things.PER_CM)
    at = (rng.uniform(-0.8, 0.8), top_at(rng, h, 3.0, 0.6))
    return held(scene, texture, board(rng, w, h, at, 0.15, 0.04), 0.7)


def sleeve(*scene) -> list[Layer] | None:
    """A forearm across the mouth, in cloth or bare, to its hand or beyond the picture; or the crook of an arm."""
    rng, assets = scene[3], scene[4]
    skin = skin_albedo(scene[2], rng)
    pick = rng.random()
    if pick < 0.35:
        w, h = rng.uniform(20, 30), rng.uniform(17, 24)
        texture = things.crook(rng, w, h, assets.textures)
        at = (rng.uniform(-6, 1) - 0.1 * w, rng.uniform(-2, 2.5))
        corners = board(rng, w, h, at, 0.25, 0.08)
    else:
        w, h = rng.uniform(26, 36), rng.uniform(7, 11)
        texture = things.sleeve(rng, w, h, assets.textures)
        if pick < 0.5:
            texture[..., :3] *= skin / np.maximum(texture[..., :3].mean((0, 1)), 0.05)
        at = (rng.uniform(-3, 3), rng.uniform(-1.5, 1.8))
        if rng.random() < 0.6:
            texture, at = things.with_hand(texture, rng, skin), (rng.uniform(-7, -1), at[1])
        corners = board(rng, w, h, at, 0.35, 0.1)
    if rng.random() < 0.5:
        corners = corners * [-1, 1]
    return held(scene, np.clip(texture, 0, 1), corners, 0)


def microphone(*scene) -> list[Layer] | None:
    """A microphone close to the lips, mostly with the hand that holds it."""
    rng, face = scene[3], scene[1]
    w, h = rng.uniform(4.4, 7.2), rng.uniform(14, 20)
    a = rng.uniform(-1.1, 1.1)
    turn = np.array([[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]])
    at = np.array([rng.uniform(-0.7, 0.7), rng.uniform(-0.6, 0.9)])
    corners = board(rng, w, h, (0.0, h / 2 - w / 2), 0, 0.03) @ turn + at
    layers = held(scene, things.microphone(rng, w, h), corners, 0)
    if layers and rng.random() < 0.6:
        shaft = np.array([0, w * rng.uniform(0.9, 1.5)]) @ turn + at
        grip = fingers(scene, shaft, np.array([rng.choice([-1.0, 1.0]), 0]) @ turn, face.mouth, 4)
        layers += [grip] if grip else []
    return layers


def held_cloth(*scene) -> list[Layer] | None:
    """A cloth or towel held up before the face, by one or two hands at its upper corners, or pressed on from below."""
    rng, assets, face = scene[3], scene[4], scene[1]
    w, h = rng.uniform(12, 26), rng.uniform(10, 24)
    at = (rng.uniform(-2, 2), top_at(rng, h, 5.2, 1.5))
    corners = board(rng, w, h, at, 0.12, 0.08)
    layers = held(scene, things.held_cloth(rng, w, h, assets.textures), corners, 0.25)
    for side in (0, 1) if layers and rng.random() < 0.75 else ():
        if rng.random() < 0.8:
            place = corners[side] * 0.92 + corners.mean(0) * 0.08
            grip = fingers(
                scene, place, corners.mean(0) * [1, 0] - place * [1, 0.3], face.mouth, int(rng.integers(2, 5))
            )
            layers += [grip] if grip else []
    return layers


Maker = Callable[..., list[Layer] | None]


def _told_apart(make: Maker) -> Maker:
    """Tries again where the mouth stays free or where the thing lies just as a mask would and nobody holds it."""

    def tried(*scene) -> list[Layer] | None:
        for _ in range(4):
            layers = make(*scene)
            if not layers or not covers(layers[0], scene[1].mouth):
                continue
            if len(layers) > 1 or not lies_like_a_mask(layers[0], scene[1]):
                return layers
        return None

    return tried


_MAKERS: dict[str, Maker] = {
    "notebook": notebook, "paper": paper, "phone": phone, "cup": cup, "hand": hand, "sleeve": sleeve,
    "microphone": microphone, "held_cloth": held_cloth, **carried.CARRIED, "person": stray.person, "shape": stray.shape,
}  # fmt: skip
OCCLUDERS: dict[str, Maker] = {kind: _told_apart(make) for kind, make in _MAKERS.items()}
