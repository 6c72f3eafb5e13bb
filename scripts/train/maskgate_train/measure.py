"""Which pictures a measurement takes, and their rates by source.

Promises: a left-out source is measured on all its pictures, of which training saw none nor a near-duplicate (see
data.py); a left-out kind on all renderings of it on persons of the test part.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .data import Pool, group_of, load_pool
from .rates import Rate, balanced, groups_of, roc, share, wilson

_PHOTOGRAPHED = {"real": "masked", "bare": "bare", "worn_wrong": "worn wrong"}
RENDERS = frozenset({("maskon", "worn_wrong"), ("lfw112", "masked")})
"""Source and kind of pictures that came to us rendered: MaskON's are MaskedFace-Net's, lfw112's masks are drawn."""


RENDER = ", source's render"


def is_render(row: dict) -> bool:
    """A mask that the picture's source drew; what a correction calls it does not make it a photograph."""
    return not row["synthetic"] and (row["source"], row.get("was", row["kind"])) in RENDERS


def is_photograph(row: dict) -> bool:
    """As a camera saw it, nothing rendered onto it by us or by its source."""
    return not row["synthetic"] and not is_render(row)


def name_of(row: dict) -> str:
    """What the reader sees: photographs by kind, a source's renders apart from them, synthetic ones by their own."""
    if row["synthetic"]:
        return f"synthetic {row['kind']}"
    return f"{_PHOTOGRAPHED[group_of(row)]}{RENDER if is_render(row) else ''}"


def source_name(row: dict) -> str:
    """Source and sort of a picture."""
    return f"{row['source']} {f'synthetic {group_of(row)}' if row['synthetic'] else name_of(row)}"


@dataclass(frozen=True)
class Wanted:
    """What to measure. Empty `source` and `kinds`: what the run left out, or else everything of the split."""

    split: str = "test"
    least_px: int = 40
    rate: float = 0.002
    threshold: float | None = None
    source: str = ""
    kinds: tuple[str, ...] = ()
    most: int = 0
    probes: int = 1000


@dataclass(frozen=True)
class Left:
    """What a run's training left out."""

    source: str
    kinds: tuple[str, ...]


def left_out(facts: dict[str, Any]) -> Left:
    """By the recipe in a checkpoint or manifest."""
    recipe = facts.get("recipe", {})
    kinds = recipe.get("leave_kinds") or ()
    parts = kinds.replace(",", " ").split() if isinstance(kinds, str) else kinds
    return Left(recipe.get("leave_out") or "", tuple(sorted(parts)))


def thin(pool: Pool, most: int) -> Pool:
    """A random part of at most so many pictures, the same at every call."""
    if not most or len(pool) <= most:
        return pool
    return pick(pool, sorted(np.random.default_rng(0).choice(len(pool), most, replace=False).tolist()))


def select(arrays: Path, wanted: Wanted, left: Left) -> tuple[Pool, dict[str, Any]]:
    """The pictures to measure, and words for what they are."""
    source, kinds = wanted.source or left.source, wanted.kinds or left.kinds
    unseen = bool(source) and source == left.source
    pool = load_pool(arrays, {"train", "val", "test"} if unseen else {wanted.split})

    def fits(row: dict) -> bool:
        if row["facePx"] < wanted.least_px:
            return False
        if row["synthetic"] and row["kind"] in kinds and row["split"] == wanted.split and not wanted.source:
            return True
        in_source = not source or row["source"] == source
        return in_source and (not kinds or not row["synthetic"] or row["kind"] in kinds or unseen)

    pool = pick(pool, [i for i, r in enumerate(pool.rows) if fits(r)])
    facts = {"source": source, "kinds": list(kinds)}
    return thin(pool, wanted.most), {"split": "all" if unseen else wanted.split, "selection": facts}


def kinds_left_out(left: Left, pool: Pool, accepted: np.ndarray) -> dict[str, Any] | None:
    """Accepted shares of what training left out."""
    if not left.source and not left.kinds:
        return None
    mine = [i for i, r in enumerate(pool.rows) if r["synthetic"] and r["kind"] in left.kinds]
    rates = groups_of([pool.rows[i]["kind"] for i in mine], pool.labels[mine], accepted[mine])
    return {"source": left.source, "kinds": rates, "together": wilson(int(accepted[mine].sum()), len(mine))}


def summary_rates(labels: np.ndarray, accepted: np.ndarray) -> dict[str, Rate | None]:
    """Accuracy, false accept and false reject rates, balanced accuracy."""
    masked = labels > 0.5
    return {
        "accuracy": share(accepted == masked), "falseAccept": share(accepted[~masked]),
        "falseReject": share(~accepted[masked]),
        "balancedAccuracy": balanced(share(accepted[masked]), share(~accepted[~masked])),
    }  # fmt: skip


def rates_by_source(pool: Pool, p: np.ndarray, accepted: np.ndarray) -> list[dict[str, Any]]:
    """What stands under `sources` of evaluation.json."""
    labels, out = pool.labels, []
    photograph, render = (np.array([f(r) for r in pool.rows]) for f in (is_photograph, is_render))
    bare = np.array([group_of(r) == "bare" for r in pool.rows])
    for source in sorted({r["source"] for r in pool.rows}):
        mine = np.array([r["source"] == source for r in pool.rows])
        at = mine & photograph
        alone = balanced(share(accepted[at & (labels > 0.5)]), share(~accepted[at & bare]))
        curve = roc(p[at], labels[at])
        apart = {"renders": mine & render, "synthetic": mine & ~photograph & ~render}
        out.append({
            "name": source, **summary_rates(labels[at], accepted[at]), "balancedAccuracyBare": alone,
            "area": curve and curve["area"],
            **{k: _false_rates(labels[of], accepted[of]) for k, of in apart.items()},
        })  # fmt: skip
    return out


def _false_rates(labels: np.ndarray, accepted: np.ndarray) -> dict[str, Rate | None]:
    return {k: v for k, v in summary_rates(labels, accepted).items() if k in ("falseAccept", "falseReject")}


def curve_parts(pool: Pool) -> dict[str, np.ndarray]:
    """True by picture, for each part that has an accepted share by threshold of its own."""
    masked = pool.labels == 1
    photograph = np.array([is_photograph(r) for r in pool.rows])
    bare = np.array([group_of(r) == "bare" for r in pool.rows])
    return {
        "masked": photograph & masked, "bare": bare, "wornWrong": photograph & ~masked & ~bare,
        "renderedMasked": ~photograph & masked, "renderedOther": ~photograph & ~masked & ~bare,
    }  # fmt: skip


def pick(pool: Pool, keep: list[int]) -> Pool:
    """A part of the pool."""
    if not keep:
        raise SystemExit("evaluate: no picture fits what was asked for; see --only-source, --kinds, --least-face-px")
    return Pool(pool.parts, pool.where[keep], [pool.rows[i] for i in keep])
