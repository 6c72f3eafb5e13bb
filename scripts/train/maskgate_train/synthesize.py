"""Dresses a bare face: masks worn properly (label 1), and masks worn wrong, occluders and decoys (label 0).

Promises: the same picture, points, kind and generator state give the same pixels; the input stays as it is; None means
that this face does not suit the kind. Runs at well over 200 crops of 112 px a second and core.
Run: python -m maskgate_train.synthesize CROPS_DIR --sheet FILE   (contact sheet of every kind), or --bench
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from . import beside, decoys, masks, occluders, wraps
from .assets import Assets, load_assets
from .blend import Layer, compose, luma, measure_light, settle
from .face import Face, fit_face

Maker = Callable[..., list[Layer] | None]
"""Takes shape, face, light, generator and assets."""


@dataclass(frozen=True)
class Kind:
    """What a synthetic picture shows. `label` 1: a mask worn properly. `weight`: how often it comes within its label.
    `group` is proper, wrong, occluder, decoy or bare. `has_beside`: its maker may draw further kinds beside the face,
    and takes `without`, those that it must not draw."""

    name: str
    label: int
    group: str
    weight: float
    make: Maker
    has_beside: bool


def _mask(kind: str) -> Maker:
    def make(*scene, without: frozenset[str] = frozenset()) -> list[Layer] | None:
        rng = scene[3]
        layers = masks.put_on(kind, *scene)
        # Dark glasses, hats and things aside come with bare and masked faces alike, or they would give the label away.
        pick = rng.random()
        if layers is not None and pick < _ACCOMPANIED:
            layers = [*layers, *_beside_a_mask(scene, pick < 0.55 * _ACCOMPANIED, without)]
        return layers

    return make


def _beside_a_mask(scene: tuple, is_aside: bool, without: frozenset[str]) -> list[Layer]:
    worn = [k for k in ("sunglasses", "hat") if k not in without]
    if "aside" in without if is_aside else not worn:
        return []
    extra = "aside" if is_aside else str(scene[3].choice(worn))
    more = decoys.aside(*scene, without=without) if is_aside else decoys.DECOYS[extra](*scene)
    for layer in more or []:
        layer.over_glasses = True
        layer.beside = (extra, *layer.beside)
    return more or []


def _bare(*_scene) -> list[Layer]:
    return []


_ACCOMPANIED = 0.26
_WEIGHTS = {"surgical": 4, "cloth": 3, "kn95": 2, "fitted": 2, "sport": 2, "n95": 1.5, "gas": 0.25,
    "under_nose": 4, "scarf": 1.5, "shape": 2, "hand": 1.2, "person": 1.1, "aside": 1.5, "bare": 3}  # fmt: skip


def _kinds() -> dict[str, Kind]:
    rows: list[tuple[str, int, str, Maker]] = [("bare", 0, "bare", _bare)]
    rows += [(k, 1, "proper", _mask(k)) for k in masks.PROPER]
    rows += [(k, 0, "wrong", _mask(k)) for k in masks.WRONG]
    rows.append(("scarf", 0, "wrong", wraps.scarf))
    rows += [(k, 0, "occluder", make) for k, make in occluders.OCCLUDERS.items()]
    rows += [(k, 0, "decoy", make) for k, make in decoys.DECOYS.items()]
    makers = {*masks.PROPER, *masks.WRONG, "aside"}
    return {k: Kind(k, label, group, _WEIGHTS.get(k, 1), make, k in makers) for k, label, group, make in rows}


BESIDE = beside.KINDS | {"aside", "sunglasses", "hat"}
"""Kinds that pictures of another kind may show, too."""
KINDS: dict[str, Kind] = _kinds()


def synthesize(
    rgb: np.ndarray, points: np.ndarray, kind: str, rng: np.random.Generator, assets: Assets
) -> np.ndarray | None:
    """The picture with this kind of thing on its face, or None. `rgb` uint8 [H,W,3], `points` [468,2] in its pixels."""
    made = dressed(rgb, points, kind, rng, assets)
    return None if made is None else made[0]


def dressed(
    rgb: np.ndarray, points: np.ndarray, kind: str, rng: np.random.Generator, assets: Assets,
    without: frozenset[str] = frozenset(),
) -> tuple[np.ndarray, list[str]] | None:  # fmt: skip
    """The same, with the kinds that were drawn beside the face, of which none is in `without`."""
    face = fit_face(points)
    if face is None:
        return None
    light = measure_light(rgb, face)
    more = {"without": without} if KINDS[kind].has_beside else {}
    layers = KINDS[kind].make(rgb.shape, face, light, rng, assets, **more)
    if layers is None:
        return None
    keep = glasses_of(rgb, face) if KINDS[kind].group in ("proper", "wrong") else None
    for layer in layers:
        settle(layer, light, rng)
        if keep is not None and not layer.over_glasses:
            h, w = layer.alpha.shape
            layer.alpha *= 1 - keep[layer.y : layer.y + h, layer.x : layer.x + w]
    out = compose(rgb, layers)
    out = recompressed(out, int(rng.integers(70, 96))) if rng.random() < 0.3 else out
    return out, sorted({name for layer in layers for name in layer.beside})


def glasses_of(rgb: np.ndarray, face: Face) -> np.ndarray | None:
    """Thin dark rims between the eyes and the cheeks, 0..1; they stay above a mask. None if there are none."""
    k = max(3, int(0.8 * face.px_per_cm) | 1)
    band_cm = np.array(
        [[-6.5, -0.4, -1], [0, -0.4, 2.4], [6.5, -0.4, -1], [6.2, 2.9, -1], [0, 2.0, 3], [-6.2, 2.9, -1.0]]
    )
    band = np.zeros(rgb.shape[:2], np.uint8)
    cv2.fillPoly(band, [np.round(face.place(band_cm)).astype(np.int32)], 1)
    lum = luma(rgb).astype(np.uint8)
    thin = cv2.morphologyEx(lum, cv2.MORPH_BLACKHAT, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (k, k)))
    rims = ((thin > 48) & (band > 0)).astype(np.uint8)
    eyes = np.round(face.points[[33, 145, 133, 362, 374, 263]]).astype(np.int32)
    for x, y in eyes:
        cv2.circle(rims, (int(x), int(y)), max(1, int(0.7 * face.px_per_cm)), 0, -1)
    if rims.sum() < 0.4 * face.px_per_cm**2:
        return None
    return cv2.GaussianBlur(cv2.dilate(rims, np.ones((2, 2), np.uint8)).astype(np.float32), (0, 0), 0.5)


def recompressed(rgb: np.ndarray, quality: int) -> np.ndarray:
    """The picture after one more JPEG round trip."""
    _, data = cv2.imencode(".jpg", rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.ascontiguousarray(cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1])


def pick_kind(rng: np.random.Generator, label: int, without: frozenset[str] = frozenset()) -> str:
    """A kind of this label by weight; `without` leaves kinds out (for leave-one-kind-out)."""
    kinds = [k for k in KINDS.values() if k.label == label and k.name not in without]
    weights = np.array([k.weight for k in kinds])
    return kinds[int(rng.choice(len(kinds), p=weights / weights.sum()))].name


def contact_sheet(
    faces: list[tuple[np.ndarray, np.ndarray]], assets: Assets, seed: int, columns: int, side_px: int, only: list[str]
) -> np.ndarray:
    """One row of examples a kind, over the faces in turn."""
    rows = []
    for k, kind in enumerate(only):
        tiles: list[np.ndarray] = []
        for i in range(len(faces)):
            rgb, points = faces[(i + k * columns) % len(faces)]
            made = synthesize(rgb, points, kind, np.random.default_rng([seed, k, i]), assets)
            if made is not None:
                tiles.append(cv2.resize(made, (side_px, side_px), interpolation=cv2.INTER_CUBIC))
            if len(tiles) == columns:
                break
        tiles += [np.zeros((side_px, side_px, 3), np.uint8)] * (columns - len(tiles))
        row = np.hstack(tiles)
        cv2.putText(row, f"{kind} {KINDS[kind].label}", (3, 12), 0, 0.42, (0, 0, 0), 3, cv2.LINE_AA)
        cv2.putText(row, f"{kind} {KINDS[kind].label}", (3, 12), 0, 0.42, (255, 255, 0), 1, cv2.LINE_AA)
        rows.append(row)
    return np.vstack(rows)


def faces_of(folder: Path, limit: int, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Random pictures of a crops folder with their points (landmarks.npz must be there)."""
    from .landmarks import load_landmarks

    known = load_landmarks(folder / "landmarks.npz")
    order = np.random.default_rng(seed).permutation(np.flatnonzero(known.ok))[:limit]
    out = []
    for i in order:
        bgr = cv2.imread(str(folder / known.names[i]), cv2.IMREAD_COLOR)
        if bgr is not None:
            out.append((np.ascontiguousarray(bgr[..., ::-1]), known.points[i]))
    return out


def bench(faces: list[tuple[np.ndarray, np.ndarray]], assets: Assets, seconds: float = 2.0) -> dict[str, float]:
    """Pictures per second of processor time on one thread, by kind (other work on the machine does not count)."""
    cv2.setNumThreads(1)
    rates = {}
    for name in KINDS:
        done, start = 0, time.process_time()
        while time.process_time() - start < seconds / 4:
            rgb, points = faces[done % len(faces)]
            synthesize(rgb, points, name, np.random.default_rng(done), assets)
            done += 1
        rates[name] = done / (time.process_time() - start)
    return rates


def main(argv: list[str] | None = None) -> int:
    """Command line: see the module's head."""
    parser = argparse.ArgumentParser(prog="synthesize", description=__doc__.splitlines()[0])
    parser.add_argument("folders", type=Path, nargs="+", help="crop folders that hold landmarks.npz")
    parser.add_argument("--sheet", type=Path, help="write a contact sheet of every kind to this PNG")
    parser.add_argument("--bench", action="store_true", help="print pictures a second by kind")
    parser.add_argument("--templates", type=Path, help="folder of mask templates with masks.cfg")
    parser.add_argument("--textures", type=Path, help="folder of fabric textures")
    parser.add_argument("--hands", type=Path, help="folder of hands on white")
    parser.add_argument("--kinds", help="only these, comma separated")
    parser.add_argument("--columns", type=int, default=12)
    parser.add_argument("--side", type=int, default=112, help="tile size in px")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args(argv)
    assets = load_assets(args.templates, args.textures, args.hands)
    faces = [f for folder in args.folders for f in faces_of(folder, 200, args.seed)]
    order = np.random.default_rng(args.seed).permutation(len(faces))
    faces = [faces[i] for i in order]
    if args.bench:
        rates = bench(faces, assets)
        print("\n".join(f"{k:14s} {v:7.0f} pictures/s" for k, v in rates.items()))
        print(f"{'mean':14s} {len(rates) / sum(1 / v for v in rates.values()):7.0f} pictures/s")
    if args.sheet:
        only = args.kinds.split(",") if args.kinds else list(KINDS)
        sheet = contact_sheet(faces, assets, args.seed, args.columns, args.side, only)
        cv2.imwrite(str(args.sheet), sheet[..., ::-1])
        print(args.sheet)
    return 0


if __name__ == "__main__":
    sys.exit(main())
