"""The network: torchvision's ResNet50 with one logit, its initial weights, and which layers stand still.

Promises: pixels come in as 0..1 RGB without normalization; weights that are missing are named, not guessed silently.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torchvision
from torch import nn

from .config import ConfigError

_MEAN = torch.tensor([0.485, 0.456, 0.406])
_STD = torch.tensor([0.229, 0.224, 0.225])
STEM = ("conv1", "bn1", "layer1", "layer2")


def make_model(weights: str, fold_normalization: bool, seed: int) -> nn.Module:
    """A ResNet50 with one output. `weights`: a file, "none" for random, "" for torchvision's download."""
    torch.manual_seed(seed)
    model = torchvision.models.resnet50(weights=None)
    if weights == "":
        url = torchvision.models.ResNet50_Weights.IMAGENET1K_V1
        model.load_state_dict(url.get_state_dict(progress=True, check_hash=True))
    elif weights != "none":
        load_partial(model, Path(weights))
    if fold_normalization and weights != "none":
        fold_imagenet_normalization(model)
    model.fc = nn.Linear(2048, 1)
    nn.init.normal_(model.fc.weight, std=0.01)
    nn.init.zeros_(model.fc.bias)
    return model.to(memory_format=torch.channels_last)


def load_run(model: nn.Module, checkpoint: Path) -> None:
    """The weights that a run of ours would ship: the averaged ones."""
    model.load_state_dict(read_checkpoint(checkpoint)["ema"])


def read_checkpoint(file: Path) -> dict[str, Any]:
    """What a run of ours wrote; its weights are read when they are looked at."""
    try:
        state = torch.load(file, map_location="cpu", weights_only=True, mmap=True)
    except (OSError, RuntimeError, pickle.UnpicklingError) as error:
        raise ConfigError(f"{file} is no checkpoint of a run; give its best.pt or last.pt") from error
    if not isinstance(state, dict) or "ema" not in state:
        raise ConfigError(f"{file} is no checkpoint of a run; give its best.pt or last.pt")
    return state


def load_partial(model: nn.Module, file: Path) -> list[str]:
    """Loads the tensors that are there; returns the convolutions that stay random.

    A BatchNorm behind a random convolution knows nothing: it starts anew, and the last one of such a block at
    zero, so that the block begins as its own shortcut.
    """
    with np.load(file) as data:
        have = {k: torch.from_numpy(data[k].copy()) for k in data.files}
    own = model.state_dict()
    wrong = [k for k, v in have.items() if k in own and own[k].shape != v.shape]
    if wrong:
        raise ValueError(f"{file}: {wrong[0]} has another shape than ResNet50's")
    have = {k: v for k, v in have.items() if k in own and not k.startswith("fc.")}
    model.load_state_dict(have, strict=False)
    random = [n for n, m in model.named_modules() if isinstance(m, nn.Conv2d) and f"{n}.weight" not in have]
    modules = dict(model.named_modules())
    for name in random:
        norm = modules[norm_after(name)]
        norm.reset_running_stats()
        nn.init.constant_(norm.weight, 0.0 if name.endswith("conv3") else 1.0)
        nn.init.zeros_(norm.bias)
    return random


def norm_after(conv: str) -> str:
    """Name of the BatchNorm behind a convolution of ResNet50."""
    return conv.replace("conv", "bn") if "conv" in conv else conv.removesuffix("0") + "1"


def fold_imagenet_normalization(model: nn.Module) -> None:
    """Makes conv1 and bn1 see 0..1 pixels as they saw normalized ones."""
    with torch.no_grad():
        w = model.conv1.weight / _STD[None, :, None, None]
        model.conv1.weight.copy_(w)
        model.bn1.running_mean += (w * _MEAN[None, :, None, None]).sum((1, 2, 3))


def set_frozen(model: nn.Module, frozen: bool) -> None:
    """Training mode; with `frozen`, conv1 to layer2 keep weights and statistics and cost no backward pass."""
    model.train()
    for name in STEM:
        part = getattr(model, name)
        part.train(not frozen)
        for p in part.parameters():
            p.requires_grad_(not frozen)


def as_input(pictures: np.ndarray | torch.Tensor, side: int = 0) -> torch.Tensor:
    """uint8 [N,H,W,3] to what the network takes: float 0..1 [N,3,H,W], channels last in memory, resized to `side`."""
    x = torch.as_tensor(pictures).permute(0, 3, 1, 2).float().div(255)
    if side and side != x.shape[-1]:
        x = nn.functional.interpolate(x, (side, side), mode="bilinear", antialias=True)
    return x


class FromPixels(nn.Module):
    """The network as it trains: uint8 pictures in, logits [N] out, float32."""

    def __init__(self, network: nn.Module, side: int = 0) -> None:
        """Pictures are resized to `side`, if one is given."""
        super().__init__()
        self.network, self.side = network, side

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """uint8 [N,H,W,3] to float32 [N]."""
        return self.network(as_input(pictures, self.side)).flatten().float()


class Product(nn.Module):
    """What ships: uint8 pictures in, probabilities out; preprocessing and sigmoid inside."""

    def __init__(self, network: nn.Module) -> None:
        """Wraps a trained network."""
        super().__init__()
        self.network = network

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """uint8 [N,112,112,3] to float32 [N]."""
        x = image.permute(0, 3, 1, 2).float() / 255.0
        return torch.sigmoid(self.network(x)).flatten()
