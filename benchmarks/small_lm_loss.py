"""The figures of models/small-lm/README.md, computed again from the shipped weights and held-out texts.

    python benchmarks/small_lm_loss.py          a minute on one core

Loss is in nats a token, over windows of the model's context that do not overlap; each window starts afresh.
The training texts other than Austen's are not shipped: their rows appear once models/text/gather.py has run.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import torch
from torch import Tensor
from tqdm import tqdm

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from dojo.models import Tokenizer, load_model, load_text, load_tokenizer  # noqa: E402
from solutions.transformer_from_scratch import filter_logits, generate, token_log_probs  # noqa: E402

SOURCES = ("austen", "bible", "shakespeare")
END = "<|endoftext|>"
PROMPTS = (
    f"{END}It is a truth universally acknowledged, that",
    f"{END}In those days there was",
    f"{END}[Enter KING HENRY, and Lords]\n\nKING HENRY:\n",
    "The old man looked at her, and",
)
# The noun before the verb, not the nearest word, decides between the two.
AGREEMENT = [
    (f"{start}{noun}{between}", right, wrong)
    for start in ("I saw that the ", "And he said that the ", "She thought the ")
    for singular, plural in (
        ("man", "men"),
        ("woman", "women"),
        ("day", "days"),
        ("house", "houses"),
        ("king", "kings"),
    )
    for noun, right, wrong in ((singular, " was", " were"), (plural, " were", " was"))
    for between in ("", " of the town", " of the children")
]


def training_text(name: str) -> str | None:
    if name == "austen":
        return load_text(name)
    path = ROOT / ".dojo" / "text" / f"{name}.jsonl"
    if not path.exists():
        return None
    sys.path.insert(0, str(ROOT / "models" / "text"))
    from gather import is_held_out

    texts = [json.loads(line)["text"] for line in path.read_text(encoding="utf-8").splitlines()]
    return "".join(END + text for i, text in enumerate(texts) if not is_held_out(i))


def windows(tokens: Tensor, size: int, most: int) -> Tensor:
    """Windows that do not overlap, at most `most` of them, evenly spread."""
    cut = tokens[: len(tokens) // size * size].view(-1, size)
    return cut[torch.linspace(0, len(cut) - 1, min(most, len(cut))).long()]


@torch.no_grad()
def losses(model: torch.nn.Module, tokens: Tensor, what: str) -> Tensor:
    """Minus the log-probability of each next token, [window, n_ctx - 1]."""
    return -torch.cat([token_log_probs(model(part), part) for part in tqdm(tokens.split(8), desc=what, leave=False)])


def loss_table(model: torch.nn.Module, tokenizer: Tokenizer, most: int) -> None:
    print("| text | tokens | loss, nats a token | nats a character |\n|---|---|---|---|")
    for split in ("held out", "trained on"):
        for name in SOURCES:
            text = load_text(f"{name}-held-out") if split == "held out" else training_text(name)
            if text is None:
                continue
            tokens = tokenizer.encode(text)[0]
            rows = windows(tokens, model.config.n_ctx, most)
            loss = losses(model, rows, name).mean().item()
            a_character = loss * len(tokens) / len(text)
            print(f"| {name}, {split} | {rows.numel():,} | {loss:.3f} | {a_character:.3f} |")


def abilities(model: torch.nn.Module, tokenizer: Tokenizer) -> None:
    n_ctx = model.config.n_ctx
    by_position = losses(model, torch.cat([windows(tokenizer.encode(load_text(f"{n}-held-out"))[0], n_ctx, 200)
                                           for n in SOURCES]), "positions").mean(0)  # fmt: skip
    early, late = by_position[4:16].mean(), by_position[-64:].mean()
    print(f"\nLoss at positions 5 to 16: {early:.2f}; at the last 64: {late:.2f}.")

    half = n_ctx // 2
    text = windows(tokenizer.encode(load_text("austen-held-out"))[0], half, 100)
    twice = losses(model, torch.cat([text, text], dim=1), "repeats")
    print(f"The same {half} tokens of Austen twice: loss {twice[:, : half - 1].mean():.2f} the first time,", end=" ")
    print(f"{twice[:, half:].mean():.2f} the second.")
    random = torch.randint(1, len(tokenizer), (50, half), generator=torch.Generator().manual_seed(0))
    twice = losses(model, torch.cat([random, random], dim=1), "random repeats")
    print(f"{half} random tokens twice: {twice[:, : half - 1].mean():.2f}, then {twice[:, half:].mean():.2f}.")

    right = {"": [], " of the town": [], " of the children": []}
    for prompt, good, bad in AGREEMENT:
        with torch.no_grad():
            logits = model(tokenizer.encode(END + prompt))[0, -1]
        a, b = (tokenizer.encode(word)[0, 0] for word in (good, bad))
        between = next(b for b in sorted(right, key=len, reverse=True) if prompt.endswith(b))
        right[between].append(bool(logits[a] > logits[b]))
    shown = ", ".join(f"{sum(hits)} of {len(hits)} with '…{words}'" for words, hits in right.items())
    print(f"'was' or 'were' after the noun: {shown}.")


def samples(model: torch.nn.Module, tokenizer: Tokenizer) -> None:
    torch.manual_seed(0)

    def draw(logits: Tensor) -> Tensor:
        return torch.multinomial(filter_logits(logits, temperature=0.8, top_p=0.95).softmax(-1), 1)[:, 0]

    for prompt in PROMPTS:
        text = tokenizer.decode(generate(model, tokenizer.encode(prompt), 80, draw))
        print(f"\n{text.removeprefix(END)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="small-lm")
    parser.add_argument("--windows", type=int, default=400, help="most windows a text (default %(default)s)")
    args = parser.parse_args()
    torch.set_num_threads(1)
    model, tokenizer = load_model(args.model), load_tokenizer(args.model)
    loss_table(model, tokenizer, args.windows)
    abilities(model, tokenizer)
    samples(model, tokenizer)


if __name__ == "__main__":
    main()
