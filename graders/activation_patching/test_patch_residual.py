"""Grades `patch_residual`. Oracle: for each cell, a forward pass by hand in which the stream is exchanged at one position."""

import pytest
import torch

import solutions.activation_patching as ref
from dojo.grading import compare, mistake
from dojo.transformer import run_with_hooks
from graders.activation_patching import kit as ours
from graders.activation_patching.by_hand import run_by_hand, same_model

WHAT, AXES = "the map", "layer position"
SIZES = {"d_vocab": 11, "d_model": 7, "n_ctx": 9, "n_layers": 3, "n_heads": 2, "d_head": 4, "d_mlp": 6}


def draw(kit, rand, batch=2, n_pos=5, **sizes):
    """The model on the learner's side, the same on ours, the tokens that are patched and the other run's activations."""
    sizes = SIZES | sizes
    model = same_model(rand.seed, **sizes)
    tokens = rand.integers(11, batch, n_pos)
    others = (tokens + rand.integers(11, batch, n_pos, low=1)) % 11  # another token everywhere
    return kit.random_transformer(rand.seed, **sizes), model, tokens, run_by_hand(model, others)[1]


def by_hand(model, tokens, cache, metric, stream="resid_pre"):
    """Cell by cell, one forward pass each."""

    def cell(layer, position):
        site = f"blocks.{layer}.hook_{stream}"

        def exchange(activation):
            activation[:, position] = cache[site][:, position]
            return activation

        return float(metric(run_by_hand(model, tokens, {site: exchange})[0]))

    return torch.tensor([[cell(i, j) for j in range(tokens.shape[1])] for i in range(len(model.blocks))])


def test_shape(submission, kit, rand):
    """There is one number for each layer and position."""
    theirs, _, tokens, cache = draw(kit, rand)
    out = submission.patch_residual(theirs, tokens, cache, kit.uneven_metric(rand.normal(2, 5, 11)))
    compare(out, torch.zeros(3, 5), what=WHAT, axes=AXES, atol=torch.inf)


@pytest.mark.parametrize("n_layers, batch, n_pos", [(3, 2, 5), (2, 3, 4)])
def test_every_cell(submission, kit, rand, n_layers, batch, n_pos):
    """Entry [layer, position] is the metric after patching hook_resid_pre there, in every prompt, and nowhere else."""
    theirs, model, tokens, cache = draw(kit, rand, batch, n_pos, n_layers=n_layers)
    weights = rand.normal(batch, n_pos, 11)
    out = submission.patch_residual(theirs, tokens, cache, kit.uneven_metric(weights))
    compare(out, by_hand(model, tokens, cache, ours.uneven_metric(weights)), what=WHAT, axes=AXES, atol=2e-3)


def test_the_logit_difference(submission, kit, rand):
    """With the logit difference as the metric, each entry is the mean over prompts of the patched run's difference."""
    theirs, model, tokens, cache = draw(kit, rand, batch=3, n_pos=4, n_layers=2)
    answers = rand.integers(5, 3), rand.integers(11, 3, low=5)
    out = submission.patch_residual(theirs, tokens, cache, kit.difference_metric(*answers))
    compare(out, by_hand(model, tokens, cache, ours.difference_metric(*answers)), what=WHAT, axes=AXES, atol=2e-3)


@pytest.mark.parametrize("stream", ["resid_mid", "attn_out", "mlp_out", "resid_post"])
def test_other_streams(submission, kit, rand, stream):
    """`stream` says which activation is patched: hook_resid_mid, what attention or the MLP adds, ..."""
    theirs, model, tokens, cache = draw(kit, rand, batch=2, n_pos=3, n_layers=2)
    weights = rand.normal(2, 3, 11)
    out = submission.patch_residual(theirs, tokens, cache, kit.uneven_metric(weights), stream=stream)
    compare(out, by_hand(model, tokens, cache, ours.uneven_metric(weights), stream), what=WHAT, axes=AXES, atol=2e-3)


def test_values_of_the_same_run(submission, kit, rand):
    """With the activations of the same run nothing changes: every entry is the plain run's metric."""
    theirs, model, tokens, _ = draw(kit, rand)
    logits, own = run_by_hand(model, tokens)
    weights = rand.normal(2, 5, 11)
    out = submission.patch_residual(theirs, tokens, own, kit.uneven_metric(weights))
    expected = ours.uneven_metric(weights)(logits).expand(3, 5)
    compare(out, expected, what="the map of the run patched with itself", axes=AXES, atol=2e-3)


def test_one_pass_a_layer(submission, kit, rand):
    """The positions of a layer share one forward pass."""
    theirs, _, tokens, cache = draw(kit, rand, batch=2, n_pos=6)
    submission.patch_residual(theirs, tokens, cache, kit.uneven_metric(rand.normal(2, 6, 11)))
    passes = kit.passes(theirs)
    assert passes <= 4, (  # a plain run to start from is nothing to complain about
        f"{passes} forward passes for 3 layers and 6 positions. One a layer will do: run 6 copies of the batch at once, "
        "each patched at a position of its own, as `patch_many` does."
    )


def test_without_gradients(submission, kit, rand):
    """The result hangs on no graph, and no gradient is left on the model's parameters."""
    theirs, _, tokens, cache = draw(kit, rand)
    out = submission.patch_residual(theirs, tokens, cache, kit.uneven_metric(rand.normal(2, 5, 11)))
    assert isinstance(out, torch.Tensor), "The result should be a tensor."
    assert not out.requires_grad, (
        "The result still hangs on the graph of every patched run: compute it under torch.no_grad()."
    )
    compare(kit.gradients_left(theirs), [], what="the list of parameters with a gradient")


def test_no_hook_is_left(submission, kit, rand):
    """Afterwards no hook is on the model."""
    theirs, _, tokens, cache = draw(kit, rand)
    submission.patch_residual(theirs, tokens, cache, kit.uneven_metric(rand.normal(2, 5, 11)))
    compare(kit.hooks_left(theirs), {}, what="the dict of hooks on the model")


def site_of(layer, stream):
    return f"blocks.{layer}.hook_{stream}"


def sweep(model, tokens, cache, metric, stream, place=lambda position: position, source=lambda layer: layer):
    """The reference with two things left open: which positions a copy patches, and from which layer's value."""
    rows = []
    for layer in range(len(model.blocks)):
        places = [(slice(None), place(position)) for position in range(tokens.shape[1])]
        value = cache[site_of(source(layer), stream)]
        rows.append(ref.patch_many(model, tokens, site_of(layer, stream), value, places, metric))
    return torch.stack(rows)


def write_each(copies, value):
    """Patch a position in each copy, [position, batch, pos, d_model]."""
    for position in range(len(copies)):
        copies[position, :, position] = value[:, position]


def in_copies(model, tokens, cache, metric, stream, write=write_each, **unusual):
    """One pass a layer, written out.

    `unusual`: chunks(logits, number of copies) gives the runs; hooks_stay: those of earlier layers; gradients are kept.
    """
    n_pos, rows, hooks = tokens.shape[1], [], []
    chunks = unusual.get("chunks", torch.chunk)

    def hook_for(value):
        def hook(activation, hook):
            copies = activation.unflatten(0, (n_pos, len(tokens))).clone()
            write(copies, value)
            return copies.flatten(0, 1)

        return hook

    with torch.set_grad_enabled(unusual.get("gradients", False)):
        for layer in range(len(model.blocks)):
            site = site_of(layer, stream)
            hooks.append((site, hook_for(cache[site])))
            run = hooks if unusual.get("hooks_stay") else hooks[-1:]
            logits = run_with_hooks(model, tokens.repeat(n_pos, 1), run)
            rows.append(torch.stack([metric(part) for part in chunks(logits, n_pos)]))
    return torch.stack(rows)


@mistake("Rows and columns are swapped: [layer, position].")
def transposed(model, tokens, cache, metric, stream="resid_pre"):
    return ref.patch_residual(model, tokens, cache, metric, stream).T


@mistake(
    "Your patches add up: the copy for a position holds those of the positions before it as well. One place at a time."
)
def positions_add_up(model, tokens, cache, metric, stream="resid_pre"):
    return sweep(model, tokens, cache, metric, stream, lambda position: slice(0, position + 1))


@mistake("You patch from the position to the end: patch that position only.")
def from_there_on(model, tokens, cache, metric, stream="resid_pre"):
    return sweep(model, tokens, cache, metric, stream, lambda position: slice(position, None))


@mistake("All positions of a layer are patched in every cell: one position each.")
def all_positions(model, tokens, cache, metric, stream="resid_pre"):
    return sweep(model, tokens, cache, metric, stream, lambda position: slice(None))


@mistake("You patch everything but the position: patch that position only.")
def all_others(model, tokens, cache, metric, stream="resid_pre"):
    n_pos = tokens.shape[1]
    return sweep(model, tokens, cache, metric, stream, lambda position: [p for p in range(n_pos) if p != position])


@mistake("The patches of earlier layers stay while later layers are patched: one place at a time.")
def layers_add_up(model, tokens, cache, metric, stream="resid_pre"):
    return in_copies(model, tokens, cache, metric, stream, hooks_stay=True)


@mistake("`stream` is ignored: the hook point is blocks.{layer}.hook_{stream}.")
def stream_ignored(model, tokens, cache, metric, stream="resid_pre"):
    return ref.patch_residual(model, tokens, cache, metric)


@mistake("Every layer gets layer 0's activation: take cache[site] of the layer that is patched.")
def values_of_layer_0(model, tokens, cache, metric, stream="resid_pre"):
    return sweep(model, tokens, cache, metric, stream, source=lambda layer: 0)


@mistake("The values come from the stream after the layer, hook_resid_post: the stream before it is patched.")
def values_after_the_layer(model, tokens, cache, metric, stream="resid_pre"):
    if stream != "resid_pre":
        return ref.patch_residual(model, tokens, cache, metric, stream)
    shifted = {site_of(i, "resid_pre"): cache[site_of(i, "resid_post")] for i in range(len(model.blocks))}
    return ref.patch_residual(model, tokens, shifted, metric)


@mistake("All prompts get the first prompt's values: each prompt gets its own.")
def values_of_the_first_prompt(model, tokens, cache, metric, stream="resid_pre"):
    first = {name: value[:1].expand_as(value) for name, value in cache.items()}
    return ref.patch_residual(model, tokens, first, metric, stream)


@mistake("Only the first prompt of each copy is patched: patch all of them.")
def first_prompt_patched(model, tokens, cache, metric, stream="resid_pre"):
    def write(copies, value):
        for position in range(len(copies)):
            copies[position, 0, position] = value[0, position]

    return in_copies(model, tokens, cache, metric, stream, write)


@mistake("You add the other run's values to this run's: they go in their place.")
def added(model, tokens, cache, metric, stream="resid_pre"):
    def write(copies, value):
        for position in range(len(copies)):
            copies[position, :, position] += value[:, position]

    return in_copies(model, tokens, cache, metric, stream, write)


@mistake("Nothing is patched: every cell is the plain run's metric. Does your hook return what it has changed?")
def nothing_patched(model, tokens, cache, metric, stream="resid_pre"):
    return in_copies(model, tokens, cache, metric, stream, lambda copies, value: None)


@mistake(
    "The runs are mixed up: your copies lie one whole batch after another, and the metric gets them as if the copies of "
    "each prompt lay side by side. After repeat, copy i is logits[i * batch : (i + 1) * batch]."
)
def chunks_mixed_up(model, tokens, cache, metric, stream="resid_pre"):
    def side_by_side(logits, copies):
        return [logits[i::copies] for i in range(copies)]

    return in_copies(model, tokens, cache, metric, stream, chunks=side_by_side)


@mistake("The metric gets the logits of all copies at once: give it one patched run at a time.")
@torch.no_grad()
def metric_of_all_copies(model, tokens, cache, metric, stream="resid_pre"):
    n_pos, rows = tokens.shape[1], []
    for layer in range(len(model.blocks)):
        value = cache[site_of(layer, stream)].repeat(n_pos, 1, 1)
        rows.append(metric(ref.patch(model, tokens.repeat(n_pos, 1), site_of(layer, stream), value)))
    return torch.stack(rows)


@mistake("The last layer is missing: range(n_layers) ends at n_layers - 1 by itself.")
def without_the_last_layer(model, tokens, cache, metric, stream="resid_pre"):
    return ref.patch_residual(model, tokens, cache, metric, stream)[:-1]


@mistake("You return how much the metric changed: the metric itself is asked; `normalised_effect` comes later.")
def the_change(model, tokens, cache, metric, stream="resid_pre"):
    with torch.no_grad():
        return ref.patch_residual(model, tokens, cache, metric, stream) - metric(model(tokens))


@mistake("The numbers are right, but they hang on the graph of every run: compute them under torch.no_grad().")
def with_gradients(model, tokens, cache, metric, stream="resid_pre"):
    return in_copies(model, tokens, cache, metric, stream, gradients=True)


def cell_by_cell(model, tokens, cache, metric, stream):
    rows = []
    for layer in range(len(model.blocks)):
        site, cells = site_of(layer, stream), range(tokens.shape[1])
        rows.append(torch.stack([metric(ref.patch(model, tokens, site, cache[site], position=p)) for p in cells]))
    return torch.stack(rows)


@mistake(
    "The numbers are right, but every cell costs a forward pass, and on a larger model you would wait for minutes. Run "
    "the positions of a layer as copies of the batch, with `patch_many`."
)
@torch.no_grad()
def a_pass_for_each_cell(model, tokens, cache, metric, stream="resid_pre"):
    return cell_by_cell(model, tokens, cache, metric, stream)


@mistake(
    "Every cell costs a forward pass and keeps its graph: use `patch_many`, which runs them together, under no_grad."
)
def a_pass_and_a_graph_for_each_cell(model, tokens, cache, metric, stream="resid_pre"):
    return cell_by_cell(model, tokens, cache, metric, stream)


@mistake("A hook stays on the model: use `patch_many` or `run_with_hooks`, or remove it in a `finally`.")
def leaves_a_hook(model, tokens, cache, metric, stream="resid_pre"):
    result = ref.patch_residual(model, tokens, cache, metric, stream)
    model.get_submodule(site_of(0, stream)).register_forward_hook(lambda module, args, output: None)
    return result


@mistake("The map is a list of lists: return a tensor, torch.stack does it.")
def nested_lists(model, tokens, cache, metric, stream="resid_pre"):
    return ref.patch_residual(model, tokens, cache, metric, stream).tolist()
