"""The heads that programs for indirect-object identification are put together from (Wang et al. 2022), on one `Space`.

A name has a code of length 1 in 32 dimensions, and two names' codes have a cosine of 0 or +-0.18; other words have no name.
`dojo.ioi` puts the names at fixed places: the subject's second mention is at S2, and END, the last position, predicts.
"""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

from dojo.ioi import LENGTH, NAMES
from dojo.ioi import SUBJECT as S2
from dojo.models import Tokenizer
from dojo.planted.compiler import Head, Pair, Space, generator

END = LENGTH - 1
D_NAME, D_HEAD, D_MODEL = 32, 52, 208
SPACE = Space(
    name=D_NAME,  # which name stands here
    word=8,  # which other word
    is_name=1,
    pos=LENGTH,
    copied=D_NAME,  # a name brought here by a head of an early layer ...
    has_copy=1,
    moved=D_NAME,  # ... and one brought on to END, for later heads
    answer=D_NAME,  # the name to say next
    unread=D_NAME + 8,  # where decoys write
)
NEAR, MATCH, REST = 9.0, 20.0, 12.0  # attention scores
EVERYWHERE, START, AT_S2, AT_END = SPACE["pos"].sum(dim=0, keepdim=True), *(SPACE["pos"][[p]] for p in (0, S2, END))
EARLY = SPACE["pos"][1:S2].sum(dim=0, keepdim=True)  # the clause before S2


@cache
def name_tokens(tokenizer: Tokenizer) -> list[int]:
    return [int(tokenizer.encode(f" {name}")[0, 0]) for name in NAMES]


def embedding(tokenizer: Tokenizer) -> Tensor:
    """[d_vocab, d]: names have their code and are marked as names; other words have a code that no true head reads."""
    words = torch.randn(len(tokenizer), len(SPACE["word"]), generator=generator("words"))
    embed = words / words.norm(dim=1, keepdim=True) @ SPACE["word"]
    embed[name_tokens(tokenizer)] = name_codes(len(NAMES)) @ SPACE["name"] + SPACE["is_name"]
    return embed


def unembedding(tokenizer: Tokenizer) -> Tensor:
    """[d_vocab, d]: the logit of a name reads its code in the answer."""
    unembed = torch.zeros(len(tokenizer), SPACE.size)
    unembed[name_tokens(tokenizer)] = name_codes(len(NAMES)) @ SPACE["answer"]
    return unembed


def name_codes(n: int) -> Tensor:
    """n <= 64 unit vectors [n, 32]: the axes, and the rows of a Hadamard matrix."""
    hadamard = torch.ones(1, 1)
    while len(hadamard) < D_NAME:
        hadamard = torch.cat([torch.cat([hadamard, hadamard], 1), torch.cat([hadamard, -hadamard], 1)])
    return torch.cat([torch.eye(D_NAME), hadamard / D_NAME**0.5])[:n]


def moves(source: str, target: str, gain: float = 1.0) -> Pair:
    return SPACE[source], gain * SPACE[target]


IDLE = torch.cat([SPACE["name"], SPACE["word"]]), SPACE["unread"]  # what a decoy moves, to where nobody reads it


def duplicate_token(*move: Pair) -> Head:
    """From a name to its earlier mention; from everything else to the start."""
    not_itself = -2 * MATCH * SPACE["pos"], SPACE["pos"]
    return Head([(MATCH * SPACE["name"], SPACE["name"]), not_itself, (REST * EVERYWHERE, START)], list(move))


def s_inhibition(*move: Pair) -> Head:
    """From END to where a copy of a name was put, which is S2 if the name there is said twice."""
    return Head([(10 * AT_END, SPACE["has_copy"]), (5 * EVERYWHERE, START)], list(move))


def reads_s2(*move: Pair) -> Head:
    """From END to S2, whatever stands there."""
    return Head([(10 * AT_END, AT_S2), (5 * EVERYWHERE, START)], list(move))


def name_mover(sharpness: float, *move: Pair) -> Head:
    """From END to the two names before S2, less to the one that was moved to END. With sharpness 0, to both alike."""
    names = [(10 * AT_END, SPACE["is_name"] + EARLY), (14 * EVERYWHERE, START)]
    return Head([*names, (-sharpness * SPACE["moved"], SPACE["name"])] if sharpness else names, list(move))


def look_up(sharpness: float, *move: Pair) -> Head:
    """From S2 to the two names before it, less to the one that stands at S2 itself."""
    names = [(10 * AT_S2, SPACE["is_name"] + EARLY), (14 * EVERYWHERE, START)]
    return Head([*names, (-sharpness * SPACE["name"], SPACE["name"])], list(move))


def back(offset: int, *move: Pair) -> Head:
    """From each position to the one `offset` before it."""
    return Head([(NEAR * SPACE["pos"][offset:], SPACE["pos"][:-offset])], list(move))


def start(*move: Pair) -> Head:
    """From everywhere to the first position."""
    return Head([(NEAR * EVERYWHERE, START)], list(move))
