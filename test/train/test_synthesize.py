"""Synthetic faces: same seed same pixels, labels true to what the pixels show, and None for points that are no face."""

import json
import time
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest

from maskgate_train import beside, decoys, masks, occluders, stray
from maskgate_train.assets import Assets
from maskgate_train.blend import Layer, measure_light
from maskgate_train.face import CHIN, LIPS, NOSE_BOTTOM, NOSE_TIP, fit_face
from maskgate_train.render import dress, pick_negative
from maskgate_train.synthesize import KINDS, glasses_of, pick_kind, synthesize

FIXTURE = Path(__file__).parents[1] / "fixtures" / "masked" / "points.json"
SIDE_PX = 112
NOTHING = Assets()


def crops() -> list[np.ndarray]:
    """Points of the fixture's faces, moved into square crops of 112 px."""
    rows = [np.array(r).reshape(-1, 2) for rows in json.loads(FIXTURE.read_text()).values() for r in rows]
    out = []
    for p in rows:
        middle, size = (p.min(0) + p.max(0)) / 2, np.ptp(p, axis=0).max()
        out.append((p - middle) * (0.64 * SIDE_PX / size) + SIDE_PX / 2)
    return out


def portrait(points: np.ndarray, seed: int = 0) -> np.ndarray:
    """A skin-coloured hull with eyes on a noisy ground: enough of a face for light to be measured."""
    rng = np.random.default_rng(seed)
    rgb = rng.integers(60, 90, (SIDE_PX, SIDE_PX, 3)).astype(np.uint8)
    hull = cv2.convexHull(points.astype(np.float32)).astype(np.int32)
    cv2.fillConvexPoly(rgb, hull, (196, 152, 128))
    for eye in (159, 386):
        cv2.circle(rgb, tuple(int(v) for v in points[eye]), 3, (40, 30, 30), -1)
    return rgb


FACES = [(portrait(p, i), p.astype(np.float32)) for i, p in enumerate(crops())]
FRONTAL = [f for f in FACES if abs(fit_face(f[1]).yaw) < 30]


def changed(before: np.ndarray, after: np.ndarray, at: np.ndarray) -> float:
    x, y = np.round(at).astype(int)
    patch = np.s_[y - 1 : y + 2, x - 1 : x + 2]
    return float(np.abs(after[patch].astype(int) - before[patch]).max(-1).mean())


def made(kind: str, faces: list, tries: int = 2, maker=None):
    """Undisturbed layers laid over the portraits: (before, after alpha map, points)."""
    for i, (rgb, points) in enumerate(faces):
        for t in range(tries):
            face = fit_face(points)
            light = measure_light(rgb, face)
            rng = np.random.default_rng([i, t])
            layers = (maker or KINDS[kind].make)(rgb.shape, face, light, rng, NOTHING)
            if layers:
                alpha = np.zeros(rgb.shape[:2], np.float32)
                for layer in layers:
                    h, w = layer.alpha.shape
                    part = alpha[layer.y : layer.y + h, layer.x : layer.x + w]
                    np.maximum(part, layer.alpha, out=part)
                yield alpha, points


def only_mask(kind: str):
    """The mask without the dark glasses or hat that sometimes come with it."""
    return lambda *scene: masks.put_on(kind, *scene)


def yaw(face: tuple[np.ndarray, np.ndarray]) -> float:
    return abs(fit_face(face[1]).yaw)


def at(alpha: np.ndarray, p: np.ndarray) -> float:
    x, y = np.clip(np.round(p).astype(int), 0, SIDE_PX - 1)
    return float(alpha[y, x])


@pytest.mark.parametrize("kind", list(KINDS))
def test_same_seed_same_pixels_and_input_untouched(kind):
    rgb, points = FRONTAL[0]
    kept = rgb.copy()
    a, b = (synthesize(rgb, points, kind, np.random.default_rng(5), NOTHING) for _ in range(2))
    assert np.array_equal(rgb, kept)
    assert (a is None and b is None) or np.array_equal(a, b)
    if kind == "gas":
        assert a is None, "gas masks exist as templates only"
    else:
        more = [synthesize(rgb, points, kind, np.random.default_rng(s), NOTHING) for s in range(6)]
        assert sum(m is not None for m in more) >= 3
        assert a is None or (a.dtype == np.uint8 and a.shape == rgb.shape)
    if kind not in ("gas", "bare"):
        assert len({m.tobytes() for m in more if m is not None}) > 1, "another seed must give another picture"


def test_labels():
    assert {k for k, v in KINDS.items() if v.label == 1} == set(masks.PROPER)
    assert set(masks.WRONG) | {"scarf"} | set(occluders.OCCLUDERS) | set(decoys.DECOYS) | {"bare"} == {
        k for k, v in KINDS.items() if v.label == 0
    }
    rng = np.random.default_rng(0)
    for label in (0, 1):
        assert all(KINDS[pick_kind(rng, label)].label == label for _ in range(200))
    assert "notebook" not in {pick_kind(rng, 0, frozenset({"notebook"})) for _ in range(400)}


def test_rendering_leaves_kinds_out_and_dresses_turned_heads_twice():
    left_out = frozenset(occluders.OCCLUDERS) - {"shape"}
    picked = Counter(pick_negative(np.random.default_rng(n), left_out) for n in range(300))
    assert not left_out & set(picked)
    assert 0.4 < picked["shape"] / 300 < 0.7, "the groups keep their shares"
    ahead, turned = [f for f in FACES if yaw(f) < 25], [f for f in FACES if yaw(f) > 25]
    for faces, expected in ((ahead[:3], [1, 0, 0]), (turned[:1], [1, 0, 0, 1])):
        assert faces
        for n, (rgb, points) in enumerate(faces):
            made = dress(rgb, points, (3, n), NOTHING, left_out)
            assert [KINDS[one.kind].label for one in made] == expected
            assert not left_out & {one.kind for one in made}


@pytest.mark.parametrize("kind", [k for k in masks.PROPER if k != "gas"])
def test_worn_properly_covers_nose_mouth_and_chin(kind):
    seen = 0
    for alpha, p in made(kind, FACES, maker=only_mask(kind)):
        for spot in (p[NOSE_TIP], p[NOSE_BOTTOM], p[13], p[17], p[61], p[291], p[CHIN] * 0.9 + p[17] * 0.1):
            assert at(alpha, spot) > 0.9
        assert max(at(alpha, p[159]), at(alpha, p[386])) < 0.1, "eyes stay free"
        seen += 1
    assert seen > len(FACES)


@pytest.mark.parametrize("kind", masks.WRONG)
def test_worn_wrong_leaves_the_nose(kind):
    seen = 0
    for alpha, p in made(kind, FACES, maker=only_mask(kind)):
        assert at(alpha, p[NOSE_TIP]) < 0.05
        assert at(alpha, p[NOSE_BOTTOM]) < 0.05
        if kind == "under_nose":
            assert at(alpha, p[17]) > 0.9, "the mouth is covered"
        else:
            assert np.mean([at(alpha, p[i]) for i in LIPS]) < 0.1, "the mouth is free"
        assert alpha.sum() > 60, "there is a mask to be seen"
        seen += 1
    assert seen > len(FACES) // 2


@pytest.mark.parametrize("kind", list(occluders.OCCLUDERS))
def test_occluder_covers_the_mouth_middle(kind):
    covered = [at(alpha, (p[13] + p[14]) / 2) > 0.7 for alpha, p in made(kind, FACES)]
    assert len(covered) > len(FACES) // 2
    assert np.mean(covered) > 0.95


def test_a_scarf_leaves_the_nose():
    mouths = []
    for alpha, p in made("scarf", FACES):
        assert max(at(alpha, p[NOSE_TIP]), at(alpha, p[NOSE_BOTTOM])) < 0.05
        assert alpha.sum() > 60
        mouths.append(at(alpha, p[17]) > 0.5)
    assert len(mouths) > len(FACES) // 2
    assert 0 < sum(mouths) < len(mouths), "over the mouth, and below it"


def test_a_beard_leaves_nose_and_lips():
    for alpha, p in made("beard", FRONTAL):
        assert at(alpha, p[NOSE_TIP]) < 0.05
        assert np.mean([at(alpha, p[i]) for i in LIPS]) < 0.4
        assert at(alpha, p[CHIN] * 0.85 + p[17] * 0.15) > 0.5


def test_a_shape_with_the_outline_of_a_mask_is_known():
    for rgb, points in FRONTAL[:6]:
        face, light = fit_face(points), measure_light(rgb, fit_face(points))
        worn = masks.put_on("cloth", rgb.shape, face, light, np.random.default_rng(0), NOTHING)[-1]
        assert stray.lies_like_a_mask(worn, face)
        whole = Layer(0, 0, rgb.astype(np.float32), np.ones(rgb.shape[:2], np.float32))
        assert not stray.lies_like_a_mask(whole, face)


@pytest.mark.parametrize("kind", ["shape", "food", "phone"])
def test_no_occluder_lies_like_a_mask_unless_held(kind):
    count = 0
    for i, (rgb, points) in enumerate(FRONTAL):
        face = fit_face(points)
        for t in range(4):
            rng = np.random.default_rng([i, t])
            layers = KINDS[kind].make(rgb.shape, face, measure_light(rgb, face), rng, NOTHING)
            if layers and len(layers) == 1:
                assert not stray.lies_like_a_mask(layers[0], face)
            count += layers is not None
    assert count > len(FRONTAL)


def test_things_aside_come_with_bare_and_masked_faces_and_hide_neither_nose_nor_mouth():
    rgb, points = FRONTAL[0]
    face, light = fit_face(points), measure_light(rgb, fit_face(points))
    alone = len(masks.put_on("fitted", rgb.shape, face, light, np.random.default_rng(0), NOTHING))
    more = 0
    for t in range(40):
        layers = KINDS["fitted"].make(rgb.shape, face, light, np.random.default_rng(t), NOTHING)
        extra = [layer for layer in layers if layer.over_glasses]
        more += bool(extra)
    assert alone <= 3 and 3 <= more <= 20
    shown = 0
    for t in range(80):
        layers = KINDS["aside"].make(rgb.shape, face, light, np.random.default_rng(t), NOTHING)
        shown += layers is not None
        assert beside.covered(layers or [], face) < 0.06
    assert shown > 60


def test_dark_skin_gets_dark_masks_more_often():
    rgb, points = FRONTAL[0]
    face = fit_face(points)
    shares = []
    for skin in (1.0, 0.35):
        picture = (rgb * skin).astype(np.uint8)
        picture[:4] = 250
        light = measure_light(picture, face)
        worn = [masks.put_on("n95", rgb.shape, face, light, np.random.default_rng(t), NOTHING)[-1] for t in range(60)]
        bright = [float(w.rgb[w.alpha > 0.9].mean()) / light.exposure for w in worn]
        shares.append(np.mean(np.array(bright) < 70))
    assert shares[1] > shares[0] + 0.1


@pytest.mark.parametrize("kind", list(decoys.DECOYS))
def test_decoy_leaves_nose_or_mouth_to_be_seen(kind):
    shown = []
    for alpha, p in made(kind, FACES, tries=8):
        mouth = np.mean([at(alpha, p[i]) for i in LIPS])
        shown.append(mouth < 0.6)
    assert len(shown) > len(FACES) // 2
    assert all(shown)


def test_unfit_faces_give_none():
    rgb, points = FRONTAL[0]
    rng = np.random.default_rng(0)
    scattered = np.random.default_rng(1).uniform(0, SIDE_PX, (468, 2))
    shaken = points + np.random.default_rng(2).normal(0, 1.5 * fit_face(points).px_per_cm, points.shape)
    for bad in (np.full((468, 2), np.nan), scattered, shaken, points * 0.02, points[:100]):
        assert synthesize(rgb, bad, "surgical", rng, NOTHING) is None


def test_glasses_stay_above_the_mask():
    rgb, points = FRONTAL[0]
    face = fit_face(points)
    assert glasses_of(rgb, face) is None
    rim = np.round(face.place(np.array([[x, 1.9, 0.8] for x in np.linspace(-5, -2, 8)]))).astype(np.int32)
    worn = rgb.copy()
    cv2.polylines(worn, [rim], False, (10, 10, 10), 1)
    keep = glasses_of(worn, face)
    assert keep is not None
    assert keep[rim[3, 1], rim[3, 0]] > 0.5


def test_any_size_of_picture():
    rgb, points = FRONTAL[0]
    big = cv2.resize(rgb, (448, 448))
    out = synthesize(big, points * 4, "fitted", np.random.default_rng(2), NOTHING)
    assert out is not None
    assert changed(big, out, points[17] * 4) > 8
    assert changed(big, out, points[10] * 4) < 30


def test_speed_floor():
    start, count = time.process_time(), 60
    for i in range(count):
        rgb, points = FRONTAL[i % len(FRONTAL)]
        synthesize(rgb, points, pick_kind(np.random.default_rng(i), i % 2), np.random.default_rng(i), NOTHING)
    assert count / (time.process_time() - start) > 40
