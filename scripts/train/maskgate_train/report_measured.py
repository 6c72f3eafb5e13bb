"""The report's measurements: goals, sources, kinds, what was left out, ROC, calibration, shortcuts, groups, whole path.

Promises: every rate with n and interval; a section whose measurement is not there names the command that makes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from .goals import SOURCES, basis_of, goals, shipped_of, told
from .rates import threshold_words
from .report_runs import Material
from .report_style import Section, error_of, figure, groups_table, missing, rate_html, table
from .report_svg import Axis, Series, bar, chart, legend, line_axis, percent

Evaluation = dict[str, Any]
_EVALUATE = "scripts/train/run evaluate --run runs/door --arrays ARRAYS"


def goal_section(material: Material) -> Section:
    """What was to be reached, and what is."""
    mark = {True: '<span class="good">&#10003; reached</span>', False: '<span class="bad">&#10007; not reached</span>'}
    rows = []
    for row in goals(shipped_of(material.evaluations), material.runs, material.evaluations):
        bound, value = told(row)
        met = mark.get(row["met"], '<span class="soft">open</span>')
        shown = escape(value).replace("% (", "% <small>(").replace(")", ")</small>") if "(" in value else escape(value)
        rows.append([f"{escape(row['goal'])}<br><small>{escape(row['from'])}</small>", bound, shown, met])
    head = ["", "goal", "measured", ""]
    return Section("goals", "Goals", table(head, rows))


def sources(material: Material) -> Section:
    """Rates by source of the whole model."""
    title, e = "By source", shipped_of(material.evaluations)
    if e is None:
        return Section("sources", title, missing("an evaluation of preset door", _EVALUATE))
    rows = [
        [escape(s["name"]), *(rate_html(s[k], 1) for k in ("balancedAccuracy", "falseAccept", "falseReject"))]
        for s in e["sources"]
    ]
    head = ["source", "balanced accuracy", "false accept", "false reject"]
    total = e["total"]["real"]
    rows.append(
        ["<strong>all</strong>", *(rate_html(total[k], 1) for k in ("balancedAccuracy", "falseAccept", "falseReject"))]
    )
    text = (
        f"<p>{escape(e['model']['name'])}: {escape(e['split'])} part, photographs with faces of {e['leastFacePx']} px "
        f"and more. {escape(threshold_words(e['threshold'], e['falseAcceptRate'], e['thresholdFrom']))} "
        "False accepts are bare and wrongly masked faces together.</p>"
    )
    more = groups_table(e["bySource"], "source and sort")
    return Section("sources", title, text + table(head, rows) + _fold("Every source and sort", more))


def kinds(material: Material) -> Section:
    """Rates by kind of the whole model."""
    title, e = "By kind", shipped_of(material.evaluations)
    if e is None:
        return Section("kinds", title, missing("an evaluation of preset door", _EVALUATE))
    return Section("kinds", title, groups_table(e["byKind"], "kind"))


def left_sources(material: Material) -> Section:
    """Leave-one-source-out."""
    title, html = "A source never seen", "<p>Each source in turn stays out of training and is then measured whole.</p>"
    rows = []
    for source in SOURCES:
        mine = [e for e in material.evaluations if e["model"]["leaveOut"] == source]
        for e in mine:
            facts = next(s for s in e["sources"] if s["name"] == source)
            by = {g["name"]: g["accepted"] for g in e["bySource"]}
            worn = [by.get(f"{source} {k}") for k in ("worn wrong", "synthetic wrong")]
            cells = [facts["balancedAccuracy"], by.get(f"{source} masked"), by.get(f"{source} bare"), *worn]
            rows.append(
                [f"{escape(source)} <small>seed {e['model']['seed']}</small>", *(rate_html(c, 1, True) for c in cells)]
            )
        if not mine:
            run = f"runs/loso-{source}"
            html += missing(
                f"{source} left out",
                f"scripts/train/run train --preset door --leave-out {source} --arrays ARRAYS --run {run} "
                f"--weights WEIGHTS.npz\nscripts/train/run evaluate --run {run} --arrays ARRAYS",
            )
    head = [
        "left out",
        "balanced accuracy",
        "masked accepted",
        "bare accepted",
        "worn wrong, real",
        "worn wrong, rendered",
    ]
    return Section("unseen-sources", title, html + (table(head, rows) if rows else ""))


def left_kinds(material: Material) -> Section:
    """Leave-one-kind-out."""
    title = "A thing never seen"
    html = "<p>Kinds of rendered things stay out of training and are then measured on people of the test part.</p>"
    mine = [e for e in material.evaluations if e["model"]["leaveKinds"] and e["leftOut"]]
    if not mine:
        command = (
            "scripts/train/run train --preset door --leave-kinds notebook,phone --arrays ARRAYS --run runs/loko "
            "--weights WEIGHTS.npz\nscripts/train/run evaluate --run runs/loko --arrays ARRAYS"
        )
        return Section("unseen-kinds", title, html + missing("a run with kinds left out", command))
    for e in mine:
        rows = [*e["leftOut"]["kinds"], {"name": "together", "label": 0, "accepted": e["leftOut"]["together"]}]
        html += groups_table(rows, "kind", f"Left out: {', '.join(e['model']['leaveKinds'])}; {basis_of(e)}")
    return Section("unseen-kinds", title, html)


def _fold(summary: str, html: str) -> str:
    return f"<details><summary>{escape(summary)}</summary>{html}</details>"


def _name(e: Evaluation) -> str:
    m = e["model"]
    left = m["leaveOut"] or ", ".join(m["leaveKinds"])
    return f"{m['preset']}{f' without {left}' if left else ''}"


def operating(material: Material) -> Section:
    """ROC of every evaluation, on photographs."""
    title = "ROC"
    paper = [e for e in material.evaluations if e["model"]["preset"] == "paper" and e["model"]["momentum"]]
    left = [e for e in material.evaluations if e["model"]["leaveOut"]]
    whole = shipped_of(material.evaluations)
    mine = [e for e in [*([whole] if whole else []), *left, *paper[-1:]] if e["roc"]["real"]][:4]
    if not mine:
        return Section("roc", title, missing("an evaluation", _EVALUATE))
    series = [
        Series(
            f"{_name(e)} (area {e['roc']['real']['area']:.4f})", [tuple(p) for p in e["roc"]["real"]["points"]], i + 1
        )
        for i, e in enumerate(mine)
    ]
    least = min((p[1] for s in series for p in s.points if p[0] >= 0.001), default=0.5)
    low = max(0.0, min(0.9, int(20 * least) / 20))
    x = Axis("false accept rate", 1e-4, 1, [1e-4, 1e-3, 1e-2, 1e-1, 1], True, percent)
    y = line_axis("", low, 1, percent)
    html = chart("ROC on photographs", series, x, y, size=(900, 380)) + legend(series)
    said = (
        "True accepts against false accepts of photographs (bare and worn wrong), by threshold. The horizontal scale "
        "is logarithmic, its left edge stands for 0.01 % and less: there a door lives."
    )
    return Section("roc", title, figure(html, said))


def calibrated(material: Material) -> Section:
    """Reliability, expected calibration error, Brier score."""
    title, e = "Calibration", shipped_of(material.evaluations)
    if e is None or not e["calibration"]["real"]:
        return Section("calibration", title, missing("an evaluation of preset door", _EVALUATE))
    html = '<div class="pair">'
    for key, head in (("real", "Photographs"), ("everything", "With rendered pictures")):
        c = e["calibration"][key]
        known = [b for b in c["bins"] if b["masked"]["n"]]
        points = [(b["said"], b["masked"]["rate"]) for b in known]
        spans = [(b["masked"]["low"], b["masked"]["high"]) for b in known]
        series = [Series(head, points, 1, line=False, dots=True, intervals=spans)]
        x, y = line_axis("probability said", 0, 1, percent), line_axis("", 0, 1, percent)
        said = (
            f"Share that is masked, by the probability said; the line is perfect. Expected calibration error "
            f"{100 * c['expectedError']:.2f} %, Brier score {c['brier']:.4f}, n {c['n']:,}."
        )
        html += figure(chart(f"Reliability: {head}", series, x, y, diagonal=True), said, head)
    return Section("calibration", title, html + "</div>")


def shortcuts(material: Material) -> Section:
    """Changes that must not matter, and the blur of mask12k's masked crops."""
    title, e = "No shortcut", shipped_of(material.evaluations)
    if e is None:
        return Section("shortcuts", title, missing("an evaluation of preset door", _EVALUATE))
    rows = [[escape(i["name"]), rate_html(i["changed"]), bar(i["changed"], 0.05)] for i in e["invariance"]]
    html = table(["the same picture", "verdict changed", "0 to 5 %"], rows)
    s = e["shortcut"]
    if s:
        sharp = s["medianSharpness"]
        told_sharp = ", ".join(
            f"{words} {sharp[k]:g}"
            for k, words in (("bare", "bare"), ("bareTreated", "bare, treated"), ("mask12kMasked", "mask12k's masked"))
            if k in sharp
        )
        html += (
            "<h3>mask12k's masked crops</h3><p>They are enlarged from few pixels and have smeared borders; its bare "
            "ones are not. A model that leans on this takes a bare face for masked once it is treated the same way. "
            f"Median sharpness (variance of the Laplacian): {escape(told_sharp)}.</p>"
        )
        pairs = [("bare, as it is", "bareBefore"), ("bare, treated", "bareAfter"), ("masked, as it is", "maskedBefore"),
                 ("masked, treated", "maskedAfter")]  # fmt: skip
        html += table(["", "accepted as masked"], [[n, rate_html(s[k])] for n, k in pairs])
    return Section("shortcuts", title, html)


def people(material: Material) -> Section:
    """By age and skin tone."""
    title, e = "Age and skin tone", shipped_of(material.evaluations)
    if e is None:
        return Section("groups", title, missing("an evaluation of preset door", _EVALUATE))
    html = ""
    for key, head in (("age", "Age"), ("tone", "Skin tone")):
        g = e["groups"][key]
        html += f"<h3>{head}</h3><p class=soft>{escape(g['basis'].rstrip('.'))}.</p>"
        if "unmeasured" in g:
            html += f"<p class=soft>Not measurable: {g['unmeasured']:,} of {g['of']:,} pictures.</p>"
        parts = ""
        for part in g["parts"]:
            should = "accepted" if part["label"] else "refused"
            rows = [[escape(x["name"]), rate_html(x["accepted"], 1), bar(error_of(x))] for x in part["groups"]]
            words = f"{part['what']}: should be {should}"
            parts += f"<div>{table(['', 'accepted', 'wrong, 0 to 25 %'], rows, words)}<p>{_gap(part['gap'])}</p></div>"
        html += f'<div class="pair">{parts}</div>'
    return Section("groups", title, html)


def _gap(gap: dict[str, Any] | None) -> str:
    if gap is None:
        return "Too few pictures to compare groups."
    if not gap["points"]:
        return "No gap between groups of 30 and more."
    words = f"Widest gap {gap['points']:g} points ({escape(gap['low'])} to {escape(gap['high'])})"
    if not gap["wide"]:
        return f"{words}: within 2 points."
    chance = "beyond chance" if gap["beyondChance"] else "the intervals meet, so it may be chance"
    return f'<strong class="bad">{words}: above 2 points</strong>, {chance}.'


def whole_path(material: Material) -> Section:
    """From pictures to verdicts."""
    title = "The whole path"
    if not material.whole_path:
        command = "maskgate classify PICTURES --json | scripts/train/run whole_path --labels folders --name NAME > FILE"
        return Section(
            "whole-path", title, missing("measurements of `maskgate classify`", command + "\n... report --also FILE")
        )
    html = "<p>Faces that the daemon finds in labelled pictures, and what it says of those found.</p>"
    for w in material.whole_path:
        rows = []
        for name, g in w["groups"].items():
            rows.append([f"<strong>{escape(name)}</strong>", rate_html(g["found"], 1), rate_html(g["accepted"], 1)])
            rows += [[escape(s["name"]), rate_html(s["found"], 1), rate_html(s["accepted"], 1)] for s in g["bySize"]]
        caption = f"{w['name'] or 'pictures'}: faces of {w['leastFacePx']:g} px and more, then by size"
        html += table(["class and size", "found", "of these accepted as masked"], rows, caption)
    return Section("whole-path", title, html)


def provenance(material: Material) -> Section:
    """Which runs, where, how long."""
    rows = []
    for run in material.runs:
        made, recipe = run["trainedWith"], run["trainedWith"]["recipe"]
        where = made.get("device") or "cpu"
        left = recipe.get("leave_out") or recipe.get("leave_kinds") or ""
        rows.append([
            escape(run["name"]) + ("" if run["finished"] else " <small>(goes on)</small>"), escape(recipe["preset"]),
            str(recipe["seed"]), f"{run['step']:,} of {recipe['batch']}", f"{run['elapsed_s'] / 60:.1f}",
            escape(made["processor"] if where == "cpu" else where), f"{made['pictures']:,}",
            f"<code>{escape(made['dataHash'])}</code>", escape(left),
        ])  # fmt: skip
    head = ["run", "preset", "seed", "steps", "minutes", "on", "pictures", "data", "left out"]
    html = table(head, rows) if rows else "<p>No run was given.</p>"
    if material.tries:
        html += table(
            ["tried", "gave"], [[escape(t["tried"]), escape(t["gave"])] for t in material.tries], "What was tried"
        )
    return Section("runs", "Runs", html)


def measured(material: Material) -> Sequence[Section]:
    """The measured sections, in order."""
    parts = (sources, kinds, left_sources, left_kinds, operating, calibrated, shortcuts, people, whole_path, provenance)
    return [part(material) for part in parts]
