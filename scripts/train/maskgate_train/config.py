"""Every setting of a training run, its presets, and the command line made from both.

Promises: a Config that exists has no contradictions in it; what was asked for and cannot be is refused by name.
"""

from __future__ import annotations

import argparse
import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


class ConfigError(ValueError):
    """A setting that cannot be, with the mend."""


def _setting(default: Any, doc: str) -> Any:
    return field(default=default, metadata={"doc": doc})


@dataclass(frozen=True)
class Config:
    """One training run."""

    preset: str = _setting("door", "the recipe's name: paper or door")
    arrays: str = _setting("", "folder that `prepare` and `render` wrote")
    run: str = _setting("", "folder of this run: checkpoints, log, result")
    weights: str = _setting("", "initial weights (.npz by torchvision's names); empty: torchvision's own")
    steps: int = _setting(2000, "optimizer steps of the whole schedule")
    minutes: float = _setting(0.0, "end, and size the schedule, after so much training time; 0: by steps alone")
    batch: int = _setting(64, "pictures a step")
    learning_rate: float = _setting(0.01, "peak learning rate")
    momentum: float = _setting(0.9, "momentum of SGD")
    weight_decay: float = _setting(5e-4, "weight decay of SGD")
    schedule: str = _setting("constant", "learning rate: constant, or cosine with a linear warm-up")
    warmup_share: float = _setting(0.0, "share of the schedule that warms up")
    frozen_share: float = _setting(0.0, "share of the schedule in which conv1, layer1 and layer2 stand still")
    stem_rate_share: float = _setting(1.0, "conv1, layer1 and layer2 move at this share of the learning rate")
    label_smoothing: float = _setting(0.0, "labels become smoothing/2 and 1 - smoothing/2")
    ema_decay: float = _setting(0.0, "decay a step of the averaged weights that are shipped; 0: none")
    fold_normalization: bool = _setting(False, "fold ImageNet's normalization into conv1 of pretrained weights")
    augment: str = _setting("none", "none or door")
    mix: str = _setting("paper", "paper: bare and masks rendered on them, epochs; door: everything, by shares")
    synthetic: bool = _setting(True, "train on rendered pictures too")
    leave_out: str = _setting("", "a source that stays out of training (leave-one-source-out)")
    evaluate_every: int = _setting(250, "steps between validations")
    patience: int = _setting(0, "stop after so many validations without a lower loss; 0: never")
    checkpoint_every: int = _setting(50, "steps between checkpoints")
    seed: int = _setting(1, "seed of everything random")
    threads: int = _setting(0, "threads of torch; 0: one a core")

    def __post_init__(self) -> None:
        """Refuses contradictions."""
        for name in ("steps", "batch", "evaluate_every", "checkpoint_every"):
            self._need(getattr(self, name) >= 1, name, "must be 1 or more")
        for name in ("minutes", "weight_decay", "patience", "threads"):
            self._need(getattr(self, name) >= 0, name, "must not be negative")
        for name in ("momentum", "ema_decay", "label_smoothing", "warmup_share", "frozen_share"):
            self._need(0 <= getattr(self, name) < 1, name, "must be in [0, 1)")
        self._need(self.learning_rate > 0, "learning_rate", "must be above 0")
        self._need(self.schedule in ("constant", "cosine"), "schedule", "must be constant or cosine")
        self._need(self.augment in ("none", "door"), "augment", "must be none or door")
        self._need(self.mix in ("paper", "door"), "mix", "must be paper or door")
        self._need(self.synthetic or self.mix == "door", "synthetic", "is what mix paper is made of; use --mix door")
        warm = self.schedule == "cosine" or self.warmup_share == 0
        self._need(warm, "warmup_share", "needs --schedule cosine")
        stops_early = self.schedule == "constant" or self.patience == 0
        self._need(stops_early, "patience", "cuts a cosine schedule off before its end; use --schedule constant")
        pretrained = self.frozen_share == 0 or self.weights != "none"
        self._need(pretrained, "frozen_share", "would freeze random layers; give --weights")

    @staticmethod
    def _need(ok: bool, name: str, why: str) -> None:
        if not ok:
            raise ConfigError(f"--{name.replace('_', '-')} {why}")


_PAPER_STEPS = 50 * -(-15_862 // 64)

PRESETS: dict[str, dict[str, Any]] = {
    # The paper's section 2.4: SGD, learning rate 0.01, batch 64, 50 epochs of 15,862 pictures, pixels 0..1.
    "paper": {"steps": _PAPER_STEPS, "evaluate_every": 248, "patience": 10},
    # Short and steep: the partial pretrained layers stand still at first, and the data change at every draw.
    "door": {
        "batch": 32, "learning_rate": 0.03, "weight_decay": 2e-4, "schedule": "cosine", "warmup_share": 0.04,
        "frozen_share": 0.7, "stem_rate_share": 0.5, "label_smoothing": 0.04, "ema_decay": 0.995,
        "fold_normalization": True, "augment": "door", "mix": "door",
    },
}  # fmt: skip


def make_config(preset: str, **changes: Any) -> Config:
    """The preset with changes."""
    if preset not in PRESETS:
        raise ConfigError(f"--preset must be one of {', '.join(PRESETS)}")
    known = {f.name for f in dataclasses.fields(Config)}
    unknown = set(changes) - known
    if unknown:
        raise ConfigError(f"no such setting: {', '.join(sorted(unknown))}")
    return Config(**{**PRESETS[preset], **changes, "preset": preset})


def parse_config(argv: list[str], program: str, about: str) -> Config:
    """The command line as a Config; names that were not given come from the preset."""
    parser = argparse.ArgumentParser(prog=program, description=about)
    for f in dataclasses.fields(Config):
        flag = f"--{f.name.replace('_', '-')}"
        text = f"{f.metadata['doc']} (default {f.default!r}, presets differ)"
        if isinstance(f.default, bool):
            parser.add_argument(flag, action=argparse.BooleanOptionalAction, default=None, help=text)
        else:
            parser.add_argument(flag, type=type(f.default), default=None, help=text)
    given = {k: v for k, v in vars(parser.parse_args(argv)).items() if v is not None}
    try:
        config = make_config(given.pop("preset", "door"), **given)
        for name in ("arrays", "run"):
            Config._need(getattr(config, name) != "", name, "must be given")
    except ConfigError as error:
        parser.error(str(error))
    return config


def as_dict(config: Config) -> dict[str, Any]:
    """For checkpoints and manifests."""
    return dataclasses.asdict(config)


def run_folder(config: Config) -> Path:
    """The run's folder, made if need be."""
    folder = Path(config.run)
    folder.mkdir(parents=True, exist_ok=True)
    return folder
