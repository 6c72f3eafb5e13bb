"""A float graph -> its int8 variant for CPUs: QDQ, per channel, calibrated on crops of the training part.

Promises: refused if it loses more than 0.2 points of balanced accuracy against the float graph, on the test part at the
manifest's threshold, or if its probabilities are others. Weights have 7 bits, so that CPUs without VNNI, whose 16-bit
sums saturate, compute the same. The last layer stays float: a quantized probability would have 256 steps.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import logging
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from .data import Pool, draw_weights, load_pool
from .graph import open_model, probabilities

FILE = "model.int8.onnx"
CALIBRATIONS = {
    "minmax": CalibrationMethod.MinMax,
    "entropy": CalibrationMethod.Entropy,
    "percentile": CalibrationMethod.Percentile,
}
MOST_LOSS = 0.2
MOST_DIFFERENCE = 0.02
# Twice what two ways to compute one graph differ on real crops (fused integer kernels, and float kernels step by step).
TOLERANCE = 0.02
_QUANTIZED = ["Conv", "Relu", "Add", "MaxPool"]
_CALIBRATE_ON, _AT_ONCE, _PERCENTILE = 256, 32, 99.99


class _Crops(CalibrationDataReader):
    """Pictures one by one, in the parts that the calibration asks for."""

    def __init__(self, pictures: np.ndarray) -> None:
        self._pictures = pictures
        self.set_range(0, len(pictures))

    def __len__(self) -> int:
        return len(self._pictures)

    def set_range(self, start_index: int, end_index: int) -> None:
        part = self._pictures[start_index:end_index]
        self._left = iter([{"image": p[None]} for p in part])

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self._left, None)


def calibration_pictures(arrays: Path) -> np.ndarray:
    """Crops of the training part, real and rendered, drawn as the training draws them."""
    pool = load_pool(arrays, {"train"})
    chosen = np.random.default_rng(1).choice(len(pool), _CALIBRATE_ON, p=draw_weights(pool.rows))
    return np.stack([pool.picture(i) for i in chosen])


def quantize(wide: Path, out: Path, pictures: np.ndarray, calibration: str) -> None:
    """Writes the int8 graph of a graph with float32 weights. The number of pictures is a multiple of 32."""
    options = {"CalibStridedMinMax": _AT_ONCE, "CalibPercentile": _PERCENTILE}
    if calibration != "percentile":
        del options["CalibPercentile"]
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        ready = Path(folder) / "ready.onnx"
        logging.getLogger().setLevel(logging.ERROR)
        quant_pre_process(str(wide), str(ready), skip_symbolic_shape=True)
        quantize_static(
            ready, out, _Crops(pictures), quant_format=QuantFormat.QDQ, op_types_to_quantize=_QUANTIZED,
            per_channel=True, reduce_range=True, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
            calibrate_method=CALIBRATIONS[calibration], extra_options=options,
        )  # fmt: skip


def balanced_accuracy(p: np.ndarray, labels: np.ndarray, threshold: float) -> float:
    """Mean of the shares of masked that are accepted and of everything else that is refused, in percent."""
    masked = labels > 0.5
    return float(50 * ((p[masked] >= threshold).mean() + (p[~masked] < threshold).mean()))


def compare(wanted: np.ndarray, given: np.ndarray, labels: np.ndarray, threshold: float) -> dict[str, Any]:
    """What the variant loses, in points of balanced accuracy; raises above 0.2."""
    before, after = (balanced_accuracy(p, labels, threshold) for p in (wanted, given))
    facts = {
        "pictures": len(labels),
        "threshold": threshold,
        "balancedAccuracyFloat": round(before, 3),
        "balancedAccuracy": round(after, 3),
        "changedVerdicts": int(((wanted >= threshold) != (given >= threshold)).sum()),
        "meanDifference": round(float(np.abs(wanted - given).mean()), 5),
    }
    mend = "not exported: try another --calibration, or export without --int8"
    if round(before - after, 6) > MOST_LOSS:
        lost = f"{before - after:.2f} points of balanced accuracy ({before:.2f} to {after:.2f} %, n = {len(labels)})"
        raise ValueError(f"int8 loses {lost}, more than {MOST_LOSS}; {mend}")
    if facts["meanDifference"] > MOST_DIFFERENCE:
        difference = f"{facts['meanDifference']} on average, more than {MOST_DIFFERENCE}"
        raise ValueError(f"probabilities of int8 and float differ by {difference}; {mend}")
    return facts


def test_part(arrays: Path, least_px: int) -> Pool:
    """What the evaluation counts: faces of the test part that are not too small."""
    whole = load_pool(arrays, {"test"})
    keep = [i for i, r in enumerate(whole.rows) if r["facePx"] >= least_px]
    return Pool(whole.parts, whole.where[keep], [whole.rows[i] for i in keep])


def _score(file: Path, pool: Pool) -> np.ndarray:
    session = open_model(file)
    parts = (np.stack([pool.picture(i) for i in range(k, min(k + 32, len(pool)))]) for k in range(0, len(pool), 32))
    return np.concatenate([probabilities(session, part) for part in parts])


def make_variant(
    wide: Path, shipped: Path, file: Path, arrays: Path, calibration: str, threshold: float, least_px: int,
    golden: np.ndarray,
) -> dict[str, Any]:  # fmt: skip
    """Writes `file` and returns its entry in the manifest; raises if it is too much worse than `shipped`."""
    print(f"int8: calibrating on {_CALIBRATE_ON} crops by {calibration}", flush=True)
    quantize(wide, file, calibration_pictures(arrays), calibration)
    pool = test_part(arrays, least_px)
    print(f"int8: comparing on {len(pool)} pictures of the test part", flush=True)
    facts = compare(_score(shipped, pool), _score(file, pool), pool.labels, threshold)
    data = file.read_bytes()
    return {
        "precision": "int8", "file": FILE, "sizeBytes": len(data), "sha256": hashlib.sha256(data).hexdigest(),
        "providers": ["cpu"],
        "golden": {
            "tolerance": TOLERANCE,
            "masked": [round(float(p), 6) for p in probabilities(open_model(file), golden)],
        },
        "calibration": {"method": calibration, "pictures": _CALIBRATE_ON},
        "measured": facts | {"leastFacePx": least_px},
    }  # fmt: skip


def card_section(variant: dict[str, Any]) -> str:
    """What the model card says of the variant."""
    m, c = variant["measured"], variant["calibration"]
    return "\n".join([
        "",
        "## The int8 variant",
        "",
        f"`{variant['file']}` runs on {', '.join(variant['providers'])}; other providers run the float graph.",
        f"Calibrated by {c['method']} on {c['pictures']} crops of the training part, real and rendered. On the",
        f"{m['pictures']} pictures of the test part with faces of {m['leastFacePx']} px and more, at threshold "
        f"{m['threshold']}:",
        f"balanced accuracy {m['balancedAccuracy']:.2f} % (float: {m['balancedAccuracyFloat']:.2f} %), "
        f"{m['changedVerdicts']} verdicts changed,",
        f"probabilities differ by {m['meanDifference']:.4f} on average.",
        "",
    ])  # fmt: skip
