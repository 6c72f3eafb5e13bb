"""What is measured: the right pictures, a threshold from others, the documented keys, no bare face by its blur."""

import json

import cv2
import numpy as np
import pytest
from conftest import write_arrays

from maskgate_train.card import model_card
from maskgate_train.evaluate import KEYS, evaluate, main, show, threshold_of
from maskgate_train.measure import RENDERS, Wanted, is_photograph, is_render, left_out, name_of, select
from maskgate_train.prepare import FOLDERS, read_rows, write_rows
from maskgate_train.probes import as_mask12k, changes, sharpness
from maskgate_train.scores import Scorer

MANIFEST = {
    "name": "m", "version": "1", "threshold": 0.5, "trainingData": {"pictures": 9, "dataHash": "d"},
    "trainedWith": {"recipe": {"preset": "door", "batch": 32, "seed": 1}, "steps": 3, "minutes": 1.0,
                    "processor": "x86_64", "torch": "2", "python": "3.11"},
}  # fmt: skip
KNOWN = {"recipe": {"preset": "door", "seed": 1, "momentum": 0.9}, "dataHash": "0"}


class Bright(Scorer):
    """Masked is what is bright below: true of the generated pictures. Counts what it was asked anew."""

    def __init__(self, memory, facts=KNOWN, weights="bright" * 4):
        super().__init__("bright", weights, facts, memory, 1)
        self.asked = 0

    def _open(self):
        test = self

        class Session:
            def run(self, _, feed):
                test.asked += len(feed["image"])
                return [np.clip(feed["image"][:, 60:].mean((1, 2, 3)) / 250, 0, 1).astype(np.float32)]

        return Session()


@pytest.fixture(scope="module")
def result(arrays, tmp_path_factory):
    out = tmp_path_factory.mktemp("evaluation")
    return evaluate(Bright(out), arrays, out, Wanted(probes=6)), out


def names(pool) -> set[str]:
    return {f"{r['source']} {r['split']} {r['kind']}" for r in pool.rows}


def test_keys_are_the_documented_ones(result):
    assert set(result[0]) == set(KEYS)
    assert json.loads((result[1] / "evaluation.json").read_text()) == result[0]


def test_every_rate_lies_in_its_interval(result):
    found = []

    def walk(v):
        if isinstance(v, dict) and set(v) == {"rate", "low", "high", "n"}:
            found.append(v)
        for x in v.values() if isinstance(v, dict) else v if isinstance(v, list) else []:
            walk(x)

    walk(result[0])
    assert len(found) > 40
    assert all(r["rate"] is None or r["low"] <= r["rate"] <= r["high"] for r in found)


def test_a_perfect_model_is_measured_as_one(result):
    facts = result[0]
    assert facts["total"]["real"]["balancedAccuracy"]["rate"] == 1
    assert facts["roc"]["real"]["area"] == 1
    assert [s["name"] for s in facts["sources"]] == ["east", "west"]
    assert {m["name"]: m["wrong"]["rate"] for m in facts["mistakes"]}["bare"] == 0
    assert all((result[1] / m["sheet"]).exists() for m in facts["mistakes"])
    assert "balancedAccuracy" in show(facts)
    assert "the search's floor decided" in show(facts)


def test_renders_of_a_source_are_in_no_number_of_photographs(tmp_path):
    """east becomes lfw112, whose masks are drawn; they are dark here, so that this model refuses each of them."""
    folder = write_arrays(tmp_path, 112)
    pictures, rows = np.load(folder / "pictures.npy"), read_rows(folder / "rows.jsonl")
    for i, row in enumerate(rows):
        row["source"] = {"east": "lfw112"}.get(row["source"], row["source"])
        if (row["source"], row["kind"]) == ("lfw112", "masked"):
            pictures[i] //= 9
    np.save(folder / "pictures.npy", pictures)
    write_rows(folder / "rows.jsonl", rows)
    facts = evaluate(Bright(tmp_path / "memory"), folder, tmp_path, Wanted(probes=20))
    by_kind = {g["name"]: g["accepted"] for g in facts["byKind"]}
    drawn = by_kind["masked, source's render"]
    assert (by_kind["masked"]["rate"], drawn["rate"], drawn["n"]) == (1, 0, 2)
    assert facts["total"]["real"]["falseReject"]["rate"] == 0 and facts["total"]["renders"]["falseReject"]["rate"] == 1
    assert facts["roc"]["real"]["area"] == 1 > facts["roc"]["everything"]["area"]
    lfw = next(s for s in facts["sources"] if s["name"] == "lfw112")
    assert lfw["balancedAccuracy"] is None and lfw["renders"]["falseReject"]["n"] == 2 and lfw["falseAccept"]["n"] == 2
    assert lfw["synthetic"]["falseAccept"]["n"] == sum(
        g["accepted"]["n"] for g in facts["bySource"] if g["name"].startswith("lfw112 synthetic") and not g["label"]
    )
    assert "lfw112 masked, source's render" in {g["name"] for g in facts["bySource"]}
    point = next(c for c in facts["curve"] if c["threshold"] == 0.5)
    assert point["masked"] == 1 and point["renderedMasked"] < 1
    assert facts["shortcut"]["maskedBefore"]["rate"] == 1
    card = model_card(MANIFEST, facts)
    assert "whose masks the source itself rendered" in card and "| lfw112 | not measured |" in card


def test_what_a_source_rendered_stays_a_render_when_it_is_corrected():
    row = {"synthetic": False, "source": "maskon", "kind": "masked", "was": "worn_wrong", "label": 1}
    assert is_render(row) and not is_photograph(row)
    assert is_photograph({"synthetic": False, "source": "mask12k", "kind": "worn_wrong", "label": 0})
    assert name_of({"synthetic": False, "source": "maskon", "kind": "worn_wrong", "label": 0}).endswith("render")
    assert set(FOLDERS.values()) >= RENDERS, "the table names what `prepare` reads"


def test_nothing_is_computed_twice_and_other_weights_anew(result, arrays, tmp_path):
    first = Bright(tmp_path)
    evaluate(first, arrays, tmp_path, Wanted(probes=2))
    again, other = Bright(tmp_path), Bright(tmp_path, weights="other" * 4)
    assert evaluate(again, arrays, tmp_path, Wanted(probes=2))["byKind"] == result[0]["byKind"]
    evaluate(other, arrays, tmp_path, Wanted(probes=2))
    assert first.asked == other.asked > 0 and again.asked == 0


def test_a_left_out_source_is_measured_whole_and_by_default(arrays):
    left = left_out({"recipe": {"leave_out": "east", "leave_kinds": ""}})
    pool, what = select(arrays, Wanted(), left)
    assert {r["source"] for r in pool.rows} == {"east"}
    assert {r["split"] for r in pool.rows} == {"train", "val", "test"} and what["split"] == "all"
    pool, what = select(arrays, Wanted(source="west"), left)
    assert {(r["source"], r["split"]) for r in pool.rows} == {("west", "test")} and what["split"] == "test"


def test_left_out_kinds_are_measured_on_persons_of_the_test_part(arrays):
    left = left_out({"recipe": {"leave_out": "", "leave_kinds": "notebook,hat"}})
    assert left.kinds == ("hat", "notebook")
    pool, _ = select(arrays, Wanted(), left)
    made = {(r["kind"], r["split"]) for r in pool.rows if r["synthetic"]}
    assert made == {("hat", "test"), ("notebook", "test")}
    assert {r["kind"] for r in pool.rows if not r["synthetic"]} == {"bare", "masked"}
    both = left_out({"recipe": {"leave_out": "east", "leave_kinds": "notebook,hat"}})
    elsewhere = {(r["kind"], r["split"]) for r in select(arrays, Wanted(), both)[0].rows if r["source"] == "west"}
    assert (
        elsewhere and {split for _, split in elsewhere} == {"test"} and {k for k, _ in elsewhere} <= {"hat", "notebook"}
    )
    made = {r["kind"] for r in select(arrays, Wanted(kinds=("surgical",)), left)[0].rows if r["synthetic"]}
    assert made == {"surgical"}


def test_left_out_kinds_have_a_rate_of_their_own(arrays, tmp_path):
    facts = {**KNOWN, "recipe": {**KNOWN["recipe"], "leave_kinds": "notebook,hat"}}
    left = evaluate(Bright(tmp_path, facts), arrays, tmp_path, Wanted(probes=2))["leftOut"]
    assert {k["name"] for k in left["kinds"]} == {"hat", "notebook"}
    assert left["together"]["n"] == sum(k["accepted"]["n"] for k in left["kinds"]) > 0


def test_small_faces_are_left_out(arrays):
    with pytest.raises(SystemExit, match="no picture fits"):
        select(arrays, Wanted(least_px=61), left_out({}))


def test_threshold_comes_from_the_validation_part_of_sources_that_training_saw(tmp_path):
    folder = write_arrays(tmp_path, 112)
    pictures, rows = np.load(folder / "pictures.npy"), read_rows(folder / "rows.jsonl")
    bare = [i for i, r in enumerate(rows) if r["split"] == "val" and r["kind"] == "bare"]
    for i in bare:
        pictures[i] = 150 if rows[i]["source"] == "east" else 200
    np.save(folder / "pictures.npy", pictures)
    score = Bright(tmp_path / "memory")
    assert threshold_of(score, folder, Wanted(rate=0.0), left_out({}))[0] == pytest.approx(0.81)
    without = left_out({"recipe": {"leave_out": "west"}})
    threshold, rate = threshold_of(score, folder, Wanted(rate=0.0), without)
    assert threshold == pytest.approx(0.61) and rate["rate"] == 0 and rate["n"] < len(bare)
    assert threshold_of(score, folder, Wanted(threshold=0.7), without) == (0.7, None)


def test_bare_faces_are_treated_as_mask12ks_masked_crops_and_a_model_of_blur_is_caught(arrays, tmp_path):
    class Blurred(Bright):
        def _open(self):
            class Session:
                def run(self, _, feed):
                    return [np.array([float(sharpness(p) < 2500) for p in feed["image"]], np.float32)]

            return Session()

    facts = evaluate(Blurred(tmp_path), arrays, tmp_path, Wanted(probes=20))["shortcut"]
    assert facts["bareBefore"]["rate"] == 0 and facts["bareAfter"]["rate"] > 0.5
    assert facts["medianSharpness"]["bareTreated"] < facts["medianSharpness"]["bare"]


def test_probes_keep_the_picture_and_are_the_same_each_time():
    rng = np.random.default_rng(0)
    picture = cv2.GaussianBlur(rng.integers(0, 255, (112, 112, 3), np.uint8), (0, 0), 4)
    assert set(changes()) >= {"half resolution", "JPEG quality 40", "mirrored", "shifted by 8 %", "smeared border"}
    for name, change in changes().items():
        out = change(picture)
        assert out.shape == picture.shape and out.dtype == np.uint8 and not np.array_equal(out, picture), name
    treated = as_mask12k(picture, 7)
    assert treated.shape == picture.shape and np.array_equal(treated, as_mask12k(picture, 7))
    assert np.array_equal(treated[-1], treated[-8]), "a smeared border"


def test_the_command_refuses_what_is_not_there(tmp_path, arrays):
    with pytest.raises(SystemExit, match="no last.pt"):
        main(["--run", str(tmp_path), "--arrays", str(arrays)])
    with pytest.raises(SystemExit, match="no manifest.json"):
        main(["--model", str(tmp_path), "--arrays", str(arrays), "--out", str(tmp_path)])
    with pytest.raises(SystemExit, match="give --out"):
        main(["--model", str(tmp_path), "--arrays", str(arrays)])
