"""Where a run's weights come from: whether those it begins with may have learned what it must not see, and its seeds.

Promises: weights of a run that held out other pictures, or does not say which, are refused, unless --foreign-weights
says to go on; then the run's facts name them, and those of every run that begins with it. A run that goes on keeps
what its checkpoint says, whatever became of the files.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from .config import Config, ConfigError
from .data import unseen_twins
from .duplicates import load_pairs
from .model import read_checkpoint
from .prepare import read_rows

_SOURCES = (("init_from", "initFrom"), ("teacher", "teacher"))
_KEPT = ("heldOut", "foreignWeights", *(key for _, key in _SOURCES))
_SEED_DIGITS = 16


def held_out(config: Config) -> str:
    """16 hex digits that name what this run's training may not see: the test part's pictures and a left-out source's,
    what nearly shows one of them or of the validation part, and left-out kinds."""
    arrays = Path(config.arrays)
    rows = read_rows(arrays / "rows.jsonl")
    twins = unseen_twins(rows, load_pairs(arrays, rows), {"train"}, config.leave_out)
    names = {f"kind {kind}" for kind in config.leave_kinds.split(",") if kind}
    for at, row in enumerate(rows):
        if row["split"] == "test" or row["source"] == config.leave_out or at in twins:
            names.add(f"{row['source']} {row['file']} {row.get('crop', '')}")
    return hashlib.sha256("\n".join(sorted(names)).encode()).hexdigest()[:16]


def begin(config: Config) -> dict[str, Any]:
    """Facts of a new run. Weights whose lineage is another are refused by name, with the mend."""
    mine = held_out(config)
    facts: dict[str, Any] = {"heldOut": mine}
    foreign = []
    for name, key in _SOURCES:
        if file := getattr(config, name):
            why = strange(read_checkpoint(Path(file)).get("facts", {}), mine)
            facts[key] = {"file": Path(file).name, "sha256": sha256_of(Path(file))}
            foreign += [f"--{name.replace('_', '-')} {Path(file).name}: {why}"] if why else []
    if foreign and not config.foreign_weights:
        raise ConfigError(
            f"{'; '.join(foreign)}. It may have learned this run's test part: begin with --weights, or with a run on "
            "the same arrays, --leave-out and --leave-kinds; or go on with --foreign-weights, which the card will name"
        )
    if foreign:
        facts["foreignWeights"] = foreign
    if "initFrom" in facts:
        # With the same seed a warm start would see the very draws again that its first weights have learned from.
        facts["initFrom"]["mixedIntoSeed"] = facts["initFrom"]["sha256"][:_SEED_DIGITS]
    return facts


def strange(theirs: dict[str, Any], mine: str) -> str:
    """Why weights with these facts may know what `mine` names; "" if they do not."""
    other = theirs.get("heldOut")
    if other is None:
        return "its facts do not say which pictures it held out"
    if other != mine:
        return f"it held out other pictures ({other}, here {mine})"
    return "it began with foreign weights itself" if theirs.get("foreignWeights") else ""


def go_on(config: Config, before: dict[str, Any]) -> dict[str, Any]:
    """Facts of a run that goes on, by those in its checkpoint; one from before there was a lineage stays without."""
    mine = held_out(config)
    if before.get("heldOut", mine) != mine:
        raise ConfigError(f"--arrays {config.arrays}: hold out other pictures than this run did; give another --run")
    return {key: before[key] for key in _KEPT if key in before}


def seeds_of(config: Config, facts: dict[str, Any]) -> tuple[int, ...]:
    """What every draw of a run is seeded with, before step and place: its seed and the weights it began with."""
    mixed = facts.get("initFrom", {}).get("mixedIntoSeed")
    return (config.seed,) if mixed is None else (config.seed, int(mixed, 16))


def sha256_of(file: Path) -> str:
    """In hex."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
