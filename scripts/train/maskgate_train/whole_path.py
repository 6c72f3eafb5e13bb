"""Measures the whole path, from pictures to verdicts, by what `maskgate classify --json` said of labelled pictures.

Promises: a face that was not found is counted as such and never left out silently; every rate has its n and interval;
folders' labels are the corrected ones (corrections.py), and what those call unclear is counted, not measured.
Run: maskgate classify PICTURES --json | run whole_path --labels folders > FILE
     (or --labels annotations.json; or --labels with_mask: every picture shows one such person)
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .corrections import FOLDER as CORRECTIONS
from .corrections import UNCLEAR, read_corrections
from .rates import share, wilson

LABELS = {"with_mask": 1, "without_mask": 0, "mask_weared_incorrect": 0}
MODEL = Path(__file__).parents[3] / "models" / "mask-resnet50"
FACE_PX = "side of the found face's box; of the picture where none was found"
_NAMES = {"masked": "with_mask", "bare": "without_mask", "worn_wrong": "mask_weared_incorrect", UNCLEAR: UNCLEAR}
_SAME_FACE_IOU = 0.35
_SIZES_PX = (0, 40, 80, 160)
_SIDES = ("width", "height")


@dataclass(frozen=True)
class Seen:
    """One labelled face and what the path said of it: None where it was not found. `side_px`: the shorter side of its
    box in pixels of the picture; of the picture itself where nothing tells the face's."""

    name: str
    label: int
    side_px: float
    masked: float | None


def iou(a: dict[str, float], b: list[float]) -> float:
    """Overlap of a box of `classify` with an annotated one (x1, y1, x2, y2)."""
    width = min(a["x"] + a["width"], b[2]) - max(a["x"], b[0])
    height = min(a["y"] + a["height"], b[3]) - max(a["y"], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    both = width * height
    return both / (a["width"] * a["height"] + (b[2] - b[0]) * (b[3] - b[1]) - both)


def names_by_stem(folder: Path) -> dict[str, str]:
    """What corrections call the person of a picture, by the stem of its file: the largest face, crop 0, is meant."""
    names: dict[str, str] = {}
    for crop, kind in read_corrections(folder).items():
        stem, _, number = Path(crop).stem.rpartition("-")
        if number != "0":
            continue
        if names.setdefault(stem, _NAMES[kind]) != _NAMES[kind]:
            raise ValueError(f"{folder}: two sources' crops {stem}-0 are corrected to different kinds")
    return names


def by_folder(
    lines: Iterable[dict[str, Any]], label: str = "", corrected: dict[str, str] | None = None
) -> tuple[list[Seen], int]:
    """One labelled person a picture, named by its folder unless `label` says it, or else by `corrected` (name by stem):
    the largest face is meant. Also how many pictures are unclear, and so not among them."""
    seen, unclear = [], 0
    for line in lines:
        file = Path(line["file"])
        name = label or file.parent.name
        if name not in LABELS:
            raise SystemExit(f"whole_path: {line['file']} lies in none of {', '.join(LABELS)}")
        name = (corrected or {}).get(file.stem, name)
        if name == UNCLEAR:
            unclear += 1
            continue
        face = next(iter(line.get("faces", [])), None)
        sides = (face["box"]["width"], face["box"]["height"]) if face else (line.get(f"{k}Px", 0) for k in _SIDES)
        seen.append(Seen(name, LABELS[name], min(sides), face["masked"] if face else None))
    return seen, unclear


def by_annotations(lines: Iterable[dict[str, Any]], scenes: list[dict[str, Any]]) -> list[Seen]:
    """Every annotated face with the found one that overlaps it best."""
    truth = {scene["file"]: scene["faces"] for scene in scenes}
    seen = []
    for line in lines:
        faces = line.get("faces", [])
        for face in truth[Path(line["file"]).name]:
            box = face["box"]
            best = max(faces, key=lambda found: iou(found["box"], box), default=None)
            found = best is not None and iou(best["box"], box) >= _SAME_FACE_IOU
            side = min(box[2] - box[0], box[3] - box[1])
            seen.append(Seen(face["label"], LABELS[face["label"]], side, best["masked"] if found else None))
    return seen


def rates(faces: list[Seen], threshold: float) -> dict[str, Any]:
    """Found, and of these accepted."""
    found = [face for face in faces if face.masked is not None]
    return {
        "found": wilson(len(found), len(faces)),
        "accepted": wilson(sum(face.masked >= threshold for face in found), len(found)),
    }


def by_size(faces: list[Seen], threshold: float) -> list[dict[str, Any]]:
    """The same by the size of the face, small ones too."""
    out = []
    for low, high in zip(_SIZES_PX, [*_SIZES_PX[1:], float("inf")], strict=True):
        mine = [face for face in faces if low <= face.side_px < high]
        if mine:
            name = f"{low} px and more" if high == float("inf") else f"{low} to {high - 1} px"
            out.append({"name": name, **rates(mine, threshold)})
    return out


def measure(seen: list[Seen], threshold: float, least_px: float, name: str = "") -> dict[str, Any]:
    """Found and accepted shares by name and size in px, and accuracy over all that were found; `name` says of what."""
    by_name: dict[str, list[Seen]] = defaultdict(list)
    for face in seen:
        by_name[face.name].append(face)
    groups = {}
    for kind, faces in sorted(by_name.items()):
        large = [face for face in faces if face.side_px >= least_px]
        groups[kind] = {**rates(large, threshold), "bySize": by_size(faces, threshold)}
    found = [face for face in seen if face.side_px >= least_px and face.masked is not None]
    right = np.array([(face.masked >= threshold) == (face.label == 1) for face in found], bool)
    return {
        "type": "wholePath", "name": name, "threshold": threshold, "leastFacePx": least_px, "facePx": FACE_PX,
        "accuracy": share(right),
        "groups": groups,
    }  # fmt: skip


def threshold_of(model: Path) -> float:
    """The threshold at which a folder that `export` wrote opens the door."""
    manifest = model / "manifest.json"
    if not manifest.exists():
        raise SystemExit(f"--model {model}: no manifest.json; give a folder that `export` wrote, or --threshold")
    return float(json.loads(manifest.read_text())["threshold"])


def main(argv: list[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="whole_path", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--labels", required=True, help=f"'folders', an annotations.json, or one of {', '.join(LABELS)}"
    )
    parser.add_argument("--name", default="", help="of what, for the card and the report")
    parser.add_argument("--threshold", type=float, help="from which a face counts as masked (default: the model's)")
    parser.add_argument("--model", type=Path, default=MODEL, help="folder whose manifest names the threshold")
    parser.add_argument(
        "--corrections", type=Path, default=CORRECTIONS, help="folder of SOURCE.txt, for folders (the trainer's own)"
    )
    parser.add_argument("--least-face-px", type=float, default=40, help="smaller faces are left out")
    args = parser.parse_args(argv)
    lines = [json.loads(line) for line in sys.stdin if line.strip()]
    if not lines:
        parser.error("nothing came on standard input; pipe `maskgate classify --json` into this")
    threshold, unclear = threshold_of(args.model) if args.threshold is None else args.threshold, 0
    if args.labels == "folders" or args.labels in LABELS:
        label = "" if args.labels == "folders" else args.labels
        try:
            seen, unclear = by_folder(lines, label, names_by_stem(args.corrections))
        except ValueError as error:
            parser.error(str(error))
    else:
        seen = by_annotations(lines, json.loads(Path(args.labels).read_text()))
    result = measure(seen, threshold, args.least_face_px, args.name)
    print(json.dumps({**result, "unclear": unclear}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
