"""Where a run computes: device, number format, compilation, and the processes that share its batches.

Promises: what was asked for and is not there is refused by name; processes that torchrun started compute together
what one would: each its share of the batch, BatchNorm over the whole batch, gradients of the mean.
"""

from __future__ import annotations

import contextlib
import os
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from .config import Config, ConfigError


def processor() -> str:
    """What a person calls this machine's CPU."""
    facts = Path("/proc/cpuinfo")
    names = [x for x in facts.read_text().splitlines() if x.startswith("model name")] if facts.exists() else []
    name = names[0].split(":", 1)[1].strip() if names else platform.processor() or platform.machine()
    return f"{name}, {os.cpu_count()} cores"


@dataclass(frozen=True)
class Place:
    """A device, and this process's place among those that train together."""

    device: torch.device
    bfloat16: bool
    compile: str
    rank: int = 0
    ranks: int = 1
    resident: bool = False
    """Whether the pictures lie on the device, and are augmented there."""

    @property
    def is_cuda(self) -> bool:
        """Whether work is queued for a GPU, where every read of a number waits for all of it."""
        return self.device.type == "cuda"

    @property
    def writes(self) -> bool:
        """Whether this process prints, and writes the run's files."""
        return self.rank == 0

    def autocast(self) -> contextlib.AbstractContextManager:
        """Convolutions in bfloat16 if that gains here; weights, sums and the loss stay float32."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.bfloat16)

    def total(self, numbers: torch.Tensor) -> list[float]:
        """These numbers summed over all processes."""
        if self.ranks > 1:
            numbers = numbers.clone()
            torch.distributed.all_reduce(numbers)
        return numbers.tolist()

    def agreed(self, number: float) -> float:
        """The number of the first process, since clocks differ."""
        if self.ranks == 1:
            return number
        told = torch.tensor([number], dtype=torch.float64, device=self.device)
        torch.distributed.broadcast(told, 0)
        return float(told)

    def send(self, values: np.ndarray) -> torch.Tensor:
        """The array on the device, without waiting for it; float64 becomes float32."""
        told = torch.from_numpy(np.ascontiguousarray(values, np.float32 if values.dtype == np.float64 else None))
        return told.pin_memory().to(self.device, non_blocking=True) if self.is_cuda else told

    def wait(self) -> None:
        """Until the device has done what it was given, for an honest clock."""
        if self.is_cuda:
            torch.cuda.synchronize(self.device)


@contextlib.contextmanager
def placed(config: Config) -> Iterator[Place]:
    """The place of this process; joins those of torchrun, and leaves them in the end."""
    torch.set_num_threads(config.threads or os.cpu_count() or 1)
    ranks, rank = int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("RANK", "0"))
    if config.batch % ranks:
        raise ConfigError(f"--batch {config.batch} cannot be split over {ranks} processes; give a multiple of {ranks}")
    device = _device(config.device)
    if device.type == "cuda":
        torch.cuda.set_device(device)
        torch.backends.cudnn.benchmark = True
    if ranks > 1:
        torch.distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        bfloat16, how = _bfloat16(config.precision, device), _compile(config, device, ranks)
        yield Place(device, bfloat16, how, rank, ranks, resident=device.type == "cuda")
    finally:
        if ranks > 1:
            torch.distributed.destroy_process_group()


def _device(asked: str) -> torch.device:
    there = torch.cuda.is_available()
    if asked == "cpu" or (asked == "" and not there):
        return torch.device("cpu")
    if asked not in ("", "cuda"):
        raise ConfigError(f"--device {asked}: must be cuda or cpu")
    if not there:
        raise ConfigError("--device cuda: torch finds no GPU; install its driver, or give --device cpu")
    return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))


def _bfloat16(precision: str, device: torch.device) -> bool:
    """On processors, AMX alone gains: with avx512_bf16, a step takes as long as in float32 (5 % less at best)."""
    if precision != "auto":
        return precision == "bfloat16"
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    facts = Path("/proc/cpuinfo")
    return facts.exists() and "amx_bf16" in facts.read_text(encoding="utf-8", errors="replace").split()


def _compile(config: Config, device: torch.device, ranks: int) -> str:
    """BatchNorm over processes talks in the middle of the graph, so nothing can be compiled around it."""
    talks = ranks > 1 and config.sync_norm
    if config.compile != "auto":
        if talks and config.compile != "off":
            raise ConfigError(f"--compile {config.compile} needs --no-sync-norm under torchrun")
        return config.compile
    return "on" if device.type == "cuda" and not talks else "off"


def ready(module: nn.Module, place: Place, sync_norm: bool) -> nn.Module:
    """The module for training steps of one shape; make it anew when layers freeze or thaw."""
    if place.ranks > 1:
        if sync_norm and place.is_cuda:
            module = nn.SyncBatchNorm.convert_sync_batchnorm(module)
        elif sync_norm:
            _share_norms(module)
        ids = [place.device.index] if place.is_cuda else None
        module = DistributedDataParallel(module, ids, forward_sync_buffers=False, gradient_as_bucket_view=True)
    if place.compile == "off":
        return module
    # CUDA graphs take the place of a thousand launches a step; on a processor there are none.
    mode = {"on": "reduce-overhead" if place.is_cuda else "default", "autotune": "max-autotune"}[place.compile]
    return torch.compile(module, mode=mode, dynamic=False)


def _share_norms(module: nn.Module) -> None:
    """torch's SyncBatchNorm wants a GPU; on processors, the same in few lines. Weights and their names stay."""
    for norm in module.modules():
        if type(norm) is nn.BatchNorm2d:
            norm.__class__ = _SharedNorm


class _Summed(torch.autograd.Function):
    """A sum over processes; each one's loss pulls at the numbers of all."""

    @staticmethod
    def forward(_ctx: Any, numbers: torch.Tensor) -> torch.Tensor:
        summed = numbers.clone()
        torch.distributed.all_reduce(summed)
        return summed

    @staticmethod
    def backward(_ctx: Any, pull: torch.Tensor) -> torch.Tensor:
        return _Summed.apply(pull.contiguous())


class _SharedNorm(nn.BatchNorm2d):
    """BatchNorm over the pictures of all processes, which are equally many in each."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self.training:
            return super().forward(x)
        wide, ranks = x.to(torch.promote_types(x.dtype, torch.float32)), torch.distributed.get_world_size()
        mean = _Summed.apply(wide.mean((0, 2, 3))) / ranks
        away = wide - mean.view(1, -1, 1, 1)
        var = _Summed.apply(away.square().mean((0, 2, 3))) / ranks
        with torch.no_grad():
            n = x.numel() / x.shape[1] * ranks
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(var * n / (n - 1), self.momentum)
            self.num_batches_tracked += 1
        scale = self.weight * (var + self.eps).rsqrt()
        return (away * scale.view(1, -1, 1, 1) + self.bias.view(1, -1, 1, 1)).to(x.dtype)
