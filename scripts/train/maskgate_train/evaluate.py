"""Measures a model folder: accepted shares by source and kind, threshold, small changes, the worst mistakes.

Promises: every rate stands with its n and its 95 % Wilson interval; the threshold is chosen on the validation part
and measured on the test part; sheets of pictures go to --out, never beside the model.
Run: run evaluate --model DIR --arrays DIR --out DIR [--false-accept-rate 0.002]
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from .data import Pool, group_of, load_pool
from .export import open_model, probabilities

_REAL = {"real": "masked", "bare": "bare", "worn_wrong": "worn wrong"}


def wilson(hits: int, n: int) -> dict[str, Any]:
    """A rate with its 95 % interval."""
    if n == 0:
        return {"rate": None, "low": 0.0, "high": 1.0, "n": 0}
    z, p = 1.959964, hits / n
    mid, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    low, high = ((mid + s * half) / (1 + z * z / n) for s in (-1, 1))
    return {"rate": round(p, 5), "low": round(max(0.0, low), 5), "high": round(min(1.0, high), 5), "n": n}


def name_of(row: dict) -> str:
    """What the reader sees: real kinds by name, synthetic ones by their own."""
    return _REAL[group_of(row)] if not row["synthetic"] else f"synthetic {row['kind']}"


def choose_threshold(bare: np.ndarray, rate: float) -> float:
    """The lowest threshold, in steps of 0.01 from 0.5 to 0.98, at which at most this share of bare faces passes."""
    for step in range(50, 98):
        if float((bare >= step / 100).mean()) <= rate:
            return step / 100
    return 0.98


def groups_of(names: list[str], labels: np.ndarray, accepted: np.ndarray) -> list[dict[str, Any]]:
    """Accepted share by name."""
    at: dict[str, list[int]] = defaultdict(list)
    for i, name in enumerate(names):
        at[name].append(i)
    groups = []
    for name in sorted(at, key=lambda name: (-labels[at[name][0]], name)):
        mine = at[name]
        rate = wilson(int(accepted[mine].sum()), len(mine))
        groups.append({"name": name, "label": int(labels[mine[0]]), "accepted": rate})
    return groups


def changes() -> dict[str, Any]:
    """Small changes that must not change a verdict."""

    def half(p: np.ndarray) -> np.ndarray:
        return cv2.resize(
            cv2.resize(p, (56, 56), interpolation=cv2.INTER_AREA), (112, 112), interpolation=cv2.INTER_LINEAR
        )

    def jpeg(p: np.ndarray) -> np.ndarray:
        return cv2.imdecode(cv2.imencode(".jpg", p, [cv2.IMWRITE_JPEG_QUALITY, 40])[1], cv2.IMREAD_COLOR)

    def shift(p: np.ndarray) -> np.ndarray:
        return cv2.warpAffine(p, np.float32([[1, 0, 9], [0, 1, 9]]), (112, 112), borderMode=cv2.BORDER_REPLICATE)

    def border(p: np.ndarray) -> np.ndarray:
        return cv2.copyMakeBorder(p[7:-7, 7:-7], 7, 7, 7, 7, cv2.BORDER_REPLICATE)

    return {
        "half resolution": half,
        "JPEG quality 40": jpeg,
        "mirrored": lambda p: np.ascontiguousarray(p[:, ::-1]),
        "shifted by 8 %": shift,
        "smeared border": border,
    }


def sheet(pictures: list[np.ndarray], notes: list[str], columns: int = 12) -> np.ndarray:
    """Pictures in rows, a few letters on each."""
    tiles = []
    for picture, note in zip(pictures, notes, strict=True):
        tile = picture.copy()
        cv2.putText(tile, note, (2, 109), 0, 0.33, (255, 255, 0), 1, cv2.LINE_AA)
        tiles.append(tile)
    tiles += [np.zeros((112, 112, 3), np.uint8)] * (-len(tiles) % columns)
    return np.vstack([np.hstack(tiles[i : i + columns]) for i in range(0, len(tiles), columns)])


def write_sheets(pool: Pool, p: np.ndarray, out: Path) -> None:
    """The 48 worst of bare, of other refusable and of masked pictures."""
    labels = pool.labels
    bare = np.array([group_of(r) == "bare" for r in pool.rows])
    for name, of, sign in (
        ("bare", bare, -1),
        ("other-refusable", (labels == 0) & ~bare, -1),
        ("masked", labels == 1, 1),
    ):
        worst = [i for i in np.argsort(sign * p, kind="stable") if of[i]][:48]
        if worst:
            notes = [f"{p[i]:.2f} {pool.rows[i]['source'][:5]} {pool.rows[i]['kind'][:7]}" for i in worst]
            cv2.imwrite(str(out / f"worst-{name}.png"), sheet([pool.picture(i) for i in worst], notes)[..., ::-1])


def evaluate(
    model: Path, arrays: Path, out: Path, rate: float, least_px: int, split: str, most: int = 0
) -> dict[str, Any]:
    """Everything that is measured, as one JSON object; also written to out/evaluation.json."""
    session = open_model(next(model.glob("*.onnx")))
    val = load_pool(arrays, {"val"})
    bare = np.stack([val.picture(i) for i, r in enumerate(val.rows) if group_of(r) == "bare"])
    threshold = choose_threshold(probabilities(session, bare), rate)
    whole = load_pool(arrays, {split})
    keep = [i for i, r in enumerate(whole.rows) if r["facePx"] >= least_px]
    if most and len(keep) > most:
        keep = sorted(np.random.default_rng(0).choice(keep, most, replace=False).tolist())
    pool = Pool(whole.parts, whole.where[keep], [whole.rows[i] for i in keep])
    pictures, labels = np.stack([pool.picture(i) for i in range(len(pool))]), pool.labels
    p = probabilities(session, pictures)
    accepted = p >= threshold
    kinds = [name_of(r) for r in pool.rows]
    sources = [f"{r['source']} {f'synthetic {group_of(r)}' if r['synthetic'] else name_of(r)}" for r in pool.rows]
    some = np.random.default_rng(1).choice(len(pool), min(600, len(pool)), replace=False)
    moved = []
    for name, change in changes().items():
        other = probabilities(session, np.stack([change(pictures[i]) for i in some])) >= threshold
        moved.append({"name": name, "changed": wilson(int((other != accepted[some]).sum()), len(some))})
    right = wilson(int((accepted == (labels > 0.5)).sum()), len(pool))
    result = {
        "threshold": threshold, "falseAcceptRate": rate, "split": split, "leastFacePx": least_px, "accuracy": right,
        "byKind": groups_of(kinds, labels, accepted), "bySource": groups_of(sources, labels, accepted),
        "invariance": moved, "curve": curve(p, labels, kinds),
    }  # fmt: skip
    out.mkdir(parents=True, exist_ok=True)
    (out / "evaluation.json").write_text(json.dumps(result, indent=1) + "\n")
    write_sheets(pool, p, out)
    return result


def curve(p: np.ndarray, labels: np.ndarray, kinds: list[str]) -> list[dict[str, float]]:
    """Operating points: accepted shares of masked, bare and other pictures by threshold."""
    bare = np.array([k == "bare" for k in kinds])
    parts = {"masked": labels == 1, "bare": bare, "other": (labels == 0) & ~bare}
    steps = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
    return [
        {"threshold": t, **{n: round(float((p[m] >= t).mean()), 4) for n, m in parts.items() if m.any()}} for t in steps
    ]


def show(result: dict[str, Any]) -> str:
    """The result as a table for a terminal."""
    lines = [f"threshold {result['threshold']}, right {_percent(result['accuracy'])}"]
    for group in [*result["byKind"], *result["bySource"]]:
        lines.append(
            f"{group['name']:38s} {'accept' if group['label'] else 'refuse':7s} accepted {_percent(group['accepted'])}"
        )
    lines += [f"{i['name']:38s} changed {_percent(i['changed'])}" for i in result["invariance"]]
    return "\n".join(lines + [json.dumps(c) for c in result["curve"]])


def _percent(r: dict[str, Any]) -> str:
    return f"{100 * r['rate']:5.1f} % ({100 * r['low']:.1f} to {100 * r['high']:.1f}; n {r['n']})"


def main(argv: list[str] | None = None) -> int:
    """Command line: see the module's head."""
    parser = argparse.ArgumentParser(prog="evaluate", description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True, help="folder with the .onnx")
    parser.add_argument("--arrays", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--false-accept-rate", type=float, default=0.002, help="of bare faces, on the validation part")
    parser.add_argument("--least-face-px", type=int, default=40)
    parser.add_argument("--split", choices=["test", "val"], default="test")
    parser.add_argument("--most", type=int, default=0, help="measure a random part of so many pictures only")
    args = parser.parse_args(argv)
    rate, least = args.false_accept_rate, args.least_face_px
    print(show(evaluate(args.model, args.arrays, args.out, rate, least, args.split, args.most)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
