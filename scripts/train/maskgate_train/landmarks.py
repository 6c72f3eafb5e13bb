"""Finds the 468 face mesh points of every picture in a folder of crops and keeps them in one .npz.

Promises: one row per picture in name order, points in pixels of that picture, `ok` false (and points NaN)
where no face was found. Needs the `landmarks` extra (mediapipe, Python 3.12 at most); reading needs numpy only.
Run: python -m maskgate_train.landmarks CROPS_DIR [--out FILE] [--workers 2]
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

PICTURES = {".jpg", ".jpeg", ".png", ".webp", ".bmp"}
POINTS = 468
_DETECT_SIDE_PX = 256
_DETECT_MARGIN_PX = 40


@dataclass(frozen=True)
class Landmarks:
    """Mesh points of a folder: `points[i]` belongs to the picture `names[i]` (path below the folder)."""

    names: list[str]
    points: np.ndarray
    ok: np.ndarray

    def by_name(self) -> dict[str, np.ndarray]:
        """Points of every picture in which a face was found."""
        return {n: self.points[i] for i, n in enumerate(self.names) if self.ok[i]}


def load_landmarks(file: Path) -> Landmarks:
    """Reads what `main` wrote."""
    with np.load(file, allow_pickle=False) as data:
        return Landmarks([str(n) for n in data["names"]], data["points"], data["ok"])


def pictures_below(folder: Path) -> list[Path]:
    """Every picture file under the folder, in name order."""
    return sorted(p for p in folder.rglob("*") if p.suffix.lower() in PICTURES)


def find_mesh(mesh, rgb: np.ndarray) -> np.ndarray | None:
    """The points of the most certain face, or None. Small crops are enlarged and get a margin first."""
    h, w = rgb.shape[:2]
    zoom = _DETECT_SIDE_PX / max(h, w)
    big = cv2.resize(rgb, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_CUBIC)
    m = _DETECT_MARGIN_PX
    big = cv2.copyMakeBorder(big, m, m, m, m, cv2.BORDER_REPLICATE)
    found = mesh.process(big).multi_face_landmarks
    if not found:
        return None
    unit = np.array([(p.x, p.y) for p in found[0].landmark[:POINTS]])
    px = unit * (big.shape[1], big.shape[0]) - m
    return (px * (w / (big.shape[1] - 2 * m), h / (big.shape[0] - 2 * m))).astype(np.float32)


def _mesh_of_files(files: list[Path]) -> np.ndarray:
    import mediapipe

    mesh = mediapipe.solutions.face_mesh.FaceMesh(static_image_mode=True, max_num_faces=1, min_detection_confidence=0.3)
    rows = np.full((len(files), POINTS, 2), np.nan, np.float32)
    for i, file in enumerate(files):
        bgr = cv2.imread(str(file), cv2.IMREAD_COLOR)
        points = None if bgr is None else find_mesh(mesh, np.ascontiguousarray(bgr[..., ::-1]))
        if points is not None:
            rows[i] = points
    mesh.close()
    return rows


def find_all(files: list[Path], workers: int) -> np.ndarray:
    """Points [N,468,2] of the files; NaN rows where no face was found."""
    from tqdm import tqdm

    chunks = [files[i : i + 128] for i in range(0, len(files), 128)]
    rows: list[np.ndarray] = []
    with ProcessPoolExecutor(workers) as pool, tqdm(total=len(files), unit="picture") as bar:
        for part in pool.map(_mesh_of_files, chunks):
            rows.append(part)
            bar.update(len(part))
    return np.concatenate(rows) if rows else np.zeros((0, POINTS, 2), np.float32)


def main(argv: list[str] | None = None) -> int:
    """Command line: see the module's head."""
    parser = argparse.ArgumentParser(prog="landmarks", description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="folder of crops")
    parser.add_argument("--out", type=Path, help="default: FOLDER/landmarks.npz")
    parser.add_argument("--workers", type=int, default=1, help="processes")
    args = parser.parse_args(argv)
    files = pictures_below(args.folder)
    if not files:
        parser.error(f"no pictures below {args.folder}")
    points = find_all(files, args.workers)
    ok = ~np.isnan(points[:, 0, 0])
    names = np.array([f.relative_to(args.folder).as_posix() for f in files])
    out = args.out or args.folder / "landmarks.npz"
    np.savez_compressed(out, names=names, points=points, ok=ok)
    print(f"{out}: {ok.sum()} faces in {len(files)} pictures")
    return 0


if __name__ == "__main__":
    sys.exit(main())
