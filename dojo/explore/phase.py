"""The phase change, measured on a series of checkpoints by chapter 2's reference functions.

1. The same random sequences, each said twice, go through every checkpoint.
2. Of each score the best head counts; the loss on the second copy and the in-context score stand beside them.
3. `phase_change` says where the induction score rises fastest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from dojo.explore.figures import phase_change_figure
from dojo.explore.reference import reference
from dojo.models import checkpoint_steps, load_model, load_tokenizer

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

PERIOD, ROWS = 20, 64  # what is measured on
SHOWN = 8  # the period of the one sequence whose attention patterns are shown
PREVIOUS, INDUCTION = "previous-token score", "induction score"
LOSS, CONTEXT = "loss, second half", "in-context score"


@dataclass(frozen=True)
class Series:
    """One model's checkpoints.

    scores, losses: name -> one number a checkpoint; a score is that of the best head. best: name of the score -> which
    head that is, a checkpoint. patterns: [step, head, query, key] on `tokens`. rise: where the induction score rises
    fastest, or None.
    """

    model: str
    steps: list[int]
    scores: dict[str, list[float]]
    losses: dict[str, list[float]]
    best: dict[str, list[str]]
    patterns: Tensor
    tokens: list[str]
    heads: list[str]
    rise: float | None

    def nearest(self, step: float) -> int:
        return min(self.steps, key=lambda other: abs(other - step))

    @cached_property
    def figure(self) -> Figure:
        return phase_change_figure(
            self.steps, self.scores, self.patterns, self.tokens, losses=self.losses, names=self.heads, rise=self.rise,
            start=self.nearest(self.rise) if self.rise is not None else None,
        )  # fmt: skip


def measure(name: str, on_checkpoint: Callable[[int, int], None] | None = None) -> Series:
    """All checkpoints of a shipped model.

    Args:
        name: "induction" or "induction-1-layer".
        on_checkpoint: called before each one with how many are done and how many there are.
    """
    chapter, steps, tokenizer = reference("induction_heads"), checkpoint_steps(name), load_tokenizer(name)
    generator = torch.Generator().manual_seed(0)
    tokens = chapter.repeated_tokens([PERIOD] * ROWS, 1 + 2 * PERIOD, len(tokenizer), generator=generator)
    several = chapter.repeated_tokens([SHOWN] * 64, 1 + 2 * SHOWN, len(tokenizer), generator=generator)
    shown = next(row for row in several if len(set(row.tolist())) == 1 + SHOWN)[None]  # no word twice in one period
    scores: dict[str, list[float]] = {PREVIOUS: [], INDUCTION: []}
    losses: dict[str, list[float]] = {LOSS: [], CONTEXT: []}
    best: dict[str, list[str]] = {PREVIOUS: [], INDUCTION: []}
    patterns, heads = [], []
    for done, step in enumerate(steps):
        if on_checkpoint is not None:
            on_checkpoint(done, len(steps))
        model: Any = load_model(name, step=step)
        n_layers, n_heads = model.config.n_layers, model.config.n_heads
        names = [f"blocks.{layer}.attn.hook_pattern" for layer in range(n_layers)]
        heads = [f"{layer}.{head}" for layer in range(n_layers) for head in range(n_heads)]
        with torch.no_grad():
            logits, cache = chapter.run_with_cache(model, tokens, names)
            pattern = torch.cat([cache[name] for name in names], dim=1)
            _, cache = chapter.run_with_cache(model, shown, names)
        patterns.append(torch.cat([cache[name] for name in names], dim=1)[0])
        found = {PREVIOUS: chapter.previous_token_score(pattern), INDUCTION: chapter.induction_score(pattern, tokens)}
        for score, values in found.items():
            scores[score].append(values.max().item())
            best[score].append(heads[int(values.argmax())])
        token_losses = -chapter.token_log_probs(logits, tokens)
        losses[LOSS].append(chapter.second_half_loss(logits, tokens))
        # The same token of the sequence, when it is said first and when it is said again.
        early = PERIOD // 2
        losses[CONTEXT].append(float(chapter.in_context_score(token_losses, early, early + PERIOD)))
    rise = chapter.phase_change(steps, scores[INDUCTION])
    return Series(name, steps, scores, losses, best, torch.stack(patterns), tokenizer.strings(shown), heads, rise)
