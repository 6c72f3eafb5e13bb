"""The network in training: its optimizer, one step, the averaged weights, validation.

Promises: a step waits for nothing on a GPU: losses are summed there and read now and then; steps of one phase have
one shape, so that they can be compiled and recorded; several processes make the step that one would.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import torch
from torch import nn

from .config import Config
from .hardware import Place, ready
from .model import STEM, FromPixels, load_run, make_model, set_frozen
from .stem_cache import FromStem

_AVERAGE_EVERY = 4


def make_network(config: Config, fresh: bool) -> nn.Module:
    """As a run starts; a run that goes on needs no weights (`fresh` is False), they are in its checkpoint."""
    if not fresh:
        return make_model("none", False, config.seed)
    if config.init_from:
        model = make_model("none", False, config.seed)
        load_run(model, Path(config.init_from))
        return model
    return make_model(config.weights, config.fold_normalization, config.seed)


def make_optimizer(model: nn.Module, config: Config) -> torch.optim.SGD:
    """SGD; the pretrained half moves at a share of the rate. Fused: a quarter of foreach's time on a processor."""
    stem = [p for name in STEM for p in getattr(model, name).parameters()]
    known = {id(p) for p in stem}
    rest = [p for p in model.parameters() if id(p) not in known]
    groups = [{"params": rest, "share": 1.0}, {"params": stem, "share": config.stem_rate_share}]
    return torch.optim.SGD(groups, config.learning_rate, config.momentum, weight_decay=config.weight_decay, fused=True)


class Learner:
    """A network that learns; `tally` is the sum of losses, the count of right verdicts and that of pictures."""

    def __init__(self, config: Config, place: Place, fresh: bool = True) -> None:
        """With its first weights, or random ones if a checkpoint will follow."""
        self.config, self.place = config, place
        self.model = make_network(config, fresh).to(place.device)
        self.ema = copy.deepcopy(self.model) if config.ema_decay else self.model
        self.optimizer = make_optimizer(self.model, config)
        self.tally = torch.zeros(3, dtype=torch.float64, device=place.device)
        self._phase: tuple[bool, int] | None = None
        self._forward: nn.Module = self.model
        self._teacher: nn.Module | None = None
        if config.teacher:
            teacher = make_model("none", False, 0)
            load_run(teacher, Path(config.teacher))
            self._teacher = FromPixels(teacher.to(place.device).eval())

    def weights(self) -> dict[str, Any]:
        """For a checkpoint."""
        parts = {"model": self.model, "ema": self.ema, "optimizer": self.optimizer}
        return {name: part.state_dict() for name, part in parts.items()}

    def take_up(self, state: dict[str, Any]) -> None:
        """The weights of a checkpoint."""
        for name, part in (("model", self.model), ("ema", self.ema), ("optimizer", self.optimizer)):
            part.load_state_dict(state[name])
        if self.place.writes:
            self.tally += torch.tensor(state.get("tally", [0.0, 0.0, 0.0]), device=self.place.device)

    def enter(self, progress: float) -> bool:
        """Freezes or thaws and sets the size of the pictures; True if this made another phase, to be compiled."""
        c = self.config
        side = c.early_side if progress < c.early_share else 0
        phase = (progress < c.frozen_share, side)
        if phase == self._phase:
            return False
        self._phase = phase
        set_frozen(self.model, phase[0])
        module = FromStem(self.model) if c.caches_stem else FromPixels(self.model, side)
        self._forward = ready(module, self.place, c.sync_norm)
        return True

    def step(self, inputs: torch.Tensor, labels: torch.Tensor, rate: float) -> None:
        """One step of SGD."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["share"]
        target = labels * (1 - self.config.label_smoothing) + self.config.label_smoothing / 2
        if self.place.is_cuda:
            torch.compiler.cudagraph_mark_step_begin()
        with self.place.autocast():
            if self._teacher is not None:
                with torch.no_grad():
                    target = target.lerp(self._teacher(inputs).sigmoid(), self.config.teacher_weight)
            logits = self._forward(inputs)
        loss = nn.functional.binary_cross_entropy_with_logits(logits, target)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        seen = torch.full_like(loss, len(labels))
        self.tally += torch.stack([loss.detach() * seen, _right(logits, labels), seen])

    @torch.no_grad()
    def average(self, step: int) -> None:
        """Moves the averaged weights towards the model's, every few steps; nearly all the way at the beginning."""
        if self.ema is self.model or step % _AVERAGE_EVERY:
            return
        decay = min(self.config.ema_decay**_AVERAGE_EVERY, step / (40 + step))
        means, now = self.ema.state_dict().values(), self.model.state_dict().values()
        pairs = list(zip(means, now, strict=True))
        moved = [(m, n) for m, n in pairs if m.dtype.is_floating_point]
        torch._foreach_lerp_([m for m, _ in moved], [n for _, n in moved], 1 - decay)
        for mean, value in pairs:
            if not mean.dtype.is_floating_point:
                mean.copy_(value)

    @torch.inference_mode()
    def validate(self, inputs: torch.Tensor, labels: torch.Tensor) -> dict[str, float]:
        """Loss and accuracy of the weights that would ship, of all pictures, without augmentation or smoothing."""
        self.ema.eval()
        forward = FromStem(self.ema) if self.config.caches_stem else FromPixels(self.ema)
        batch, sums = 256 if self.place.is_cuda else 64, torch.zeros(3, dtype=torch.float64, device=self.place.device)
        for at in range(self.place.rank * batch, len(labels), self.place.ranks * batch):
            part = labels[at : at + batch]
            with self.place.autocast():
                logits = forward(inputs[at : at + batch])
            loss = nn.functional.binary_cross_entropy_with_logits(logits, part, reduction="sum")
            sums += torch.stack([loss, _right(logits, part), torch.full_like(loss, len(part))])
        if self._phase is not None:
            set_frozen(self.model, self._phase[0])
        loss_sum, right, seen = self.place.total(sums)
        return {"loss": loss_sum / seen, "accuracy": right / seen}


def _right(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    return ((logits > 0) == (labels > 0.5)).float().sum()
