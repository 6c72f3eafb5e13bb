"""What lies on the device gives the batches that are made ahead; processes split them; a bench compares both speeds."""

import dataclasses
from itertools import islice

import numpy as np
import pytest
import torch
from test_train import CPU, tiny

from maskgate_train.bench import bench
from maskgate_train.config import ConfigError, make_config
from maskgate_train.data import Batches, load_pool
from maskgate_train.feed import Feed

RESIDENT = dataclasses.replace(CPU, resident=True)


@pytest.mark.parametrize("preset", ["paper", "door"])
def test_resident_pictures_give_the_batches_that_threads_make(arrays, preset):
    config, pool = make_config(preset, batch=8, augment="none"), load_pool(arrays, {"train"})
    both = (islice(Feed(pool, config, place).from_step(2), 3) for place in (CPU, RESIDENT))
    for (a, labels_a), (b, labels_b) in zip(*both, strict=True):
        assert torch.equal(a, b) and torch.equal(labels_a, labels_b)


def test_pictures_on_the_device_are_augmented_there_by_seed_and_step(arrays):
    config, pool = make_config("door", batch=8), load_pool(arrays, {"train"})
    feed = Feed(pool, config, RESIDENT)
    straight = [pictures for pictures, _ in islice(feed.from_step(0), 4)]
    later = [pictures for pictures, _ in islice(feed.from_step(2), 2)]
    plain = next(Feed(pool, make_config("door", batch=8, augment="none"), RESIDENT).from_step(2))[0]
    assert torch.equal(straight[2], later[0]) and torch.equal(straight[3], later[1])
    assert not torch.equal(straight[2], plain)
    assert later[0].dtype == torch.uint8 and later[0].shape == plain.shape


def test_processes_split_each_batch(arrays):
    config, pool = make_config("door", batch=8), load_pool(arrays, {"train"})
    whole = Batches(pool, config).batch(5)
    parts = [Batches(pool, config, rank=r, ranks=2).batch(5) for r in range(2)]
    assert [len(p[1]) for p in parts] == [4, 4]
    assert np.array_equal(np.concatenate([p[0] for p in parts]), whole[0])
    assert np.array_equal(np.concatenate([p[1] for p in parts]), whole[1])


def test_a_pool_takes_so_many_and_refuses_more_than_it_has(arrays):
    pool = load_pool(arrays, {"train"})
    kept = pool.take(10, "train-pictures")
    assert len(kept) == 10 and kept.rows == pool.take(10, "train-pictures").rows
    assert all(np.array_equal(kept.picture(i), pool.picture(pool.rows.index(kept.rows[i]))) for i in range(10))
    assert pool.take(0, "train-pictures") is pool
    with pytest.raises(ConfigError, match=f"--train-pictures 1000: only {len(pool)} are there"):
        pool.take(1000, "train-pictures")


def test_the_bench_tells_both_speeds_and_writes_nothing(small_arrays, tmp_path):
    result = bench(tiny(small_arrays, tmp_path / "none", batch=4), CPU, turns=1, steps=1)
    assert result["barePicturesPerS"] > 0 and result["loopPicturesPerS"] > 0
    assert result["share"] == pytest.approx(result["loopPicturesPerS"] / result["barePicturesPerS"])
    assert not (tmp_path / "none").exists()
