"""Train small-lm: a GPT-2-shaped language model on Austen, the King James Bible and Shakespeare, on one CPU core.

    python models/text/gather.py
    python models/small-lm/train.py             Ctrl-C loses at most the step in hand: go on with --resume

1. Every twentieth chapter or scene is held out; a byte-level BPE tokenizer is trained on the rest.
2. Documents are joined by <|endoftext|> into one stream, cut at a fresh random offset for each epoch.
3. AdamW; the learning rate warms up, stays, and falls linearly to zero over the last part of the run.
4. Each checkpoint also writes the model in Hugging Face format, so that a run which is cut short leaves a usable model.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import Tensor
from tqdm import tqdm
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

HERE = Path(__file__).parent
TEXT = HERE.parent / "text"
sys.path.insert(0, str(TEXT))
from gather import BUILD, END, SOURCES, is_held_out  # noqa: E402


def read_documents() -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Training and held-out documents of each source."""
    train, held_out = {}, {}
    for name in SOURCES:
        path = BUILD / f"{name}.jsonl"
        if not path.exists():
            sys.exit(f"{path} is missing: run `python {TEXT / 'gather.py'}` first.")
        texts = [json.loads(line)["text"] for line in path.read_text(encoding="utf-8").splitlines()]
        train[name] = [text for i, text in enumerate(texts) if not is_held_out(i)]
        held_out[name] = [text for i, text in enumerate(texts) if is_held_out(i)]
    return train, held_out


def train_tokenizer(documents: list[str], vocabulary: int) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary, special_tokens=[END], initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    tokenizer.train_from_iterator(documents, trainer)
    return tokenizer


def to_stream(tokenizer: Tokenizer, documents: list[str]) -> np.ndarray:
    """All documents in one row of token ids, with <|endoftext|> before each."""
    end = tokenizer.token_to_id(END)
    ids = (token for encoded in tokenizer.encode_batch(documents) for token in [end, *encoded.ids])
    return np.fromiter(ids, dtype=np.uint16)


class Batches:
    """The batch of any step, a function of the seed and the step alone: a resumed run sees what it would have seen."""

    def __init__(self, stream: np.ndarray, batch: int, context: int, seed: int):
        self.stream, self.batch, self.context, self.seed = stream, batch, context, seed
        self.per_epoch = (len(stream) // context - 1) // batch
        self.epoch = -1

    def __getitem__(self, step: int) -> Tensor:
        epoch, row = divmod(step, self.per_epoch)
        if epoch != self.epoch:
            random = np.random.default_rng([self.seed, epoch])
            self.epoch, self.offset = epoch, int(random.integers(self.context))
            self.order = random.permutation(self.per_epoch * self.batch)
        rows = self.order[row * self.batch : (row + 1) * self.batch]
        starts = self.offset + rows * self.context
        return torch.from_numpy(np.stack([self.stream[s : s + self.context] for s in starts]).astype(np.int64))


def learning_rate(step: int, args: argparse.Namespace) -> float:
    decay_steps = args.steps * args.decay
    return args.lr * min(1.0, (step + 1) / args.warmup, max(0.0, (args.steps - step) / decay_steps))


@torch.no_grad()
def validation_loss(model: GPT2LMHeadModel, stream: np.ndarray, windows: int) -> float:
    """Mean cross-entropy in nats a token over evenly spaced windows."""
    context = model.config.n_positions
    starts = np.linspace(0, len(stream) - context, windows).astype(int)
    tokens = torch.from_numpy(np.stack([stream[s : s + context] for s in starts]).astype(np.int64))
    return float(np.mean([model(input_ids=part, labels=part).loss.item() for part in tokens.split(8)]))


def make_optimizer(model: GPT2LMHeadModel, lr: float) -> torch.optim.AdamW:
    matrices = [p for p in model.parameters() if p.ndim >= 2]
    vectors = [p for p in model.parameters() if p.ndim < 2]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=lr, betas=(0.9, 0.95))


def write_model(model: GPT2LMHeadModel, tokenizer: Tokenizer, folder: Path) -> None:
    """The Hugging Face files, each put in place whole: someone may be reading the folder."""
    staging = BUILD / "small-lm-staging"
    activation, model.config.activation_function = model.config.activation_function, "gelu_new"
    model.save_pretrained(staging)
    model.config.activation_function = activation
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token=END, eos_token=END, model_max_length=model.config.n_positions
    ).save_pretrained(staging)
    folder.mkdir(parents=True, exist_ok=True)
    for file in staging.iterdir():
        file.chmod(0o644)  # safetensors writes 0600, and the sandboxed worker is another user
        os.replace(file, folder / file.name)


def save(path: Path, model: GPT2LMHeadModel, optimizer: torch.optim.AdamW, step: int) -> None:
    partial = path.with_suffix(".partial")
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step}, partial)
    os.replace(partial, path)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=HERE, help="folder for the model (default: this folder)")
    parser.add_argument("--steps", type=int, default=4300, help="optimizer steps (default %(default)s)")
    parser.add_argument("--batch", type=int, default=16, help="sequences a step (default %(default)s)")
    parser.add_argument("--context", type=int, default=256, help="tokens a sequence (default %(default)s)")
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--heads", type=int, default=4)
    parser.add_argument("--width", type=int, default=128, help="d_model (default %(default)s)")
    parser.add_argument("--vocabulary", type=int, default=4096)
    parser.add_argument("--lr", type=float, default=4e-3)
    parser.add_argument("--warmup", type=int, default=100, help="steps of linear warm-up (default %(default)s)")
    parser.add_argument("--decay", type=float, default=0.3, help="last part of the run, in which lr falls to zero")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint in .dojo/text")
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    checkpoint = BUILD / "small-lm.pt"
    train, held_out = read_documents()
    documents = [text for texts in train.values() for text in texts]
    tokenizer = train_tokenizer(documents, args.vocabulary)
    batches = Batches(to_stream(tokenizer, documents), args.batch, args.context, args.seed)
    validation = {name: to_stream(tokenizer, texts) for name, texts in held_out.items()}

    end = tokenizer.token_to_id(END)
    config = GPT2Config(
        vocab_size=args.vocabulary, n_positions=args.context, n_embd=args.width, n_layer=args.layers, n_head=args.heads,
        resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, bos_token_id=end, eos_token_id=end,
        activation_function="gelu_pytorch_tanh",  # gelu_new to within rounding, and faster
    )  # fmt: skip
    model = GPT2LMHeadModel(config)
    optimizer = make_optimizer(model, args.lr)
    first = 0
    if args.resume:
        if not checkpoint.exists():
            sys.exit(f"{checkpoint} is missing: there is no run to resume; start one without --resume.")
        state = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        first = state["step"]
    size = sum(p.numel() for p in model.parameters())
    print(
        f"{size:,} parameters; {len(batches.stream):,} training tokens, {batches.per_epoch} steps an epoch", flush=True
    )

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    bar = tqdm(range(first, args.steps), initial=first, total=args.steps, mininterval=5)
    saved, done, average = time.monotonic(), first, None
    try:
        for step in bar:
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(step, args)
            tokens = batches[step]
            loss = model(input_ids=tokens, labels=tokens).loss
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            done = step + 1
            average = loss.item() if average is None else 0.98 * average + 0.02 * loss.item()
            bar.set_postfix(loss=f"{average:.3f}", refresh=False)
            if done % 250 == 0 or done == args.steps:
                losses = {name: validation_loss(model, stream, 32) for name, stream in validation.items()}
                shown = "  ".join(f"{name} {loss:.3f}" for name, loss in losses.items())
                tqdm.write(f"step {done}: train {average:.3f}, held out: {shown}", file=sys.stdout)
                sys.stdout.flush()
            if time.monotonic() - saved > 60:
                save(checkpoint, model, optimizer, done)
                write_model(model, tokenizer, args.out)
                saved = time.monotonic()
    except KeyboardInterrupt:
        print(f"\nStopped after step {done}; go on with --resume.")
    finally:
        save(checkpoint, model, optimizer, done)
        write_model(model, tokenizer, args.out)


if __name__ == "__main__":
    main()
