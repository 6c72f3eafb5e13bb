"""Training: a tiny set is learned, a killed run goes on as an unbroken one, two processes train as one."""

import json
import math
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from maskgate_train.config import ConfigError, make_config
from maskgate_train.hardware import Place
from maskgate_train.learner import Learner
from maskgate_train.model import fold_imagenet_normalization, load_partial, make_model, norm_after, set_frozen
from maskgate_train.train import Clock, is_over, progress_at, rate_at, train

CPU = Place(torch.device("cpu"), bfloat16=False, compile="off")
PACKAGE = Path(__file__).parents[2] / "scripts" / "train"


def tiny(arrays, run, **changes):
    settings = {
        "weights": "none",
        "arrays": str(arrays),
        "run": str(run),
        "batch": 8,
        "frozen_share": 0.0,
        "threads": 2,
        "validate_pictures": 0,
        # What is held against each other must be the same on every processor, with AMX too.
        "precision": "float32",
    }
    return make_config("door", **{**settings, "augment": "none", **changes})


def test_a_tiny_set_is_learned(small_arrays, tmp_path):
    config = tiny(small_arrays, tmp_path, batch=12, steps=20, evaluate_every=20, ema_decay=0.0, learning_rate=0.02)
    state = train(config)
    assert state["curve"][-1]["loss"] < 0.2
    assert state["best"]["accuracy"] == 1.0
    assert (tmp_path / "best.pt").exists() and (tmp_path / "result.json").exists()


def calm_weights(folder):
    """First weights of a network that rounding does not upset: each random block begins as its own shortcut."""
    file = folder / "calm.npz"
    np.savez(file, **{"conv1.weight": make_model("none", False, 5).conv1.weight.detach().numpy()})
    return str(file)


def saved(run):
    return torch.load(run / "last.pt", weights_only=True)


def difference(a, b, part):
    """Of what two runs learned, as a share of it; one number for all weights."""
    pairs = [(a[part][k].double(), b[part][k].double()) for k in a[part]]
    far = sum(float((x - y).square().sum()) for x, y in pairs)
    return math.sqrt(far / sum(float(x.square().sum()) for x, _ in pairs))


def command(config):
    given = {k: v for k, v in vars(config).items() if v not in ("", None)}
    flags = [f"--{'' if v is not False else 'no-'}{k.replace('_', '-')}" for k, v in given.items()]
    pairs = zip(flags, given.values(), strict=True)
    return [x for flag, v in pairs for x in ([flag] if isinstance(v, bool) else [flag, str(v)])]


def test_a_killed_run_goes_on_as_an_unbroken_one(small_arrays, tmp_path):
    settings = {"steps": 5, "evaluate_every": 5, "checkpoint_every": 2, "augment": "door", "threads": 1}
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    train(tiny(small_arrays, whole, **settings))
    config = tiny(small_arrays, broken, **settings)
    killed_in_step_4 = """
import os, signal, sys
from maskgate_train import learner, train
step, count = learner.Learner.step, iter(range(9))
learner.Learner.step = lambda *a: os.kill(os.getpid(), signal.SIGKILL) if next(count) == 3 else step(*a)
train.main(sys.argv[1:])
"""
    told = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", killed_in_step_4, *command(config)], cwd=PACKAGE, check=False
    )
    assert told.returncode == -signal.SIGKILL
    assert saved(broken)["step"] == 2
    (broken / "last.part").write_bytes(b"torn by a kill")
    train(config)
    a, b = saved(whole), saved(broken)
    assert a["step"] == b["step"] == 5
    assert difference(a, b, "model") < 1e-6 and difference(a, b, "ema") < 1e-6
    assert a["curve"][0] == pytest.approx(b["curve"][0], rel=1e-4)
    with pytest.raises(ConfigError, match="seed differ"):
        train(tiny(small_arrays, broken, **settings, seed=2))


def test_two_processes_train_as_one(small_arrays, tmp_path):
    settings = {"steps": 3, "evaluate_every": 3, "batch": 16, "learning_rate": 0.01, "warmup_share": 0, "threads": 1}
    settings["weights"] = calm_weights(tmp_path)
    one, two = (tiny(small_arrays, tmp_path / n, device="cpu", ema_decay=0.0, **settings) for n in ("one", "two"))
    train(one)
    launch = [sys.executable, "-W", "ignore", "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    launch += ["-m", "maskgate_train.train", "--", *command(two)]
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE), "OMP_NUM_THREADS": "1"}
    told = subprocess.run(launch, env=environment, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    assert told.stdout.count("from step 0") == 1, "one process speaks"
    a, b = saved(tmp_path / "one"), saved(tmp_path / "two")
    assert difference(a, b, "model") < 1e-4
    assert b["facts"]["processes"] == 2
    assert a["curve"][0] == pytest.approx(b["curve"][0], rel=1e-3)


def test_schedule_follows_the_further_of_steps_and_time():
    config = make_config("door", steps=100, minutes=10.0, learning_rate=1.0, warmup_share=0.1)
    assert progress_at(config, CPU, {"step": 20, "elapsed_s": 60}) == pytest.approx(0.2)
    assert progress_at(config, CPU, {"step": 20, "elapsed_s": 300}) == pytest.approx(0.5)
    assert rate_at(config, 0.05) == pytest.approx(0.5)
    assert rate_at(config, 0.1) == pytest.approx(1.0)
    assert rate_at(config, 1.0) < 0.01
    assert all(rate_at(make_config("paper"), p) == 0.01 for p in (0, 0.5, 1))


def test_a_run_that_stopped_early_stays_stopped():
    config = make_config("paper", patience=2)
    assert [is_over(config, {"since_best": n}, 0.5) for n in (0, 1, 2)] == [False, False, True]
    assert not is_over(make_config("paper", patience=0), {"since_best": 9}, 0.5)


def test_compilation_is_no_training_time():
    state = {"elapsed_s": 0.0, "prepare_s": 0.0}
    clock = Clock(Place(torch.device("cpu"), False, "on"), state)
    clock.compiles()
    for n in range(3):
        clock.tick()
        assert state["elapsed_s"] == 0 and state["prepare_s"] > 0, n
    clock.tick()
    assert state["elapsed_s"] > 0


def test_a_run_starts_from_the_averaged_weights_of_another(small_arrays, tmp_path):
    source = tmp_path / "source"
    train(tiny(small_arrays, source, steps=2, evaluate_every=2))
    config = tiny(small_arrays, tmp_path / "next", steps=1, weights="", init_from=str(source / "last.pt"))
    first = Learner(config, CPU)
    ema = saved(source)["ema"]
    assert all(torch.equal(v, ema[k]) for k, v in first.model.state_dict().items())
    state = train(config)
    told = json.loads((tmp_path / "next" / "result.json").read_text())["trainedWith"]
    assert state["step"] == 1 and len(told["initFrom"]["sha256"]) == 64
    assert told["recipe"]["init_from"] == "last.pt", "no paths of this machine"
    with pytest.raises(ConfigError, match="init_from differ"):
        train(tiny(small_arrays, source, steps=2, evaluate_every=2, weights="", init_from=str(source / "last.pt")))
    np.savez(tmp_path / "w.npz", x=np.zeros(1))
    with pytest.raises(ConfigError, match="no checkpoint of a run"):
        Learner(tiny(small_arrays, tmp_path / "x", weights="", init_from=str(tmp_path / "w.npz")), CPU)
    taught = tiny(small_arrays, tmp_path / "taught", teacher=str(source / "last.pt"), teacher_weight=1.0)
    losses = []
    for answer in (-30.0, 30.0):
        learner = Learner(taught, CPU)
        nn.init.zeros_(learner._teacher.network.fc.weight)
        nn.init.constant_(learner._teacher.network.fc.bias, answer)
        nn.init.constant_(learner.model.fc.bias, 3.0)
        learner.enter(0.0)
        learner.step(torch.zeros(2, 32, 32, 3, dtype=torch.uint8), torch.tensor([0.0, 1.0]), 0.01)
        losses.append(float(learner.tally[0]))
    assert losses[0] > 4 and losses[1] < 1, "the teacher's word counts, alone at weight 1"


def test_early_pictures_are_small(small_arrays, tmp_path):
    learner = Learner(tiny(small_arrays, tmp_path, early_side=16, early_share=0.5, ema_decay=0.0), CPU)
    seen = []
    learner.model.conv1.register_forward_pre_hook(lambda _m, x: seen.append(x[0].shape[-1]))
    picture, label = torch.zeros(2, 32, 32, 3, dtype=torch.uint8), torch.zeros(2)
    changed = []
    for progress in (0.0, 0.4, 0.5, 0.9):
        changed.append(learner.enter(progress))
        learner.step(picture, label, 0.01)
    learner.validate(picture, label)
    assert seen == [16, 16, 32, 32, 32]
    assert changed == [True, False, True, False]


def test_frozen_layers_stand_still():
    model = make_model("none", False, 1)
    set_frozen(model, True)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    model(torch.rand(2, 3, 64, 64)).sum().backward()
    torch.optim.SGD(model.parameters(), 0.1).step()
    moved = {k for k, v in model.state_dict().items() if not torch.equal(v, before[k])}
    assert moved and all(k.startswith(("layer3", "layer4", "fc")) for k in moved)


def test_partial_weights_reset_what_stands_behind_random_layers(tmp_path):
    source = make_model("none", False, 3)
    state = {k: v.numpy().copy() for k, v in source.state_dict().items() if not k.startswith("fc")}
    for k in list(state):
        if k.endswith("running_mean"):
            state[k][:] = 5
        if k.startswith("layer4") and "conv" in k:
            del state[k]
    np.savez(tmp_path / "w.npz", **state)
    model = make_model("none", False, 4)
    random = load_partial(model, tmp_path / "w.npz")
    assert len(random) == 9 and all(n.startswith("layer4") for n in random)
    assert float(model.layer4[0].bn1.running_mean.abs().max()) == 0
    assert float(model.layer4[1].bn3.weight.abs().max()) == 0
    assert float(model.layer3[0].bn1.running_mean.min()) == 5
    assert torch.equal(model.conv1.weight, source.conv1.weight)
    assert norm_after("layer1.0.downsample.0") == "layer1.0.downsample.1"
    state["conv1.weight"] = np.zeros((1, 1), np.float32)
    np.savez(tmp_path / "bad.npz", **state)
    with pytest.raises(ValueError, match="conv1.weight has another shape"):
        load_partial(model, tmp_path / "bad.npz")


def test_folded_normalization_equals_normalized_pixels():
    model = make_model("none", False, 1).eval()
    x = torch.rand(1, 3, 32, 32)
    mean, std = (torch.tensor(v)[None, :, None, None] for v in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))
    wanted = model.bn1(model.conv1((x - mean) / std))
    fold_imagenet_normalization(model)
    got = model.bn1(model.conv1(x))
    assert torch.allclose(wanted[..., 4:-4, 4:-4], got[..., 4:-4, 4:-4], atol=1e-4)
    assert not math.isnan(float(got.sum()))
