"""Measures a model: rates by source, kind, age and tone, ROC, calibration, threshold, shortcuts, the worst mistakes.

Promises: every rate stands with its n and its 95 % Wilson interval; the threshold is chosen on the validation part
and measured on others; what a run left out of training (a source, kinds) is what it is measured on, unless told
otherwise; sheets of pictures go to --out, never beside the model.
Run: run evaluate --run DIR --arrays DIR [--out DIR] [--false-accept 0.002]   (or --model DIR for one that ships)
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime

from .checkpoint import kept_of
from .data import Pool, data_hash, group_of, load_pool
from .groups import by_group
from .hardware import processor
from .measure import (
    Left,
    Wanted,
    curve_parts,
    is_photograph,
    is_render,
    kinds_left_out,
    left_out,
    name_of,
    rates_by_source,
    select,
    source_name,
    summary_rates,
)
from .probes import invariance, sheet, shortcut
from .rates import calibration, choose_threshold, curve, groups_of, roc, share, threshold_words
from .scores import CheckpointScorer, FolderScorer, Scorer

# Every key of evaluation.json. A rate is {"rate", "low", "high", "n"}: a share, its 95 % interval, of how many.
KEYS = {
    "type": "always 'evaluation'",
    "model": "what was measured: name, sha256 of weights, preset, seed, momentum, steps and minutes of its training, "
    "its training data's hash and size, what it left out",
    "measuredWith": "processor, ONNX Runtime, seconds, dataHash of the measured pictures",
    "split": "test or val; 'all' where a whole source was left out of training and every picture of it is new",
    "leastFacePx": "smaller faces are left out",
    "selection": "source and rendered kinds that were measured; empty: all",
    "threshold": "from which a face counts as masked; 0.5 and 0.98 are the ends of the search",
    "falseAcceptRate": "share of the validation part's bare faces that may pass at most",
    "thresholdFrom": "rate of bare faces of the validation part that pass at the threshold; null: it was given",
    "accuracy": "rate of right verdicts over everything measured",
    "total": "accuracy, falseAccept, falseReject, balancedAccuracy of photographs (real), of renders that sources made "
    "(renders) and of everything; elsewhere, too, real pictures are photographs alone",
    "byKind": "accepted rate of each kind: name, label (1: to be accepted), accepted",
    "bySource": "the same by source and kind",
    "sources": "by source, real pictures: accuracy, balancedAccuracy (masked against bare and worn wrong), "
    "balancedAccuracyBare (masked against bare alone), falseAccept, falseReject, area under the ROC; "
    "renders and synthetic: falseAccept and falseReject of what the source rendered, and of what we did",
    "leftOut": "what training left out: source, and kinds with the accepted rate of each and of all together; "
    "null: nothing",
    "invariance": "rate of verdicts that a small change of the picture changes",
    "shortcut": "bare and masked faces treated as mask12k's masked crops are: accepted rates before and after, rate of "
    "bare faces whose verdict changed, median sharpness of each",
    "curve": "accepted shares by threshold: photographs masked, bare and worn wrong, rendered masked, rendered others",
    "roc": "area and points [false accept, true accept], of real pictures and of everything",
    "calibration": "reliability bins, expected calibration error, Brier score, of real pictures and of everything",
    "groups": "accepted rates by age and skin tone; gap: widest between groups of 30 and more, wide above 2 points, "
    "beyondChance where the intervals do not meet",
    "mistakes": "wrong verdicts of each sort, and its sheet of the worst in --out",
}


def threshold_of(score: Scorer, arrays: Path, wanted: Wanted, left: Left) -> tuple[float, dict[str, Any] | None]:
    """Given, or chosen on the bare faces of the validation part of the sources that training saw."""
    if wanted.threshold is not None:
        return wanted.threshold, None
    val = load_pool(arrays, {"val"}, synthetic=False, groups=frozenset({"bare"}))
    seen = [i for i, r in enumerate(val.rows) if r["source"] != left.source]
    p = score((val.picture(i) for i in seen), len(seen), "threshold")
    threshold = choose_threshold(p, wanted.rate)
    return threshold, share(p >= threshold)


def write_sheets(pool: Pool, p: np.ndarray, threshold: float, out: Path) -> list[dict[str, Any]]:
    """The 48 worst of bare, of other refusable and of masked pictures; how many are wrong."""
    labels, said = pool.labels, []
    bare = np.array([group_of(r) == "bare" for r in pool.rows])
    for name, of in (("bare", bare), ("other-refusable", (labels == 0) & ~bare), ("masked", labels == 1)):
        sign = 1 if name == "masked" else -1
        worst = [i for i in np.argsort(sign * p, kind="stable") if of[i]][:48]
        if worst:
            notes = [f"{p[i]:.2f} {pool.rows[i]['source'][:5]} {pool.rows[i]['kind'][:7]}" for i in worst]
            file = f"worst-{name}.png"
            cv2.imwrite(str(out / file), sheet([pool.picture(i) for i in worst], notes)[..., ::-1])
            wrong = (p[of] >= threshold) != (name == "masked")
            said.append({"name": name, "wrong": share(wrong), "sheet": file})
    return said


def model_facts(score: Scorer, left: Left) -> dict[str, Any]:
    """How the measured model came to be."""
    recipe, known = score.facts.get("recipe", {}), score.facts
    facts = {k: known.get(k) for k in ("steps", "minutes", "processor", "torch", "dataHash", "pictures", "commit")}
    settings = {k: recipe.get(k) for k in ("preset", "seed", "momentum", "batch", "mix")}
    return {
        "name": score.name, "weights": score.weights[:16], **settings, **facts, "leaveOut": left.source,
        "leaveKinds": list(left.kinds),
    }  # fmt: skip


def evaluate(score: Scorer, arrays: Path, out: Path, wanted: Wanted | None = None) -> dict[str, Any]:
    """Everything that is measured, as one JSON object; also written to out/evaluation.json."""
    started = time.perf_counter()
    wanted = wanted or Wanted()
    left = left_out(score.facts)
    threshold, chosen_on = threshold_of(score, arrays, wanted, left)
    pool, what = select(arrays, wanted, left)
    labels = pool.labels
    p = score((pool.picture(i) for i in range(len(pool))), len(pool))
    accepted = p >= threshold
    kinds = [name_of(r) for r in pool.rows]
    real, renders = (np.array([f(r) for r in pool.rows]) for f in (is_photograph, is_render))
    of_total = {"real": real, "renders": renders, "everything": np.ones(len(pool), bool)}
    out.mkdir(parents=True, exist_ok=True)
    result = {
        "type": "evaluation", "model": model_facts(score, left), "measuredWith": {}, **what,
        "leastFacePx": wanted.least_px, "threshold": threshold, "falseAcceptRate": wanted.rate,
        "thresholdFrom": chosen_on, "accuracy": share(accepted == (labels > 0.5)),
        "total": {k: summary_rates(labels[of], accepted[of]) for k, of in of_total.items()},
        "byKind": groups_of(kinds, labels, accepted),
        "bySource": groups_of([source_name(r) for r in pool.rows], labels, accepted),
        "sources": rates_by_source(pool, p, accepted), "leftOut": kinds_left_out(left, pool, accepted),
        "invariance": invariance(score, pool, accepted, threshold, wanted.probes),
        "shortcut": shortcut(score, pool, accepted, threshold, wanted.probes), "curve": curve(p, curve_parts(pool)),
        "roc": {"real": roc(p[real], labels[real]), "everything": roc(p, labels)},
        "calibration": {"real": calibration(p[real], labels[real]), "everything": calibration(p, labels)},
        "groups": by_group(pool, arrays, accepted), "mistakes": write_sheets(pool, p, threshold, out),
    }  # fmt: skip
    result["measuredWith"] = {
        "processor": processor(), "onnxruntime": onnxruntime.__version__, "pictures": len(pool),
        "dataHash": data_hash(pool), "seconds": round(time.perf_counter() - started, 1),
    }  # fmt: skip
    (out / "evaluation.json").write_text(json.dumps(result, indent=1) + "\n")
    return result


def show(result: dict[str, Any]) -> str:
    """The result as a table for a terminal."""
    total = result["total"]["real"]
    lines = [f"threshold {result['threshold']}, right {_percent(result['accuracy'])}"]
    lines.append(threshold_words(result["threshold"], result["falseAcceptRate"], result["thresholdFrom"]))
    lines += [f"real pictures: {k} {_percent(v)}" for k, v in total.items() if v]
    for s in result["sources"]:
        parts = [f"{k} {_percent(s[k])}" for k in ("balancedAccuracy", "balancedAccuracyBare") if s[k]]
        lines += [f"{s['name']}: {', '.join(parts)}"] if parts else []
    for group in [*result["byKind"], *result["bySource"]]:
        lines.append(
            f"{group['name']:38s} {'accept' if group['label'] else 'refuse':7s} accepted {_percent(group['accepted'])}"
        )
    left = result["leftOut"]
    if left:
        lines.append(f"left out of training: source {left['source'] or 'none'}, kinds {_percent(left['together'])}")
    lines += [f"{i['name']:38s} changed {_percent(i['changed'])}" for i in result["invariance"]]
    if result["shortcut"]:
        after = result["shortcut"]
        lines.append(f"{'bare treated as mask12k masked':38s} accepted {_percent(after['bareAfter'])}")
    for basis in ("age", "tone"):
        for part in result["groups"][basis]["parts"]:
            if part["gap"] and part["gap"]["wide"]:
                lines.append(f"gap by {basis}, {part['what']}: {part['gap']}")
    return "\n".join(lines + [json.dumps(c) for c in result["curve"]])


def _percent(r: dict[str, Any]) -> str:
    if not r["n"]:
        return "not measured (n 0)"
    return f"{100 * r['rate']:5.1f} % ({100 * r['low']:.1f} to {100 * r['high']:.1f}; n {r['n']})"


def open_scorer(args: argparse.Namespace) -> tuple[Scorer, Path]:
    """What the command line names, and the folder for the results."""
    if args.run:
        out = args.out or args.run / "evaluation"
        checkpoint, which = kept_of(args.run)
        checkpoint, which = args.checkpoint or checkpoint, args.which or which
        return CheckpointScorer(args.run / checkpoint, which, args.run / "predictions", args.threads), out
    if not args.out:
        raise SystemExit("evaluate: give --out; nothing is written beside a model that ships")
    return FolderScorer(args.model, args.out / "predictions", args.file, args.threads), args.out


def main(argv: list[str] | None = None) -> int:
    """Command line: see the module's head."""
    keys = "keys of evaluation.json:\n" + "\n".join(f"  {k:16s} {v}" for k, v in KEYS.items())
    parser = argparse.ArgumentParser(
        prog="evaluate", description=__doc__.splitlines()[0], epilog=keys,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--run", type=Path, help="folder of a run: its checkpoint is measured")
    which.add_argument("--model", type=Path, help="folder that `export` wrote")
    parser.add_argument("--checkpoint", help="of --run: last.pt or best.pt (default: what its recipe keeps)")
    parser.add_argument("--which", choices=["ema", "model"], help="of --run: averaged or last weights (default: so)")
    parser.add_argument("--file", default="", help="of --model: the graph (default: the manifest's)")
    parser.add_argument("--arrays", type=Path, required=True)
    parser.add_argument("--out", type=Path, help="default: RUN/evaluation")
    parser.add_argument("--false-accept", type=float, default=0.002, help="of bare faces, on the validation part")
    parser.add_argument("--threshold", type=float, help="take this one instead")
    parser.add_argument("--least-face-px", type=int, default=40)
    parser.add_argument("--only-source", default="", help="default: the source that training left out, or all")
    parser.add_argument("--kinds", nargs="*", default=(), help="rendered kinds; default: those left out, or all")
    parser.add_argument("--split", choices=["test", "val"], default="test")
    parser.add_argument("--most", type=int, default=0, help="measure a random part of so many pictures only")
    parser.add_argument("--threads", type=int, default=0, help="of ONNX Runtime; 0: one a core")
    parser.add_argument("--probes", type=int, default=1000, help="pictures of each small change")
    args = parser.parse_args(argv)
    score, out = open_scorer(args)
    wanted = Wanted(
        args.split, args.least_face_px, args.false_accept, args.threshold, args.only_source, tuple(args.kinds),
        args.most, args.probes,
    )  # fmt: skip
    print(show(evaluate(score, args.arrays, out, wanted)))
    print(f"{out / 'evaluation.json'}; sheets of the worst mistakes beside it")
    return 0


if __name__ == "__main__":
    sys.exit(main())
