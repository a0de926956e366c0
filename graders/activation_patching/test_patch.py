"""Grades `patch`. Oracle: the forward pass by hand, in which the activation is exchanged entry by entry.

The values that go in are drawn at random and come from no run, so that nothing about them can be taken for granted.
"""

import pytest
import torch

import solutions.activation_patching as ref
from dojo.grading import compare, mistake, raises
from dojo.transformer import run_with_cache, run_with_hooks
from graders.activation_patching.by_hand import run_by_hand, same_model

WHAT, AXES = "the tensor of logits", "batch pos d_vocab"
SIZES = {"d_vocab": 11, "d_model": 7, "n_ctx": 9, "n_layers": 2, "n_heads": 3, "d_head": 4, "d_mlp": 6}
STREAMS = ["blocks.0.hook_resid_mid", "blocks.1.hook_mlp_out", "blocks.0.hook_attn_out", "blocks.1.hook_resid_post"]
BY_HEAD = [f"blocks.0.attn.hook_{name}" for name in "qkvz"]
PATTERN = "blocks.1.attn.hook_pattern"


def draw_value(rand, site):
    if site == PATTERN:
        return rand.normal(2, 3, 5, 5, std=2.0).softmax(dim=-1)
    return 1.5 * rand.normal(*((2, 5, 3, 4) if site in BY_HEAD else (2, 5, 7)))


def by_hand(rand, tokens, site, value, index):
    """The logits where, at this site, the entries of activation[index] come from the value."""

    def exchange(activation):
        activation[index] = value[index]
        return activation

    return run_by_hand(same_model(rand.seed, **SIZES), tokens, {site: exchange})[0]


def check(submission, kit, rand, site, index, **options):
    tokens, value = rand.integers(11, 2, 5), draw_value(rand, site)
    out = submission.patch(kit.random_transformer(rand.seed, **SIZES), tokens, site, value, **options)
    compare(out, by_hand(rand, tokens, site, value, index), what=WHAT, axes=AXES, atol=1e-3)


@pytest.mark.parametrize("site", ["blocks.1.hook_resid_pre", BY_HEAD[3], PATTERN])
def test_the_whole_activation(submission, kit, rand, site):
    """Without position and head the whole activation is replaced."""
    check(submission, kit, rand, site, slice(None))


def test_between_two_runs(submission, kit, rand):
    """The stream before layer 0 of another run makes the other run's logits; a value of the same run changes nothing."""
    model, theirs = same_model(rand.seed, **SIZES), kit.random_transformer(rand.seed, **SIZES)
    tokens, others = rand.integers(11, 2, 5), rand.integers(11, 2, 5)
    (logits, own), (other_logits, other) = run_by_hand(model, tokens), run_by_hand(model, others)
    site = "blocks.0.hook_resid_pre"
    out = submission.patch(theirs, tokens, site, other[site])
    compare(out, other_logits, what="the tensor of logits with the other run's stream", axes=AXES, atol=1e-3)
    out = submission.patch(theirs, tokens, site, own[site], position=2)
    compare(out, logits, what="the tensor of logits with the same run's stream", axes=AXES, atol=1e-3)


@pytest.mark.parametrize("site, position", list(zip(STREAMS, [1, 3, 0, 4], strict=True)))
def test_a_stream_at_one_position(submission, kit, rand, site, position):
    """At one position, a stream or a layer's output is replaced there, in every prompt by its own, and nowhere else."""
    check(submission, kit, rand, site, (slice(None), position), position=position)


@pytest.mark.parametrize("site, head", list(zip(BY_HEAD, [1, 2, 2, 0], strict=True)))
def test_one_head(submission, kit, rand, site, head):
    """With a head named, this head's q, k, v or z is replaced at all positions, and no other head's."""
    check(submission, kit, rand, site, (slice(None), slice(None), head), head=head)


@pytest.mark.parametrize("site, position", list(zip(BY_HEAD, [2, 1, 0, 4], strict=True)))
def test_all_heads_at_one_position(submission, kit, rand, site, position):
    """With a position named, q, k, v or z of all heads is replaced there."""
    check(submission, kit, rand, site, (slice(None), position), position=position)


@pytest.mark.parametrize("site, position, head", [(BY_HEAD[3], 1, 2), (BY_HEAD[2], 2, 0), (BY_HEAD[0], 4, 1)])
def test_one_head_at_one_position(submission, kit, rand, site, position, head):
    """With both named, one head's part at one position is replaced."""
    check(submission, kit, rand, site, (slice(None), position, head), position=position, head=head)


def test_the_pattern_of_one_head(submission, kit, rand):
    """In a pattern, [batch, head, query, key], a head's whole pattern is replaced."""
    check(submission, kit, rand, PATTERN, (slice(None), 2), head=2)


@pytest.mark.parametrize("position", [0, 3])
def test_the_pattern_of_one_query(submission, kit, rand, position):
    """In a pattern, a position is a query: its row, over all keys, is replaced in every head."""
    check(submission, kit, rand, PATTERN, (slice(None), slice(None), position), position=position)


@pytest.mark.parametrize("position, head", [(1, 2), (4, 0)])
def test_the_pattern_of_one_head_and_query(submission, kit, rand, position, head):
    """In a pattern, head and position together are one row of one head."""
    check(submission, kit, rand, PATTERN, (slice(None), head, position), position=position, head=head)


@pytest.mark.parametrize("site", ["blocks.1.hook_resid_pre", "blocks.0.hook_mlp_out", "blocks.1.hook_attn_out"])
def test_a_site_without_heads(submission, kit, rand, site):
    """A head named at a stream or a layer's output raises a ValueError: there is no head axis."""
    theirs, tokens = kit.random_transformer(rand.seed, **SIZES), rand.integers(11, 2, 5)
    with raises("ValueError"):
        submission.patch(theirs, tokens, site, rand.normal(2, 5, 7), head=1)
    with raises("ValueError"):
        submission.patch(theirs, tokens, site, rand.normal(2, 5, 7), position=2, head=0)
    compare(kit.hooks_left(theirs), {}, what="the dict of hooks on the model after the error")


def test_nothing_stays(submission, kit, rand):
    """Afterwards no hook is on the model, and it gives its own logits again."""
    theirs, tokens = kit.random_transformer(rand.seed, **SIZES), rand.integers(11, 2, 5)
    for site, place in ((STREAMS[0], {"position": 1}), (BY_HEAD[2], {"head": 2}), (PATTERN, {})):
        submission.patch(theirs, tokens, site, draw_value(rand, site), **place)
    compare(kit.hooks_left(theirs), {}, what="the dict of hooks on the model")
    expected = run_by_hand(same_model(rand.seed, **SIZES), tokens)[0]
    compare(theirs(tokens), expected, what="the result of a plain run afterwards", axes=AXES, atol=1e-3)


def has_heads(site):
    return site.endswith(("hook_q", "hook_k", "hook_v", "hook_z", "hook_pattern"))


def index_of(site, position, head):
    """The reference's index into the activation."""
    if head is not None and not has_heads(site):
        raise ValueError(f"{site} has no head axis: patch all of it, or choose a site in `attn`.")
    position, head = (slice(None) if part is None else part for part in (position, head))
    if site.endswith("hook_pattern"):
        return slice(None), head, position
    return (slice(None), position, head) if has_heads(site) else (slice(None), position)


def run(model, tokens, site, value, index):
    def hook(activation, hook):
        activation = activation.clone()
        activation[index] = value[index]
        return activation

    return run_with_hooks(model, tokens, [(site, hook)])


# Those that are wrong in fewer places come first: elsewhere they look like those that are wrong in more.


@mistake("Position 0 is taken for no position: `if position` is false for 0. Ask `if position is not None`.")
def position_0_is_all(model, tokens, site, value, position=None, head=None):
    return run(model, tokens, site, value, index_of(site, position or None, head))


@mistake("Head 0 is taken for no head: `if head` is false for 0. Ask `if head is not None`.")
def head_0_is_all(model, tokens, site, value, position=None, head=None):
    return run(model, tokens, site, value, index_of(site, position, head or None))


@mistake("Neither position 0 nor head 0 is seen: `if position` is false for 0. Ask `is not None`.")
def zero_is_all(model, tokens, site, value, position=None, head=None):
    return run(model, tokens, site, value, index_of(site, position or None, head or None))


@mistake("A pattern's position is ignored: replace the row of that query only.")
def whole_pattern_of_a_head(model, tokens, site, value, position=None, head=None):
    return run(model, tokens, site, value, index_of(site, None if site.endswith("pattern") else position, head))


@mistake("Where head and position are both named you replace the whole head (an `elif`?): only its part there.")
def head_wins(model, tokens, site, value, position=None, head=None):
    return run(model, tokens, site, value, index_of(site, position if head is None else None, head))


@mistake("Where head and position are both named you replace all heads there (an `elif`?): only that head's part.")
def position_wins(model, tokens, site, value, position=None, head=None):
    index_of(site, position, head)
    return run(model, tokens, site, value, index_of(site, position, head if position is None else None))


@mistake("position is ignored: replace at that position only.")
def position_ignored(model, tokens, site, value, position=None, head=None):
    return run(model, tokens, site, value, index_of(site, None, head))


@mistake("head is ignored: replace that head's part only.")
def head_ignored(model, tokens, site, value, position=None, head=None):
    index_of(site, position, head)
    return run(model, tokens, site, value, index_of(site, position, None))


@mistake("In a pattern you replace the column of a key: position names the query, the row, [batch, head, query, key].")
def key_for_query(model, tokens, site, value, position=None, head=None):
    index = index_of(site, position, head)
    if site.endswith("hook_pattern"):
        index = (slice(None), index[1], slice(None), index[2])
    return run(model, tokens, site, value, index)


@mistake(
    "A pattern has its head axis before its position, [batch, head, query, key]; you index it as [batch, pos, head]."
)
def pattern_like_z(model, tokens, site, value, position=None, head=None):
    index = index_of(site, position, head)
    if site.endswith("hook_pattern"):
        index = (slice(None), index[2], index[1])
    return run(model, tokens, site, value, index)


@mistake("Position and head are swapped in q, k, v and z: their axes are [batch, pos, head, d_head].")
def head_before_position(model, tokens, site, value, position=None, head=None):
    index = index_of(site, position, head)
    if len(index) == 3 and not site.endswith("hook_pattern"):
        index = (slice(None), index[2], index[1])
    return run(model, tokens, site, value, index)


@mistake("All prompts get the first prompt's values: each prompt gets its own, so keep the batch axis of value.")
def values_of_the_first_prompt(model, tokens, site, value, position=None, head=None):
    return run(model, tokens, site, value[:1].expand_as(value), index_of(site, position, head))


@mistake("You add the value to the activation: it goes in its place.")
def added(model, tokens, site, value, position=None, head=None):
    index = index_of(site, position, head)

    def hook(activation, hook):
        activation = activation.clone()
        activation[index] += value[index]
        return activation

    return run_with_hooks(model, tokens, [(site, hook)])


@mistake("You replace everything except the part that was named.")
def the_rest(model, tokens, site, value, position=None, head=None):
    index = index_of(site, position, head)

    def hook(activation, hook):
        if position is None and head is None:
            return value
        rest = value.clone()
        rest[index] = activation[index]
        return rest

    return run_with_hooks(model, tokens, [(site, hook)])


@mistake("You set that part to zero, which is ablation: put in the other run's value.")
def zeros(model, tokens, site, value, position=None, head=None):
    return run(model, tokens, site, torch.zeros_like(value), index_of(site, position, head))


@mistake("Every position from the named one on is replaced: only that one should be.")
def from_there_on(model, tokens, site, value, position=None, head=None):
    part = None if position is None else slice(position, None)
    return run(model, tokens, site, value, index_of(site, part, head))


@mistake("Every position up to the named one is replaced: only that one should be.")
def up_to_there(model, tokens, site, value, position=None, head=None):
    part = None if position is None else slice(0, position + 1)
    return run(model, tokens, site, value, index_of(site, part, head))


@mistake("Your hook changes a copy and does not return it: the model goes on with the old activation.")
def nothing_returned_from_the_hook(model, tokens, site, value, position=None, head=None):
    index_of(site, position, head)
    return run_with_hooks(model, tokens, [(site, lambda activation, hook: None)])


@mistake("A head named at a site without heads is passed over without a word: raise a ValueError.")
def no_error(model, tokens, site, value, position=None, head=None):
    return run(model, tokens, site, value, index_of(site, position, head if has_heads(site) else None))


@mistake("A head named at a stream picks one of its d_model entries: a stream has no head axis, raise a ValueError.")
def an_entry_for_a_head(model, tokens, site, value, position=None, head=None):
    if head is not None and not has_heads(site):
        part = slice(None) if position is None else position
        return run(model, tokens, site, value, (slice(None), part, head))
    return run(model, tokens, site, value, index_of(site, position, head))


@mistake("q, k and v have a head axis too, [batch, pos, head, d_head] like z: they must not raise.")
def only_z_has_heads(model, tokens, site, value, position=None, head=None):
    if head is not None and not site.endswith(("hook_z", "hook_pattern")):
        raise ValueError(f"{site} has no head axis.")
    return run(model, tokens, site, value, index_of(site, position, head))


@mistake("A pattern has a head axis too, [batch, head, query, key]: it must not raise.")
def the_pattern_has_no_heads(model, tokens, site, value, position=None, head=None):
    if head is not None and not site.endswith(("hook_q", "hook_k", "hook_v", "hook_z")):
        raise ValueError(f"{site} has no head axis.")
    return run(model, tokens, site, value, index_of(site, position, head))


@mistake("Your hook stays on the model, and patches every later run: remove it, or use run_with_hooks.")
def leaves_its_hook(model, tokens, site, value, position=None, head=None):
    index = index_of(site, position, head)

    def hook(module, args, activation):
        activation = activation.clone()
        activation[index] = value[index]
        return activation

    model.get_submodule(site).register_forward_hook(hook)
    return model(tokens)


@mistake("You write this run's activation into value. The caller still needs it: write the other way, into a copy.")
def writes_into_value(model, tokens, site, value, position=None, head=None):
    index = index_of(site, position, head)

    def hook(activation, hook):
        part = value[index].clone()
        value.copy_(activation.detach())
        value[index] = part
        return value

    return run_with_hooks(model, tokens, [(site, hook)])


@mistake("You return the logits of the last position: return them all, [batch, pos, d_vocab].")
def last_position_only(model, tokens, site, value, position=None, head=None):
    return ref.patch(model, tokens, site, value, position, head)[:, -1]


@mistake("You return a cache as well: the logits alone are asked.")
def with_a_cache(model, tokens, site, value, position=None, head=None):
    return ref.patch(model, tokens, site, value, position, head), run_with_cache(model, tokens)[1]
