"""GPT-2 from scratch: the reference of chapter 1, and the model class of every later chapter.

Row vectors multiply from the left (`x @ W`); axes stand in the order batch, position (query before key), head,
d_model / d_head / d_mlp; activations carry TransformerLens's names.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import einops
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor


@dataclass
class Config:
    """The sizes of a transformer. The defaults are those of GPT-2 small (Radford et al. 2019)."""

    d_vocab: int = 50257
    d_model: int = 768
    n_ctx: int = 1024
    n_layers: int = 12
    n_heads: int = 12
    d_head: int = 64
    d_mlp: int = 3072
    ln_eps: float = 1e-5


class HookPoint(nn.Module):
    """Returns what it is given. It is there to have a name, so that a forward hook can read or change what passes."""

    def forward(self, x: Tensor) -> Tensor:
        return x


class LayerNorm(nn.Module):
    """Layer normalisation over the last axis (Ba et al. 2016).

    For each vector of x on its own: subtract its mean, divide by sqrt(variance + eps), multiply by `weight`, add
    `bias`. The variance is the biased one: the mean of the squared deviations, divided by d_model, not d_model - 1.

    forward(x): x is float [..., d_model] with any number of leading axes; returns a new tensor of the same shape and
    dtype, and leaves x as it is.

    Parameters: weight [d_model], bias [d_model].
    Hook points: `hook_scale` takes sqrt(variance + eps), shape [..., 1]; `hook_normalized` takes the result, after
    weight and bias.
    """

    def __init__(self, d_model: int, eps: float = 1e-5):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))
        self.bias = nn.Parameter(torch.zeros(d_model))
        self.hook_scale = HookPoint()  # [..., 1]
        self.hook_normalized = HookPoint()  # [..., d_model]

    def forward(self, x: Tensor) -> Tensor:
        ### BEGIN SOLUTION
        centred = x - x.mean(dim=-1, keepdim=True)
        scale = self.hook_scale((centred.pow(2).mean(dim=-1, keepdim=True) + self.eps).sqrt())
        return self.hook_normalized(centred / scale * self.weight + self.bias)
        ### END SOLUTION


def embed(tokens: Tensor, W_E: Tensor, W_pos: Tensor) -> Tensor:
    """Turn tokens into the first residual stream: the token's row of W_E plus the position's row of W_pos.

    Args:
        tokens: int64 [batch, pos], each in 0 .. d_vocab - 1.
        W_E: float [d_vocab, d_model], one row for each token of the vocabulary.
        W_pos: float [n_ctx, d_model], one row for each position; position 0 is the first token of every sequence.

    Returns:
        float [batch, pos, d_model]. Sequences may be shorter than n_ctx: they use the first rows of W_pos.

    Raises:
        IndexError: pos is greater than n_ctx. (ValueError, or the error that torch raises of itself when the sizes do
            not fit, will do as well; what must not happen is that tokens are cut off or positions repeated.)

    Source: learned position vectors as in Radford et al. 2019 (GPT-2).
    """
    n_pos, n_ctx = tokens.shape[1], W_pos.shape[0]
    if n_pos > n_ctx:
        raise IndexError(f"The sequence has {n_pos} tokens, but there are position vectors for {n_ctx} only.")
    return W_E[tokens] + W_pos[:n_pos]


def attention_pattern(q: Tensor, k: Tensor) -> Tensor:
    """How much each query position attends to each key position, for every head.

    The score of a query and a key is their dot product divided by sqrt(d_head). A query may look at its own position
    and at earlier ones; all later keys are masked before the softmax, which runs over the keys.

    Args:
        q: float [batch, pos, head, d_head], the queries.
        k: float [batch, pos, head, d_head], the keys, at the same positions.

    Returns:
        float [batch, head, query, key]: each row (over key) sums to 1 and is 0 wherever key > query.

    Source: Vaswani et al. 2017, scaled dot-product attention with a causal mask.
    """
    scores = einops.einsum(q, k, "batch query head d_head, batch key head d_head -> batch head query key")
    scores = scores / math.sqrt(q.shape[-1])
    later = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).triu(diagonal=1)
    return scores.masked_fill(later, -torch.inf).softmax(dim=-1)


class Attention(nn.Module):
    """Multi-head causal self-attention: each head moves information from earlier positions to later ones.

    For each head: q = x W_Q + b_Q, and k and v in the same way; the pattern is `attention_pattern(q, k)`; z at a query
    is the sum of v over the keys, weighted by the pattern; z W_O is the head's output. The result is the sum of the
    heads' outputs, plus b_O once.

    forward(x): x is float [batch, pos, d_model]; returns float [batch, pos, d_model]. n_heads * d_head may differ from
    d_model.

    Parameters: W_Q, W_K, W_V [n_heads, d_model, d_head]; b_Q, b_K, b_V [n_heads, d_head];
    W_O [n_heads, d_head, d_model]; b_O [d_model].
    Hook points: `hook_q`, `hook_k`, `hook_v` (with their biases) and `hook_z` take [batch, pos, head, d_head];
    `hook_pattern` takes [batch, head, query, key]. What comes out of a hook point is what the next step uses.

    Source: Vaswani et al. 2017; head by head as in Elhage et al. 2021.
    """

    def __init__(self, config: Config):
        super().__init__()
        n_heads, d_model, d_head = config.n_heads, config.d_model, config.d_head
        self.W_Q = nn.Parameter(0.02 * torch.randn(n_heads, d_model, d_head))
        self.W_K = nn.Parameter(0.02 * torch.randn(n_heads, d_model, d_head))
        self.W_V = nn.Parameter(0.02 * torch.randn(n_heads, d_model, d_head))
        self.W_O = nn.Parameter(0.02 * torch.randn(n_heads, d_head, d_model))
        self.b_Q = nn.Parameter(torch.zeros(n_heads, d_head))
        self.b_K = nn.Parameter(torch.zeros(n_heads, d_head))
        self.b_V = nn.Parameter(torch.zeros(n_heads, d_head))
        self.b_O = nn.Parameter(torch.zeros(d_model))
        self.hook_q = HookPoint()  # [batch, pos, head, d_head]
        self.hook_k = HookPoint()  # [batch, pos, head, d_head]
        self.hook_v = HookPoint()  # [batch, pos, head, d_head]
        self.hook_pattern = HookPoint()  # [batch, head, query, key]
        self.hook_z = HookPoint()  # [batch, pos, head, d_head]

    def forward(self, x: Tensor) -> Tensor:
        ### BEGIN SOLUTION
        into_heads = "batch pos d_model, head d_model d_head -> batch pos head d_head"
        q = self.hook_q(einops.einsum(x, self.W_Q, into_heads) + self.b_Q)
        k = self.hook_k(einops.einsum(x, self.W_K, into_heads) + self.b_K)
        v = self.hook_v(einops.einsum(x, self.W_V, into_heads) + self.b_V)
        pattern = self.hook_pattern(attention_pattern(q, k))
        z = einops.einsum(pattern, v, "batch head query key, batch key head d_head -> batch query head d_head")
        z = self.hook_z(z)
        return einops.einsum(z, self.W_O, "batch pos head d_head, head d_head d_model -> batch pos d_model") + self.b_O
        ### END SOLUTION


class MLP(nn.Module):
    """The feed-forward layer, applied at each position on its own: gelu(x W_in + b_in) W_out + b_out.

    The gelu is GPT-2's: the tanh approximation of Hendrycks and Gimpel 2016 (`gelu_new` in transformers),
    0.5 a (1 + tanh(sqrt(2 / pi) (a + 0.044715 a^3))). It differs from the exact GELU by up to 0.0005.

    forward(x): x is float [batch, pos, d_model]; returns float [batch, pos, d_model].

    Parameters: W_in [d_model, d_mlp], b_in [d_mlp], W_out [d_mlp, d_model], b_out [d_model].
    Hook points: `hook_pre` takes what goes into the gelu and `hook_post` what comes out, both [batch, pos, d_mlp].
    """

    def __init__(self, config: Config):
        super().__init__()
        self.W_in = nn.Parameter(0.02 * torch.randn(config.d_model, config.d_mlp))
        self.b_in = nn.Parameter(torch.zeros(config.d_mlp))
        self.W_out = nn.Parameter(0.02 * torch.randn(config.d_mlp, config.d_model))
        self.b_out = nn.Parameter(torch.zeros(config.d_model))
        self.hook_pre = HookPoint()  # [batch, pos, d_mlp]
        self.hook_post = HookPoint()  # [batch, pos, d_mlp]

    def forward(self, x: Tensor) -> Tensor:
        ### BEGIN SOLUTION
        pre = self.hook_pre(x @ self.W_in + self.b_in)
        post = self.hook_post(F.gelu(pre, approximate="tanh"))
        return post @ self.W_out + self.b_out
        ### END SOLUTION


class TransformerBlock(nn.Module):
    """One layer: attention and then the MLP, each reads the residual stream through its LayerNorm and adds to it.

    resid_mid = resid_pre + attn(ln1(resid_pre)); resid_post = resid_mid + mlp(ln2(resid_mid)). What is added to is
    always the stream itself, never its normalised copy ("pre-LN").

    forward(resid_pre): float [batch, pos, d_model]; returns resid_post, a new tensor of the same shape; resid_pre stays
    as it is.

    Modules: ln1, attn, ln2, mlp.
    Hook points, all [batch, pos, d_model]: `hook_resid_pre` takes the input, `hook_attn_out` what attention adds,
    `hook_resid_mid` the stream between the two, `hook_mlp_out` what the MLP adds, `hook_resid_post` the result.

    Source: Radford et al. 2019 (GPT-2), section 2.3.
    """

    def __init__(self, config: Config):
        super().__init__()
        self.ln1 = LayerNorm(config.d_model, config.ln_eps)
        self.attn = Attention(config)
        self.ln2 = LayerNorm(config.d_model, config.ln_eps)
        self.mlp = MLP(config)
        self.hook_resid_pre = HookPoint()
        self.hook_attn_out = HookPoint()
        self.hook_resid_mid = HookPoint()
        self.hook_mlp_out = HookPoint()
        self.hook_resid_post = HookPoint()

    def forward(self, resid_pre: Tensor) -> Tensor:
        ### BEGIN SOLUTION
        resid_pre = self.hook_resid_pre(resid_pre)
        attn_out = self.hook_attn_out(self.attn(self.ln1(resid_pre)))
        resid_mid = self.hook_resid_mid(resid_pre + attn_out)
        mlp_out = self.hook_mlp_out(self.mlp(self.ln2(resid_mid)))
        return self.hook_resid_post(resid_mid + mlp_out)
        ### END SOLUTION


class Transformer(nn.Module):
    """GPT-2: embed, the blocks in order, a last LayerNorm, and the unembedding W_U, which has no bias.

    forward(tokens): tokens is int64 [batch, pos], pos at most n_ctx; returns the logits, float [batch, pos, d_vocab]:
    at each position a score for each token that may come next.

    Parameters: W_E [d_vocab, d_model], W_pos [n_ctx, d_model], W_U [d_model, d_vocab]. W_U is a parameter of its own.
    Modules: blocks (an nn.ModuleList of n_layers), ln_final.
    Hook points: `hook_embed` takes the token vectors and `hook_pos_embed` the position vectors, each
    [batch, pos, d_model]; their sum is what `embed` returns and what enters the first block. All other hook points lie
    in the blocks and in ln_final: `blocks.0.attn.hook_pattern` is the name of a hook point in the model.

    Raises:
        IndexError: pos is greater than n_ctx. (As in `embed`, any error will do.)

    Source: Radford et al. 2019 (GPT-2); names of the activations from TransformerLens.
    """

    def __init__(self, config: Config):
        super().__init__()
        self.config = config
        self.W_E = nn.Parameter(0.02 * torch.randn(config.d_vocab, config.d_model))
        self.W_pos = nn.Parameter(0.02 * torch.randn(config.n_ctx, config.d_model))
        self.hook_embed = HookPoint()
        self.hook_pos_embed = HookPoint()
        self.blocks = nn.ModuleList(TransformerBlock(config) for _ in range(config.n_layers))
        self.ln_final = LayerNorm(config.d_model, config.ln_eps)
        self.W_U = nn.Parameter(0.02 * torch.randn(config.d_model, config.d_vocab))

    def forward(self, tokens: Tensor) -> Tensor:
        ### BEGIN SOLUTION
        batch, n_pos = tokens.shape
        positions = torch.arange(n_pos, device=tokens.device).expand(batch, n_pos)
        resid = self.hook_embed(self.W_E[tokens]) + self.hook_pos_embed(self.W_pos[positions])
        for block in self.blocks:
            resid = block(resid)
        return self.ln_final(resid) @ self.W_U
        ### END SOLUTION


def token_log_probs(logits: Tensor, tokens: Tensor) -> Tensor:
    """The log-probability (natural log) that the model gave to each token that really came next.

    Entry [b, i] is the log-probability of tokens[b, i + 1] under the logits at position i. The last position's logits
    predict a token that is not there, and are left out.

    Args:
        logits: float [batch, pos, d_vocab], of any size: a token 1000 below the largest logit has log-probability
            -1000, not -inf.
        tokens: int64 [batch, pos], the tokens that the logits were computed from.

    Returns:
        float [batch, pos - 1]. Minus its mean is the language-model loss.
    """
    log_probs = logits[:, :-1].log_softmax(dim=-1)
    return log_probs.gather(dim=-1, index=tokens[:, 1:, None])[..., 0]


def load_gpt2_weights(model: nn.Module, state_dict: dict[str, Tensor]) -> None:
    """Copy the weights of a Hugging Face GPT-2 into a `Transformer` of the same sizes, in place.

    The Hugging Face layout, with D = d_model and H = n_heads * d_head (in GPT-2, H = D):
        wte.weight [d_vocab, D], wpe.weight [n_ctx, D], ln_f.weight and .bias [D], lm_head.weight [d_vocab, D];
        for each layer, after `h.{layer}.`: ln_1 and ln_2, .weight and .bias [D];
        attn.c_attn.weight [D, 3H] and .bias [3H]: queries, then keys, then values; in each, head after head;
        attn.c_proj.weight [H, D] and .bias [D]; mlp.c_fc.weight [D, d_mlp] and .bias [d_mlp];
        mlp.c_proj.weight [d_mlp, D] and .bias [D].
    The layers' matrices are stored `[in, out]`, ready for `x @ W` (the class is called Conv1D). `wte`, `wpe` and
    `lm_head` have one row per token or position.

    Args:
        model: a `Transformer`; its parameters are overwritten (the values are copied, not shared).
        state_dict: from GPT2LMHeadModel, whose names begin with `transformer.` (except lm_head.weight), or from
            GPT2Model, whose names do not, and which has no lm_head. GPT-2 ties its head: without an lm_head.weight,
            W_U is wte.weight transposed. Entries that end in .attn.bias or .attn.masked_bias are old mask buffers:
            ignore them.

    Raises:
        ValueError or RuntimeError (any error will do; load_state_dict raises some of itself): the state dict has more
            or fewer layers than the model, a weight is missing, or its shape does not fit the model.

    Source: transformers, modeling_gpt2.py.
    """
    old = {name.removeprefix("transformer."): value for name, value in state_dict.items()}
    n_layers = len({name.split(".")[1] for name in old if name.startswith("h.")})
    if n_layers != len(model.blocks):
        raise ValueError(f"The state dict has {n_layers} layers and the model {len(model.blocks)}.")
    new = {"W_E": old["wte.weight"], "W_pos": old["wpe.weight"]}
    new |= {"ln_final.weight": old["ln_f.weight"], "ln_final.bias": old["ln_f.bias"]}
    new["W_U"] = old.get("lm_head.weight", old["wte.weight"]).T
    for i, block in enumerate(model.blocks):
        theirs = {name.removeprefix(f"h.{i}."): value for name, value in old.items() if name.startswith(f"h.{i}.")}
        heads = len(block.attn.W_Q)
        W_Q, W_K, W_V = einops.rearrange(
            theirs["attn.c_attn.weight"], "d_model (qkv head d_head) -> qkv head d_model d_head", qkv=3, head=heads
        )
        b_Q, b_K, b_V = einops.rearrange(
            theirs["attn.c_attn.bias"], "(qkv head d_head) -> qkv head d_head", qkv=3, head=heads
        )
        W_O = einops.rearrange(theirs["attn.c_proj.weight"], "(head d_head) d_model -> head d_head d_model", head=heads)
        ours = {
            "ln1.weight": theirs["ln_1.weight"],
            "ln1.bias": theirs["ln_1.bias"],
            "attn.W_Q": W_Q,
            "attn.W_K": W_K,
            "attn.W_V": W_V,
            "attn.W_O": W_O,
            "attn.b_Q": b_Q,
            "attn.b_K": b_K,
            "attn.b_V": b_V,
            "attn.b_O": theirs["attn.c_proj.bias"],
            "ln2.weight": theirs["ln_2.weight"],
            "ln2.bias": theirs["ln_2.bias"],
            "mlp.W_in": theirs["mlp.c_fc.weight"],
            "mlp.b_in": theirs["mlp.c_fc.bias"],
            "mlp.W_out": theirs["mlp.c_proj.weight"],
            "mlp.b_out": theirs["mlp.c_proj.bias"],
        }
        new |= {f"blocks.{i}.{name}": value for name, value in ours.items()}
    model.load_state_dict(new)  # copies the values, and refuses a shape that does not fit


def train_step(model: nn.Module, optimizer: torch.optim.Optimizer, tokens: Tensor) -> float:
    """One step of training on a batch: the loss, its gradients, one step of the optimizer.

    The loss is the mean over batch and position of minus the log-probability of the next token. Gradients that are left
    from before must not count.

    Args:
        model: maps tokens [batch, pos] to logits [batch, pos, d_vocab].
        optimizer: over the model's parameters.
        tokens: int64 [batch, pos].

    Returns:
        The loss before the step, in nats: a number (a tensor without axes will do).
    """
    loss = -token_log_probs(model(tokens), tokens).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def filter_logits(
    logits: Tensor, temperature: float = 1.0, top_k: int | None = None, top_p: float | None = None
) -> Tensor:
    """Change logits so that sampling from their softmax is sharper, and unlikely tokens cannot be drawn.

    In this order: divide by the temperature; keep only the top_k largest; of these, by their softmax, keep the smallest
    set of most likely tokens whose probability is at least top_p. What is not kept becomes -inf; what is kept is
    logits / temperature.

    Args:
        logits: float [..., d_vocab], any leading axes, each row on its own. It is not changed.
        temperature: greater than 0.
        top_k: how many to keep, at least 1; None or 0 keeps all, and so does a number above d_vocab.
        top_p: in (0, 1]; None or 1 keeps all. The most likely token is always kept.
        Among equal logits at either border, you may keep all or any.

    Returns:
        float [..., d_vocab], a new tensor.

    Raises:
        ValueError: temperature is 0 or less.

    Source: top-k, Fan et al. 2018; nucleus (top-p), Holtzman et al. 2019.
    """
    if temperature <= 0:
        raise ValueError(f"The temperature is {temperature}, but it must be greater than 0.")
    logits = logits / temperature
    if top_k:
        smallest_kept = logits.topk(min(top_k, logits.shape[-1])).values[..., -1:]
        logits = logits.masked_fill(logits < smallest_kept, -torch.inf)
    if top_p is not None and top_p < 1:
        probs, order = logits.softmax(dim=-1).sort(dim=-1, descending=True)
        # A token is needed as long as those before it do not reach top_p; the first always is.
        needed = probs.cumsum(dim=-1) - probs < top_p
        needed[..., 0] = True
        logits = logits.masked_fill(~needed.scatter(-1, order, needed), -torch.inf)
    return logits


class KVCache:
    """The keys and values that attention has computed so far, and for how many positions (`length`)."""

    def __init__(self):
        self.length = 0
        self.layers: dict[int, tuple[Tensor, Tensor]] = {}  # k and v, each [batch, length, head, d_head]

    def append(self, layer: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Put new keys and values behind a layer's old ones; returns all of them."""
        if layer in self.layers:
            old_k, old_v = self.layers[layer]
            k, v = torch.cat([old_k, k], dim=1), torch.cat([old_v, v], dim=1)
        self.layers[layer] = k, v
        return k, v


def forward_with_cache(model: nn.Module, tokens: Tensor, cache: KVCache) -> Tensor:
    """Run a `Transformer` on new tokens only: those before them are in the cache, which grows by the new ones.

    Args:
        model: a `Transformer`, with the parameter names of this chapter.
        tokens: int64 [batch, n_new], the tokens that follow those that the cache has seen. With an empty cache: all.
        cache: a `KVCache()`, changed in place.

    Returns:
        The logits at the new positions, float [batch, n_new, d_vocab]: the same as model(all tokens)[:, -n_new:].

    Raises:
        IndexError: the old and new tokens together are more than n_ctx.
    """
    n_old, n_new = cache.length, tokens.shape[1]
    if n_old + n_new > len(model.W_pos):
        raise IndexError(f"The sequence has {n_old + n_new} tokens; the model has {len(model.W_pos)} positions.")
    # Rectangular: a query for each new position, a key for each position.
    visible = torch.ones(n_new, n_old + n_new, dtype=torch.bool, device=tokens.device).tril(diagonal=n_old)
    resid = model.W_E[tokens] + model.W_pos[n_old : n_old + n_new]
    into_heads = "batch pos d_model, head d_model d_head -> batch pos head d_head"
    for layer, block in enumerate(model.blocks):
        attn, x = block.attn, block.ln1(resid)
        q = einops.einsum(x, attn.W_Q, into_heads) + attn.b_Q
        k = einops.einsum(x, attn.W_K, into_heads) + attn.b_K
        v = einops.einsum(x, attn.W_V, into_heads) + attn.b_V
        k, v = cache.append(layer, k, v)
        q, k, v = (each.transpose(1, 2) for each in (q, k, v))  # [batch, head, pos, d_head]
        z = F.scaled_dot_product_attention(q, k, v, attn_mask=visible).transpose(1, 2)
        resid = resid + z.flatten(2) @ attn.W_O.flatten(0, 1) + attn.b_O
        resid = resid + block.mlp(block.ln2(resid))
    cache.length += n_new
    return model.ln_final(resid) @ model.W_U


def generate(model: nn.Module, tokens: Tensor, n_new: int, sampler: Callable[[Tensor], Tensor]) -> Tensor:
    """Continue each sequence by n_new tokens, one after another.

    Use the given `forward_with_cache`: the prompt is run once, after that only the newest token is, so that no position
    is computed twice. No gradients are kept.

    Args:
        model: a `Transformer`.
        tokens: int64 [batch, pos], the prompts, pos at least 1. Not changed.
        n_new: how many tokens to add, 0 or more; pos + n_new is at most n_ctx.
        sampler: chooses the next token of each sequence: float logits [batch, d_vocab] of the last position to int64
            [batch]. It is called once for each new token.

    Returns:
        int64 [batch, pos + n_new], the prompts with what was added.
    """
    cache = KVCache()
    new = tokens
    with torch.no_grad():
        for _ in range(n_new):
            logits = forward_with_cache(model, new, cache)[:, -1]
            new = sampler(logits)[:, None]
            tokens = torch.cat([tokens, new], dim=1)
    return tokens


def run_with_cache(
    model: nn.Module, tokens: Tensor, names: Iterable[str] | None = None
) -> tuple[Tensor, dict[str, Tensor]]:
    """Run the model and keep the activations that pass through its hook points.

    Args:
        model: any module with `HookPoint`s in it, called as model(tokens).
        tokens: the model's input.
        names: the hook points to keep, by their names in model.named_modules(); None keeps every `HookPoint`.

    Returns:
        What the model returned, and a dict from name to activation. The activations are detached copies: they stay as
        they are, whatever the model does later.

    Raises:
        KeyError (an AttributeError or ValueError will do): a name that the model does not have.

    The hooks that this function adds are gone when it returns, also when the model raises; others stay.
    """
    modules = dict(model.named_modules())
    if names is None:
        names = [name for name, module in modules.items() if isinstance(module, HookPoint)]
    cache = {}

    def keep(name: str) -> Callable:
        def hook(module, args, output):
            cache[name] = output.detach().clone()

        return hook

    handles = []
    try:
        for name in names:
            handles.append(modules[name].register_forward_hook(keep(name)))
        return model(tokens), cache
    finally:
        for handle in handles:
            handle.remove()


def run_with_hooks(model: nn.Module, tokens: Tensor, hooks: list[tuple[str, Callable]]) -> Tensor:
    """Run the model while functions look at, or change, the activations at its hook points.

    Args:
        model: any module with `HookPoint`s in it, called as model(tokens).
        tokens: the model's input.
        hooks: pairs (name, fn). fn(activation, hook) gets what passes through the module of that name, and the module
            itself; what it returns goes on in place of the activation, and None leaves the activation as it is. Where a
            name comes twice, the second function gets what the first has made.

    Returns:
        What the model returned.

    Raises:
        KeyError (an AttributeError or ValueError will do): a name that the model does not have.

    The hooks that this function adds are gone when it returns, also when the model or a function raises; others stay.
    """
    modules = dict(model.named_modules())

    def as_torch_hook(fn: Callable) -> Callable:
        return lambda module, args, output: fn(output, module)

    handles = []
    try:
        for name, fn in hooks:
            handles.append(modules[name].register_forward_hook(as_torch_hook(fn)))
        return model(tokens)
    finally:
        for handle in handles:
            handle.remove()


class RMSNorm(nn.Module):
    """Llama's normalisation over the last axis: divide by sqrt(mean of squares + eps), multiply by `weight`.

    Unlike LayerNorm it subtracts no mean and adds no bias.

    forward(x): x is float [..., d_model] with any number of leading axes; returns a new tensor of the same shape.

    Parameter: weight [d_model].

    Source: Zhang and Sennrich 2019; LlamaRMSNorm in transformers.
    """

    def __init__(self, d_model: int, eps: float = 1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x: Tensor) -> Tensor:
        ### BEGIN SOLUTION
        scale = (x.pow(2).mean(dim=-1, keepdim=True) + self.eps).sqrt()
        return x / scale * self.weight
        ### END SOLUTION


def rotary(x: Tensor, positions: Tensor, base: float = 10000.0) -> Tensor:
    """Rotate queries or keys by angles that grow with the position, so that q . k depends on their distance only.

    Entry i of the first half of a head's vector and entry i of the second half, i = 0 .. d_head / 2 - 1, are the two
    coordinates of a point (Llama's convention: the pair is (i, i + d_head / 2), not (2i, 2i + 1)). At position p it is
    rotated by the angle p * base^(-2i / d_head): (a, b) becomes (a cos - b sin, b cos + a sin).

    Args:
        x: float [batch, pos, head, d_head], d_head even. Not changed.
        positions: int64 [pos], the same for every sequence, or [batch, pos].
        base: sets the slowest rotation.

    Returns:
        float [batch, pos, head, d_head].

    Source: Su et al. 2021 (RoFormer); apply_rotary_pos_emb of Llama in transformers.
    """
    d_head = x.shape[-1]
    frequencies = base ** (-torch.arange(0, d_head, 2, device=x.device) / d_head)  # [d_head / 2]
    angles = positions[..., None, None] * frequencies  # [(batch) pos 1 d_head/2], the 1 is for head
    first, second = x.chunk(2, dim=-1)
    cos, sin = angles.cos(), angles.sin()
    return torch.cat([first * cos - second * sin, second * cos + first * sin], dim=-1)


def swiglu(x: Tensor, W_gate: Tensor, W_up: Tensor, W_down: Tensor) -> Tensor:
    """Llama's feed-forward layer, without biases: (silu(x W_gate) * (x W_up)) W_down, with silu(a) = a * sigmoid(a).

    Args:
        x: float [batch, pos, d_model].
        W_gate, W_up: float [d_model, d_mlp].
        W_down: float [d_mlp, d_model].

    Returns:
        float [batch, pos, d_model].

    Source: Shazeer 2020, "GLU Variants Improve Transformer"; LlamaMLP in transformers.
    """
    return (F.silu(x @ W_gate) * (x @ W_up)) @ W_down
