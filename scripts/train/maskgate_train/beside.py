"""Hands and things near a face that cover neither nose nor mouth, so that "a thing is there" gives no label away.

Promises: nose and mouth stay as they are, bare or masked; most of a worn mask is to be seen; every layer says of which
kind it is, and none is of a kind that was to be left out.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from . import carried, things
from .blend import Layer
from .face import LIPS, NOSE, Face
from .hands import hand_at
from .holding import board, held

_EAR = ("phone", "paper")
KINDS = frozenset({*_EAR, "hand", *carried.LOWER})
"""What may stand beside a face."""


def _at_the_ear(*scene, without: frozenset[str]) -> list[Layer] | None:
    rng, face = scene[3], scene[1]
    side = -1 if face.yaw > 12 else 1 if face.yaw < -12 else int(rng.choice([-1, 1]))
    w, h = 7.4, 15.0
    kind = _EAR[int(rng.random() < 0.3)]
    if kind in without:
        kind = next(k for k in _EAR if k not in without)
    if kind == "paper":
        w, h = rng.uniform(5, 12), rng.uniform(5, 18)
        texture = things.paper(rng, w, h)
    else:
        texture = things.phone(rng, w, h)
    a = side * rng.uniform(-0.1, 0.5)
    turn = np.array([[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]])
    away = rng.uniform(5.2, 7.5) + w / 2
    corners = board(rng, w, h, (0, 0), 0) @ turn + [side * away, rng.uniform(-6, 0)]
    return _named(kind, held(scene, texture, corners, 0.8))


def _named(kind: str, layers: list[Layer] | None) -> list[Layer] | None:
    for layer in layers or []:
        layer.beside = (kind,)
    return layers


def _hand(*scene, without: frozenset[str]) -> list[Layer] | None:
    """At the temple, the cheek, the forehead or under the chin."""
    rng = scene[3]
    side = int(rng.choice([-1, 1]))
    spot = rng.integers(3)
    if spot == 0:
        at, angle = np.array([side * rng.uniform(7, 10), rng.uniform(-8, 0)]), side * rng.uniform(2.2, 3.2)
    elif spot == 1:
        at, angle = np.array([side * rng.uniform(2, 7), rng.uniform(-15, -11)]), side * rng.uniform(1.2, 2.4)
    else:
        at, angle = np.array([side * rng.uniform(0, 6), rng.uniform(9.5, 12)]), side * rng.uniform(2.2, 3.1)
    return _named("hand", hand_at(scene, at, angle, rng.uniform(16, 20), rng.uniform(0.1, 0.25)))


def covered(layers: list[Layer], face: Face) -> float:
    """Share of nose and mouth that the layers hide."""
    lips = cv2.convexHull(face.points[list((*NOSE, *LIPS))].astype(np.float32))
    most = 0.0
    for layer in layers:
        hull = np.round(lips - [layer.x, layer.y]).astype(np.int32)
        inside = cv2.fillConvexPoly(np.zeros(layer.alpha.shape, np.uint8), hull, 1)
        area = max(cv2.contourArea(lips), 1.0)
        most = max(most, float((layer.alpha * inside).sum()) / area)
    return most


def _makers(without: frozenset[str]) -> tuple[list[Callable[..., list[Layer] | None]], np.ndarray]:
    """What can be drawn without these kinds, and how often."""
    shares = ((_at_the_ear, _EAR, 0.25), (_hand, ("hand",), 0.3), (carried.lower, carried.LOWER, 0.45))
    left = [(make, share) for make, kinds, share in shares if not without.issuperset(kinds)]
    weights = np.array([share for _, share in left])
    return [make for make, _ in left], weights / weights.sum()


def aside(*scene, without: frozenset[str] = frozenset()) -> list[Layer] | None:
    """A phone at the ear, a hand near the face, or any thing held below the chin, none of the kinds `without`."""
    rng = scene[3]
    makers, shares = _makers(without)
    for _ in range(3 if makers else 0):
        layers = makers[rng.choice(len(makers), p=shares)](*scene, without=without)
        if layers and covered(layers, scene[1]) < 0.06:
            return layers
    return None
