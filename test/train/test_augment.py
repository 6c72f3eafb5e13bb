"""Augmentation: the same generator state gives the same pixels, and it changes them without losing the picture."""

import numpy as np

from maskgate_train.augment import augment


def test_same_state_same_pixels():
    rgb = np.random.default_rng(0).integers(0, 256, (112, 112, 3), np.uint8)
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
    rgb = np.full((112, 112, 3), 40, np.uint8)
    rgb[36:76, 36:76] = 200
    brighter = 0
    for n in range(100):
        out = augment(rgb, np.random.default_rng(n)).astype(float)
        brighter += out[50:62, 50:62].mean() > np.median(out) + 10
    assert brighter >= 95
