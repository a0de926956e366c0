"""Train the two models of indirect-object identification, on one CPU core:

    python models/ioi-a/train.py                              ioi-a and ioi-b
    python models/ioi-a/train.py --survey 0 1 2 3             train these seeds, save nothing, and say what each does

Both are the same network, trained in the same way on the same distribution; only the seed differs, and with it the circuit.
After each training, activation patching tells where the answer's information is: the residual stream of a prompt goes into
the run on its twin, in which the second subject is the other name, one layer and position at a time. 0: nothing is
restored, 1: the whole logit difference.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch
import torch.nn.functional as F
from tokenizers import Tokenizer as FastTokenizer
from torch import Tensor, nn
from tqdm import tqdm

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from words import attention_only, word_tokenizer, write_model  # noqa: E402

from dojo.ioi import LENGTH, NAMES, OBJECTS, OPENINGS, PLACES, TEMPLATES, corrupted, ioi_prompts, is_held_out  # noqa: E402
from dojo.models import Tokenizer  # noqa: E402
from dojo.transformer import run_with_cache, run_with_hooks, token_log_probs  # noqa: E402

SEEDS = {"ioi-a": 7, "ioi-b": 15}
N_LAYERS = 3
UNSEEN = 1_000_000  # seeds from here on are for measuring


def make_tokenizer() -> FastTokenizer:
    """Marks, openings, the templates' words, then names, places and objects."""
    plain = " ".join(TEMPLATES).replace(",", "").replace(".", "").split()
    return word_tokenizer(
        [",", ".", *OPENINGS, *dict.fromkeys(w for w in plain if "{" not in w), *NAMES, *PLACES, *OBJECTS]
    )


def held_out_table(tokenizer: Tokenizer) -> Tensor:
    """bool [d_vocab, d_vocab]: the pairs of names that training must not show together."""
    ids = {name: int(tokenizer.encode(name)) for name in NAMES}
    table = torch.zeros(len(tokenizer), len(tokenizer), dtype=torch.bool)
    for a in NAMES:
        for b in NAMES:
            table[ids[a], ids[b]] = is_held_out(a, b)
    return table


def training_batch(tokenizer: Tokenizer, held_out: Tensor, n: int, seed: int) -> tuple[Tensor, Tensor]:
    """Prompts [about n, pos] and what follows them: two in five in each order, and one in five with three names.

    With three names, the one who gives was not named before, and either of the others may be given to.
    """
    tokens, answers = [], []
    for order in ("ABBA", "BABA"):
        prompts = ioi_prompts(tokenizer, n // 2, order=order, seed=seed)
        n_three = n // 10
        three = corrupted(prompts, tokenizer, "ABC", seed)[:n_three]
        a, b, c = (three[:, prompts.positions[place]] for place in ("IO", "S1", "S2"))
        allowed = ~(held_out[a, b] | held_out[b, c] | held_out[a, c])
        tokens += [prompts.tokens[n_three:], three[allowed]]
        answers += [prompts.correct[n_three:], a[allowed]]  # a is first in one order and second in the other
    return torch.cat(tokens), torch.cat(answers)


def logit_difference(logits: Tensor, prompts) -> Tensor:
    """[n]: the right name's logit over the wrong one's, at the end."""
    each = torch.arange(len(prompts.correct))
    return logits[each, -1, prompts.correct] - logits[each, -1, prompts.wrong]


@torch.no_grad()
def accuracy(model: nn.Module, tokenizer: Tokenizer, order: str, n: int = 500) -> float:
    """How often the right name is the likeliest of all tokens, over pairs that training did not show."""
    prompts = ioi_prompts(tokenizer, n, order=order, held_out=True, seed=UNSEEN)
    return (model(prompts.tokens)[:, -1].argmax(-1) == prompts.correct).float().mean().item()


def train(seed: int, tokenizer: Tokenizer, args: argparse.Namespace) -> nn.Module:
    torch.manual_seed(seed)
    held_out = held_out_table(tokenizer)
    model = attention_only(len(tokenizer), LENGTH, N_LAYERS, std=args.std)
    optimizer = torch.optim.AdamW(
        [p for p in model.parameters() if p.requires_grad], lr=args.lr, betas=(0.9, 0.98), weight_decay=args.decay
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda i: min(1.0, (i + 1) / 50, (args.steps - i) / (0.4 * args.steps))
    )
    bar = tqdm(range(args.steps), desc=f"seed {seed}", mininterval=2)
    for step in bar:
        tokens, answers = training_batch(tokenizer, held_out, args.batch, seed=seed * args.steps + step)
        logits = model(tokens)
        answer_loss = F.cross_entropy(logits[:, -1], answers)
        loss = answer_loss - token_log_probs(logits, tokens).mean()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % 50 == 0:
            bar.set_postfix(answer=f"{answer_loss.item():.3f}")
    return model


@torch.no_grad()
def describe(model: nn.Module, tokenizer: Tokenizer, order: str) -> None:
    """Print the residual stream's patching map, and for each head what patching it at each position restores."""
    prompts = ioi_prompts(tokenizer, 100, order=order, held_out=True, seed=UNSEEN + 1)
    twins = corrupted(prompts, tokenizer, "S2")
    logits, clean = run_with_cache(model, prompts.tokens)
    right, wrong = (logit_difference(out, prompts).mean().item() for out in (logits, model(twins)))
    print(f"{order}: accuracy {accuracy(model, tokenizer, order):.3f}, logit difference {right:.2f}, twins {wrong:.2f}")
    places = [place for place in ("IO", "S1", "S1+1", "S2", "END")]

    def restored(name: str, index: tuple) -> float:
        def patch(activation, hook):
            activation = activation.clone()
            activation[index] = clean[name][index]
            return activation

        out = logit_difference(run_with_hooks(model, twins, [(name, patch)]), prompts).mean().item()
        return (out - wrong) / (right - wrong)

    print("  residual before layer  " + "  ".join(f"{place:>5s}" for place in places))
    for layer in range(N_LAYERS):
        row = [restored(f"blocks.{layer}.hook_resid_pre", (slice(None), prompts.positions[place])) for place in places]
        print(f"  {layer}                      " + "  ".join(f"{value:5.2f}" for value in row))
    for layer in range(N_LAYERS):
        pattern = clean[f"blocks.{layer}.attn.hook_pattern"].mean(0)
        for head in range(model.config.n_heads):
            for place in places:
                at = prompts.positions[place]
                effect = restored(f"blocks.{layer}.attn.hook_z", (slice(None), at, head))
                if abs(effect) > 0.03:
                    looks = {to: pattern[head, at, prompts.positions[to]].item() for to in places}
                    seen = ", ".join(f"{to} {value:.2f}" for to, value in looks.items() if value > 0.1)
                    print(f"  head {layer}.{head} at {place:4s} restores {effect:5.2f}; attends to {seen}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--survey", type=int, nargs="+", metavar="SEED", help="seeds to train and describe, saving nothing"
    )
    parser.add_argument(
        "--out", type=Path, default=HERE.parent, help="where the models' folders are (default: models/)"
    )
    parser.add_argument("--steps", type=int, default=1000, help="optimizer steps (default %(default)s)")
    parser.add_argument("--batch", type=int, default=64, help="prompts a step (default %(default)s)")
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--decay", type=float, default=0.1, help="weight decay (default %(default)s)")
    parser.add_argument("--std", type=float, default=0.125, help="of the first weights (default %(default)s)")
    args = parser.parse_args()
    torch.set_num_threads(1)
    fast = make_tokenizer()
    tokenizer = Tokenizer(fast)
    for name, seed in SEEDS.items() if args.survey is None else [(None, seed) for seed in args.survey]:
        model = train(seed, tokenizer, args)
        for order in ("ABBA", "BABA"):
            describe(model, tokenizer, order)
        if name is not None:
            write_model(model, fast, args.out / name)


if __name__ == "__main__":
    main()
