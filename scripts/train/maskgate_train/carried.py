"""Where the things of goods.py and reading.py are held: before the mouth, or lower (then they cover nothing).

Promises: sizes are those of the real things in cm; the upper edge lies where a person would hold the thing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from . import goods, reading, things
from .blend import Layer
from .holding import board, fingers, held, top_at

Draw = Callable[[np.random.Generator, float, float, list[np.ndarray]], np.ndarray]
Range = tuple[float, float]


@dataclass(frozen=True)
class Thing:
    """How large it is and how it is held: `top` is how far its upper edge lies above the mouth, `grip` how often
    fingers show, `lying` how often it is turned by a quarter."""

    draw: Draw
    wide: Range
    tall: Range
    top: Range = (5.0, 1.2)
    aside: float = 2.0
    tilt: float = 0.15
    grip: float = 0.6
    lying: float = 0.0


THINGS: dict[str, Thing] = {
    "book": Thing(reading.book, (11, 34), (15, 28)),
    "newspaper": Thing(reading.newspaper, (22, 40), (22, 40), (6.0, 1.0), 3, 0.08),
    "tablet": Thing(goods.tablet, (15, 34), (11, 24), (5.6, 1.0), 2, 0.1, 0.75, 0.3),
    "box": Thing(goods.box, (8, 30), (8, 26)),
    "bag": Thing(goods.bag, (14, 30), (18, 34), (8.0, 3.0), 2, 0.12, 0.4),
    "fan": Thing(goods.fan, (12, 26), (18, 39), (6.0, 2.0), 1.5, 0.3, 0.5),
    "card": Thing(goods.card, (8.6, 15), (5.4, 10), (4.0, 1.5), 1, 0.3, 0.9),
    "food": Thing(goods.food, (6, 12), (6.5, 12), (4.2, 1.8), 0.8, 0.35, 0.75),
    "plant": Thing(goods.plant, (14, 28), (14, 28), (7.0, 2.5), 2, 0.8, 0.2),
}


def _corners(thing: Thing, rng: np.random.Generator, top: Range) -> tuple[float, float, np.ndarray]:
    w, h = rng.uniform(*thing.wide), rng.uniform(*thing.tall)
    if thing.draw is goods.fan:
        h = 1.5 * w
    at = (rng.uniform(-thing.aside, thing.aside), top_at(rng, h, min(top[0], h - 1.5), top[1]))
    return w, h, board(rng, w, h, at, thing.tilt)


def _hold(kind: str) -> Callable[..., list[Layer] | None]:
    thing = THINGS[kind]

    def make(*scene) -> list[Layer] | None:
        rng, assets = scene[3], scene[4]
        w, h, corners = _corners(thing, rng, thing.top)
        texture = thing.draw(rng, w, h, assets.textures)
        if rng.random() < thing.lying:
            texture = np.ascontiguousarray(np.rot90(texture))
        return held(scene, texture, corners, thing.grip)

    make.__doc__ = f"A {kind} before the mouth."
    return make


def bottle(*scene) -> list[Layer] | None:
    """A bottle at the lips, tipped up and held by a hand; or upright before the mouth."""
    rng, assets, face = scene[3], scene[4], scene[1]
    w, h = rng.uniform(6, 9), rng.uniform(18, 26)
    texture = goods.bottle(rng, w, h, assets.textures)
    drinks = rng.random() < 0.5
    a = rng.choice([-1, 1]) * rng.uniform(0.2, 1.2) if drinks else rng.normal(0, 0.15)
    turn = np.array([[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]])
    down = rng.uniform(-1.2, -0.4) if drinks else -rng.uniform(0.35, 0.6) * h
    corners = board(rng, w, h, (0.0, h / 2 + down), 0, 0.04) @ turn + [rng.uniform(-0.5, 0.5), 0]
    layers = held(scene, texture, corners, 0)
    if layers and rng.random() < 0.8:
        body = np.array([0, down + h * rng.uniform(0.45, 0.8)]) @ turn
        grip = fingers(scene, body, np.array([rng.choice([-1.0, 1.0]), 0]) @ turn, face.mouth, 4)
        layers += [grip] if grip else []
    return layers


LOWER = (*THINGS, "cup", "microphone", "phone")


def lower(*scene, without: frozenset[str] = frozenset()) -> list[Layer] | None:
    """Any of the things, or a cup, held so low that nose, mouth and most of the chin are to be seen; none of the kinds
    `without`. Its layers say which thing it is."""
    rng, assets = scene[3], scene[4]
    kinds = [k for k in LOWER if k not in without]
    if not kinds:
        return None
    kind = kinds[rng.integers(len(kinds))]
    layers = _low(kind, scene, rng, assets.textures)
    for layer in layers or []:
        layer.beside = (kind,)
    return layers


def _low(kind: str, scene: tuple, rng: np.random.Generator, textures: list[np.ndarray]) -> list[Layer] | None:
    top = (-3.4, -7.0)
    if kind in THINGS:
        w, h, corners = _corners(THINGS[kind], rng, top)
        return held(scene, THINGS[kind].draw(rng, w, h, textures), corners, 0.5)
    w, h = {"cup": (8.0, 10.0), "microphone": (5.5, 17.0), "phone": (7.4, 15.0)}[kind]
    texture = {
        "cup": lambda: things.cup(rng, w, h, textures),
        "microphone": lambda: things.microphone(rng, w, h),
        "phone": lambda: things.phone(rng, w, h),
    }[kind]()
    return held(scene, texture, board(rng, w, h, (rng.uniform(-4, 4), top_at(rng, h, *top)), 0.25), 0.6)


CARRIED: dict[str, Callable[..., list[Layer] | None]] = {**{k: _hold(k) for k in THINGS}, "bottle": bottle}
