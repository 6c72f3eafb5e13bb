"""MODEL_CARD.md from a manifest, an evaluation and those of further runs: numbers with n, never without.

Promises: nothing in the card is written by hand; what was not measured is named, with the command that measures it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .goals import PAPER, epoch_of, goals, is_paper, kept_epoch, told
from .rates import threshold_words
from .report_runs import Material, sorted_out

_LIMITS = """## Limits

- The test part comes from the same sources as the training part (other people and files). On sources it has never
  seen expect what the table of left-out sources says, or worse.
- Worn wrong and occluded faces are mostly rendered, in training and in these tables alike.
- Skin tone is estimated from photographs in uncontrolled light; ages are known for one source, mostly of East Asian
  faces.
- Most pictures of the training are licensed for research only.
"""


def _rate(r: dict[str, Any] | None, digits: int = 1) -> str:
    if not r or not r["n"]:
        return "not measured"
    low, high = (f"{100 * r[k]:.{digits}f}" for k in ("low", "high"))
    return f"{100 * r['rate']:.{digits}f} % ({low} to {high}; n = {r['n']})"


def _rows(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A table in Markdown."""
    return [
        f"| {' | '.join(head)} |",
        f"|{'---|' * len(head)}",
        *(f"| {' | '.join(row)} |" for row in rows),
        "",
    ]


def table(groups: list[dict[str, Any]], head: str) -> list[str]:
    """Markdown rows of accepted shares with their 95 % intervals."""
    rows = [[g["name"], "accepted" if g["label"] else "refused", _rate(g["accepted"])] for g in groups]
    return _rows([head, "should be", "accepted as masked (95 % interval)"], rows)


def _training(manifest: dict[str, Any]) -> list[str]:
    made, data = manifest["trainedWith"], manifest["trainingData"]
    recipe = made["recipe"]
    device = made.get("device") or "cpu"
    where = f"{made['processor']} (CPU)" if device == "cpu" else device
    return [
        f"# {manifest['name']} {manifest['version']}",
        "",
        "ResNet50 with one output on 112 x 112 RGB crops: the probability that a face wears a mask properly (nose,",
        "mouth and chin covered). Pixels go in as bytes; they become 0..1 inside the graph and are not normalized.",
        f"Threshold {manifest['threshold']}.",
        "",
        "## Training",
        "",
        f"Preset `{recipe['preset']}`, {made['steps']} steps of {recipe['batch']} in {made['minutes']} minutes on",
        f"{where}, seed {recipe['seed']}, one run; torch {made['torch']}, Python {made['python']}.",
        f"{data['pictures']} pictures, data {data['dataHash']}: real crops by `maskgate crops`, and masks, masks worn",
        "wrong and occluders rendered onto the bare ones. Split by person or file.",
        "",
    ]


def _goals(evaluation: dict[str, Any], material: Material) -> list[str]:
    words = {True: "yes", False: "**no**", None: "open"}
    others = [*material.evaluations, evaluation]
    rows = [[r["goal"], *told(r), words[r["met"]], r["from"]] for r in goals(evaluation, material.runs, others)]
    head = ["", "goal", "measured (95 % interval)", "reached", "by"]
    return ["## Numbers to reach", "", *_rows(head, rows)]


def _paper(material: Material) -> list[str]:
    lines: list[str] = []
    for run in (r for r in material.runs if is_paper(r) and r["curve"]):
        made, kept = run["trainedWith"], kept_epoch(run)
        device = made.get("device") or "cpu"
        lines += [
            f"Preset `paper`: {made['pictures']} pictures, seed {made['recipe']['seed']}, "
            f"{epoch_of(run, run['step']):.0f} epochs in {run['elapsed_s'] / 60:.0f} minutes on "
            f"{made['processor'] if device == 'cpu' else device}, epoch {epoch_of(run, kept['step']):.0f} kept:",
            f"validation accuracy {100 * kept['accuracy']:.2f} % (paper {100 * PAPER['accuracy']:.2f} %), loss "
            f"{kept['loss']:.4f} (paper {PAPER['loss']:.4f}).",
            "",
        ]
    return lines


def _held_out(e: dict[str, Any]) -> list[str]:
    by = e["measuredWith"]
    keys = ("balancedAccuracy", "falseAccept", "falseReject")
    sources = [*e["sources"], {"name": "all", **e["total"]["real"]}]
    return [
        f"## Measured on held-out pictures ({e['split']} part, faces of {e['leastFacePx']} px and more)",
        "",
        threshold_words(e["threshold"], e["falseAcceptRate"], e["thresholdFrom"]),
        f"{by['pictures']} pictures, data {by['dataHash']}, on {by['processor']}, ONNX Runtime "
        f"{by['onnxruntime']}; one run.",
        "",
        "Photographs, by source (false accepts: bare and worn wrong together):",
        "",
        *_rows(
            ["source", "balanced accuracy", "false accept", "false reject"],
            [[s["name"], *(_rate(s[k]) for k in keys)] for s in sources],
        ),
        *_renders(e),
        *table(e["byKind"], "kind"),
        *table(e["bySource"], "source and sort"),
        "Accepted shares by threshold:",
        "",
        *_operating(e["curve"]),
        *_scores(e),
    ]


def _renders(e: dict[str, Any]) -> list[str]:
    """What sources rendered, apart from photographs; nothing of an evaluation that knows no such."""
    known = [(s["name"], s["renders"]) for s in e["sources"] if "renders" in s]
    rows = [[n, *(_rate(r[k]) for k in ("falseAccept", "falseReject"))] for n, r in known if any(map(_n, r.values()))]
    if not rows:
        return []
    return [
        "Pictures whose masks the source itself rendered; they are no photographs, and in none of the rows above:",
        "",
        *_rows(["source", "false accept", "false reject"], rows),
    ]


def _n(r: dict[str, Any] | None) -> int:
    return r["n"] if r else 0


_CURVE = {
    "masked": "masked", "bare": "bare", "wornWrong": "worn wrong", "renderedMasked": "masked, rendered",
    "renderedOther": "to be refused, rendered", "other": "everything else that is to be refused",
}  # fmt: skip


def _operating(points: list[dict[str, float]]) -> list[str]:
    keys = [k for k in _CURVE if k in points[0]]
    rows = [[str(c["threshold"]), *(f"{100 * c[k]:.2f} %" for k in keys)] for c in points]
    return _rows(["threshold", *(_CURVE[k] for k in keys)], rows)


def _scores(e: dict[str, Any]) -> list[str]:
    rows = []
    for key, words in (("real", "photographs"), ("everything", "with rendered pictures")):
        curve, fit = e["roc"][key], e["calibration"][key]
        if curve and fit:
            area, error = f"{curve['area']:.5f}", f"{100 * fit['expectedError']:.2f} %"
            rows.append([words, area, error, f"{fit['brier']:.4f}", str(fit["n"])])
    return _rows(["", "area under the ROC", "expected calibration error", "Brier score", "n"], rows)


def _unseen(material: Material) -> list[str]:
    lines = ["## Left out of training", ""]
    rows = []
    for e in (e for e in material.evaluations if e["model"]["leaveOut"]):
        source = e["model"]["leaveOut"]
        facts = next((s for s in e["sources"] if s["name"] == source), None)
        by = {g["name"].removeprefix(f"{source} "): g["accepted"] for g in e["bySource"]}
        cells = [facts and facts["balancedAccuracy"], *(by.get(k) for k in ("masked", "bare", "worn wrong"))]
        rows.append(
            [source, str(e["model"]["seed"]), str(e["threshold"]), *map(_rate, cells), _rate(by.get("synthetic wrong"))]
        )
    if rows:
        lines.append(
            "A source in turn stays out; all its pictures are then measured, with the threshold chosen on others:\n"
        )
        lines += _rows(["source", "seed", "threshold", "balanced accuracy", "masked accepted", "bare accepted",
                        "worn wrong accepted", "worn wrong, rendered, accepted"], rows)  # fmt: skip
    else:
        lines += ["No source was left out yet: `train --leave-out SOURCE`, then `evaluate`.", ""]
    kinds = [e for e in material.evaluations if e["model"]["leaveKinds"] and e["leftOut"]]
    for e in kinds:
        left = e["leftOut"]
        lines += [f"Kinds that stay out, seed {e['model']['seed']}, threshold {e['threshold']}:", ""]
        lines += table([*left["kinds"], {"name": "together", "label": 0, "accepted": left["together"]}], "kind")
    if not kinds:
        lines += ["No kind was left out yet: `train --leave-kinds KIND,KIND`, then `evaluate`.", ""]
    return lines


def _shortcuts(e: dict[str, Any]) -> list[str]:
    lines = [
        "## No shortcut",
        "",
        *_rows(
            ["the same picture", "changed verdicts (95 % interval)"],
            [[i["name"], _rate(i["changed"])] for i in e["invariance"]],
        ),
    ]
    s = e["shortcut"]
    if s:
        parts = (("bare, as it is", "bareBefore"), ("bare, treated", "bareAfter"), ("masked, as it is", "maskedBefore"),
                 ("masked, treated", "maskedAfter"))  # fmt: skip
        sharp = ", ".join(f"{k} {v}" for k, v in s["medianSharpness"].items())
        lines += [
            "Faces treated as mask12k's masked crops are (enlarged from few pixels, smeared borders); median variance",
            f"of the Laplacian: {sharp}.",
            "",
            *_rows(["faces", "accepted as masked"], [[words, _rate(s[k])] for words, k in parts]),
        ]
    return lines


def _groups(e: dict[str, Any]) -> list[str]:
    lines = ["## Age and skin tone", ""]
    for by, words in (("age", "Age"), ("tone", "Skin tone")):
        g = e["groups"][by]
        unknown = f" Not measurable: {g['unmeasured']} of {g['of']}." if "unmeasured" in g else ""
        lines += [f"**{words}.** {g['basis'].rstrip('.')}.{unknown}", ""]
        rows = [[p["what"], x["name"], _rate(x["accepted"])] for p in g["parts"] for x in p["groups"]]
        lines += _rows(["faces", words.lower(), "accepted as masked"], rows)
        for p in g["parts"]:
            if p["gap"] and p["gap"]["wide"]:
                chance = "beyond chance" if p["gap"]["beyondChance"] else "the intervals meet"
                wide = f"{p['gap']['points']} points between {p['gap']['low']} and {p['gap']['high']}"
                lines.append(f"- Gap above 2 points, {p['what']}: {wide}; {chance}.")
        lines += [""] if lines[-1].startswith("- ") else []
    return lines


def _whole_path(material: Material) -> list[str]:
    rows = []
    for w in material.whole_path:
        for name, g in w["groups"].items():
            what = f"{w['name'] or 'pictures'}, {name}"
            rows.append([what, f"{w['leastFacePx']:g} px and more", _rate(g["found"]), _rate(g["accepted"])])
            rows += [[what, s["name"], _rate(s["found"]), _rate(s["accepted"])] for s in g["bySize"]]
    if not rows:
        return []
    head = ["pictures", "faces", "found", "of these accepted as masked"]
    return ["## The whole path, from pictures to verdicts", "", *_path_words(material), "", *_rows(head, rows)]


def _path_words(material: Material) -> list[str]:
    """How faces were found and sized, as far as the measurements say it."""
    sizes = sorted({w["facePx"] for w in material.whole_path if "facePx" in w})
    unclear = sum(w.get("unclear", 0) for w in material.whole_path)
    lines = ["By `maskgate classify`.", *(f"Sizes in px: {words}." for words in sizes)]
    return lines + ([f"{unclear} pictures that reviewers called unclear are not measured."] if unclear else [])


def _more(evaluation: dict[str, Any], material: Material) -> list[str]:
    lines: list[str] = []
    rest = [
        e for e in material.evaluations if not e["leftOut"] and e["model"]["weights"] != evaluation["model"]["weights"]
    ]
    if rest:
        rows = []
        for e in rest:
            real = e["total"]["real"]
            rates = (real["falseAccept"], real["falseReject"], e["accuracy"])
            rows.append([e["model"]["name"], str(e["model"]["seed"]), *map(_rate, rates)])
        lines += ["## Other runs and seeds", ""]
        lines += _rows(
            ["run", "seed", "false accept, photographs", "false reject, photographs", "right, everything"], rows
        )
    if material.tries:
        rows = [[t["tried"], t["gave"]] for t in material.tries]
        lines += ["## What was tried", "", *_rows(["tried", "gave"], rows)]
    return lines


def model_card(manifest: dict[str, Any], evaluation: dict[str, Any] | None, also: Sequence[dict[str, Any]] = ()) -> str:
    """The card's text. `also`: evaluations of other runs, result.json of runs, whole-path measurements, tries."""
    lines = _training(manifest)
    if evaluation is None:
        return "\n".join([*lines, "Not evaluated: an early model for wiring, not for doors.", ""])
    material = sorted_out(also)
    lines += [
        *_goals(evaluation, material), *_paper(material), *_held_out(evaluation), *_unseen(material),
        *_shortcuts(evaluation), *_groups(evaluation), *_whole_path(material), *_more(evaluation, material),
    ]  # fmt: skip
    return "\n".join([*lines, limits(manifest)])


def limits(manifest: dict[str, Any]) -> str:
    """What holds for every model, and weights this one began with that may have learned the test part."""
    told = manifest["trainedWith"].get("foreignWeights", [])
    return _LIMITS + "".join(f"- May have learned pictures of the test part ({why}).\n" for why in told)
