"""What the things held before a face look like, flat: notebooks, paper, phones, cups and so on as float RGBA albedo.

Promises: pure drawing, no face and no picture involved; about 8 samples a cm.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from . import fabrics

PER_CM = 8


def size_of(w_cm: float, h_cm: float) -> tuple[int, int]:
    """Height and width in samples."""
    return max(8, round(h_cm * PER_CM)), max(8, round(w_cm * PER_CM))


def solid(rgb: np.ndarray) -> np.ndarray:
    """Opaque RGBA."""
    return np.dstack([rgb, np.ones(rgb.shape[:2], np.float32)]).astype(np.float32)


def page_text(image: np.ndarray, rng: np.random.Generator, colour: Sequence[float], gap_cm: float, fill: float) -> None:
    """Lines of unreadable writing."""
    h, w = image.shape[:2]
    for y in np.arange(0.08 * h, 0.94 * h, gap_cm * PER_CM):
        x, end = 0.08 * w, w * rng.uniform(0.5, 0.93)
        while x < end and rng.random() < fill:
            word = rng.uniform(0.4, 1.6) * PER_CM
            cv2.line(
                image, (int(x), int(y)), (int(min(x + word, end)), int(y)), colour, max(1, int(gap_cm * PER_CM * 0.35))
            )
            x += word + 0.3 * PER_CM


def notebook(rng: np.random.Generator, w_cm: float, h_cm: float, pictures: list[np.ndarray]) -> np.ndarray:
    """Cover with spine, label, elastic or rings; or an open double page. Plain covers most often."""
    h, w = size_of(w_cm, h_cm)
    if rng.random() < 0.15:
        return _open_pages(rng, h, w)
    colour = fabrics.any_colour(rng) if rng.random() < 0.65 else fabrics.surgical_colour(rng)
    cover = fabrics.plain(rng, h, w, colour, 0.02) if rng.random() < 0.72 else fabrics.printed(rng, h, w, pictures)
    cover = cover * fabrics.cloudy(rng, h, w, 0.03, 3)[..., None]
    pick = rng.random()
    spine = int(rng.uniform(0.4, 1.6) * PER_CM)
    if pick < 0.35:
        cover[:, :spine] *= rng.uniform(0.5, 0.85)
        cover[:, spine : spine + 2] *= 0.6
    elif pick < 0.5:
        cover[:, -spine : 2 - spine or None] = fabrics.any_colour(rng)
    elif pick < 0.65:
        for y in range(int(0.3 * PER_CM), h, int(0.8 * PER_CM)):
            cv2.ellipse(cover, (0, y), (int(0.6 * PER_CM), 2), 0, 0, 360, [0.75] * 3, 1)
    if rng.random() < 0.35:
        label(cover, rng)
    if rng.random() < 0.4:
        edge = max(1, int(0.3 * PER_CM))
        cover[-edge:] = 0.9
        cover[-edge::2] *= 0.85
    return solid(np.clip(cover, 0, 1))


def label(cover: np.ndarray, rng: np.random.Generator) -> None:
    """A sticker with writing, in place."""
    h, w = cover.shape[:2]
    y0, x0 = int(rng.uniform(0.1, 0.6) * h), int(rng.uniform(0.15, 0.4) * w)
    patch = cover[y0 : y0 + int(rng.uniform(0.1, 0.3) * h), x0 : x0 + int(rng.uniform(0.3, 0.55) * w)]
    if rng.random() < 0.6:
        patch[:] = fabrics.any_colour(rng)
    page_text(patch, rng, fabrics.any_colour(rng).tolist(), rng.uniform(0.5, 1.6), 0.95)


def _open_pages(rng: np.random.Generator, h: int, w: int) -> np.ndarray:
    page = fabrics.plain(rng, h, w, fabrics.near((0.93, 0.92, 0.88), rng), 0.02)
    page_text(page, rng, [rng.uniform(0.15, 0.5)] * 3, rng.uniform(0.5, 0.9), 0.96)
    across = np.abs(np.linspace(-1, 1, w))
    return solid(page * (0.6 + 0.4 * np.clip(across * 4, 0, 1) ** 0.5).astype(np.float32)[None, :, None])


def paper(rng: np.random.Generator, w_cm: float, h_cm: float) -> np.ndarray:
    """A sheet: blank, written, printed with a block of colour; sometimes wavy."""
    h, w = size_of(w_cm, h_cm)
    sheet = fabrics.plain(rng, h, w, fabrics.near((0.94, 0.94, 0.93), rng, 0.02), 0.02)
    if rng.random() < 0.2:
        sheet[:] = fabrics.any_colour(rng)
    if rng.random() < 0.55:
        page_text(sheet, rng, [rng.uniform(0.1, 0.5)] * 3, rng.uniform(0.45, 1.0), 0.96)
    if rng.random() < 0.3:
        y0 = int(rng.uniform(0, 0.6) * h)
        sheet[y0 : y0 + int(rng.uniform(0.1, 0.4) * h), int(0.08 * w) : int(0.92 * w)] = fabrics.any_colour(rng)
    wave = 1 + rng.uniform(0, 0.12) * np.sin(np.linspace(0, rng.uniform(2, 9), w) + rng.uniform(0, 6))
    return solid(np.clip(sheet * wave.astype(np.float32)[None, :, None], 0, 1))


def rounded(h: int, w: int, radius: float) -> np.ndarray:
    """Alpha of a rectangle with round corners."""
    alpha = np.zeros((h, w), np.float32)
    r = int(min(radius, h / 2 - 1, w / 2 - 1))
    cv2.rectangle(alpha, (r, 1), (w - 1 - r, h - 2), 1.0, -1)
    cv2.rectangle(alpha, (1, r), (w - 2, h - 1 - r), 1.0, -1)
    for x in (r, w - 1 - r):
        for y in (r, h - 1 - r):
            cv2.circle(alpha, (x, y), r, 1.0, -1, cv2.LINE_AA)
    return alpha


def phone(rng: np.random.Generator, w_cm: float, h_cm: float) -> np.ndarray:
    """The back of a phone with its cameras, or its lit screen."""
    h, w = size_of(w_cm, h_cm)
    body = fabrics.plain(rng, h, w, fabrics.any_colour(rng))
    gloss = np.linspace(rng.uniform(0.7, 1), rng.uniform(1, 1.5), h).astype(np.float32)
    body = np.clip(body * gloss[:, None, None], 0, 1)
    if rng.random() < 0.75:
        for k in range(rng.integers(1, 4)):
            centre = (int(0.2 * w + (k % 2) * 0.2 * w), int(0.1 * h + (k // 2 + k % 2 * 0.5) * 0.09 * h))
            cv2.circle(body, centre, int(0.08 * w), [0.03] * 3, -1, cv2.LINE_AA)
            cv2.circle(body, centre, int(0.08 * w), [0.5] * 3, 1, cv2.LINE_AA)
    else:
        body[3:-3, 3:-3] = fabrics.blotches(rng, h, w)[3:-3, 3:-3]
    return np.dstack([body, rounded(h, w, 0.9 * PER_CM)]).astype(np.float32)


def cup(rng: np.random.Generator, w_cm: float, h_cm: float, pictures: list[np.ndarray]) -> np.ndarray:
    """Mug or paper cup from the side: round shading, rim, sometimes a handle, band or lid."""
    h, w = size_of(w_cm, h_cm)
    side = fabrics.cloth(rng, h, w, pictures, 0.3)
    across = np.linspace(-1, 1, w)
    light = rng.uniform(-0.5, 0.5)
    side = side * np.clip(0.35 + 0.8 * np.sqrt(np.clip(1 - (across - light) ** 2 / 1.9, 0, 1)), 0, 1.15)[None, :, None]
    if rng.random() < 0.3:
        side[int(0.4 * h) : int(0.7 * h)] *= 0.6 * fabrics.any_colour(rng) + 0.4
    taper = rng.uniform(0, 0.16)
    alpha = np.zeros((h, w), np.float32)
    rim = max(2, int(0.07 * h))
    body = np.array([[0, rim], [w - 1, rim], [w * (1 - taper), h - rim], [w * taper, h - rim]])
    cv2.fillConvexPoly(alpha, np.round(body).astype(np.int32), 1.0, cv2.LINE_AA)
    cv2.ellipse(alpha, (w // 2, h - rim), (int(w * (0.5 - taper)), rim - 1), 0, 0, 360, 1.0, -1, cv2.LINE_AA)
    cv2.ellipse(alpha, (w // 2, rim), (w // 2 - 1, rim - 1), 0, 0, 360, 1.0, -1, cv2.LINE_AA)
    top = [float(rng.uniform(0.1, 0.9))] * 3
    cv2.ellipse(
        side, (w // 2, rim), (w // 2 - 2, rim - 1), 0, 0, 360, top, -1 if rng.random() < 0.6 else 2, cv2.LINE_AA
    )
    whole = np.dstack([side, alpha]).astype(np.float32)
    return _with_handle(whole, rng) if rng.random() < 0.5 else whole


def _with_handle(cup_side: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    h, w = cup_side.shape[:2]
    extra = int(0.32 * w)
    wide = cv2.copyMakeBorder(cup_side, 0, 0, 0, extra, cv2.BORDER_CONSTANT)
    ring = np.zeros(wide.shape[:2], np.float32)
    cv2.ellipse(
        ring, (w, int(0.5 * h)), (int(0.26 * w), int(0.28 * h)), 0, -95, 95, 1.0, max(2, int(0.09 * w)), cv2.LINE_AA
    )
    free = ring * (1 - wide[..., 3])
    wide[..., :3] += (cup_side[h // 2, w // 2, :3] * 0.8 - wide[..., :3]) * free[..., None]
    wide[..., 3] = np.maximum(wide[..., 3], ring)
    return wide[:, ::-1].copy() if rng.random() < 0.5 else wide


def sleeve(rng: np.random.Generator, w_cm: float, h_cm: float, pictures: list[np.ndarray]) -> np.ndarray:
    """A forearm in cloth lying across: round shading along its length, wrinkles across it."""
    h, w = size_of(w_cm, h_cm)
    cloth = fabrics.cloth(rng, h, w, pictures, 0.35) * fabrics.relief(rng, h, w, 10, 0.22)[..., None]
    down = np.linspace(-1, 1, h)
    round_ = 0.45 + 0.6 * np.sqrt(np.clip(1 - (down + 0.25) ** 2 / 1.7, 0, 1))
    edge = 0.5 + 0.42 * fabrics.cloudy(rng, 1, w, 0.07, 6)[0]
    alpha = np.clip((edge[None] - np.abs(down)[:, None]) * h * 0.5 + 0.5, 0, 1)
    return np.dstack([np.clip(cloth * round_[:, None, None], 0, 1), alpha]).astype(np.float32)


def with_hand(arm: np.ndarray, rng: np.random.Generator, skin: np.ndarray) -> np.ndarray:
    """The arm with a cuff and a fist at its right end."""
    h, w = arm.shape[:2]
    cuff = int(rng.uniform(0.55, 0.75) * w)
    arm[:, cuff - 5 : cuff, :3] *= rng.uniform(0.5, 1.2)
    arm[:, cuff:, 3] = 0
    hand = np.zeros((h, w), np.float32)
    wrist = int(0.62 * h)
    cv2.line(hand, (cuff, h // 2), (cuff + h // 3, h // 2), 1.0, wrist)
    cv2.ellipse(hand, (cuff + int(0.75 * h), h // 2), (int(0.5 * h), int(0.44 * h)), 0, 0, 360, 1.0, -1, cv2.LINE_AA)
    shade = np.linspace(1.1, 0.65, h)[:, None] * np.ones((1, w))
    for k in range(1, 4):
        y = int((0.1 + 0.21 * k) * h)
        cv2.line(shade, (cuff + int(0.8 * h), y), (cuff + int(1.25 * h), y), 0.5, 2, cv2.LINE_AA)
    free = hand * (1 - arm[..., 3])
    arm[..., :3] += (skin * shade[..., None] - arm[..., :3]) * free[..., None]
    arm[..., 3] = np.maximum(arm[..., 3], hand)
    return np.clip(arm, 0, 1).astype(np.float32)


def crook(rng: np.random.Generator, w_cm: float, h_cm: float, pictures: list[np.ndarray]) -> np.ndarray:
    """A bent arm: upper arm and forearm meet in an elbow at the right; creases where they meet."""
    h, w = size_of(w_cm, h_cm)
    thick = int(rng.uniform(7.5, 10.5) * PER_CM)
    elbow = np.array([w - 0.6 * thick, h * rng.uniform(0.35, 0.65)])
    joints = np.array([[0, h - 0.5 * thick], elbow, [0, rng.uniform(0.2, 0.6) * thick]])
    arm = np.zeros((h, w), np.uint8)
    cv2.polylines(arm, [np.round(joints).astype(np.int32)], False, 255, thick, cv2.LINE_AA)
    depth = np.clip(cv2.distanceTransform((arm > 127).astype(np.uint8), cv2.DIST_L2, 3) / (thick / 2), 0, 1)
    cloth = fabrics.cloth(rng, h, w, pictures, 0.35) * fabrics.relief(rng, h, w, 14, 0.25)[..., None]
    shade = 0.45 + 0.6 * np.sqrt(np.clip(1 - (1 - depth) ** 2, 0, 1))
    upper = joints[1:].astype(int)
    line = np.ones((h, w), np.float32)
    below = upper + [0, thick // 2]
    cv2.line(line, tuple(map(int, below[0] - [thick // 3, 0])), tuple(map(int, below[1])), 0.5, 4, cv2.LINE_AA)
    colour = cloth * (shade * cv2.blur(line, (5, 5)))[..., None]
    return np.dstack([np.clip(colour, 0, 1), arm / 255.0]).astype(np.float32)


def microphone(rng: np.random.Generator, w_cm: float, h_cm: float) -> np.ndarray:
    """Round meshed or foam head on a handle."""
    h, w = size_of(w_cm, h_cm)
    out = np.zeros((h, w, 4), np.float32)
    dark = [float(rng.uniform(0.05, 0.25))] * 3
    shaft = np.array([[0.3 * w, 0.5 * w], [0.7 * w, 0.5 * w], [0.62 * w, h], [0.38 * w, h]])
    cv2.fillConvexPoly(out, np.round(shaft).astype(np.int32), (*dark, 1.0), cv2.LINE_AA)
    head = fabrics.any_colour(rng) if rng.random() < 0.4 else np.array([rng.uniform(0.08, 0.6)] * 3)
    cv2.circle(out, (w // 2, w // 2), w // 2 - 1, (*head.tolist(), 1.0), -1, cv2.LINE_AA)
    yy, xx = np.mgrid[0:h, 0:w] / w
    mesh = 1 + 0.25 * np.sign(np.sin(xx * 44) * np.sin(yy * 44))
    ball = np.clip(1.25 - ((xx - 0.4) ** 2 + (yy - 0.35) ** 2) * 1.6, 0.35, 1.25)
    upper = (yy < 1)[..., None]
    out[..., :3] = np.where(upper, np.clip(out[..., :3] * (mesh * ball)[..., None], 0, 1), out[..., :3])
    return out


def held_cloth(rng: np.random.Generator, w_cm: float, h_cm: float, pictures: list[np.ndarray]) -> np.ndarray:
    """A towel or cloth: its upper edge sags between the hands, folds run down from them, the sides hang wavy."""
    h, w = size_of(w_cm, h_cm)
    cloth = fabrics.cloth(rng, h, w, pictures, 0.5)
    x, y = np.linspace(0, 1, w)[None], np.linspace(0, 1, h)[:, None]
    sway = x + rng.uniform(-0.25, 0.25) * y * (x - 0.5)
    folds = sum(rng.uniform(0.02, 0.14) * np.sin(2 * np.pi * (sway * rng.uniform(1, 7) + rng.random())) for _ in "abc")
    cloth = cloth * (1 + folds).astype(np.float32)[..., None] * fabrics.relief(rng, h, w, 4, 0.15)[..., None]
    hem = max(1, int(0.5 * PER_CM))
    if rng.random() < 0.5:
        cloth[:hem] *= 0.85
        cloth[-hem:] *= 0.85
    sag = rng.uniform(0, 0.12) * 4 * x * (1 - x)
    wavy = 0.03 * np.sin(y * rng.uniform(3, 12) + rng.uniform(0, 6))
    foot = 1 - 0.06 * np.abs(np.sin(x * rng.uniform(3, 14) + rng.uniform(0, 6)))
    inside = np.minimum(np.minimum(y - sag, foot - y) * h, np.minimum(x - wavy - 0.03, 0.97 + wavy - x) * w)
    return np.dstack([np.clip(cloth, 0, 1), np.clip(inside + 0.5, 0, 1)]).astype(np.float32)
