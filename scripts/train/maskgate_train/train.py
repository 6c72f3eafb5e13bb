"""Trains the classifier: data, model, optimizer, loop, best checkpoint.

Promises: a run that is killed at any moment goes on from its last checkpoint when the same command is given again;
a run with --minutes ends by itself in time, its learning rate sized to that. Reads top to bottom.
Run: run train --preset door --arrays DIR --run DIR --weights FILE
"""

from __future__ import annotations

import copy
import json
import math
import os
import platform
import shutil
import subprocess
import sys
import time
from collections import deque
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from .config import Config, ConfigError, as_dict, parse_config, run_folder
from .data import PAPER_GROUPS, Batches, Pool, data_hash, load_pool, summary
from .model import STEM, as_input, make_model, set_frozen

_VALIDATED = 800
_AVERAGE_EVERY = 4


def rate_at(config: Config, progress: float) -> float:
    """Learning rate at a share of the schedule."""
    if config.schedule == "constant":
        return config.learning_rate
    if progress < config.warmup_share:
        return config.learning_rate * max(0.02, progress / config.warmup_share)
    done = (progress - config.warmup_share) / (1 - config.warmup_share)
    return config.learning_rate * max(0.002, 0.5 * (1 + math.cos(math.pi * min(1.0, done))))


def progress_at(config: Config, step: int, elapsed_s: float) -> float:
    """Share of the schedule that is done, by steps or by time, whichever is further."""
    by_time = elapsed_s / (60 * config.minutes) if config.minutes else 0.0
    return max(step / config.steps, by_time)


def make_optimizer(model: nn.Module, config: Config) -> torch.optim.SGD:
    """SGD; the pretrained half moves at a share of the rate."""
    stem = [p for name in STEM for p in getattr(model, name).parameters()]
    known = {id(p) for p in stem}
    rest = [p for p in model.parameters() if id(p) not in known]
    groups = [{"params": rest, "share": 1.0}, {"params": stem, "share": config.stem_rate_share}]
    return torch.optim.SGD(groups, config.learning_rate, config.momentum, weight_decay=config.weight_decay)


@torch.no_grad()
def average_into(ema: nn.Module, model: nn.Module, decay: float) -> None:
    """Moves the averaged weights towards the model's."""
    for mean, now in zip(ema.state_dict().values(), model.state_dict().values(), strict=True):
        if mean.dtype.is_floating_point:
            mean.lerp_(now, 1 - decay)
        else:
            mean.copy_(now)


@torch.inference_mode()
def validate(model: nn.Module, pool: Pool, chosen: list[int]) -> dict[str, float]:
    """Loss and accuracy, without augmentation or smoothing."""
    model.eval()
    loss, right = 0.0, 0
    for at in range(0, len(chosen), 64):
        part = chosen[at : at + 64]
        pictures = torch.stack([torch.from_numpy(pool.picture(i).copy()) for i in part])
        labels = torch.tensor([float(pool.rows[i]["label"]) for i in part])
        logits = model(as_input(pictures)).flatten()
        loss += float(nn.functional.binary_cross_entropy_with_logits(logits, labels, reduction="sum"))
        right += int(((logits > 0) == (labels > 0.5)).sum())
    return {"loss": loss / len(chosen), "accuracy": right / len(chosen)}


def save(file: Path, state: dict[str, Any]) -> None:
    """Whole or not at all, also when the power fails."""
    part = file.with_suffix(".part")
    with part.open("wb") as out:
        torch.save(state, out)
        out.flush()
        os.fsync(out.fileno())
    part.replace(file)


def resume(
    file: Path, config: Config, model: nn.Module, ema: nn.Module, optimizer: torch.optim.Optimizer
) -> dict[str, Any]:
    """Takes up the checkpoint if there is one; refuses one of another recipe."""
    if not file.exists():
        return {"step": 0, "elapsed_s": 0.0, "best": None, "since_best": 0, "curve": []}
    state = torch.load(file, map_location="cpu", weights_only=True)
    theirs, ours = dict(state["config"]), as_dict(config)
    for name in ("run", "arrays", "weights", "threads", "checkpoint_every"):
        theirs.pop(name), ours.pop(name)
    if theirs != ours:
        changed = sorted(k for k in ours if ours[k] != theirs.get(k))
        raise ConfigError(f"{file} is of another recipe ({', '.join(changed)} differ); give another --run")
    model.load_state_dict(state["model"])
    ema.load_state_dict(state["ema"])
    optimizer.load_state_dict(state["optimizer"])
    return {k: state[k] for k in ("step", "elapsed_s", "best", "since_best", "curve")}


def commit() -> str:
    """The commit of this code; "unknown" outside of a clone or without git."""
    if shutil.which("git") is None:
        return "unknown"
    here = Path(__file__).parent
    told = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, cwd=here, check=False)
    return told.stdout.strip() or "unknown"


def trained_with(config: Config, pool: Pool) -> dict[str, Any]:
    """Facts that say how a model came to be."""
    return {
        "torch": str(torch.__version__), "python": platform.python_version(),
        "commit": commit(),
        "processor": platform.processor() or platform.machine(), "recipe": as_dict(config),
        "dataHash": data_hash(pool), "pictures": len(pool), "data": summary(pool),
    }  # fmt: skip


def train(config: Config, stop_after: int = 0) -> dict[str, Any]:
    """Trains to the schedule's end; `stop_after` steps of this call leave the run open, for tests."""
    torch.set_num_threads(config.threads or os.cpu_count() or 1)
    folder, arrays = run_folder(config), Path(config.arrays)
    groups = PAPER_GROUPS if config.mix == "paper" else frozenset()
    pool = load_pool(arrays, {"train"}, config.synthetic, config.leave_out, groups)
    val = load_pool(arrays, {"val"}, config.synthetic, groups=groups)
    chosen = torch.randperm(len(val), generator=torch.Generator().manual_seed(config.seed))[:_VALIDATED].tolist()
    model = make_model(config.weights, config.fold_normalization, config.seed)
    ema = copy.deepcopy(model)
    optimizer = make_optimizer(model, config)
    state = resume(folder / "last.pt", config, model, ema, optimizer)
    facts = trained_with(config, pool)
    counts = f"{len(pool)} pictures, {len(val)} to validate"
    print(f"{counts}, data {facts['dataHash']}, from step {state['step']}", flush=True)

    def checkpoint(name: str) -> None:
        weights = {"model": model.state_dict(), "ema": ema.state_dict(), "optimizer": optimizer.state_dict()}
        save(folder / name, {**weights, **state, "config": as_dict(config), "facts": facts})

    batches = Batches(pool, config).from_step(state["step"])
    losses: deque[float] = deque(maxlen=50)
    in_call, since = 0, time.perf_counter()
    ended = progress_at(config, state["step"], state["elapsed_s"]) >= 1
    while not ended and not (stop_after and in_call >= stop_after):
        progress = progress_at(config, state["step"], state["elapsed_s"])
        losses.append(step_once(config, model, optimizer, next(batches), progress))
        state["step"] += 1
        in_call += 1
        if state["step"] % _AVERAGE_EVERY == 0:
            average_into(ema, model, min(config.ema_decay**_AVERAGE_EVERY, state["step"] / (40 + state["step"])))
        now = time.perf_counter()
        took_s, since = now - since, now
        state["elapsed_s"] += took_s
        ended = progress_at(config, state["step"], state["elapsed_s"]) >= 1
        mean_loss = sum(losses) / len(losses)
        if state["step"] % 10 == 0:
            report(config, state, mean_loss, took_s)
        if state["step"] % config.evaluate_every == 0 or ended:
            result = validate(ema if config.ema_decay else model, val, chosen)
            if note(state, {"step": state["step"], "trainLoss": mean_loss, **result}):
                checkpoint("best.pt")
            ended = ended or (config.patience > 0 and state["since_best"] >= config.patience)
        if state["step"] % config.checkpoint_every == 0 or ended:
            checkpoint("last.pt")
    batches.close()
    if not ended:
        checkpoint("last.pt")
    (folder / "result.json").write_text(json.dumps({**state, "trainedWith": facts}, indent=1))
    return state


def step_once(
    config: Config,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    batch: tuple[np.ndarray, np.ndarray],
    progress: float,
) -> float:
    """One step of SGD; returns its loss."""
    set_frozen(model, progress < config.frozen_share)
    for group in optimizer.param_groups:
        group["lr"] = rate_at(config, progress) * group["share"]
    pictures, labels = batch
    target = torch.from_numpy(labels) * (1 - config.label_smoothing) + config.label_smoothing / 2
    loss = nn.functional.binary_cross_entropy_with_logits(model(as_input(pictures)).flatten(), target)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    return loss.item()


def note(state: dict[str, Any], result: dict[str, float]) -> bool:
    """Adds a validation to the curve; True if it is the best so far."""
    print(f"step {result['step']} validation loss {result['loss']:.4f} accuracy {result['accuracy']:.4f}", flush=True)
    state["curve"].append(result)
    best = state["best"] is None or result["loss"] < state["best"]["loss"]
    state["since_best"] = 0 if best else state["since_best"] + 1
    if best:
        state["best"] = {k: result[k] for k in ("step", "loss", "accuracy")}
    return best


def report(config: Config, state: dict[str, Any], loss: float, took_s: float) -> None:
    """One line: where the run stands, how fast it is, when it ends."""
    progress = progress_at(config, state["step"], state["elapsed_s"])
    eta_min = state["elapsed_s"] * (1 - progress) / max(progress, 1e-6) / 60
    frozen = progress < config.frozen_share
    print(
        f"step {state['step']} {progress:.1%} loss {loss:.4f} rate {rate_at(config, progress):.4f} "
        f"{'frozen' if frozen else 'whole'} {config.batch / took_s:.1f} pictures/s, {eta_min:.0f} min to go",
        flush=True,
    )


def main(argv: list[str] | None = None) -> int:
    """Command line: see config.py."""
    try:
        config = parse_config(sys.argv[1:] if argv is None else argv, "train", __doc__.splitlines()[0])
        state = train(config)
    except ConfigError as error:
        print(f"train: {error}", file=sys.stderr)
        return 2
    print(f"done: {state['step']} steps in {state['elapsed_s'] / 60:.1f} min, best {state['best']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
