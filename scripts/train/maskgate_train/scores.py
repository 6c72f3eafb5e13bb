"""Probabilities of pictures by a model folder or a checkpoint, remembered between calls.

Promises: a remembered probability belongs to exactly these weights and these pixels; a measurement that was killed
goes on where it was. A checkpoint is measured as the graph it would ship as.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from tqdm import tqdm

from .checkpoint import digest_of
from .export import load_network, open_model, probabilities, to_onnx

_BATCH, _KEEP_EVERY = 32, 64
_MEMORY = np.dtype([("picture", "<u8"), ("masked", "<f4")])


def hash_of(picture: np.ndarray) -> int:
    """64 bits that name these pixels."""
    return int.from_bytes(hashlib.blake2b(picture.tobytes(), digest_size=8).digest(), "little")


class Scorer:
    """One model's probabilities. `facts` says how it was trained, `name` which file it is."""

    def __init__(self, name: str, weights: str, facts: dict[str, Any], memory: Path, threads: int) -> None:
        """`memory` is a folder for what was computed."""
        self._threads = threads
        self.name, self.weights, self.facts = name, weights, facts
        self._file = memory / f"{weights[:16]}.npy"
        self._known: dict[int, float] = {}
        if self._file.exists():
            for picture, masked in np.load(self._file):
                self._known[int(picture)] = float(masked)
        self._session: onnxruntime.InferenceSession | None = None

    def _open(self) -> onnxruntime.InferenceSession:
        raise NotImplementedError

    def __call__(self, pictures: Iterable[np.ndarray], total: int, what: str = "pictures") -> np.ndarray:
        """float32 [total]; a bar with pictures/s and time to go on a terminal."""
        out: list[float] = []
        stream = iter(tqdm(pictures, total=total, unit="picture", desc=what, disable=None))
        done = 0
        while part := list(islice(stream, _BATCH)):
            keys = [hash_of(p) for p in part]
            new = [i for i, k in enumerate(keys) if k not in self._known]
            if new:
                self._session = self._session or self._open()
                p = probabilities(self._session, np.stack([part[i] for i in new]))
                self._known.update({keys[i]: float(v) for i, v in zip(new, p, strict=True)})
                done += 1
                if done % _KEEP_EVERY == 0:
                    self._keep()
            out += [self._known[k] for k in keys]
        if done:
            self._keep()
        return np.array(out, np.float32)

    def _keep(self) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        part = self._file.with_suffix(".part.npy")
        np.save(part, np.array(list(self._known.items()), _MEMORY))
        part.replace(self._file)


class FolderScorer(Scorer):
    """Of a folder that `export` wrote."""

    def __init__(self, folder: Path, memory: Path, file: str = "", threads: int = 0) -> None:
        """Opens nothing yet; the manifest must be there."""
        manifest = folder / "manifest.json"
        if not manifest.exists():
            raise SystemExit(f"--model {folder}: no manifest.json; give a folder that `export` wrote")
        facts = json.loads(manifest.read_text())
        self._graph = folder / (file or facts["file"])
        if not self._graph.exists():
            raise SystemExit(f"--model {folder}: no {self._graph.name}")
        weights = hashlib.sha256(self._graph.read_bytes()).hexdigest()
        known = {**facts["trainedWith"], "dataHash": facts["trainingData"]["dataHash"]}
        super().__init__(f"{facts['name']} {facts['version']} {self._graph.name}", weights, known, memory, threads)

    def _open(self) -> onnxruntime.InferenceSession:
        return open_model(self._graph, self._threads)


class CheckpointScorer(Scorer):
    """Of a run's checkpoint."""

    def __init__(self, checkpoint: Path, which: str, memory: Path, threads: int = 0) -> None:
        """Reads the checkpoint."""
        if not checkpoint.exists():
            raise SystemExit(f"--run: no {checkpoint}; `train` writes it")
        self._network, facts = load_network(checkpoint, which)
        weights = digest_of(self._network)
        facts = {k: v for k, v in facts.items() if k != "data"}
        facts["recipe"] = {k: v for k, v in facts["recipe"].items() if k not in ("arrays", "run", "weights")}
        super().__init__(f"{checkpoint.parent.name} {checkpoint.name} {which}", weights, facts, memory, threads)

    def _open(self) -> onnxruntime.InferenceSession:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "model.onnx"
            to_onnx(self._network, file)
            return open_model(file, self._threads)
