"""Crops by `maskgate crops` -> one array of pictures and one line of facts a picture, split by person or file.

Promises: the split follows a hash of the person or file alone, so it is the same everywhere and for ever; no
picture of the training part is a near-duplicate of one of the other parts, and none of one in another source;
unlabelled faces are dropped; kinds that a source got wrong are corrected (corrections.py).
Run: run prepare --crops DIR --annotations FILE --out DIR [--held-out DIR], or --out DIR and --duplicates-only or
--correct-only
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from .corrections import FOLDER as CORRECTIONS
from .corrections import LABELS, correct, read_corrections
from .duplicates import load_pairs, near_duplicates
from .landmarks import POINTS, load_landmarks

# Crop folder: source, kind of its pictures (None: by annotation).
FOLDERS: dict[str, tuple[str, str | None]] = {
    "aaf": ("aaf", "bare"),
    "mask12k-bare": ("mask12k", "bare"),
    "mask12k-masked": ("mask12k", "masked"),
    "chandrikadeb7-bare": ("chandrikadeb7", "bare"),
    "chandrikadeb7-masked": ("chandrikadeb7", "masked"),
    "lfw112-bare": ("lfw112", "bare"),
    "lfw112-masked": ("lfw112", "masked"),
    "maskon": ("maskon", "worn_wrong"),
    "kaggle853": ("kaggle853", None),
}
_ANNOTATED = {"with_mask": "masked", "without_mask": "bare", "mask_weared_incorrect": "worn_wrong"}
TEST_SHARE = {"chandrikadeb7": 0.2, "kaggle853": 0.2}
_OTHER_TEST_SHARE, _VAL_SHARE = 0.1, 0.04


def group_of(source: str, stem: str) -> str:
    """What must not be torn apart: the person where the name tells it, otherwise the file."""
    person = re.match(r"p\d+", stem) if source == "lfw112" else None
    return person.group(0) if person else stem


def split_of(source: str, group: str) -> str:
    """train, val or test: by a hash of source and group alone."""
    digest = hashlib.sha256(f"{source}/{group}".encode()).digest()
    at = int.from_bytes(digest[:8], "big") / 2**64
    test = TEST_SHARE.get(source, _OTHER_TEST_SHARE)
    if at < test:
        return "test"
    return "val" if at < test + _VAL_SHARE else "train"


def overlap(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    """Intersection over union of two x, y, right, bottom boxes."""
    w = min(a[2], b[2]) - max(a[0], b[0])
    h = min(a[3], b[3]) - max(a[1], b[1])
    if w <= 0 or h <= 0:
        return 0.0
    both = w * h
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


def kinds_by_annotation(line: dict, note: dict | None) -> list[str | None]:
    """For every found face the kind of the annotated box it overlaps by 0.4 and more, or None."""
    if note is None:
        return [None] * len(line["faces"])
    zoom = line["widthPx"] / note["size"][0]
    boxes = [(tuple(v * zoom for v in f["box"]), _ANNOTATED[f["label"]]) for f in note["faces"]]
    kinds: list[str | None] = []
    for face in line["faces"]:
        b = face["box"]
        found = (b["x"], b["y"], b["x"] + b["width"], b["y"] + b["height"])
        best = max(((overlap(found, box), kind) for box, kind in boxes), default=(0.0, None))
        kinds.append(best[1] if best[0] >= 0.4 else None)
    return kinds


def rows_of(folder: Path, source: str, kind: str | None, notes: dict[str, dict]) -> Iterator[dict]:
    """One row a labelled face of a crop folder; of a picture of one person, its largest face."""
    for text in (folder / "crops.jsonl").read_text().splitlines():
        line = json.loads(text)
        file = Path(line["file"])
        group = group_of(source, file.stem)
        faces = line.get("faces") or []
        kinds = (
            kinds_by_annotation(line, notes.get(file.name)) if kind is None and faces else [kind] * min(1, len(faces))
        )
        base = {
            "source": source,
            "group": group,
            "split": split_of(source, group),
            "file": f"{file.parent.name}/{file.name}",
        }
        if not faces:
            yield {**base, "crop": None}
        for face, of_kind in zip(faces, kinds, strict=False):
            crop = f"{folder.name}/{face['crop']}"
            known = (
                {"kind": of_kind, "label": LABELS[of_kind], "facePx": round(face["box"]["width"])} if of_kind else {}
            )
            yield {**base, "crop": crop if of_kind else None, **known}


def _read(file: Path) -> np.ndarray:
    bgr = cv2.imread(str(file), cv2.IMREAD_COLOR)
    if bgr is None:
        raise ValueError(f"{file}: cannot be read as a picture; run `maskgate crops` again")
    return bgr[..., ::-1]


def prepare(
    crops: Path, annotations: Path | None, out: Path, held_out: Path | None, corrections: Path = CORRECTIONS
) -> list[dict]:
    """Writes pictures.npy, landmarks.npy and rows.jsonl to `out`, and the names of the test part to `held_out`."""
    notes = {n["file"]: n for n in json.loads(annotations.read_text())} if annotations else {}
    rows: list[dict] = []
    for name, (source, kind) in FOLDERS.items():
        if (crops / name / "crops.jsonl").exists():
            rows += rows_of(crops / name, source, kind, notes)
    if not rows:
        raise ValueError(f"{crops}: holds none of {', '.join(FOLDERS)}; make them by `maskgate crops`")
    if held_out:
        write_held_out(rows, held_out)
    rows = correct([r for r in rows if r["crop"] is not None], read_corrections(corrections))
    pictures = np.stack([_read(crops / r["crop"]) for r in tqdm(rows, unit="picture", desc="read")])
    keep = ~near_duplicates(pictures, rows)
    print(f"{(~keep).sum()} pictures left out: near-duplicates of one of another part or of a smaller source")
    rows = [r for r, k in zip(rows, keep, strict=True) if k]
    out.mkdir(parents=True, exist_ok=True)
    np.save(out / "pictures.npy", pictures[keep])
    np.save(out / "landmarks.npy", points_of(crops, rows))
    write_rows(out / "rows.jsonl", rows)
    return rows


def points_of(crops: Path, rows: list[dict]) -> np.ndarray:
    """Mesh points [N,468,2] of the rows' crops, NaN where there are none."""
    points = np.full((len(rows), POINTS, 2), np.nan, np.float16)
    known: dict[str, dict[str, np.ndarray]] = {}
    for i, row in enumerate(rows):
        folder, name = row["crop"].split("/", 1)
        if folder not in known:
            file = crops / folder / "landmarks.npz"
            known[folder] = load_landmarks(file).by_name() if file.exists() else {}
        if name in known[folder]:
            points[i] = known[folder][name]
    return points


def write_held_out(rows: list[dict], folder: Path) -> None:
    """One sorted list of file names a source: what no training may see."""
    folder.mkdir(parents=True, exist_ok=True)
    for source in sorted({r["source"] for r in rows}):
        names = sorted({r["file"] for r in rows if r["source"] == source and r["split"] == "test"})
        (folder / f"{source}.txt").write_text("".join(f"{n}\n" for n in names))


def write_rows(file: Path, rows: list[dict]) -> None:
    """One JSON object a line."""
    file.write_text("".join(json.dumps(r) + "\n" for r in rows))


def read_rows(file: Path) -> list[dict]:
    """What `write_rows` wrote."""
    return [json.loads(line) for line in file.read_text().splitlines()]


def correct_only(arrays: Path, corrections: Path) -> list[dict]:
    """Corrects the kinds of what was prepared before, from what its sources said."""
    rows = correct(read_rows(arrays / "rows.jsonl"), read_corrections(corrections))
    part = arrays / "rows.jsonl.part"
    write_rows(part, rows)
    part.replace(arrays / "rows.jsonl")
    return rows


def report_duplicates(arrays: Path) -> None:
    """Prints which near-duplicates there are, and keeps the pairs as duplicates.npz."""
    rows = read_rows(arrays / "rows.jsonl")
    pairs = load_pairs(arrays, rows)
    named = Counter(tuple(sorted(f"{rows[k]['source']} {rows[k]['kind']}" for k in pair)) for pair in pairs)
    for (one, other), n in sorted(named.items()):
        print(f"{one:24s} {other:24s} {n:6d}")
    across = sum(rows[i]["source"] != rows[j]["source"] for i, j in pairs)
    print(f"{len(pairs)} pairs of {len(np.unique(pairs))} pictures, {across} pairs across sources")


def main(argv: list[str] | None = None) -> int:
    """Command line: see the module's head."""
    parser = argparse.ArgumentParser(prog="prepare", description=__doc__.splitlines()[0])
    parser.add_argument("--crops", type=Path, help=f"folder with {', '.join(FOLDERS)}")
    parser.add_argument("--annotations", type=Path, help="annotations.json of the scenes")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--held-out", type=Path, help="write the lists of test files here")
    parser.add_argument(
        "--duplicates-only",
        action="store_true",
        help="count what --out holds of near-duplicates across sources, and across the parts of one",
    )
    parser.add_argument(
        "--corrections", type=Path, default=CORRECTIONS, help="folder of SOURCE.txt (the trainer's own)"
    )
    parser.add_argument(
        "--correct-only", action="store_true", help="correct the kinds of what --out holds, and nothing else"
    )
    args = parser.parse_args(argv)
    if args.duplicates_only:
        report_duplicates(args.out)
        return 0
    if args.crops is None and not args.correct_only:
        parser.error("--crops DIR is needed to prepare; --duplicates-only and --correct-only do without")
    try:
        rows = (
            correct_only(args.out, args.corrections)
            if args.correct_only
            else prepare(args.crops, args.annotations, args.out, args.held_out, args.corrections)
        )
    except (ValueError, OSError) as error:
        print(f"prepare: {error}", file=sys.stderr)
        return 2
    for (was, kind), n in sorted(Counter((r["was"], r["kind"]) for r in rows if "was" in r).items()):
        print(f"corrected: {was} to {kind}: {n}")
    for key, n in sorted(Counter((r["source"], r["kind"], r["split"]) for r in rows).items()):
        print(f"{' '.join(key):40s} {n:6d}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
