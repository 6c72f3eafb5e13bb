"""Reads what a page or a card is made of: run folders, evaluations, whole-path measurements, tries.

Promises: a run that still goes on is shown as far as it is; a file that is none of these is refused by name.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch


@dataclass
class Material:
    """Everything given, by sort. `runs` have curve and trainedWith; `names` holds the folder of each run."""

    runs: list[dict[str, Any]] = field(default_factory=list)
    evaluations: list[dict[str, Any]] = field(default_factory=list)
    whole_path: list[dict[str, Any]] = field(default_factory=list)
    tries: list[dict[str, Any]] = field(default_factory=list)
    unmeasured: list[str] = field(default_factory=list)


def sort_of(facts: dict[str, Any]) -> str:
    """evaluation, wholePath, tries or run."""
    if "curve" in facts and "trainedWith" in facts:
        return "run"
    return str(facts.get("type", ""))


def sorted_out(also: Iterable[dict[str, Any]]) -> Material:
    """Each piece to its sort."""
    out = Material()
    places = {"run": out.runs, "evaluation": out.evaluations, "wholePath": out.whole_path}
    for facts in also:
        sort = sort_of(facts)
        if sort == "tries":
            out.tries += facts["rows"]
        elif sort in places:
            places[sort].append(facts)
        else:
            raise SystemExit(f"{facts.get('file', 'a file given')}: none of evaluation, run, wholePath or tries")
    return out


def read_json(file: Path) -> dict[str, Any]:
    """One JSON object; a missing or broken file is named."""
    try:
        facts = json.loads(file.read_text())
    except (OSError, ValueError) as error:
        raise SystemExit(f"{file}: {error}") from error
    if not isinstance(facts, dict):
        raise SystemExit(f"{file}: not an object")
    return {**facts, "file": str(file)} if not sort_of(facts) else facts


def read_run(folder: Path) -> dict[str, Any]:
    """result.json, or as much as the last checkpoint knows."""
    result, last = folder / "result.json", folder / "last.pt"
    if result.exists():
        facts = {**json.loads(result.read_text()), "finished": True}
    elif last.exists():
        state = torch.load(last, map_location="cpu", weights_only=True, mmap=True)
        keys = ("step", "elapsed_s", "best", "curve")
        facts = {**{k: state[k] for k in keys}, "trainedWith": state["facts"], "finished": False}
    else:
        raise SystemExit(f"--runs {folder}: neither result.json nor last.pt; give folders that `train` wrote")
    return {**facts, "name": folder.name}


def gather(folders: Sequence[Path], also: Sequence[Path]) -> Material:
    """Run folders with their evaluations, and further files."""
    out = sorted_out(read_json(file) for file in also)
    for folder in folders:
        out.runs.append(read_run(folder))
        found = sorted(folder.glob("evaluation*/evaluation.json"))
        for file in found:
            out.evaluations.append({**read_json(file), "run": folder.name})
        if not found:
            out.unmeasured.append(folder.name)
    return out
