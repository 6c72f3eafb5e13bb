"""The outputs of conv1 to layer2, computed once, for runs in which those layers never move (--frozen-share 1).

Promises: the head on cached outputs gives what the network gives on the pictures, to within float16's rounding;
a cache that memory cannot hold is refused by name. A picture of 112 px takes 200 kB.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from .config import ConfigError
from .data import Pool
from .hardware import Place
from .model import as_input

_CHANNELS = 512


class FromStem(nn.Module):
    """layer3, layer4 and fc of a network: cached outputs in, logits [N] out, float32."""

    def __init__(self, network: nn.Module) -> None:
        """Shares the network's own layers."""
        super().__init__()
        self.layer3, self.layer4 = network.layer3, network.layer4
        self.pool, self.fc = network.avgpool, network.fc

    def forward(self, outputs: torch.Tensor) -> torch.Tensor:
        """float16 [N,H,W,512] to float32 [N]."""
        x = self.layer4(self.layer3(outputs.permute(0, 3, 1, 2).float()))
        return self.fc(torch.flatten(self.pool(x), 1)).flatten().float()


@torch.no_grad()
def stem_outputs(network: nn.Module, pool: Pool, place: Place) -> torch.Tensor:
    """float16 [N,H/8,W/8,512] of every picture of the pool, on the device."""
    side = -(-pool.picture(0).shape[0] // 8)
    shape = (len(pool), side, side, _CHANNELS)
    need = 2 * len(pool) * side * side * _CHANNELS
    if need > _free_bytes(place):
        raise ConfigError(
            f"--frozen-share 1 keeps {need / 1e9:.1f} GB of {len(pool)} pictures in memory and "
            f"{_free_bytes(place) / 1e9:.1f} GB are free; give --frozen-share 0.999 to compute them at each step"
        )
    stem = nn.Sequential(
        network.conv1, network.bn1, network.relu, network.maxpool, network.layer1, network.layer2
    ).eval()
    outputs = torch.empty(shape, dtype=torch.float16, device=place.device)
    for at in range(0, len(pool), 64):
        pictures = pool.pictures(range(at, min(at + 64, len(pool)))).to(place.device)
        outputs[at : at + 64] = stem(as_input(pictures)).permute(0, 2, 3, 1)
    return outputs


def _free_bytes(place: Place) -> int:
    if place.is_cuda:
        return torch.cuda.mem_get_info(place.device)[0]
    facts = Path("/proc/meminfo").read_text(encoding="utf-8").splitlines()
    return 1024 * next(int(line.split()[1]) for line in facts if line.startswith("MemAvailable:"))
