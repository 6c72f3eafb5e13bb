"""How much of the bare network's speed the training loop keeps: pictures/s of both, in turn on one machine.

Promises: both make the same steps of the same batch (forward, backward, SGD); the loop's clock also covers reading,
augmenting and averaging, and starts before the first batch is made. Turns alternate, so a machine that is busy
for a while slows both; medians are compared. Writes nothing.
Run: run bench --arrays DIR --preset door [--frozen-share 1] [any setting of train]
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from contextlib import closing
from statistics import median
from typing import Any

import torch

from .config import Config, ConfigError, parse_config
from .feed import Feed
from .hardware import Place, placed
from .learner import Learner
from .stem_cache import stem_outputs
from .train import load_pools

_TURNS = 7
_STEPS = 20
_GOAL = 0.9


def bench(config: Config, place: Place, turns: int = _TURNS, steps: int = _STEPS) -> dict[str, Any]:
    """Pictures a second of the bare network and of the training loop, and the share of the one in the other."""
    pool, _ = load_pools(config)
    learner = Learner(config, place)
    stored = stem_outputs(learner.model, pool, place) if config.caches_stem else None
    feed = Feed(pool, config, place, stored)
    with closing(feed.from_step(0)) as batches:
        like, labels = next(batches)
    random = torch.rand(like.shape, device=place.device).mul(255 if stored is None else 1).to(like.dtype)
    learner.enter(0.0)

    def bare(count: int) -> None:
        for _ in range(count):
            learner.step(random, labels, config.learning_rate)

    def loop(count: int, first: int) -> None:
        with closing(feed.from_step(first)) as batches:
            for step in range(first, first + count):
                learner.step(*next(batches), config.learning_rate)
                learner.average(step)

    bare(3)
    loop(3, 0)
    rates: dict[str, list[float]] = {"bare": [], "loop": []}
    for turn in range(turns):
        took = {"bare": _seconds(place, bare, steps), "loop": _seconds(place, loop, steps, turn * steps)}
        for name, seconds in took.items():
            rates[name].append(config.batch * steps / seconds)
    middle = {name: median(each) for name, each in rates.items()}
    device = torch.cuda.get_device_name(place.device) if place.is_cuda else f"cpu, {torch.get_num_threads()} threads"
    phase = "frozen" if config.frozen_share > 0 else "whole"
    return {
        "device": device, "numbers": "bfloat16" if place.bfloat16 else "float32", "compiled": place.compile,
        "batch": config.batch, "phase": phase, "augment": config.augment,
        "barePicturesPerS": middle["bare"], "loopPicturesPerS": middle["loop"],
        "share": median(b / a for a, b in zip(rates["bare"], rates["loop"], strict=True)),
    }  # fmt: skip


def _seconds(place: Place, work: Callable[..., None], *given: int) -> float:
    place.wait()
    began = time.perf_counter()
    work(*given)
    place.wait()
    return time.perf_counter() - began


def main(argv: list[str] | None = None) -> int:
    """Command line: that of train, without --run."""
    given = sys.argv[1:] if argv is None else argv
    try:
        config = parse_config(given, "bench", __doc__.splitlines()[0], need=("arrays",))
        with placed(config) as place:
            result = bench(config, place)
    except ConfigError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    print(json.dumps(result))
    print(f"the training loop keeps {result['share']:.1%} of the bare network's speed (goal: {_GOAL:.0%})")
    return 0 if result["share"] >= _GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
