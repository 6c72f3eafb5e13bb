"""Weights that may have learned the test part are refused; a warm start draws anew, and a run that goes on does not."""

import json
import re

import numpy as np
import pytest
import torch
from test_evaluate import MANIFEST
from test_train import CPU, saved, tiny

from maskgate_train.card import limits
from maskgate_train.config import ConfigError
from maskgate_train.data import Batches, load_pool
from maskgate_train.feed import Feed
from maskgate_train.lineage import begin, go_on, held_out, seeds_of
from maskgate_train.prepare import read_rows, write_rows
from maskgate_train.train import train


@pytest.fixture(scope="module")
def source(small_arrays, tmp_path_factory):
    """A run of two steps."""
    run = tmp_path_factory.mktemp("source")
    train(tiny(small_arrays, run, steps=2, evaluate_every=2))
    return run / "last.pt"


def with_facts(source, file, **facts):
    """The same weights, whose facts say something else; None takes a fact away."""
    state = torch.load(source, weights_only=True)
    state["facts"] = {k: v for k, v in {**state["facts"], **facts}.items() if v is not None}
    torch.save(state, file)
    return file


def warm(arrays, run, file, **changes):
    return tiny(arrays, run, steps=2, evaluate_every=2, weights="", init_from=str(file), **changes)


def test_what_is_held_out_has_a_name_of_its_own(small_arrays, tmp_path):
    names = [held_out(tiny(small_arrays, tmp_path, **more)) for more in ({}, {"leave_out": "east"}, {"seed": 2})]
    names.append(held_out(tiny(small_arrays, tmp_path, leave_kinds="sleeve")))
    assert names[0] == names[2] and len(set(names)) == 3
    rows = read_rows(small_arrays / "rows.jsonl")
    pictures = np.load(small_arrays / "pictures.npy")
    np.save(tmp_path / "pictures.npy", pictures)
    write_rows(tmp_path / "rows.jsonl", rows)
    assert held_out(tiny(tmp_path, tmp_path)) == names[0]
    test = next(r for r in rows if r["split"] == "test")
    write_rows(tmp_path / "rows.jsonl", [{**r, "split": "train"} if r is test else r for r in rows])
    assert held_out(tiny(tmp_path, tmp_path)) != names[0]


@pytest.mark.parametrize("role", ["init_from", "teacher"])
@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"heldOut": None}, "do not say which pictures it held out"),
        ({"heldOut": "0123456789abcdef"}, "it held out other pictures (0123456789abcdef, here "),
        ({"foreignWeights": ["--init-from a.pt: x"]}, "it began with foreign weights itself"),
    ],
)
def test_weights_that_may_know_the_test_part_are_refused_unless_told(small_arrays, source, tmp_path, role, facts, why):
    file = with_facts(source, tmp_path / "other.pt", **facts)
    changes = {role: str(file), "weights": "" if role == "init_from" else "none"}
    with pytest.raises(ConfigError, match=re.escape(why)) as refused:
        begin(tiny(small_arrays, tmp_path, **changes))
    flag = f"--{role.replace('_', '-')} other.pt"
    assert flag in str(refused.value) and "go on with --foreign-weights" in str(refused.value)
    told = begin(tiny(small_arrays, tmp_path, **changes, foreign_weights=True))["foreignWeights"]
    assert len(told) == 1 and told[0].startswith(f"{flag}: ") and why in told[0]
    assert str(tmp_path) not in told[0], "no path of a machine"
    same = {**changes, role: str(source)}
    assert "foreignWeights" not in begin(tiny(small_arrays, tmp_path, **same))
    other = {**same, "leave_out": "east"}
    with pytest.raises(ConfigError, match="held out other pictures"):
        begin(tiny(small_arrays, tmp_path, **other))


def test_training_refuses_and_says_so_in_facts_and_card(small_arrays, source, tmp_path):
    file = with_facts(source, tmp_path / "other.pt", heldOut=None)
    with pytest.raises(ConfigError, match="go on with --foreign-weights"):
        train(warm(small_arrays, tmp_path / "refused", file))
    assert not (tmp_path / "refused" / "last.pt").exists()
    train(warm(small_arrays, tmp_path / "told", file, foreign_weights=True), stop_after=1)
    facts = json.loads((tmp_path / "told" / "result.json").read_text())["trainedWith"]
    assert facts["heldOut"] == saved(source.parent)["facts"]["heldOut"] and len(facts["foreignWeights"]) == 1
    said = limits({"trainedWith": facts})
    assert "- May have learned pictures of the test part (--init-from other.pt" in said
    assert "May have learned" not in limits(MANIFEST)


def test_a_warm_start_draws_anew_with_the_same_seed(small_arrays, source, tmp_path):
    cold, pool = tiny(small_arrays, tmp_path, augment="door"), load_pool(small_arrays, {"train"})
    config = warm(small_arrays, tmp_path, source, augment="door")
    seeds = seeds_of(config, begin(config))
    assert seeds_of(cold, begin(cold)) == (1,) and seeds[0] == 1 and len(seeds) == 2
    assert seeds[1] == int(begin(config)["initFrom"]["sha256"][:16], 16)
    a, b, again = (Batches(pool, config, seeds=s) for s in ((1,), seeds, seeds))
    assert not np.array_equal(a.indices(0), b.indices(0)) and not np.array_equal(a.batch(0)[0], b.batch(0)[0])
    assert np.array_equal(b.batch(3)[0], again.batch(3)[0])
    fed = next(Feed(pool, config, CPU, seeds=seeds).from_step(0))[0]
    assert np.array_equal(fed.numpy(), b.batch(0)[0])
    epochs = tiny(small_arrays, tmp_path, mix="paper")
    orders = [Batches(pool, epochs, seeds=s).indices(0).tolist() for s in ((1,), seeds)]
    assert orders[0] != orders[1]


def test_a_warm_start_that_was_broken_goes_on_bit_for_bit(small_arrays, source, tmp_path):
    file = tmp_path / "first.pt"
    file.write_bytes(source.read_bytes())
    settings = {"augment": "door", "threads": 1}
    train(warm(small_arrays, tmp_path / "whole", file, **settings))
    config = warm(small_arrays, tmp_path / "broken", file, **settings)
    train(config, stop_after=1)
    file.unlink()
    train(config)
    a, b = saved(tmp_path / "whole"), saved(tmp_path / "broken")
    assert a["step"] == b["step"] == 2 and a["facts"]["initFrom"] == b["facts"]["initFrom"]
    assert all(torch.equal(v, b["model"][k]) for k, v in a["model"].items())


def test_a_run_from_before_there_was_a_lineage_goes_on_with_its_own_draws(small_arrays, source, tmp_path):
    config = warm(small_arrays, tmp_path, source)
    before = {"initFrom": {"file": "last.pt", "sha256": "f" * 64}}
    assert go_on(config, before) == before and seeds_of(config, before) == (1,)
    with pytest.raises(ConfigError, match="hold out other pictures than this run did"):
        go_on(config, {**before, "heldOut": "0" * 16})
