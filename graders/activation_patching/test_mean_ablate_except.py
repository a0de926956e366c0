"""mean_ablate_except: against a forward pass written out by hand in which every other head's z is an average."""

import pytest
import torch

import solutions.activation_patching as ref
from dojo.grading import compare, mistake
from dojo.transformer import run_with_cache, run_with_hooks
from graders.activation_patching import kit as ours
from graders.activation_patching.by_hand import run_by_hand

SIZES = {"d_vocab": 11, "d_model": 10, "n_ctx": 9, "n_layers": 3, "n_heads": 2, "d_head": 4, "d_mlp": 7}
HEADS = [(layer, head) for layer in range(3) for head in range(2)]
AXES = "batch pos d_vocab"
CIRCUITS = {
    "empty": [],
    "one": [(1, 0)],
    "two": [(0, 1), (2, 0)],
    "four": [(0, 0), (1, 1), (2, 0), (2, 1)],
    "all": HEADS,
}


def _by_hand(model, tokens, circuit, reference):
    means, counted = {}, len(reference)
    for row in reference:  # one prompt at a time
        for name, activation in run_by_hand(model, row[None])[1].items():
            if name.endswith("hook_z"):
                means[name] = means.get(name, 0) + activation[0] / counted

    def exchange(name, layer):
        def change(z):
            for head in range(z.shape[2]):
                if (layer, head) not in circuit:
                    z[:, :, head] = means[name][:, head]
            return z

        return change

    names = [f"blocks.{layer}.attn.hook_z" for layer in range(len(model.blocks))]
    return run_by_hand(model, tokens, {name: exchange(name, layer) for layer, name in enumerate(names)})[0]


def _inputs(rand):
    return rand.integers(11, 3, 6), rand.integers(11, 5, 6)  # more reference prompts than prompts


@pytest.mark.parametrize("name", CIRCUITS)
def test_the_logits(submission, kit, rand, name):
    """Heads outside the circuit are replaced by their mean over the reference prompts, position by position; the others
    work on what reaches them."""
    tokens, reference = _inputs(rand)
    expected = _by_hand(ours.random_transformer(rand.seed, **SIZES), tokens, CIRCUITS[name], reference)
    model = kit.random_transformer(rand.seed, **SIZES)
    logits = submission.mean_ablate_except(model, tokens, CIRCUITS[name], reference)
    compare(logits, expected, what=f"the tensor of logits with the circuit {CIRCUITS[name]}", axes=AXES)


def test_all_heads_are_the_model(submission, kit, rand):
    """With every head in the circuit, the model is as it was."""
    tokens, reference = _inputs(rand)
    model = kit.random_transformer(rand.seed, **SIZES)
    compare(submission.mean_ablate_except(model, tokens, HEADS, reference), model(tokens), what="the tensor of logits")


def test_one_reference_prompt(submission, kit, rand):
    """The mean over a single reference prompt is that prompt's z; there may be fewer reference prompts than prompts."""
    tokens, reference = rand.integers(11, 3, 6), rand.integers(11, 1, 6)
    expected = _by_hand(ours.random_transformer(rand.seed, **SIZES), tokens, [(1, 1)], reference)
    found = submission.mean_ablate_except(kit.random_transformer(rand.seed, **SIZES), tokens, [(1, 1)], reference)
    compare(found, expected, what="the tensor of logits", axes=AXES)


def test_a_larger_model(submission, kit, rand):
    """Models have any number of layers and heads; a circuit may come as a tuple."""
    tokens, reference = _inputs(rand)
    sizes, circuit = SIZES | {"n_layers": 4, "n_heads": 5, "d_head": 2}, ((3, 0), (1, 4), (3, 2), (0, 1))
    expected = _by_hand(ours.random_transformer(rand.seed, **sizes), tokens, circuit, reference)
    found = submission.mean_ablate_except(kit.random_transformer(rand.seed, **sizes), tokens, circuit, reference)
    compare(found, expected, what=f"the tensor of logits with the circuit {circuit}", axes=AXES)


def test_the_model_is_left_as_it_was(submission, kit, rand):
    """Afterwards no hook is left on the model."""
    tokens, reference = _inputs(rand)
    model = kit.random_transformer(rand.seed, **SIZES)
    submission.mean_ablate_except(model, tokens, [(1, 0)], reference)
    compare(kit.hooks_left(model), {}, what="the dict of hooks on the model afterwards")


def _ablate(model, tokens, circuit, means, ablated=lambda head, circuit: head not in circuit, site="hook_z"):
    """The reference, with what replaces a head left open: means(name) is [pos, head, d_head] or broadcasts to z."""

    def replace(layer, name):
        def hook(z, hook):
            z, new = z.clone(), means(name)
            new = new.expand_as(z) if new.ndim == z.ndim else new[None].expand_as(z)
            for head in range(z.shape[2]):
                if ablated((layer, head), circuit):
                    z[:, :, head] = new[:, :, head]
            return z

        return hook

    names = [f"blocks.{layer}.attn.hook_z" for layer in range(len(model.blocks))]
    return run_with_hooks(model, tokens, [(name, replace(layer, name)) for layer, name in enumerate(names)])


def _means(model, tokens, **how):
    cache = run_with_cache(model, tokens)[1]
    return lambda name: cache[name].mean(**how)


@mistake("You ablate the circuit and keep the rest: it is the other way round.")
def the_circuit_itself(model, tokens, circuit, reference_tokens):
    return _ablate(
        model, tokens, circuit, _means(model, reference_tokens, dim=0), lambda head, circuit: head in circuit
    )


@mistake("The other heads are set to zero: give them their mean over the reference prompts.")
def zero(model, tokens, circuit, reference_tokens):
    return _ablate(model, tokens, circuit, lambda name: torch.zeros(1, 1, 1, 1))


@mistake("The mean is taken over the prompts themselves: take it over the reference prompts, which hold no answer.")
def mean_of_the_prompts(model, tokens, circuit, reference_tokens):
    return _ablate(model, tokens, circuit, _means(model, tokens, dim=0))


@mistake("The mean runs over positions too: each position has a mean of its own.")
def mean_over_positions(model, tokens, circuit, reference_tokens):
    return _ablate(model, tokens, circuit, _means(model, reference_tokens, dim=(0, 1), keepdim=True))


@mistake("The mean runs over positions instead of prompts.")
def mean_over_positions_only(model, tokens, circuit, reference_tokens):
    cache = run_with_cache(model, reference_tokens)[1]
    return _ablate(model, tokens, circuit, lambda name: cache[name].mean(dim=1, keepdim=True)[: len(tokens)])


@mistake("All heads get the mean over the heads of their layer: each head has a mean of its own.")
def mean_over_heads(model, tokens, circuit, reference_tokens):
    cache = run_with_cache(model, reference_tokens)[1]
    return _ablate(model, tokens, circuit, lambda name: cache[name].mean(dim=(0, 2), keepdim=True))


@mistake("The first reference prompt stands for all: take the mean over them.")
def first_reference(model, tokens, circuit, reference_tokens):
    cache = run_with_cache(model, reference_tokens)[1]
    return _ablate(model, tokens, circuit, lambda name: cache[name][0])


@mistake("The heads of the circuit get their values of the plain run pasted in: let them compute on what reaches them.")
def circuit_from_the_clean_run(model, tokens, circuit, reference_tokens):
    cache, clean = run_with_cache(model, reference_tokens)[1], run_with_cache(model, tokens)[1]

    def values(name):
        z, layer = clean[name].clone(), int(name.split(".")[1])
        for head in range(z.shape[2]):
            if (layer, head) not in circuit:
                z[:, :, head] = cache[name].mean(dim=0)[:, head]
        return z

    return _ablate(model, tokens, circuit, values, lambda head, circuit: True)


@mistake("A layer that has a head in the circuit is left alone: ablate its other heads too.")
def whole_layers(model, tokens, circuit, reference_tokens):
    layers = [layer for layer, _ in circuit]
    means = _means(model, reference_tokens, dim=0)
    return _ablate(model, tokens, circuit, means, lambda head, circuit: head[0] not in layers)


@mistake("Head and layer are swapped: a head is (layer, head).")
def head_before_layer(model, tokens, circuit, reference_tokens):
    swapped = [(head, layer) for layer, head in circuit]
    return ref.mean_ablate_except(model, tokens, swapped, reference_tokens)


@mistake("The MLPs are averaged as well: only heads are ablated.")
def mlps_too(model, tokens, circuit, reference_tokens):
    sites = [f"blocks.{layer}.{kind}" for layer in range(len(model.blocks)) for kind in ("attn.hook_z", "hook_mlp_out")]
    cache = run_with_cache(model, reference_tokens, sites)[1]

    def replace(site):
        layer = int(site.split(".")[1])

        def hook(activation, hook):
            mean = cache[site].mean(dim=0)
            if site.endswith("mlp_out"):
                return mean[None].expand_as(activation)
            activation = activation.clone()
            for head in range(activation.shape[2]):
                if (layer, head) not in circuit:
                    activation[:, :, head] = mean[:, head]
            return activation

        return hook

    return run_with_hooks(model, tokens, [(site, replace(site)) for site in sites])
