"""More things held before a face, flat, as float RGBA albedo: boxes, bottles, bags, fans, food, flowers, cards.

Promises: pure drawing like things.py, `PER_CM` samples a cm; the same generator state gives the same thing.
"""

from __future__ import annotations

import cv2
import numpy as np

from . import fabrics
from .things import PER_CM, label, page_text, rounded, size_of

Pictures = list[np.ndarray]


def _surface(rng: np.random.Generator, h: int, w: int, pictures: Pictures, patterned: float = 0.3) -> np.ndarray:
    if rng.random() < 0.25:
        return fabrics.plain(rng, h, w, fabrics.surgical_colour(rng))
    return fabrics.cloth(rng, h, w, pictures, patterned)


def _round(across: int, rng: np.random.Generator) -> np.ndarray:
    """Brightness across a round thing."""
    x = np.linspace(-1, 1, across) - rng.uniform(-0.4, 0.4)
    return (0.4 + 0.75 * np.sqrt(np.clip(1 - x**2 / 1.9, 0, 1))).astype(np.float32)


def ball(h: int, w: int, rng: np.random.Generator) -> np.ndarray:
    """Brightness of something bulging, [h,w]."""
    yy, xx = np.mgrid[-1 : 1 : h * 1j, -1 : 1 : w * 1j].astype(np.float32)
    dx, dy = rng.uniform(-0.4, 0.4), rng.uniform(-0.5, 0.1)
    return np.clip(1.15 - 0.45 * ((xx - dx) ** 2 + (yy - dy) ** 2), 0.4, 1.2)


def box(rng: np.random.Generator, w_cm: float, h_cm: float, pictures: Pictures) -> np.ndarray:
    """A parcel or packing: front, a lighter top or darker side, tape, label."""
    h, w = size_of(w_cm, h_cm)
    card = fabrics.near((0.68, 0.52, 0.36), rng) if rng.random() < 0.5 else fabrics.any_colour(rng)
    front = fabrics.plain(rng, h, w, card, 0.03) if rng.random() < 0.75 else fabrics.printed(rng, h, w, pictures)
    if rng.random() < 0.5:
        at = int(rng.uniform(0.3, 0.7) * w)
        front[:, at : at + int(rng.uniform(2, 5) * PER_CM)] *= rng.uniform(0.75, 1.2)
    if rng.random() < 0.6:
        label(front, rng)
    top, side = int(rng.uniform(0, 0.25) * h), int(rng.uniform(0, 0.2) * w)
    front[:top] *= rng.uniform(1.1, 1.4)
    front[top : top + 2] *= 0.6
    front[top:, w - side :] *= rng.uniform(0.5, 0.8)
    alpha = np.ones((h, w), np.float32)
    slant = np.array([[0, 0], [side + 0.1 * w * (top > 0), 0], [0, top]])
    cv2.fillConvexPoly(alpha, slant.astype(np.int32), 0.0, cv2.LINE_AA)
    return np.dstack([np.clip(front, 0, 1), alpha]).astype(np.float32)


def bottle(rng: np.random.Generator, w_cm: float, h_cm: float, pictures: Pictures) -> np.ndarray:
    """Cap, neck, shoulders, body with a label."""
    h, w = size_of(w_cm, h_cm)
    body = _surface(rng, h, w, pictures, 0.1)
    a, b = int(rng.uniform(0.4, 0.55) * h), int(rng.uniform(0.65, 0.85) * h)
    body[a:b] = fabrics.printed(rng, b - a, w, pictures) if rng.random() < 0.5 else fabrics.any_colour(rng)
    cap = int(0.08 * h)
    body[:cap] = fabrics.any_colour(rng)
    body = np.clip(body * _round(w, rng)[None, :, None], 0, 1)
    body[:, int(0.28 * w) : int(0.34 * w)] = np.clip(body[:, int(0.28 * w) : int(0.34 * w)] + rng.uniform(0, 0.4), 0, 1)
    neck, shoulder = rng.uniform(0.17, 0.26) * w, rng.uniform(0.22, 0.4) * h
    half = np.interp(np.arange(h), [0, 0.45 * shoulder, shoulder, h], [neck, neck * 1.1, 0.48 * w, 0.48 * w])
    alpha = np.clip(half[:, None] - np.abs(np.arange(w) - w / 2)[None] + 0.5, 0, 1)
    return np.dstack([body, alpha]).astype(np.float32)


def bag(rng: np.random.Generator, w_cm: float, h_cm: float, pictures: Pictures) -> np.ndarray:
    """A carrier bag with handles, or a crumpled one."""
    h, w = size_of(w_cm, h_cm)
    sheet = _surface(rng, h, w, pictures) * fabrics.relief(rng, h, w, int(rng.integers(8, 22)), 0.28)[..., None]
    if rng.random() < 0.5:
        label(sheet, rng)
    alpha = np.zeros((h, w), np.float32)
    top = int(rng.uniform(0.16, 0.3) * h)
    lean = rng.uniform(-0.06, 0.1) * w
    body = np.array([[lean, top], [w - 1 - lean, top], [w - 1, h - 1], [0, h - 1]])
    cv2.fillConvexPoly(alpha, np.round(body).astype(np.int32), 1.0, cv2.LINE_AA)
    across, thick = rng.uniform(0.2, 0.32) * w, int(rng.uniform(0.5, 1.6) * PER_CM)
    cv2.ellipse(alpha, (w // 2, top), (int(across), top - thick), 0, 180, 360, 1.0, thick, cv2.LINE_AA)
    return np.dstack([np.clip(sheet, 0, 1), alpha]).astype(np.float32)


def fan(rng: np.random.Generator, w_cm: float, h_cm: float, pictures: Pictures) -> np.ndarray:
    """A plate, a round fan with a handle, or a folding fan with ribs."""
    h, w = size_of(w_cm, w_cm * 1.5)
    base = _surface(rng, h, w, pictures, 0.5)
    alpha = np.zeros((h, w), np.float32)
    r, pick = w // 2 - 1, rng.random()
    if pick < 0.4:
        cv2.ellipse(alpha, (w // 2, h - r), (r, int(1.0 * h - r) - 1), 0, 188, 352, 1.0, -1, cv2.LINE_AA)
        yy, xx = np.mgrid[0:h, 0:w]
        angle = np.arctan2(yy - h, xx - w / 2)
        base = base * (1 + 0.18 * np.sign(np.sin(angle * rng.uniform(20, 50))))[..., None]
    else:
        cv2.circle(alpha, (w // 2, r), r, 1.0, -1, cv2.LINE_AA)
        for k in (1.0, rng.uniform(0.6, 0.8)) if pick < 0.75 else ():
            cv2.circle(base, (w // 2, r), int(r * k) - 1, (fabrics.any_colour(rng) * 0.9).tolist(), 2, cv2.LINE_AA)
        if pick >= 0.75:
            cv2.line(alpha, (w // 2, r), (w // 2, h - 2), 1.0, int(1.3 * PER_CM))
    return np.dstack([np.clip(base * ball(h, w, rng)[..., None], 0, 1), alpha]).astype(np.float32)


def card(rng: np.random.Generator, w_cm: float, h_cm: float, pictures: Pictures) -> np.ndarray:
    """An identity or bank card, a postcard or a ticket."""
    h, w = size_of(w_cm, h_cm)
    base = _surface(rng, h, w, pictures, 0.2) if rng.random() < 0.6 else fabrics.plain(rng, h, w, np.full(3, 0.92))
    if rng.random() < 0.6:
        x, side = int(rng.uniform(0.06, 0.6) * w), int(0.28 * w)
        base[int(0.2 * h) : int(0.8 * h), x : x + side] = fabrics.any_colour(rng)
        cv2.circle(base, (x + side // 2, int(0.45 * h)), side // 4, rng.uniform(0.3, 0.8, 3).tolist(), -1)
    page_text(base, rng, [rng.uniform(0.05, 0.5)] * 3, rng.uniform(0.6, 1.2), 0.9)
    if rng.random() < 0.3:
        base[int(0.1 * h) : int(0.28 * h)] = 0.06
    return np.dstack([np.clip(base, 0, 1), rounded(h, w, 0.4 * PER_CM)]).astype(np.float32)


def tablet(rng: np.random.Generator, w_cm: float, h_cm: float, pictures: Pictures) -> np.ndarray:
    """A tablet or laptop lid: the lit screen in its frame, or the back with a mark."""
    h, w = size_of(w_cm, h_cm)
    grey = [float(rng.choice([0.05, 0.1, 0.6, 0.8]))] * 3
    body = fabrics.plain(rng, h, w, np.array(grey) if rng.random() < 0.7 else fabrics.any_colour(rng))
    if rng.random() < 0.5:
        e = int(rng.uniform(0.5, 1.6) * PER_CM)
        inner = body[e:-e, e:-e]
        inner[:] = _surface(rng, *inner.shape[:2], pictures, 0.7) * rng.uniform(0.7, 1.3)
        if rng.random() < 0.5:
            page_text(inner, rng, rng.uniform(0, 1, 3).tolist(), rng.uniform(0.5, 1.2), 0.9)
    else:
        cv2.circle(body, (w // 2, h // 2), int(0.06 * w), rng.uniform(0.1, 0.9, 3).tolist(), -1, cv2.LINE_AA)
    gloss = np.linspace(rng.uniform(0.75, 1.1), rng.uniform(0.9, 1.35), w).astype(np.float32)
    return np.dstack([np.clip(body * gloss[None, :, None], 0, 1), rounded(h, w, 0.8 * PER_CM)]).astype(np.float32)


def food(rng: np.random.Generator, w_cm: float, h_cm: float, pictures: Pictures) -> np.ndarray:
    """Fruit, a sandwich or burger, an ice cream."""
    h, w = size_of(w_cm, h_cm)
    out, pick = np.zeros((h, w, 4), np.float32), rng.random()
    bread = fabrics.near((0.78, 0.55, 0.3), rng)
    if pick < 0.35:
        fruit = ((0.75, 0.12, 0.1), (0.5, 0.7, 0.2), (0.95, 0.55, 0.1), (0.92, 0.82, 0.25))[rng.integers(4)]
        colour = fabrics.near(fruit, rng)
        cv2.ellipse(
            out, (w // 2, h // 2), (w // 2 - 1, h // 2 - 1), 0, 0, 360, (*colour.tolist(), 1.0), -1, cv2.LINE_AA
        )
        cv2.line(out, (w // 2, 0), (w // 2 + 3, h // 5), (0.25, 0.15, 0.08, 1.0), 3)
    elif pick < 0.7:
        layers = [bread, (0.4, 0.6, 0.2), (0.85, 0.2, 0.15), (0.95, 0.8, 0.3), (0.35, 0.2, 0.12), bread]
        for k, colour in enumerate(layers):
            y = int((0.12 + 0.152 * k) * h)
            half = w // 2 - 1 - int(rng.uniform(0, 0.08) * w)
            tint = (*fabrics.near(np.array(colour), rng).tolist(), 1.0)
            cv2.ellipse(out, (w // 2, y), (half, int(0.15 * h)), 0, 0, 360, tint, -1, cv2.LINE_AA)
    else:
        cone = np.array([[0.22 * w, 0.45 * h], [0.78 * w, 0.45 * h], [0.5 * w, h - 1]])
        cv2.fillConvexPoly(out, cone.astype(np.int32), (*bread.tolist(), 1.0), cv2.LINE_AA)
        for x, y in ((0.36, 0.32), (0.64, 0.32), (0.5, 0.2))[: rng.integers(1, 4)] + ((0.5, 0.34),):
            tint = (*fabrics.any_colour(rng).tolist(), 1.0)
            cv2.circle(out, (int(x * w), int(y * h + 0.1 * h)), int(0.26 * w), tint, -1, cv2.LINE_AA)
    spots = fabrics.cloudy(rng, h, w, 0.08, 12) * ball(h, w, rng)
    out[..., :3] = np.clip(out[..., :3] * spots[..., None], 0, 1)
    return out


def plant(rng: np.random.Generator, w_cm: float, h_cm: float, pictures: Pictures) -> np.ndarray:
    """A bunch of flowers, or leaves and twigs."""
    h, w = size_of(w_cm, h_cm)
    out = np.zeros((h, w, 4), np.float32)
    greens = [fabrics.near((0.2, 0.42, 0.15), rng) * rng.uniform(0.5, 1.3) for _ in range(4)]
    blooms = [fabrics.any_colour(rng) for _ in range(rng.integers(1, 4))]
    flowers = rng.uniform(0, 0.7)
    for _ in range(int(rng.integers(60, 110))):
        at = np.array([w / 2, h / 2]) + rng.normal(0, 0.22, 2) * [w, h]
        centre = (int(np.clip(at[0], 0.1 * w, 0.9 * w)), int(np.clip(at[1], 0.1 * h, 0.9 * h)))
        long = int(rng.uniform(1, 2.6) * PER_CM)
        if rng.random() < flowers:
            tint = (blooms[rng.integers(len(blooms))] * rng.uniform(0.7, 1.15)).clip(0, 1)
            for turn in range(0, 180, 45):
                cv2.ellipse(out, centre, (long, max(2, long // 3)), turn, 0, 360, (*tint.tolist(), 1.0), -1)
            cv2.circle(out, centre, max(1, long // 4), (0.85, 0.7, 0.15, 1.0), -1)
        else:
            tint = (greens[rng.integers(4)] * rng.uniform(0.6, 1.2)).clip(0, 1)
            axes = (long, max(2, int(long * rng.uniform(0.25, 0.5))))
            cv2.ellipse(out, centre, axes, rng.uniform(0, 180), 0, 360, (*tint.tolist(), 1.0), -1, cv2.LINE_AA)
    return out
