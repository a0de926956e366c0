"""Chapter 3's closing investigation: which heads identify the indirect object here, and by which algorithm?

"s-inhibition" (Wang et al. 2022): a duplicate-token head copies the name that came twice to S2; an S-inhibition head moves
it on to END; a name mover there attends to the name that it is not, and says it.
"look-up": at S2, a head attends to the name before it that is not the one standing there, and copies it; a head at END
copies it from S2, and says it.

Both models hold heads with the attention patterns of the other algorithm, which write what nobody reads.
"""

from __future__ import annotations

from functools import cache

import torch

from dojo.models import Tokenizer, load_tokenizer
from dojo.planted import parts
from dojo.planted.compiler import Head, compile_model, draw, generator, shuffled
from dojo.planted.parts import IDLE, moves
from dojo.transformer import Transformer

N_LAYERS, N_HEADS = 3, 4
LOGIT, NOISE = 8.0, 0.02
INHIBITION, LOOK_UP = 2.5, 4.0  # how much less the name to avoid is attended to, in scores
LAST = N_LAYERS - 1

Place = tuple[int, int]


def mystery_circuit(name: str) -> Transformer:
    """A model that identifies indirect objects, with its algorithm and its heads drawn from `name`.

    3 layers of 4 heads, attention only, with ioi-a's tokenizer, for the prompts of `dojo.ioi`: on either order, the
    indirect object's logit at the last position is about 5 above the subject's.

    The algorithm is "s-inhibition" or "look-up". One or two heads play each of its roles; where there are two, each does
    half. The others are there to be told from them by evidence. The weights have a little noise, and their bases are
    turned at random. The same name gives the same model everywhere.
    """
    tokenizer, rng = _tokenizer(), generator("circuit", name)
    algorithm, true = _draw(rng)
    heads = {place: _true(role, len(places)) for role, places in true.items() for place in places}
    every = [(layer, head) for layer in range(N_LAYERS) for head in range(N_HEADS)]
    free = shuffled(rng, [place for place in every if place not in heads])
    if algorithm == "s-inhibition":
        late = next(place for place in free if place[0] == LAST)
        free.remove(late)
        heads[late] = _decoy("name mover", rng)
    kinds = ["duplicate", "look-up", "reads S2", "names", "previous"]
    kinds += [[*kinds, "start"][draw(rng, 0, 5)] for _ in range(len(free) - len(kinds))]
    heads |= {place: _decoy(kind, rng) for place, kind in zip(free, kinds, strict=True)}
    return compile_model(
        parts.SPACE,
        embed=parts.embedding(tokenizer),
        positions=parts.SPACE["pos"],
        unembed=parts.unembedding(tokenizer),
        heads=[[heads[layer, head] for head in range(N_HEADS)] for layer in range(N_LAYERS)],
        d_head=parts.D_HEAD,
        d_model=parts.D_MODEL,
        rng=rng,
        noise=NOISE,
    )


@cache
def _tokenizer() -> Tokenizer:
    return load_tokenizer("known-circuit")  # the same as ioi-a's


def _draw(rng: torch.Generator) -> tuple[str, dict[str, list[Place]]]:
    """The algorithm, and for each of its roles the places of its heads; a role's layers come after those of the one before."""
    algorithm, border = ("s-inhibition", "look-up")[draw(rng, 0, 1)], draw(rng, 1, LAST)
    layers = {
        "s-inhibition": {"duplicate token": [0], "s-inhibition": [1], "name mover": [LAST]},
        "look-up": {"look-up": range(border), "mover": range(border, N_LAYERS)},
    }[algorithm]
    return algorithm, {
        role: sorted(shuffled(rng, [(layer, head) for layer in of for head in range(N_HEADS)])[: draw(rng, 1, 2)])
        for role, of in layers.items()
    }


def _true(role: str, n: int) -> Head:
    """One of the n heads that share a role."""
    if role == "duplicate token":
        return parts.duplicate_token(moves("name", "copied", 1 / n), moves("is_name", "has_copy", 1 / n))
    if role == "s-inhibition":
        return parts.s_inhibition(moves("copied", "moved", 1 / n))
    if role == "name mover":
        return parts.name_mover(INHIBITION, moves("name", "answer", LOGIT / n))
    if role == "look-up":
        return parts.look_up(LOOK_UP, moves("name", "copied", 1 / n))
    return parts.reads_s2(moves("copied", "answer", LOGIT / n))


def _decoy(kind: str, rng: torch.Generator) -> Head:
    """A head that attends as its kind does, and writes what nobody reads."""
    read, write = IDLE
    idle = read, write[torch.randperm(len(write), generator=rng)]
    return {
        "duplicate": lambda: parts.duplicate_token(idle),
        "look-up": lambda: parts.look_up(LOOK_UP, idle),
        "reads S2": lambda: parts.reads_s2(idle),
        "names": lambda: parts.name_mover(0.0, idle),
        "name mover": lambda: parts.name_mover(INHIBITION, idle),
        "previous": lambda: parts.back(draw(rng, 1, 2), idle),
        "start": lambda: parts.start(idle),
    }[kind]()
