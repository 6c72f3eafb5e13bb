"""Things in front of a bare face that are no mask (label 0), and decoys elsewhere on the face.

Promises: every entry of OCCLUDERS covers the middle of the mouth; every entry of DECOYS leaves the mouth or the nose to be seen.
Without asset folders everything but `hand` still works, and `hand` is drawn.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from . import fabrics, things
from .assets import Assets
from .blend import Layer, Light, region_of
from .face import LIPS, NOSE, Face
from .surface import Shape, finish, grid_of, render

Shape3 = tuple[int, ...]
Scene = tuple[Shape3, Face, Light, np.random.Generator, Assets]


def _board(
    rng: np.random.Generator, w: float, h: float, at: tuple[float, float], tilt: float, depth: float = 0.12
) -> np.ndarray:
    """Corners in cm of a w x h rectangle about `at`, turned by up to `tilt` radians and seen askew."""
    corners = np.array([[-w, -h], [w, -h], [w, h], [-w, h]]) / 2
    corners = corners * (1 + rng.uniform(-depth, depth, 2)[None] * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]))
    corners *= 1 + rng.uniform(-depth / 2, depth / 2, (4, 2))
    a = rng.normal(0, tilt)
    turn = np.array([[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]])
    return corners @ turn + at


def _lay(scene: Scene, texture: np.ndarray, corners_cm: np.ndarray, centre: np.ndarray) -> Layer | None:
    """Puts a flat RGBA thing onto four corners (cm of the picture plane about a pixel)."""
    shape, face, light, rng, _ = scene
    quad = face.upright(corners_cm, centre)
    box = region_of(quad, 1.5 * face.px_per_cm, shape)
    if box is None:
        return None
    ss = int(np.clip(round(9 / face.px_per_cm), 1, 2))
    th, tw = texture.shape[:2]
    source = np.float32([[0, 0], [tw, 0], [tw, th], [0, th]])
    goal = ((quad - [box[0], box[1]]) * ss).astype(np.float32)
    area = abs(cv2.contourArea(goal))
    shrinkage = np.sqrt(area / (th * tw))
    if shrinkage < 0.5:
        texture = cv2.resize(texture, None, fx=2 * shrinkage, fy=2 * shrinkage, interpolation=cv2.INTER_AREA)
        source *= [texture.shape[1] / tw, texture.shape[0] / th]
    warp = cv2.getPerspectiveTransform(source.astype(np.float32), goal)
    framed = _premultiplied(texture)
    size = ((box[2] - box[0]) * ss, (box[3] - box[1]) * ss)
    drawn = cv2.warpPerspective(framed, warp, size, flags=cv2.INTER_LINEAR)
    return finish(drawn, box, ss, face, light, rng)


def _premultiplied(texture: np.ndarray) -> np.ndarray:
    out = texture.copy()
    out[..., :3] *= out[..., 3:]
    return out


def _skin(light: Light, rng: np.random.Generator) -> np.ndarray:
    """Albedo of this person's hands."""
    bare = light.skin / (255 * light.exposure * light.tint) * rng.uniform(0.85, 1.1)
    return np.clip(bare, 0.05, 0.98)


def _fingers(scene: Scene, at: np.ndarray, inward: np.ndarray, centre: np.ndarray) -> Layer | None:
    """Three or four finger ends that reach over an edge at `at`, pointing `inward` (cm)."""
    rng = scene[3]
    count, length, thick = int(rng.integers(1, 5)), rng.uniform(3, 5), rng.uniform(1.5, 1.9)
    h, w = int(length * 10), int(count * thick * 10)
    skin = _skin(scene[2], rng)
    texture = np.zeros((h, w, 4), np.float32)
    for k in range(count):
        x = (k + 0.5) * thick * 10
        tip = rng.uniform(0, 0.25) * h
        r = int(thick * 4.9)
        one = np.zeros((h, w), np.float32)
        cv2.line(one, (int(x), int(tip + r)), (int(x), h + r), 1.0, 2 * r, cv2.LINE_AA)
        cv2.circle(one, (int(x), int(tip + r)), r, 1.0, -1, cv2.LINE_AA)
        light = np.clip(1.08 - 0.45 * np.abs((np.arange(w) - x + 1.5) / r) ** 2.2, 0.45, 1.08)
        nail = np.zeros((h, w), np.float32)
        cv2.ellipse(nail, (int(x), int(tip + 0.8 * r)), (int(0.5 * r), int(0.6 * r)), 0, 0, 360, 0.12, -1, cv2.LINE_AA)
        colour = skin * light[None, :, None] + nail[..., None]
        texture[..., :3] += (colour - texture[..., :3]) * one[..., None]
        texture[..., 3] = np.maximum(texture[..., 3], one)
    inward = inward / max(np.linalg.norm(inward), 1e-6)
    across = np.array([-inward[1], inward[0]]) * count * thick / 2
    foot, head = at - inward * length * 0.35, at + inward * length * 0.65
    return _lay(scene, np.clip(texture, 0, 1), np.array([head - across, head + across, foot + across, foot - across]), centre)


def _held(scene: Scene, texture: np.ndarray, corners: np.ndarray, often: float = 0.45) -> list[Layer] | None:
    """A thing before the mouth, sometimes with fingers over its left, right or lower edge."""
    rng, face = scene[3], scene[1]
    board = _lay(scene, texture, corners, face.mouth)
    if board is None:
        return None
    layers = [board]
    if rng.random() < often:
        for edge in rng.permutation([(0, 3), (1, 2), (2, 3)])[: rng.integers(1, 3)]:
            at = corners[edge[0]] + (corners[edge[1]] - corners[edge[0]]) * rng.uniform(0.25, 0.75)
            fingers = _fingers(scene, at, corners.mean(0) - at, face.mouth)
            if fingers is not None:
                layers.append(fingers)
    return layers


def _top_at(rng: np.random.Generator, h: float, high: float, low: float) -> float:
    """Centre height of a thing h tall whose upper edge lies `high`..`low` cm above the mouth."""
    return h / 2 - rng.uniform(low, high)


def notebook(*scene) -> list[Layer] | None:
    """A book or notebook held before the mouth, or mouth and nose."""
    rng, assets = scene[3], scene[4]
    w, h = rng.uniform(11, 23), rng.uniform(9, 24)
    texture = things.notebook(rng, w, h, assets.textures)
    at = (rng.uniform(-2.5, 2.5), _top_at(rng, h, 5.2, 1.2))
    return _held(scene, texture, _board(rng, w, h, at, 0.14))


def paper(*scene) -> list[Layer] | None:
    """A sheet of paper or a card."""
    rng = scene[3]
    w, h = rng.uniform(7, 22), rng.uniform(6, 24)
    at = (rng.uniform(-1.5, 1.5), _top_at(rng, h, 5, 1))
    return _held(scene, things.paper(rng, w, h), _board(rng, w, h, at, 0.15))


def phone(*scene) -> list[Layer] | None:
    """A phone, upright or lying."""
    rng = scene[3]
    texture, w, h = things.phone(rng, 7.4, 15), 7.4, 15.0
    if rng.random() < 0.4:
        texture, w, h = np.ascontiguousarray(np.rot90(texture)), 15.0, 7.4
    at = (rng.uniform(-1.2, 1.2), _top_at(rng, h, min(6.0, h - 2), 1.5))
    return _held(scene, texture, _board(rng, w, h, at, 0.25), 0.8)


def cup(*scene) -> list[Layer] | None:
    """A cup at the mouth."""
    rng, assets = scene[3], scene[4]
    w, h = rng.uniform(7, 10), rng.uniform(8, 13)
    texture = things.cup(rng, w, h, assets.textures)
    w *= texture.shape[1] / (w * things.PER_CM)
    at = (rng.uniform(-0.8, 0.8), _top_at(rng, h, 3.0, 0.6))
    return _held(scene, texture, _board(rng, w, h, at, 0.15, 0.04), 0.7)


def sleeve(*scene) -> list[Layer] | None:
    """A forearm or the crook of an arm across the mouth."""
    rng, assets = scene[3], scene[4]
    w, h = rng.uniform(26, 36), rng.uniform(8, 11)
    at = (rng.uniform(-3, 3), rng.uniform(-1.5, 1.8))
    return _held(scene, things.sleeve(rng, w, h, assets.textures), _board(rng, w, h, at, 0.3, 0.1), 0)


def microphone(*scene) -> list[Layer] | None:
    """A microphone close to the lips."""
    rng = scene[3]
    w, h = rng.uniform(4.6, 7.5), rng.uniform(14, 20)
    at = (rng.uniform(-0.7, 0.7), h / 2 - w / 2 + rng.uniform(-0.6, 0.9))
    a = rng.uniform(-0.6, 0.6)
    corners = _board(rng, w, h, (0.0, h / 2 - w / 2), 0, 0.03)
    turn = np.array([[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]])
    corners = corners @ turn + [at[0], at[1] - h / 2 + w / 2]
    return _held(scene, things.microphone(rng, w, h), corners, 0)


def held_cloth(*scene) -> list[Layer] | None:
    """A cloth or towel held up before the face, its edges straight."""
    rng, assets = scene[3], scene[4]
    w, h = rng.uniform(12, 26), rng.uniform(10, 24)
    at = (rng.uniform(-2, 2), _top_at(rng, h, 5.2, 1.5))
    return _held(scene, things.held_cloth(rng, w, h, assets.textures), _board(rng, w, h, at, 0.12, 0.08), 0.6)


def hand(*scene) -> list[Layer] | None:
    """A hand over the mouth: a real one cut out if there are some, its brightness that of the face; else a drawn one."""
    rng, assets, light, face = scene[3], scene[4], scene[2], scene[1]
    if assets.hands:
        texture = _matched(assets.hands[rng.integers(len(assets.hands))], light, rng)
    else:
        texture = _drawn_hand(light, rng)
    if rng.random() < 0.5:
        texture = np.ascontiguousarray(texture[:, ::-1])
    scale = rng.uniform(17, 21) / texture.shape[0]
    w, h = texture.shape[1] * scale, texture.shape[0] * scale
    # Fingers point down in the texture and the arm comes from its upper edge: turn it to come from below or from a side.
    side = rng.choice([-1, 1])
    a = side * rng.uniform(1.1, 3.0)
    grip = rng.uniform(0.15, 0.3) * h
    corners = np.array([[-w, -h], [w, -h], [w, h], [-w, h]]) / 2
    corners[:, 1] -= grip
    turn = np.array([[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]])
    corners = corners @ turn * rng.uniform(0.95, 1.05, (4, 1)) + rng.uniform(-1.2, 1.2, 2)
    layers = _held(scene, _with_arm(texture), _longer(corners), 0)
    return layers if layers and _covers(layers[0], face.mouth) else None


def _with_arm(texture: np.ndarray) -> np.ndarray:
    """Carries the cut wrist on beyond the upper edge, so that no straight cut shows in the picture."""
    h = texture.shape[0]
    return cv2.copyMakeBorder(texture, h // 2, 0, 0, 0, cv2.BORDER_REPLICATE)


def _longer(corners: np.ndarray) -> np.ndarray:
    out = corners.copy()
    out[0] += (corners[0] - corners[3]) / 2
    out[1] += (corners[1] - corners[2]) / 2
    return out


def _covers(layer: Layer, px: np.ndarray) -> bool:
    x, y = int(px[0]) - layer.x, int(px[1]) - layer.y
    h, w = layer.alpha.shape
    return 0 <= x < w and 0 <= y < h and layer.alpha[y, x] > 0.7


def _matched(rgba: np.ndarray, light: Light, rng: np.random.Generator) -> np.ndarray:
    texture = rgba.astype(np.float32) / 255
    mean = texture[..., :3][texture[..., 3] > 0.9].mean(0)
    gain = _skin(light, rng) / np.maximum(mean, 0.05)
    texture[..., :3] = np.clip(texture[..., :3] * gain ** rng.uniform(0.75, 1), 0, 1)
    return texture


def _drawn_hand(light: Light, rng: np.random.Generator) -> np.ndarray:
    """A plain hand from capsules, fingers down."""
    h, w = 150, 90
    skin = _skin(light, rng)
    texture = np.zeros((h, w, 4), np.float32)
    texture[..., :3] = skin
    palm = np.array([[24, 0], [62, 0], [68, 40], [70, 78], [16, 78], [18, 40]])
    parts = [((22 + 15 * k, 74), (20 + 16.5 * k, (122, 144, 148, 132)[k]), 13) for k in range(4)] + [((66, 48), (84, 92), 15)]
    shade = np.ones((h, w), np.float32)
    cv2.fillConvexPoly(texture, palm.astype(np.int32), (*skin.tolist(), 1.0), cv2.LINE_AA)
    for start, end, thick in parts:
        cv2.line(texture, tuple(map(int, start)), tuple(map(int, end)), (*skin.tolist(), 1.0), thick, cv2.LINE_AA)
        cv2.line(shade, (int(start[0] + thick / 2), int(start[1])), (int(end[0] + thick / 2), int(end[1])), 0.6, 3)
    texture[..., :3] *= cv2.GaussianBlur(shade, (0, 0), 2)[..., None] * fabrics.cloudy(rng, h, w, 0.05)[..., None]
    return np.clip(texture, 0, 1)


def _patch(scene: Scene, corners: np.ndarray, alpha: np.ndarray | None = None) -> list[Layer] | None:
    rng, assets = scene[3], scene[4]
    colour = fabrics.surgical_colour(rng) if rng.random() < 0.5 else fabrics.any_colour(rng)
    base = fabrics.plain(rng, 80, 80, colour) if rng.random() < 0.7 else fabrics.printed(rng, 80, 80, assets.textures)
    texture = things.solid(base)
    if alpha is not None:
        texture[..., 3] = alpha
    layer = _lay(scene, texture, corners, scene[1].place(np.array([0.0, 2.5, 2.0])))
    return None if layer is None else [layer]


def patch(*scene) -> list[Layer] | None:
    """A flat piece of anything over the eyes, the brow, a cheek or one side of the face."""
    rng, face = scene[3], scene[1]
    spot = rng.integers(4)
    side = rng.choice([-1, 1])
    if spot == 0:
        corners = _board(rng, rng.uniform(10, 20), rng.uniform(4, 7), (rng.uniform(-2, 2), rng.uniform(-4.5, -2.2)), 0.15)
    elif spot == 1:
        corners = _board(rng, rng.uniform(10, 20), rng.uniform(6, 12), (rng.uniform(-2, 2), rng.uniform(-12, -9)), 0.15)
    elif spot == 2:
        corners = _board(rng, rng.uniform(3, 6), rng.uniform(3, 7), (side * rng.uniform(4, 7), rng.uniform(-1, 5)), 0.5)
    else:
        w = rng.uniform(9, 14)
        corners = _board(rng, w, rng.uniform(16, 28), (side * (w / 2 + rng.uniform(0.8, 2.5)), rng.uniform(-2, 4)), 0.1)
    blob = None
    if rng.random() < 0.3:
        yy, xx = np.mgrid[-1:1:80j, -1:1:80j]
        wobble = 0.8 + 0.18 * np.sin(np.arctan2(yy, xx) * rng.integers(2, 5) + rng.uniform(0, 6))
        blob = np.clip((wobble - np.hypot(xx, yy)) * 20, 0, 1).astype(np.float32)
    layers = _patch(scene, corners, blob)
    if layers and spot < 2:
        _keep_free(layers[0], face, (*NOSE, *LIPS))
    elif layers:
        _keep_free(layers[0], face, LIPS)
    return layers


def _keep_free(layer: Layer, face: Face, points: tuple[int, ...]) -> None:
    hull = cv2.convexHull(np.round(face.points[list(points)] - [layer.x, layer.y]).astype(np.int32))
    hole = cv2.fillConvexPoly(np.zeros(layer.alpha.shape, np.uint8), hull, 1)
    covered = float((layer.alpha * hole).sum()) / max(int(hole.sum()), 1)
    if covered > 0.55:
        layer.alpha *= 1 - cv2.GaussianBlur(cv2.dilate(hole, np.ones((3, 3), np.uint8)).astype(np.float32), (0, 0), 0.6)


def sunglasses(*scene) -> list[Layer] | None:
    """Dark or mirrored glasses."""
    rng = scene[3]
    h, w = 48, 128
    colour = np.array([rng.uniform(0.02, 0.15)] * 3) if rng.random() < 0.75 else fabrics.any_colour(rng)
    texture = np.zeros((h, w, 4), np.float32)
    tint = (*colour.tolist(), 1.0)
    r = rng.uniform(0.5, 1)
    for x in (34, 94):
        cv2.ellipse(texture, (x, 25), (27, int(14 + 7 * r)), 0, 0, 360, tint, -1, cv2.LINE_AA)
        if r < 0.75:
            cv2.rectangle(texture, (x - 25, 10), (x + 25, 30), tint, -1)
    cv2.line(texture, (0, 17), (w, 17), tint, 4)
    gloss = np.linspace(rng.uniform(1, 1.5), 0.8, h).astype(np.float32)
    texture[..., :3] = np.clip(texture[..., :3] * gloss[:, None, None], 0, 1)
    texture[..., 3] *= rng.uniform(0.85, 1)
    face = scene[1]
    if abs(face.yaw) > 40:
        return None
    tall = rng.uniform(4.2, 5.4)
    band = np.array([[-7.0, -tall / 2, -2.0], [7.0, -tall / 2, -2.0], [7.0, tall / 2, -2.0], [-7.0, tall / 2, -2.0]])
    centre = face.place(np.array([0.0, 0.3, 1.5]))
    flat = (band @ face.pose[:, :3].T) / face.px_per_cm
    c, s = np.cos(-face.roll), np.sin(-face.roll)
    corners = flat @ np.array([[c, s], [-s, c]])
    layer = _lay(scene, texture, corners - corners.mean(0), centre)
    return None if layer is None else [layer]


def hat(*scene) -> list[Layer] | None:
    """A cap or woollen hat down to the brows."""
    rng, assets, face = scene[3], scene[4], scene[1]
    h, w = 100, 130
    base = fabrics.cloth(rng, h, w, assets.textures, 0.35) * fabrics.relief(rng, h, w, 4, 0.15)[..., None]
    across = np.linspace(-1, 1, w)
    base = base * (0.55 + 0.5 * np.sqrt(np.clip(1 - across**2 * 0.9, 0, 1)))[None, :, None]
    alpha = np.zeros((h, w), np.float32)
    cv2.ellipse(alpha, (w // 2, h), (w // 2, h - 2), 0, 180, 360, 1.0, -1, cv2.LINE_AA)
    band = int(rng.uniform(0.12, 0.3) * h)
    base[-band:] *= rng.uniform(0.6, 1.2)
    texture = np.dstack([np.clip(base, 0, 1), alpha]).astype(np.float32)
    wide, tall = rng.uniform(16, 19), rng.uniform(9, 13)
    at = (0.0, -3.0 - tall / 2 + rng.uniform(-1.5, 0.6))
    layer = _lay(scene, texture, _board(rng, wide, tall, at, 0.06, 0.04), face.place(np.array([0.0, 0.0, 2.0])))
    return None if layer is None else [layer]


def eye_mask(*scene) -> list[Layer] | None:
    """A sleeping mask or a carnival mask over the eyes; nose and mouth stay free."""
    shape, face, light, rng, assets = scene
    if abs(face.yaw) > 45:
        return None
    band = Shape(((-3.2, 2.2), (-1.4, 2.3), (0.4, 2.6), (2.2, 3.4)), (6.4, -2.4, -3), (6.4, 1.6, -3), 0.0, 1.8, 0.1)
    h, w = 96, 128
    texture = things.solid(fabrics.cloth(rng, h, w, assets.textures, 0.4))
    u, v = np.meshgrid(np.linspace(-1.1, 1.1, w), np.linspace(-0.08, 1.08, h))
    edge = np.abs(u) ** 4 + np.abs(2 * v - 1) ** 6
    notch = ((u / 0.22) ** 2 + ((v - 1.15) / 0.45) ** 2) < 1
    texture[..., 3] = np.clip((1 - edge) * 8, 0, 1) * (1 - notch)
    if rng.random() < 0.5:
        for x in (-0.5, 0.5):
            hole = ((u - x) / 0.2) ** 2 + ((v - 0.55) / 0.2) ** 2
            texture[..., 3] *= np.clip((hole - 1) * 4, 0, 1)
    layer = render(face, grid_of(band), texture, light, rng, shape)
    return None if layer is None else [layer]


Maker = Callable[..., list[Layer] | None]
OCCLUDERS: dict[str, Maker] = {
    "notebook": notebook, "paper": paper, "phone": phone, "cup": cup, "hand": hand, "sleeve": sleeve,
    "microphone": microphone, "held_cloth": held_cloth,
}  # fmt: skip
DECOYS: dict[str, Maker] = {"patch": patch, "sunglasses": sunglasses, "hat": hat, "eye_mask": eye_mask}
