"""The numbers that were to be reached, beside what was measured; for the card and the report.

Promises: a goal that nothing measured says so; a bound is held against the measured share itself, its interval and n
stand beside it; photographs and renders are never in one number.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .rates import Rate

PAPER = {"trainLoss": 0.02047936655046101, "trainAccuracy": 0.9982978186861682,
         "loss": 0.03538672445137081, "accuracy": 0.9924242424242424, "epochs": 50, "minutesPerEpoch": 1}  # fmt: skip
SOURCES = ("chandrikadeb7", "mask12k", "kaggle853")


def goal(text: str, bound: float, value: Rate | float | None, least: bool, basis: str) -> dict[str, Any]:
    """One row: `met` is None where nothing was measured."""
    is_rate = isinstance(value, dict)
    share = value["rate"] if is_rate else value
    met = None if share is None else share >= bound if least else share <= bound
    return {"goal": text, "bound": bound, "least": least, "value": value, "met": met, "from": basis}


def kept_epoch(run: dict[str, Any]) -> dict[str, Any]:
    """The point of a run's curve that early stopping kept: the one of the lowest validation loss."""
    return min(run["curve"], key=lambda c: c["loss"])


def epoch_of(run: dict[str, Any], step: int) -> float:
    """Epochs that were seen at a step."""
    made = run["trainedWith"]
    return step / max(1, made["pictures"] // made["recipe"]["batch"])


def is_paper(run: dict[str, Any]) -> bool:
    """The paper's recipe with its momentum."""
    recipe = run["trainedWith"]["recipe"]
    return recipe["preset"] == "paper" and recipe["momentum"] > 0


def of_paper(runs: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Validation accuracy and loss of the paper's recipe."""
    mine = [r for r in runs if is_paper(r) and r["curve"]]
    rows = []
    for run in mine or [None]:
        kept = kept_epoch(run) if run else {"accuracy": None, "loss": None}
        seed = f"preset paper, seed {run['trainedWith']['recipe']['seed']}" if run else "no run of preset paper"
        epochs = epoch_of(run, run["curve"][-1]["step"]) if run else None
        rows += [
            goal("paper's recipe: validation accuracy", 0.9924, kept["accuracy"], True, seed),
            goal("paper's recipe: validation loss", 0.0354, kept["loss"], False, seed),
            goal("paper's recipe: epochs", 12, epochs, True, seed),
        ]
    return rows


def of_left_sources(evaluations: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leave-one-source-out: balanced accuracy, bare and wrongly masked faces accepted; photographs alone."""
    rows = []
    for source in SOURCES:
        mine = [e for e in evaluations if e["model"]["leaveOut"] == source]
        for e in mine or [None]:
            facts = next((s for s in e["sources"] if s["name"] == source), {}) if e else {}
            by = {g["name"].removeprefix(f"{source} "): g["accepted"] for g in e["bySource"]} if e else {}
            basis = basis_of(e) if e else "not run"
            rows += [
                goal(f"{source} unseen: balanced accuracy", 0.97, facts.get("balancedAccuracy"), True, basis),
                goal(f"{source} unseen: bare accepted", 0.01, by.get("bare"), False, basis),
                goal(f"{source} unseen: worn wrong accepted", 0.05, by.get("worn wrong"), False, basis),
                goal(f"{source} unseen: worn wrong, rendered, accepted", 0.05, by.get("synthetic wrong"), False, basis),
            ]
    return rows


def of_left_kinds(evaluations: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leave-one-kind-out: things no training saw."""
    mine = [e for e in evaluations if e["model"]["leaveKinds"] and e["leftOut"]]
    if not mine:
        return [goal("occluders of kinds never trained on: accepted", 0.01, None, False, "not run")]
    return [
        goal(
            f"{', '.join(e['model']['leaveKinds'])} unseen: accepted",
            0.01,
            e["leftOut"]["together"],
            False,
            basis_of(e),
        )
        for e in mine
    ]


def of_shipped(evaluation: dict[str, Any] | None) -> list[dict[str, Any]]:
    """No shortcut, and gaps between groups, of the model that ships."""
    if evaluation is None:
        return [goal("changed verdicts by small changes", 0.01, None, False, "not measured")]
    basis, rows = basis_of(evaluation), []
    for change in evaluation["invariance"]:
        rows.append(goal(f"{change['name']}: verdicts changed", 0.01, change["changed"], False, basis))
    if evaluation["shortcut"]:
        changed = evaluation["shortcut"]["bareAfter"]
        rows.append(goal("bare faces treated as mask12k's masked crops: accepted", 0.01, changed, False, basis))
    for by in ("age", "tone"):
        for part in evaluation["groups"][by]["parts"]:
            if part["gap"]:
                width = part["gap"]["points"] / 100
                ends = f" ({part['gap']['low']} to {part['gap']['high']})" if width else ""
                text = f"gap by {by}, {part['what']}{ends}"
                rows.append(goal(text, 0.02, width, False, basis))
    return rows


def basis_of(e: dict[str, Any]) -> str:
    """Which run a number is from."""
    m = e["model"]
    return f"preset {m['preset']}, seed {m['seed']}, {m['steps']} steps, threshold {e['threshold']}"


def shipped_of(evaluations: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """The evaluation of the whole model: nothing left out, not of the paper's recipe; the last one given."""
    mine = [e for e in evaluations if e["model"]["preset"] != "paper" and not e["leftOut"]]
    return mine[-1] if mine else None


def goals(
    evaluation: dict[str, Any] | None, runs: Sequence[dict[str, Any]], others: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Every goal, in order. `evaluation` is of the model that ships, `others` of further runs."""
    return [*of_paper(runs), *of_left_sources(others), *of_left_kinds(others), *of_shipped(evaluation)]


def told(row: dict[str, Any]) -> tuple[str, str]:
    """Bound and value in words: shares as percent, losses and epochs as they are."""
    plain = any(word in row["goal"] for word in ("loss", "epochs"))

    def words(v: float) -> str:
        return f"{v:.4g}" if plain else f"{100 * v:.4g} %"

    bound = f"{'at least' if row['least'] else 'at most'} {words(row['bound'])}"
    value = row["value"]
    if value is None or (isinstance(value, dict) and not value["n"]):
        return bound, "not measured"
    if isinstance(value, dict):
        low, high = (f"{100 * value[k]:.2f}" for k in ("low", "high"))
        return bound, f"{100 * value['rate']:.2f} % ({low} to {high}; n = {value['n']})"
    return bound, words(value) if plain else f"{100 * value:.2f} %"
