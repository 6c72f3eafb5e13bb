"""The whole path's measure: what was not found counts, what was found is matched to its own face."""

import io
import json

import pytest

from maskgate_train.corrections import FOLDER
from maskgate_train.whole_path import by_annotations, by_folder, main, measure, names_by_stem


def face(x: float, masked: float, side_px: float = 50) -> dict:
    return {"box": {"x": x, "y": 10, "width": side_px, "height": side_px}, "score": 0.9, "masked": masked}


def test_folders_take_the_largest_face_and_count_the_missing():
    lines = [
        {"file": "a/with_mask/1.jpg", "widthPx": 90, "heightPx": 80, "faces": [face(0, 0.9), face(60, 0.1)]},
        {"file": "a/with_mask/2.jpg", "widthPx": 90, "heightPx": 80, "faces": []},
        {"file": "a/without_mask/3.jpg", "widthPx": 90, "heightPx": 80, "faces": [face(0, 0.8)]},
    ]
    result = measure(by_folder(lines)[0], 0.5, 40)
    assert result["groups"]["with_mask"]["found"]["rate"] == 0.5
    assert result["groups"]["with_mask"]["accepted"]["rate"] == 1.0
    assert result["groups"]["without_mask"]["accepted"]["rate"] == 1.0
    assert result["accuracy"]["rate"] == 0.5


def test_scenes_match_each_annotated_face_and_leave_small_ones_out():
    scenes = [
        {
            "file": "s.jpg",
            "faces": [
                {"label": "with_mask", "box": [0, 10, 50, 60]},
                {"label": "without_mask", "box": [60, 10, 110, 60]},
                {"label": "without_mask", "box": [200, 10, 220, 30]},
                {"label": "mask_weared_incorrect", "box": [300, 10, 350, 60]},
            ],
        }
    ]
    lines = [{"file": "x/s.jpg", "faces": [face(2, 0.9), face(58, 0.2)]}]
    result = measure(by_annotations(lines, scenes), 0.5, 40)
    assert result["accuracy"] == {**result["accuracy"], "rate": 1.0, "n": 2}
    assert result["groups"]["mask_weared_incorrect"]["found"]["rate"] == 0.0
    assert result["groups"]["without_mask"]["found"]["n"] == 1


def test_faces_are_counted_by_size_too_small_ones_apart():
    def line(side_px: int, faces: list[dict]) -> dict:
        return {"file": "a/with_mask/1.jpg", "widthPx": side_px, "heightPx": side_px, "faces": faces}

    lines = [line(30, []), line(90, [face(0, 0.9, 60)]), line(170, [face(0, 0.2, 100)]), line(500, [])]
    group = measure(by_folder(lines)[0], 0.5, 40, "four")["groups"]["with_mask"]
    assert group["found"] == {**group["found"], "rate": round(2 / 3, 5), "n": 3}
    sizes = {s["name"]: (s["found"]["rate"], s["accepted"]["rate"]) for s in group["bySize"]}
    assert sizes == {
        "0 to 39 px": (0, None),
        "40 to 79 px": (1, 1),
        "80 to 159 px": (1, 0),
        "160 px and more": (0, None),
    }


def test_one_label_for_every_picture():
    lines = [{"file": "anywhere/1.jpg", "widthPx": 90, "heightPx": 80, "faces": [face(0, 0.9)]}]
    assert by_folder(lines, "without_mask")[0][0].label == 0
    with pytest.raises(SystemExit, match="lies in none of"):
        by_folder(lines)


def test_folders_have_corrected_labels_and_leave_out_what_nobody_would_agree_on(tmp_path):
    kinds = {"wrong-0": "worn_wrong", "was-bare-0": "bare", "veil-0": "unclear", "crowd-1": "bare"}
    (tmp_path / "east.txt").write_text("".join(f"east-masked/{crop}.png {kind}\n" for crop, kind in kinds.items()))
    stems = ("right", "wrong", "was-bare", "veil", "crowd")
    lines = [{"file": f"a/with_mask/{s}.jpg", "faces": [face(0, 0.9)]} for s in stems]
    seen, unclear = by_folder(lines, corrected=names_by_stem(tmp_path))
    assert [(s.name, s.label) for s in seen] == [
        ("with_mask", 1),
        ("mask_weared_incorrect", 0),
        ("without_mask", 0),
        ("with_mask", 1),
    ], "of a picture's faces the largest is meant, so a smaller one's correction is not"
    assert unclear == 1
    (tmp_path / "west.txt").write_text("west-masked/wrong-0.png bare\n")
    with pytest.raises(ValueError, match="wrong-0 are corrected to different kinds"):
        names_by_stem(tmp_path)
    assert names_by_stem(FOLDER)["00e0f6887242"] == "mask_weared_incorrect", "the trainer's own are read"


def test_the_command_takes_the_models_threshold_unless_told(tmp_path, monkeypatch, capsys):
    (tmp_path / "manifest.json").write_text(json.dumps({"threshold": 0.77}))
    line = json.dumps({"file": "a/with_mask/00e0f6887242.jpg", "faces": [face(0, 0.7)]})

    def told(*more: str) -> dict:
        monkeypatch.setattr("sys.stdin", io.StringIO(line))
        main(["--labels", "folders", "--model", str(tmp_path), *more])
        return json.loads(capsys.readouterr().out)

    result = told()
    assert (result["threshold"], result["accuracy"]["rate"], result["unclear"]) == (0.77, 1, 0)
    assert list(result["groups"]) == ["mask_weared_incorrect"], "corrected by the trainer's own file"
    assert told("--threshold", "0.5")["accuracy"]["rate"] == 0
    with pytest.raises(SystemExit, match="no manifest.json"):
        told("--model", str(tmp_path / "none"))
