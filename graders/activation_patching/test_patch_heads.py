"""Grades `patch_heads`. Oracle: for each cell, a forward pass by hand in which one head's z is exchanged."""

import pytest
import torch

import solutions.activation_patching as ref
from dojo.grading import compare, mistake
from dojo.transformer import run_with_hooks
from graders.activation_patching import kit as ours
from graders.activation_patching.by_hand import run_by_hand, same_model

WHAT, AXES = "the map", "layer head"
SIZES = {"d_vocab": 11, "d_model": 7, "n_ctx": 9, "n_layers": 3, "n_heads": 4, "d_head": 2, "d_mlp": 6}


def draw(kit, rand, batch=2, n_pos=5, **sizes):
    """The model on the learner's side, the same on ours, the tokens that are patched and the other run's activations."""
    sizes = SIZES | sizes
    model = same_model(rand.seed, **sizes)
    tokens = rand.integers(11, batch, n_pos)
    others = (tokens + rand.integers(11, batch, n_pos, low=1)) % 11  # another token everywhere
    return kit.random_transformer(rand.seed, **sizes), model, tokens, run_by_hand(model, others)[1]


def by_hand(model, tokens, cache, metric):
    """Cell by cell, one forward pass each."""

    def cell(layer, head):
        site = f"blocks.{layer}.attn.hook_z"

        def exchange(activation):
            activation[:, :, head] = cache[site][:, :, head]
            return activation

        return float(metric(run_by_hand(model, tokens, {site: exchange})[0]))

    return torch.tensor([[cell(i, j) for j in range(model.config.n_heads)] for i in range(len(model.blocks))])


def test_shape(submission, kit, rand):
    """There is one number for each layer and head."""
    theirs, _, tokens, cache = draw(kit, rand)
    out = submission.patch_heads(theirs, tokens, cache, kit.uneven_metric(rand.normal(2, 5, 11)))
    compare(out, torch.zeros(3, 4), what=WHAT, axes=AXES, atol=torch.inf)


@pytest.mark.parametrize("n_layers, n_heads, batch, n_pos", [(3, 4, 2, 5), (2, 5, 3, 4), (2, 3, 4, 2)])
def test_every_cell(submission, kit, rand, n_layers, n_heads, batch, n_pos):
    """Entry [layer, head] is the metric after patching this head's z at all positions of all prompts, and nothing else."""
    theirs, model, tokens, cache = draw(kit, rand, batch, n_pos, n_layers=n_layers, n_heads=n_heads)
    weights = rand.normal(batch, n_pos, 11)
    out = submission.patch_heads(theirs, tokens, cache, kit.uneven_metric(weights))
    compare(out, by_hand(model, tokens, cache, ours.uneven_metric(weights)), what=WHAT, axes=AXES, atol=2e-3)


def test_the_logit_difference(submission, kit, rand):
    """With the logit difference as the metric, each entry is the mean over prompts of the patched run's difference."""
    theirs, model, tokens, cache = draw(kit, rand, batch=3, n_pos=4, n_layers=2)
    answers = rand.integers(5, 3), rand.integers(11, 3, low=5)
    out = submission.patch_heads(theirs, tokens, cache, kit.difference_metric(*answers))
    compare(out, by_hand(model, tokens, cache, ours.difference_metric(*answers)), what=WHAT, axes=AXES, atol=2e-3)


def test_values_of_the_same_run(submission, kit, rand):
    """With the activations of the same run nothing changes: every entry is the plain run's metric."""
    theirs, model, tokens, _ = draw(kit, rand)
    logits, own = run_by_hand(model, tokens)
    weights = rand.normal(2, 5, 11)
    out = submission.patch_heads(theirs, tokens, own, kit.uneven_metric(weights))
    expected = ours.uneven_metric(weights)(logits).expand(3, 4)
    compare(out, expected, what="the map of the run patched with itself", axes=AXES, atol=2e-3)


def test_one_pass_a_layer(submission, kit, rand):
    """The heads of a layer share one forward pass."""
    theirs, _, tokens, cache = draw(kit, rand, n_heads=6)
    submission.patch_heads(theirs, tokens, cache, kit.uneven_metric(rand.normal(2, 5, 11)))
    passes = kit.passes(theirs)
    assert passes <= 4, (  # a plain run to start from is nothing to complain about
        f"{passes} forward passes for 3 layers and 6 heads. One a layer will do: run 6 copies of the batch at once, each "
        "with a head of its own patched, as `patch_many` does."
    )


def test_without_gradients(submission, kit, rand):
    """The result hangs on no graph, and no gradient is left on the model's parameters."""
    theirs, _, tokens, cache = draw(kit, rand)
    out = submission.patch_heads(theirs, tokens, cache, kit.uneven_metric(rand.normal(2, 5, 11)))
    assert isinstance(out, torch.Tensor), "The result should be a tensor."
    assert not out.requires_grad, (
        "The result still hangs on the graph of every patched run: compute it under torch.no_grad()."
    )
    compare(kit.gradients_left(theirs), [], what="the list of parameters with a gradient")


def test_no_hook_is_left(submission, kit, rand):
    """Afterwards no hook is on the model."""
    theirs, _, tokens, cache = draw(kit, rand)
    submission.patch_heads(theirs, tokens, cache, kit.uneven_metric(rand.normal(2, 5, 11)))
    compare(kit.hooks_left(theirs), {}, what="the dict of hooks on the model")


ALL = slice(None)


def site_of(layer, name="z"):
    return f"blocks.{layer}.attn.hook_{name}"


def sweep(model, tokens, cache, metric, place=lambda head: (ALL, ALL, head), name="z", source=lambda layer: layer):
    """The reference with things left open: where a copy is patched, at which site, and from which layer's value."""
    rows = []
    for layer, block in enumerate(model.blocks):
        places = [place(head) for head in range(len(block.attn.W_O))]
        rows.append(
            ref.patch_many(model, tokens, site_of(layer, name), cache[site_of(source(layer), name)], places, metric)
        )
    return torch.stack(rows)


def write_each(copies, value):
    """Patch a head in each copy, [head, batch, pos, head, d_head]."""
    for head in range(len(copies)):
        copies[head, :, :, head] = value[:, :, head]


def in_copies(model, tokens, cache, metric, write=write_each, **unusual):
    """One pass a layer, written out.

    `unusual`: chunks(logits, number of copies) gives the runs; hooks_stay: those of earlier layers; gradients are kept.
    """
    n_heads, rows, hooks = len(model.blocks[0].attn.W_O), [], []
    chunks = unusual.get("chunks", torch.chunk)

    def hook_for(value):
        def hook(activation, hook):
            copies = activation.unflatten(0, (n_heads, len(tokens))).clone()
            write(copies, value)
            return copies.flatten(0, 1)

        return hook

    with torch.set_grad_enabled(unusual.get("gradients", False)):
        for layer in range(len(model.blocks)):
            hooks.append((site_of(layer), hook_for(cache[site_of(layer)])))
            run = hooks if unusual.get("hooks_stay") else hooks[-1:]
            logits = run_with_hooks(model, tokens.repeat(n_heads, 1), run)
            rows.append(torch.stack([metric(part) for part in chunks(logits, n_heads)]))
    return torch.stack(rows)


@mistake("Rows and columns are swapped: [layer, head].")
def transposed(model, tokens, cache, metric):
    return ref.patch_heads(model, tokens, cache, metric).T


@mistake("You patch the last position only: a head's output is exchanged at all positions.")
def last_position_only(model, tokens, cache, metric):
    return sweep(model, tokens, cache, metric, lambda head: (ALL, -1, head))


@mistake(
    "z is [batch, pos, head, d_head]; with one colon too few you patch a position of all heads: value[:, :, head]."
)
def a_position_for_a_head(model, tokens, cache, metric):
    n_pos = tokens.shape[1]
    return sweep(model, tokens, cache, metric, lambda head: (ALL, head if head < n_pos else slice(0, 0)))


@mistake("Your patches add up: the copy for a head holds those of the heads before it as well. One head at a time.")
def heads_add_up(model, tokens, cache, metric):
    return sweep(model, tokens, cache, metric, lambda head: (ALL, ALL, slice(0, head + 1)))


@mistake("The patches of earlier layers stay while later layers are patched: one head at a time.")
def layers_add_up(model, tokens, cache, metric):
    return in_copies(model, tokens, cache, metric, hooks_stay=True)


@mistake("All heads of a layer are patched in every cell: one head each.")
def all_heads(model, tokens, cache, metric):
    return sweep(model, tokens, cache, metric, lambda head: (ALL, ALL))


@mistake("You patch every head but the one: patch that one only.")
def all_others(model, tokens, cache, metric):
    n_heads = len(model.blocks[0].attn.W_O)
    return sweep(model, tokens, cache, metric, lambda head: (ALL, ALL, [h for h in range(n_heads) if h != head]))


@mistake("You patch the values, hook_v, which the pattern still mixes: a head's output is its z, hook_z.")
def values(model, tokens, cache, metric):
    return sweep(model, tokens, cache, metric, name="v")


@mistake("You patch the queries, hook_q: a head's output is its z, hook_z.")
def queries(model, tokens, cache, metric):
    return sweep(model, tokens, cache, metric, name="q")


@mistake("You patch the pattern, which says where a head looks: its output is z, hook_z.")
def patterns(model, tokens, cache, metric):
    return sweep(model, tokens, cache, metric, lambda head: (ALL, head), name="pattern")


@mistake("Every layer gets layer 0's z: take cache[site] of the layer that is patched.")
def values_of_layer_0(model, tokens, cache, metric):
    return sweep(model, tokens, cache, metric, source=lambda layer: 0)


@mistake("Every head gets head 0's z: take value[:, :, head].")
def values_of_head_0(model, tokens, cache, metric):
    def write(copies, value):
        for head in range(len(copies)):
            copies[head, :, :, head] = value[:, :, 0]

    return in_copies(model, tokens, cache, metric, write)


@mistake("All prompts get the first prompt's values: each prompt gets its own.")
def values_of_the_first_prompt(model, tokens, cache, metric):
    return ref.patch_heads(model, tokens, {name: v[:1].expand_as(v) for name, v in cache.items()}, metric)


@mistake("Only the first prompt of each copy is patched: patch all of them.")
def first_prompt_patched(model, tokens, cache, metric):
    return sweep(model, tokens, cache, metric, lambda head: (0, ALL, head))


@mistake("You add the other run's values to this run's: they go in their place.")
def added(model, tokens, cache, metric):
    def write(copies, value):
        for head in range(len(copies)):
            copies[head, :, :, head] += value[:, :, head]

    return in_copies(model, tokens, cache, metric, write)


@mistake("You set each head's z to zero, which is ablation: put in the other run's z.")
def zeros(model, tokens, cache, metric):
    return ref.patch_heads(model, tokens, {name: torch.zeros_like(v) for name, v in cache.items()}, metric)


@mistake("Nothing is patched: every cell is the plain run's metric. Does your hook return what it has changed?")
def nothing_patched(model, tokens, cache, metric):
    return in_copies(model, tokens, cache, metric, lambda copies, value: None)


@mistake(
    "The runs are mixed up: your copies lie one whole batch after another, and the metric gets them as if the copies of "
    "each prompt lay side by side. After repeat, copy i is logits[i * batch : (i + 1) * batch]."
)
def chunks_mixed_up(model, tokens, cache, metric):
    def side_by_side(logits, copies):
        return [logits[i::copies] for i in range(copies)]

    return in_copies(model, tokens, cache, metric, chunks=side_by_side)


@mistake("The last layer is missing: range(n_layers) ends at n_layers - 1 by itself.")
def without_the_last_layer(model, tokens, cache, metric):
    return ref.patch_heads(model, tokens, cache, metric)[:-1]


@mistake("You return how much the metric changed: the metric itself is asked; `normalised_effect` does the rest.")
def the_change(model, tokens, cache, metric):
    with torch.no_grad():
        return ref.patch_heads(model, tokens, cache, metric) - metric(model(tokens))


@mistake("The numbers are right, but they hang on the graph of every run: compute them under torch.no_grad().")
def with_gradients(model, tokens, cache, metric):
    return in_copies(model, tokens, cache, metric, gradients=True)


def cell_by_cell(model, tokens, cache, metric):
    rows = []
    for layer, block in enumerate(model.blocks):
        site, cells = site_of(layer), range(len(block.attn.W_O))
        rows.append(torch.stack([metric(ref.patch(model, tokens, site, cache[site], head=head)) for head in cells]))
    return torch.stack(rows)


@mistake(
    "The numbers are right, but every head costs a forward pass, and on a larger model you would wait for minutes. Run "
    "the heads of a layer as copies of the batch, with `patch_many`."
)
@torch.no_grad()
def a_pass_for_each_head(model, tokens, cache, metric):
    return cell_by_cell(model, tokens, cache, metric)


@mistake(
    "Every head costs a forward pass and keeps its graph: use `patch_many`, which runs them together, under no_grad."
)
def a_pass_and_a_graph_for_each_head(model, tokens, cache, metric):
    return cell_by_cell(model, tokens, cache, metric)


@mistake("A hook stays on the model: use `patch_many` or `run_with_hooks`, or remove it in a `finally`.")
def leaves_a_hook(model, tokens, cache, metric):
    result = ref.patch_heads(model, tokens, cache, metric)
    model.get_submodule(site_of(0)).register_forward_hook(lambda module, args, output: None)
    return result
