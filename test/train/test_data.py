"""What a step sees is a function of seed and step; shares of label and kind are as stated; groups name every kind."""

from collections import Counter

import numpy as np
import pytest

from maskgate_train.config import ConfigError, make_config
from maskgate_train.data import PAPER_GROUPS, SHARES, Batches, draw_weights, group_of, load_pool
from maskgate_train.render import pick_negative
from maskgate_train.synthesize import KINDS


def test_groups_name_every_kind_as_synthesis_does():
    for kind in KINDS.values():
        row = {"synthetic": True, "label": kind.label, "kind": kind.name}
        if kind.group != "bare":
            assert group_of(row) == kind.group
            assert (kind.label, kind.group) in SHARES
    assert sum(SHARES.values()) == pytest.approx(1)
    picked = {KINDS[pick_negative(np.random.default_rng(n))].group for n in range(60)}
    assert picked == {"wrong", "occluder", "decoy"}


def test_labels_and_sources_are_balanced(arrays):
    pool = load_pool(arrays, {"train"})
    share: Counter[object] = Counter()
    for row, weight in zip(pool.rows, draw_weights(pool.rows), strict=True):
        share[group_of(row)] += weight
        share[row["source"]] += weight
    assert share["real"] / share["bare"] == pytest.approx(0.28 / 0.24)
    assert 0.3 < share["east"] < 0.7


def test_splits_do_not_meet(arrays):
    groups = [{r["group"] for r in load_pool(arrays, {s}, synthetic=False).rows} for s in ("train", "val", "test")]
    assert not groups[0] & groups[1] and not groups[0] & groups[2] and not groups[1] & groups[2]
    assert {r["source"] for r in load_pool(arrays, {"train"}, leave_out="east").rows} == {"west"}
    assert {group_of(r) for r in load_pool(arrays, {"train"}, groups=PAPER_GROUPS).rows} == PAPER_GROUPS
    with pytest.raises(ConfigError, match="run `prepare` first"):
        load_pool(arrays / "nowhere", {"train"})


@pytest.mark.parametrize("preset", ["paper", "door"])
def test_batches_depend_on_seed_and_step_alone(arrays, preset):
    config = make_config(preset, batch=8)
    pool = load_pool(arrays, {"train"})
    straight, later = Batches(pool, config).from_step(0), Batches(pool, config).from_step(3)
    for _ in range(3):
        next(straight)
    for _ in range(4):
        a, b = next(straight), next(later)
        assert np.array_equal(a[0], b[0]) and np.array_equal(a[1], b[1])


def test_paper_epochs_show_every_picture_once(arrays):
    pool = load_pool(arrays, {"train"}, synthetic=False)
    batches = Batches(pool, make_config("paper", batch=8))
    seen = np.concatenate([batches.indices(s) for s in range(len(pool) // 8)])
    assert sorted(seen) == list(range(len(pool)))
