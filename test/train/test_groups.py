"""Age from names, tone from skin: classes by their angle, and no class where there is no skin to measure."""

import cv2
import numpy as np
import pytest

from maskgate_train.data import Pool
from maskgate_train.groups import age_band, by_group, skin_angle, tone_of_angle, tones

NOWHERE = np.full((468, 2), np.nan, np.float32)
MIDDLE = np.full((468, 2), 56, np.float32)


def face(lightness: float, a: float, b: float) -> np.ndarray:
    lab = np.full((112, 112, 3), (lightness, a, b), np.float32)
    rgb = (cv2.cvtColor(lab, cv2.COLOR_LAB2RGB) * 255).round().astype(np.uint8)
    rgb[:10] = 250
    return rgb


def row(**facts) -> dict:
    return {"source": "aaf", "group": "00000A02", "kind": "bare", "label": 0, "synthetic": False, **facts}


@pytest.mark.parametrize(
    ("name", "expected"),
    [("00000A02", "00-12"), ("06000A13", "13-19"), ("1A39", "20-39"), ("1A60", "60+"), ("1", None)],
)
def test_age_is_read_from_aafs_names_alone(name, expected):
    assert age_band(row(group=name)) == expected
    assert age_band(row(group=name, source="mask12k")) is None


@pytest.mark.parametrize(
    ("angle", "name"),
    [(60, "very light"), (50, "light"), (30, "intermediate"), (20, "tan"), (0, "brown"), (-31, "dark")],
)
def test_classes_of_the_typology_angle(angle, name):
    assert tone_of_angle(angle) == name


@pytest.mark.parametrize(("lightness", "expected"), [(75, 51.3), (60, 26.6), (45, -14.0), (35, -36.9)])
def test_angle_is_the_one_of_the_patch(lightness, expected):
    assert skin_angle(face(lightness, 14, 20), MIDDLE, False) == pytest.approx(expected, abs=2.5)


def test_no_tone_without_skin_colour_light_or_mesh():
    assert skin_angle(face(60, 0, 0), MIDDLE, False) is None, "grey"
    assert skin_angle(face(60, -10, -20), MIDDLE, False) is None, "blue"
    dark = face(30, 12, 16)
    dark[:10] = 40
    assert skin_angle(dark, MIDDLE, False) is None, "underexposed"
    assert skin_angle(face(60, 14, 20), NOWHERE, False) is None, "a bare face without a mesh"
    assert skin_angle(face(60, 14, 20), NOWHERE, True) is not None, "a masked one: the usual forehead"


def test_a_mask_does_not_tint_its_wearer(tmp_path):
    """A rendered picture has the tone of the bare face under it; a real masked face that of its forehead."""
    masked = face(75, 14, 20)
    masked[50:] = face(35, 14, 20)[50:]
    points = MIDDLE.copy()
    points[:, 1] = 30
    points[[50, 280, 101, 330, 205, 425]] = [(20 + 12 * n, 80) for n in range(6)]
    np.save(tmp_path / "landmarks.npy", np.stack([points, points]))
    rows = [row(kind="surgical", label=1, synthetic=True, of=1), row(kind="masked", label=1)]
    parts = [np.stack([masked, face(45, 14, 20)]), np.stack([masked])]
    pool = Pool(parts, np.array([[1, 0], [0, 0]]), rows)
    assert tones(pool, tmp_path) == ["brown", "light"]


def test_masks_that_a_source_drew_are_a_part_of_their_own(tmp_path):
    np.save(tmp_path / "landmarks.npy", np.stack([MIDDLE] * 4))
    rows = [row(source=s, kind="masked", label=1) for s in ("lfw112", "lfw112", "lfw112", "mask12k")]
    pool = Pool([np.stack([face(75, 14, 20)] * 4)], np.array([[0, n] for n in range(4)]), rows)
    parts = by_group(pool, tmp_path, np.arange(4) < 3)["tone"]["parts"]
    counts = {p["what"]: [(g["accepted"]["rate"], g["accepted"]["n"]) for g in p["groups"]] for p in parts}
    assert counts == {"masked, real": [(0.0, 1)], "masked, source's render": [(1.0, 3)]}


def test_groups_count_what_they_could_not_measure(tmp_path):
    np.save(tmp_path / "landmarks.npy", np.stack([MIDDLE] * 80))
    light, grey = face(75, 14, 20), face(60, 0, 0)
    rows = [row(group=f"{n}A{10 if n < 40 else 70}") for n in range(80)]
    pool = Pool([np.stack([light] * 60 + [grey] * 20)], np.array([[0, n] for n in range(80)]), rows)
    result = by_group(pool, tmp_path, np.arange(80) < 4)
    assert (result["tone"]["unmeasured"], result["tone"]["of"]) == (20, 80)
    (part,) = result["age"]["parts"]
    assert [(g["name"], g["accepted"]["rate"], g["accepted"]["n"]) for g in part["groups"]] == [
        ("00-12", 0.1, 40),
        ("60+", 0.0, 40),
    ]
    assert part["gap"]["wide"] and part["gap"]["points"] == 10
    assert by_group(pool, tmp_path / "nowhere", np.zeros(80, bool))["tone"]["unmeasured"] == 80
