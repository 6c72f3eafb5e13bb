"""Contradictions are refused by name; the paper's preset is the paper's recipe."""

import pytest

from maskgate_train.config import ConfigError, make_config, parse_config


def test_paper_preset_is_the_papers_recipe():
    c = make_config("paper")
    assert (c.learning_rate, c.momentum, c.weight_decay, c.batch) == (0.01, 0.9, 5e-4, 64)
    assert (c.steps, c.schedule, c.augment, c.fold_normalization, c.ema_decay) == (
        50 * 247,
        "constant",
        "none",
        False,
        0,
    )
    assert c.patience > 0, "early stopping"


@pytest.mark.parametrize(
    ("preset", "changes", "named"),
    [
        ("paper", {"warmup_share": 0.1}, "--warmup-share needs --schedule cosine"),
        ("door", {"patience": 3}, "--patience cuts"),
        ("door", {"weights": "none"}, "--frozen-share would freeze random layers"),
        ("door", {"batch": 0}, "--batch must be 1 or more"),
        ("door", {"momentum": 1.0}, "--momentum must be in"),
        ("door", {"minutes": -1}, "--minutes must not be negative"),
        ("door", {"learning_rate": 0}, "--learning-rate must be above 0"),
        ("door", {"schedule": "linear"}, "--schedule must be"),
        ("door", {"augment": "some"}, "--augment must be"),
        ("door", {"mix": "all"}, "--mix must be"),
        ("paper", {"synthetic": False}, "--synthetic is what mix paper is made of"),
        ("kiosk", {}, "--preset must be one of paper, door"),
        ("door", {"learning": 1}, "no such setting: learning"),
    ],
)
def test_contradictions_are_refused(preset, changes, named):
    with pytest.raises(ConfigError, match=named.replace("(", r"\(")):
        make_config(preset, **changes)


def test_the_command_line_changes_the_preset():
    c = parse_config(["--preset", "paper", "--steps", "7", "--arrays", "a", "--run", "r"], "train", "")
    assert (c.preset, c.steps, c.batch, c.synthetic) == ("paper", 7, 64, True)
    with pytest.raises(SystemExit):
        parse_config(["--preset", "paper", "--arrays", "a"], "train", "")
