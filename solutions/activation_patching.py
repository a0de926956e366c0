"""Activation patching: the reference of chapter 3.

Models are chapter 1's `Transformer`. Axes stand in the order batch, position (query before key), head, d_model / d_head.
"Clean" is the run whose answer we ask about, "corrupted" a run on prompts changed just so that the answer changes.
A head is named (layer, head).
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

import einops
import torch
import torch.nn as nn
from torch import Tensor

from dojo import load_model, load_tokenizer
from dojo.ioi import Prompts, corrupted, ioi_prompts
from dojo.planted import mystery_circuit
from dojo.transformer import run_with_cache, run_with_hooks

Head = tuple[int, int]  # (layer, head)
Metric = Callable[[Tensor], Tensor]  # logits [batch, pos, d_vocab] to one number

LEARNER = "your name"  # the model of the closing investigation is drawn from it

BIG_MODEL = None  # with a network: "gpt2"


def logit_difference(logits: Tensor, correct: Tensor, wrong: Tensor) -> Tensor:
    """How much the model prefers the right answer: its logit minus the wrong answer's, at the last position.

    Args:
        logits: float [batch, pos, d_vocab].
        correct, wrong: int64 [batch], one token a prompt.

    Returns:
        float, no axes: the mean over prompts, in logits. Gradients flow through it.

    Source: the metric of Wang et al. 2022.
    """
    rows = torch.arange(len(logits))
    return (logits[rows, -1, correct] - logits[rows, -1, wrong]).mean()


@dataclass
class Task:
    """A model, prompts, and the two ways in which this chapter spoils them.

    corrupted: int64 [batch, pos], the second subject replaced by the indirect object: the answer flips.
    reference: int64 [batch, pos], three other names: there is no answer.
    """

    model: nn.Module
    prompts: Prompts
    corrupted: Tensor
    reference: Tensor

    def metric(self, logits: Tensor) -> Tensor:
        """The logit difference, right answer of the clean prompts minus wrong one."""
        return logit_difference(logits, self.prompts.correct, self.prompts.wrong)


def load_task(name: str, order: str = "ABBA", n: int = 24) -> Task:
    """Indirect-object identification on a model that ships with the course, or on any GPT-2-shaped one.

    Args:
        name: "ioi-a", "ioi-b", "known-circuit"; "gpt2" or a folder.
        order: "ABBA" or "BABA": which of the two names comes first.
        n: how many prompts, of pairs of names that ioi-a and ioi-b were not trained on.
    """
    tokenizer = load_tokenizer(name)
    prompts = ioi_prompts(tokenizer, n, order=order, held_out=True)
    return Task(load_model(name), prompts, corrupted(prompts, tokenizer), corrupted(prompts, tokenizer, "ABC"))


def component_names(model: nn.Module) -> list[str]:
    """The names of the components that add to the residual stream, in the order of `residual_stack`."""
    names = ["embed", "pos_embed"]
    for layer, block in enumerate(model.blocks):
        names += [f"head {layer}.{head}" for head in range(len(block.attn.W_O))]
        names += [f"b_O {layer}", f"MLP {layer}"]
    return names


def residual_stack(model: nn.Module, cache: dict[str, Tensor]) -> Tensor:
    """Everything that was added to the residual stream, each component on its own; together it is the final stream.

    The components, in this order: token embedding; position embedding; then for each layer its heads (head's z times its
    W_O), attention's bias b_O, the MLP's output (with its bias).

    Args:
        model: a `Transformer`.
        cache: all activations of one run of it, from `run_with_cache`.

    Returns:
        float [component, batch, pos, d_model]. The sum over components is the last layer's hook_resid_post.

    Source: Elhage et al. 2021.
    """
    parts = [cache["hook_embed"], cache["hook_pos_embed"]]
    for layer, block in enumerate(model.blocks):
        z, W_O = cache[f"blocks.{layer}.attn.hook_z"], block.attn.W_O
        parts += einops.einsum(z, W_O, "batch pos head d_head, head d_head d_model -> head batch pos d_model")
        parts += [block.attn.b_O.expand_as(parts[0]), cache[f"blocks.{layer}.hook_mlp_out"]]
    return torch.stack(parts)


def direct_logit_attribution(model: nn.Module, cache: dict[str, Tensor], direction: Tensor) -> Tensor:
    """How much each component wrote, at the last position, in a direction that the unembedding reads.

    The final LayerNorm is frozen: each component's vector has its own mean over d_model subtracted, is divided by the scale
    of the FULL residual (`ln_final.hook_scale`) and multiplied by ln_final's weight; then it is dotted with the direction. A
    last row holds what ln_final's bias contributes.

    Args:
        model: a `Transformer`.
        cache: all activations of one run of it.
        direction: float [batch, d_model], for instance W_U's column of the right answer minus that of the wrong one.

    Returns:
        float [component + 1, batch]: the components of `residual_stack`, then the bias. With that direction, the sum over
        the first axis is each prompt's logit difference.

    Source: Elhage et al. 2021; as used in Wang et al. 2022.
    """
    stack = residual_stack(model, cache)[:, :, -1]  # [component, batch, d_model]
    centred = stack - stack.mean(dim=-1, keepdim=True)
    normalised = centred / cache["ln_final.hook_scale"][:, -1] * model.ln_final.weight
    parts = (normalised * direction).sum(dim=-1)
    return torch.cat([parts, (direction @ model.ln_final.bias)[None]])


def logit_lens(model: nn.Module, cache: dict[str, Tensor]) -> Tensor:
    """What the model would predict if it stopped after each layer: ln_final and the unembedding, applied to every stream.

    Args:
        model: a `Transformer` with n_layers layers.
        cache: all activations of one run of it.

    Returns:
        float [n_layers + 1, batch, pos, d_vocab], logits: before layer 0, 1, ..., and after the last, where they are the
        model's own.

    Source: nostalgebraist 2020.
    """
    last = len(model.blocks) - 1
    streams = [cache[f"blocks.{layer}.hook_resid_pre"] for layer in range(last + 1)]
    streams.append(cache[f"blocks.{last}.hook_resid_post"])
    return model.ln_final(torch.stack(streams)) @ model.W_U


def normalised_effect(patched: Tensor, clean: float, corrupted: float, mode: str = "denoising") -> Tensor:
    """A patched metric on a scale on which 0 means that nothing happened.

    denoising (clean activations into the corrupted run): (patched - corrupted) / (clean - corrupted); 0 = nothing
    restored, 1 = all restored.
    noising (corrupted activations into the clean run): (patched - clean) / (clean - corrupted); 0 = nothing broken,
    -1 = all broken.

    Args:
        patched: float, any shape; a number will do as well.
        clean, corrupted: the metric of the two runs without patching; they differ.
        mode: "denoising" or "noising".

    Returns:
        float, the shape of patched. May lie outside 0 .. 1 or -1 .. 0.

    Raises:
        ValueError: another mode.

    Source: Wang et al. 2022; Heimersheim and Nanda 2024.
    """
    if mode not in ("denoising", "noising"):
        raise ValueError(f"mode is {mode!r}, but it must be 'denoising' or 'noising'.")
    return (patched - (corrupted if mode == "denoising" else clean)) / (clean - corrupted)


def patch(
    model: nn.Module, tokens: Tensor, site: str, value: Tensor, position: int | None = None, head: int | None = None
) -> Tensor:
    """Run the model with one activation, or a part of it, replaced by that of another run.

    Args:
        model: a `Transformer`.
        tokens: int64 [batch, pos].
        site: the hook point: a stream or a layer's output (`..hook_resid_pre`, `..hook_mlp_out`, ...) [batch, pos,
            d_model]; `..attn.hook_q`, `_k`, `_v` or `_z` [batch, pos, head, d_head]; `..attn.hook_pattern` [batch, head,
            query, key].
        value: the whole activation of the other run, of the site's shape. It is not changed.
        position: replace at this position only; in a pattern, the row of this query. None: all.
        head: replace this head only. None: all.

    Returns:
        The logits, float [batch, pos, d_vocab]. No hook stays on the model.

    Raises:
        ValueError: a head is named, but the site has no head axis.

    Source: Vig et al. 2020; Meng et al. 2022 (causal tracing); Heimersheim and Nanda 2024.
    """
    is_pattern = site.endswith("hook_pattern")
    by_head = is_pattern or site.endswith(("hook_q", "hook_k", "hook_v", "hook_z"))
    if head is not None and not by_head:
        raise ValueError(f"{site} has no head axis: patch all of it, or choose a site in `attn`.")
    pos_part = slice(None) if position is None else position
    head_part = slice(None) if head is None else head

    def hook(activation: Tensor, hook: nn.Module) -> Tensor:
        activation = activation.clone()
        if is_pattern:
            activation[:, head_part, pos_part] = value[:, head_part, pos_part]
        elif by_head:
            activation[:, pos_part, head_part] = value[:, pos_part, head_part]
        else:
            activation[:, pos_part] = value[:, pos_part]
        return activation

    return run_with_hooks(model, tokens, [(site, hook)])


def patch_many(
    model: nn.Module, tokens: Tensor, site: str, value: Tensor, places: Sequence[tuple], metric: Metric
) -> Tensor:
    """The metric after each of many patches at one site, all in one forward pass: a copy of the batch for each patch.

    Args:
        model, tokens, site, value: as in `patch`.
        places: for each patch, an index into the axes of the site: (slice(None), 3) is position 3 of all prompts.
        metric: logits [batch, pos, d_vocab] to one number.

    Returns:
        float [len(places)].
    """

    def hook(activation: Tensor, hook: nn.Module) -> Tensor:
        copies = activation.unflatten(0, (len(places), len(tokens))).clone()
        for i, place in enumerate(places):
            copies[i][place] = value[place]
        return copies.flatten(0, 1)

    with torch.no_grad():
        logits = run_with_hooks(model, tokens.repeat(len(places), 1), [(site, hook)])
    return torch.stack([metric(part) for part in logits.unflatten(0, (len(places), len(tokens)))])


def patch_residual(
    model: nn.Module, tokens: Tensor, cache: dict[str, Tensor], metric: Metric, stream: str = "resid_pre"
) -> Tensor:
    """The metric after patching the stream at each layer and position, one place at a time.

    Batched: at most one forward pass a layer, with as many copies of the batch as there are positions.

    Args:
        model: a `Transformer`.
        tokens: int64 [batch, pos], the run that is patched.
        cache: all activations of the other run.
        metric: logits [batch, pos, d_vocab] to one number, for instance the logit difference.
        stream: which activation `blocks.{layer}.hook_{stream}`: "resid_pre", "resid_mid", "attn_out", "mlp_out", ...

    Returns:
        float [layer, position], not normalised, without gradients.

    Source: Meng et al. 2022; Heimersheim and Nanda 2024.
    """
    places = [(slice(None), position) for position in range(tokens.shape[1])]
    rows = []
    for layer in range(len(model.blocks)):
        site = f"blocks.{layer}.hook_{stream}"
        rows.append(patch_many(model, tokens, site, cache[site], places, metric))
    return torch.stack(rows)


def patch_heads(model: nn.Module, tokens: Tensor, cache: dict[str, Tensor], metric: Metric) -> Tensor:
    """The metric after patching each head's output (z, at all positions), one head at a time.

    Batched: at most one forward pass a layer, with as many copies of the batch as there are heads.

    Args:
        model, tokens, cache, metric: as in `patch_residual`.

    Returns:
        float [layer, head], not normalised, without gradients.

    Source: Wang et al. 2022; Heimersheim and Nanda 2024.
    """
    rows = []
    for layer, block in enumerate(model.blocks):
        site = f"blocks.{layer}.attn.hook_z"
        places = [(slice(None), slice(None), head) for head in range(len(block.attn.W_O))]
        rows.append(patch_many(model, tokens, site, cache[site], places, metric))
    return torch.stack(rows)


def patch_head_inputs(model: nn.Module, tokens: Tensor, cache: dict[str, Tensor], metric: Metric) -> Tensor:
    """The metric after patching each head's queries, keys, values or pattern (at all positions), one at a time.

    Batched: at most one forward pass for each layer and input, with as many copies of the batch as there are heads.

    Args:
        model, tokens, cache, metric: as in `patch_residual`.

    Returns:
        float [input, layer, head], the inputs in the order q, k, v, pattern; not normalised, without gradients.

    Source: Heimersheim and Nanda 2024.
    """
    inputs = []
    for name in ("q", "k", "v", "pattern"):
        rows = []
        for layer, block in enumerate(model.blocks):
            site = f"blocks.{layer}.attn.hook_{name}"
            heads = range(len(block.attn.W_O))
            places = [(slice(None), head) if name == "pattern" else (slice(None), slice(None), head) for head in heads]
            rows.append(patch_many(model, tokens, site, cache[site], places, metric))
        inputs.append(torch.stack(rows))
    return torch.stack(inputs)


def attribution_patch(
    model: nn.Module, clean_tokens: Tensor, corrupted_tokens: Tensor, metric: Metric, sites: Iterable[str]
) -> dict[str, Tensor]:
    """Estimate by gradients what patching would do, at all places at once (denoising: clean into the corrupted run).

    For each entry of an activation: (its clean value - its corrupted value) times the derivative of the metric by it, taken
    in the corrupted run. This is the change of the metric that patching the entry would make if the model were linear. Two
    forward passes and one backward pass serve all sites.

    Args:
        model: a `Transformer`. The gradients of its parameters stay as they are.
        clean_tokens, corrupted_tokens: int64 [batch, pos].
        metric: logits [batch, pos, d_vocab] to one number; gradients flow through it.
        sites: names of hook points.

    Returns:
        For each site the estimates, summed over the batch and over the last axis: [pos] for streams, [pos, head] for q, k, v
        and z, [head, query] for patterns. Without gradients. To be compared with metric(patched) - metric(corrupted); for a
        whole head, sum over its positions.

    Source: Nanda 2023; Syed et al. 2023; Kramar et al. 2024.
    """
    sites = list(sites)
    with torch.no_grad():
        clean = run_with_cache(model, clean_tokens, sites)[1]
    corrupted = {}

    def keep(site: str) -> Callable:
        def hook(activation: Tensor, hook: nn.Module) -> Tensor:
            if not activation.requires_grad:
                activation = activation.clone().requires_grad_()
            corrupted[site] = activation
            return activation

        return hook

    logits = run_with_hooks(model, corrupted_tokens, [(site, keep(site)) for site in sites])
    gradients = torch.autograd.grad(metric(logits), [corrupted[site] for site in sites])
    return {
        site: ((clean[site] - corrupted[site].detach()) * gradient).sum(dim=(0, -1))
        for site, gradient in zip(sites, gradients, strict=True)
    }


def path_patch(
    model: nn.Module,
    tokens: Tensor,
    cache: dict[str, Tensor],
    sender: Head,
    receivers: Sequence[tuple[int, int, str]] | str,
) -> Tensor:
    """Patch the direct path from one head to some others, and nothing else.

    What the sender writes changes from this run's to that of the other run, for the receivers only: for everybody else, it
    stays. Nothing between the two reacts: in the receivers' input stream (resid_pre of their layer, as in the plain run of
    `tokens`) only the sender's output is exchanged. The receivers' queries, keys or values are computed from that, with
    LayerNorm computed afresh, and put into the run of `tokens`; all that comes after the receivers reacts.

    Args:
        model: a `Transformer`.
        tokens: int64 [batch, pos], the run that is patched.
        cache: all activations of the other run.
        sender: (layer, head).
        receivers: (layer, head, input) each, input one of "q", "k", "v", in later layers than the sender's, all patched at
            once; or "logits" for the direct path into the final LayerNorm, whose input is the last block's hook_resid_post.
            (W_Q, W_K and W_V are [head, d_model, d_head], b_Q, b_K and b_V [head, d_head].)

    Returns:
        The logits, float [batch, pos, d_vocab].

    Raises:
        ValueError: a receiver is not in a later layer than the sender.

    Source: Wang et al. 2022; Goldowsky-Dill et al. 2023.
    """
    layer, head = sender
    own = run_with_cache(model, tokens)[1]
    z = f"blocks.{layer}.attn.hook_z"
    change = (cache[z] - own[z])[:, :, head] @ model.blocks[layer].attn.W_O[head]  # [batch, pos, d_model]
    if receivers == "logits":
        last = f"blocks.{len(model.blocks) - 1}.hook_resid_post"
        return run_with_hooks(model, tokens, [(last, lambda stream, hook: stream + change)])

    def receive(layer: int, head: int, name: str) -> Callable:
        block = model.blocks[layer]
        x = block.ln1(own[f"blocks.{layer}.hook_resid_pre"] + change)
        W, b = getattr(block.attn, f"W_{name.upper()}"), getattr(block.attn, f"b_{name.upper()}")

        def hook(activation: Tensor, hook: nn.Module) -> Tensor:
            activation = activation.clone()
            activation[:, :, head] = x @ W[head] + b[head]
            return activation

        return hook

    hooks = []
    for to_layer, to_head, name in receivers:
        if to_layer <= layer:
            raise ValueError(f"Head {to_layer}.{to_head} does not come after the sender {layer}.{head}.")
        hooks.append((f"blocks.{to_layer}.attn.hook_{name}", receive(to_layer, to_head, name)))
    return run_with_hooks(model, tokens, hooks)


def noising_denoising_verdict(f: Callable[[bool, bool], float]) -> dict:
    """What noising and denoising say about two components a and b, and which gate they form.

    Args:
        f: the metric when a and b have their clean (True) or corrupted (False) values: f(True, True) is the clean run,
            f(False, False) the corrupted one; they differ. On whatever scale.

    Returns:
        "denoising": [effect of a, effect of b], each patched with its clean value into the corrupted run, normalised:
            0 = nothing restored, 1 = all;
        "noising": [effect of a, effect of b], each patched with its corrupted value into the clean run, normalised:
            0 = nothing broken, -1 = all;
        "gate": "AND" if neither alone restores and each alone breaks; "OR" if each alone restores and neither alone breaks;
            "a" or "b" if that one alone restores and breaks, and the other does neither; "other" in all other cases.
            To restore means above 0.5, to break below -0.5.

    Source: Heimersheim and Nanda 2024.
    """
    clean, corrupted = f(True, True), f(False, False)
    denoising = [normalised_effect(p, clean, corrupted) for p in (f(True, False), f(False, True))]
    noising = [normalised_effect(p, clean, corrupted, "noising") for p in (f(False, True), f(True, False))]
    restores, breaks = tuple(e > 0.5 for e in denoising), tuple(e < -0.5 for e in noising)
    gates = {
        ((False, False), (True, True)): "AND",
        ((True, True), (False, False)): "OR",
        ((True, False), (True, False)): "a",
        ((False, True), (False, True)): "b",
    }
    return {"denoising": denoising, "noising": noising, "gate": gates.get((restores, breaks), "other")}


def mean_ablate_except(model: nn.Module, tokens: Tensor, circuit: Collection[Head], reference_tokens: Tensor) -> Tensor:
    """Run the model with every head ablated but those of the circuit.

    An ablated head's z is replaced by its mean over the reference prompts, for each position on its own. Embeddings, MLPs
    and the heads of the circuit work as always, on what reaches them.

    Args:
        model: a `Transformer`.
        tokens: int64 [batch, pos].
        circuit: the (layer, head) pairs that are kept; may be empty.
        reference_tokens: int64 [reference batch, pos], prompts of the same shape that do not hold the answer.

    Returns:
        The logits, float [batch, pos, d_vocab].

    Source: Wang et al. 2022.
    """
    sites = [f"blocks.{layer}.attn.hook_z" for layer in range(len(model.blocks))]
    means = {site: z.mean(dim=0) for site, z in run_with_cache(model, reference_tokens, sites)[1].items()}

    def ablate(layer: int, site: str) -> Callable:
        def hook(z: Tensor, hook: nn.Module) -> Tensor:
            z = z.clone()
            for head in range(z.shape[2]):
                if (layer, head) not in circuit:
                    z[:, :, head] = means[site][:, head]
            return z

        return hook

    return run_with_hooks(model, tokens, [(site, ablate(layer, site)) for layer, site in enumerate(sites)])


def faithfulness(
    model: nn.Module, tokens: Tensor, circuit: Collection[Head], reference_tokens: Tensor, metric: Metric
) -> float:
    """How much of what the model does a circuit does alone: (m(circuit) - m(empty)) / (m(full) - m(empty)).

    m(circuit) is the metric with all other heads mean-ablated (`mean_ablate_except`), m(empty) with all heads, m(full) with
    none: the model as it is.

    Args:
        model, tokens, circuit, reference_tokens: as in `mean_ablate_except`.
        metric: logits [batch, pos, d_vocab] to one number.

    Returns:
        1 if the circuit does it all, 0 if it does no more than nothing; may lie outside.

    Source: Wang et al. 2022; normalised as in Marks et al. 2024.
    """
    with torch.no_grad():
        full = metric(model(tokens))
        empty = metric(mean_ablate_except(model, tokens, [], reference_tokens))
        kept = metric(mean_ablate_except(model, tokens, circuit, reference_tokens))
    return ((kept - empty) / (full - empty)).item()


def self_repair(
    model: nn.Module, tokens: Tensor, layer: int, head: int, correct: Tensor, wrong: Tensor
) -> dict[str, float]:
    """How much of a head's direct effect later components make up for when the head is ablated.

    Ablation is mean ablation: z of the head is replaced, at every position, by its mean over the batch.
        direct: how much the head's own writing to the logit difference falls: `direct_logit_attribution` of z minus that of
            the mean z, with the final LayerNorm's scale of the plain run, averaged over prompts;
        total: how much the logit difference really falls: plain run minus ablated run;
        repaired: direct - total.

    Args:
        model: a `Transformer`.
        tokens: int64 [batch, pos].
        layer, head: which head.
        correct, wrong: int64 [batch].

    Returns:
        {"direct": ..., "total": ..., "repaired": ...}, in logits.

    Source: McGrath et al. 2023; Rushing and Nanda 2024.
    """
    site = f"blocks.{layer}.attn.hook_z"
    with torch.no_grad():
        logits, cache = run_with_cache(model, tokens)
        ablated = cache[site].clone()
        ablated[:, :, head] = cache[site][:, :, head].mean(dim=0)
        direction = (model.W_U[:, correct] - model.W_U[:, wrong]).T
        row = component_names(model).index(f"head {layer}.{head}")
        with_head = direct_logit_attribution(model, cache, direction)[row]
        without = direct_logit_attribution(model, cache | {site: ablated}, direction)[row]
        after = patch(model, tokens, site, ablated, head=head)
        direct = (with_head - without).mean().item()
        total = (logit_difference(logits, correct, wrong) - logit_difference(after, correct, wrong)).item()
    return {"direct": direct, "total": total, "repaired": direct - total}


def my_task(order: str = "ABBA") -> Task:
    """The closing investigation's model, drawn from `LEARNER`, with prompts."""
    task = load_task("known-circuit", order)  # the same words
    return Task(mystery_circuit(LEARNER), task.prompts, task.corrupted, task.reference)


def name_the_circuit(model: nn.Module, prompts: Prompts, corrupted_tokens: Tensor, reference_tokens: Tensor) -> dict:
    """Say which heads of an unknown model identify the indirect object, and by which algorithm.

    The model is `mystery_circuit(LEARNER)`: three layers of four heads, drawn afresh for every name. The judge does not
    compare your answer with a list; it tries it out, on prompts of its own:
        with every other head mean-ablated, the circuit must do what the model does;
        with the circuit's heads ablated, the model must fail;
        each named head must matter: to the model, or to the circuit without the others that do the same;
        patching the stream must show the algorithm at work that you name.

    Args:
        model: a `Transformer`.
        prompts: tokens [batch, pos], correct and wrong [batch], positions by name ("IO", "S1", "S1+1", "S2", "END").
        corrupted_tokens: int64 [batch, pos], the same prompts with the second subject replaced by the indirect object: the
            answer flips.
        reference_tokens: int64 [batch, pos], the same prompts with three other names: no answer.
        You may work the answer out here, with any function of this chapter, or find it in a notebook and return it as it is.

    Returns:
        {"algorithm": "s-inhibition" or "look-up", "heads": [(layer, head), ...]}.
        "s-inhibition": the last position learns which name came twice, and a head there, told to avoid it, attends to the
        other name. "look-up": the other name is fetched to the second subject's position first, and the last position
        copies it from there.
    """

    def metric(logits: Tensor) -> Tensor:
        return logit_difference(logits, prompts.correct, prompts.wrong)

    logits, clean = run_with_cache(model, prompts.tokens)
    corrupted_logits, other = run_with_cache(model, corrupted_tokens)
    ends = metric(logits), metric(corrupted_logits)
    restored = normalised_effect(patch_heads(model, corrupted_tokens, clean, metric), *ends)
    broken = normalised_effect(patch_heads(model, prompts.tokens, other, metric), *ends, "noising")
    matters = (restored.abs() > 0.1) | (broken.abs() > 0.1)
    heads = [(layer, head) for layer, head in matters.nonzero().tolist()]

    writers = max(layer for layer, _ in heads)
    end, names = prompts.positions["END"], [prompts.positions[name] for name in ("IO", "S2")]
    pattern = clean[f"blocks.{writers}.attn.hook_pattern"][:, [head for layer, head in heads if layer == writers], end]
    to_io, to_s2 = pattern[..., names].mean(dim=(0, 1)).tolist()
    return {"algorithm": "s-inhibition" if to_io > to_s2 else "look-up", "heads": heads}
