"""Layers that never move are computed once: the same logits, the same training, and a cache that fits or is refused."""

import pytest
import torch
from test_train import CPU, calm_weights, difference, saved, tiny

from maskgate_train import stem_cache
from maskgate_train.config import ConfigError, make_config
from maskgate_train.data import load_pool
from maskgate_train.model import FromPixels, make_model, set_frozen
from maskgate_train.stem_cache import FromStem, stem_outputs
from maskgate_train.train import train


def test_the_head_on_cached_outputs_is_the_network(arrays):
    pool = load_pool(arrays, {"val"})
    model = make_model("none", False, 1)
    set_frozen(model, True)
    torch.nn.init.normal_(model.fc.weight, std=0.3)
    cached = stem_outputs(model, pool, CPU)
    assert cached.dtype == torch.float16 and cached.shape == (len(pool), 14, 14, 512)
    pictures = pool.pictures(range(len(pool)))
    with torch.no_grad():
        whole, head = FromPixels(model.eval())(pictures), FromStem(model)(cached)
    assert float(whole.std()) > 1e-3, "pictures that give one logit would prove nothing"
    assert torch.allclose(whole, head, atol=2e-3 * float(whole.abs().max()))
    assert not torch.allclose(whole, FromStem(model)(cached.flip(0)), atol=2e-3 * float(whole.abs().max()))


def test_training_on_cached_outputs_is_training(small_arrays, tmp_path):
    runs = {}
    for share in (0.999, 1.0):
        settings = {
            "weights": calm_weights(tmp_path),
            "frozen_share": share,
            "steps": 3,
            "evaluate_every": 3,
            "ema_decay": 0.0,
        }
        config = tiny(small_arrays, tmp_path / str(share), batch=16, learning_rate=0.01, **settings)
        assert config.caches_stem == (share == 1)
        train(config)
        runs[share] = saved(tmp_path / str(share))
    assert 0 < difference(runs[0.999], runs[1.0], "model") < 1e-3
    assert runs[0.999]["curve"][0] == pytest.approx(runs[1.0]["curve"][0], rel=0.02)


def test_a_cache_that_does_not_fit_is_refused(small_arrays, monkeypatch):
    monkeypatch.setattr(stem_cache, "_free_bytes", lambda place: 1000)
    with pytest.raises(ConfigError, match="--frozen-share 1 keeps"):
        stem_outputs(make_model("none", False, 1), load_pool(small_arrays, {"val"}), CPU)
    monkeypatch.undo()
    assert stem_cache._free_bytes(CPU) > 1e6
    assert not make_config("door", frozen_share=1.0).caches_stem, "augmented pictures differ at each step"
