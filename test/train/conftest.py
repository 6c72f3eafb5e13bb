"""Arrays as `prepare` and `render` write them, of generated pictures: a bright lower half is a mask."""

from pathlib import Path

import numpy as np
import pytest

from maskgate_train.prepare import write_rows


def picture(rng: np.random.Generator, masked: bool, side_px: int) -> np.ndarray:
    out = rng.integers(0, 90, (side_px, side_px, 3), np.uint8)
    if masked:
        out[side_px // 2 :] += 150
    return out


@pytest.fixture(scope="session")
def arrays(tmp_path_factory) -> Path:
    return write_arrays(tmp_path_factory.mktemp("arrays"), 112)


@pytest.fixture(scope="session")
def small_arrays(tmp_path_factory) -> Path:
    """Of 32 px, as quick to train on as a test must be; the network takes any size."""
    return write_arrays(tmp_path_factory.mktemp("small-arrays"), 32)


def write_arrays(folder: Path, side_px: int) -> Path:
    rng = np.random.default_rng(0)
    rows, pictures = [], []
    for n in range(48):
        source, masked = ("east", "west")[n % 2], n % 4 < 2
        split = "val" if n >= 40 else "test" if n >= 32 else "train"
        kind = "masked" if masked else "bare"
        facts = {"source": source, "group": f"g{n}", "split": split, "file": f"{source}/{n}.jpg"}
        rows.append({**facts, "kind": kind, "label": int(masked), "facePx": 60})
        pictures.append(picture(rng, masked, side_px))
    np.save(folder / "pictures.npy", np.stack(pictures))
    write_rows(folder / "rows.jsonl", rows)
    kinds = ["surgical", "under_nose", "notebook", "hat"] * 6
    made = [
        {**rows[n], "kind": k, "label": int(k == "surgical"), "split": rows[2 * n]["split"], "beside": []}
        for n, k in enumerate(kinds)
    ]
    np.save(folder / "rendered-1.npy", np.stack([picture(rng, k == "surgical", side_px) for k in kinds]))
    write_rows(folder / "rendered-1.jsonl", made)
    return folder
