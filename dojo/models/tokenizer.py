"""A model's tokenizer, with no more around it than the course needs."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import torch
from tokenizers import Tokenizer as FastTokenizer
from torch import Tensor

from dojo.models import smollm2
from dojo.models.folder import ModelError, model_path

END = "<|endoftext|>"


class Tokenizer:
    """Text to tokens and back. `len()` is the size of the vocabulary; `end` is the token of <|endoftext|>, if any."""

    def __init__(self, fast: FastTokenizer):
        self.fast = fast
        self.end: int | None = fast.token_to_id(END)

    def __len__(self) -> int:
        return self.fast.get_vocab_size()

    def encode(self, text: str) -> Tensor:
        """int64 [1, pos], as a model takes them. <|endoftext|> in the text becomes its one token; none is added."""
        return torch.tensor([self.fast.encode(text, add_special_tokens=False).ids], dtype=torch.long)

    def decode(self, tokens: Tensor | Iterable[int]) -> str:
        """The text of one sequence: int [pos] or [1, pos], or a list of ints."""
        return self.fast.decode(_ids(tokens), skip_special_tokens=False)

    def strings(self, tokens: Tensor | Iterable[int]) -> list[str]:
        """The text of each token on its own, for labels: [" Elizabeth", " was", ...]. Part of a character shows as �."""
        return self.fast.decode_batch([[i] for i in _ids(tokens)], skip_special_tokens=False)


def _ids(tokens: Tensor | Iterable[int]) -> list[int]:
    ids = torch.as_tensor(tokens if isinstance(tokens, Tensor) else list(tokens))
    if ids.ndim == 2 and len(ids) == 1:
        ids = ids[0]
    if ids.ndim != 1:
        raise ValueError(f"One sequence at a time: expected shape [pos] or [1, pos], got {list(ids.shape)}.")
    return [int(i) for i in ids]


def load_tokenizer(name: str | Path) -> Tokenizer:
    """The tokenizer of a shipped model, of a local folder, of a model on the hub, or of "smollm2".

    Raises:
        ModelError: there is no such model, the hub cannot be reached, or the model has no tokenizer that can be read.
    """
    if name == smollm2.NAME:
        return Tokenizer(smollm2.load_fast_tokenizer())
    folder = model_path(name)
    try:
        if (folder / "tokenizer.json").is_file():
            return Tokenizer(FastTokenizer.from_file(str(folder / "tokenizer.json")))
        if (folder / "vocab.json").is_file():  # older folders: vocab.json and merges.txt
            from transformers import AutoTokenizer

            return Tokenizer(AutoTokenizer.from_pretrained(folder).backend_tokenizer)
    except Exception as error:  # tokenizers raises bare Exception
        reason = str(error).splitlines()[0]
        raise ModelError(f"The tokenizer in {folder} cannot be read ({reason}): save or download it again.") from None
    raise ModelError(f"{folder} has no tokenizer: copy the tokenizer.json of its training there.")
