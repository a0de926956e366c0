"""Examples on which an explanation of a latent is tried: tokens in their context, and whether the latent is active there.

The latents are some of small-lm-sae's whose meaning can be said in words (models/small-lm-sae/examples.py says how they were
chosen); a learner's is drawn from their name. Of the text that neither small-lm nor its autoencoder was trained on, one half
is for studying, shipped with the autoencoder; the other half is the judge's.

Half of the examples are active, chosen evenly over the ranks of the latent's activations, not its strongest alone. The
others are not, and of three kinds: any token, tokens on which the latent's nearest neighbours are active, and the words on
which the latent is most often active, where it is not.

Source: Paulo et al. 2024, "Automatically Interpreting Millions of Features in Large Language Models" (detection scoring).
"""

from __future__ import annotations

from functools import cache, lru_cache
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from dojo.models import Tokenizer, load_tokenizer, sae_path
from dojo.planted.compiler import generator

SAE, FILE = "small-lm-sae", "examples.safetensors"
BEFORE = 16  # words of context that an example shows
FIRST = 8  # earlier positions of a row are left out: there is no context yet
ENOUGH = 0.2  # active: at least this fraction of the latent's highest activation; not active: 0; neither: in between

Example = tuple[list[str], bool]  # (the words up to and including the token, whether the latent is active on it)


def feature_of(name: str, file: Path | None = None) -> int:
    """The latent that is drawn for this name; the same everywhere."""
    latents = explainable(file)
    return latents[int(torch.randint(len(latents), (1,), generator=generator("feature", name)))]


def explainable(file: Path | None = None) -> list[int]:
    """The latents for which there are examples."""
    return sorted({int(key.split("/")[0]) for key in _read(file) if "/" in key})


@lru_cache(maxsize=32)
def feature_examples(latent: int, n: int = 120, seed: int = 0, file: Path | None = None) -> tuple[Example, ...]:
    """n examples, mixed: half of them active.

    Args:
        latent: one of `explainable()`.
        n: how many; fewer where the text does not hold so many.
        seed: which ones; the same seed gives the same.
        file: where from; None: the half of the text that is for studying.

    Raises:
        ValueError: there are no examples of this latent.
    """
    if latent not in explainable(file):
        known = ", ".join(map(str, explainable(file)))
        raise ValueError(f"There are no examples of latent {latent}; there are of {known}.")
    drawn = torch.Generator().manual_seed(seed)
    active, others = places(latent, file)
    chosen = [(place, True) for place in evenly(active, n // 2, drawn)]
    per_kind = (n - len(chosen)) // len(others)
    left = {
        place: None for kind in others for place in kind[torch.randperm(len(kind), generator=drawn)][:per_kind].tolist()
    }
    chosen += [(place, False) for place in left]
    order = torch.randperm(len(chosen), generator=drawn).tolist()
    return tuple((_words(chosen[i][0], file), chosen[i][1]) for i in order)


def places(latent: int, file: Path | None = None) -> tuple[Tensor, list[Tensor]]:
    """Where a latent is active, strongest first; and where it is not: anywhere, near its neighbours, on its own words."""
    data = _read(file)
    tokens = data["tokens"].flatten().long()
    where, values = data[f"{latent}/places"].long(), data[f"{latent}/values"].float()
    late = torch.arange(len(tokens)) % data["tokens"].shape[1] >= FIRST
    strong = (values >= ENOUGH * data[f"{latent}/highest"]) & late[where]
    active = where[strong][values[strong].argsort(descending=True, stable=True)]
    silent = late.clone()
    silent[where] = False
    own = torch.isin(tokens, tokens[active].bincount().topk(12).indices)
    near = torch.zeros_like(silent)
    near[data[f"{latent}/near"].long()] = True
    kinds = [silent & ~own & ~near, silent & near, silent & own]
    return active, [kind.nonzero()[:, 0] for kind in kinds]


def evenly(ranked: Tensor, n: int, drawn: torch.Generator) -> list[int]:
    """One place at random from each of n stretches of equal length."""
    n = min(n, len(ranked))
    edges = torch.linspace(0, len(ranked), n + 1).long().tolist()
    picks = torch.rand(n, generator=drawn).tolist()
    return [int(ranked[a + int(pick * (b - a))]) for a, b, pick in zip(edges[:-1], edges[1:], picks, strict=True)]


def _words(place: int, file: Path | None) -> list[str]:
    tokens = _read(file)["tokens"]
    row, position = divmod(place, tokens.shape[1])
    return _tokenizer().strings(tokens[row, max(0, position - BEFORE) : position + 1].long())


@cache
def _tokenizer() -> Tokenizer:
    return load_tokenizer("small-lm")


@cache
def _read(file: Path | None) -> dict[str, Tensor]:
    return load_file(file or sae_path(SAE) / FILE)
