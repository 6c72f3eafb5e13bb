"""Single pictures in, numbers out: every face of a photograph as the daemon crops it.

Promises: a picture of 112x112 is taken for a crop and goes in as it is; one without a face says so and gets no number.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from .export import SIDE_PX, open_model, probabilities

Verdicts = tuple[list[tuple[str, float | None]], str, float]
"""Name and probability of each face, the model's name, its threshold."""
_DAEMON = Path(__file__).resolve().parents[3] / "dist" / "src" / "main.js"


def read_rgb(file: Path) -> np.ndarray:
    """uint8 [H,W,3]."""
    bgr = cv2.imread(str(file), cv2.IMREAD_COLOR)
    if bgr is None:
        raise SystemExit(f"--pictures {file}: cannot be read as a picture")
    return np.ascontiguousarray(bgr[..., ::-1])


def daemon_command() -> list[str]:
    """The daemon of this clone."""
    node = shutil.which("node")
    if node is None or not _DAEMON.exists():
        raise SystemExit("--pictures: faces are found by the daemon; `npm run build` first, or give crops of 112x112")
    return [node, str(_DAEMON)]


def crops_of(file: Path, command: Sequence[str]) -> list[tuple[str, np.ndarray | None]]:
    """Name and crop of every face that the daemon finds in a photograph."""
    with tempfile.TemporaryDirectory() as folder:
        call = [*command, "crops", str(file), "--out", folder]
        told = subprocess.run(call, capture_output=True, text=True, check=False)
        if told.returncode:
            raise SystemExit(f"--pictures {file}: {told.stderr.strip() or 'maskgate crops failed'}")
        line = json.loads((Path(folder) / "crops.jsonl").read_text().splitlines()[0])
        faces = line.get("faces") or []
        if not faces:
            return [(f"{file.name}: no face found", None)]
        names = [f"{file.name}, face {i + 1} (found with score {f['score']:.2f})" for i, f in enumerate(faces)]
        return [(n, read_rgb(Path(folder) / f["crop"])) for n, f in zip(names, faces, strict=True)]


def verdicts_of(pictures: Sequence[Path], model: Path) -> Verdicts:
    """What the model says of every face."""
    manifest = json.loads((model / "manifest.json").read_text())
    session, out = open_model(model / manifest["file"]), []
    for file in pictures:
        rgb = read_rgb(file)
        faces = [(file.name, rgb)] if rgb.shape[:2] == (SIDE_PX, SIDE_PX) else crops_of(file, daemon_command())
        out += [(n, None if crop is None else float(probabilities(session, crop[None])[0])) for n, crop in faces]
    return out, f"{manifest['name']} {manifest['version']}", float(manifest["threshold"])


def words(p: float | None, threshold: float) -> tuple[str, str]:
    """A probability and its verdict."""
    return ("", "") if p is None else (f"{p:.5f}", "masked" if p >= threshold else "not masked")
