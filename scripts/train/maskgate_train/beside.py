"""Hands and things near a face that cover neither nose nor mouth, so that "a thing is there" gives no label away.

Promises: nose and mouth stay as they are, bare or masked; most of a worn mask is to be seen.
"""

from __future__ import annotations

import cv2
import numpy as np

from . import carried, things
from .blend import Layer
from .face import LIPS, NOSE, Face
from .hands import hand_at
from .holding import board, held


def _at_the_ear(*scene) -> list[Layer] | None:
    rng, face = scene[3], scene[1]
    side = -1 if face.yaw > 12 else 1 if face.yaw < -12 else int(rng.choice([-1, 1]))
    w, h = 7.4, 15.0
    if rng.random() < 0.3:
        w, h = rng.uniform(5, 12), rng.uniform(5, 18)
        texture = things.paper(rng, w, h)
    else:
        texture = things.phone(rng, w, h)
    a = side * rng.uniform(-0.1, 0.5)
    turn = np.array([[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]])
    away = rng.uniform(5.2, 7.5) + w / 2
    return held(scene, texture, board(rng, w, h, (0, 0), 0) @ turn + [side * away, rng.uniform(-6, 0)], 0.8)


def _hand(*scene) -> list[Layer] | None:
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
    return hand_at(scene, at, angle, rng.uniform(16, 20), rng.uniform(0.1, 0.25))


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


def aside(*scene) -> list[Layer] | None:
    """A phone at the ear, a hand near the face, or any thing held below the chin."""
    rng = scene[3]
    for _ in range(3):
        make = (_at_the_ear, _hand, carried.lower)[rng.choice(3, p=[0.25, 0.3, 0.45])]
        layers = make(*scene)
        if layers and covered(layers, scene[1]) < 0.06:
            return layers
    return None
