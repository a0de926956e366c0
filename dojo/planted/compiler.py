"""A small compiler: heads described by what they match and what they move, turned into weights of a `Transformer`.

1. Name the subspaces of the residual stream (`Space`): which token stands here, at which position, what was copied.
2. Describe each `Head`: pairs of (what the query reads, what the key reads) whose products add up to the attention
   score, and pairs of (what is read at the key, where it is written at the query).
3. `compile_model` writes the weights. The stream is turned by a random orthogonal matrix that keeps the direction of
   all ones free, and so is each head's own space: no subspace lies on the axes.
4. LayerNorm is made transparent: its eps is so large (1e6, against a variance of about 1) that it divides by a constant,
   which its weight undoes; nothing is ever written along the direction that it removes by centring. What is left of it
   is a relative error of about 1e-6.

Source: the idea of models that are compiled from a program, as ground truth for interpretability, is that of Lindner et
al. 2023, "Tracr"; the reading of heads as a QK and an OV circuit on subspaces of the residual stream is Elhage et al.
2021, "A Mathematical Framework for Transformer Circuits".
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field

import torch
from torch import Tensor

from dojo.transformer import Config, Transformer

LN_EPS = 1e6  # its root, 1000, is exact; the variance of the streams here is about 1


class Space:
    """The named subspaces of the residual stream, side by side.

    `space["token"]` is float [size of the subspace, size of all]: its rows are the subspace's axes. `code @
    space["token"]` is a stream vector with that code there; `x @ space["token"].T` reads it back.
    """

    def __init__(self, **sizes: int):
        self.size = sum(sizes.values())
        axes = torch.eye(self.size)
        self.axes = dict(zip(sizes, axes.split(list(sizes.values())), strict=True))

    def __getitem__(self, name: str) -> Tensor:
        return self.axes[name]


Pair = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Head:
    """What a head does, in the axes of a `Space` of size d.

    match: pairs (query, key), each [k, d]; a pair adds (query x_q) . (key x_k) to the attention score, after the
        division by sqrt(d_head).
    move: pairs (read, write), each [m, d]; a pair writes (read x_key) along the rows of `write`, at the query.
    """

    match: list[Pair]
    move: list[Pair] = field(default_factory=list)


@dataclass(frozen=True)
class Neurons:
    """The MLP of a layer: gelu(read x + bias), one value a neuron, times the rows of write. read, write: [neuron, d]."""

    read: Tensor
    bias: Tensor
    write: Tensor


def generator(*key: str) -> torch.Generator:
    """A source of random numbers that depends on the key alone, on every machine."""
    digest = hashlib.sha256("\n".join(key).encode("utf-8", "surrogatepass")).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:7], "big"))


def draw(rng: torch.Generator, low: int, high: int) -> int:
    """One integer, low <= n <= high."""
    return int(torch.randint(low, high + 1, (), generator=rng))


def shuffled(rng: torch.Generator, items: list) -> list:
    """The same items in a random order."""
    return [items[i] for i in torch.randperm(len(items), generator=rng).tolist()]


def compile_model(
    space: Space,
    *,
    embed: Tensor,
    positions: Tensor,
    unembed: Tensor,
    heads: list[list[Head]],
    d_head: int,
    d_model: int,
    rng: torch.Generator,
    neurons: dict[int, Neurons] | None = None,
    noise: float = 0.0,
) -> Transformer:
    """The Transformer that does what is described.

    Args:
        space: the subspaces; all tensors below are in its axes, d = space.size.
        embed, positions: [d_vocab, d] and [n_ctx, d], what a token and a position write.
        unembed: [d_vocab, d], what the logit of each token reads.
        heads: for each layer, its heads (every layer has the same number).
        d_head: at least the sum of the k of a head's match, and of the m of its move.
        d_model: at least d + 1; the direction of all ones stays free.
        rng: draws the rotations and the noise.
        neurons: the MLPs, by layer; a layer without one has an MLP of zeros.
        noise: the standard deviation of Gaussian noise on the weights, as a part of each matrix's root mean square.
    """
    neurons = neurons or {}
    sizes = {"d_vocab": len(embed), "n_ctx": len(positions), "n_layers": len(heads), "n_heads": len(heads[0])}
    d_mlp = max([1, *(len(each.bias) for each in neurons.values())])
    config = Config(**sizes, d_model=d_model, d_head=d_head, d_mlp=d_mlp, ln_eps=LN_EPS)
    with torch.random.fork_rng(devices=[]):  # the first weights, replaced below, cost the caller no random numbers
        model = Transformer(config)
    weights = {name: torch.zeros(value.shape) for name, value in model.state_dict().items()}

    directions = torch.randn(d_model, d_model, generator=rng, dtype=torch.float64)
    directions[:, 0] = 1
    basis = torch.linalg.qr(directions).Q[:, 1 : space.size + 1].T.float()  # [d, d_model], orthogonal to all ones
    weights |= {"W_E": embed @ basis, "W_pos": positions @ basis, "W_U": (unembed @ basis).T.contiguous()}

    shape = 2, config.n_layers, config.n_heads, d_head, d_head  # in each head one for q and k, and one for v
    turns = torch.linalg.qr(torch.randn(shape, generator=rng)).Q
    for layer, row in enumerate(heads):
        into = f"blocks.{layer}.attn."
        for i, head in enumerate(row):
            scale = d_head**0.25  # on queries and keys: together they undo the division by sqrt(d_head)
            query, key = (stacked(head.match, side, turns[0, layer, i]) for side in (0, 1))
            read, write = (stacked(head.move, side, turns[1, layer, i]) for side in (0, 1))
            weights[into + "W_Q"][i], weights[into + "W_K"][i] = scale * (query @ basis).T, scale * (key @ basis).T
            weights[into + "W_V"][i], weights[into + "W_O"][i] = (read @ basis).T, write @ basis
    for layer, mlp in neurons.items():
        into = f"blocks.{layer}.mlp."
        weights[into + "W_in"][:, : len(mlp.bias)] = (mlp.read @ basis).T
        weights[into + "b_in"][: len(mlp.bias)] = mlp.bias
        weights[into + "W_out"][: len(mlp.bias)] = mlp.write @ basis

    for name, value in weights.items():
        if noise and ".mlp." not in name and name.split(".")[-1].startswith("W_"):
            size = noise * value.pow(2).mean().sqrt()
            value += size * torch.randn(value.shape, generator=rng)
        if name.endswith("weight"):
            value.fill_(math.sqrt(LN_EPS))
    model.load_state_dict(weights)
    return model


def stacked(pairs: list[Pair], side: int, turn: Tensor) -> Tensor:
    """One side of all pairs, below one another, in a turned basis of the head's space: [d_head, d]."""
    rows = torch.cat([pair[side] for pair in pairs])
    return turn[:, : len(rows)] @ rows
