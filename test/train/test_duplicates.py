"""The same photograph in two sources or beside the test part is found, however cropped; of two the right one goes."""

import os

import cv2
import numpy as np
import pytest

from maskgate_train.duplicates import find_pairs, hidden_twins, load_pairs, near_duplicates, redundant, twins_of
from maskgate_train.prepare import main, write_rows


def scene(rng: np.random.Generator) -> np.ndarray:
    return cv2.resize(rng.integers(0, 256, (9, 9, 3), np.uint8), (112, 112), interpolation=cv2.INTER_CUBIC)


def again(rgb: np.ndarray) -> np.ndarray:
    """Mirrored, cropped a bit, darker and recompressed."""
    near = cv2.resize(rgb[3:110, 4:111][:, ::-1], (112, 112))
    _, data = cv2.imencode(".jpg", cv2.convertScaleAbs(near, alpha=0.8), [cv2.IMWRITE_JPEG_QUALITY, 50])
    return cv2.imdecode(data, cv2.IMREAD_COLOR)


def turned_by_a_tool(rgb: np.ndarray, degrees: float) -> np.ndarray:
    """Turned about a point beside the middle with black corners, as sources augment, then mirrored and recompressed."""
    turn = cv2.getRotationMatrix2D((54, 58), degrees, 1.03)
    _, data = cv2.imencode(".jpg", cv2.warpAffine(rgb, turn, (112, 112))[:, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 60])
    return cv2.imdecode(data, cv2.IMREAD_COLOR)


def folder(path, splits: tuple[str, str] = ("train", "train")) -> tuple[np.ndarray, list[dict]]:
    """Six pictures of `big`, three of `small`: small's first is big's second again, and so is big's third."""
    rng = np.random.default_rng(4)
    pictures = np.stack([scene(rng) for _ in range(9)])
    pictures[6], pictures[2] = again(pictures[1]), pictures[1]
    rows = [{"source": "big" if n < 6 else "small", "kind": "bare", "split": "train"} for n in range(9)]
    rows[1]["split"], rows[6]["split"] = splits
    np.save(path / "pictures.npy", pictures)
    write_rows(path / "rows.jsonl", rows)
    return pictures, rows


def test_pairs_are_of_two_sources_or_of_two_parts_of_one(tmp_path):
    pictures, rows = folder(tmp_path)
    assert find_pairs(pictures, rows).tolist() == [[1, 6], [2, 6]]
    for part in ("test", "val"):
        pictures, rows = folder(tmp_path, (part, "train"))
        assert find_pairs(pictures, rows).tolist() == [[1, 2], [1, 6], [2, 6]]


@pytest.mark.parametrize("degrees", [-25, -17, -8, 4, 12, 22])
def test_a_picture_that_was_turned_is_the_same(degrees):
    rng = np.random.default_rng(6)
    one, stranger = scene(rng), scene(rng)
    rows = [{"source": "a", "split": "train"}, {"source": "a", "split": "test"}, {"source": "b", "split": "train"}]
    pictures = np.stack([turned_by_a_tool(one, degrees), one, turned_by_a_tool(stranger, degrees)])
    assert find_pairs(pictures, rows).tolist() == [[0, 1]]
    assert near_duplicates(pictures, rows).tolist() == [True, False, False]


def test_what_validates_stays_and_its_twin_of_the_same_source_leaves_the_training_part():
    rows = [{"source": "a", "split": s} for s in ("train", "val", "train", "test")]
    pairs = np.array([[0, 1], [1, 2]])
    assert redundant(pairs, rows).tolist() == [True, False, True, False]
    assert hidden_twins(rows, pairs, {"train"}) == {0, 2}
    assert hidden_twins(rows, pairs, {"train", "val"}) == frozenset()
    assert hidden_twins(rows, np.array([[1, 3]]), {"val"}) == {1}
    assert hidden_twins(rows, np.array([[1, 3]]), {"test"}) == frozenset(), "what is measured stays"


def test_a_picture_of_something_similar_is_not_the_same():
    rng = np.random.default_rng(5)
    one = scene(rng)
    other = cv2.addWeighted(one, 0.78, scene(rng), 0.22, 0)
    rows = [{"source": s, "split": "train"} for s in ("a", "b")]
    assert len(find_pairs(np.stack([one, other]), rows)) == 0
    assert len(find_pairs(np.stack([one, again(one)]), rows)) == 1


def test_twins_are_of_those_not_chosen(tmp_path):
    pictures, rows = folder(tmp_path)
    pairs = find_pairs(pictures, rows)
    small = np.array([r["source"] == "small" for r in rows])
    assert twins_of(small, pairs) == {1, 2}
    assert twins_of(~small, pairs) == {6}
    assert twins_of(np.ones(9, bool), pairs) == frozenset()


def test_the_larger_source_gives_way_but_never_a_test_picture_to_a_training_one(tmp_path):
    assert np.flatnonzero(near_duplicates(*folder(tmp_path))).tolist() == [1, 2]
    assert np.flatnonzero(near_duplicates(*folder(tmp_path, ("test", "train")))).tolist() == [2, 6]
    assert np.flatnonzero(near_duplicates(*folder(tmp_path, ("test", "test")))).tolist() == [1, 2]


def test_pairs_are_kept_until_the_pictures_change(tmp_path, capsys):
    _, rows = folder(tmp_path)
    assert main(["--duplicates-only", "--out", str(tmp_path)]) == 0
    assert "2 pairs of 3 pictures, 2 pairs across sources" in capsys.readouterr().out
    kept = tmp_path / "duplicates.npz"
    nothing, version = np.zeros((0, 2), np.int64), np.load(kept)["version"]
    np.savez(kept, pairs=nothing, version=version)
    assert len(load_pairs(tmp_path, rows)) == 0, "what is kept is used"
    np.savez(kept, pairs=nothing, version=version - 1)
    assert len(load_pairs(tmp_path, rows)) == 2, "what another version of the search found is not"
    np.savez(kept, pairs=nothing, version=version)
    old = (tmp_path / "pictures.npy").stat().st_mtime - 10
    os.utime(kept, (old, old))
    assert len(load_pairs(tmp_path, rows)) == 2
    assert [f.name for f in tmp_path.glob("duplicates*")] == ["duplicates.npz"]
