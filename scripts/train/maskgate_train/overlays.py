"""Masks for the demo: for each photograph of npm's @vladmandic/face-api one picture with nothing but our drawn masks.

Promises: no pixel of a person is in an overlay, shading and shadows are in colour and alpha; same input, same bytes.
Run: PYTHONPATH=scripts/train python -m maskgate_train.overlays node_modules/@vladmandic/face-api/demo \\
       --points test/fixtures/masked/points.json --out test/fixtures/masked
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from . import masks, occluders
from .assets import Assets
from .blend import Layer, measure_light, settle
from .face import Face, fit_face

_WORN = ("surgical", "fitted", "cloth", "kn95", "surgical", "sport", "fitted")
_STEPS = 24


def flatten(layers: Sequence[Layer], shape: tuple[int, ...]) -> np.ndarray:
    """Layers and their shadows as one RGBA picture of the photograph's size, float, colour not multiplied by alpha."""
    colour = np.zeros((*shape[:2], 3), np.float32)
    alpha = np.zeros(shape[:2], np.float32)
    for layer in layers:
        h, w = layer.alpha.shape
        at = np.s_[layer.y : layer.y + h, layer.x : layer.x + w]
        for over, a in ((0.0, layer.shadow), (layer.rgb, layer.alpha)):
            if a is not None:
                colour[at] = colour[at] * (1 - a[..., None]) + over * a[..., None]
                alpha[at] = alpha[at] * (1 - a) + a
    return np.dstack([colour / np.maximum(alpha, 1e-4)[..., None], alpha * 255])


def save(rgba: np.ndarray, file: Path) -> tuple[int, int]:
    """Writes the part that is not empty as PNG with few alpha steps (small files); returns its upper left corner."""
    alpha = np.round(rgba[..., 3] / 255 * _STEPS) * (255 / _STEPS)
    ys, xs = np.flatnonzero(alpha.any(1)), np.flatnonzero(alpha.any(0))
    part = np.s_[ys[0] : ys[-1] + 1, xs[0] : xs[-1] + 1]
    rgb = np.clip(np.round(rgba[..., :3] / 4) * 4, 0, 255)
    rgb[alpha == 0] = 0
    whole = np.dstack([rgb[..., ::-1], alpha])[part].astype(np.uint8)
    cv2.imwrite(str(file), whole, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    return int(xs[0]), int(ys[0])


def layers_on(rgb: np.ndarray, face: Face, kind: str, seed: Sequence[int]) -> list[Layer] | None:
    """Our own mask (no assets), or a thing, on one face of a large picture."""
    rng = np.random.default_rng(seed)
    light = replace(measure_light(rgb, face), noise=0.6, blur_px=0.6)
    if kind in occluders.OCCLUDERS:
        layers = occluders.OCCLUDERS[kind](rgb.shape, face, light, rng, Assets())
    else:
        layers = masks.put_on(kind, rgb.shape, face, light, rng, Assets(), zoom=4, max_yaw=89)
    for layer in layers or []:
        settle(layer, light, rng)
    return layers


def box_of(face: Face) -> dict[str, int]:
    """The face's rectangle, whole pixels."""
    lo, hi = np.round(face.points.min(0)).astype(int), np.round(face.points.max(0)).astype(int)
    return {"x": int(lo[0]), "y": int(lo[1]), "width": int(hi[0] - lo[0]), "height": int(hi[1] - lo[1])}


def overlay(
    rgb: np.ndarray, faces: list[Face], kinds: list[str], seed: int, file: Path, picture: str
) -> dict[str, object]:
    """Draws one overlay and returns its entry for the index; a face that cannot be dressed is listed as skipped."""
    layers: list[Layer] = []
    done: list[dict[str, object]] = []
    for i, (face, kind) in enumerate(zip(faces, kinds, strict=True)):
        made = layers_on(rgb, face, kind, [seed, i])
        layers += made or []
        done.append({"box": box_of(face), "kind": kind if made else "skipped"})
    x, y = save(flatten(layers, rgb.shape), file)
    return {"picture": picture, "file": file.name, "x": x, "y": y, "faces": done}


def main(argv: list[str] | None = None) -> int:
    """Command line: see the module's head."""
    parser = argparse.ArgumentParser(prog="overlays", description=__doc__.splitlines()[0])
    parser.add_argument("pictures", type=Path, help="folder with sample1.jpg ... sample6.jpg")
    parser.add_argument("--points", type=Path, required=True, help="mesh points of their faces (JSON)")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args(argv)
    args.out.mkdir(parents=True, exist_ok=True)
    index = []
    for n, (name, rows) in enumerate(sorted(json.loads(args.points.read_text()).items())):
        bgr = cv2.imread(str(args.pictures / name), cv2.IMREAD_COLOR)
        if bgr is None:
            parser.error(f"no picture {args.pictures / name}")
        rgb = np.ascontiguousarray(bgr[..., ::-1])
        faces = [f for row in rows if (f := fit_face(np.array(row, np.float64).reshape(-1, 2)))]
        stem = Path(name).stem
        kinds = [_WORN[(3 * n + i) % len(_WORN)] for i in range(len(faces))]
        index.append(overlay(rgb, faces, kinds, 40 + n + 20 * (n == 4), args.out / f"{stem}-masked.png", name))
        if name == "sample6.jpg":
            wrong = [(k, args.out / f"{stem}-{k.replace('_', '-')}.png") for k in ("notebook", "under_nose")]
            index += [overlay(rgb, faces[:1], [kind], 7, file, name) for kind, file in wrong]
    text = json.dumps({"overlays": index}, indent=2)
    (args.out / "index.json").write_text(text + "\n")
    print(f"{args.out}: {len(index)} overlays, {sum(len(e['faces']) for e in index)} faces")
    return 0


if __name__ == "__main__":
    sys.exit(main())
