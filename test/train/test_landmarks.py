"""Landmark files: what is written can be read, and pictures without a face are left out."""

import numpy as np

from maskgate_train.landmarks import load_landmarks, pictures_below


def test_round_trip_leaves_out_pictures_without_a_face(tmp_path):
    points = np.full((2, 468, 2), np.nan, np.float32)
    points[1] = 3.5
    file = tmp_path / "landmarks.npz"
    np.savez_compressed(file, names=np.array(["a.png", "b/c.png"]), points=points, ok=np.array([False, True]))
    known = load_landmarks(file)
    assert list(known.by_name()) == ["b/c.png"]
    assert known.by_name()["b/c.png"].shape == (468, 2)


def test_pictures_below_is_sorted_and_knows_pictures(tmp_path):
    for name in ("b.png", "a.JPG", "crops.jsonl"):
        (tmp_path / name).write_bytes(b"")
    assert [p.name for p in pictures_below(tmp_path)] == ["a.JPG", "b.png"]
