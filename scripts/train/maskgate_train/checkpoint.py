"""What a run leaves behind: checkpoints, and the facts that say how its model came to be.

Promises: a checkpoint is whole or not there, also when the power fails; one of another recipe is refused.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
from pathlib import Path
from typing import Any

import torch

from .config import Config, ConfigError, as_dict
from .data import Pool, data_hash, summary
from .hardware import Place, processor

# Where and how fast a run computes; it may go on elsewhere.
_ELSEWHERE = ("run", "arrays", "weights", "threads", "checkpoint_every", "device", "precision", "compile")


def save(file: Path, state: dict[str, Any]) -> None:
    """Whole or not at all."""
    part = file.with_suffix(".part")
    with part.open("wb") as out:
        torch.save(state, out)
        out.flush()
        os.fsync(out.fileno())
    part.replace(file)


def load(file: Path, config: Config) -> dict[str, Any] | None:
    """The checkpoint, if there is one; settings that it is too old to know stood at their defaults."""
    if not file.exists():
        return None
    state = torch.load(file, map_location="cpu", weights_only=True)
    theirs, ours = as_dict(Config()) | state["config"], as_dict(config)
    changed = sorted(k for k in ours if k not in _ELSEWHERE and ours[k] != theirs[k])
    if changed:
        raise ConfigError(f"{file} is of another recipe ({', '.join(changed)} differ); give another --run")
    return state


def kept_of(run: Path) -> tuple[str, str]:
    """Checkpoint and weights that a run's recipe keeps: the best where it stops early, averaged where it averages."""
    file = run / "last.pt"
    if not file.exists():
        raise SystemExit(f"--run {run}: no last.pt; `train` writes it")
    recipe = torch.load(file, map_location="cpu", weights_only=True, mmap=True)["config"]
    return "best.pt" if recipe["patience"] else "last.pt", "ema" if recipe["ema_decay"] else "model"


def digest_of(network: torch.nn.Module) -> str:
    """SHA-256 of a network's weights by name, in hex: what an evaluation and an export of one checkpoint share."""
    digest = hashlib.sha256()
    for name, tensor in network.state_dict().items():
        digest.update(name.encode() + tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()


def trained_with(config: Config, pool: Pool, place: Place, lineage: dict[str, Any]) -> dict[str, Any]:
    """Facts that say how a model came to be; `lineage`: lineage.py's."""
    cuda = place.is_cuda
    facts = {
        "torch": str(torch.__version__), "python": platform.python_version(),
        "commit": commit(),
        "processor": processor(),
        "device": torch.cuda.get_device_name(place.device) if cuda else "cpu", "processes": place.ranks,
        "numbers": "bfloat16" if place.bfloat16 else "float32", "compiled": place.compile,
        "recipe": as_dict(config), "dataHash": data_hash(pool), "pictures": len(pool), "data": summary(pool),
    }  # fmt: skip
    for name in ("init_from", "teacher"):
        facts["recipe"][name] = Path(getattr(config, name)).name
    return facts | lineage


def commit() -> str:
    """The commit of this code; "unknown" outside of a clone or without git."""
    if shutil.which("git") is None:
        return "unknown"
    here = Path(__file__).parent
    told = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, cwd=here, check=False)
    return told.stdout.strip() or "unknown"
