"""filter_logits: kept sets counted by hand, and a slow loop over one row at a time in double precision.

What is removed may be -inf or any number so low that its probability is 0, so probabilities are compared first.
Inputs stay away from ties and from borders where rounding would decide.
"""

import math

import pytest
import torch

import solutions.transformer_from_scratch as ref
from dojo.grading import compare, mistake, raises

AXES = "batch pos d_vocab"


def _probabilities(filtered, expected, axes):
    """Softmax of the learner's result, once it is a float tensor of the right shape."""
    if not torch.is_tensor(filtered) or filtered.shape != expected.shape or not filtered.is_floating_point():
        compare(filtered, expected, what="the result", axes=axes)
    return filtered.softmax(dim=-1)


def _check(filtered, logits, kept, temperature=1.0, axes=AXES):
    """The learner's result against logits / temperature where `kept`, and nothing elsewhere."""
    expected = (logits / temperature).masked_fill(~kept, -torch.inf)
    probabilities = _probabilities(filtered, expected, axes)
    compare(probabilities, expected.softmax(dim=-1), what="the softmax of the result", axes=axes)
    compare(filtered[kept], expected[kept], what="what is kept (logits / temperature)", axes="kept")


def _rows(*probabilities):
    return torch.tensor(probabilities).log()


def _by_hand(row, temperature, top_k, top_p):
    """Which entries of one row are kept, and how far the nearest border is from making another choice."""
    n = len(row)
    order = sorted(range(n), key=lambda i: -row[i])
    k = min(top_k or n, n)
    distance = row[order[k - 1]] - row[order[k]] if k < n else 1.0
    weights = [math.exp((row[i] - row[order[0]]) / temperature) for i in order[:k]]
    kept, so_far = set(), 0.0
    for i, weight in zip(order, weights, strict=False):
        kept.add(i)
        so_far += weight / sum(weights)
        if top_p is not None and top_p < 1:
            distance = min(distance, abs(so_far - top_p))
            if so_far >= top_p:
                break
    return [i in kept for i in range(n)], distance


def _random_case(rand, temperature, top_k, top_p, n_vocab=11):
    """Logits [2, 3, n_vocab] and what is kept of them, with no row near a border."""
    rows, kept = [], []
    while len(rows) < 6:
        row = 2 * rand.normal(n_vocab)
        keep, distance = _by_hand(row.double().tolist(), temperature, top_k, top_p)
        if distance > 1e-3:
            rows.append(row)
            kept.append(keep)
    return torch.stack(rows).view(2, 3, n_vocab), torch.tensor(kept).view(2, 3, n_vocab)


def test_nothing_to_do(submission, rand):
    """With no argument but the logits, they come back as they are."""
    logits = rand.normal(2, 3, 7)
    _check(submission.filter_logits(logits), logits, torch.ones(2, 3, 7, dtype=torch.bool))


@pytest.mark.parametrize("temperature", [0.25, 3.0])
def test_temperature(submission, rand, temperature):
    """Logits are divided by the temperature: below 1 makes the distribution sharper."""
    logits = rand.normal(2, 3, 7)
    kept = torch.ones(2, 3, 7, dtype=torch.bool)
    _check(submission.filter_logits(logits, temperature), logits, kept, temperature)


def test_top_k_keeps_the_k_largest(submission):
    """Of (1, 4, 2, 5, 3), top_k = 2 keeps 4 and 5; every row has its own two."""
    logits = torch.tensor([[[1.0, 4.0, 2.0, 5.0, 3.0]], [[-1.0, -4.0, -2.0, -5.0, -3.0]]])
    kept = torch.tensor([[[False, True, False, True, False]], [[True, False, True, False, False]]])
    _check(submission.filter_logits(logits, top_k=2), logits, kept)


def test_top_p_keeps_the_smallest_set_that_is_enough(submission):
    """Of (0.2, 0.5, 0.25, 0.05), top_p = 0.6 needs 0.5 and 0.25: the token that crosses 0.6 is kept too."""
    logits = _rows([0.2, 0.5, 0.25, 0.05], [0.05, 0.2, 0.1, 0.65], [0.3, 0.24, 0.22, 0.24])
    kept = torch.tensor([[False, True, True, False], [False, False, False, True], [True, True, False, True]])
    _check(submission.filter_logits(logits, top_p=0.6), logits, kept, axes="batch d_vocab")


def test_the_most_likely_token_is_always_kept(submission):
    """Also when its probability alone is more than top_p."""
    logits = _rows([0.1, 0.7, 0.2], [0.05, 0.05, 0.9])
    kept = torch.tensor([[False, True, False], [False, False, True]])
    _check(submission.filter_logits(logits, top_p=0.3), logits, kept, axes="batch d_vocab")
    _check(submission.filter_logits(logits, top_p=1e-9), logits, kept, axes="batch d_vocab")


def test_temperature_comes_before_top_p(submission):
    """The nucleus is that of the distribution after the temperature: lower temperature, smaller nucleus."""
    logits = _rows([0.5, 0.0625, 0.25, 0.125, 0.0625])
    sharp, flat = torch.zeros(2, 1, 5, dtype=torch.bool)
    sharp[0, 0] = True  # at 0.5 the first has 0.74
    flat[0, [0, 2, 3]] = True  # at 2 the largest are 0.34, 0.24, 0.17
    _check(submission.filter_logits(logits, 0.5, None, 0.7), logits, sharp, 0.5, axes="batch d_vocab")
    _check(submission.filter_logits(logits, 2.0, None, 0.7), logits, flat, 2.0, axes="batch d_vocab")


def test_top_k_comes_before_top_p(submission):
    """After top_k = 2, (0.4, 0.3, 0.2, 0.1) is (0.57, 0.43), of which top_p = 0.5 keeps the first alone."""
    logits = _rows([0.2, 0.4, 0.1, 0.3], [0.4, 0.1, 0.3, 0.2])
    kept = torch.tensor([[False, True, False, False], [True, False, False, False]])
    _check(submission.filter_logits(logits, top_k=2, top_p=0.5), logits, kept, axes="batch d_vocab")


@pytest.mark.parametrize("options", [{"top_k": 0}, {"top_k": 50}, {"top_p": 1.0}, {"top_k": None, "top_p": None}])
def test_options_that_keep_everything(submission, rand, options):
    """top_k = 0 or above d_vocab, top_p = 1 and None keep all tokens."""
    logits = rand.normal(2, 3, 7)
    _check(submission.filter_logits(logits, 1.5, **options), logits, torch.ones(2, 3, 7, dtype=torch.bool), 1.5)


@pytest.mark.parametrize(
    "temperature, top_k, top_p",
    [(1.0, 1, None), (2.0, 4, None), (1.0, None, 0.8), (0.6, None, 0.6), (1.7, 5, 0.75), (0.5, 7, 0.9), (3.0, 9, 0.95)],
)
def test_a_slow_loop_keeps_the_same(submission, rand, temperature, top_k, top_p):
    """Random logits, each row of a batch on its own, all three together."""
    logits, kept = _random_case(rand, temperature, top_k, top_p)
    _check(submission.filter_logits(logits, temperature, top_k, top_p), logits, kept, temperature)


def test_one_row_without_a_batch(submission, rand):
    """Logits may have no leading axes at all."""
    logits, kept = _random_case(rand, 0.8, 6, 0.7)
    _check(submission.filter_logits(logits[1, 2], 0.8, 6, 0.7), logits[1, 2], kept[1, 2], 0.8, axes="d_vocab")


def test_equal_logits(submission):
    """Where all logits are equal, which ones are kept is up to you, but they must be enough."""
    for options, enough in (({"top_k": 3}, 3), ({"top_p": 0.45}, 4)):
        filtered = submission.filter_logits(torch.zeros(2, 8), **options)
        kept = (_probabilities(filtered, torch.zeros(2, 8), "batch d_vocab") > 1e-6).sum(dim=-1)
        assert kept.min() >= enough, f"Of 8 equal logits, {options} keeps {kept.tolist()}; at least {enough} must stay."


@pytest.mark.parametrize("temperature", [0.0, -1.0])
def test_no_temperature_of_zero_or_less(submission, temperature):
    """A temperature of 0 or less raises a ValueError."""
    with raises("ValueError"):
        submission.filter_logits(torch.tensor([[1.0, 2.0, 3.0]]), temperature)


def _filter(logits, temperature, top_k, top_p, *, crossing="kept", scatter=True, descending=True):
    """The reference with its nucleus written in one piece, and with the slips that some of the mistakes make."""
    logits = ref.filter_logits(logits, temperature, top_k)
    if top_p is None or top_p >= 1:
        return logits
    probs, order = logits.softmax(dim=-1).sort(dim=-1, descending=descending)
    cumulative = probs.cumsum(dim=-1)
    needed = cumulative - probs < top_p if crossing == "kept" else cumulative <= top_p
    if crossing == "first":
        needed[..., 0] = True
    if scatter:
        needed = needed.scatter(-1, order, needed)
    return logits.masked_fill(~needed, -torch.inf)


@mistake("You multiply by the temperature: divide by it.")
def multiplies_by_the_temperature(logits, temperature=1.0, top_k=None, top_p=None):
    return ref.filter_logits(logits, 1 / temperature if temperature > 0 else temperature, top_k, top_p)


@mistake("The temperature is not used.")
def ignores_the_temperature(logits, temperature=1.0, top_k=None, top_p=None):
    return ref.filter_logits(logits, 1.0 if temperature > 0 else temperature, top_k, top_p)


@mistake("You divide by the temperature last: the nucleus must be that of the distribution you will sample from.")
def temperature_last(logits, temperature=1.0, top_k=None, top_p=None):
    return ref.filter_logits(ref.filter_logits(logits, 1.0, top_k, top_p), temperature)


@mistake("Your nucleus is taken before top_k: apply top_k, and then take the softmax of what is left.")
def nucleus_before_top_k(logits, temperature=1.0, top_k=None, top_p=None):
    return ref.filter_logits(ref.filter_logits(logits, temperature, None, top_p), 1.0, top_k)


@mistake("You drop the token that crosses top_p, and so the set has less than top_p (or is empty).")
def drops_the_crossing_token(logits, temperature=1.0, top_k=None, top_p=None):
    return _filter(logits, temperature, top_k, top_p, crossing="dropped")


@mistake("You drop the token that crosses top_p, unless it is the first: then the set has less than top_p.")
def drops_the_crossing_token_but_the_first(logits, temperature=1.0, top_k=None, top_p=None):
    return _filter(logits, temperature, top_k, top_p, crossing="first")


@mistake("Your mask is in sorted order and the logits are not: scatter it back through the sort's indices.")
def does_not_scatter_back(logits, temperature=1.0, top_k=None, top_p=None):
    return _filter(logits, temperature, top_k, top_p, scatter=False)


@mistake("Where top_k is given, top_p is not used (an elif?): first keep the top_k, then of these the nucleus.")
def one_filter_or_the_other(logits, temperature=1.0, top_k=None, top_p=None):
    return ref.filter_logits(logits, temperature, top_k, None if top_k else top_p)


@mistake("You sort from the least likely token up: the nucleus starts at the most likely one.")
def sorts_the_wrong_way(logits, temperature=1.0, top_k=None, top_p=None):
    return _filter(logits, temperature, top_k, top_p, descending=False)


@mistake("You set what you remove to 0. A logit of 0 still has a probability: use -inf.")
def removes_with_zero(logits, temperature=1.0, top_k=None, top_p=None):
    filtered = ref.filter_logits(logits, temperature, top_k, top_p)
    return filtered.masked_fill(filtered.isinf(), 0.0)


@mistake("You return probabilities: leave the softmax to the sampler and return logits.")
def returns_probabilities(logits, temperature=1.0, top_k=None, top_p=None):
    return ref.filter_logits(logits, temperature, top_k, top_p).softmax(dim=-1)


@mistake("You keep the k - 1 largest: the k-th largest itself stays too.")
def keeps_one_too_few(logits, temperature=1.0, top_k=None, top_p=None):
    logits = ref.filter_logits(logits, temperature)
    if top_k:
        smallest = logits.topk(min(top_k, logits.shape[-1])).values[..., -1:]
        logits = logits.masked_fill(logits <= smallest, -torch.inf)
    return ref.filter_logits(logits, 1.0, None, top_p)


@mistake("Your top_k is taken over the whole batch: every row has its own k largest.")
def one_top_k_for_the_batch(logits, temperature=1.0, top_k=None, top_p=None):
    logits = ref.filter_logits(logits, temperature)
    if top_k:
        smallest = logits.flatten().topk(min(top_k, logits.shape[-1])).values[-1]
        logits = logits.masked_fill(logits < smallest, -torch.inf)
    return ref.filter_logits(logits, 1.0, None, top_p)


@mistake(
    "You compare each token's own probability with top_p: it is the sum over the likeliest tokens that must reach it."
)
def compares_single_probabilities(logits, temperature=1.0, top_k=None, top_p=None):
    logits = ref.filter_logits(logits, temperature, top_k)
    if top_p is None or top_p >= 1:
        return logits
    probs = logits.softmax(dim=-1)
    enough = (probs >= 1 - top_p) | (probs == probs.amax(dim=-1, keepdim=True))
    return logits.masked_fill(~enough, -torch.inf)


@mistake("You keep the tokens whose own probability is at least top_p: it is their sum that must reach it.")
def keeps_tokens_above_top_p(logits, temperature=1.0, top_k=None, top_p=None):
    logits = ref.filter_logits(logits, temperature, top_k)
    if top_p is None or top_p >= 1:
        return logits
    return logits.masked_fill(logits.softmax(dim=-1) < top_p, -torch.inf)


@mistake(
    "A top_k above the size of the vocabulary must keep everything: topk raises there, so take the smaller of the two."
)
def top_k_above_the_vocabulary(logits, temperature=1.0, top_k=None, top_p=None):
    logits = ref.filter_logits(logits, temperature)
    if top_k:
        logits = logits.masked_fill(logits < logits.topk(top_k).values[..., -1:], -torch.inf)
    return ref.filter_logits(logits, 1.0, None, top_p)


@mistake(
    "You do not check the temperature: 0 divides by zero, and a negative one turns the order round. Raise a ValueError."
)
def any_temperature(logits, temperature=1.0, top_k=None, top_p=None):
    return ref.filter_logits(logits / temperature, 1.0, top_k, top_p)
