"""Chapter 2's closing investigation: which heads make this model continue a repeated sequence?

What is planted is the circuit of Elhage et al. 2021 and Olsson et al. 2022: previous-token heads write, at each position,
which token stood before it; induction heads of a later layer look for positions where that is the query's own token
(K-composition), and raise the logit of the token that stands there. All other heads are decoys, several of which have
the attention pattern of a true head and none of its effect.
"""

from __future__ import annotations

import torch
from torch import Tensor

from dojo.planted.compiler import Head, Space, compile_model, draw, generator, shuffled
from dojo.transformer import Transformer

N_LAYERS, N_HEADS, D_VOCAB, N_CTX = 3, 4, 40, 48
D_HEAD, D_MODEL = 88, 208
NEAR, MATCH, REST, LOGIT, NOISE = 9.0, 22.0, 15.0, 8.0, 0.15
SPACE = Space(
    token=D_VOCAB - 1, before=D_VOCAB - 1, next=D_VOCAB - 1, pos=N_CTX, unread=D_VOCAB - 1
)  # token 0 has none


def mystery_heads(name: str) -> Transformer:
    """A model that continues repeated random sequences, with its heads drawn from `name`.

    3 layers of 4 heads, attention only, d_vocab 40, n_ctx 48. Token 0 is `<|endoftext|>`, which comes first; 1 to 39 are
    words without meaning. On tokens that have occurred before, it predicts what followed them; on others, nothing.

    One or two heads are previous-token heads and one or two are induction heads; which, the name decides. Where there
    are two, either each sees to half of the vocabulary, or each does all of it: then neither is needed while the other is
    there. The others are there to be told from them by evidence: some look like true heads and write what nobody reads. The
    weights have a little noise, and their bases are turned at random. The same name gives the same model everywhere.
    """
    rng = generator("heads", name)
    true = _draw(rng)
    heads = {}
    for role, places in true.items():
        parts = len(places) if draw(rng, 0, 1) else 1
        heads |= {place: _true(role, i % parts, parts) for i, place in enumerate(places)}
    every = [(layer, head) for layer in range(N_LAYERS) for head in range(N_HEADS)]
    free = shuffled(rng, [place for place in every if place not in heads])
    first_induction = min(layer for layer, _ in true["induction"])  # before it, nothing can look like an induction head
    late = next(place for place in free if place[0] >= first_induction)
    free.remove(late)
    heads[late] = _decoy("induction", rng)
    kinds = ["previous", "duplicate", "first", "offset"]
    kinds += [kinds[draw(rng, 0, 3)] for _ in range(len(free) - len(kinds))]
    heads |= {place: _decoy(kind, rng) for place, kind in zip(free, kinds, strict=True)}

    embed = torch.cat([torch.zeros(1, SPACE.size), SPACE["token"]])
    unembed = torch.cat([torch.zeros(1, SPACE.size), LOGIT * SPACE["next"]])
    return compile_model(
        SPACE,
        embed=embed,
        positions=SPACE["pos"],
        unembed=unembed,
        heads=[[heads[layer, head] for head in range(N_HEADS)] for layer in range(N_LAYERS)],
        d_head=D_HEAD,
        d_model=D_MODEL,
        rng=rng,
        noise=NOISE,
    )


def _draw(rng: torch.Generator) -> dict[str, list[tuple[int, int]]]:
    """Where the true heads are: previous-token heads in the first one or two layers, induction heads after all of them."""
    border = draw(rng, 1, N_LAYERS - 1)
    layers = {"previous": range(border), "induction": range(border, N_LAYERS)}
    return {
        kind: sorted(shuffled(rng, [(layer, head) for layer in of for head in range(N_HEADS)])[: draw(rng, 1, 2)])
        for kind, of in layers.items()
    }


def _true(role: str, part: int, parts: int) -> Head:
    """A head that sees to one of so many parts of the vocabulary."""
    mine = slice(part, None, parts)
    if role == "previous":
        return Head([_back(1)], [(SPACE["token"][mine], SPACE["before"][mine])])
    return Head(_after_same(), [(SPACE["token"][mine], SPACE["next"][mine])])


def _decoy(kind: str, rng: torch.Generator) -> Head:
    """A head with the attention pattern of its kind, which writes the token that it finds where nobody reads it."""
    match = {
        "previous": lambda: [_back(1)],
        "offset": lambda: [_back(draw(rng, 2, 6))],
        "first": lambda: [_first(NEAR)],
        "duplicate": lambda: [
            (MATCH * SPACE["token"], SPACE["token"]),
            (-MATCH * SPACE["pos"], SPACE["pos"]),
            _first(REST),
        ],
        "induction": _after_same,
    }[kind]()
    return Head(match, [(SPACE["token"], SPACE["unread"][torch.randperm(D_VOCAB - 1, generator=rng)])])


def _first(score: float) -> tuple[Tensor, Tensor]:
    """From everywhere to the first position."""
    return score * SPACE["pos"].sum(dim=0, keepdim=True), SPACE["pos"][:1]


def _back(offset: int) -> tuple[Tensor, Tensor]:
    """From each position to the one `offset` before it; the first few stay where nothing matches."""
    return NEAR * SPACE["pos"][offset:], SPACE["pos"][:-offset]


def _after_same() -> list[tuple[Tensor, Tensor]]:
    """To where the token before is the query's own; where there is no such place, to the first position."""
    return [(MATCH * SPACE["token"], SPACE["before"]), _first(REST)]
