"""The paper's own figures and tables again, beside ours: figure 3, table 1, sections 5.1 to 5.3 and 6.

Promises: our numbers come from run folders and evaluations alone; where one is missing, the command that makes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from .goals import PAPER, epoch_of, is_paper, kept_epoch, shipped_of
from .report_pictures import words
from .report_runs import Material
from .report_style import Section, figure, missing, number, rate_html, table
from .report_svg import Axis, Series, chart, legend, line_axis, log_axis, percent, rows_chart

_TRAIN = "scripts/train/run train --preset paper --arrays ARRAYS --run runs/paper --weights WEIGHTS.npz"
_NO_MOMENTUM = _TRAIN.replace("runs/paper", "runs/paper-momentum0") + " --momentum 0"
Run = dict[str, Any]


def paper_runs(material: Material) -> tuple[Run | None, Run | None]:
    """With momentum and without; the last of each that was given."""
    mine = [r for r in material.runs if r["trainedWith"]["recipe"]["preset"] == "paper" and r["curve"]]
    with_it, without = [r for r in mine if is_paper(r)], [r for r in mine if not is_paper(r)]
    return (with_it[-1] if with_it else None), (without[-1] if without else None)


def epochs(run: Run) -> list[dict[str, Any]]:
    """The run's curve by epoch."""
    return [{**c, "epoch": epoch_of(run, c["step"])} for c in run["curve"]]


def _line(run: Run, key: str) -> list[tuple[float, float]]:
    return [(c["epoch"], c[key]) for c in epochs(run) if c.get(key) is not None]


def _epoch_axis(runs: Sequence[Run]) -> Axis:
    last = max(epochs(r)[-1]["epoch"] for r in runs)
    axis = line_axis("epoch", 0, max(2.0, last))
    return Axis(axis.label, axis.low, axis.high, [t for t in axis.ticks if t == int(t)])


def _accuracy_axis(values: Sequence[float]) -> Axis:
    low = min([*values, 0.99])
    return line_axis("", max(0.0, round(low - 0.004, 3)), 1.0, percent)


def curves(run: Run, loss: str = "loss", accuracy: str = "accuracy") -> str:
    """The four curves of figure 3: training and validation, loss and accuracy."""
    kept = kept_epoch(run)
    at, x = epoch_of(run, kept["step"]), _epoch_axis([run])
    lost = [Series("training", _line(run, "trainLoss"), 1), Series("validation", _line(run, "loss"), 2, dots=True)]
    right = [
        Series("training", _line(run, "trainAccuracy"), 1), Series("validation", _line(run, "accuracy"), 2, dots=True)
    ]  # fmt: skip
    values = [v for s in lost for _, v in s.points]
    y = log_axis("", [*values, PAPER["loss"]])
    mark = [(at, "kept")]
    paper_loss, paper_right = (
        [(PAPER["loss"], "the paper's validation")],
        [(PAPER["accuracy"], "the paper's validation")],
    )
    a = chart(f"{loss} by epoch", lost, x, y, paper_loss, mark)
    y = _accuracy_axis([v for s in right for _, v in s.points])
    b = chart(f"{accuracy} by epoch", right, x, y, paper_right, mark)
    return (
        '<div class="pair">'
        + figure(a + legend(lost), "Loss by epoch; the scale is logarithmic.", "Loss")
        + figure(b + legend(right), "Accuracy by epoch.", "Accuracy")
        + "</div>"
    )


def figure_3(material: Material) -> Section:
    """The training of the paper's recipe."""
    run, _ = paper_runs(material)
    if run is None:
        return Section("figure3", "Figure 3: training", missing("a run of preset paper", _TRAIN))
    made, recipe = run["trainedWith"], run["trainedWith"]["recipe"]
    going = "" if run["finished"] else " <strong>This run still goes on.</strong>"
    still = (
        f" The pretrained half (conv1 to layer2) stands still for {100 * recipe['frozen_share']:.3g} % of the schedule,"
        " unlike in the paper." if recipe["frozen_share"] else ""
    )  # fmt: skip
    text = (
        f"<p>The paper's recipe (section 2.4): SGD, learning rate {recipe['learning_rate']:g}, momentum "
        f"{recipe['momentum']:g}, batches of {recipe['batch']}, pixels 0 to 1 without normalization, on "
        f"{made['pictures']:,} pictures: unmasked faces and masks rendered on them, persons apart.{still}{going}</p>"
    )
    return Section("figure3", "Figure 3: training", text + curves(run))


def table_1(material: Material) -> Section:
    """The paper's performance table beside ours."""
    run, _ = paper_runs(material)
    if run is None:
        return Section("table1", "Table 1: performance", missing("a run of preset paper", _TRAIN))
    kept = kept_epoch(run)
    minutes = run["elapsed_s"] / 60 / max(0.01, epoch_of(run, run["step"]))

    def loss(v: float | None) -> str:
        return "not measured" if v is None else f"{v:.5f}"

    rows = [
        ["training loss", loss(PAPER["trainLoss"]), loss(kept.get("trainLoss"))],
        ["validation loss", loss(PAPER["loss"]), loss(kept["loss"])],
        ["training accuracy", number(PAPER["trainAccuracy"]), number(kept.get("trainAccuracy"))],
        ["validation accuracy", number(PAPER["accuracy"]), number(kept["accuracy"])],
        ["epochs", "50", f"{epoch_of(run, run['step']):.0f}, kept {epoch_of(run, kept['step']):.0f}"],
        ["minutes an epoch", "about 1", f"{minutes:.1f}"],
    ]
    made = run["trainedWith"]
    where = made.get("device") or "cpu"
    place = made["processor"] if where == "cpu" else where
    note = (
        f"Ours: {escape(run['name'])}, seed {made['recipe']['seed']}, one run on {escape(place)}, "
        f"torch {escape(made['torch'])}. The paper does not say which faces its data were made of."
    )
    return Section("table1", "Table 1: performance", table(["", "paper", "ours"], rows) + f"<p class=soft>{note}</p>")


def momentum(material: Material) -> Section:
    """Section 5.2: with momentum 0.9 and without."""
    title = "Section 5.2: momentum"
    run, without = paper_runs(material)
    if run is None or without is None:
        which = "a run of preset paper" if run is None else "the same run without momentum"
        return Section("momentum", title, missing(which, _TRAIN if run is None else _NO_MOMENTUM))
    with_name = f"momentum {run['trainedWith']['recipe']['momentum']:g}"
    pairs = ((with_name, run, 1), ("momentum 0", without, 2))
    x, html = _epoch_axis([run, without]), '<div class="pair">'
    for key, train_key, head in (("loss", "trainLoss", "Loss"), ("accuracy", "trainAccuracy", "Accuracy")):
        series = [Series(f"{n}, validation", _line(r, key), c, dots=True) for n, r, c in pairs]
        series += [Series(f"{n}, training", _line(r, train_key), c, dashed=True) for n, r, c in pairs]
        values = [v for s in series for _, v in s.points]
        y = log_axis("", values) if key == "loss" else _accuracy_axis(values)
        html += figure(chart(f"{head} with and without momentum", series, x, y) + legend(series), "", head)
    ends = [(n, kept_epoch(r), r) for n, r, _ in pairs]
    rows = [
        [n, f"{k['loss']:.4f}", number(k["accuracy"]), f"{epoch_of(r, k['step']):.0f} of {epoch_of(r, r['step']):.0f}"]
        for n, k, r in ends
    ]
    same = [min(len(r["curve"]) for _, r, _ in pairs)]
    at = [r["curve"][same[0] - 1] for _, r, _ in pairs]
    ratio = at[1]["loss"] / max(1e-9, at[0]["loss"])
    said = (
        f"<p>After {epoch_of(run, at[0]['step']):.0f} epochs the validation loss without momentum is {ratio:.1f} times "
        "that with it.</p>"
    )
    head = ["", "lowest validation loss", "accuracy there", "epoch"]
    return Section("momentum", title, html + "</div>" + table(head, rows) + said)


def early_stopping(material: Material) -> Section:
    """Section 5.1: which epoch was kept, what the next ones did."""
    title = "Section 5.1: early stopping"
    run, _ = paper_runs(material)
    if run is None:
        return Section("stopping", title, missing("a run of preset paper", _TRAIN))
    kept, recipe = kept_epoch(run), run["trainedWith"]["recipe"]
    rows, best = [], float("inf")
    for c in epochs(run):
        word = "kept" if c["step"] == kept["step"] else "lower: stored" if c["loss"] < best else "not lower"
        best = min(best, c["loss"])
        cells = [f"{c['epoch']:.0f}", f"{c['trainLoss']:.4f}", f"{c['loss']:.4f}", number(c["accuracy"]), word]
        rows.append([f"<strong>{t}</strong>" if word == "kept" else t for t in cells])
    after = [c["loss"] for c in run["curve"] if c["step"] > kept["step"]]
    said = f"Epoch {epoch_of(run, kept['step']):.0f} was kept: the lowest validation loss, {kept['loss']:.4f}. "
    if after:
        said += f"The {len(after)} epochs after it were not lower (best {min(after):.4f}, last {after[-1]:.4f}). "
    else:
        said += "No epoch came after it. "
    patience = recipe["patience"]
    said += f"Training ends after {patience} epochs without a lower one." if patience else ""
    head = ["epoch", "training loss", "validation loss", "validation accuracy", "stored weights"]
    return Section("stopping", title, f"<p>{said}</p>" + table(head, rows))


def occlusion(material: Material) -> Section:
    """Section 5.3: things before a bare face, by the paper's recipe and by ours."""
    title = "Section 5.3: a notebook is no mask"
    paper = [e for e in material.evaluations if e["model"]["preset"] == "paper" and e["model"]["momentum"]]
    ours = shipped_of(material.evaluations)
    html = (
        "<p>The paper's model takes a face behind a notebook for masked, one behind a hand for bare. Here every kind "
        "of thing held or worn before a bare face, rendered on people of the test part: the share that is "
        "accepted as a mask, which should be 0.</p>"
    )
    if not paper:
        html += missing(
            "an evaluation of the paper's recipe", "scripts/train/run evaluate --run runs/paper --arrays ARRAYS"
        )
    if ours is None:
        html += missing("an evaluation of preset door", "scripts/train/run evaluate --run runs/door --arrays ARRAYS")
    given = [(name, e) for name, e in (("paper's recipe", paper[-1] if paper else None), ("preset door", ours)) if e]
    if not given:
        return Section("occlusion", title, html)
    by = [{g["name"]: g for g in e["byKind"] if not g["label"] and g["name"].startswith("synthetic")} for _, e in given]
    names = sorted(set().union(*by), key=lambda n: -max(b[n]["accepted"]["rate"] for b in by if n in b))
    rows = [
        (n.removeprefix("synthetic ").replace("_", " "), [b[n]["accepted"] if n in b else None for b in by])
        for n in names
    ]
    series = [Series(n, [], i + 1) for i, (n, _) in enumerate(given)]
    drawn = rows_chart("Accepted as masked, by kind", rows, [n for n, _ in given])
    said = "Point: share accepted; line: 95 % interval. Each model at its own threshold."
    cells = [[escape(name), *(rate_html(r, 1) for r in rates)] for name, rates in rows]
    more = "<details><summary>The same as a table</summary>" + table(["", *(n for n, _ in given)], cells) + "</details>"
    return Section("occlusion", title, html + figure(drawn + legend(series), said) + more)


def single_pictures(verdicts: Sequence[tuple[str, float | None]], model: str, threshold: float) -> Section:
    """Section 6: pictures in, numbers out."""
    title = "Section 6: single pictures"
    command = "scripts/train/run report --pictures PICTURE... --model models/mask-resnet50"
    text = (
        "<p>The paper gives two photographs of its author, made 112 &times; 112, to the model: 0.02862 without a mask "
        "and 1.0 with one. Here faces that the daemon finds in photographs, and crops as they are.</p>"
    )
    if not verdicts:
        return Section("pictures", title, text + missing("pictures", command))
    rows = [[escape(n), *words(p, threshold)] for n, p in verdicts]
    head = ["picture", "probability of a mask", f"at {threshold:g}"]
    return Section("pictures", title, text + table(head, rows, f"By {model}") + f"<pre>{escape(command)}</pre>")
