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
    init_from: str = _setting("", "start from the averaged weights of this checkpoint of another run, not --weights")
    teacher: str = _setting("", "checkpoint of another run, whose verdicts are mixed into the labels")
    foreign_weights: bool = _setting(False, "go on though --init-from or --teacher may have learned the test part")
    teacher_weight: float = _setting(0.5, "share of the teacher's verdict in a label")
    device: str = _setting("", "cuda or cpu; empty: cuda where there is one")
    precision: str = _setting("auto", "float32, bfloat16, or auto: bfloat16 on CUDA and on processors with AMX")
    compile: str = _setting("auto", "torch.compile: off, on, autotune (slow to start), or auto: on with CUDA alone")
    steps: int = _setting(2000, "optimizer steps of the whole schedule")
    minutes: float = _setting(0.0, "end, and size the schedule, after so much training time; 0: by steps alone")
    batch: int = _setting(64, "pictures a step")
    learning_rate: float = _setting(0.01, "peak learning rate")
    momentum: float = _setting(0.9, "momentum of SGD")
    weight_decay: float = _setting(5e-4, "weight decay of SGD")
    schedule: str = _setting("constant", "learning rate: constant, or cosine with a linear warm-up")
    warmup_share: float = _setting(0.0, "share of the schedule that warms up")
    frozen_share: float = _setting(
        0.0, "share of the schedule in which conv1, layer1 and layer2 stand still; 1 and no augmentation: computed once"
    )
    stem_rate_share: float = _setting(1.0, "conv1, layer1 and layer2 move at this share of the learning rate")
    label_smoothing: float = _setting(0.0, "labels become smoothing/2 and 1 - smoothing/2")
    ema_decay: float = _setting(0.0, "decay a step of the averaged weights that are shipped; 0: none")
    fold_normalization: bool = _setting(False, "fold ImageNet's normalization into conv1 of pretrained weights")
    augment: str = _setting("none", "none or door")
    early_side: int = _setting(0, "side in px of the pictures early in the schedule, cheaper; 0: as they are")
    early_share: float = _setting(0.5, "share of the schedule that is early, if --early-side is given")
    mix: str = _setting("paper", "paper: bare and masks rendered on them, epochs; door: everything, by shares")
    synthetic: bool = _setting(True, "train on rendered pictures too")
    leave_out: str = _setting("", "a source that stays out of training (leave-one-source-out)")
    train_pictures: int = _setting(0, "train on so many, drawn once for every seed; 0: all")
    validate_pictures: int = _setting(0, "validate on so many, drawn once for every seed; 0: all")
    validate_on: str = _setting("val", "splits to validate on, of val and test, by commas")
    leave_kinds: str = _setting("", "rendered kinds that stay out of training, comma separated (leave-one-kind-out)")
    evaluate_every: int = _setting(250, "steps between validations")
    patience: int = _setting(0, "stop after so many validations without a lower loss; 0: never")
    checkpoint_every: int = _setting(50, "steps between checkpoints")
    sync_norm: bool = _setting(True, "under torchrun, BatchNorm over the pictures of all processes, as in one process")
    seed: int = _setting(1, "seed of everything random")
    threads: int = _setting(0, "threads of torch; 0: one a core")

    def __post_init__(self) -> None:
        """Refuses contradictions."""
        self._need_ranges()
        self._need_choices()
        self._need(self.synthetic or self.mix == "door", "synthetic", "is what mix paper is made of; use --mix door")
        warm = self.schedule == "cosine" or self.warmup_share == 0
        self._need(warm, "warmup_share", "needs --schedule cosine")
        stops_early = self.schedule == "constant" or self.patience == 0
        self._need(stops_early, "patience", "cuts a cosine schedule off before its end; use --schedule constant")
        pretrained = self.frozen_share == 0 or self.weights != "none" or self.init_from != ""
        self._need(pretrained, "frozen_share", "would freeze random layers; give --weights")
        self._need(self.init_from == "" or self.weights == "", "init_from", "takes the place of --weights; give one")
        whole = self.early_side == 0 or not self.caches_stem
        self._need(whole, "early_side", "is of no use where the frozen layers are computed once (--frozen-share 1)")
        taught = self.teacher == "" or not self.caches_stem
        self._need(taught, "teacher", "needs pictures, but --frozen-share 1 without augmentation keeps none")

    @property
    def caches_stem(self) -> bool:
        """Whether conv1 to layer2 give the same for a picture at every step of the run."""
        return self.frozen_share == 1 and self.augment == "none"

    def _need_ranges(self) -> None:
        for name in ("steps", "batch", "evaluate_every", "checkpoint_every"):
            self._need(getattr(self, name) >= 1, name, "must be 1 or more")
        for name in ("minutes", "weight_decay", "patience", "threads", "train_pictures", "validate_pictures"):
            self._need(getattr(self, name) >= 0, name, "must not be negative")
        for name in ("momentum", "ema_decay", "label_smoothing", "warmup_share"):
            self._need(0 <= getattr(self, name) < 1, name, "must be in [0, 1)")
        for name in ("frozen_share", "early_share", "teacher_weight"):
            self._need(0 <= getattr(self, name) <= 1, name, "must be in [0, 1]")
        self._need(self.learning_rate > 0, "learning_rate", "must be above 0")
        self._need(self.early_side == 0 or 16 <= self.early_side <= 112, "early_side", "must be 0, or 16 to 112")

    def _need_choices(self) -> None:
        choices = {
            "schedule": ("constant", "cosine"), "augment": ("none", "door"), "mix": ("paper", "door"),
            "precision": ("auto", "float32", "bfloat16"), "compile": ("auto", "off", "on", "autotune"),
        }  # fmt: skip
        for name, known in choices.items():
            self._need(getattr(self, name) in known, name, f"must be {', '.join(known[:-1])} or {known[-1]}")
        splits = set(self.validate_on.split(","))
        self._need(splits <= {"val", "test"}, "validate_on", "must be val, test or val,test")

    @staticmethod
    def _need(ok: bool, name: str, why: str) -> None:
        if not ok:
            raise ConfigError(f"--{name.replace('_', '-')} {why}")


# Each epoch is drawn anew and has whole batches only, for graphs of one shape: 54 pictures, others each time, sit out.
_PAPER_EPOCH = 15_862 // 64

PRESETS: dict[str, dict[str, Any]] = {
    # The paper's section 2.4: SGD, learning rate 0.01, batch 64, 50 epochs of 15,862 pictures, pixels 0..1;
    # each epoch ends with a validation on all 3,245 pictures, and the best is kept (its section 5.1).
    "paper": {
        "steps": 50 * _PAPER_EPOCH, "evaluate_every": _PAPER_EPOCH, "checkpoint_every": _PAPER_EPOCH, "patience": 10,
        "train_pictures": 15_862, "validate_pictures": 3_245, "validate_on": "val,test",
    },
    # Short and steep: the partial pretrained layers stand still at first, and the data change at every draw.
    "door": {
        "batch": 32, "learning_rate": 0.03, "weight_decay": 2e-4, "schedule": "cosine", "warmup_share": 0.04,
        "frozen_share": 0.7, "stem_rate_share": 0.5, "label_smoothing": 0.04, "ema_decay": 0.995,
        "fold_normalization": True, "augment": "door", "mix": "door", "validate_pictures": 800,
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


def parse_config(argv: list[str], program: str, about: str, need: tuple[str, ...] = ("arrays", "run")) -> Config:
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
        for name in need:
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
