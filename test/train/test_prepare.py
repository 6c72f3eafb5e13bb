"""Splits never tear a person apart; faces get the label of the box they overlap; near-duplicates are found."""

import json

import cv2
import numpy as np
import pytest

from maskgate_train.corrections import correct, read_corrections
from maskgate_train.prepare import (
    group_of,
    kinds_by_annotation,
    main,
    near_duplicates,
    overlap,
    prepare,
    read_rows,
    split_of,
    write_rows,
)


def scene(rng: np.random.Generator) -> np.ndarray:
    return cv2.resize(rng.integers(0, 256, (9, 9, 3), np.uint8), (112, 112), interpolation=cv2.INTER_CUBIC)


def test_a_person_has_one_split():
    assert group_of("lfw112", "p0012_00003") == group_of("lfw112", "p0012_00999") == "p0012"
    assert group_of("aaf", "p0012_00003") == "p0012_00003"


def test_split_is_fixed_for_ever_and_of_the_stated_size():
    assert [split_of("aaf", f"0000{n}A20") for n in range(6)] == [split_of("aaf", f"0000{n}A20") for n in range(6)]
    for source, share in (("kaggle853", 0.2), ("chandrikadeb7", 0.2), ("aaf", 0.1)):
        splits = [split_of(source, str(n)) for n in range(4000)]
        assert splits.count("test") / 4000 == pytest.approx(share, abs=0.02)
        assert splits.count("val") / 4000 == pytest.approx(0.04, abs=0.01)


def test_faces_take_the_label_of_the_annotated_box():
    note = {"size": [800, 400], "faces": [{"label": "with_mask", "box": [100, 100, 200, 200]}]}
    box = {"x": 52, "y": 48, "width": 50, "height": 50}
    line = {"widthPx": 400, "faces": [{"box": box}, {"box": {**box, "x": 300}}]}
    assert kinds_by_annotation(line, note) == ["masked", None]
    assert kinds_by_annotation(line, None) == [None, None]
    assert overlap((0, 0, 2, 2), (1, 0, 3, 2)) == pytest.approx(1 / 3)


def test_near_duplicates_of_test_pictures_are_found_and_strangers_are_not():
    rng = np.random.default_rng(4)
    test, stranger = scene(rng), scene(rng)
    again = cv2.convertScaleAbs(test, alpha=0.9, beta=9)
    pictures = np.stack([test, again, again[:, ::-1], stranger])
    rows = [{"split": s} for s in ("test", "train", "val", "train")]
    assert near_duplicates(pictures, rows).tolist() == [False, True, True, False]


def test_prepare_reads_what_crops_wrote(tmp_path):
    rng, lines = np.random.default_rng(1), []
    folder = tmp_path / "lfw112-bare"
    folder.mkdir()
    for n in range(40):
        crops = [f"p{n:04d}_1-{k}.png" for k in range(2)]
        for crop in crops:
            cv2.imwrite(str(folder / crop), scene(rng))
        box = {"x": 0, "y": 0, "width": 50, "height": 50}
        lines.append({"file": f"/x/without_mask/p{n:04d}_1.jpg", "faces": [{"crop": c, "box": box} for c in crops]})
    lines.append({"file": "/x/without_mask/p9999_1.jpg", "error": "cannot be read"})
    (folder / "crops.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    prepare(tmp_path, None, tmp_path / "arrays", tmp_path / "held-out")
    rows = read_rows(tmp_path / "arrays" / "rows.jsonl")
    assert len(rows) == 40, "the largest face of each picture, no other"
    assert np.load(tmp_path / "arrays" / "pictures.npy").shape == (40, 112, 112, 3)
    held_out = set((tmp_path / "held-out" / "lfw112.txt").read_text().split())
    assert held_out >= {r["file"] for r in rows if r["split"] == "test"} != set()
    assert not held_out & {r["file"] for r in rows if r["split"] != "test"}


def test_corrections_change_kind_and_label_keep_what_the_source_said_and_can_be_taken_back(tmp_path):
    rows = [{"crop": f"mask12k-masked/{n}-0.png", "kind": "masked", "label": 1} for n in range(3)]
    file = tmp_path / "mask12k.txt"
    file.write_text("# two looked\nmask12k-masked/1-0.png worn_wrong\n\nmask12k-masked/2-0.png unclear  # a veil\n")
    once = correct(rows, read_corrections(tmp_path))
    assert [(r["kind"], r["label"], r.get("was")) for r in once] == [
        ("masked", 1, None),
        ("worn_wrong", 0, "masked"),
        ("unclear", None, "masked"),
    ]
    assert correct(once, read_corrections(tmp_path)) == once
    assert correct(once, {}) == rows
    with pytest.raises(ValueError, match="1 corrected crops are not there, mask12k-masked/9-0.png first"):
        correct(rows, {"mask12k-masked/9-0.png": "bare"})
    assert correct(rows, {"aaf/9-0.png": "bare"}) == rows, "a source that is not prepared here"
    for line in ("x.png", "x.png proper", "mask12k-masked/1-0.png bare"):
        file.write_text(f"mask12k-masked/1-0.png worn_wrong\n{line}\n")
        with pytest.raises(ValueError, match=r"mask12k.txt:2: "):
            read_corrections(tmp_path)


def test_corrections_of_arrays_that_were_prepared_change_their_rows_alone(tmp_path):
    rows = [{"crop": f"aaf/{n}-0.png", "kind": "bare", "label": 0, "source": "aaf", "split": "test"} for n in range(2)]
    write_rows(tmp_path / "rows.jsonl", rows)
    (tmp_path / "corrections").mkdir()
    (tmp_path / "corrections" / "aaf.txt").write_text("aaf/1-0.png worn_wrong\n")
    assert main(["--out", str(tmp_path), "--correct-only", "--corrections", str(tmp_path / "corrections")]) == 0
    assert [r["kind"] for r in read_rows(tmp_path / "rows.jsonl")] == ["bare", "worn_wrong"]


def test_corrections_that_cannot_be_are_refused_in_one_line_and_change_nothing(tmp_path, capsys):
    write_rows(tmp_path / "rows.jsonl", [{"crop": "aaf/1-0.png", "kind": "bare", "label": 0}])
    before = (tmp_path / "rows.jsonl").read_bytes()
    given = ["--out", str(tmp_path), "--correct-only", "--corrections"]
    assert main([*given, str(tmp_path / "none")]) == 2
    assert "none: no such folder" in capsys.readouterr().err
    (tmp_path / "aaf.txt").write_text("aaf/2-0.png bare\n")
    assert main([*given, str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith("prepare: 1 corrected crops are not there, aaf/2-0.png first")
    assert (tmp_path / "rows.jsonl").read_bytes() == before
