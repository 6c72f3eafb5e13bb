"""The same photograph in two sources is found, mirrored and recompressed; of two the right one goes."""

import os

import cv2
import numpy as np

from maskgate_train.duplicates import across_sources, load_pairs, redundant, twins_of
from maskgate_train.prepare import main, write_rows


def scene(rng: np.random.Generator) -> np.ndarray:
    return cv2.resize(rng.integers(0, 256, (9, 9, 3), np.uint8), (112, 112), interpolation=cv2.INTER_CUBIC)


def folder(path, splits: tuple[str, str] = ("train", "train")) -> tuple[np.ndarray, list[dict]]:
    """Six pictures of `big`, three of `small`: small's first is big's second, mirrored and recompressed."""
    rng = np.random.default_rng(4)
    pictures = np.stack([scene(rng) for _ in range(9)])
    _, data = cv2.imencode(".jpg", pictures[1][:, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 50])
    pictures[6] = cv2.imdecode(data, cv2.IMREAD_COLOR)
    pictures[2] = pictures[1]
    rows = [{"source": "big" if n < 6 else "small", "kind": "bare", "split": "train"} for n in range(9)]
    rows[1]["split"], rows[6]["split"] = splits
    np.save(path / "pictures.npy", pictures)
    write_rows(path / "rows.jsonl", rows)
    return pictures, rows


def test_pairs_are_of_two_sources(tmp_path):
    pictures, rows = folder(tmp_path)
    pairs = across_sources(pictures, rows)
    assert pairs.tolist() == [[1, 6], [2, 6]]
    assert twins_of("small", pairs, rows) == {1, 2}
    assert twins_of("big", pairs, rows) == {6}
    assert twins_of("other", pairs, rows) == frozenset()


def test_the_larger_source_gives_way_but_never_a_test_picture_to_a_training_one(tmp_path):
    pictures, rows = folder(tmp_path)
    assert np.flatnonzero(redundant(across_sources(pictures, rows), rows)).tolist() == [1, 2]
    pictures, rows = folder(tmp_path, ("test", "train"))
    assert np.flatnonzero(redundant(across_sources(pictures, rows), rows)).tolist() == [6]


def test_pairs_are_kept_until_the_pictures_change(tmp_path, capsys):
    pictures, rows = folder(tmp_path)
    assert main(["--duplicates-only", "--out", str(tmp_path)]) == 0
    assert "2 pairs across sources, 3 pictures" in capsys.readouterr().out
    kept = tmp_path / "duplicates.npy"
    np.save(kept, np.zeros((0, 2), np.int64))
    assert len(load_pairs(tmp_path, rows)) == 0, "what is kept is used"
    old = (tmp_path / "pictures.npy").stat().st_mtime - 10
    os.utime(kept, (old, old))
    assert len(load_pairs(tmp_path, rows)) == 2
    assert [f.name for f in tmp_path.glob("duplicates*")] == ["duplicates.npy"]
