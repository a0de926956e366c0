"""The judge's own forward pass, in plain steps and with torch's own functions, in which any activation can be exchanged.

What the graders of this chapter hold answers against; it shares nothing with `run_with_hooks` or the references.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from dojo.transformer import Transformer
from graders.activation_patching import kit

Change = Callable[[Tensor], Tensor]


@lru_cache(maxsize=64)
def same_model(seed: int, **sizes) -> Transformer:
    """The judge's copy of the kit's random model, not to be changed: a test runs again for each known mistake."""
    return kit.random_transformer(seed, **sizes)


@torch.no_grad()
def run_by_hand(
    model: Transformer, tokens: Tensor, changes: Mapping[str, Change] | None = None
) -> tuple[Tensor, dict[str, Tensor]]:
    """Logits and activations of a run in which each activation named in `changes` is replaced by changes[name](it)."""
    changes, seen = changes or {}, {}

    def point(name: str, activation: Tensor) -> Tensor:
        activation = changes.get(name, lambda a: a)(activation.clone())
        seen[name] = activation.clone()
        return activation

    def normed(name: str, ln, x: Tensor) -> Tensor:
        seen[f"{name}.hook_scale"] = (x.var(dim=-1, correction=0, keepdim=True) + ln.eps).sqrt()
        return point(f"{name}.hook_normalized", F.layer_norm(x, ln.weight.shape, ln.weight, ln.bias, ln.eps))

    def attention(name: str, attn, x: Tensor) -> Tensor:
        q, k, v = (
            point(f"{name}.hook_{n.lower()}", torch.stack([x @ w + b for w, b in zip(W, bias, strict=True)], dim=2))
            for n, W, bias in (("Q", attn.W_Q, attn.b_Q), ("K", attn.W_K, attn.b_K), ("V", attn.W_V, attn.b_V))
        )
        scores = q.transpose(1, 2) @ k.permute(0, 2, 3, 1) / q.shape[-1] ** 0.5
        future = torch.arange(x.shape[1])[:, None] < torch.arange(x.shape[1])
        pattern = point(f"{name}.hook_pattern", scores.masked_fill(future, -torch.inf).softmax(dim=-1))
        z = point(f"{name}.hook_z", (pattern @ v.transpose(1, 2)).transpose(1, 2))
        return sum(z[:, :, head] @ W for head, W in enumerate(attn.W_O)) + attn.b_O

    embedded = point("hook_embed", F.embedding(tokens, model.W_E))
    stream = embedded + point("hook_pos_embed", model.W_pos[: tokens.shape[1]].expand_as(embedded))
    for layer, block in enumerate(model.blocks):
        name = f"blocks.{layer}"
        stream = point(f"{name}.hook_resid_pre", stream)
        attn_out = attention(f"{name}.attn", block.attn, normed(f"{name}.ln1", block.ln1, stream))
        stream = point(f"{name}.hook_resid_mid", stream + point(f"{name}.hook_attn_out", attn_out))
        hidden = F.gelu(normed(f"{name}.ln2", block.ln2, stream) @ block.mlp.W_in + block.mlp.b_in, approximate="tanh")
        mlp_out = point(f"{name}.hook_mlp_out", hidden @ block.mlp.W_out + block.mlp.b_out)
        stream = point(f"{name}.hook_resid_post", stream + mlp_out)
    return normed("ln_final", model.ln_final, stream) @ model.W_U, seen
