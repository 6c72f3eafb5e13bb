"""The page and the card: whole from any set of runs, what is missing named, nothing fetched."""

import json
import re
import sys
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from test_evaluate import MANIFEST, Bright

from maskgate_train.card import model_card
from maskgate_train.evaluate import evaluate
from maskgate_train.goals import goals, told
from maskgate_train.measure import Wanted
from maskgate_train.rates import wilson
from maskgate_train.report import main
from maskgate_train.report_pictures import crops_of, words
from maskgate_train.report_runs import gather, sorted_out
from maskgate_train.report_svg import Series, chart, line_axis, log_axis, percent, rows_chart, steps


def run_facts(momentum: float = 0.9, preset: str = "paper", **recipe) -> dict:
    losses = [0.2, 0.05, 0.03, 0.02, 0.025, 0.04]
    curve = [
        {"step": 10 * n, "trainLoss": v, "trainAccuracy": 0.99, "loss": v + 0.1 * (momentum == 0), "accuracy": 1 - v}
        for n, v in enumerate(losses, 1)
    ]  # fmt: skip
    settings = {"preset": preset, "momentum": momentum, "seed": 1, "batch": 64, "learning_rate": 0.01, "patience": 2,
                "frozen_share": 0.0, "ema_decay": 0.0, **recipe}  # fmt: skip
    made = {"recipe": settings, "pictures": 640, "processor": "x86_64", "torch": "2", "dataHash": "d"}
    return {"step": 60, "elapsed_s": 600.0, "best": None, "curve": curve, "trainedWith": made}


@pytest.fixture(scope="module")
def runs(arrays, tmp_path_factory) -> list[Path]:
    """The paper's recipe twice, ours, one with a source left out, one with kinds left out."""
    folder, made = tmp_path_factory.mktemp("runs"), []
    for name, facts in {
        "paper": run_facts(), "paper-0": run_facts(0.0), "door": run_facts(preset="door"),
        "loso": run_facts(preset="door", leave_out="east"), "loko": run_facts(preset="door", leave_kinds="notebook"),
    }.items():  # fmt: skip
        run = folder / name
        run.mkdir()
        (run / "result.json").write_text(json.dumps(facts))
        if name != "paper-0":
            score = Bright(folder / "memory", {"recipe": facts["trainedWith"]["recipe"], "steps": 60})
            evaluate(score, arrays, run / "evaluation", Wanted(probes=2))
        made.append(run)
    return made


class Reader(HTMLParser):
    """Every tag and attribute; fails on tags that do not match."""

    def __init__(self):
        super().__init__()
        self.open, self.attributes, self.tags = [], [], set()

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.attributes += attributes
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.attributes += attributes

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def read(page: Path) -> Reader:
    reader = Reader()
    reader.feed(page.read_text())
    assert reader.open == []
    return reader


def test_the_page_is_one_file_that_fetches_nothing(runs, tmp_path):
    assert main(["--runs", *map(str, runs), "--out", str(tmp_path / "report.html")]) == 0
    reader, text = read(tmp_path / "report.html"), (tmp_path / "report.html").read_text()
    assert not reader.tags & {"script", "img", "link", "iframe", "image"}
    links = [v for k, v in reader.attributes if k in ("href", "src")]
    assert links and all(v.startswith("#") for v in links)
    assert "url(" not in text and "http" not in text
    ids = [v for k, v in reader.attributes if k == "id"]
    assert sorted(links) == sorted(f"#{i}" for i in ids), "every section is in the contents"
    assert "prefers-color-scheme:dark" in text and text.count("<svg viewBox") >= 8
    assert "nan" not in re.findall(r'[dxy]="[^"]*"', text)


def test_the_page_tells_the_papers_numbers_and_ours(runs, tmp_path):
    main(["--runs", *map(str, runs), "--out", str(tmp_path / "report.html")])
    text = (tmp_path / "report.html").read_text()
    for number in ("0.03539", "99.24 %", "0.02000", "98.00 %", "0.02862"):
        assert number in text, number
    assert "Epoch 4 was kept" in text and "The 2 epochs after it were not lower (best 0.0250, last 0.0400)" in text
    assert "without momentum is 3.5 times that with it" in text
    assert "the search&#x27;s floor decided" in text
    assert "kaggle853 left out" in text and "--leave-out kaggle853" in text


def test_what_is_missing_is_named_with_its_command(tmp_path):
    assert main(["--out", str(tmp_path / "report.html")]) == 0
    text = (tmp_path / "report.html").read_text()
    read(tmp_path / "report.html")
    assert text.count('class="missing"') >= 10
    for command in ("--preset paper", "run evaluate", "--leave-out mask12k", "--leave-kinds", "run whole_path"):
        assert command in text, command


def test_a_run_that_still_goes_on_is_shown_as_far_as_it_is(tmp_path):
    facts, run = run_facts(), tmp_path / "paper"
    run.mkdir()
    state = {k: facts[k] for k in ("step", "elapsed_s", "best", "curve")}
    torch.save({**state, "facts": facts["trainedWith"]}, run / "last.pt")
    assert main(["--runs", str(run), "--out", str(tmp_path / "report.html")]) == 0
    assert "This run still goes on" in (tmp_path / "report.html").read_text()
    with pytest.raises(SystemExit, match="neither result.json nor last.pt"):
        gather([tmp_path / "nothing"], [])


def test_goals_are_held_against_what_was_measured(runs):
    material = gather(runs, [])
    rows = {r["goal"]: r for r in goals(material.evaluations[-1], material.runs, material.evaluations)}
    assert rows["paper's recipe: validation accuracy"]["met"] is False
    assert rows["paper's recipe: validation loss"]["met"] is True
    assert told(rows["paper's recipe: validation loss"]) == ("at most 0.0354", "0.02")
    assert rows["paper's recipe: epochs"]["met"] is False
    assert rows["notebook unseen: accepted"]["met"] is True
    assert rows["mask12k unseen: bare accepted"]["met"] is None
    assert told(rows["mask12k unseen: bare accepted"]) == ("at most 1 %", "not measured")


def test_worn_wrong_is_held_against_photographs_alone(runs):
    """3 photographs, all accepted, beside 997 renders, all refused: far from the goal, however many the renders."""
    loso = next(e for e in gather(runs, []).evaluations if e["model"]["leaveOut"])
    by = [("mask12k worn wrong", wilson(3, 3)), ("mask12k synthetic wrong", wilson(0, 997))]
    facts = {**loso, "model": {**loso["model"], "leaveOut": "mask12k"},
             "bySource": [{"name": n, "label": 0, "accepted": r} for n, r in by]}  # fmt: skip
    rows = {r["goal"]: r for r in goals(None, [], [facts])}
    photographs, rendered = (rows[f"mask12k unseen: worn wrong{k} accepted"] for k in ("", ", rendered,"))
    assert (photographs["value"]["n"], photographs["met"]) == (3, False)
    assert (rendered["value"]["n"], rendered["met"]) == (997, True)
    del facts["bySource"][0]
    rows = {r["goal"]: r for r in goals(None, [], [facts])}
    assert rows["mask12k unseen: worn wrong accepted"]["met"] is None, "renders do not stand in for photographs"


def test_the_card_is_generated_whole(runs):
    evaluations = [json.loads((r / "evaluation" / "evaluation.json").read_text()) for r in runs if r.name != "paper-0"]
    whole = next(e for e in evaluations if e["model"]["preset"] == "door" and not e["leftOut"])
    seen = {"found": wilson(3, 4), "accepted": wilson(3, 3), "bySize": []}
    path = {"type": "wholePath", "name": "held-out", "leastFacePx": 40, "groups": {"with_mask": seen}}
    path |= {"facePx": "side of the box", "unclear": 7}
    tries = {"type": "tries", "rows": [{"tried": "more blur", "gave": "8 %, n 100"}]}
    card = model_card(MANIFEST, whole, [*evaluations, run_facts(), path, tries])
    told_there = (
        "Sizes in px: side of the box",
        "7 pictures that reviewers called unclear",
        "n = ",
        "east",
        "notebook",
        "held-out, with_mask",
        "more blur",
        "accuracy 98.00 %",
        "Skin tone",
    )
    assert [t for t in told_there if t not in card] == []
    assert whole["threshold"] == 0.5 and "the search's floor decided" in card, "every bare face lies below 0.5"
    for table in re.findall(r"(?:^\|.*\n)+", card, re.M):
        widths = {line.count("|") for line in table.splitlines()}
        assert len(widths) == 1, table
    assert "Not evaluated" in model_card(MANIFEST, None)
    with pytest.raises(SystemExit, match=r"x\.json: none of"):
        sorted_out([{"file": "x.json"}])


def test_single_pictures_go_in_and_numbers_come_out(tmp_path, capsys):
    model = tmp_path / "model"
    model.mkdir()
    (model / "manifest.json").write_text(json.dumps({**MANIFEST, "file": "model.onnx"}))
    (model / "model.onnx").write_bytes(tiny_graph())
    cv2.imwrite(str(tmp_path / "bright.png"), np.full((112, 112, 3), 250, np.uint8))
    cv2.imwrite(str(tmp_path / "dark.png"), np.full((112, 112, 3), 5, np.uint8))
    pictures = [str(tmp_path / "bright.png"), str(tmp_path / "dark.png")]
    page = tmp_path / "report.html"
    assert main(["--pictures", *pictures, "--model", str(model), "--out", str(page)]) == 0
    assert capsys.readouterr().out.splitlines()[:2] == ["bright.png  0.98039  masked", "dark.png  0.01961  not masked"]
    assert "0.98039" in page.read_text() and "bright.png" in page.read_text()
    with pytest.raises(SystemExit, match="cannot be read as a picture"):
        main(["--pictures", str(tmp_path / "none.png"), "--model", str(model)])
    with pytest.raises(SystemExit):
        main(["--pictures", *pictures])


def tiny_graph() -> bytes:
    """A graph of one mean, with the product's input and output."""
    from onnx import TensorProto, helper

    nodes = [
        helper.make_node("Cast", ["image"], ["wide"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["wide"], ["mean"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Div", ["mean", "most"], ["masked"]),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.UINT8, ["N", 112, 112, 3])
    masked = helper.make_tensor_value_info("masked", TensorProto.FLOAT, ["N"])
    most = helper.make_tensor("most", TensorProto.FLOAT, [], [255.0])
    graph = helper.make_graph(nodes, "mean", [image], [masked], [most])
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()


def test_faces_of_a_photograph_come_from_the_daemon(tmp_path):
    def daemon(body: str) -> list[str]:
        file = tmp_path / "daemon.py"
        file.write_text(f"import sys, json, pathlib\nout = pathlib.Path(sys.argv[4])\n{body}")
        return [sys.executable, str(file)]

    cv2.imwrite(str(tmp_path / "face.png"), np.full((112, 112, 3), 9, np.uint8))
    one = {"faces": [{"crop": str(tmp_path / "face.png"), "score": 0.7}]}
    write = "(out / 'crops.jsonl').write_text(json.dumps({}))"
    ((name, crop),) = crops_of(Path("a.jpg"), daemon(write.format(one)))
    assert name == "a.jpg, face 1 (found with score 0.70)" and crop.shape == (112, 112, 3)
    assert crops_of(Path("a.jpg"), daemon(write.format({"faces": []}))) == [("a.jpg: no face found", None)]
    with pytest.raises(SystemExit, match=r"a\.jpg: no model"):
        crops_of(Path("a.jpg"), daemon("sys.exit('no model')"))
    assert words(None, 0.5) == ("", "")


def test_charts_leave_out_what_is_not_known_and_stay_on_their_axes():
    svg = chart("t<", [Series("a", [(0, 1), (1, 2)], 1)], line_axis("x", 0, 1), log_axis("", [0.02, 5]))
    read_svg = re.findall(r'<path class="line c1" d="M([\d.]+) ([\d.]+)L([\d.]+) ([\d.]+)"', svg)
    (x1, y1, x2, y2) = map(float, read_svg[0])
    assert x1 < x2 and y1 > y2 and "t&lt;" in svg
    assert steps(0, 1) == [0, 0.2, 0.4, 0.6, 0.8, 1.0] and percent(0.025) == "2.5 %"
    assert log_axis("", [0.02, 5]).ticks == [0.01, 0.03, 0.1, 0.3, 1, 3, 10]
    rows = rows_chart("t", [("cup", [wilson(1, 10), None]), ("hat", [wilson(0, 0), wilson(0, 9)])], ["a", "b"])
    assert rows.count("<circle") == 2
