"""The figures of models/small-lm-sae/README.md, computed again from the shipped autoencoder and held-out texts.

    python benchmarks/small_lm_sae.py                 a minute on one core
    python benchmarks/small_lm_sae.py --baseline      also trains a frozen random decoder of the same shape: two minutes more

Windows of 256 tokens that do not overlap, every eighth one. "dead": active on none of these tokens. "on three tokens": how
much of a latent's activation falls on the three tokens that it likes best, which says how far it is a token detector.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import torch
from torch import Tensor, nn

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from dojo.explore.features import hook_name  # noqa: E402
from dojo.models import load_model, load_text, load_tokenizer, sae_path  # noqa: E402
from dojo.transformer import run_with_cache  # noqa: E402
from solutions import sparse_autoencoders as chapter  # noqa: E402

TEXTS = ("austen-held-out", "bible-held-out", "shakespeare-held-out")
CONTEXT = 256


def windows(text: str) -> Tensor:
    ids = load_tokenizer("small-lm").encode(text)[0]
    return ids[: len(ids) // CONTEXT * CONTEXT].view(-1, CONTEXT)


def states(model: nn.Module, tokens: Tensor, site: str) -> Tensor:
    """The stream at the site, float [row, pos, d_model]."""
    with torch.no_grad():
        return torch.cat([run_with_cache(model, part, [site])[1][site] for part in tokens.split(16)])


def token_share(f: Tensor, tokens: Tensor, d_vocab: int) -> Tensor:
    """For each latent that is ever active, the share of its activation on its three best tokens."""
    mass = torch.zeros(d_vocab, f.shape[-1]).index_add_(0, tokens.flatten(), f.flatten(0, 1))
    mass = mass[:, mass.sum(dim=0) > 0]
    return mass.topk(3, dim=0).values.sum(dim=0) / mass.sum(dim=0)


def tell(name: str, sae: nn.Module, model: nn.Module, tokens: Tensor, site: str) -> None:
    x = states(model, tokens, site)
    with torch.no_grad():
        f = sae.encode(x)
        fve = chapter.explained_variance(x.flatten(0, 1), sae.decode(f).flatten(0, 1)).item()
    density = chapter.feature_density(f)
    recovered = {kind: chapter.loss_recovered(model, tokens, site, sae, kind) for kind in ("mean", "zero")}
    share = token_share(f, tokens, model.W_U.shape[1])
    dead = 100 * (density == 0).float().mean().item()
    print(
        f"| {name} | {tokens.numel():,} | {fve:.3f} | {chapter.l0(f).item():.1f} | {dead:.1f}% "
        f"| {recovered['mean']:.3f} | {recovered['zero']:.3f} | {share.median().item():.2f} |"
    )


def frozen(sae: nn.Module, model: nn.Module, site: str, steps: int = 800) -> nn.Module:
    x = states(model, windows(load_text("austen"))[::8], site).flatten(0, 1)
    generator = torch.Generator().manual_seed(0)
    order = [torch.randint(len(x), (2048,), generator=generator) for _ in range(steps)]
    batch_at: Callable[[int], Tensor] = lambda step: x[order[step]]  # noqa: E731
    return chapter.frozen_decoder_baseline(sae, batch_at, chapter.topk_objective(), steps, lr=2e-3, generator=generator)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sae", default="small-lm-sae", help="a shipped one, or a folder")
    parser.add_argument("--baseline", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    folder = sae_path(options.sae)
    sae, site, model = chapter.from_saelens(folder), hook_name(folder), load_model("small-lm")
    print(f"{folder.name}, {site}, {date.today():%d %B %Y}\n")
    print(
        "| text | tokens | variance explained | L0 | dead | loss recovered (mean) | (zero) | on three tokens, median |"
    )
    print("|---|---|---|---|---|---|---|---|")
    rows = {name: windows(load_text(name))[::8] for name in TEXTS}
    for name, tokens in rows.items():
        tell(name.removesuffix("-held-out") + ", held out", sae, model, tokens, site)
    together = torch.cat(list(rows.values()))
    tell("together", sae, model, together, site)
    if options.baseline:
        tell("together, frozen random decoder", frozen(sae, model, site), model, together, site)


if __name__ == "__main__":
    main()
