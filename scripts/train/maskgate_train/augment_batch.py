"""augment.py's pictures, a batch at once on a GPU.

Promises: the distributions of augment.py, which has the same stages in the same order (a test compares the two);
the same (seeds, step) give the same pixels; nothing waits for the GPU; never knows the label.
On a processor augment.py stays: OpenCV takes 0.5 ms a picture there, this 2.7 ms.
What to do is drawn on the processor, for all pictures; each stage then runs on all and is kept where it was drawn.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import cv2
import numpy as np
import torch
from torch.nn import functional as F

from .hardware import Place

_DOWN = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_AREA)
_UP = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_AREA, cv2.INTER_NEAREST)
_SMALLEST = 20
_KERNEL = 15
_LUMA = (0.299, 0.587, 0.114)
_JPEG_LUMA = [
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29,
    51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121,
    120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
]  # fmt: skip
_JPEG_CHROMA = [17, 18, 24, 47, 18, 21, 26, 66, 24, 26, 56, 99, 47, 66, 99, 99]


def augment_batch(pictures: torch.Tensor, place: Place, seeds: tuple[int, ...], step: int) -> torch.Tensor:
    """uint8 [N,S,S,3] in and out, on the device: this process's share of the step's pictures."""
    n, side = len(pictures), pictures.shape[1]
    plan = draw_plan(np.random.default_rng([*seeds, step, 4]), n * place.ranks, side)
    sent = {k: place.send(v[n * place.rank : n * (place.rank + 1)]) for k, v in plan.items()}
    state = np.random.SeedSequence([*seeds, step, place.rank, 5]).generate_state(1)[0]
    chance = torch.Generator(place.device).manual_seed(int(state))
    sent["normal"] = torch.randn((n, 3, side, side), generator=chance, device=place.device)
    sent["even"] = torch.randint(0, 256, (n, 3, side, side), generator=chance, device=place.device).float()
    return _compiled(place.compile)(pictures, sent | _tables(side, place.device))


@functools.lru_cache(maxsize=1)
def _compiled(how: str) -> Callable[..., torch.Tensor]:
    """Compiled where the network is, a dozen kernels in place of two hundred."""
    return _carried_out if how == "off" else torch.compile(_carried_out, dynamic=False)


def _carried_out(pictures: torch.Tensor, plan: dict[str, torch.Tensor]) -> torch.Tensor:
    x = _placed(pictures.permute(0, 3, 1, 2).float(), plan)
    for name, stage in _STAGES.items():
        x = torch.where(_wide(plan[name]), stage(x, plan), x)
    return _framed(x, plan).permute(0, 2, 3, 1).to(torch.uint8).contiguous()


def draw_plan(rng: np.random.Generator, n: int, side: int) -> dict[str, np.ndarray]:
    """What happens to each of n pictures: the draws of augment.py, float32 or int64 [n, ...]."""
    chance = {
        "lit": 0.8,
        "grey": 0.15,
        "coarse": 0.5,
        "blurred": 0.25,
        "noisy": 0.3,
        "recompressed": 0.4,
        "framed": 0.2,
    }
    plan: dict[str, np.ndarray] = {name: rng.random(n) < share for name, share in chance.items()}
    plan["inverse"] = _draw_places(rng, n, side)
    plan["border"] = rng.choice(3, n, p=[0.6, 0.2, 0.2])
    plan["border_colour"] = rng.integers(0, 256, (n, 3)) * (rng.random((n, 1)) < 0.5)
    plan["gamma"] = np.exp(rng.normal(0, 0.3, n))
    plan["contrast"] = np.exp(rng.normal(0, 0.22, n))
    plan["brightness"] = rng.normal(0, 0.1, n)
    dark = np.where(rng.random(n) < 0.12, rng.uniform(0.25, 0.6, n), 1)
    plan["white"] = np.exp(rng.normal(0, 0.07, (n, 3))) * dark[:, None]
    plan["saturation"] = np.where(rng.random(n) < 0.5, np.clip(rng.normal(1, 0.35, n), 0, 2), 1)
    small = np.maximum(_SMALLEST, (side / np.exp(rng.uniform(0, np.log(4), n))).astype(int))
    down, up = rng.choice(3, n, p=[0.4, 0.1, 0.5]), rng.choice(4, n, p=[0.5, 0.4, 0.05, 0.05])
    plan["down"] = (small - _SMALLEST) * len(_DOWN) + down
    plan["up"] = (small - _SMALLEST) * len(_UP) + up
    plan["kernel"] = np.stack([_draw_kernel(rng) for _ in range(n)])
    plan["grain"] = rng.uniform(2, 14, n)
    plan["grain_grey"] = rng.random(n) < 0.5
    plan["quality"] = rng.integers(20, 96, n)
    plan["frame"] = rng.integers(0, 3, n)
    plan["frame_colour"] = rng.integers(0, 256, (n, 3))
    plan["edges"] = rng.integers(2, max(3, side // 8), (n, 4)) * (rng.random((n, 4)) < 0.5) * plan["framed"][:, None]
    return plan


def _draw_places(rng: np.random.Generator, n: int, side: int) -> np.ndarray:
    """Matrices from a pixel of the new picture to the old one's, about the middle."""
    turn = np.radians(np.clip(rng.normal(0, 8, n), -25, 25))
    scale = np.exp(rng.uniform(-0.2, 0.16, n))
    stretch = np.exp(rng.normal(0, 0.04, n))
    mirror = np.where(rng.random(n) < 0.5, -1, 1)
    shift = rng.uniform(-0.1, 0.1, (n, 2)) * side
    shift[:, 0] *= mirror
    forth = np.empty((n, 2, 2))
    forth[:, 0] = (mirror * stretch * scale)[:, None] * np.stack([np.cos(turn), np.sin(turn)], 1)
    forth[:, 1] = scale[:, None] * np.stack([-np.sin(turn), np.cos(turn)], 1)
    back = np.linalg.inv(forth)
    return np.concatenate([back, -back @ shift[:, :, None]], 2)


def _draw_kernel(rng: np.random.Generator) -> np.ndarray:
    if rng.random() < 0.6:
        sigma = rng.uniform(0.4, 1.8)
        row = cv2.getGaussianKernel(round(sigma * 6 + 1) | 1, sigma)
        kernel = row @ row.T
    else:
        n = int(rng.integers(3, 8))
        kernel = np.zeros((n, n), np.float32)
        angle, mid = rng.uniform(0, np.pi), (n - 1) / 2
        a = (round(mid - mid * np.cos(angle)), round(mid - mid * np.sin(angle)))
        b = (round(mid + mid * np.cos(angle)), round(mid + mid * np.sin(angle)))
        cv2.line(kernel, a, b, 1.0)
        kernel /= kernel.sum()
    out, at = np.zeros((_KERNEL, _KERNEL)), _KERNEL // 2 - len(kernel) // 2
    out[at : at + len(kernel), at : at + len(kernel)] = kernel
    return out


@functools.lru_cache(maxsize=2)
def _tables(side: int, device: torch.device) -> dict[str, torch.Tensor]:
    """Resizes as matrices; the DCT of 8 numbers, the standard's quantisation, RGB to YCbCr and back."""
    k = np.arange(8)
    dct = np.cos((2 * k[None] + 1) * k[:, None] * math.pi / 16) / 2
    dct[0] /= math.sqrt(2)
    chroma = np.full((8, 8), 99)
    chroma[:4, :4] = np.reshape(_JPEG_CHROMA, (4, 4))
    colour = np.array([_LUMA, (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312)])
    made = {
        "dct": dct, "luma": np.reshape(_JPEG_LUMA, (8, 8)), "chroma": chroma, "colour": colour,
        "back": np.linalg.inv(colour), "resizers_down": _resizers(side, _DOWN, True),
        "resizers_up": _resizers(side, _UP, False),
    }  # fmt: skip
    return {name: torch.tensor(v, dtype=torch.float32, device=device) for name, v in made.items()}


def _resizers(side: int, filters: tuple[int, ...], down: bool) -> np.ndarray:
    """Every resize of a line between `side` and each smaller size as a matrix: what OpenCV makes of unit lines."""
    unit, made = np.eye(side, dtype=np.float32), np.zeros((side + 1 - _SMALLEST, len(filters), side, side), np.float32)
    for at, small in enumerate(range(_SMALLEST, side + 1)):
        for f, how in enumerate(filters):
            if down:
                made[at, f, :small] = cv2.resize(unit, (side, small), interpolation=how)
            else:
                made[at, f, :, :small] = cv2.resize(unit[:small, :small], (small, side), interpolation=how)
    return made.reshape(-1, side, side)


def _wide(values: torch.Tensor) -> torch.Tensor:
    """A number or three a picture, to go with [N,3,S,S]."""
    return values.reshape(len(values), -1, 1, 1)


def _rounded(x: torch.Tensor) -> torch.Tensor:
    return x.round().clamp(0, 255)


def _placed(x: torch.Tensor, plan: dict[str, torch.Tensor]) -> torch.Tensor:
    side = x.shape[-1]
    mid = (side - 1) / 2
    line = torch.arange(side, device=x.device, dtype=torch.float32) - mid
    inverse = plan["inverse"][..., None, None]
    at = inverse[:, :, 0] * line[None, :] + inverse[:, :, 1] * line[:, None] + inverse[:, :, 2] + mid
    mirrored = (side - 1) - ((at.remainder(2 * (side - 1))) - (side - 1)).abs()
    seen = torch.where(_wide(plan["border"] == 1), mirrored, at)
    grid = (seen / mid - 1).permute(0, 2, 3, 1)
    out = F.grid_sample(x, grid, mode="bilinear", padding_mode="border", align_corners=True)
    inside = torch.minimum(at + 1, side - at).clamp(0, 1).prod(1, keepdim=True)
    coloured = out * inside + _wide(plan["border_colour"]) * (1 - inside)
    return _rounded(torch.where(_wide(plan["border"] == 2), coloured, out))


def _grey(x: torch.Tensor, _plan: object = None) -> torch.Tensor:
    return _rounded(sum(w * x[:, c : c + 1] for c, w in enumerate(_LUMA))).expand_as(x)


def _lit(x: torch.Tensor, plan: dict[str, torch.Tensor]) -> torch.Tensor:
    x = (x / 255) ** _wide(plan["gamma"])
    x = ((x - 0.5) * _wide(plan["contrast"]) + 0.5 + _wide(plan["brightness"])) * _wide(plan["white"])
    x = (x * 255).clamp(0, 255).floor()
    weight = _wide(plan["saturation"])
    return _rounded(x * weight + _grey(x) * (1 - weight))


def _coarse(x: torch.Tensor, plan: dict[str, torch.Tensor]) -> torch.Tensor:
    down, up = plan["resizers_down"][plan["down"]][:, None], plan["resizers_up"][plan["up"]][:, None]
    small = _rounded(down @ x @ down.mT)
    return _rounded(up @ small @ up.mT)


def _blurred(x: torch.Tensor, plan: dict[str, torch.Tensor]) -> torch.Tensor:
    n, c, side, _ = x.shape
    padded = F.pad(x, (_KERNEL // 2,) * 4, mode="reflect").reshape(1, n * c, side + _KERNEL - 1, -1)
    kernels = plan["kernel"][:, None].expand(n, c, -1, -1).reshape(n * c, 1, _KERNEL, _KERNEL)
    return _rounded(F.conv2d(padded, kernels, groups=n * c)).reshape(x.shape)


def _noisy(x: torch.Tensor, plan: dict[str, torch.Tensor]) -> torch.Tensor:
    noise = torch.where(_wide(plan["grain_grey"]), plan["normal"][:, :1], plan["normal"])
    return (x + noise * _wide(plan["grain"])).clamp(0, 255).floor()


def _recompressed(x: torch.Tensor, plan: dict[str, torch.Tensor]) -> torch.Tensor:
    """JPEG as libjpeg writes and reads it: half as many chroma samples, and no entropy coding, which loses nothing."""
    side, more = x.shape[-1], -x.shape[-1] % 16
    dct, luma, chroma, colour, back = (plan[k] for k in ("dct", "luma", "chroma", "colour", "back"))
    quality = plan["quality"].float()
    percent = torch.where(quality < 50, (5000 / quality).floor(), 200 - 2 * quality)
    ycc = torch.einsum("ij,njhw->nihw", colour, F.pad(x, (0, more, 0, more), mode="replicate")).round()
    y = _quantised(ycc[:, :1] - 128, luma, percent, dct) + 128
    colours = _quantised(F.avg_pool2d(ycc[:, 1:], 2), chroma, percent, dct)
    colours = F.interpolate(_rounded(colours + 128) - 128, scale_factor=2, mode="bilinear", align_corners=False)
    rgb = torch.einsum("ij,njhw->nihw", back, torch.cat([_rounded(y), colours.round()], 1))
    return _rounded(rgb)[..., :side, :side]


def _quantised(x: torch.Tensor, table: torch.Tensor, percent: torch.Tensor, dct: torch.Tensor) -> torch.Tensor:
    n, c, high, wide = x.shape
    blocks = x.reshape(n, c, high // 8, 8, wide // 8, 8).transpose(3, 4)
    step = ((table[None] * percent[:, None, None] + 50) / 100).floor().clamp(1, 255)[:, None, None, None]
    kept = (dct @ blocks @ dct.T / step).round() * step
    return (dct.T @ kept @ dct).transpose(3, 4).reshape(x.shape)


def _framed(x: torch.Tensor, plan: dict[str, torch.Tensor]) -> torch.Tensor:
    side = x.shape[-1]
    row = torch.arange(side, device=x.device).view(1, 1, side, 1)
    how, picture = _wide(plan["frame"]), torch.arange(len(x), device=x.device)
    for edge in range(4):
        turned, wide = torch.rot90(x, edge, (2, 3)), plan["edges"][:, edge]
        smear = turned[picture, :, wide][:, :, None]
        band = torch.where(how == 0, _wide(plan["frame_colour"]).float(), torch.where(how == 1, plan["even"], smear))
        x = torch.rot90(torch.where(row < _wide(wide), band, turned), -edge, (2, 3))
    return x


_STAGES = {
    "lit": _lit, "grey": _grey, "coarse": _coarse, "blurred": _blurred, "noisy": _noisy, "recompressed": _recompressed,
}  # fmt: skip
