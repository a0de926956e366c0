"""A Llama-shaped model in the course's form: chapter 1's RMSNorm, rotary positions, SwiGLU and attention, put together.

Its hook points and attention weights have the names and shapes that they have in chapter 1's Transformer, so that what the
chapters write for the one runs on the other. Where grouped-query attention shares keys and values between heads, W_K, W_V,
`hook_k` and `hook_v` show each head with its own copy. Two things do not carry over: RMSNorm subtracts no mean, so that
attributions which subtract it do not add up exactly; and a score of attention is not q . k but that of the two, rotated.
"""

from __future__ import annotations

from dataclasses import dataclass

import einops
import torch
from torch import Tensor, nn

from dojo.transformer import Config, HookPoint, RMSNorm, attention_pattern, rotary, swiglu


@dataclass
class LlamaConfig(Config):
    """Chapter 1's sizes and two more; the defaults of these are SmolLM2-135M's."""

    n_kv_heads: int = 3  # keys and values; n_heads is a multiple of it
    rope_base: float = 100000.0


class Norm(RMSNorm):
    """Chapter 1's RMSNorm with the hook points of its LayerNorm, and a bias of 0."""

    def __init__(self, d_model: int, eps: float):
        super().__init__(d_model, eps)
        self.register_buffer("bias", torch.zeros(d_model), persistent=False)
        self.hook_scale = HookPoint()  # [..., 1]
        self.hook_normalized = HookPoint()  # [..., d_model], after the weight

    def forward(self, x: Tensor) -> Tensor:
        scale = self.hook_scale((x.pow(2).mean(dim=-1, keepdim=True) + self.eps).sqrt())
        return self.hook_normalized(x / scale * self.weight)


class Attention(nn.Module):
    """Grouped-query attention (Ainslie et al. 2023) with rotary positions; the biases are 0.

    `hook_q` and `hook_k` take queries and keys before the rotation, `hook_rot_q` and `hook_rot_k` after it.
    """

    def __init__(self, config: LlamaConfig):
        super().__init__()
        n_heads, n_kv_heads, d_model, d_head = config.n_heads, config.n_kv_heads, config.d_model, config.d_head
        self.config = config
        for name in ("b_Q", "b_K", "b_V"):  # what is written for chapter 1's Transformer may add them
            self.register_buffer(name, torch.zeros(n_heads, d_head), persistent=False)
        self.register_buffer("b_O", torch.zeros(d_model), persistent=False)
        self.W_Q = nn.Parameter(torch.empty(n_heads, d_model, d_head))
        self.W_K_shared = nn.Parameter(torch.empty(n_kv_heads, d_model, d_head))
        self.W_V_shared = nn.Parameter(torch.empty(n_kv_heads, d_model, d_head))
        self.W_O = nn.Parameter(torch.empty(n_heads, d_head, d_model))
        self.hook_q = HookPoint()  # [batch, pos, head, d_head]
        self.hook_k = HookPoint()  # [batch, pos, head, d_head]
        self.hook_v = HookPoint()  # [batch, pos, head, d_head]
        self.hook_rot_q = HookPoint()  # [batch, pos, head, d_head]
        self.hook_rot_k = HookPoint()  # [batch, pos, head, d_head]
        self.hook_pattern = HookPoint()  # [batch, head, query, key]
        self.hook_z = HookPoint()  # [batch, pos, head, d_head]

    def _for_each_head(self, shared: Tensor, axis: int) -> Tensor:
        return shared.repeat_interleave(self.config.n_heads // self.config.n_kv_heads, dim=axis)

    @property
    def W_K(self) -> Tensor:
        """[head, d_model, d_head]"""
        return self._for_each_head(self.W_K_shared, 0)

    @property
    def W_V(self) -> Tensor:
        """[head, d_model, d_head]"""
        return self._for_each_head(self.W_V_shared, 0)

    def forward(self, x: Tensor) -> Tensor:
        into_heads = "batch pos d_model, head d_model d_head -> batch pos head d_head"
        q = self.hook_q(einops.einsum(x, self.W_Q, into_heads))
        k = self.hook_k(self._for_each_head(einops.einsum(x, self.W_K_shared, into_heads), 2))
        v = self.hook_v(self._for_each_head(einops.einsum(x, self.W_V_shared, into_heads), 2))
        positions = torch.arange(x.shape[1], device=x.device)
        q = self.hook_rot_q(rotary(q, positions, self.config.rope_base))
        k = self.hook_rot_k(rotary(k, positions, self.config.rope_base))
        pattern = self.hook_pattern(attention_pattern(q, k))
        z = einops.einsum(pattern, v, "batch head query key, batch key head d_head -> batch query head d_head")
        return einops.einsum(self.hook_z(z), self.W_O, "batch pos head d, head d d_model -> batch pos d_model")


class MLP(nn.Module):
    """Chapter 1's swiglu with its weights."""

    def __init__(self, config: LlamaConfig):
        super().__init__()
        self.W_gate = nn.Parameter(torch.empty(config.d_model, config.d_mlp))
        self.W_up = nn.Parameter(torch.empty(config.d_model, config.d_mlp))
        self.W_down = nn.Parameter(torch.empty(config.d_mlp, config.d_model))

    def forward(self, x: Tensor) -> Tensor:
        return swiglu(x, self.W_gate, self.W_up, self.W_down)


class Block(nn.Module):
    """As chapter 1's TransformerBlock."""

    def __init__(self, config: LlamaConfig):
        super().__init__()
        self.ln1, self.attn = Norm(config.d_model, config.ln_eps), Attention(config)
        self.ln2, self.mlp = Norm(config.d_model, config.ln_eps), MLP(config)
        self.hook_resid_pre = HookPoint()
        self.hook_attn_out = HookPoint()
        self.hook_resid_mid = HookPoint()
        self.hook_mlp_out = HookPoint()
        self.hook_resid_post = HookPoint()

    def forward(self, resid_pre: Tensor) -> Tensor:
        resid_pre = self.hook_resid_pre(resid_pre)
        resid_mid = self.hook_resid_mid(resid_pre + self.hook_attn_out(self.attn(self.ln1(resid_pre))))
        return self.hook_resid_post(resid_mid + self.hook_mlp_out(self.mlp(self.ln2(resid_mid))))


class Llama(nn.Module):
    """forward(tokens): int64 [batch, pos] to logits, float [batch, pos, d_vocab]. The weights come from
    `load_llama_weights`: until then they are whatever was in memory.

    Source: Touvron et al. 2023; names of the activations from TransformerLens.
    """

    def __init__(self, config: LlamaConfig):
        super().__init__()
        self.config = config
        self.W_E = nn.Parameter(torch.empty(config.d_vocab, config.d_model))
        self.hook_embed = HookPoint()
        self.hook_pos_embed = HookPoint()  # takes 0: positions turn queries and keys, and add nothing to the stream
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.n_layers))
        self.ln_final = Norm(config.d_model, config.ln_eps)
        self.W_U = nn.Parameter(torch.empty(config.d_model, config.d_vocab))

    def forward(self, tokens: Tensor) -> Tensor:
        if tokens.shape[1] > self.config.n_ctx:
            raise IndexError(f"The sequence has {tokens.shape[1]} tokens; the model was made for {self.config.n_ctx}.")
        embedded = self.hook_embed(self.W_E[tokens])
        resid = embedded + self.hook_pos_embed(torch.zeros_like(embedded))
        for block in self.blocks:
            resid = block(resid)
        return self.ln_final(resid) @ self.W_U


def load_llama_weights(model: Llama, state_dict: dict[str, Tensor]) -> None:
    """Copy the weights of transformers' LlamaForCausalLM, by its names and in its layout ([out, in]), into a `Llama`.

    Without an lm_head.weight the head is tied: W_U is the embedding transposed.
    """
    old = {name.removeprefix("model."): value for name, value in state_dict.items()}
    new = {"W_E": old["embed_tokens.weight"], "ln_final.weight": old["norm.weight"]}
    new["W_U"] = old.get("lm_head.weight", old["embed_tokens.weight"]).T

    def heads(weight: Tensor) -> Tensor:
        return einops.rearrange(weight, "(head d_head) d_model -> head d_model d_head", d_head=model.config.d_head)

    for i in range(model.config.n_layers):
        theirs = {key.removeprefix(f"layers.{i}."): old[key] for key in old if key.startswith(f"layers.{i}.")}
        ours = {
            "ln1.weight": theirs["input_layernorm.weight"],
            "ln2.weight": theirs["post_attention_layernorm.weight"],
            "attn.W_Q": heads(theirs["self_attn.q_proj.weight"]),
            "attn.W_K_shared": heads(theirs["self_attn.k_proj.weight"]),
            "attn.W_V_shared": heads(theirs["self_attn.v_proj.weight"]),
            "attn.W_O": heads(theirs["self_attn.o_proj.weight"].T).transpose(1, 2),
            "mlp.W_gate": theirs["mlp.gate_proj.weight"].T,
            "mlp.W_up": theirs["mlp.up_proj.weight"].T,
            "mlp.W_down": theirs["mlp.down_proj.weight"].T,
        }
        new |= {f"blocks.{i}.{name}": value for name, value in ours.items()}
    model.load_state_dict(new)
