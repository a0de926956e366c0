"""build_induction_head: the weights are read as plain numbers, put into the judge's own Transformer, and tried out there.

What the model's class or its methods do on the learner's side counts for nothing. Any d_model, n_heads and d_head will do.
"""

import math

import pytest
import torch

import solutions.induction_heads as ref
from dojo.grading import compare, mistake
from dojo.grading.comparison import Mismatch, describe
from dojo.grading.rpc import RemoteError
from dojo.transformer import Config, Transformer, run_with_cache

SIZES = [(9, 20), (13, 30), (26, 17)]  # (d_vocab, n_ctx): fewer tokens than positions, and more
IDS = [f"d_vocab_{d_vocab}-n_ctx_{n_ctx}" for d_vocab, n_ctx in SIZES]
FIELDS = ("d_vocab", "d_model", "n_ctx", "n_layers", "n_heads", "d_head", "d_mlp", "ln_eps")


def _rebuilt(submission, d_vocab, n_ctx):
    """The judge's Transformer with the sizes and the weights of the learner's."""
    built = submission.build_induction_head(d_vocab, n_ctx)
    try:
        config, weights = built.config, built.state_dict()
        sizes = {name: getattr(config, name) for name in FIELDS}
    except (RemoteError, AttributeError):
        text = f"The result is {describe(built)}, expected a Transformer: start from blank_model and return it."
        raise Mismatch("type", text) from None
    compare(sizes["d_vocab"], d_vocab, what="model.config.d_vocab")
    compare(sizes["n_ctx"], n_ctx, what="model.config.n_ctx")
    compare(sizes["n_layers"], 2, what="the number of layers, model.config.n_layers,")
    for name in FIELDS[:-1]:
        assert type(sizes[name]) is int and 0 < sizes[name] <= 1000, (
            f"model.config.{name} is {sizes[name]!r}; whole numbers up to 1000 are more than enough."
        )
    sizes["ln_eps"] = float(sizes["ln_eps"])
    model = Transformer(Config(**sizes))
    wanted = model.state_dict()
    for name, own in wanted.items():
        compare(weights.get(name), own, what=f"model.{name}", atol=math.inf)
    model.load_state_dict({name: weights[name] for name in wanted})
    return model


def _rows(rand, period, n_pos, d_vocab, n_rows=4):
    """Rows of `repeated_tokens` whose tokens within one period are all different."""
    order = torch.stack([1 + rand.permutation(d_vocab - 1)[:period] for _ in range(n_rows)])
    return torch.cat([torch.zeros(n_rows, 1, dtype=torch.int64), order.repeat(1, n_pos)[:, : n_pos - 1]], dim=1)


def _periods(d_vocab, n_pos):
    """From 2 to the longest of which a second copy has begun, and which has no token twice."""
    return range(2, min(d_vocab - 1, n_pos - 3) + 1)


def _wrong_places(model, tokens, period):
    """Where the right next token is not the most likely one: bool [row, position], from position 1 + period on."""
    with torch.no_grad():
        logits = model(tokens)[:, 1 + period : -1]
    right = tokens[:, 2 + period :, None]
    others = logits.scatter(-1, right, -torch.inf).amax(dim=-1)
    return ~(logits.gather(-1, right)[..., 0] > others)  # a tie is wrong, and so is nan


def _head_scores(model, tokens):
    """The best previous-token score in layer 0, and the best induction and duplicate-token scores in layer 1."""
    patterns = [run_with_cache(model, tokens)[1][f"blocks.{layer}.attn.hook_pattern"] for layer in (0, 1)]
    return (
        float(ref.previous_token_score(patterns[0]).max()),
        float(ref.induction_score(patterns[1], tokens).max()),
        float(ref.duplicate_token_score(patterns[1], tokens).max()),
    )


def _diagnosis(model, tokens):
    """Which of the two steps does not happen, as sentences."""
    with torch.no_grad():
        previous, induction, duplicate = _head_scores(model, tokens)
    if not previous > 0.9:
        return (
            f"Look at layer 0 first: no head there attends to the token just before (the best gives it {previous:.2f}; it should "
            "be near 1)."
        )
    if not induction > 0.9:
        also = " It attends to the earlier copy itself." if duplicate > 0.5 else ""
        return (
            f"Layer 0 has a head that attends to the token just before ({previous:.2f}). But in layer 1 no head attends to what "
            f"came just after the earlier copy (the best gives it {induction:.2f}; it should be near 1).{also}"
        )
    return (
        f"Both attention patterns are right (previous token {previous:.2f}, induction {induction:.2f}): look at what the layer-1 "
        "head moves, W_V and W_O, and at W_U."
    )


def _assert_it_repeats(model, tokens, period):
    wrong = _wrong_places(model, tokens, period)
    first = int(wrong.any(dim=0).nonzero()[0]) + 1 + period if wrong.any() else 0
    assert not wrong.any(), (
        f"With period {period} on {tokens.shape[1]} positions, the most likely next token is wrong in {int(wrong.sum())} of "
        f"{wrong.numel()} places from the second copy on, first at position {first}. {_diagnosis(model, tokens)}"
    )


@pytest.mark.parametrize("d_vocab, n_ctx", SIZES, ids=IDS)
def test_a_transformer_of_these_sizes(submission, d_vocab, n_ctx):
    """The result is a Transformer of two layers with this vocabulary and this many positions."""
    _rebuilt(submission, d_vocab, n_ctx)


@pytest.mark.parametrize("d_vocab, n_ctx", SIZES, ids=IDS)
def test_mlps_add_nothing(submission, rand, d_vocab, n_ctx):
    """What the MLPs add is 0: attention does all of the work."""
    model, tokens = _rebuilt(submission, d_vocab, n_ctx), rand.integers(d_vocab, 3, n_ctx)
    cache = run_with_cache(model, tokens)[1]
    for layer in (0, 1):
        added = cache[f"blocks.{layer}.hook_mlp_out"].detach()
        compare(added, torch.zeros_like(added), what=f"what the MLP of layer {layer} adds", axes="batch pos d_model")


@pytest.mark.parametrize("d_vocab, n_ctx", SIZES, ids=IDS)
def test_whatever_the_period(submission, rand, d_vocab, n_ctx):
    """On rows as long as n_ctx the next token is right everywhere from the second copy on, for every period from 2 up."""
    model = _rebuilt(submission, d_vocab, n_ctx)
    for period in _periods(d_vocab, n_ctx):
        _assert_it_repeats(model, _rows(rand, period, n_ctx, d_vocab), period)


def test_shorter_rows(submission, rand):
    """On rows shorter than n_ctx it works as well."""
    d_vocab, n_ctx = 13, 30
    model = _rebuilt(submission, d_vocab, n_ctx)
    for n_pos in (7, 16, 22):
        for period in _periods(d_vocab, n_pos):
            _assert_it_repeats(model, _rows(rand, period, n_pos, d_vocab), period)


def test_every_token(submission, rand):
    """It works for every token of the vocabulary, the last one too."""
    d_vocab, n_ctx = 26, 54
    model = _rebuilt(submission, d_vocab, n_ctx)
    _assert_it_repeats(model, _rows(rand, d_vocab - 1, n_ctx, d_vocab), d_vocab - 1)


def _build(d_vocab, n_ctx, *, layer_0=None, layer_1=None, sharp=100.0, back=1, matched="before", loud=10.0):
    """The reference with some of it left open: how far back layer 0 looks, what keys layer 1 matches, how loud it writes."""
    model = ref.build_induction_head(d_vocab, n_ctx)
    wide = max(d_vocab, n_ctx)
    parts = {
        "token": slice(0, d_vocab),
        "position": slice(d_vocab, d_vocab + n_ctx),
        "before": slice(d_vocab + n_ctx, None),
    }
    same_token, same_position = torch.eye(d_vocab, wide), torch.eye(n_ctx, wide)
    previous, induction = model.blocks[0].attn, model.blocks[1].attn
    with torch.no_grad():
        previous.W_Q[0, parts["position"]] = sharp * math.sqrt(wide) * same_position.roll(-back, dims=1)
        induction.W_Q[0, parts["token"]] = sharp * math.sqrt(wide) * same_token
        induction.W_K.zero_()
        induction.W_K[0, parts[matched]] = same_token
        induction.W_O[0, :, parts["token"]] = loud * same_token.T
        for attn, change in ((previous, layer_0), (induction, layer_1)):
            if change:
                change(attn, parts, same_token, same_position)
    return model


@mistake(
    "Your layer-1 head attends to the earlier copy of the token itself, and copies that: a duplicate-token head. Its keys must "
    "read what layer 0 wrote, the token BEFORE, so that it finds the position after the copy."
)
def attends_to_the_copy(d_vocab, n_ctx):
    return _build(d_vocab, n_ctx, matched="token")


@mistake(
    "You look a fixed number of places back, which is right for one period only. What to attend to must depend on the tokens."
)
def one_period_only(d_vocab, n_ctx):
    def back_six(attn, parts, same_token, same_position):
        attn.W_Q.zero_()
        attn.W_K.zero_()
        attn.W_Q[0, parts["position"]] = 100 * math.sqrt(same_token.shape[1]) * same_position.roll(-6, dims=1)
        attn.W_K[0, parts["position"]] = same_position

    return _build(d_vocab, n_ctx, layer_1=back_six)


@mistake("Your layer-0 head looks two places back: it must say at each position which token stands just before.")
def two_places_back(d_vocab, n_ctx):
    return _build(d_vocab, n_ctx, back=2)


@mistake("Your layer-0 head attends to its own position: roll the query's positions by one, so that i looks for i - 1.")
def no_place_back(d_vocab, n_ctx):
    return _build(d_vocab, n_ctx, back=0)


@mistake("Your layer-0 head looks for the NEXT position, which the mask hides: roll the other way.")
def one_place_ahead(d_vocab, n_ctx):
    return _build(d_vocab, n_ctx, back=-1)


@mistake(
    "The scores are too small: the softmax spreads attention over many keys. Multiply W_Q by a large number, and remember the "
    "division by sqrt(d_head)."
)
def not_sharp(d_vocab, n_ctx):
    return _build(d_vocab, n_ctx, sharp=0.1)


@mistake("Attention is too soft in long rows: a score of 2 does not win against many keys with 0. Make it 20 or more.")
def not_sharp_enough_for_long_rows(d_vocab, n_ctx):
    return _build(d_vocab, n_ctx, sharp=2.0)


@mistake(
    "The token that stands at the position is as loud in the logits as the one that is copied: a tie. Let the layer-1 head write "
    "more than 1, or keep W_U from reading the token itself."
)
def no_louder_than_the_token_itself(d_vocab, n_ctx):
    return _build(d_vocab, n_ctx, loud=1.0)


@mistake(
    "Your layer-1 head copies the token BEFORE the one it attends to: its W_V must read the token that stands there."
)
def copies_the_token_before(d_vocab, n_ctx):
    def values(attn, parts, same_token, same_position):
        attn.W_V.zero_()
        attn.W_V[0, parts["before"]] = same_token

    return _build(d_vocab, n_ctx, layer_1=values)


@mistake("Your layer-1 head makes what it attends to LESS likely: W_O has the wrong sign.")
def wrong_sign(d_vocab, n_ctx):
    return _build(d_vocab, n_ctx, loud=-10.0)


@mistake(
    "Your layer-0 head writes the token before into the same place as the token itself: nobody can tell the two apart any more. "
    "Give it a place of its own in the stream."
)
def writes_over_the_token(d_vocab, n_ctx):
    def write(attn, parts, same_token, same_position):
        attn.W_O.zero_()
        attn.W_O[0, :, parts["token"]] = same_token.T

    return _build(d_vocab, n_ctx, layer_0=write, matched="token")


@mistake("Layer 1 does nothing yet: its head must look for what follows the earlier copy, and copy it.")
def previous_token_head_only(d_vocab, n_ctx):
    return _build(d_vocab, n_ctx, layer_1=lambda attn, *rest: [p.zero_() for p in attn.parameters()])


@mistake("Layer 0 does nothing: layer 1 then cannot know which token stands before a position.")
def induction_head_without_layer_0(d_vocab, n_ctx):
    return _build(d_vocab, n_ctx, layer_0=lambda attn, *rest: [p.zero_() for p in attn.parameters()])


@mistake(
    "Your heads only tell as many tokens apart as there are positions: d_head must be large enough for all d_vocab tokens."
)
def as_many_tokens_as_positions(d_vocab, n_ctx):
    def forget(attn, parts, same_token, same_position):
        attn.W_Q[0, parts["token"]][min(d_vocab, n_ctx) :] = 0
        attn.W_V[0, parts["token"]][min(d_vocab, n_ctx) :] = 0

    return _build(d_vocab, n_ctx, layer_1=forget)


@mistake("The last token of the vocabulary is never predicted: tokens go from 0 to d_vocab - 1, in W_U too.")
def last_token_left_out(d_vocab, n_ctx):
    model = ref.build_induction_head(d_vocab, n_ctx)
    with torch.no_grad():
        model.W_U[:, d_vocab - 1] = 0
    return model


@mistake("You give back the blank model: every weight is still 0.")
def still_blank(d_vocab, n_ctx):
    return ref.blank_model(d_vocab, n_ctx, 2 * d_vocab + n_ctx, 1, max(d_vocab, n_ctx))


@mistake(
    "You start from a fresh Transformer: its random weights and its LayerNorm disturb what you set. Use blank_model."
)
def not_from_the_blank_model(d_vocab, n_ctx):
    blank, start = ref.build_induction_head(d_vocab, n_ctx), torch.random.get_rng_state()
    torch.manual_seed(0)
    model = Transformer(blank.config)
    torch.random.set_rng_state(start)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            chosen = blank.get_parameter(name)
            if "ln" not in name:
                parameter.copy_(torch.where(chosen != 0, chosen, parameter))
    return model


@mistake("The function returns the wrong sizes: n_ctx and d_vocab are the other way round.")
def sizes_swapped(d_vocab, n_ctx):
    return ref.build_induction_head(n_ctx, d_vocab)


@mistake("Nothing is returned: `return model` is missing.")
def returns_nothing(d_vocab, n_ctx):
    ref.build_induction_head(d_vocab, n_ctx)
