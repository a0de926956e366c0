"""What each latent of an autoencoder does on text, in the manner of Neuronpedia's pages, by chapter 5's reference functions.

1. The language model reads held-out text; the autoencoder encodes its stream at the site that it was trained on.
2. Of the activations, which are nearly all 0, only the others are kept, sorted by latent.
3. A latent's page: where it is most active, its whole range, how often, which next tokens it favours, its neighbours.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from dojo.explore.reference import reference
from dojo.models import load_model, load_tokenizer, sae_path
from dojo.transformer import run_with_cache

SHIPPED, MODEL = "small-lm-sae", "small-lm"
TEXTS = ("austen-held-out", "bible-held-out", "shakespeare-held-out")
ROWS, LENGTH = 60, 128  # of each text
AT_ONCE = 12  # rows that are read together
MAX_BYTES, MAX_LATENTS = 64 * 2**20, 32_768
BINS, NEIGHBOURS, LOGITS, EXAMPLES = 24, 6, 10, 12


class UnusableAutoencoder(Exception):
    """An autoencoder cannot be opened here. `str()` says why, and what to do."""


@dataclass(frozen=True)
class Place:
    """One example: the words of a row, the latent's activation on each, and the place that it was chosen for."""

    words: list[str]
    values: list[float]
    position: int
    text: str


@dataclass(frozen=True)
class Page:
    """One latent. `density`: fraction of tokens; logits: (token, value), strongest first; neighbours: (latent, cosine)."""

    latent: int
    density: float
    highest: float
    strongest: list[Place]
    across: list[Place]
    counts: list[int]
    edges: list[float]
    tokens: list[tuple[str, float]]
    positive: list[tuple[str, float]]
    negative: list[tuple[str, float]]
    neighbours: list[tuple[int, float]]


class Features:
    """An autoencoder, what it was shown, and where its latents were active."""

    def __init__(self, sae: Any, site: str, progress: Callable[[int, int], None] = lambda done, total: None):
        self.chapter, self.sae, self.site = reference("sparse_autoencoders"), sae.eval(), site
        self.model: Any = load_model(MODEL)
        self.tokenizer = load_tokenizer(MODEL)
        rows = [self.chapter.text_windows(name, ROWS, LENGTH) for name in TEXTS]
        self.tokens = torch.cat(rows)
        self.texts = [name.removesuffix("-held-out").capitalize() for name in TEXTS for _ in range(ROWS)]
        self.words = [self.tokenizer.strings(row) for row in self.tokens]
        self.directions: Tensor = sae.W_dec.detach()
        self.n_latents = len(self.directions)
        latents, places, values = [], [], []
        error, total, squares = 0.0, torch.zeros(self.directions.shape[1]), 0.0
        parts = self.tokens.split(AT_ONCE)
        with torch.no_grad():
            for number, part in enumerate(parts):
                progress(number, len(parts))
                x = run_with_cache(self.model, part, [site])[1][site].flatten(0, 1)
                f = sae.encode(x)
                error += (x - sae.decode(f)).pow(2).sum().item()
                total += x.sum(dim=0)
                squares += x.pow(2).sum().item()
                place, latent = f.nonzero(as_tuple=True)
                latents.append(latent)
                places.append(place + number * AT_ONCE * LENGTH)
                values.append(f[place, latent])
        latent = torch.cat(latents)
        order = latent.argsort(stable=True)
        self.places, self.values = torch.cat(places)[order], torch.cat(values)[order]
        self.latents = latent[order]
        self.counts = latent.bincount(minlength=self.n_latents)
        self.starts = torch.cat([torch.zeros(1, dtype=torch.int64), self.counts.cumsum(0)])
        mean = total / self.tokens.numel()
        self.explained_variance = 1 - error / (squares - self.tokens.numel() * mean.pow(2).sum().item())
        self.l0 = len(latent) / self.tokens.numel()
        self.unused = (self.counts == 0).float().mean().item()

    def activation(self, latent: int) -> Tensor:
        """float [row, pos]: one latent on everything that was read."""
        own = slice(int(self.starts[latent]), int(self.starts[latent + 1]))
        full = torch.zeros(self.tokens.numel())
        full[self.places[own]] = self.values[own]
        return full.view(self.tokens.shape)

    def page(self, latent: int) -> Page:
        activation = self.activation(latent)
        active = activation[activation > 0]
        counts, edges = [], []
        if len(active):
            histogram = torch.histogram(active, BINS, range=(0.0, active.max().item()))
            counts, edges = histogram.hist.int().tolist(), histogram.bin_edges.tolist()
        with torch.no_grad():
            logits = self.chapter.feature_logits(self.model, self.directions[latent])
        up, down = logits.topk(LOGITS), logits.topk(LOGITS, largest=False)
        return Page(
            latent=latent,
            density=len(active) / activation.numel(),
            highest=active.max().item() if len(active) else 0.0,
            strongest=[
                self._place(activation, row, position)
                for row, position, _ in self.chapter.top_activating_examples(activation, EXAMPLES)
            ],
            across=self._across(activation),
            counts=counts,
            edges=edges,
            tokens=self._tokens(activation),
            positive=self._named(up.values, up.indices),
            negative=self._named(down.values, down.indices),
            neighbours=self._neighbours(latent),
        )

    def search(self, word: str, n: int = 10) -> tuple[int, list[tuple[int, float]]]:
        """How often a token that reads like `word` comes, and the latents most active on it: (latent, mean activation)."""
        wanted = word.strip()
        ids = [
            i for i, string in enumerate(self.tokenizer.strings(range(len(self.tokenizer)))) if string.strip() == wanted
        ]
        here = torch.isin(self.tokens.flatten(), torch.tensor(ids, dtype=torch.int64))
        times = int(here.sum())
        if not wanted or not times:
            return 0, []
        inside = here[self.places]
        total = torch.zeros(self.n_latents).index_add_(0, self.latents[inside], self.values[inside]) / times
        best = total.topk(min(n, self.n_latents))
        return times, [
            (i, value) for i, value in zip(best.indices.tolist(), best.values.tolist(), strict=True) if value > 0
        ]

    def label(self, latent: int) -> str:
        """The token on which the latent is most active in all, to tell it by."""
        tokens = self._tokens(self.activation(latent), 1)
        return tokens[0][0].strip() if tokens else "never active"

    def _across(self, activation: Tensor) -> list[Place]:
        """From strong to weak in equal steps of rank: what the strongest alone do not show."""
        order = activation.flatten().argsort(descending=True)[: int((activation > 0).sum())]
        chosen = order[torch.linspace(0, len(order) - 1, min(EXAMPLES, len(order))).long()]
        return [self._place(activation, *divmod(place, LENGTH)) for place in chosen.tolist()]

    def _place(self, activation: Tensor, row: int, position: int) -> Place:
        first, last = max(0, position - 16), min(LENGTH, position + 7)
        words, values = self.words[row][first:last], activation[row, first:last].tolist()
        return Place(words, values, position - first, self.texts[row])

    def _tokens(self, activation: Tensor, n: int = 8) -> list[tuple[str, float]]:
        """The tokens that have most of the latent's activation, with their share of it."""
        total = torch.zeros(len(self.tokenizer)).index_add_(0, self.tokens.flatten(), activation.flatten())
        if not total.any():
            return []
        best = total.topk(n)
        shares = (best.values / total.sum()).tolist()
        return [
            (word, share) for word, share in zip(self.tokenizer.strings(best.indices), shares, strict=True) if share > 0
        ]

    def _named(self, values: Tensor, ids: Tensor) -> list[tuple[str, float]]:
        return list(zip(self.tokenizer.strings(ids), values.tolist(), strict=True))

    def _neighbours(self, latent: int) -> list[tuple[int, float]]:
        unit = torch.nn.functional.normalize(self.directions, dim=-1)
        cosine = unit @ unit[latent]
        cosine[latent] = -2
        best = cosine.topk(min(NEIGHBOURS, self.n_latents - 1))
        return list(zip(best.indices.tolist(), best.values.tolist(), strict=True))


def open_shipped(progress: Callable[[int, int], None] = lambda done, total: None) -> Features:
    return open_folder(sae_path(SHIPPED), progress)


def open_files(cfg: bytes, weights: bytes, progress: Callable[[int, int], None] = lambda done, total: None) -> Features:
    """An autoencoder from the two files that SAELens (and `to_saelens`) write.

    Raises:
        UnusableAutoencoder: too large, not such files, or not made for small-lm.
    """
    if len(cfg) + len(weights) > MAX_BYTES:
        raise UnusableAutoencoder(f"These files have more than {MAX_BYTES // 2**20} MB: open a smaller autoencoder.")
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "cfg.json").write_bytes(cfg)
        (Path(folder) / "sae_weights.safetensors").write_bytes(weights)
        return open_folder(Path(folder), progress)


def hook_name(folder: Path) -> str:
    """The site whose activations an autoencoder was trained on, as SAELens notes it."""
    cfg = json.loads((folder / "cfg.json").read_text(encoding="utf-8"))
    return str((cfg.get("metadata") or {}).get("hook_name") or cfg.get("hook_name"))


def open_folder(folder: Path, progress: Callable[[int, int], None] = lambda done, total: None) -> Features:
    chapter = reference("sparse_autoencoders")
    try:
        sae, site = chapter.from_saelens(folder), hook_name(folder)
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UnusableAutoencoder(f"These are not files that SAELens could have written: {reason}") from None
    model: Any = load_model(MODEL)
    known = [
        name
        for name, _ in model.named_modules()
        if name.endswith(("hook_resid_pre", "hook_resid_mid", "hook_resid_post"))
    ]
    if site not in known:
        raise UnusableAutoencoder(
            f"Its hook_name is {site!r}, but it must be a stream of {MODEL}, such as {known[0]!r}: give to_saelens the site "
            "whose activations it was trained on."
        )
    d_sae, d_in = sae.W_dec.shape
    if d_in != model.W_E.shape[1]:
        raise UnusableAutoencoder(f"It reads vectors of length {d_in}; those of {MODEL} have {model.W_E.shape[1]}.")
    if d_sae > MAX_LATENTS:
        raise UnusableAutoencoder(f"It has {d_sae:,} latents; this page opens up to {MAX_LATENTS:,}.")
    return Features(sae, site, progress)
