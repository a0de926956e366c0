"""Grades `direct_logit_attribution`. Oracles: the logits of the forward pass by hand, and a loop over single numbers."""

import pytest
import torch

import solutions.activation_patching as ref
from dojo.grading import compare, mistake
from dojo.transformer import run_with_cache
from graders.activation_patching.by_hand import run_by_hand, same_model

WHAT, AXES = "the attribution", "component batch"
SIZES = {"d_vocab": 11, "d_model": 7, "n_ctx": 9, "n_layers": 2, "n_heads": 3, "d_head": 4, "d_mlp": 6, "ln_eps": 0.2}


def draw(kit, rand, batch=2, n_pos=5, **sizes):
    """The model on the learner's side, the same on ours, and all activations of a run of it."""
    sizes = SIZES | sizes
    model = same_model(rand.seed, **sizes)
    cache = run_with_cache(model, rand.integers(sizes["d_vocab"], batch, n_pos))[1]
    return kit.random_transformer(rand.seed, **sizes), model, cache


def expected_attribution(model, cache, direction):
    """Number by number: mean, scale, weight, dot product; for each component and each prompt on its own."""
    scales, directions = cache["ln_final.hook_scale"][:, -1, 0].tolist(), direction.tolist()
    weight, bias = model.ln_final.weight.tolist(), model.ln_final.bias.tolist()
    rows = []
    for vectors in ref.residual_stack(model, cache)[:, :, -1].tolist():
        row = []
        for vector, scale, towards in zip(vectors, scales, directions, strict=True):
            mean = sum(vector) / len(vector)
            row.append(sum((x - mean) / scale * w * d for x, w, d in zip(vector, weight, towards, strict=True)))
        rows.append(row)
    rows.append([sum(b * d for b, d in zip(bias, towards, strict=True)) for towards in directions])
    return torch.tensor(rows)


def test_shape(submission, kit, rand):
    """There is one number for each component of residual_stack and each prompt, and a last row for ln_final's bias."""
    theirs, _, cache = draw(kit, rand)
    out = submission.direct_logit_attribution(theirs, cache, rand.normal(2, 7))
    compare(out, torch.zeros(13, 2), what=WHAT, axes=AXES, atol=torch.inf)


@pytest.mark.parametrize("n_layers, n_heads, batch, n_pos", [(2, 3, 2, 5), (3, 2, 4, 3)])
def test_the_sum_is_the_logit_difference(submission, kit, rand, n_layers, n_heads, batch, n_pos):
    """With W_U's difference of two columns as the direction, all rows together are each prompt's logit difference."""
    theirs, model, _ = draw(kit, rand, n_layers=n_layers, n_heads=n_heads)
    tokens, rows = rand.integers(11, batch, n_pos), torch.arange(batch)
    correct, wrong = rand.integers(5, batch), rand.integers(11, batch, low=5)
    logits = run_by_hand(model, tokens)[0][:, -1]
    direction = (model.W_U[:, correct] - model.W_U[:, wrong]).T.detach()
    out = submission.direct_logit_attribution(theirs, run_with_cache(model, tokens)[1], direction)
    assert isinstance(out, torch.Tensor) and out.ndim, "The result should be a tensor, [component + 1, batch]."
    expected = logits[rows, correct] - logits[rows, wrong]
    compare(out.sum(dim=0), expected, what="the sum over components", axes="batch", atol=1e-3)


def test_the_bias(submission, kit, rand):
    """The last row is ln_final's bias, dotted with each prompt's direction."""
    theirs, model, cache = draw(kit, rand, batch=3)
    direction = rand.normal(3, 7)
    out = submission.direct_logit_attribution(theirs, cache, direction)
    assert isinstance(out, torch.Tensor) and out.ndim, "The result should be a tensor, [component + 1, batch]."
    compare(out[-1], direction @ model.ln_final.bias.detach(), what="the last row", axes="batch")


def test_a_constant_counts_for_nothing(submission, kit, rand):
    """A number that is added to all entries of a component is no contribution: the final LayerNorm subtracts it."""
    theirs, model, cache = draw(kit, rand)
    direction = rand.normal(2, 7)
    expected = expected_attribution(model, cache, direction)
    shifted = cache | {"blocks.0.hook_mlp_out": cache["blocks.0.hook_mlp_out"] + 50.0}
    out = submission.direct_logit_attribution(theirs, shifted, direction)
    compare(out, expected, what="the attribution after 50 was added to a component", axes=AXES, atol=2e-3)


@pytest.mark.parametrize("n_layers, n_heads, batch, n_pos", [(2, 3, 3, 5), (3, 2, 2, 4), (1, 4, 5, 1)])
def test_every_component(submission, kit, rand, n_layers, n_heads, batch, n_pos):
    """Each component's number is right, for any directions."""
    theirs, model, cache = draw(kit, rand, batch, n_pos, n_layers=n_layers, n_heads=n_heads)
    direction = 2 * rand.normal(batch, 7)
    out = submission.direct_logit_attribution(theirs, cache, direction)
    compare(out, expected_attribution(model, cache, direction), what=WHAT, axes=AXES)


def test_the_scale_is_frozen(submission, kit, rand):
    """Exchange one component in the cache, and no other's number changes: the scale stays the cache's ln_final.hook_scale."""
    theirs, model, cache = draw(kit, rand, batch=3)
    direction = rand.normal(3, 7)
    exchanged = cache | {"blocks.1.hook_mlp_out": 3 * rand.normal(3, 5, 7)}
    out = submission.direct_logit_attribution(theirs, exchanged, direction)
    compare(out, expected_attribution(model, exchanged, direction), what=WHAT, axes=AXES)


def parts(model, cache):
    """The components' vectors at the last position, centred [component, batch, d_model]; and the scale there [batch, 1]."""
    vectors = ref.residual_stack(model, cache)[:, :, -1]
    return vectors - vectors.mean(dim=-1, keepdim=True), cache["ln_final.hook_scale"][:, -1]


def attribution(model, normalised, direction):
    """Dot with the direction, and the row of the bias below."""
    return torch.cat([(normalised * direction).sum(dim=-1), (direction @ model.ln_final.bias)[None]])


@mistake(
    "Each component is divided by a scale of its own, as if it went through ln_final alone. Divide them all by the "
    "scale of the full residual, or they do not add up: cache['ln_final.hook_scale']."
)
def own_scales(model, cache, direction):
    centred, _ = parts(model, cache)
    scale = (centred.pow(2).mean(dim=-1, keepdim=True) + model.ln_final.eps).sqrt()
    return attribution(model, centred / scale * model.ln_final.weight, direction)


@mistake(
    "Each component goes through model.ln_final, which divides it by a scale of its own and adds the bias each time. "
    "Use the scale of the full residual, and give the bias its one row."
)
def ln_final_for_each(model, cache, direction):
    vectors = ref.residual_stack(model, cache)[:, :, -1]
    return attribution(model, model.ln_final(vectors), direction)


@mistake("The scale is computed anew from the sum of the components. It is frozen: take cache['ln_final.hook_scale'].")
def scale_from_the_sum(model, cache, direction):
    centred, _ = parts(model, cache)
    scale = (centred.sum(dim=0).pow(2).mean(dim=-1, keepdim=True) + model.ln_final.eps).sqrt()
    return attribution(model, centred / scale * model.ln_final.weight, direction)


@mistake("The scale is missing: divide by cache['ln_final.hook_scale'].")
def not_scaled(model, cache, direction):
    return attribution(model, parts(model, cache)[0] * model.ln_final.weight, direction)


@mistake("You multiply by the scale: divide by it.")
def multiplied_by_the_scale(model, cache, direction):
    centred, scale = parts(model, cache)
    return attribution(model, centred * scale * model.ln_final.weight, direction)


@mistake("The scale is the first position's: the components are read at the last position, and so is their scale.")
def scale_of_the_first_position(model, cache, direction):
    centred, _ = parts(model, cache)
    return attribution(model, centred / cache["ln_final.hook_scale"][:, 0] * model.ln_final.weight, direction)


@mistake("All prompts are divided by the first prompt's scale: keep the batch axis of hook_scale.")
def scale_of_the_first_prompt(model, cache, direction):
    centred, scale = parts(model, cache)
    return attribution(model, centred / scale[0] * model.ln_final.weight, direction)


@mistake("This scale belongs to the last block's ln2; the final LayerNorm's is ln_final.hook_scale.")
def scale_of_ln2(model, cache, direction):
    scale = cache[f"blocks.{len(model.blocks) - 1}.ln2.hook_scale"][:, -1]
    return attribution(model, parts(model, cache)[0] / scale * model.ln_final.weight, direction)


@mistake(
    "The components are not centred: LayerNorm subtracts the mean over d_model, from each of them as from their sum."
)
def not_centred(model, cache, direction):
    vectors, scale = ref.residual_stack(model, cache)[:, :, -1], parts(model, cache)[1]
    return attribution(model, vectors / scale * model.ln_final.weight, direction)


@mistake("You subtract the full residual's mean from every component: each has a mean of its own.")
def centred_by_the_sum(model, cache, direction):
    vectors, scale = ref.residual_stack(model, cache)[:, :, -1], parts(model, cache)[1]
    mean = vectors.sum(dim=0).mean(dim=-1, keepdim=True)
    return attribution(model, (vectors - mean) / scale * model.ln_final.weight, direction)


@mistake("You subtract the mean over the components: LayerNorm's mean is over d_model, the last axis.")
def centred_over_components(model, cache, direction):
    vectors, scale = ref.residual_stack(model, cache)[:, :, -1], parts(model, cache)[1]
    return attribution(model, (vectors - vectors.mean(dim=0)) / scale * model.ln_final.weight, direction)


@mistake("ln_final's weight is missing: multiply by it before the dot product.")
def no_weight(model, cache, direction):
    centred, scale = parts(model, cache)
    return attribution(model, centred / scale, direction)


@mistake("The last row, ln_final's bias dotted with the direction, is missing: without it the sum is not the logits'.")
def no_bias_row(model, cache, direction):
    return ref.direct_logit_attribution(model, cache, direction)[:-1]


@mistake("ln_final's bias is added to every component. No component wrote it: it has the last row for itself.")
def bias_in_every_row(model, cache, direction):
    centred, scale = parts(model, cache)
    return attribution(model, centred / scale * model.ln_final.weight + model.ln_final.bias, direction)


@mistake("The bias is treated as a component, and scaled: ln_final adds it at the very end, as it is.")
def bias_scaled(model, cache, direction):
    out = ref.direct_logit_attribution(model, cache, direction).clone()
    bias = model.ln_final.bias / cache["ln_final.hook_scale"][:, -1] * model.ln_final.weight
    out[-1] = (bias * direction).sum(dim=-1)
    return out


@mistake("The bias's row comes first: it is the last.")
def bias_first(model, cache, direction):
    return ref.direct_logit_attribution(model, cache, direction).roll(1, dims=0)


@mistake("The components are read at the first position: the answer is predicted at the last.")
def first_position(model, cache, direction):
    vectors, scale = ref.residual_stack(model, cache)[:, :, 0], cache["ln_final.hook_scale"][:, 0]
    normalised = (vectors - vectors.mean(dim=-1, keepdim=True)) / scale * model.ln_final.weight
    return attribution(model, normalised, direction)


@mistake("All positions are summed up: the answer is predicted at the last.")
def summed_over_positions(model, cache, direction):
    vectors, scale = ref.residual_stack(model, cache), cache["ln_final.hook_scale"]
    normalised = (vectors - vectors.mean(dim=-1, keepdim=True)) / scale * model.ln_final.weight
    return attribution(model, normalised.sum(dim=2), direction)


@mistake("All prompts are dotted with the first prompt's direction: each has its own.")
def direction_of_the_first_prompt(model, cache, direction):
    return ref.direct_logit_attribution(model, cache, direction[:1].expand_as(direction))


@mistake("You average over the prompts: keep one column for each.")
def mean_over_prompts(model, cache, direction):
    return ref.direct_logit_attribution(model, cache, direction).mean(dim=1)


@mistake("The axes are swapped: the components come first, [component + 1, batch].")
def prompts_first(model, cache, direction):
    return ref.direct_logit_attribution(model, cache, direction).T
