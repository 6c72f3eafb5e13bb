"""Training: a tiny set is learned, a killed run goes on as an unbroken one, frozen layers stand still."""

import math

import numpy as np
import pytest
import torch

from maskgate_train.config import ConfigError, make_config
from maskgate_train.model import fold_imagenet_normalization, load_partial, make_model, norm_after, set_frozen
from maskgate_train.train import progress_at, rate_at, train


def tiny(arrays, run, **changes):
    settings = {
        "weights": "none",
        "arrays": str(arrays),
        "run": str(run),
        "batch": 8,
        "frozen_share": 0.0,
        "threads": 2,
    }
    return make_config("door", **{**settings, "augment": "none", **changes})


def test_a_tiny_set_is_learned(small_arrays, tmp_path):
    config = tiny(small_arrays, tmp_path, batch=12, steps=20, evaluate_every=20, ema_decay=0.0, learning_rate=0.02)
    state = train(config)
    assert state["curve"][-1]["loss"] < 0.2
    assert state["best"]["accuracy"] == 1.0
    assert (tmp_path / "best.pt").exists() and (tmp_path / "result.json").exists()


def test_a_killed_run_goes_on_as_an_unbroken_one(small_arrays, tmp_path):
    settings = {"steps": 4, "evaluate_every": 4, "checkpoint_every": 4, "augment": "door"}
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    train(tiny(small_arrays, whole, **settings))
    train(tiny(small_arrays, broken, **settings), stop_after=2)
    (broken / "last.part").write_bytes(b"torn by a kill")
    train(tiny(small_arrays, broken, **settings))
    a, b = (torch.load(f / "last.pt", weights_only=True) for f in (whole, broken))
    assert a["step"] == b["step"] == 4
    for part in ("model", "ema"):
        for name in a[part]:
            assert torch.allclose(a[part][name].double(), b[part][name].double(), atol=1e-5), (part, name)
    with pytest.raises(ConfigError, match="seed differ"):
        train(tiny(small_arrays, broken, **settings, seed=2))


def test_schedule_follows_the_further_of_steps_and_time():
    config = make_config("door", steps=100, minutes=10.0, learning_rate=1.0, warmup_share=0.1)
    assert progress_at(config, 20, 60) == pytest.approx(0.2)
    assert progress_at(config, 20, 300) == pytest.approx(0.5)
    assert rate_at(config, 0.05) == pytest.approx(0.5)
    assert rate_at(config, 0.1) == pytest.approx(1.0)
    assert rate_at(config, 1.0) < 0.01
    assert all(rate_at(make_config("paper"), p) == 0.01 for p in (0, 0.5, 1))


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
