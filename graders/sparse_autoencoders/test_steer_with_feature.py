"""Grades `steer_with_feature`. Oracle: the model's own layers, run one after another, with the direction added by hand."""

import pytest
import torch
import torch.nn.functional as F

import solutions.sparse_autoencoders as ref
from dojo.grading import compare, mistake
from dojo.transformer import run_with_hooks
from graders.sparse_autoencoders import kit as here

SIZES = {"d_vocab": 11, "d_model": 6, "n_ctx": 8, "n_layers": 3, "n_heads": 2, "d_head": 3, "d_mlp": 7}
WHAT, AXES = "the tensor of logits", "batch pos d_vocab"
PRE, POST, MID = "blocks.1.hook_resid_pre", "blocks.2.hook_resid_post", "blocks.0.hook_resid_mid"


@torch.no_grad()
def by_hand(model, tokens, site, direction, alpha):
    def at(name, stream):
        if name != site:
            return stream
        return torch.stack([torch.stack([place + alpha * direction for place in row]) for row in stream])

    stream = model.W_E[tokens] + model.W_pos[: tokens.shape[1]]
    for layer, block in enumerate(model.blocks):
        stream = at(f"blocks.{layer}.hook_resid_pre", stream)
        stream = at(f"blocks.{layer}.hook_resid_mid", stream + block.attn(block.ln1(stream)))
        stream = at(f"blocks.{layer}.hook_resid_post", stream + block.mlp(block.ln2(stream)))
    return model.ln_final(stream) @ model.W_U


def inputs(rand):
    return rand.integers(11, 3, 5), 1.6 * F.normalize(rand.normal(6, mean=0.3), dim=0)


@pytest.mark.parametrize("site, alpha", [(PRE, 2.5), (POST, -1.5), (MID, 0.7), ("blocks.0.hook_resid_pre", -3.0)])
def test_agrees_with_the_layers_run_by_hand(submission, kit, rand, site, alpha):
    """The logits are right at several sites, for positive and negative alpha."""
    tokens, direction = inputs(rand)
    out = submission.steer_with_feature(kit.random_transformer(rand.seed, **SIZES), tokens, site, direction, alpha)
    expected = by_hand(here.random_transformer(rand.seed, **SIZES), tokens, site, direction, alpha)
    compare(out, expected, what=WHAT, axes=AXES, atol=1e-3)


def test_alpha_zero(submission, kit, rand):
    """With alpha 0 the model is as it is."""
    tokens, direction = inputs(rand)
    out = submission.steer_with_feature(kit.random_transformer(rand.seed, **SIZES), tokens, PRE, direction, 0.0)
    with torch.no_grad():
        expected = here.random_transformer(rand.seed, **SIZES)(tokens)
    compare(out, expected, what=WHAT, axes=AXES, atol=1e-3)


def test_of_any_length(submission, kit, rand):
    """A direction of length 3 with alpha 1 does what one of length 1 does with alpha 3."""
    tokens, _ = inputs(rand)
    unit = F.normalize(rand.normal(6), dim=0)
    expected = by_hand(here.random_transformer(rand.seed, **SIZES), tokens, PRE, unit, 3.0)
    for direction, alpha in ((unit, 3.0), (3 * unit, 1.0)):
        out = submission.steer_with_feature(kit.random_transformer(rand.seed, **SIZES), tokens, PRE, direction, alpha)
        compare(out, expected, what=WHAT, axes=AXES, atol=1e-3)


def test_nothing_stays(submission, kit, rand):
    """Afterwards no hook is on the model, its weights are what they were, and it gives its own logits again."""
    tokens, direction = inputs(rand)
    theirs = kit.random_transformer(rand.seed, **SIZES)
    first = submission.steer_with_feature(theirs, tokens, PRE, direction, 2.0)
    again = submission.steer_with_feature(theirs, tokens, PRE, direction, 2.0)
    model = here.random_transformer(rand.seed, **SIZES)
    expected = by_hand(model, tokens, PRE, direction, 2.0)
    compare(first, expected, what="the tensor of logits of a first call", axes=AXES, atol=1e-3)
    compare(again, expected, what="the tensor of logits of a second call", axes=AXES, atol=1e-3)
    compare(kit.hooks_left(theirs), [], what="the list of modules with hooks")
    with torch.no_grad():
        plain = model(tokens)
    compare(theirs(tokens), plain, what="the tensor of logits of a plain run afterwards", axes=AXES, atol=1e-3)


# --- known mistakes: those that are wrong in fewer places first ---


def steer(model, tokens, site, change):
    return run_with_hooks(model, tokens, [(site, lambda stream, hook: change(stream))])


def at_places(places):
    def steered(model, tokens, site, direction, alpha):
        def change(stream):
            stream = stream.clone()
            stream[places] = stream[places] + alpha * direction
            return stream

        return steer(model, tokens, site, change)

    return steered


@mistake("Your hook stays on the model, and steers every later run: remove it, or use run_with_hooks.")
def leaves_its_hook(model, tokens, site, direction, alpha):
    model.get_submodule(site).register_forward_hook(lambda module, args, stream: stream + alpha * direction)
    return model(tokens)


@mistake("A negative alpha steers the same way as a positive one: keep its sign.")
def without_the_sign(model, tokens, site, direction, alpha):
    return ref.steer_with_feature(model, tokens, site, direction, abs(alpha))


@mistake("alpha is subtracted: positive alpha goes along the direction.")
def subtracted(model, tokens, site, direction, alpha):
    return ref.steer_with_feature(model, tokens, site, direction, -alpha)


@mistake("The direction is scaled to length 1: add alpha times the direction as it is.")
def unit_direction(model, tokens, site, direction, alpha):
    return ref.steer_with_feature(model, tokens, site, F.normalize(direction, dim=0), alpha)


@mistake("alpha is measured in lengths of the stream: add alpha times the direction, whatever stands in the stream.")
def in_lengths_of_the_stream(model, tokens, site, direction, alpha):
    return steer(model, tokens, site, lambda stream: stream + alpha * stream.norm(dim=-1, keepdim=True) * direction)


@mistake("Only the last position is steered: add the direction at every position.")
def last_position_only(model, tokens, site, direction, alpha):
    return at_places((slice(None), -1))(model, tokens, site, direction, alpha)


@mistake("Only the first position is steered: add the direction at every position.")
def first_position_only(model, tokens, site, direction, alpha):
    return at_places((slice(None), 0))(model, tokens, site, direction, alpha)


@mistake("The first position is left out: add the direction at every position.")
def first_position_left_out(model, tokens, site, direction, alpha):
    return at_places((slice(None), slice(1, None)))(model, tokens, site, direction, alpha)


@mistake("Only the first row of the batch is steered.")
def first_row_only(model, tokens, site, direction, alpha):
    return at_places((slice(0, 1),))(model, tokens, site, direction, alpha)


@mistake("The direction takes the place of the stream: it is added to what is there.")
def replaced(model, tokens, site, direction, alpha):
    return steer(model, tokens, site, lambda stream: (alpha * direction).expand_as(stream))


@mistake("alpha is left out: the direction is added once, whatever alpha says.")
def without_alpha(model, tokens, site, direction, alpha):
    return ref.steer_with_feature(model, tokens, site, direction, 1.0)


@mistake("The stream is multiplied by 1 + alpha * direction: add.")
def multiplied(model, tokens, site, direction, alpha):
    return steer(model, tokens, site, lambda stream: stream * (1 + alpha * direction))


@mistake("You set the stream's component along the direction to alpha (clamping): add to what is there.")
def clamped(model, tokens, site, direction, alpha):
    def change(stream):
        unit = F.normalize(direction, dim=0)
        return stream + (alpha * direction.norm() - stream @ unit)[..., None] * unit

    return steer(model, tokens, site, change)


@mistake("Every layer's stream is steered: only at the site that is named.")
def at_every_layer(model, tokens, site, direction, alpha):
    kind = site.split(".")[-1]
    hooks = [(f"blocks.{i}.{kind}", lambda stream, hook: stream + alpha * direction) for i in range(len(model.blocks))]
    return run_with_hooks(model, tokens, hooks)


@mistake("You return probabilities: return the logits.")
def probabilities(model, tokens, site, direction, alpha):
    return ref.steer_with_feature(model, tokens, site, direction, alpha).softmax(dim=-1)


@mistake("Only the last position's logits come back: return them all, [batch, pos, d_vocab].")
def last_logits(model, tokens, site, direction, alpha):
    return ref.steer_with_feature(model, tokens, site, direction, alpha)[:, -1]


@mistake(
    "Nothing is steered: your hook returns nothing, or it adds the same number to all entries, which every LayerNorm removes."
)
def nothing_returned(model, tokens, site, direction, alpha):
    return run_with_hooks(model, tokens, [(site, lambda stream, hook: None)])
