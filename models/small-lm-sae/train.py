"""Train the autoencoder that the course ships, on small-lm's residual stream, on one CPU core:

    python models/text/gather.py
    python models/small-lm-sae/train.py           about a quarter of an hour; Ctrl-C loses at most a minute: run it again

1. Windows of 256 tokens from the training text of all three voices go through small-lm; the stream before layer 3 is kept.
2. Chapter 5's own reference trains a TopK autoencoder on it, with the auxiliary loss for dead latents.
3. It is written as SAELens writes one, and judged on held-out text.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn
from tqdm import tqdm

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parent / "text")]
from gather import BUILD, END, SOURCES, is_held_out  # noqa: E402

import dojo  # noqa: E402
from dojo.transformer import run_with_cache  # noqa: E402
from solutions import sparse_autoencoders as chapter  # noqa: E402

MODEL, SITE = "small-lm", "blocks.3.hook_resid_pre"
D_SAE, K = 1024, 16
CONTEXT, BATCH = 256, 2048


def windows(n: int, seed: int = 0) -> Tensor:
    """n windows of training text, int64 [n, CONTEXT]: as many of each voice, each window from within one chapter or scene."""
    tokenizer = dojo.load_tokenizer(MODEL)
    generator = torch.Generator().manual_seed(seed)
    rows = []
    for name in SOURCES:
        path = BUILD / f"{name}.jsonl"
        if not path.exists():
            sys.exit(f"{path} is missing: run `python models/text/gather.py` first.")
        texts = [json.loads(line)["text"] for line in path.read_text(encoding="utf-8").splitlines()]
        parts = [tokenizer.encode(END + text)[0] for i, text in enumerate(texts) if not is_held_out(i)]
        cut = [part[: len(part) // CONTEXT * CONTEXT].view(-1, CONTEXT) for part in parts]
        voice = torch.cat(cut)
        rows.append(voice[torch.randperm(len(voice), generator=generator)[: n // len(SOURCES)]])
    return torch.cat(rows)


def activations(model: nn.Module, tokens: Tensor) -> Tensor:
    """The stream at SITE on all tokens, float [token, d_model]."""
    kept = []
    with torch.no_grad():
        for part in tqdm(tokens.split(32), desc="reading"):
            kept.append(run_with_cache(model, part, [SITE])[1][SITE].flatten(0, 1))
    return torch.cat(kept)


def shuffled(x: Tensor, seed: int = 0) -> Callable[[int], Tensor]:
    """The batch of any step: every input comes once an epoch, in an order of the epoch's own."""
    per_epoch = len(x) // BATCH

    def batch_at(step: int) -> Tensor:
        epoch, i = divmod(step, per_epoch)
        order = torch.randperm(len(x), generator=torch.Generator().manual_seed(seed + epoch))
        return x[order[i * BATCH : (i + 1) * BATCH]]

    return batch_at


def train(x: Tensor, steps: int, lr: float, checkpoint: Path) -> nn.Module:
    torch.manual_seed(0)
    sae = chapter.SparseAutoencoder(x.shape[1], D_SAE, chapter.TopK(K))
    with torch.no_grad():
        sae.b_dec.copy_(x.mean(dim=0))
    state = chapter.start_training(sae, lr)
    if checkpoint.exists():
        state = chapter.load_training(state, checkpoint)
        print(f"going on at step {state.step}")
    batch_at, objective = shuffled(x), chapter.topk_objective(k_aux=64, dead_after=100)
    with tqdm(total=steps, initial=state.step, desc="training") as bar:

        def log(numbers: dict) -> None:
            bar.update(numbers["step"] - bar.n)
            bar.set_postfix({name: f"{value:.3f}" for name, value in numbers.items() if name != "step"})

        while state.step < steps:
            for group in state.optimizer.param_groups:  # level, then down to zero over the last third
                group["lr"] = lr * min(1.0, 3 * (1 - state.step / steps))
            until = min(steps, state.step + 50)
            chapter.train_sae(state, batch_at, objective, until, logger=log, dead_after=100)
            if state.step % 200 == 0:
                chapter.save_training(state, checkpoint)
    checkpoint.unlink(missing_ok=True)
    return sae


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--windows", type=int, default=4800, help="windows of 256 tokens (default 4800: 1.2 million tokens)"
    )
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--out", type=Path, default=HERE)
    options = parser.parse_args()
    torch.set_num_threads(1)
    model = dojo.load_model(MODEL)
    x = activations(model, windows(options.windows))
    BUILD.mkdir(parents=True, exist_ok=True)
    sae = train(x, options.steps, options.lr, BUILD.parent / f"small-lm-sae-{options.steps}.pt")
    chapter.to_saelens(sae, options.out, SITE, MODEL)


if __name__ == "__main__":
    main()
