"""patch_head_inputs: each cell against a forward pass written out by hand in which one head's input is exchanged."""

import torch

import solutions.activation_patching as ref
from dojo.grading import compare, mistake
from graders.activation_patching import kit as ours
from graders.activation_patching.by_hand import run_by_hand

SIZES = {"d_vocab": 11, "d_model": 10, "n_ctx": 9, "n_layers": 2, "n_heads": 3, "d_head": 4, "d_mlp": 7}
INPUTS = ("q", "k", "v", "pattern")
AXES = "input layer head"


def _setting(rand):
    """Model, the tokens that are patched, and the activations of another run."""
    model = ours.random_transformer(rand.seed, **SIZES)
    tokens, other = rand.integers(11, 2, 6), rand.integers(11, 2, 6)
    return model, tokens, run_by_hand(model, other)[1]


def _cell(model, tokens, cache, metric, name, layer, head):
    site = f"blocks.{layer}.attn.hook_{name}"

    def exchange(activation):
        if name == "pattern":
            activation[:, head] = cache[site][:, head]
        else:
            activation[:, :, head] = cache[site][:, :, head]
        return activation

    return float(metric(run_by_hand(model, tokens, {site: exchange})[0]))


def _map(model, tokens, cache, metric):
    layers, heads = range(SIZES["n_layers"]), range(SIZES["n_heads"])
    return torch.tensor(
        [[[_cell(model, tokens, cache, metric, n, la, h) for h in heads] for la in layers] for n in INPUTS]
    )


def test_the_map(submission, kit, rand):
    """Entry [input, layer, head] is the metric after exchanging that input of that head; inputs stand in the order q, k, v,
    pattern."""
    model, tokens, cache = _setting(rand)
    correct, wrong = rand.integers(5, 2), 5 + rand.integers(6, 2)
    expected = _map(model, tokens, cache, ours.difference_metric(correct, wrong))
    found = submission.patch_head_inputs(
        kit.random_transformer(rand.seed, **SIZES), tokens, cache, kit.difference_metric(correct, wrong)
    )
    compare(found, expected, what="the map", axes=AXES)


def test_another_metric(submission, kit, rand):
    """The metric is whatever is handed in, applied to one patched run at a time: all its prompts, positions and tokens."""
    model, tokens, cache = _setting(rand)
    weights = rand.normal(2, 6, 11)
    expected = _map(model, tokens, cache, ours.uneven_metric(weights))
    found = submission.patch_head_inputs(
        kit.random_transformer(rand.seed, **SIZES), tokens, cache, kit.uneven_metric(weights)
    )
    compare(found, expected, what="the map", axes=AXES)


def test_values_of_the_same_run(submission, kit, rand):
    """Exchanging an activation for itself changes nothing: every entry is the metric of the plain run."""
    model, tokens, _ = _setting(rand)
    logits, own = run_by_hand(model, tokens)
    weights = rand.normal(2, 6, 11)
    found = submission.patch_head_inputs(
        kit.random_transformer(rand.seed, **SIZES), tokens, own, kit.uneven_metric(weights)
    )
    expected = ours.uneven_metric(weights)(logits).expand(4, SIZES["n_layers"], SIZES["n_heads"])
    compare(found, expected, what="the map", axes=AXES)


def test_it_is_batched(submission, kit, rand):
    """At most one forward pass for each layer and input."""
    _, tokens, cache = _setting(rand)
    model = kit.random_transformer(rand.seed, **SIZES)
    submission.patch_head_inputs(model, tokens, cache, kit.uneven_metric(rand.normal(2, 6, 11)))
    passes, most = kit.passes(model), len(INPUTS) * SIZES["n_layers"]
    assert passes <= most, (
        f"The sweep made {passes} forward passes for {SIZES['n_layers']} layers and 4 inputs, but {most} are enough: put a copy "
        "of the batch for each head into one pass, as `patch_many` does."
    )


def test_nothing_stays(submission, kit, rand):
    """Afterwards no hook is left on the model, no gradient on its parameters and none on the result."""
    _, tokens, cache = _setting(rand)
    model = kit.random_transformer(rand.seed, **SIZES)
    found = submission.patch_head_inputs(model, tokens, cache, kit.uneven_metric(rand.normal(2, 6, 11)))
    compare(kit.hooks_left(model), {}, what="the dict of hooks on the model afterwards")
    compare(kit.gradients_left(model), [], what="the list of parameters with a gradient")
    assert not found.requires_grad, "The map still hangs on a graph of gradients: compute it under torch.no_grad()."


def _sweep(model, tokens, cache, metric, inputs=INPUTS, place=None, source=None):
    place = place or (lambda name, head: (slice(None), head) if name == "pattern" else (slice(None), slice(None), head))
    source = source or (lambda layer, name: f"blocks.{layer}.attn.hook_{name}")
    result = []
    for name in inputs:
        rows = []
        for layer in range(len(model.blocks)):
            site = f"blocks.{layer}.attn.hook_{name}"
            places = [place(name, head) for head in range(len(model.blocks[layer].attn.W_O))]
            rows.append(ref.patch_many(model, tokens, site, cache[source(layer, name)], places, metric))
        result.append(torch.stack(rows))
    return torch.stack(result)


@mistake("Keys and queries are swapped: the inputs stand in the order q, k, v, pattern.")
def keys_before_queries(model, tokens, cache, metric):
    return _sweep(model, tokens, cache, metric, inputs=("k", "q", "v", "pattern"))


@mistake("Keys and values are swapped: the inputs stand in the order q, k, v, pattern.")
def values_before_keys(model, tokens, cache, metric):
    return _sweep(model, tokens, cache, metric, inputs=("q", "v", "k", "pattern"))


@mistake("The pattern stands first: the inputs stand in the order q, k, v, pattern.")
def pattern_first(model, tokens, cache, metric):
    return _sweep(model, tokens, cache, metric, inputs=("pattern", "q", "k", "v"))


@mistake(
    "In a pattern [batch, head, query, key] the head is the second axis; you exchanged a query's row in all heads."
)
def query_rows_of_the_pattern(model, tokens, cache, metric):
    return _sweep(model, tokens, cache, metric, place=lambda name, head: (slice(None), slice(None), head))


@mistake("In q, k and v [batch, pos, head, d_head] the head is the third axis; you exchanged a position in all heads.")
def positions_of_the_vectors(model, tokens, cache, metric):
    return _sweep(model, tokens, cache, metric, place=lambda name, head: (slice(None), head))


@mistake("You exchange all heads of the layer at once: each entry is one head.")
def the_whole_layer(model, tokens, cache, metric):
    return _sweep(model, tokens, cache, metric, place=lambda name, head: (slice(None),))


@mistake(
    "Patches pile up: each entry exchanges this head and all before it. Start every copy from the unpatched activation."
)
def pile_up(model, tokens, cache, metric):
    def place(name, head):
        upto = slice(0, head + 1)
        return (slice(None), upto) if name == "pattern" else (slice(None), slice(None), upto)

    return _sweep(model, tokens, cache, metric, place=place)


@mistake("Layers and heads are swapped: the map is [input, layer, head].")
def heads_before_layers(model, tokens, cache, metric):
    return _sweep(model, tokens, cache, metric).transpose(1, 2)


@mistake("The map has its inputs on the last axis: it is [input, layer, head].")
def inputs_last(model, tokens, cache, metric):
    return _sweep(model, tokens, cache, metric).permute(1, 2, 0)


@mistake("The last input is z, a head's output; it should be the pattern, where the head looks.")
def z_for_the_pattern(model, tokens, cache, metric):
    return _sweep(model, tokens, cache, metric, inputs=("q", "k", "v", "z"))


@mistake("You subtract the metric of the unpatched run: the map holds the metric itself, not normalised.")
def change_of_the_metric(model, tokens, cache, metric):
    with torch.no_grad():
        return _sweep(model, tokens, cache, metric) - metric(model(tokens))


@mistake("Each entry is right, but it is computed by a forward pass of its own: batch the sweep with `patch_many`.")
def a_pass_for_each_cell(model, tokens, cache, metric):
    with torch.no_grad():
        return torch.stack(
            [
                torch.stack(
                    [
                        torch.stack(
                            [
                                metric(ref.patch(model, tokens, site, cache[site], head=head))
                                for head in range(len(model.blocks[layer].attn.W_O))
                            ]
                        )
                        for layer in range(len(model.blocks))
                        if (site := f"blocks.{layer}.attn.hook_{name}")
                    ]
                )
                for name in INPUTS
            ]
        )
