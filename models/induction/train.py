"""Train the models of the chapter on induction heads, on one CPU core:

    python models/induction/train.py                    all three
    python models/induction/train.py induction --seed 7 --out /tmp/mine

induction            two layers; rows repeat with a period, and from a place, that vary from row to row
induction-1-layer    its twin: the same data, one layer
positional-shortcut  two layers; every row repeats with the same period: attending a fixed distance back is enough

The first two keep checkpoints. Guessing costs ln 63 = 4.14 nats a token; a token that is seen for the first time cannot be
known, one in a repetition can.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch
from torch import Tensor, nn
from tqdm import tqdm

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from words import attention_only, to_gpt2, word_tokenizer, write_checkpoints, write_model  # noqa: E402

from dojo.transformer import run_with_cache, token_log_probs  # noqa: E402

WORDS = [
    "apple", "bird", "blue", "boat", "book", "bread", "bridge", "cat", "chair", "cloud", "coin", "cup", "dog",
    "door", "drum", "fish", "flag", "flower", "fox", "glass", "gold", "green", "hat", "hill", "horse", "house",
    "ice", "jam", "key", "king", "lake", "lamp", "leaf", "lion", "milk", "moon", "mouse", "night", "orange", "owl",
    "paper", "pear", "plum", "queen", "rain", "red", "ring", "river", "road", "salt", "ship", "silver", "snow",
    "spoon", "star", "stone", "sugar", "sun", "tea", "tree", "wind", "wolf", "wood",
]  # fmt: skip
N_CTX = 64
PERIODS = {"induction": (8, 31), "induction-1-layer": (8, 31), "positional-shortcut": (16, 16)}  # both ends included
LAYERS = {"induction": 2, "induction-1-layer": 1, "positional-shortcut": 2}
SEEDS = {"induction": 0, "induction-1-layer": 0, "positional-shortcut": 0}
# Rows that repeat from their beginning are learnt soon, but ask for previous-token heads at the first positions only.
EARLY_STEPS, ANYWHERE = 400, 0.8
CHECKPOINTS = [*range(0, 150, 50), *range(150, 500, 25), *range(500, 1000, 100), *range(1000, 2501, 250)]


def rows(n: int, periods: tuple[int, int], anywhere: float, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """Tokens [n, N_CTX], and where they repeat what stood one period before (bool, the same shape).

    Each row is <|endoftext|>, then a random sequence again and again. In a share `anywhere` of the rows other random tokens
    come first, as many as leave room for the sequence twice, or fewer.
    """
    period = torch.randint(periods[0], periods[1] + 1, (n, 1), generator=random)
    room = N_CTX - 1 - 2 * period
    later = (torch.rand((n, 1), generator=random) * (room + 1)).long()
    start = 1 + later * (torch.rand((n, 1), generator=random) < anywhere)
    position = torch.arange(N_CTX).expand(n, N_CTX)
    source = torch.where(position < start, position, start + (position - start) % period)
    tokens = torch.randint(1, len(WORDS) + 1, (n, N_CTX), generator=random)
    tokens[:, 0] = 0
    return tokens.gather(1, source), position >= start + period


@torch.no_grad()
def measure(model: nn.Module, tokens: Tensor, repeats: Tensor) -> dict[str, float]:
    """Loss on first sight and in repetitions; the best head's previous-token score (layer 0), induction score (last layer)."""
    logits, cache = run_with_cache(model, tokens)
    losses, repeats = -token_log_probs(logits, tokens), repeats[:, 1:]
    first, last = (cache[f"blocks.{layer}.attn.hook_pattern"] for layer in (0, len(model.blocks) - 1))
    previous = first.diagonal(-1, dim1=-2, dim2=-1).mean((0, 2)).max()
    # after[b, q, k]: the token before k is the token at q, and stands before it
    after = torch.zeros(len(tokens), N_CTX, N_CTX, dtype=torch.bool)
    after[:, :, 1:] = tokens[:, :, None] == tokens[:, None, :-1]
    after = after.tril()
    on_it = (last * after[:, None]).sum(-1).transpose(1, 2)[after.any(-1)].mean(0).max()
    return {
        "first sight": losses[~repeats].mean().item(),
        "repeats": losses[repeats].mean().item(),
        "previous": previous.item(),
        "induction": on_it.item(),
    }


def train(name: str, args: argparse.Namespace) -> tuple[nn.Module, dict[int, dict[str, Tensor]]]:
    """The trained model, and its weights at the steps of CHECKPOINTS."""
    seed = SEEDS[name] if args.seed is None else args.seed
    torch.manual_seed(seed)
    random = torch.Generator().manual_seed(seed)
    anywhere = 0.0 if name == "positional-shortcut" else ANYWHERE
    unseen = rows(64, PERIODS[name], 0.0, torch.Generator().manual_seed(1_000_000))
    model = attention_only(len(WORDS) + 1, N_CTX, LAYERS[name])
    optimizer = torch.optim.AdamW(
        [p for p in model.parameters() if p.requires_grad], lr=args.lr, betas=(0.9, 0.98), weight_decay=args.decay
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda i: min(1.0, (i + 1) / 50, (args.steps - i) / (0.4 * args.steps))
    )
    checkpoints = {0: to_gpt2(model)}
    bar = tqdm(range(1, args.steps + 1), desc=name, mininterval=2)
    for step in bar:
        tokens, _ = rows(args.batch, PERIODS[name], anywhere if step > EARLY_STEPS else 0.0, random)
        loss = -token_log_probs(model(tokens), tokens).mean()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step in CHECKPOINTS or step == args.steps:
            checkpoints[step] = to_gpt2(model)
            found = measure(model, *unseen)
            tqdm.write(f"step {step:5d}  " + "  ".join(f"{what} {value:.3f}" for what, value in found.items()))
    return model, checkpoints


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=list(PERIODS), help="which models (default: all)", metavar="name")
    parser.add_argument(
        "--out", type=Path, default=HERE.parent, help="where the models' folders are (default: models/)"
    )
    parser.add_argument("--steps", type=int, default=2500, help="optimizer steps (default %(default)s)")
    parser.add_argument("--batch", type=int, default=32, help="rows a step (default %(default)s)")
    parser.add_argument("--lr", type=float, default=4e-3)
    parser.add_argument("--decay", type=float, default=0.01, help="weight decay (default %(default)s)")
    parser.add_argument("--seed", type=int, default=None, help="default: the seeds of the shipped models")
    args = parser.parse_args()
    unknown = [name for name in args.names if name not in PERIODS]
    if unknown:
        parser.error(f"there is no model {unknown[0]!r}: choose from {', '.join(PERIODS)}")
    torch.set_num_threads(1)
    tokenizer = word_tokenizer(WORDS)
    for name in args.names:
        model, checkpoints = train(name, args)
        write_model(model, tokenizer, args.out / name)
        if name != "positional-shortcut":
            write_checkpoints(checkpoints, args.out / name)


if __name__ == "__main__":
    main()
