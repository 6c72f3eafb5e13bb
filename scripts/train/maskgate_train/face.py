"""A face as the mask maker sees it: its 468 mesh points, the head's pose, and a way to put any 3D point of a
standard head (in cm) onto this very picture.

Promises: pure numpy, independent of the picture's resolution; `fit_face` gives None for points that are no face.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

NOSE_TIP, NOSE_BOTTOM, CHIN = 1, 2, 152
UPPER_LIP, LOWER_LIP = 13, 14
MOUTH_CORNERS = (61, 291)
NOSE = (4, 1, 2, 5, 98, 327, 64, 294, 48, 278, 115, 344, 220, 440)
LIPS = (61, 40, 37, 0, 267, 270, 291, 321, 314, 17, 84, 91)
CHEEKS = (50, 280, 101, 330, 205, 425, 36, 266)
SKIN = (*CHEEKS, 10, 151, 9, 67, 297, 109, 338, 4, 5, 195, 117, 346, 123, 352, 118, 347)
OVAL = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176, 149, 150,
    136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip
_ANCHORS = tuple(dict.fromkeys((*OVAL, *NOSE, *LIPS, *CHEEKS, 6, 197, 168, 195, 18, 200, 199, 175, 116, 345, 187, 411,
    192, 416, 214, 434, 202, 422, 204, 424, 133, 362, 33, 263, 145, 374, 117, 346, 119, 348)))  # fmt: skip
_SOFT_CM = 1.6
MAX_MISFIT_CM = 1.1
MIN_PX_PER_CM = 0.8


@cache
def standard_points() -> np.ndarray:
    """The standard head's mesh, cm: x right in the picture, y down, z towards the camera."""
    text = (Path(__file__).parent / "canonical_face.json").read_text()
    return np.array(json.loads(text)["points"])


@cache
def _solver() -> np.ndarray:
    head = standard_points()
    return np.linalg.pinv(np.c_[head, np.ones(len(head))])


@cache
def _anchors() -> tuple[np.ndarray, np.ndarray]:
    at = standard_points()[list(_ANCHORS)]
    return at, (at**2).sum(1)


@dataclass(frozen=True)
class Face:
    """One face in one picture. `pose` [2,4] maps standard cm to pixels, `offsets` is what is left at each point."""

    points: np.ndarray
    pose: np.ndarray
    offsets: np.ndarray
    px_per_cm: float
    roll: float
    yaw: float
    pitch: float

    def place(self, cm: np.ndarray) -> np.ndarray:
        """Pixels of points near the head's surface; follows this person's own shape."""
        flat = np.asarray(cm, np.float64).reshape(-1, 3)
        at, at2 = _anchors()
        closeness = (flat @ at.T - 0.5 * at2) / _SOFT_CM**2
        w = np.exp(closeness - closeness.max(1, keepdims=True))
        w /= w.sum(1, keepdims=True)
        px = flat @ self.pose[:, :3].T + self.pose[:, 3] + w @ self.offsets[list(_ANCHORS)]
        return px.reshape(*cm.shape[:-1], 2)

    def depth(self, cm: np.ndarray) -> np.ndarray:
        """Distance towards the camera in cm."""
        toward = np.cross(self.pose[0, :3], self.pose[1, :3])
        return cm @ (toward / max(np.linalg.norm(toward), 1e-9))

    def upright(self, cm: np.ndarray, centre: np.ndarray) -> np.ndarray:
        """Pixels of points given in cm of the picture plane, turned with the head's roll, about a pixel."""
        c, s = np.cos(self.roll), np.sin(self.roll)
        return centre + self.px_per_cm * (cm @ np.array([[c, s], [-s, c]]))

    @property
    def mouth(self) -> np.ndarray:
        """Middle of the mouth in pixels."""
        return (self.points[UPPER_LIP] + self.points[LOWER_LIP]) / 2


def fit_face(points: np.ndarray) -> Face | None:
    """Measures the pose; None if the points are missing, too small, or no face."""
    points = np.asarray(points, np.float64)
    if points.shape != (468, 2) or not np.isfinite(points).all():
        return None
    head = standard_points()
    pose = (_solver() @ points).T
    offsets = points - (head @ pose[:, :3].T + pose[:, 3])
    rows = np.linalg.norm(pose[:, :3], axis=1)
    scale = float(rows.mean())
    if scale < MIN_PX_PER_CM or rows.min() < 0.45 * rows.max():
        return None
    if float(np.sqrt((offsets**2).sum(1).mean())) / scale > MAX_MISFIT_CM:
        return None
    eyes, down = points[263] - points[33], points[CHIN] - points[168]
    roll = float(np.arctan2(-down[0], down[1]))
    if np.linalg.norm(eyes) > 3 * scale:
        roll = 0.5 * roll + 0.5 * float(np.arctan2(eyes[1], eyes[0]))
    forward = pose[:, 2] / scale
    c, s = np.cos(roll), np.sin(roll)
    ahead = np.array([c * forward[0] + s * forward[1], -s * forward[0] + c * forward[1]])
    yaw, pitch = np.degrees(np.arcsin(np.clip(ahead, -1, 1)))
    return Face(points, pose, offsets, scale, roll, float(yaw), float(pitch))
