"""is_positional_shortcut: on models built here, of which it is known what they do, and on the shipped ones, which were trained.

Built models come in pairs with the same attention patterns: in one the induction head writes, in the other the head that
looks a fixed number of places back. Neither sizes nor names tell them apart, nor where heads look; only what they do.
"""

import math

import numpy as np
import torch

import solutions.induction_heads as ref
from dojo import load_model
from dojo.grading import compare, mistake
from dojo.transformer import run_with_cache

SIZES = [(4, 20, 28), (7, 26, 22), (10, 31, 27)]  # (period, d_vocab, n_ctx)
FIELDS = ("d_vocab", "d_model", "n_ctx", "n_layers", "n_heads", "d_head", "d_mlp", "ln_eps")


def _planted(rand, period, d_vocab, n_ctx, works, idle=()):
    """A model that repeats sequences of this period, by "induction" or by "counting" (it looks period - 1 places back).

    The heads named in `idle` ("previous", "induction", "counting") are there as well, but nothing comes of them.
    """
    wide = max(d_vocab, n_ctx)
    model = ref.blank_model(d_vocab, n_ctx, 2 * d_vocab + n_ctx, 2, wide)
    token, position = slice(0, d_vocab), slice(d_vocab, d_vocab + n_ctx)
    before = slice(d_vocab + n_ctx, 2 * d_vocab + n_ctx)
    same_token, same_position = torch.eye(d_vocab, wide), torch.eye(n_ctx, wide)
    sharp = 100 * math.sqrt(wide)
    heads = {*idle, works, *(["previous"] if works == "induction" else [])}
    (previous, _), (induction, counting) = rand.permutation(2).tolist(), rand.permutation(2).tolist()
    first, second = (block.attn for block in model.blocks)

    def look_back(attn, head, places):
        attn.W_Q[head, position] = sharp * same_position.roll(-places, dims=1)
        attn.W_K[head, position] = same_position
        attn.W_V[head, token] = same_token

    with torch.no_grad():
        model.W_E[:, token] = torch.eye(d_vocab)
        model.W_pos[:, position] = torch.eye(n_ctx)
        model.W_U[token] = torch.eye(d_vocab)
        if "previous" in heads:
            look_back(first, previous, 1)
            first.W_O[previous, :, before] = same_token.T
        if "induction" in heads:
            second.W_Q[induction, token] = sharp * same_token
            second.W_K[induction, before] = same_token
            second.W_V[induction, token] = same_token
        if "counting" in heads:
            look_back(second, counting, period - 1)
        second.W_O[{"induction": induction, "counting": counting}[works], :, token] = 10 * same_token.T
    return model


def _relabelled(rand, model):
    """The same model with other tokens and its heads in another order. BOS stays BOS."""
    order = torch.cat([torch.zeros(1, dtype=torch.int64), 1 + rand.permutation(model.config.d_vocab - 1)])
    with torch.no_grad():
        model.W_E.copy_(model.W_E[order])
        model.W_U.copy_(model.W_U[:, order])
        for block in model.blocks:
            heads = rand.permutation(model.config.n_heads)
            for name in ("W_Q", "W_K", "W_V", "W_O", "b_Q", "b_K", "b_V"):
                weight = getattr(block.attn, name)
                weight.copy_(weight[heads])
    return model


def _answer(submission, kit, model, period):
    sizes = {name: getattr(model.config, name) for name in FIELDS}
    answer = submission.is_positional_shortcut(kit.loaded_transformer(model.state_dict(), **sizes), period)
    return bool(answer) if isinstance(answer, np.ndarray) and answer.size == 1 else answer


def _answers(submission, kit, rand, works, idle=()):
    """What the learner says of a built model of each size, by its period; of the first two if some heads are idle."""
    models = {each[0]: _relabelled(rand, _planted(rand, *each, works, idle)) for each in SIZES[: 2 if idle else 3]}
    return {period: _answer(submission, kit, model, period) for period, model in models.items()}


def test_what_the_model_does_decides(submission, kit, rand):
    """True for shortcuts, False for induction: of built models, with idle heads too, and of the shipped trained ones."""
    shortcut, induction = (_relabelled(rand, load_model(name)) for name in ("positional-shortcut", "induction"))
    # All are asked before the first is judged: a mistake is then known by all of its answers.
    asked = [
        (
            "a model whose only head looks a fixed number of places back",
            True,
            _answers(submission, kit, rand, "counting"),
        ),
        (
            "a model with a previous-token head and an induction head",
            False,
            _answers(submission, kit, rand, "induction"),
        ),
        (
            "a shortcut with an idle previous-token head (it attends, but nothing comes of it)",
            True,
            _answers(submission, kit, rand, "counting", ["previous"]),
        ),
        (
            "a shortcut with an idle previous-token head and an idle induction head",
            True,
            _answers(submission, kit, rand, "counting", ["previous", "induction"]),
        ),
        (
            "induction with an idle head that looks a fixed number of places back",
            False,
            _answers(submission, kit, rand, "induction", ["counting"]),
        ),
        ("the shipped model 'positional-shortcut'", True, {16: _answer(submission, kit, shortcut, 16)}),
        (
            "the shipped model 'induction'",
            False,
            {period: _answer(submission, kit, induction, period) for period in (9, 25)},
        ),
    ]
    for of, expected, answers in asked:
        for period, answer in answers.items():
            compare(answer, expected, what=f"the answer for {of}, at period {period},")


def _accuracy(model, period, *, n_pos=None, start=None, generator=None):
    """How often the most likely next token is right, from the second copy on unless `start` says from where."""
    n_pos, start = n_pos or 1 + 2 * period, period + 1 if start is None else start
    generator = generator or torch.Generator().manual_seed(1)
    tokens = ref.repeated_tokens([period] * 16, n_pos, model.config.d_vocab, generator=generator)
    with torch.no_grad():
        guesses = model(tokens).argmax(dim=-1)
    return (guesses[:, start:-1] == tokens[:, start + 1 :]).float().mean().item()


def _patterns(model, period):
    tokens = ref.repeated_tokens(
        [period] * 16, 1 + 2 * period, model.config.d_vocab, generator=torch.Generator().manual_seed(1)
    )
    with torch.no_grad():
        cache = run_with_cache(model, tokens)[1]
    return [cache[f"blocks.{layer}.attn.hook_pattern"] for layer in range(len(model.blocks))], tokens


@mistake(
    "You look for a previous-token head in layer 0. It may be there without anybody reading it: see what the model DOES at "
    "another period."
)
def asks_for_a_previous_token_head(model, period):
    return float(ref.previous_token_score(_patterns(model, period)[0][0]).max()) < 0.4


@mistake(
    "You judge by the induction score at another period. That is where a head LOOKS; it may write nothing. Look at the "
    "predictions."
)
def induction_score_at_another_period(model, period):
    patterns, tokens = _patterns(model, period + 2)
    return max(float(ref.induction_score(pattern, tokens).max()) for pattern in patterns) < 0.4


@mistake(
    "You call it a shortcut as soon as some head looks a fixed number of places back. Such a head may be idle: look at what the "
    "model does."
)
def looks_for_a_head_that_counts(model, period):
    patterns, _ = _patterns(model, period + 3)
    back = [float(p.diagonal(1 - period, dim1=-2, dim2=-1).mean(dim=(0, -1)).max()) for p in patterns]
    return max(back) > 0.5


@mistake(
    "You test half of the period. Where that divides the period, a sequence of the half repeats with the whole as well, and the "
    "shortcut gets it right."
)
def halves_the_period(model, period):
    return _accuracy(model, period // 2, n_pos=1 + 2 * period) < _accuracy(model, period) / 2


@mistake("Your rows are too long for the model: at twice the period they do not fit into n_ctx.")
def doubles_the_period(model, period):
    return _accuracy(model, 2 * period) < _accuracy(model, period) / 2


@mistake("You always compare the periods 8 and 16: `period` says at which one this model works.")
def fixed_periods(model, period):
    n_ctx = model.config.n_ctx
    periods = [p for p in (16, 8) if 1 + 2 * p <= n_ctx]
    return len(periods) < 2 or _accuracy(model, 8) < _accuracy(model, 16) / 2


@mistake("You judge by the size of W_pos. Induction needs positions too: its first head looks one place back.")
def size_of_W_pos(model, period):
    return bool(model.W_pos.norm() > model.W_E.norm())


@mistake(
    "You answer True for every model. Nobody can predict a first copy, or rows that never repeat: only what comes from the "
    "second copy on tells the two apart."
)
def always_true(model, period):
    return True


@mistake("You return the accuracy at another period: the answer is True or False.")
def returns_a_number(model, period):
    return _accuracy(model, period + 2)


@mistake(
    "You answer False for every model. At its own period the shortcut predicts as well as induction, and attends to the same "
    "places: what tells them apart is how they do at ANOTHER period."
)
def looks_at_its_own_period(model, period):
    return _accuracy(model, period) < 0.5


@mistake("The answer is the wrong way round: True means that the model counts positions.")
def the_wrong_way_round(model, period):
    return not ref.is_positional_shortcut(model, period)
