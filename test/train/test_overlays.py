"""Demo overlays: the stored ones belong to their index, and drawing them needs no pixel of a person."""

import json
from pathlib import Path

import cv2
import numpy as np

from maskgate_train.blend import Layer, compose
from maskgate_train.overlays import flatten, save

STORED = Path(__file__).parents[1] / "fixtures" / "masked"


def test_flatten_equals_composing_the_layers():
    rng = np.random.default_rng(0)
    ground = rng.integers(0, 255, (40, 50, 3)).astype(np.uint8)
    layers = []
    for x, y in ((3, 4), (10, 8)):
        alpha, shadow = rng.random((20, 24), np.float32), 0.4 * rng.random((20, 24), np.float32)
        layers.append(Layer(x, y, rng.uniform(0, 255, (20, 24, 3)).astype(np.float32), alpha, shadow))
    rgba = flatten(layers, ground.shape)
    a = rgba[..., 3:] / 255
    once = ground * (1 - a) + rgba[..., :3] * a
    assert np.abs(once - compose(ground, layers)).max() <= 2


def test_saved_part_is_cropped_and_placed(tmp_path):
    rgba = np.zeros((30, 40, 4), np.float32)
    rgba[5:9, 7:17] = (200, 100, 40, 255)
    assert save(rgba, tmp_path / "o.png") == (7, 5)
    back = cv2.imread(str(tmp_path / "o.png"), cv2.IMREAD_UNCHANGED)
    assert back.shape == (4, 10, 4)
    assert tuple(back[0, 0]) == (40, 100, 200, 255)


def test_stored_overlays_match_the_index():
    index = json.loads((STORED / "index.json").read_text())["overlays"]
    assert {e["picture"] for e in index} == {f"sample{n}.jpg" for n in range(1, 7)}
    whole = [e for e in index if e["file"].endswith("-masked.png")]
    assert sum(len(e["faces"]) for e in whole) == 22
    assert not any(f["kind"] == "skipped" for e in index for f in e["faces"])
    for entry in index:
        rgba = cv2.imread(str(STORED / entry["file"]), cv2.IMREAD_UNCHANGED)
        assert rgba is not None
        assert rgba.shape[2] == 4
        for face in entry["faces"]:
            box = face["box"]
            y, x = box["y"] + int(0.8 * box["height"]) - entry["y"], box["x"] + box["width"] // 2 - entry["x"]
            assert rgba[y, x, 3] == 255, f"{entry['file']}: nothing over the mouth of {face}"
    assert sum(f.stat().st_size for f in STORED.iterdir()) < 1_500_000
