"""Trained weights -> the folder that ships: model.onnx, model.int8.onnx, manifest.json, golden.json, MODEL_CARD.md.

Promises: fails, and leaves the folder as it was, unless ONNX Runtime gives what torch gives, on generated and on real
crops, unless int8 is as right as float to within 0.2 points, and unless the evaluation is of the same weights.
Run: run export --run DIR --out DIR --version 1.0.0 [--arrays DIR] [--evaluation FILE] [--int8] [--which ema|model]
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch

from . import quantize
from .card import model_card
from .checkpoint import digest_of, kept_of
from .data import load_pool
from .graph import SIDE_PX, open_model, probabilities, to_onnx, trace
from .model import Product, make_model
from .report_runs import read_json

NAME = "mask-resnet50"
MARGIN_SHARE = 0.2
_MOST_DIFFERENCE = 2e-3


def load_network(checkpoint: Path, which: str) -> tuple[torch.nn.Module, dict[str, Any]]:
    """The network of a checkpoint and what is known of its training."""
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    network = make_model("none", False, 0)
    network.load_state_dict(state[which])
    return network.eval(), state["facts"] | {"steps": state["step"], "minutes": round(state["elapsed_s"] / 60, 1)}


def generated_pictures(count: int = 6) -> np.ndarray:
    """Pictures of nobody that any language can make again: see `golden.json`'s `recipe`."""
    out = np.empty((count, SIDE_PX, SIDE_PX, 3), np.uint8)
    for k in range(count):
        state, flat = 1000 + k, np.empty(SIDE_PX * SIDE_PX * 3, np.uint8)
        for i in range(flat.size):
            state = state * 48271 % 2147483647
            slope = (i // 3 % SIDE_PX * (k + 1) + i // (3 * SIDE_PX) * (i % 3 + 1)) % 256
            flat[i] = (slope * 3 + state % 256) // 4
        out[k] = flat.reshape(SIDE_PX, SIDE_PX, 3)
    return out


RECIPE = (
    "picture k, byte i = (y * 112 + x) * 3 + c: s starts at 1000 + k; for each i in order "
    "s = s * 48271 mod 2147483647, slope = (x * (k + 1) + y * (c + 1)) mod 256, "
    "byte = floor((3 * slope + s mod 256) / 4)"
)


def check_parity(network: torch.nn.Module, session: onnxruntime.InferenceSession, pictures: np.ndarray) -> float:
    """The largest difference between torch and ONNX Runtime; raises above 2e-3."""
    with torch.inference_mode():
        wanted = Product(network)(torch.from_numpy(pictures)).numpy()
    worst = float(np.abs(wanted - probabilities(session, pictures)).max())
    if worst > _MOST_DIFFERENCE:
        raise ValueError(f"torch and ONNX Runtime differ by {worst:.5f}, more than {_MOST_DIFFERENCE}; not exported")
    return worst


def manifest_of(file: Path, version: str, facts: dict[str, Any], evaluation: dict[str, Any] | None) -> dict[str, Any]:
    """The contract with the daemon, and what people want to know."""
    data = file.read_bytes()
    now = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    data_keys = ("dataHash", "pictures", "data")
    return {
        "schema": 1, "name": NAME, "version": version, "createdAt": now.isoformat().replace("+00:00", "Z"),
        "file": file.name, "sizeBytes": len(data), "sha256": hashlib.sha256(data).hexdigest(),
        "input": {"name": "image", "shape": ["N", SIDE_PX, SIDE_PX, 3], "type": "uint8",
                  "layout": "NHWC", "colour": "RGB"},
        "output": {"name": "masked", "shape": ["N"], "type": "float32",
                   "meaning": "probability, 0..1, that a mask is worn properly"},
        "threshold": evaluation["threshold"] if evaluation else 0.5,
        "variants": [],
        "crop": {"marginShare": MARGIN_SHARE, "sidePx": SIDE_PX, "border": "copy"},
        "trainingData": {k: facts[k] for k in data_keys},
        "metrics": {k: evaluation[k] for k in ("threshold", "split", "byKind", "invariance")} if evaluation else None,
        "trainedWith": {k: v for k, v in facts.items() if k not in data_keys},
    }  # fmt: skip


def refuse_others(evaluation: dict[str, Any], exported: str, graph: Path, checkpoint: str) -> None:
    """Raises unless the evaluation is of these weights, as a checkpoint or as the graph that ships."""
    measured, name = evaluation["model"]["weights"], evaluation["model"]["name"]
    mine = (exported, hashlib.sha256(graph.read_bytes()).hexdigest())
    if not any(digest.startswith(measured) for digest in mine):
        raise ValueError(
            f"the evaluation is of {name}, weights {measured}, and {checkpoint} has weights {exported[:16]}; "
            "evaluate what is exported, or name the measured one by --checkpoint and --which; not exported"
        )


def real_crops(arrays: Path) -> np.ndarray:
    """Some of the test part."""
    pool = load_pool(arrays, {"test"})
    chosen = np.random.default_rng(0).choice(len(pool), min(64, len(pool)), replace=False)
    return np.stack([pool.picture(i) for i in chosen])


def export(
    checkpoint: Path, which: str, out: Path, version: str, arrays: Path | None, evaluation: Path | None,
    also: Sequence[Path] = (), calibration: str | None = None,
) -> Path:  # fmt: skip
    """Writes the folder, with an int8 variant if a calibration is named; returns the manifest's path."""
    out.mkdir(parents=True, exist_ok=True)
    network, facts = load_network(checkpoint, which)
    facts["recipe"] = {k: v for k, v in facts["recipe"].items() if k not in ("arrays", "run", "weights")}
    measured = json.loads(evaluation.read_text()) if evaluation else None
    pictures = generated_pictures()
    with tempfile.TemporaryDirectory(dir=out, prefix=".export-") as folder:
        part, part8 = Path(folder) / "model.onnx", Path(folder) / quantize.FILE
        to_onnx(network, part)
        if measured:
            refuse_others(measured, digest_of(network), part, f"{checkpoint.parent.name} {checkpoint.name} {which}")
        session = open_model(part)
        worst = check_parity(network, session, pictures)
        if arrays:
            worst = max(worst, check_parity(network, session, real_crops(arrays)))
        manifest = manifest_of(part, version, facts, measured)
        if arrays and calibration:
            wide = Path(folder) / "wide.onnx"
            trace(network, wide)
            least_px = measured["leastFacePx"] if measured else 40
            manifest["variants"] = [
                quantize.make_variant(wide, part, part8, arrays, calibration, manifest["threshold"], least_px, pictures)
            ]
        golden = {
            "recipe": RECIPE,
            "tolerance": 0.005,
            "masked": [round(float(p), 6) for p in probabilities(session, pictures)],
        }
        card = model_card(manifest, measured, [read_json(file) for file in also])
        (out / quantize.FILE).unlink(missing_ok=True)
        for file in (part, part8):
            if file.exists():
                file.replace(out / file.name)
    variants = manifest["variants"]
    (out / "golden.json").write_text(json.dumps(golden, indent=2) + "\n")
    (out / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")
    (out / "MODEL_CARD.md").write_text(card + "".join(quantize.card_section(v) for v in variants))
    size = f"{manifest['sizeBytes'] / 1e6:.1f} MB"
    print(f"{manifest['file']}: {size}, torch and ONNX Runtime differ by at most {worst:.1e}")
    for v in variants:
        print(f"{v['file']}: {v['sizeBytes'] / 1e6:.1f} MB, {json.dumps(v['measured'])}")
    return out / "manifest.json"


def main(argv: list[str] | None = None) -> int:
    """Command line: see the module's head."""
    parser = argparse.ArgumentParser(prog="export", description=__doc__.splitlines()[0])
    parser.add_argument("--run", type=Path, required=True, help="folder of the run")
    parser.add_argument("--checkpoint", help="last.pt or best.pt of the run (default: what its recipe keeps)")
    parser.add_argument("--which", choices=["ema", "model"], help="averaged or last weights (default: so)")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--version", required=True)
    parser.add_argument("--arrays", type=Path, help="also assert parity on real crops of the test part")
    parser.add_argument("--evaluation", type=Path, help="evaluation.json by `evaluate`: threshold and metrics")
    more = "for the card: evaluations of other runs, their result.json, whole_path and tries files"
    parser.add_argument("--also", type=Path, nargs="*", default=[], help=more)
    parser.add_argument("--int8", action="store_true", help="also a quantized variant for CPUs; needs --arrays")
    kinds = sorted(quantize.CALIBRATIONS)
    parser.add_argument("--calibration", choices=kinds, default="minmax", help="how int8 finds its ranges")
    args = parser.parse_args(argv)
    if args.int8 and not args.arrays:
        parser.error("--int8 needs --arrays: it is calibrated and measured on real crops")
    calibration = args.calibration if args.int8 else None
    kept, which = kept_of(args.run)
    checkpoint, which = args.run / (args.checkpoint or kept), args.which or which
    try:
        export(checkpoint, which, args.out, args.version, args.arrays, args.evaluation, args.also, calibration)
    except ValueError as error:
        print(f"export: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
