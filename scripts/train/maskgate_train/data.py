"""The prepared and rendered pictures of a split, and which of them a step sees.

Promises: a batch is a function of a run's seeds and the step alone, so a run that was killed goes on as if it had not
been.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from .augment import augment
from .config import Config, ConfigError
from .corrections import UNCLEAR
from .duplicates import hidden_twins, load_pairs, twins_of
from .prepare import read_rows
from .synthesize import BESIDE, KINDS

# Share of the draws of mix `door`, by label and group; within a group, sources weigh by the square root of their size,
# among occluders the kinds of each source do.
SHARES = {
    (1, "real"): 0.26, (1, "proper"): 0.22,
    (0, "bare"): 0.19, (0, "worn_wrong"): 0.06, (0, "wrong"): 0.1, (0, "occluder"): 0.14, (0, "decoy"): 0.03,
}  # fmt: skip
_WRONG = {"under_nose", "under_mouth", "on_chin", "hanging", "scarf"}
_DECOYS = {"sunglasses", "hat", "eye_mask", "patch", "beard", "aside"}
_BY_KIND = {"occluder"}


@dataclass(frozen=True)
class Pool:
    """Pictures of some splits: `parts` are uint8 arrays end to end, `rows[i]` describes picture i."""

    parts: list[np.ndarray]
    where: np.ndarray
    rows: list[dict]

    def __len__(self) -> int:
        """How many pictures."""
        return len(self.rows)

    def picture(self, i: int) -> np.ndarray:
        """uint8 [112,112,3]."""
        part, at = self.where[i]
        return self.parts[part][at]

    def pictures(self, chosen: Iterable[int]) -> torch.Tensor:
        """uint8 [len(chosen),112,112,3], in memory."""
        return torch.from_numpy(np.stack([self.picture(i) for i in chosen]))

    def take(self, count: int, setting: str) -> Pool:
        """So many, the same ones for every seed, so that runs can be compared; all if `count` is 0."""
        if count > len(self):
            raise ConfigError(f"--{setting} {count}: only {len(self)} are there; 0 takes all of them")
        if count == 0:
            return self
        kept = np.sort(np.random.default_rng(1).permutation(len(self))[:count])
        return Pool(self.parts, self.where[kept], [self.rows[i] for i in kept])

    @property
    def labels(self) -> np.ndarray:
        """float32 [N]."""
        return np.array([r["label"] for r in self.rows], np.float32)


def load_pool(
    arrays: Path,
    splits: set[str],
    synthetic: bool = True,
    leave_out: str = "",
    groups: frozenset[str] = frozenset(),
    leave_kinds: str = "",
) -> Pool:
    """Everything of these splits, of some groups if they are named. Left out: a source, with every picture elsewhere
    that is nearly one of its own; rendered kinds (comma separated), also where they stand beside a face; what is nearly
    a picture of the test part, and of the training part what is nearly one of the validation part."""
    no_kinds = frozenset(leave_kinds.split(",")) - {""}
    if unknown := no_kinds - set(KINDS):
        raise ConfigError(f"--leave-kinds: no such kind: {', '.join(sorted(unknown))}; there are {', '.join(KINDS)}")
    files = [(arrays / "pictures.npy", arrays / "rows.jsonl")]
    if synthetic:
        files += [(f, f.with_suffix(".jsonl")) for f in sorted(arrays.glob("rendered-*.npy"))]
    parts, where, rows = [], [], []
    twins: frozenset[int] = frozenset()
    for n, (pictures, facts) in enumerate(files):
        if not pictures.exists():
            raise ConfigError(f"--arrays {arrays}: no {pictures.name}; run `prepare` first")
        parts.append(np.load(pictures, mmap_mode="r"))
        described = read_rows(facts)
        if n > 0 and no_kinds & BESIDE and any("beside" not in r for r in described):
            raise ConfigError(
                f"--leave-kinds: {facts.name} does not say what stands beside its faces, so {leave_kinds} may; it is "
                "of an older `render`: render it again with its seed, or `render --without` into other arrays"
            )
        if n == 0:
            twins = unseen_twins(described, load_pairs(arrays, described), splits, leave_out)
        for at, row in enumerate(described):
            row["synthetic"] = n > 0
            wanted = row["split"] in splits and row["source"] != leave_out and row["kind"] != UNCLEAR
            wanted = wanted and row.get("of", at if n == 0 else None) not in twins
            wanted = wanted and not (n > 0 and no_kinds & shown(row))
            if wanted and (not groups or group_of(row) in groups):
                where.append((n, at))
                rows.append(row)
    if not rows:
        raise ConfigError(f"--arrays {arrays}: nothing of {', '.join(sorted(splits))} is there")
    return Pool(parts, np.array(where), rows)


def shown(row: dict) -> set[str]:
    """Kinds of a rendered picture: its own, and those beside its face."""
    return {row["kind"], *row.get("beside", ())}


def unseen_twins(rows: list[dict], pairs: np.ndarray, splits: set[str], leave_out: str) -> frozenset[int]:
    """Places of pictures that show what the pool of these splits, without that source, must not hold."""
    left = np.array([r["source"] == leave_out for r in rows], bool)
    return twins_of(left, pairs) | hidden_twins(rows, pairs, splits)


PAPER_GROUPS = frozenset({"bare", "proper"})


def group_of(row: dict) -> str:
    """real, proper, bare, worn_wrong, wrong, occluder or decoy."""
    if not row["synthetic"]:
        return "real" if row["label"] == 1 else row["kind"]
    if row["label"] == 1:
        return "proper"
    return "wrong" if row["kind"] in _WRONG else "decoy" if row["kind"] in _DECOYS else "occluder"


def draw_weights(rows: list[dict]) -> np.ndarray:
    """Probability of each picture under mix `door`."""
    groups = [group_of(r) for r in rows]
    keys = [(r["label"], g, r["source"], r["kind"] if g in _BY_KIND else "") for r, g in zip(rows, groups, strict=True)]
    sizes = Counter(keys)
    roots: Counter[tuple[int, str]] = Counter()
    for (label, group, _, _), n in sizes.items():
        roots[label, group] += n**0.5
    weights = np.array([SHARES[k[:2]] * sizes[k] ** -0.5 / roots[k[:2]] for k in keys])
    return weights / weights.sum()


def data_hash(pool: Pool) -> str:
    """Names what a run was trained on."""
    text = "\n".join(f"{r['source']} {r['file']} {r['kind']} {r['facePx']}" for r in pool.rows)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def summary(pool: Pool) -> dict[str, int]:
    """Pictures by source and group."""
    return dict(sorted(Counter(f"{r['source']} {group_of(r)}" for r in pool.rows).items()))


class Batches:
    """The batches of a run, made ahead in a thread; of several processes, each makes its own share of every batch."""

    def __init__(
        self, pool: Pool, config: Config, ahead: int = 4, rank: int = 0, ranks: int = 1, seeds: tuple[int, ...] = ()
    ) -> None:
        """Nothing is read before `from_step`. `seeds`: the run's (lineage.py); the configured one alone if empty."""
        self._pool, self._config, self._ahead = pool, config, ahead
        self._seeds = seeds or (config.seed,)
        self._mine = slice(rank * config.batch // ranks, (rank + 1) * config.batch // ranks)
        self._labels = pool.labels
        self._ends = np.cumsum(draw_weights(pool.rows)) if config.mix == "door" else np.array([])

    def indices(self, step: int) -> np.ndarray:
        """Which pictures the step sees, in all processes together."""
        c, n = self._config, len(self._pool)
        if c.mix == "door":
            rng = np.random.default_rng([*self._seeds, step, 1])
            at = (np.arange(c.batch) + rng.random(c.batch)) / c.batch
            return np.minimum(np.searchsorted(self._ends, at * self._ends[-1]), n - 1)
        per_epoch = max(1, n // c.batch)
        order = np.random.default_rng([*self._seeds, step // per_epoch, 2]).permutation(n)
        start = step % per_epoch * c.batch
        return order[start : start + c.batch]

    def share(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        """This process's pictures by number, and their float32 labels."""
        chosen = self.indices(step)[self._mine]
        return chosen, self._labels[chosen]

    def batch(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        """This process's uint8 [B,112,112,3] and float32 labels [B]."""
        chosen, labels = self.share(step)
        pictures = [self._pool.picture(i) for i in chosen]
        if self._config.augment == "door":
            places = enumerate(pictures, self._mine.start)
            pictures = [augment(p, np.random.default_rng([*self._seeds, step, k, 3])) for k, p in places]
        return np.stack(pictures), labels

    def from_step(self, step: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Batches of `step` and after, without end."""
        with ThreadPoolExecutor(1) as pool:
            waiting = [pool.submit(self.batch, step + k) for k in range(self._ahead)]
            try:
                while True:
                    step += 1
                    waiting.append(pool.submit(self.batch, step + self._ahead - 1))
                    yield waiting.pop(0).result()
            finally:
                for future in waiting:
                    future.cancel()
