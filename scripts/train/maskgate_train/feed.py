"""A run's pictures on its device, batch after batch.

Promises: batches are those of data.py, so functions of seeds and step; on a GPU they are cut from what lies there
already, and nothing waits; on a processor a thread makes them ahead.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator
from contextlib import closing

import torch

from .augment_batch import augment_batch
from .config import Config
from .data import Batches, Pool
from .hardware import Place

_GPU_SHARE = 0.5


class Feed:
    """Batches of one process for one run."""

    def __init__(
        self, pool: Pool, config: Config, place: Place, stored: torch.Tensor | None = None, seeds: tuple[int, ...] = ()
    ) -> None:
        """`stored`: what stands for each picture already, such as the outputs of layers that never move; `seeds`: the
        run's (lineage.py), the configured one alone if empty."""
        self._place, self._seeds = place, seeds or (config.seed,)
        self._augments = place.resident and config.augment == "door"
        raw = dataclasses.replace(config, augment="none") if self._augments else config
        self._batches = Batches(pool, raw, rank=place.rank, ranks=place.ranks, seeds=self._seeds)
        if stored is None and place.resident and _fits(pool, place):
            stored = pool.pictures(range(len(pool))).to(place.device)
        self._stored = stored

    def from_step(self, step: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Inputs and float32 labels of `step` and after, without end."""
        with closing(self._made(step) if self._stored is None else self._taken(step)) as source:
            for at, (inputs, labels) in enumerate(source, step):
                more = augment_batch(inputs, self._place, self._seeds, at) if self._augments else inputs
                yield more, labels

    def _made(self, step: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        with closing(self._batches.from_step(step)) as batches:
            for pictures, labels in batches:
                yield self._place.send(pictures), self._place.send(labels)

    def _taken(self, step: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        for at in itertools.count(step):
            chosen, labels = self._batches.share(at)
            yield self._stored[self._place.send(chosen)], self._place.send(labels)


def _fits(pool: Pool, place: Place) -> bool:
    if not place.is_cuda:
        return True
    free, _ = torch.cuda.mem_get_info(place.device)
    return len(pool) * pool.picture(0).nbytes < _GPU_SHARE * free
