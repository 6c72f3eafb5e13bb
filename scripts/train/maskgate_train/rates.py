"""Rates and what belongs to them: intervals, operating points, ROC, calibration. Pure numpy, no pictures.

Promises: a rate never stands without its n and its 95 % interval; what cannot be measured is None, never 0.
"""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Any

import numpy as np

Rate = dict[str, Any]
_Z = 1.959964
FLOOR, CEILING = 0.5, 0.98
"""Ends of the search for a threshold: below the floor a face would count as masked that more likely is not."""


def wilson(hits: int, n: int) -> Rate:
    """A rate with its 95 % interval."""
    if n == 0:
        return {"rate": None, "low": 0.0, "high": 1.0, "n": 0}
    p = hits / n
    mid, half = p + _Z * _Z / (2 * n), _Z * math.sqrt(p * (1 - p) / n + _Z * _Z / (4 * n * n))
    low, high = ((mid + s * half) / (1 + _Z * _Z / n) for s in (-1, 1))
    return {"rate": round(p, 5), "low": round(max(0.0, low), 5), "high": round(min(1.0, high), 5), "n": n}


def share(hits: np.ndarray) -> Rate:
    """The share of True with its interval."""
    return wilson(int(hits.sum()), len(hits))


def balanced(accepted: Rate, refused: Rate) -> Rate | None:
    """The mean of two rates; its interval from both by the method of variance estimates recovery (MOVER)."""
    if not accepted["n"] or not refused["n"]:
        return None
    mean = (accepted["rate"] + refused["rate"]) / 2
    down = math.hypot(accepted["rate"] - accepted["low"], refused["rate"] - refused["low"]) / 2
    up = math.hypot(accepted["high"] - accepted["rate"], refused["high"] - refused["rate"]) / 2
    n = accepted["n"] + refused["n"]
    return {
        "rate": round(mean, 5),
        "low": round(max(0.0, mean - down), 5),
        "high": round(min(1.0, mean + up), 5),
        "n": n,
    }


def choose_threshold(bare: np.ndarray, rate: float) -> float:
    """The lowest threshold, in steps of 0.01 from 0.5 to 0.98, at which at most this share of bare faces passes."""
    for step in range(round(100 * FLOOR), round(100 * CEILING)):
        if float((bare >= step / 100).mean()) <= rate:
            return step / 100
    return CEILING


def threshold_words(threshold: float, rate: float, passed: Rate | None) -> str:
    """What decided a threshold: the bare faces that may pass (a share, 0..1), an end of the search, or who gave it.
    `passed` is the rate of the validation part's bare faces that pass at it; None: it was given."""
    if passed is None or passed["rate"] is None:
        return f"The threshold {threshold:g} was given, not chosen."
    wanted = f"at most {100 * rate:g} % of the validation part's bare faces"
    passes = f"{100 * passed['rate']:.2f} % of {passed['n']} pass there"
    if passed["rate"] > rate:
        return f"No threshold up to {threshold:g}, where the search ends, lets {wanted} pass: {passes}."
    if threshold <= FLOOR:
        return (
            f"The threshold is {FLOOR:g}, where the search begins, and not the lowest at which {wanted} pass: "
            f"{passes}, and lower ones were not tried. So the search's floor decided, not the bare faces."
        )
    return f"The threshold is the lowest from {FLOOR:g}, in steps of 0.01, at which {wanted} pass: {passes}."


def groups_of(names: list[str], labels: np.ndarray, accepted: np.ndarray) -> list[dict[str, Any]]:
    """Accepted share by name; what should be accepted comes first."""
    at: dict[tuple[int, str], list[int]] = defaultdict(list)
    for i, name in enumerate(names):
        at[-int(labels[i]), name].append(i)
    return [{"name": k[1], "label": -k[0], "accepted": share(accepted[at[k]])} for k in sorted(at)]


def roc(p: np.ndarray, labels: np.ndarray, most_points: int = 200) -> dict[str, Any] | None:
    """Area under the ROC and its points [false accept rate, true accept rate]; ties count one half."""
    masked = labels > 0.5
    positives, negatives = int(masked.sum()), int((~masked).sum())
    if not positives or not negatives:
        return None
    order = np.argsort(-p, kind="stable")
    ends = np.flatnonzero(np.r_[np.diff(p[order]) != 0, True])
    tpr = np.r_[0.0, np.cumsum(masked[order])[ends] / positives]
    fpr = np.r_[0.0, np.cumsum(~masked[order])[ends] / negatives]
    area = float(np.trapezoid(tpr, fpr))
    # Of straight runs the ends alone; of what is left, the corner near 0, on which a door lives, first.
    straight = (fpr[:-2] == fpr[1:-1]) & (fpr[1:-1] == fpr[2:]) | (tpr[:-2] == tpr[1:-1]) & (tpr[1:-1] == tpr[2:])
    corners = np.flatnonzero(np.r_[True, ~straight, True])
    if len(corners) > most_points:
        spread = np.linspace(0, 1, most_points) ** 2 * (len(corners) - 1)
        corners = corners[np.unique(spread.astype(int))]
    points = [[round(float(fpr[i]), 5), round(float(tpr[i]), 5)] for i in corners]
    return {"area": round(area, 6), "positives": positives, "negatives": negatives, "points": points}


def calibration(p: np.ndarray, labels: np.ndarray, bins: int = 10) -> dict[str, Any] | None:
    """How far a probability is a probability: reliability bins, expected calibration error, Brier score."""
    if not len(p):
        return None
    at = np.minimum((p * bins).astype(int), bins - 1)
    rows, error = [], 0.0
    for b in range(bins):
        mine = at == b
        n = int(mine.sum())
        said = float(p[mine].mean()) if n else None
        was = share(labels[mine] > 0.5)
        if n:
            error += n / len(p) * abs(said - was["rate"])
        rows.append({"from": b / bins, "to": (b + 1) / bins, "said": said and round(said, 5), "masked": was})
    brier = float(((p - labels) ** 2).mean())
    return {"expectedError": round(error, 5), "brier": round(brier, 6), "n": len(p), "bins": rows}


def curve(p: np.ndarray, parts: dict[str, np.ndarray]) -> list[dict[str, float]]:
    """Operating points: accepted shares of each part by threshold."""
    steps = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
    return [
        {"threshold": t, **{n: round(float((p[m] >= t).mean()), 5) for n, m in parts.items() if m.any()}} for t in steps
    ]


def gap(groups: list[dict[str, Any]], least_n: int = 30) -> dict[str, Any] | None:
    """The widest gap between groups of enough pictures, and whether their intervals leave room for chance."""
    known = [g for g in groups if g["accepted"]["n"] >= least_n]
    if len(known) < 2:
        return None
    low, high = (f(known, key=lambda g: g["accepted"]["rate"]) for f in (min, max))
    width = high["accepted"]["rate"] - low["accepted"]["rate"]
    return {
        "points": round(100 * width, 2), "low": low["name"], "high": high["name"], "wide": width > 0.02,
        "beyondChance": low["accepted"]["high"] < high["accepted"]["low"],
    }  # fmt: skip
