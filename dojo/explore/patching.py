"""One patching experiment on one prompt, cell by cell, by chapter 3's reference functions.

1. The clean prompt names its subject twice; in the corrupted one the second mention is the other name: the answer flips.
2. Denoising writes one activation of the clean run into the corrupted run, noising one of the corrupted into the clean.
3. A map holds the normalised effect of each place; a cell says what was patched there and what the model then answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from dojo.explore.reference import reference
from dojo.ioi import NAMES, corrupted, ioi_prompts
from dojo.models import Tokenizer, load_model, load_tokenizer, shipped_models

MODELS = ("ioi-a", "ioi-b", "known-circuit")
MODES = ("denoising", "noising")
RESIDUAL, HEADS = "residual stream", "heads"
SITES = (RESIDUAL, HEADS)
TOP = 5


@dataclass(frozen=True)
class Setting:
    """What a learner chooses. `io` is the name that is said once, `subject` the one that is said twice."""

    model: str
    order: str = "ABBA"
    mode: str = "denoising"
    io: str = "Mary"
    subject: str = "John"
    sentence: int = 0  # which of the sentences


@dataclass(frozen=True)
class Cell:
    """What was patched and what it did.

    before, after: the likeliest next tokens and their probabilities, without the patch and with it. attention: of a head,
    its pattern in the clean and in the corrupted run, float [query, key] each.
    """

    hook: str
    layer: int
    position: int | None
    head: int | None
    difference: float
    effect: float
    before: list[tuple[str, float]]
    after: list[tuple[str, float]]
    attention: tuple[Tensor, Tensor] | None = None


class Experiment:
    """The two runs of one setting; maps and cells are computed when they are asked for."""

    def __init__(self, setting: Setting) -> None:
        self.setting, self.chapter = setting, reference("activation_patching")
        self.model: Any
        self.model, self.tokenizer = load(setting.model)
        prompts = ioi_prompts(self.tokenizer, 1, order=setting.order, seed=setting.sentence)
        io, subject = token_of(setting.io, self.tokenizer), token_of(setting.subject, self.tokenizer)
        prompts.correct[:], prompts.wrong[:] = io, subject
        for place, token in (("IO", io), ("S1", subject), ("S2", subject)):
            prompts.tokens[:, prompts.positions[place]] = token
        self.prompts = prompts
        tokens = {"clean": prompts.tokens, "corrupted": corrupted(prompts, self.tokenizer, kind="S2")}
        self.strings = {run: self.tokenizer.strings(tokens[run]) for run in tokens}
        with torch.no_grad():
            runs = {run: self.chapter.run_with_cache(self.model, tokens[run]) for run in tokens}
        self.logits = {run: logits for run, (logits, _) in runs.items()}
        self.caches = {run: cache for run, (_, cache) in runs.items()}
        self.differences = {run: self.difference(logits) for run, logits in self.logits.items()}
        # The run that is patched, and the one that the patch is taken from.
        self.base, self.source = ("corrupted", "clean") if setting.mode == "denoising" else ("clean", "corrupted")
        self.tokens = tokens[self.base]
        self.maps: dict[str, list[list[float]]] = {}

    def difference(self, logits: Tensor) -> float:
        return self.metric(logits).item()

    def metric(self, logits: Tensor) -> Tensor:
        return self.chapter.logit_difference(logits, self.prompts.correct, self.prompts.wrong)

    def effect(self, patched: Tensor) -> Tensor:
        ends = self.differences["clean"], self.differences["corrupted"]
        return self.chapter.normalised_effect(patched, *ends, self.setting.mode)

    def effects(self, site: str) -> list[list[float]]:
        """[layer, position] or [layer, head]."""
        if site not in self.maps:
            sweep = self.chapter.patch_residual if site == RESIDUAL else self.chapter.patch_heads
            swept = sweep(self.model, self.tokens, self.caches[self.source], self.metric)
            self.maps[site] = self.effect(swept).tolist()
        return self.maps[site]

    def columns(self, site: str) -> list[str]:
        return self.strings[self.base] if site == RESIDUAL else [str(h) for h in range(self.model.config.n_heads)]

    def cell(self, site: str, layer: int, column: int) -> Cell:
        position, head = (column, None) if site == RESIDUAL else (None, column)
        hook = f"blocks.{layer}.hook_resid_pre" if site == RESIDUAL else f"blocks.{layer}.attn.hook_z"
        value, attention = self.caches[self.source][hook], None
        with torch.no_grad():
            logits = self.chapter.patch(self.model, self.tokens, hook, value, position=position, head=head)
        if head is not None:
            pattern = f"blocks.{layer}.attn.hook_pattern"
            attention = self.caches["clean"][pattern][0, head], self.caches["corrupted"][pattern][0, head]
        difference = self.difference(logits)
        return Cell(
            hook, layer, position, head, difference, self.effect(torch.tensor(difference)).item(),
            self.likeliest(self.logits[self.base]), self.likeliest(logits), attention,
        )  # fmt: skip

    def likeliest(self, logits: Tensor) -> list[tuple[str, float]]:
        """The next tokens with the highest probabilities, the highest first."""
        top = logits[0, -1].softmax(dim=-1).topk(TOP)
        return list(zip(self.tokenizer.strings(top.indices), top.values.tolist(), strict=True))


@lru_cache(maxsize=64)
def experiment(setting: Setting) -> Experiment:
    return Experiment(setting)


@lru_cache(maxsize=len(MODELS))
def load(name: str) -> tuple[Any, Tokenizer]:
    return load_model(name), load_tokenizer(name)


def models() -> list[str]:
    shipped = shipped_models()
    return [name for name in MODELS if name in shipped]


def names(model: str) -> list[str]:
    """The names that the model's tokenizer has as one token."""
    _, tokenizer = load(model)
    return [name for name in NAMES if tokenizer.encode(f" {name}").shape[1] == 1]


def token_of(name: str, tokenizer: Tokenizer) -> int:
    return int(tokenizer.encode(f" {name}")[0, 0])
