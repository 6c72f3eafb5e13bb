"""Renders masks, wrong wearing and occluders onto every bare picture once, into one array, before training.

Promises: each bare picture gives one masked picture (two of a turned head, of which there are few) and two that are
not (worn wrong, occluder or decoy), so that nothing but the thing itself tells them apart; the same seed gives the
same pixels; another seed adds more. Kinds named by --without are in none of them, neither as what the picture is about
nor beside the face; each row says what stands beside it.
Run: run render --arrays DIR --seed 1 [--without KIND,KIND] [--templates DIR --textures DIR --hands DIR]
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from tqdm import tqdm

from .assets import Assets, load_assets
from .face import fit_face
from .prepare import read_rows, write_rows
from .synthesize import KINDS, dressed, pick_kind

_state: dict[str, object] = {}
_GROUPS = {"wrong": 0.4, "occluder": 0.54, "decoy": 0.06}
_TURNED_DEGREES = 25


def pick_negative(rng: np.random.Generator, without: frozenset[str] = frozenset()) -> str:
    """A kind that is not a mask worn properly: its group by share, within the group by weight."""
    left = {k.group for k in KINDS.values() if k.name not in without}
    shares = {g: share for g, share in _GROUPS.items() if g in left}
    group = str(rng.choice(list(shares), p=np.array(list(shares.values())) / sum(shares.values())))
    others = frozenset(k.name for k in KINDS.values() if k.group != group)
    return pick_kind(rng, 0, without=others | without)


class Made(NamedTuple):
    """One rendered picture, its kind, and the kinds that stand beside its face."""

    kind: str
    picture: np.ndarray
    beside: list[str]


def dress(
    rgb: np.ndarray,
    points: np.ndarray,
    seed: tuple[int, ...],
    assets: Assets,
    without: frozenset[str] = frozenset(),
) -> list[Made]:
    """Masked and unmasked pictures made of a bare one; fewer if the face suits nothing."""
    rng = np.random.default_rng(seed)
    face = fit_face(points)
    turned = face is not None and abs(face.yaw) > _TURNED_DEGREES
    made: list[Made] = []
    for label in (1, 0, 0, 1) if turned else (1, 0, 0):
        for _ in range(4):
            kind = pick_kind(rng, 1, without) if label else pick_negative(rng, without)
            drawn = dressed(rgb, points, kind, rng, assets, without)
            if drawn is not None:
                made.append(Made(kind, *drawn))
                break
    return made


def _start(arrays: Path, seed: int, without: frozenset[str], assets: tuple[Path | None, ...]) -> None:
    cv2.setNumThreads(1)
    _state["pictures"] = np.load(arrays / "pictures.npy", mmap_mode="r")
    _state["points"] = np.load(arrays / "landmarks.npy", mmap_mode="r")
    _state["seed"], _state["without"], _state["assets"] = seed, without, load_assets(*assets)


def _render(indices: list[int]) -> list[tuple[int, Made]]:
    out = []
    for i in indices:
        rgb = np.ascontiguousarray(_state["pictures"][i])
        points = _state["points"][i].astype(np.float32)
        made = dress(rgb, points, (_state["seed"], i), _state["assets"], _state["without"])
        out += [(i, one) for one in made]
    return out


def save_pictures(file: Path, pictures: list[np.ndarray]) -> None:
    """Writes one array [N,...] without a second copy in memory."""
    out = np.lib.format.open_memmap(file, "w+", np.uint8, (len(pictures), *pictures[0].shape))
    for i, picture in enumerate(pictures):
        out[i] = picture
    out.flush()


def main(argv: list[str] | None = None) -> int:
    """Command line: see the module's head."""
    parser = argparse.ArgumentParser(prog="render", description=__doc__.splitlines()[0])
    parser.add_argument("--arrays", type=Path, required=True, help="folder that `prepare` wrote")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--without", default="", help="kinds to leave out, comma separated (leave-one-kind-out)")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--templates", type=Path, help="folder of mask templates with masks.cfg")
    parser.add_argument("--textures", type=Path, help="folder of fabric textures")
    parser.add_argument("--hands", type=Path, help="folder of hands on white")
    args = parser.parse_args(argv)
    without = frozenset(args.without.split(",")) - {""}
    if unknown := without - set(KINDS):
        parser.error(f"--without: no such kind: {', '.join(sorted(unknown))}; there are {', '.join(KINDS)}")
    rows = read_rows(args.arrays / "rows.jsonl")
    known = ~np.isnan(np.load(args.arrays / "landmarks.npy", mmap_mode="r")[:, 0, 0])
    todo = [i for i, r in enumerate(rows) if r["kind"] == "bare" and known[i]]
    chunks = [todo[i : i + 64] for i in range(0, len(todo), 64)]
    new_rows: list[dict] = []
    pictures: list[np.ndarray] = []
    start = (args.arrays, args.seed, without, (args.templates, args.textures, args.hands))
    with (
        ProcessPoolExecutor(args.workers, initializer=_start, initargs=start) as pool,
        tqdm(total=len(todo), unit="face") as bar,
    ):
        for part in pool.map(_render, chunks):
            for i, one in part:
                kept = {k: rows[i][k] for k in ("group", "split", "source", "file", "facePx")}
                label = KINDS[one.kind].label
                new_rows.append({"kind": one.kind, "label": label, **kept, "of": i, "beside": one.beside})
                pictures.append(one.picture)
            bar.update(64)
    save_pictures(args.arrays / f"rendered-{args.seed}.npy", pictures)
    write_rows(args.arrays / f"rendered-{args.seed}.jsonl", new_rows)
    for kind, n in sorted(Counter(r["kind"] for r in new_rows).items()):
        print(f"{kind:16s} {n:6d}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
