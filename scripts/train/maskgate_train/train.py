"""Trains the classifier: data, network, loop, best checkpoint.

Promises: a run that is killed at any moment goes on from its last checkpoint when the same command is given again,
to the same end; a run with --minutes ends by itself in time, its learning rate sized to that. Reads top to bottom.
Run: run train --preset door --arrays DIR --run DIR --weights FILE
Many GPUs: run train --processes 4 ..., the batch is split among them (torchrun).
"""

from __future__ import annotations

import json
import math
import sys
import time
from pathlib import Path
from typing import Any

import torch

from .checkpoint import load, save, trained_with
from .config import Config, ConfigError, as_dict, parse_config, run_folder
from .data import PAPER_GROUPS, Pool, load_pool
from .feed import Feed
from .hardware import Place, placed
from .learner import Learner
from .lineage import begin, go_on, seeds_of
from .stem_cache import stem_outputs

# The first steps of a phase compile and record it: they count as preparation, not as training time.
_COMPILING = 3


def rate_at(config: Config, progress: float) -> float:
    """Learning rate at a share of the schedule."""
    if config.schedule == "constant":
        return config.learning_rate
    if progress < config.warmup_share:
        return config.learning_rate * max(0.02, progress / config.warmup_share)
    done = (progress - config.warmup_share) / (1 - config.warmup_share)
    return config.learning_rate * max(0.002, 0.5 * (1 + math.cos(math.pi * min(1.0, done))))


def progress_at(config: Config, place: Place, state: dict[str, Any]) -> float:
    """Share of the schedule that is done, by steps or by time, whichever is further; the same in all processes."""
    by_steps = state["step"] / config.steps
    return max(by_steps, place.agreed(state["elapsed_s"] / (60 * config.minutes))) if config.minutes else by_steps


def load_pools(config: Config) -> tuple[Pool, Pool]:
    """What is trained on, and what validates."""
    arrays, groups = Path(config.arrays), PAPER_GROUPS if config.mix == "paper" else frozenset()
    pool = load_pool(arrays, {"train"}, config.synthetic, config.leave_out, groups, config.leave_kinds)
    val = load_pool(arrays, set(config.validate_on.split(",")), config.synthetic, groups=groups)
    return (
        pool.take(config.train_pictures, "train-pictures"),
        val.take(config.validate_pictures, "validate-pictures"),
    )


def train(config: Config, stop_after: int = 0) -> dict[str, Any]:
    """Trains to the schedule's end; `stop_after` steps of this call leave the run open, for tests."""
    with placed(config) as place:
        return train_here(config, place, stop_after)


def train_here(config: Config, place: Place, stop_after: int = 0) -> dict[str, Any]:
    """The same, at a place that is known."""
    began, folder = time.perf_counter(), run_folder(config)
    pool, val = load_pools(config)
    found = load(folder / "last.pt", config)
    lineage = begin(config) if found is None else go_on(config, found["facts"])
    learner = Learner(config, place, fresh=found is None)
    state: dict[str, Any] = {"step": 0, "elapsed_s": 0.0, "prepare_s": 0.0, "best": None, "since_best": 0, "curve": []}
    if found is not None:
        learner.take_up(found)
        state |= {k: found[k] for k in state if k in found}
    facts = trained_with(config, pool, place, lineage)
    log = Log(config, place, state, learner)
    counts = f"{len(pool)} pictures, {len(val)} to validate"
    log(f"{counts}, data {facts['dataHash']}, from step {state['step']}, on {facts['device']} in {facts['numbers']}")
    stored, val_inputs = inputs_of(config, place, learner, pool, val)
    val_labels = place.send(val.labels)
    batches = Feed(pool, config, place, stored, seeds_of(config, lineage)).from_step(state["step"])

    def checkpoint(name: str) -> None:
        more = {**state, "tally": place.total(learner.tally), "config": as_dict(config), "facts": facts}
        if place.writes:
            save(folder / name, learner.weights() | more)

    state["prepare_s"] += time.perf_counter() - began
    clock, first = Clock(place, state), state["step"]
    progress = progress_at(config, place, state)
    while not is_over(config, state, progress) and not 0 < stop_after <= state["step"] - first:
        if learner.enter(progress):
            clock.compiles()
        learner.step(*next(batches), rate_at(config, progress))
        state["step"] += 1
        learner.average(state["step"])
        clock.tick()
        progress = progress_at(config, place, state)
        log.now_and_then(progress)
        if state["step"] % config.evaluate_every == 0 or progress >= 1:
            result = {"step": state["step"], **log.epoch(), **learner.validate(val_inputs, val_labels)}
            log(f"step {state['step']} " + ", ".join(f"{k} {v:.4f}" for k, v in result.items() if k != "step"))
            if note(state, result):
                checkpoint("best.pt")
        if state["step"] % config.checkpoint_every == 0:
            checkpoint("last.pt")
    batches.close()
    checkpoint("last.pt")
    if place.writes:
        (folder / "result.json").write_text(json.dumps({**state, "trainedWith": facts}, indent=1))
    return state


def inputs_of(
    config: Config, place: Place, learner: Learner, pool: Pool, val: Pool
) -> tuple[torch.Tensor | None, torch.Tensor]:
    """What stands for pictures in training, None: themselves; and what validation sees."""
    if config.caches_stem:
        return stem_outputs(learner.model, pool, place), stem_outputs(learner.model, val, place)
    return None, val.pictures(range(len(val))).to(place.device)


def is_over(config: Config, state: dict[str, Any], progress: float) -> bool:
    """At the schedule's end, or stopped early."""
    return progress >= 1 or 0 < config.patience <= state["since_best"]


def note(state: dict[str, Any], result: dict[str, float]) -> bool:
    """Adds a validation to the curve; True if it is the best so far."""
    state["curve"].append(result)
    best = state["best"] is None or result["loss"] < state["best"]["loss"]
    state["since_best"] = 0 if best else state["since_best"] + 1
    if best:
        state["best"] = {k: result[k] for k in ("step", "loss", "accuracy")}
    return best


class Clock:
    """Training time, and apart from it the time to compile: that of the first steps of a phase, when compiled."""

    def __init__(self, place: Place, state: dict[str, Any]) -> None:
        """Starts now."""
        self._place, self._state, self._compiling, self._since = place, state, 0, time.perf_counter()

    def compiles(self) -> None:
        """The next steps are the first of a phase."""
        self._compiling = 0 if self._place.compile == "off" else _COMPILING

    def tick(self) -> None:
        """A step, with all that followed the last one, has been done, or queued on a GPU."""
        if self._compiling:
            self._place.wait()
        now = time.perf_counter()
        self._state["prepare_s" if self._compiling else "elapsed_s"] += now - self._since
        self._compiling, self._since = max(0, self._compiling - 1), now


class Log:
    """Lines of the process that writes: where the run stands, how fast it is, when it ends."""

    def __init__(self, config: Config, place: Place, state: dict[str, Any], learner: Learner) -> None:
        """The first line is about what comes from now on."""
        self._config, self._place, self._state, self._learner = config, place, state, learner
        self._every = 100 if place.is_cuda else 10
        self._last = (state["step"], state["elapsed_s"], *learner.tally.tolist())

    def __call__(self, line: str) -> None:
        """Prints it."""
        if self._place.writes:
            print(line, flush=True)

    def now_and_then(self, progress: float) -> None:
        """One line in so many steps: loss and speed since the last one. Only then are losses read from the device."""
        step, elapsed_s = self._state["step"], self._state["elapsed_s"]
        if step % self._every or not self._place.writes:
            return
        now = (step, elapsed_s, *self._learner.tally.tolist())
        steps, took_s, loss_sum, _, seen = (a - b for a, b in zip(now, self._last, strict=True))
        self._last = now
        speed, eta_min = self._config.batch * steps / max(took_s, 1e-6), elapsed_s * (1 / progress - 1) / 60
        frozen = "frozen" if progress < self._config.frozen_share else "whole"
        self(
            f"step {step} {progress:.1%} loss {loss_sum / max(1, seen):.4f} rate {rate_at(self._config, progress):.4f} "
            f"{frozen} {speed:.1f} pictures/s, {eta_min:.0f} min to go"
        )

    def epoch(self) -> dict[str, float]:
        """Training loss and accuracy since the last validation, over all processes, as they were when learned."""
        loss_sum, right, seen = self._place.total(self._learner.tally)
        self._learner.tally.zero_()
        self._last = (*self._last[:2], 0.0, 0.0, 0.0)
        return {"trainLoss": loss_sum / seen, "trainAccuracy": right / seen}


def main(argv: list[str] | None = None) -> int:
    """Command line: see config.py."""
    try:
        config = parse_config(sys.argv[1:] if argv is None else argv, "train", __doc__.splitlines()[0])
        state = train(config)
    except ConfigError as error:
        print(f"train: {error}", file=sys.stderr)
        return 2
    spent = f"{state['elapsed_s'] / 60:.1f} min, {state['prepare_s'] / 60:.1f} more to prepare and compile"
    print(f"done: {state['step']} steps in {spent}, best {state['best']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
