"""Kinds that a source got wrong, by reviewers who looked at its crops: names and kinds alone, no pictures.

Promises: what a source said is kept as `was`, so correcting again, or with other files, begins from there; a file that
names a kind that is none is refused by its line, a crop that is not there by its name. README.md: where they are from.
"""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parents[1] / "corrections"
UNCLEAR = "unclear"
"""Nobody at a door would agree on it (a veil, a hand, a flag, a drawing): neither trained on nor measured."""
LABELS: dict[str, int | None] = {"bare": 0, "masked": 1, "worn_wrong": 0, UNCLEAR: None}


def read_corrections(folder: Path) -> dict[str, str]:
    """Kind by crop, of every SOURCE.txt: a crop as in `rows.jsonl` and a kind on each line, # for remarks."""
    if not folder.is_dir():
        raise ValueError(f"{folder}: no such folder; name one with a SOURCE.txt for each source, or an empty one")
    kinds: dict[str, str] = {}
    for file in sorted(folder.glob("*.txt")):
        for number, line in enumerate(file.read_text().splitlines(), 1):
            words = line.split("#", 1)[0].split()
            if not words:
                continue
            if len(words) != 2 or words[1] not in LABELS or words[0] in kinds:
                raise ValueError(f"{file}:{number}: a crop that is not named before, and one of {', '.join(LABELS)}")
            kinds[words[0]] = words[1]
    return kinds


def correct(rows: list[dict], kinds: dict[str, str]) -> list[dict]:
    """The rows with their right kinds and labels. What is named of a crop folder that is there must be there."""
    crops = {r["crop"] for r in rows}
    folders = {_folder(c) for c in crops}
    missing = sorted(c for c in kinds if _folder(c) in folders and c not in crops)
    if missing:
        raise ValueError(f"{len(missing)} corrected crops are not there, {missing[0]} first: were the crops made anew?")
    return [_corrected(row, kinds) for row in rows]


def _folder(crop: str) -> str:
    return crop.split("/", 1)[0]


def _corrected(row: dict, kinds: dict[str, str]) -> dict:
    was = row.get("was", row["kind"])
    kind = kinds.get(row["crop"], was)
    plain = {**{k: v for k, v in row.items() if k != "was"}, "kind": kind, "label": LABELS[kind]}
    return plain if kind == was else {**plain, "was": was}
