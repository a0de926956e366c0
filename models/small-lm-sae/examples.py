"""Find latents whose meaning can be said, and write the examples on which an explanation of one is tried.

    python models/small-lm-sae/examples.py            half a minute; writes examples.safetensors, here and for the judge

1. The held-out texts are cut into rows; every second row is for studying, the others are the judge's.
2. A latent is a candidate if a table of words that is learned from one half tells where it is active in the other, with a
   balanced accuracy of 0.87 or more (near misses included), if no single token has more than 0.35 of its activity, and if
   most of its tokens are whole words or marks. `--candidates` lists them.
3. LATENTS are those among the candidates whose common words the author could put into one short phrase.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))
from dojo.interpretation import ENOUGH, FILE, FIRST, SAE  # noqa: E402
from dojo.models import load_model, load_text, load_tokenizer, sae_path  # noqa: E402
from dojo.transformer import run_with_cache  # noqa: E402
from solutions import sparse_autoencoders as chapter  # noqa: E402

JUDGE = HERE.parents[1] / "graders" / "sparse_autoencoders" / "exam.safetensors"
TEXTS, ROWS, LENGTH = ("austen-held-out", "bible-held-out", "shakespeare-held-out"), 150, 128
NEIGHBOURS, NEAR = 8, 400
LATENTS = [
    21, 80, 185, 214, 296, 357, 359, 404, 405, 422, 456, 468, 477, 520, 521, 551, 621, 624, 646, 655, 662, 671, 694,
    727, 808, 826, 834, 849, 863, 873, 890, 896, 907, 973,
]  # fmt: skip


def read(half: int) -> tuple[Tensor, Tensor]:
    """One half of the rows, int64 [row, pos], and the latents' activations on it, float [token, latent]."""
    sae, model, tokenizer = chapter.from_saelens(sae_path(SAE)), load_model("small-lm"), load_tokenizer("small-lm")
    rows = []
    for name in TEXTS:
        ids = tokenizer.encode(load_text(name))[0]
        rows.append(ids[: len(ids) // LENGTH * LENGTH].view(-1, LENGTH)[half::2][:ROWS])
    tokens, site = torch.cat(rows), "blocks.3.hook_resid_pre"
    with torch.no_grad():
        f = [sae.encode(run_with_cache(model, part, [site])[1][site].flatten(0, 1)) for part in tokens.split(32)]
    return tokens, torch.cat(f)


def neighbours() -> Tensor:
    """The latents whose directions are most like each one's, int64 [latent, NEIGHBOURS]."""
    unit = torch.nn.functional.normalize(chapter.from_saelens(sae_path(SAE)).W_dec.detach(), dim=-1)
    return (unit @ unit.T).fill_diagonal_(-1).topk(NEIGHBOURS, dim=-1).indices


def write(path: Path, tokens: Tensor, f: Tensor, near: Tensor, highest: Tensor) -> None:
    data = {"tokens": tokens.to(torch.int16)}
    late = torch.arange(len(f)) % LENGTH >= FIRST
    for latent in LATENTS:
        places = f[:, latent].nonzero()[:, 0]
        misses = ((f[:, near[latent]] > 0).any(dim=1) & (f[:, latent] == 0) & late).nonzero()[:, 0]
        kept = misses[torch.randperm(len(misses), generator=torch.Generator().manual_seed(latent))[:NEAR]]
        data[f"{latent}/places"], data[f"{latent}/values"] = places.to(torch.int32), f[places, latent].half()
        data[f"{latent}/near"], data[f"{latent}/highest"] = kept.sort().values.to(torch.int32), highest[latent].clone()
    save_file(data, path)
    path.chmod(0o644)


def candidates(halves: list[tuple[Tensor, Tensor]], near: Tensor) -> None:
    """Print each latent that a table of words tells, with its score and its commonest words."""
    strings = load_tokenizer("small-lm").strings(range(4096))
    whole = torch.tensor([_is_whole(string) for string in strings])
    for latent in range(len(near)):
        active, silent, misses, tokens = [], [], [], []
        highest = halves[0][1][:, latent].max()
        for rows, f in halves:
            late = torch.arange(len(f)) % LENGTH >= FIRST
            active.append((f[:, latent] >= ENOUGH * highest) & (f[:, latent] > 0) & late)
            silent.append((f[:, latent] == 0) & late)
            misses.append(silent[-1] & (f[:, near[latent]] > 0).any(dim=1))
            tokens.append(rows.flatten())
        if min(int(part.sum()) for part in active) < 80:
            continue
        counts = tokens[0][active[0]].bincount(minlength=4096)
        table = counts > tokens[0][silent[0]].bincount(minlength=4096)
        told = table[tokens[1]]
        score = (told[active[1]].float().mean() + (~told[misses[1]]).float().mean()) / 2
        top = counts.topk(9)
        if score > 0.87 and top.values[0] < 0.35 * counts.sum() and counts[whole].sum() > 0.78 * counts.sum():
            print(latent, f"{score:.2f}", [strings[i] for i in top.indices])


def _is_whole(string: str) -> bool:
    """A whole word, a mark, or a name at the start of a line."""
    letters = [c for c in string if c.isalpha()]
    if not letters:
        return bool(string.strip())
    return string.strip().isalpha() and (string.startswith(" ") or string[:1].isupper()) and len(string.strip()) > 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--candidates", action="store_true", help="list candidates, write nothing")
    options = parser.parse_args()
    torch.set_num_threads(1)
    halves, near = [read(0), read(1)], neighbours()
    if options.candidates:
        candidates(halves, near)
        return
    highest = halves[0][1].max(dim=0).values
    for path, (tokens, f) in zip((HERE / FILE, JUDGE), halves, strict=True):
        write(path, tokens, f, near, highest)


if __name__ == "__main__":
    main()
