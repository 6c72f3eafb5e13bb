"""Who is treated worse: accepted shares by age and by skin tone, with the gaps between groups.

Promises: age comes from file names alone (aaf: NNNNNAyy). Tone is the individual typology angle (ITA) of skin patches
in CIELAB, in the six classes of Chardon and Del Bino; it is measured on bare skin only: cheeks and forehead of the
picture that a synthetic one was made of, the forehead of a real masked one. What cannot be measured is counted.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from .data import Pool, group_of
from .measure import RENDER, is_render
from .rates import gap, groups_of

AGES = ((0, 12), (13, 19), (20, 39), (40, 59), (60, 200))
TONES = ((55.0, "very light"), (41.0, "light"), (28.0, "intermediate"), (10.0, "tan"), (-30.0, "brown"))
_DARK = "dark"
CHEEKS = (50, 280, 101, 330, 205, 425)
FOREHEAD = (151, 9, 108, 337, 69, 299)
_RADIUS_PX = 3
# Where the forehead lies in a crop of the daemon, for faces in which no mesh was found: mean of those in which one was.
_USUAL_FOREHEAD = ((56, 27), (56, 34), (46, 28), (66, 28))
_LEAST_LIGHT, _LEAST_SKIN = 55.0, 0.5
_PARTS = {
    "bare": "bare", "real": "masked, real", "render": f"masked{RENDER}", "proper": "masked, synthetic",
    "wrong": "worn wrong, synthetic",
}  # fmt: skip

AGE_BASIS = "Age in the file names of aaf (mostly East Asian faces); other sources tell no age"
TONE_BASIS = (
    "ITA of skin patches in photographs of unknown light and white balance: one person may fall two classes apart in "
    "two pictures, shadow reads as dark skin and flash as light. The classes sort pictures, not people: read the trend "
    "only. Grey and underexposed pictures are not measured, nor those where half of the patches is not of "
    "skin's colour (hair, hats). Masked faces without a mesh are measured where the forehead usually is."
)


def age_band(row: dict) -> str | None:
    """The band of the age in the name of an aaf picture."""
    found = re.search(r"A(\d{2,3})$", row["group"]) if row["source"] == "aaf" else None
    if found is None:
        return None
    age = int(found.group(1))
    low, high = next(band for band in AGES if band[0] <= age <= band[1])
    return f"{low:02d}-{high}" if high < 200 else f"{low}+"


def tone_of_angle(ita: float) -> str:
    """The class of an individual typology angle in degrees."""
    return next((name for least, name in TONES if ita > least), _DARK)


def skin_angle(rgb: np.ndarray, points: np.ndarray, masked: bool) -> float | None:
    """ITA of the patches at mesh points [468,2]; None without colour (grey pictures) or without skin."""
    known = not np.isnan(points[0, 0])
    places = points[list(FOREHEAD if masked else (*CHEEKS, *FOREHEAD))] if known else np.array(_USUAL_FOREHEAD)
    if not known and not masked:
        return None
    unit = rgb.astype(np.float32) / 255
    lab, skin = cv2.cvtColor(unit, cv2.COLOR_RGB2LAB), _of_skin(rgb)
    if float(np.percentile(lab[..., 0], 98)) < _LEAST_LIGHT:
        return None
    at = np.zeros(skin.shape, np.uint8)
    for x, y in np.asarray(places, np.float32).round().astype(int):
        at[max(0, y - _RADIUS_PX) : max(0, y + _RADIUS_PX + 1), max(0, x - _RADIUS_PX) : max(0, x + _RADIUS_PX + 1)] = 1
    patches = lab[at > 0]
    mine = lab[(at > 0) & skin]
    if len(mine) < max(30, _LEAST_SKIN * len(patches)):
        return None
    light, _, b = np.median(mine, 0)
    return math.degrees(math.atan2(light - 50, b))


def _of_skin(rgb: np.ndarray) -> np.ndarray:
    """True where a pixel has skin's hue, at any lightness: hair, hats, grey pictures and coloured light have not."""
    _, red, blue = cv2.split(cv2.cvtColor(rgb, cv2.COLOR_RGB2YCrCb))
    return (red >= 131) & (red <= 180) & (blue >= 80) & (blue <= 127)


def tones(pool: Pool, arrays: Path) -> list[str | None]:
    """The tone class of each picture of the pool; None where it cannot be measured."""
    file = arrays / "landmarks.npy"
    if not file.exists():
        return [None] * len(pool)
    points = np.load(file, mmap_mode="r")
    known: dict[int, str | None] = {}
    out = []
    for row, (_, at) in zip(pool.rows, pool.where, strict=True):
        i = int(row["of"] if row["synthetic"] else at)
        if i not in known:
            masked = row["kind"] != "bare" and not row["synthetic"]
            angle = skin_angle(np.asarray(pool.parts[0][i]), np.asarray(points[i], np.float32), masked)
            known[i] = None if angle is None else tone_of_angle(angle)
        out.append(known[i])
    return out


def part_of(row: dict) -> str:
    """The group, but a mask that a source drew is not worn by anybody."""
    group = group_of(row)
    return "render" if group == "real" and is_render(row) else group


def _parts(pool: Pool, names: list[str | None], accepted: np.ndarray, order: list[str]) -> list[dict[str, Any]]:
    parts = []
    for group, title in _PARTS.items():
        mine = [i for i, r in enumerate(pool.rows) if part_of(r) == group and names[i] is not None]
        if not mine:
            continue
        rates = groups_of([str(names[i]) for i in mine], pool.labels[mine], accepted[mine])
        rates.sort(key=lambda g: order.index(g["name"]))
        parts.append({"what": title, "label": rates[0]["label"], "groups": rates, "gap": gap(rates)})
    return parts


def by_group(pool: Pool, arrays: Path, accepted: np.ndarray) -> dict[str, Any]:
    """Accepted shares of bare, masked and wrongly masked faces by age and by tone."""
    ages, skin = [age_band(r) for r in pool.rows], tones(pool, arrays)
    bands = [f"{low:02d}-{high}" if high < 200 else f"{low}+" for low, high in AGES]
    people = [i for i, r in enumerate(pool.rows) if part_of(r) in _PARTS]
    return {
        "age": {"basis": AGE_BASIS, "parts": _parts(pool, ages, accepted, bands)},
        "tone": {
            "basis": TONE_BASIS, "unmeasured": sum(skin[i] is None for i in people), "of": len(people),
            "parts": _parts(pool, skin, accepted, [*(name for _, name in TONES), _DARK]),
        },
    }  # fmt: skip
