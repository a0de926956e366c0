"""Induction heads: the reference of chapter 2.

Models are chapter 1's `Transformer`. Axes stand in the order batch, position (query before key), head, d_model / d_head.
A head is named (layer, head). Matrices act on row vectors from the right: W_QK = W_Q W_K^T, W_OV = W_V W_O.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import einops
import torch
import torch.nn as nn
from torch import Tensor

from dojo.transformer import Config, Transformer, run_with_cache, run_with_hooks, token_log_probs

Head = tuple[int, int]  # (layer, head)

LEARNER = "your name"  # the model of the closing investigation is drawn from it

BIG_MODEL = None  # with a network: "gpt2"


def repeated_tokens(
    periods: Sequence[int], n_pos: int, d_vocab: int, bos: int = 0, generator: torch.Generator | None = None
) -> Tensor:
    """Rows of random tokens that repeat: BOS, a random sequence, the same sequence again, and so on to the end of the row.

    Row b repeats with period p = periods[b]: tokens[b, 0] is bos, tokens[b, 1 : 1 + p] is random, and every later token
    equals the one p places before it. With n_pos = 1 + 2p the sequence comes exactly twice; the last copy may be cut off.

    Args:
        periods: one period a row, each at least 1; a list, or int64 [batch]. A period may exceed n_pos - 1.
        n_pos: length of every row, BOS included.
        d_vocab: random tokens are drawn evenly and independently from 0 .. d_vocab - 1, but never bos.
        bos: the token that every row begins with.
        generator: source of randomness; None takes torch's own.

    Returns:
        int64 [batch, n_pos].

    Source: random repeated sequences as a test of induction, Olsson et al. 2022.
    """
    rows = []
    for period in periods:
        sequence = torch.randint(d_vocab - 1, (int(period),), generator=generator)
        sequence = sequence + (sequence >= bos)  # steps over bos
        rows.append(sequence.repeat(math.ceil((n_pos - 1) / int(period)))[: n_pos - 1])
    rows = torch.stack(rows)
    return torch.cat([torch.full((len(rows), 1), bos), rows], dim=1)


def in_context_score(losses: Tensor, early: int = 50, late: int = 500) -> Tensor:
    """How much better a model predicts late in its context than early: mean loss at `late` minus mean loss at `early`.

    Args:
        losses: float [batch, pos], in nats a token: minus the log-probability of the token that came.
        early, late: indices into the position axis; negative ones count from the end.

    Returns:
        float, no axes: negative where context helps.

    Source: Olsson et al. 2022, who take the 50th and the 500th token.
    """
    return (losses[:, late] - losses[:, early]).mean()


def previous_token_score(pattern: Tensor) -> Tensor:
    """How much each head attends from a position to the one just before it.

    The mean, over batch and over all queries but the first, of the attention to key = query - 1.

    Args:
        pattern: float [batch, head, query, key], at least two positions.

    Returns:
        float [head], from 0 to 1.
    """
    return pattern.diagonal(offset=-1, dim1=-2, dim2=-1).mean(dim=(0, -1))


def duplicate_token_score(pattern: Tensor, tokens: Tensor) -> Tensor:
    """How much each head attends to earlier copies of the query's own token.

    For each query whose token stands at one or more earlier positions of its row: the attention to these, summed. The
    score is the mean over all such queries, of the whole batch together. The query itself is not an earlier position.

    Args:
        pattern: float [batch, head, query, key].
        tokens: int64 [batch, pos].

    Returns:
        float [head], from 0 to 1; 0 for every head if no token comes twice.

    Source: duplicate-token heads, Wang et al. 2022.
    """
    copies = (tokens[:, :, None] == tokens[:, None, :]).tril(diagonal=-1)  # [batch, query, key]
    return attention_to(pattern, copies)


def attention_to(pattern: Tensor, wanted: Tensor) -> Tensor:
    """The attention of each head to wanted keys, averaged over the queries that have at least one.

    Args:
        pattern: float [batch, head, query, key].
        wanted: bool [batch, query, key].

    Returns:
        float [head]; 0 where no query has a wanted key.
    """
    attention = (pattern * wanted[:, None]).sum(dim=-1)  # [batch, head, query]
    return attention.sum(dim=(0, 2)) / wanted.any(dim=-1).sum().clamp(min=1)


def induction_score(pattern: Tensor, tokens: Tensor) -> Tensor:
    """Prefix matching: how much each head attends to what came just after an earlier copy of the query's token.

    For each query at i whose token stands at some j < i: the attention to all these j + 1, summed. The score is the mean
    over all such queries, of the whole batch together. Where j = i - 1, the position just after it is the query's own; it
    counts as well.

    Args:
        pattern: float [batch, head, query, key].
        tokens: int64 [batch, pos].

    Returns:
        float [head], from 0 to 1; a head that attends to nothing else scores exactly 1. 0 if no token comes twice.

    Source: Olsson et al. 2022, prefix-matching score; here it is defined on the tokens, not on a diagonal.
    """
    copies = (tokens[:, :, None] == tokens[:, None, :]).tril(diagonal=-1)
    after = copies.roll(1, dims=-1)  # key j + 1 is wanted where key j is a copy; a copy is never the last key
    return attention_to(pattern, after)


@dataclass
class Factored:
    """A large matrix of low rank, kept as left @ right: a d_vocab x d_vocab circuit of GPT-2 would take 10 GB.

    left: float [rows, rank]; right: float [rank, columns].
    """

    left: Tensor
    right: Tensor

    def full(self) -> Tensor:
        """The matrix itself, float [rows, columns]."""
        return self.left @ self.right


def qk_circuit(model: nn.Module, layer: int, head: int) -> Factored:
    """Which tokens a head would look for, by its weights alone: W_E W_Q W_K^T W_E^T.

    Entry [query token, key token] is the score (not divided by sqrt(d_head)) that a query of one token would give a key of
    the other, if their embeddings were all that the head reads. LayerNorm, positions and biases are left out.

    Args:
        model: a `Transformer`.
        layer, head: which head.

    Returns:
        Factored, [d_vocab, d_vocab] with rank d_head; the large matrix is never made.

    Source: Elhage et al. 2021.
    """
    attn = model.blocks[layer].attn
    return Factored(model.W_E @ attn.W_Q[head], (model.W_E @ attn.W_K[head]).T)


def ov_circuit(model: nn.Module, layer: int, head: int) -> Factored:
    """What a head would write where it attends, by its weights alone: W_E W_V W_O W_U.

    Entry [source token, output token] is what full attention to the one adds to the logit of the other, if the source's
    embedding were all that the head reads. LayerNorm, positions and biases are left out.

    Args:
        model: a `Transformer`.
        layer, head: which head.

    Returns:
        Factored, [d_vocab, d_vocab] with rank d_head; the large matrix is never made.

    Source: Elhage et al. 2021.
    """
    attn = model.blocks[layer].attn
    return Factored(model.W_E @ attn.W_V[head], attn.W_O[head] @ model.W_U)


def copying_score(circuit: Factored) -> float:
    """Whether a circuit maps tokens to themselves: the sum of its eigenvalues over the sum of their absolute values.

    The eigenvalues of left @ right that are not 0 are those of right @ left, which is only rank x rank. They come in
    conjugate pairs, so that their sum is real.

    Args:
        circuit: Factored, square.

    Returns:
        A number from -1 (every token is made less likely) to 1 (copying); near 0 for a random matrix.

    Source: Elhage et al. 2021.
    """
    eigenvalues = torch.linalg.eigvals(circuit.right @ circuit.left)
    return (eigenvalues.real.sum() / eigenvalues.abs().sum()).item()


def composition_score(W_A: Tensor, W_B: Tensor) -> Tensor:
    """How much of what A writes B reads: norm(W_A W_B) / (norm(W_A) norm(W_B)), Frobenius norms.

    Args:
        W_A: float [..., n, m].
        W_B: float [..., m, k]; leading axes broadcast, each pair of matrices on its own.

    Returns:
        float [...], the leading axes: from 0 to 1.

    Source: Elhage et al. 2021.
    """
    norm = torch.linalg.matrix_norm  # Frobenius
    return norm(W_A @ W_B) / (norm(W_A) * norm(W_B))


def compositions(model: nn.Module, kind: str, earlier: int = 0, later: int = 1) -> Tensor:
    """The composition score of every head of an earlier layer with every head of a later one.

    A = W_OV = W_V W_O of the earlier head; B = W_QK = W_Q W_K^T of the later head for "Q", W_QK^T for "K", W_OV for "V".

    Args:
        model: a `Transformer`.
        kind: "Q", "K" or "V": which input of the later head reads what the earlier head wrote.
        earlier, later: layers.

    Returns:
        float [earlier head, later head]; nothing is subtracted.

    Raises:
        ValueError: another kind.

    Source: Elhage et al. 2021.
    """
    first, second = model.blocks[earlier].attn, model.blocks[later].attn
    W_OV = first.W_V @ first.W_O
    W_QK = second.W_Q @ second.W_K.mT
    if kind == "Q":
        W_B = W_QK
    elif kind == "K":
        W_B = W_QK.mT
    elif kind == "V":
        W_B = second.W_V @ second.W_O
    else:
        raise ValueError(f"kind is {kind!r}, but it must be 'Q', 'K' or 'V'.")
    return composition_score(W_OV[:, None], W_B[None])


def random_composition(d_model: int, d_head: int, n_pairs: int = 100, seed: int = 0) -> float:
    """The mean composition score of heads with random weights: what a score must exceed to mean anything."""
    generator = torch.Generator().manual_seed(seed)

    def product() -> Tensor:
        left = torch.randn(n_pairs, d_model, d_head, generator=generator)
        return left @ torch.randn(n_pairs, d_head, d_model, generator=generator)

    return composition_score(product(), product()).mean().item()


def second_half_loss(logits: Tensor, tokens: Tensor) -> float:
    """Mean loss in nats of the later half of the predictions: on a sequence that comes twice, the loss on the second copy."""
    log_probs = token_log_probs(logits, tokens)
    return -log_probs[:, log_probs.shape[1] // 2 :].mean().item()


def ablate_heads(model: nn.Module, tokens: Tensor, heads: Sequence[Head], mode: str) -> float:
    """By how much the loss on the second half rises when heads are ablated, all at once.

    What is replaced is z of each named head (`blocks.{layer}.attn.hook_z`), at every position:
        "zero": by 0;
        "mean": by its mean over the batch, for each position on its own;
        "resample": by that of another row: row b gets what the same head had in row b - 1, row 0 what it had in the last.
    Means and other rows are those of the run without any ablation.

    Args:
        model: a `Transformer`.
        tokens: int64 [batch, pos].
        heads: (layer, head) pairs; an empty list gives 0.
        mode: "zero", "mean" or "resample".

    Returns:
        `second_half_loss` with the ablation minus without, in nats.

    Raises:
        ValueError: another mode.

    Source: the three kinds are compared in Wang et al. 2022 and Chan et al. 2022.
    """
    if mode not in ("zero", "mean", "resample"):
        raise ValueError(f"mode is {mode!r}, but it must be 'zero', 'mean' or 'resample'.")
    names = sorted({f"blocks.{layer}.attn.hook_z" for layer, _ in heads})
    logits, cache = run_with_cache(model, tokens, names)

    def replace(layer: int, head: int) -> Callable:
        clean = cache[f"blocks.{layer}.attn.hook_z"][:, :, head]  # [batch, pos, d_head]
        new = {"zero": torch.zeros_like(clean), "mean": clean.mean(dim=0), "resample": clean.roll(1, dims=0)}[mode]

        def hook(z: Tensor, hook: nn.Module) -> Tensor:
            z = z.clone()
            z[:, :, head] = new
            return z

        return hook

    hooks = [(f"blocks.{layer}.attn.hook_z", replace(layer, head)) for layer, head in heads]
    return second_half_loss(run_with_hooks(model, tokens, hooks), tokens) - second_half_loss(logits, tokens)


def score_sources(model: nn.Module, tokens: Tensor) -> Tensor:
    """What layer 1 reads, split by who wrote it: float [source, batch, pos, d_model], which sums to resid_pre of layer 1.

    Sources: token embedding, position embedding, each head of layer 0, and everything else (biases, the MLP).
    """
    names = ["hook_embed", "hook_pos_embed", "blocks.0.attn.hook_z", "blocks.1.hook_resid_pre"]
    cache = run_with_cache(model, tokens, names)[1]
    heads = einops.einsum(
        cache["blocks.0.attn.hook_z"],
        model.blocks[0].attn.W_O,
        "batch pos head d_head, head d_head d_model -> head batch pos d_model",
    )
    parts = torch.stack([cache["hook_embed"], cache["hook_pos_embed"], *heads])
    return torch.cat([parts, (cache["blocks.1.hook_resid_pre"] - parts.sum(dim=0))[None]])


def decompose_scores(model: nn.Module, tokens: Tensor, head: int) -> Tensor:
    """The attention scores of a layer-1 head, split by who wrote what the query reads and what the key reads.

    Layer 1 reads the sum of the given `score_sources`, through ln1. With the scale of that LayerNorm held at its value in
    this run, reading is linear: each source goes through on its own (subtract its mean over d_model, divide by the
    position's scale, multiply by ln1.weight) and then through W_Q or W_K. The biases (ln1.bias, b_Q, b_K) belong to the last
    source, "everything else". The score of a pair of sources is the dot product of the one's query with the other's key,
    divided by sqrt(d_head).

    Args:
        model: a `Transformer` with at least two layers.
        tokens: int64 [batch, pos].
        head: which head of layer 1.

    Returns:
        float [query source, key source, batch, query, key]: before the mask and the softmax; entries with key > query are
        there too. Over the two source axes it sums to the head's scores.

    Source: Elhage et al. 2021, which head's output composes with which.
    """
    attn, ln1 = model.blocks[1].attn, model.blocks[1].ln1
    sources = score_sources(model, tokens)
    scale = run_with_cache(model, tokens, ["blocks.1.ln1.hook_scale"])[1]["blocks.1.ln1.hook_scale"]
    read = (sources - sources.mean(dim=-1, keepdim=True)) / scale * ln1.weight
    read[-1] += ln1.bias
    q, k = read @ attn.W_Q[head], read @ attn.W_K[head]  # [source, batch, pos, d_head]
    q[-1] += attn.b_Q[head]
    k[-1] += attn.b_K[head]
    pairs = "query_source batch query d_head, key_source batch key d_head -> query_source key_source batch query key"
    return einops.einsum(q, k, pairs) / math.sqrt(q.shape[-1])


def blank_model(d_vocab: int, n_ctx: int, d_model: int, n_heads: int, d_head: int) -> Transformer:
    """A 2-layer attention-only `Transformer` with every weight 0, and LayerNorms that do nothing but subtract the mean.

    A LayerNorm divides by sqrt(variance + eps). With a huge eps and weight = sqrt(eps) it divides by 1.
    """
    eps = 1e8
    model = Transformer(Config(d_vocab, d_model, n_ctx, 2, n_heads, d_head, 1, eps))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.fill_(math.sqrt(eps) if name.endswith(("ln1.weight", "ln2.weight", "ln_final.weight")) else 0.0)
    return model


def build_induction_head(d_vocab: int, n_ctx: int) -> Transformer:
    """Set the weights of a 2-layer attention-only model by hand, so that it continues any sequence that repeats itself.

    On a row of `repeated_tokens` whose tokens within one period are all different, the most likely next token must be right
    at every position from the second copy on, whatever the period: from position 1 + period (which holds the first token of
    the second copy) to the last but one.

    Args:
        d_vocab: size of the vocabulary; token 0 is BOS.
        n_ctx: longest sequence.

    Returns:
        A `Transformer` with two layers and MLPs that add nothing; start from the given `blank_model`, whose d_model, n_heads
        and d_head you may choose.

    Source: the two-step algorithm of Elhage et al. 2021, here as one-hot vectors.
    """
    # The stream: d_vocab places for the token, n_ctx for the position, d_vocab for the token before.
    wide = max(d_vocab, n_ctx)
    model = blank_model(d_vocab, n_ctx, 2 * d_vocab + n_ctx, n_heads=1, d_head=wide)
    token = slice(0, d_vocab)
    position = slice(d_vocab, d_vocab + n_ctx)
    before = slice(d_vocab + n_ctx, 2 * d_vocab + n_ctx)
    sharp = 100.0 * math.sqrt(wide)
    same_token, same_position = torch.eye(d_vocab, wide), torch.eye(n_ctx, wide)
    with torch.no_grad():
        model.W_E[:, token] = torch.eye(d_vocab)
        model.W_pos[:, position] = torch.eye(n_ctx)
        previous, induction = model.blocks[0].attn, model.blocks[1].attn
        previous.W_Q[0, position] = sharp * same_position.roll(-1, dims=1)  # a query at i looks for position i - 1
        previous.W_K[0, position] = same_position
        previous.W_V[0, token] = same_token
        previous.W_O[0, :, before] = same_token.T
        induction.W_Q[0, token] = sharp * same_token  # looks for a position that comes after this token
        induction.W_K[0, before] = same_token
        induction.W_V[0, token] = same_token
        induction.W_O[0, :, token] = 10 * same_token.T
        model.W_U[token] = torch.eye(d_vocab)
    return model


def attention_only(config: Config) -> Transformer:
    """A fresh `Transformer` whose MLPs add nothing and stay so: their weights are 0 and are not trained."""
    model = Transformer(config)
    for block in model.blocks:
        for parameter in block.mlp.parameters():
            parameter.requires_grad_(False).zero_()
    return model


def training_batches(
    n_steps: int, periods: Sequence[int], config: Config, n_rows: int = 32, seed: int = 0
) -> Iterable[Tensor]:
    """n_steps batches of repeated tokens, int64 [n_rows, n_ctx]; each row's period is drawn from `periods`."""
    generator = torch.Generator().manual_seed(seed)
    choices = torch.tensor(list(periods))
    for _ in range(n_steps):
        drawn = choices[torch.randint(len(choices), (n_rows,), generator=generator)]
        yield repeated_tokens(drawn, config.n_ctx, config.d_vocab, generator=generator)


def train_induction_model(
    config: Config,
    batches: Iterable[Tensor],
    lr: float = 4e-3,
    warmup: int = 50,
    on_step: Callable[[int, float, nn.Module], None] | None = None,
) -> Transformer:
    """Train a fresh attention-only model on the batches, one step a batch, in their order.

    Start from the given `attention_only(config)`. The loss is the mean over batch and position of minus the log-probability
    of the next token; the optimizer is AdamW; the learning rate of step s (the first is 0) is lr * min(1, (s + 1) / warmup).

    Args:
        config: the sizes.
        batches: int64 [batch, pos] each; may be a generator, which can be gone through only once.
        lr: the learning rate after warm-up.
        warmup: how many steps it takes to get there, at least 1.
        on_step: called after every step with the step's number (from 0), the loss before the step, in nats, as a float, and
            the model. None: nothing is called.

    Returns:
        The trained model.

    Source: the data, not the model, decide what is learned: Olsson et al. 2022.
    """
    model = attention_only(config)
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=lr)
    for step, tokens in enumerate(batches):
        for group in optimizer.param_groups:
            group["lr"] = lr * min(1.0, (step + 1) / warmup)
        loss = -token_log_probs(model(tokens), tokens).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if on_step is not None:
            on_step(step, loss.item(), model)
    return model


def is_positional_shortcut(model: nn.Module, period: int) -> bool:
    """Whether a model that repeats sequences of one period does it by counting positions, not by looking at tokens.

    Such a model looks a fixed number of places back. It is right as long as sequences repeat with that period, and fails on
    any other; a model with induction heads does not care.

    Args:
        model: a `Transformer` that repeats sequences of this period well: after training on nothing but that period, or on
            many. Token 0 is BOS; model.config says d_vocab and n_ctx.
        period: the period at which it works, at least 4; n_ctx is at least 1 + 2 * (period + 3).

    Returns:
        True for the positional shortcut, False for induction.
    """

    def accuracy(period: int) -> float:
        generator = torch.Generator().manual_seed(0)
        n_pos = 1 + 2 * period
        tokens = repeated_tokens([period] * 16, n_pos, model.config.d_vocab, generator=generator)
        with torch.no_grad():
            guesses = model(tokens).argmax(dim=-1)
        return (guesses[:, period + 1 : -1] == tokens[:, period + 2 :]).float().mean().item()

    others = [accuracy(other) for other in (period - 2, period - 1, period + 2, period + 3)]
    return max(others) < accuracy(period) / 2


def phase_change(steps: Sequence[int], scores: Sequence[float], min_rise: float = 0.2) -> float | None:
    """The step at which a score rises fastest.

    Between two checkpoints next to each other the score rises by so much a step. The answer is the middle of the interval
    where it rises most steeply: the mean of its two steps. Checkpoints need not be evenly spaced.

    Args:
        steps: training steps, increasing, at least two.
        scores: one score a checkpoint.
        min_rise: where the highest score is less than this above the first, there was no phase change.

    Returns:
        A step, or None if there was no phase change. Of equally steep intervals the first.

    Source: the phase change of Olsson et al. 2022.
    """
    if max(scores) - scores[0] < min_rise:
        return None
    slopes = [(scores[i + 1] - scores[i]) / (steps[i + 1] - steps[i]) for i in range(len(steps) - 1)]
    steepest = slopes.index(max(slopes))
    return (steps[steepest] + steps[steepest + 1]) / 2


def name_the_heads(model: nn.Module) -> dict[str, list[Head]]:
    """Say which heads of an unknown attention-only model continue repeated sequences, and in which role.

    The model is `mystery_heads(LEARNER)`: three layers of four heads, drawn afresh for every name. Some of its heads look
    like what you search for and do nothing. The judge does not compare your answer with a list; it tries it out:
        with every head ablated that you did not name, the model must still repeat;
        with the heads of either role ablated, all at once, it must not;
        each named head must be able to play its role without the others of that role;
        the outputs of your heads, patched from a run with a repeat into a run without one, must bring the answer back.

    Args:
        model: a `Transformer`, d_vocab 40, n_ctx 48, BOS 0. You may work the answer out here, with any function of this
            chapter, or find it in a notebook and return it as it is.

    Returns:
        {"previous_token": [(layer, head), ...], "induction": [(layer, head), ...]}, at least one head each.
    """
    tokens = repeated_tokens([19] * 24, 39, model.config.d_vocab, generator=torch.Generator().manual_seed(0))
    cache = run_with_cache(model, tokens)[1]
    every = [(layer, head) for layer in range(len(model.blocks)) for head in range(model.config.n_heads)]
    suspects: dict[str, list[Head]] = {"previous_token": [], "induction": []}
    for layer in range(len(model.blocks)):
        pattern = cache[f"blocks.{layer}.attn.hook_pattern"]
        scores = {"previous_token": previous_token_score(pattern), "induction": induction_score(pattern, tokens)}
        for role, found in scores.items():
            suspects[role] += [(layer, head) for head, score in enumerate(found) if score > 0.4]

    def loss_with_only(kept: list[Head]) -> float:
        return ablate_heads(model, tokens, [head for head in every if head not in kept], "mean")

    named: dict[str, list[Head]] = {}
    for role, other in [("previous_token", "induction"), ("induction", "previous_token")]:
        without = loss_with_only(suspects[other])
        named[role] = [head for head in suspects[role] if loss_with_only([*suspects[other], head]) < without - 0.5]
    return named
