"""Prompts for indirect-object identification (Wang et al. 2022), for any tokenizer that has the words.

    <|endoftext|>Then, Mary and John went to the store. John gave a book to        -> Mary

All prompts have the same length and the names at the same places, so that activations can be averaged over prompts and
moved between them. Which name comes first is the order: "ABBA" is the prompt above, in "BABA" John is named first. Apart
from the names, prompts of the two orders are drawn in the same way: no other word tells what the answer is.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import torch
from torch import Tensor

from dojo.models.tokenizer import END, Tokenizer

NAMES = [
    "Mary", "John", "Anna", "David", "Sarah", "James", "Emma", "Daniel", "Laura", "Peter", "Maria", "Omar", "Julia",
    "Hassan", "Alice", "Ivan", "Nina", "Kevin", "Clara", "Ahmed", "Rosa", "Leo", "Lucy", "Diego", "Helen", "Ali",
    "Kate", "Carlos", "Emily", "Simon", "Elena", "Hugo", "Amy", "Samuel", "Leah", "Victor", "Rachel", "Ibrahim",
    "Eva", "Martin", "Jane", "Adam", "Lily", "Antonio", "Chloe", "Thomas", "Diana", "Felix", "Naomi", "Noah",
    "Hannah", "Raj", "Claire", "Oscar", "Olivia", "Henry", "Maya", "Pablo", "Zoe", "Luis",
]  # fmt: skip
PLACES = [
    "store", "school", "park", "library", "station", "hospital", "restaurant", "garden", "office", "museum",
    "market", "theatre",
]  # fmt: skip
OBJECTS = [
    "book", "drink", "ball", "letter", "ring", "basket", "computer", "flower", "ticket", "cake", "map", "coat",
]  # fmt: skip
OPENINGS = ["Then", "Later", "Today", "Once", "Yesterday"]
TEMPLATES = [
    "{opening}, {first} and {second} went to the {place}. {subject} gave a {object} to",
    "{opening}, {first} and {second} worked at the {place}. {subject} handed a {object} to",
    "{opening}, {first} and {second} met near the {place}. {subject} offered a {object} to",
    "{opening}, {first} and {second} waited outside the {place}. {subject} passed a {object} to",
    "{opening}, {first} and {second} sat in the {place}. {subject} showed a {object} to",
]
LENGTH = 16  # tokens, with <|endoftext|>
FIRST, SECOND, PLACE, SUBJECT, OBJECT = 3, 5, 9, 11, 14
ORDERS = {"ABBA": (FIRST, SECOND), "BABA": (SECOND, FIRST)}  # where the indirect object and the subject are named


@dataclass
class Prompts:
    """Prompts of one order.

    tokens: int64 [n, pos]. correct, wrong: int64 [n], the tokens of the indirect object (the name that is said once) and of
        the subject (the name that is said twice).
    positions: where "IO", "S1", "S1+1", "S2" and "END" are, the same in all prompts; END is the last position.
    strings: the first prompt's tokens as text, to label axes with. order: "ABBA" or "BABA".
    """

    tokens: Tensor
    correct: Tensor
    wrong: Tensor
    positions: dict[str, int]
    strings: list[str]
    order: str


@dataclass(frozen=True)
class _Words:
    """What a tokenizer has of the words above: tokens, and frames [n, pos] whose five gaps are to be filled."""

    names: Tensor
    places: Tensor
    objects: Tensor
    frames: Tensor
    pairs: dict[bool, Tensor]  # held out or not -> [n, 2] tokens of two names


def is_held_out(name: str, other: str) -> bool:
    """Whether this pair of names, in either order, is kept from training: one pair in eight, by a hash of the names."""
    return hashlib.sha256(" ".join(sorted([name, other])).encode()).digest()[0] % 8 == 0


def ioi_prompts(tokenizer: Tokenizer, n: int, *, order: str = "ABBA", held_out: bool = False, seed: int = 0) -> Prompts:
    """Draw prompts in which one of two people gives something to the other.

    Args:
        tokenizer: the model's: "ioi-a"'s or GPT-2's, for instance. Only words that are one token in it are used.
        n: how many prompts.
        order: "ABBA": the indirect object is named before the subject; "BABA": after it.
        held_out: draw pairs of names that ioi-a and ioi-b did not see together in training; else pairs that they did see.
        seed: the same seed gives the same prompts.

    Raises:
        ValueError: there is no such order, or the tokenizer has too few of the words.
    """
    if order not in ORDERS:
        raise ValueError(f"There is no order {order!r}: choose one of {', '.join(ORDERS)}.")
    words, random = _words(tokenizer), torch.Generator().manual_seed(seed)

    def draw(choices: Tensor) -> Tensor:
        return choices[torch.randint(len(choices), (n,), generator=random)]

    tokens, pairs = draw(words.frames), draw(words.pairs[held_out])
    tokens[:, PLACE], tokens[:, OBJECT] = draw(words.places), draw(words.objects)
    swapped = torch.rand(n, generator=random) < 0.5  # pairs are listed in one order only
    correct, wrong = torch.where(swapped[:, None], pairs.flip(1), pairs).unbind(1)
    at_io, at_s1 = ORDERS[order]
    tokens[:, at_io], tokens[:, at_s1], tokens[:, SUBJECT] = correct, wrong, wrong
    positions = {"IO": at_io, "S1": at_s1, "S1+1": at_s1 + 1, "S2": SUBJECT, "END": LENGTH - 1}
    return Prompts(tokens, correct, wrong, positions, tokenizer.strings(tokens[0]) if n else [], order)


def corrupted(prompts: Prompts, tokenizer: Tokenizer, kind: str = "S2", seed: int = 0) -> Tensor:
    """The prompts with other names, all else as it was: int64 [n, pos].

    Args:
        kind: "S2": the subject's second mention becomes the indirect object's name, so that the right answer is now the
            other name. "ABC": the three mentions become three different names, none of them in the prompt, so that there is
            no right answer.
        seed: for the names that "ABC" draws.

    Raises:
        ValueError: there is no such kind.
    """
    tokens, at = prompts.tokens.clone(), prompts.positions
    if kind == "S2":
        tokens[:, at["S2"]] = prompts.correct
    elif kind == "ABC":
        names, random = _words(tokenizer).names, torch.Generator().manual_seed(seed)
        order = torch.rand(len(tokens), len(names), generator=random)
        present = (names == prompts.correct[:, None]) | (names == prompts.wrong[:, None])
        fresh = names[order.masked_fill(present, -1).topk(3).indices]
        tokens[:, at["IO"]], tokens[:, at["S1"]], tokens[:, at["S2"]] = fresh.unbind(1)
    else:
        raise ValueError(f"There is no kind {kind!r}: choose S2 or ABC.")
    return tokens


@lru_cache(maxsize=4)
def _words(tokenizer: Tokenizer) -> _Words:
    def token(word: str) -> int | None:
        ids = tokenizer.encode(f" {word}")[0].tolist()
        return ids[0] if len(ids) == 1 and ids[0] != tokenizer.end else None

    def known(words: list[str]) -> dict[str, int]:
        return {word: i for word in words if (i := token(word)) is not None}

    names, places, objects = known(NAMES), known(PLACES), known(OBJECTS)
    if tokenizer.end is None or len(names) < 12 or not places or not objects:
        raise ValueError(
            f"These prompts need a tokenizer in which {END}, twelve of the names, a place and an object are one token each; "
            f"this one has {len(names)} names, {len(places)} places and {len(objects)} objects: use ioi-a's or GPT-2's."
        )
    person, place, thing = (next(iter(words)) for words in (names, places, objects))
    texts = [
        END + template.format(opening=opening, first=person, second=person, place=place, subject=person, object=thing)
        for template in TEMPLATES
        for opening in OPENINGS
    ]
    frames = [tokens for text in texts if len(tokens := tokenizer.encode(text)[0]) == LENGTH]
    if not frames:
        raise ValueError("This tokenizer cuts every prompt into more tokens than words: use ioi-a's or GPT-2's.")
    pairs = {
        held_out: torch.tensor(
            [(names[a], names[b]) for a, b in combinations(names, 2) if is_held_out(a, b) == held_out]
        )
        for held_out in (False, True)
    }
    return _Words(
        names=torch.tensor(list(names.values())),
        places=torch.tensor(list(places.values())),
        objects=torch.tensor(list(objects.values())),
        frames=torch.stack(frames),
        pairs=pairs,
    )
