"""Pictures from outside that masks and occluders may use: mask templates, fabric textures, cut-out hands.

Promises: every folder is optional; nothing of them is ever written. The templates are read in the MaskTheFace layout
(masks.cfg with six anchors a..f a picture) and straightened to the padded (u,v) range of surface.py.
"""

from __future__ import annotations

import configparser
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from .surface import PAD_U, PAD_V

TEXTURE_H, TEXTURE_W = 96, 128


@dataclass(frozen=True)
class Assets:
    """What is at hand. Templates by name (`surgical`, `KN95`, ...), RGBA float 0..1; hands RGBA uint8, fingers down."""

    templates: dict[str, np.ndarray] = field(default_factory=dict)
    textures: list[np.ndarray] = field(default_factory=list)
    hands: list[np.ndarray] = field(default_factory=list)


def load_assets(
    templates_dir: Path | str | None = None, textures_dir: Path | str | None = None, hands_dir: Path | str | None = None
) -> Assets:
    """Loads what the given folders hold; a folder that is named must exist."""
    for folder in (templates_dir, textures_dir, hands_dir):
        if folder is not None and not Path(folder).is_dir():
            raise FileNotFoundError(f"asset folder {folder} is not there; leave the option out to do without")
    return Assets(
        _templates(Path(templates_dir)) if templates_dir else {},
        _textures(Path(textures_dir)) if textures_dir else [],
        _hands(Path(hands_dir)) if hands_dir else [],
    )


def _templates(folder: Path) -> dict[str, np.ndarray]:
    config = configparser.ConfigParser()
    config.read(folder / "masks.cfg")
    found = {}
    for name in config.sections():
        section = config[name]
        # The surface turns the frontal picture by itself; the anchors of the turned ones lie on the straps.
        if "template" not in section or name.endswith(("_left", "_right")):
            continue
        rgba = cv2.imread(str(folder / Path(section["template"]).name), cv2.IMREAD_UNCHANGED)
        if rgba is not None and rgba.ndim == 3 and rgba.shape[2] == 4:
            anchors = {k: [float(n) for n in section[f"mask_{k}"].split(",")] for k in "abcdef"}
            found[name] = straighten(cv2.cvtColor(rgba, cv2.COLOR_BGRA2RGBA), anchors)
    return found


def straighten(rgba: np.ndarray, anchors: dict[str, list[float]]) -> np.ndarray:
    """Template to (u,v): its halves by one perspective each, from the anchors a b c (upper) and d e f (lower)."""
    h, w = TEXTURE_H, TEXTURE_W
    pad = 60
    framed = cv2.copyMakeBorder(rgba, pad, pad, pad, pad, cv2.BORDER_CONSTANT)
    solid = framed[..., 3:].astype(np.float32) / 255
    framed = np.concatenate([framed[..., :3] * solid, solid * 255], -1).astype(np.float32)
    zoom = min(1.0, 420 / rgba.shape[1])
    framed = cv2.resize(framed, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_AREA)
    out = np.zeros((h, w, 4), np.float32)
    left, mid, right = (((u + 1 + PAD_U) / (2 + 2 * PAD_U)) * (w - 1) for u in (-1, 0, 1))
    top, bottom = (((v + PAD_V) / (1 + 2 * PAD_V)) * (h - 1) for v in (0, 1))
    for (a, b, e, d), (x0, x1), cols in (
        (("a", "b", "e", "d"), (left, mid), slice(0, w // 2)),
        (("b", "c", "f", "e"), (mid, right), slice(w // 2, w)),
    ):
        source = (np.float32([anchors[a], anchors[b], anchors[e], anchors[d]]) + pad) * zoom
        goal = np.float32([[x0, top], [x1, top], [x1, bottom], [x0, bottom]])
        flat = cv2.warpPerspective(framed, cv2.getPerspectiveTransform(source, goal), (w, h), flags=cv2.INTER_AREA)
        out[:, cols] = flat[:, cols]
    alpha = out[..., 3:] / 255
    colour = out[..., :3] / np.maximum(alpha, 1e-2) / 255
    # Beside its lowest point a template bulges below v = 1, which would leave a notch in the middle.
    alpha = np.clip((alpha - 0.25) / 0.5, 0, 1) * np.clip(bottom - np.arange(h) + 1, 0, 1)[:, None, None]
    return _widened(np.concatenate([np.clip(colour, 0, 1), alpha], -1).astype(np.float32))


def _widened(flat: np.ndarray) -> np.ndarray:
    """Stretched sideways so that the mask's widest row reaches u = -1 and 1 (some anchors lie on the straps)."""
    w = flat.shape[1]
    columns = np.flatnonzero((flat[..., 3] > 0.5).mean(0) > 0.12)
    if not len(columns):
        return flat
    goal = (PAD_U / (2 + 2 * PAD_U) * (w - 1), (2 + PAD_U) / (2 + 2 * PAD_U) * (w - 1))
    if columns[0] <= goal[0] + 2 and columns[-1] >= goal[1] - 2:
        return flat
    zoom = (goal[1] - goal[0]) / max(columns[-1] - columns[0], 1)
    move = np.array([[zoom, 0, goal[0] - zoom * columns[0]], [0, 1, 0]], np.float32)
    return cv2.warpAffine(flat, move, (w, flat.shape[0]), flags=cv2.INTER_LINEAR)


def _textures(folder: Path) -> list[np.ndarray]:
    files = sorted(p for p in folder.rglob("*") if p.suffix.lower() in {".jpg", ".jpeg", ".png"})
    out = []
    for file in files:
        bgr = cv2.imread(str(file), cv2.IMREAD_COLOR)
        if bgr is not None:
            zoom = min(1.0, 256 / min(bgr.shape[:2]))
            out.append(cv2.resize(bgr, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_AREA)[..., ::-1].copy())
    return out


def _hands(folder: Path) -> list[np.ndarray]:
    out = []
    for file in sorted(p for p in folder.iterdir() if p.suffix.lower() in {".jpg", ".jpeg", ".png"}):
        bgr = cv2.imread(str(file), cv2.IMREAD_COLOR)
        cut = None if bgr is None else cut_from_white(bgr)
        if cut is not None:
            out.append(cut)
    return out


def cut_from_white(bgr: np.ndarray) -> np.ndarray | None:
    """A hand on a white ground as RGBA; None if the ground is not plain enough to tell."""
    zoom = min(1.0, 256 / max(bgr.shape[:2]))
    bgr = cv2.resize(bgr, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_AREA)
    lab = cv2.cvtColor(bgr, cv2.COLOR_BGR2LAB).astype(np.float32)
    ground = np.median(np.r_[lab[-8:].reshape(-1, 3), lab[:, :6].reshape(-1, 3), lab[:, -6:].reshape(-1, 3)], axis=0)
    off = lab - ground
    far = np.sqrt((0.45 * off[..., 0]) ** 2 + (1.5 * off[..., 1]) ** 2 + (1.5 * off[..., 2]) ** 2)
    solid = cv2.morphologyEx((far > 17).astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(solid)
    if count < 2:
        return None
    best = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    x, y, w, h, area = stats[best]
    if not 0.1 < area / solid.size < 0.6 or y > 3 or h < 0.4 * bgr.shape[0]:
        return None
    contours, _ = cv2.findContours((labels == best).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    whole = cv2.drawContours(np.zeros_like(solid), contours, -1, 255, -1)
    alpha = cv2.GaussianBlur(cv2.erode(whole, np.ones((3, 3), np.uint8)), (0, 0), 0.8)
    rgba = np.dstack([bgr[..., ::-1], alpha])
    return np.ascontiguousarray(rgba[y : y + h, x : x + w])
