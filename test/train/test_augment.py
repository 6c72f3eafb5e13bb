"""Augmentation: the same seed gives the same pixels, which keep the picture; the GPU's version does as OpenCV's."""

import dataclasses

import cv2
import numpy as np
import pytest
import torch
from test_train import CPU

from maskgate_train import augment_batch as gpu
from maskgate_train.augment import augment

SIDE = 112


def scene():
    """Smooth, coloured, with a bright spot left of the middle by which to see where it went."""
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE
    rgb = np.stack([90 + 80 * x, 120 - 60 * y, 70 + 50 * x * y], 2)
    rgb += np.random.default_rng(0).normal(0, 6, rgb.shape)
    rgb[50:62, 34:46] = 240
    return rgb.clip(0, 255).astype(np.uint8)


def of_both(count):
    one = scene()
    by_opencv = np.stack([augment(one, np.random.default_rng(n)) for n in range(count)])
    batch = torch.from_numpy(one).expand(50, SIDE, SIDE, 3)
    by_torch = np.concatenate([gpu.augment_batch(batch, CPU, (1,), step).numpy() for step in range(count // 50)])
    return by_opencv, by_torch


def statistics(pictures):
    """Of many augmented pictures of one scene: light, colour, sharpness, and where the bright spot went."""
    p = pictures.astype(np.float64)
    mean = p.mean((1, 2, 3))
    lines = np.array([cv2.Laplacian(v, cv2.CV_64F).std() for v in pictures])
    light = p.mean(3) - np.median(p.mean(3), (1, 2))[:, None, None]
    light = np.where(light > 0.6 * light[:, 14:98, 14:98].max((1, 2))[:, None, None], light.clip(0), 0)[:, 14:98, 14:98]
    y, x = np.mgrid[14:98, 14:98]
    total = light.sum((1, 2)) + 1e-9
    left = (light * x).sum((1, 2)) / total < 56
    return {
        "change of brightness": np.abs(mean - scene().mean()).mean() / 10,
        "spread of brightness": mean.std() / 10,
        "share of grey": (np.ptp(p, axis=3).mean((1, 2)) < 2.5).mean() * 10,
        "contrast": p.std((1, 2)).mean() / 10,
        "sharpness": np.log(lines + 1).mean() * 3,
        "spread of sharpness": np.log(lines + 1).std() * 3,
        "share mirrored": left.mean() * 5,
        "height of the spot": ((light * y).sum((1, 2)) / total).mean() / 10,
        "spread of height": ((light * y).sum((1, 2)) / total).std() / 5,
        "edges": np.abs(p[:, 0] - p[:, 1]).mean() / 10,
    }


def test_same_state_same_pixels():
    rgb = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    before = rgb.copy()
    seen = set()
    for n in range(60):
        a, b = (augment(rgb, np.random.default_rng(n)) for _ in range(2))
        assert a.shape == rgb.shape and a.dtype == np.uint8
        assert np.array_equal(a, b)
        seen.add(a.tobytes())
    assert len(seen) == 60
    assert np.array_equal(rgb, before), "the picture itself is left alone"


def test_the_middle_of_the_picture_survives():
    rgb = np.full((SIDE, SIDE, 3), 40, np.uint8)
    rgb[36:76, 36:76] = 200
    one = [augment(rgb, np.random.default_rng(n)) for n in range(100)]
    many = gpu.augment_batch(torch.from_numpy(rgb).expand(100, SIDE, SIDE, 3), CPU, (1,), 1).numpy()
    for pictures in (np.stack(one).astype(float), many.astype(float)):
        brighter = pictures[:, 50:62, 50:62].mean((1, 2, 3)) > np.median(pictures, (1, 2, 3)) + 10
        assert brighter.sum() >= 92


def test_both_versions_have_the_same_statistics():
    a, b = (statistics(p) for p in of_both(600))
    assert a == pytest.approx(b, abs=0.35), "each is scaled so that chance alone makes about 0.1"


def test_the_batch_is_a_function_of_seed_and_step_alone():
    batch = torch.from_numpy(scene()).expand(4, SIDE, SIDE, 3)
    before = batch.clone()
    a, b, later, other = (gpu.augment_batch(batch, CPU, *key) for key in (((1,), 7), ((1,), 7), ((1,), 8), ((1, 5), 7)))
    assert torch.equal(a, b) and not torch.equal(a, later) and not torch.equal(a, other)
    assert torch.equal(batch, before) and a.dtype == torch.uint8
    assert len({p.numpy().tobytes() for p in a}) == 4
    halves = [gpu.draw_plan(np.random.default_rng(1), 8, SIDE)["gamma"] for _ in range(2)]
    assert np.array_equal(*halves)
    ranks = [dataclasses.replace(CPU, rank=r, ranks=2) for r in range(2)]
    assert not torch.equal(*(gpu.augment_batch(batch, place, (1,), 7) for place in ranks))


@pytest.mark.parametrize("quality", [20, 50, 95])
def test_jpeg_is_as_libjpeg_makes_it(quality):
    rgb = scene()
    _, data = cv2.imencode(".jpg", rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    wanted = cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1].astype(float)
    plan = gpu._tables(SIDE, CPU.device) | {"quality": torch.tensor([quality])}
    got = gpu._recompressed(torch.from_numpy(rgb).permute(2, 0, 1)[None].float(), plan)[0].permute(1, 2, 0).numpy()
    assert np.abs(got - wanted).mean() < min(0.8, 0.5 * np.abs(rgb - wanted).mean())


@pytest.mark.parametrize(("small", "down", "up"), [(28, 2, 0), (50, 0, 1), (77, 1, 3), (112, 0, 0)])
def test_coarse_is_as_opencv_resizes(small, down, up):
    rgb, smallest = scene(), gpu._SMALLEST
    less = cv2.resize(rgb, (small, small), interpolation=gpu._DOWN[down])
    wanted = cv2.resize(less, (SIDE, SIDE), interpolation=gpu._UP[up])
    plan = {"down": torch.tensor([(small - smallest) * 3 + down]), "up": torch.tensor([(small - smallest) * 4 + up])}
    plan |= gpu._tables(SIDE, CPU.device)
    got = gpu._coarse(torch.from_numpy(rgb).permute(2, 0, 1)[None].float(), plan)[0].permute(1, 2, 0).numpy()
    assert np.abs(got - wanted).max() <= 2 and np.abs(got - wanted).mean() < 0.3
