"""Grades `attention_pattern`. Oracles: integer weights worked by hand, and torch's scaled_dot_product_attention."""

import math

import einops
import pytest
import torch
import torch.nn.functional as F

from dojo.grading import compare, mistake

AXES = "batch head query key"


def from_torch(q, k):
    """Attention that moves one-hot values shows its own pattern."""
    q, k = q.transpose(1, 2), k.transpose(1, 2)
    one_hot = torch.eye(q.shape[2]).expand(*q.shape[:2], -1, -1)
    return F.scaled_dot_product_attention(q, k, one_hot, is_causal=True)


def test_shape(submission, rand):
    """The pattern has one number for each batch, head, query and key, in that order."""
    pattern = submission.attention_pattern(rand.normal(2, 5, 3, 4), rand.normal(2, 5, 3, 4))
    compare(pattern, torch.zeros(2, 3, 5, 5), what="the pattern", axes=AXES, atol=torch.inf)


def test_rows_sum_to_one(submission, rand):
    """Each query gives out exactly 1 in all, over the keys."""
    pattern = submission.attention_pattern(rand.normal(3, 6, 2, 4), rand.normal(3, 6, 2, 4))
    compare(pattern.sum(dim=-1), torch.ones(3, 2, 6), what="the sum over the keys", axes="batch head query")


def test_nothing_from_the_future(submission, rand):
    """A query gives nothing to keys after it, and something to its own position."""
    pattern = submission.attention_pattern(rand.normal(2, 6, 3, 4), rand.normal(2, 6, 3, 4))
    later = torch.ones(6, 6).triu(1).expand(2, 3, 6, 6)
    compare(pattern * later, torch.zeros(2, 3, 6, 6), what="the attention to later keys", axes=AXES, atol=1e-6)
    assert (pattern.diagonal(dim1=-2, dim2=-1) > 0).all(), "A query may attend to its own position; here it does not."


def test_equal_scores_share_equally(submission, rand):
    """With all queries zero, query i gives 1 / (i + 1) to each of the i + 1 keys that it may see."""
    pattern = submission.attention_pattern(torch.zeros(2, 4, 3, 5), rand.normal(2, 4, 3, 5))
    row = torch.tensor([[1.0, 0, 0, 0], [1 / 2, 1 / 2, 0, 0], [1 / 3, 1 / 3, 1 / 3, 0], [1 / 4, 1 / 4, 1 / 4, 1 / 4]])
    compare(pattern, row.expand(2, 3, 4, 4), what="the pattern", axes=AXES)


def test_weights_worked_by_hand(submission, rand):
    """With d_head = 4 and scores log 1, log 3, log 4, the last query gives 1/8, 3/8 and 1/2."""
    weights = rand.integers(10, 2, 5, 3, low=1).float()  # [batch, key, head]
    weights[0, :3, 0] = torch.tensor([1.0, 3.0, 4.0])
    q, k = torch.zeros(2, 5, 3, 4), torch.zeros(2, 5, 3, 4)
    q[..., 1] = math.sqrt(4)
    k[..., 1] = weights.log()
    seen = einops.rearrange(weights, "batch key head -> batch head 1 key") * torch.ones(5, 5).tril()
    expected = seen / seen.sum(dim=-1, keepdim=True)
    compare(submission.attention_pattern(q, k), expected, what="the pattern", axes=AXES)


@pytest.mark.parametrize("batch, n_pos, n_heads, d_head", [(2, 5, 3, 4), (3, 7, 2, 16), (2, 3, 5, 1), (2, 1, 4, 3)])
def test_agrees_with_torch(submission, rand, batch, n_pos, n_heads, d_head):
    """The pattern is the one inside torch's scaled_dot_product_attention with is_causal=True."""
    q, k = 2 * rand.normal(batch, n_pos, n_heads, d_head), 2 * rand.normal(batch, n_pos, n_heads, d_head)
    compare(submission.attention_pattern(q, k), from_torch(q, k), what="the pattern", axes=AXES)


def test_agrees_on_other_shapes(agree, rand):
    """The pattern agrees with the reference where batch, position, head and d_head are all different."""
    shape = [rand.choice([2, 3]), rand.choice([6, 8]), rand.choice([4, 5]), rand.choice([7, 9])]
    agree("attention_pattern", 1.5 * rand.normal(*shape), 1.5 * rand.normal(*shape), what="the pattern", axes=AXES)


def test_very_negative_scores(submission, rand):
    """Masked keys get nothing even where all allowed scores are far below zero: the mask is lower than any score."""
    q, k = rand.normal(2, 5, 3, 4), rand.normal(2, 5, 3, 4)
    q[..., 0], k[..., 0] = 12.0, -12.0  # about -72 after the division by sqrt(4)
    compare(submission.attention_pattern(q, k), from_torch(q, k), what="the pattern", axes=AXES)


def parts(q, k):
    scores = einops.einsum(q, k, "batch query head d_head, batch key head d_head -> batch head query key")
    return scores / math.sqrt(q.shape[-1]), torch.ones(q.shape[1], q.shape[1], dtype=torch.bool).triu(1)


@mistake("You take the softmax over queries; take it over keys, so that each query's row sums to 1.")
def softmax_over_queries(q, k):
    scores, later = parts(q, k)
    return scores.masked_fill(later, -torch.inf).softmax(dim=-2)


@mistake("You take the softmax over heads; take it over keys, so that each query's row sums to 1.")
def softmax_over_heads(q, k):
    scores, later = parts(q, k)
    return scores.masked_fill(later, -1e9).softmax(dim=1)


@mistake("The scores are not divided by sqrt(d_head).")
def no_scale(q, k):
    scores, later = parts(q, k)
    return (scores * math.sqrt(q.shape[-1])).masked_fill(later, -torch.inf).softmax(dim=-1)


@mistake("You divide by d_head; divide by its square root.")
def divides_by_d_head(q, k):
    scores, later = parts(q, k)
    return (scores / math.sqrt(q.shape[-1])).masked_fill(later, -torch.inf).softmax(dim=-1)


@mistake(
    "You divide by the root of n_heads * d_head (d_model in GPT-2); each head divides by the root of its own d_head."
)
def divides_by_root_d_model(q, k):
    scores, later = parts(q, k)
    return (scores / math.sqrt(q.shape[2])).masked_fill(later, -torch.inf).softmax(dim=-1)


@mistake("You divide by the root of the number of positions: d_head is the last axis of q.")
def divides_by_root_positions(q, k):
    scores, later = parts(q, k)
    return (scores * math.sqrt(q.shape[-1] / q.shape[1])).masked_fill(later, -torch.inf).softmax(dim=-1)


@mistake("You divide by the root of the number of heads: d_head is the last axis of q.")
def divides_by_root_heads(q, k):
    scores, later = parts(q, k)
    return (scores * math.sqrt(q.shape[-1] / q.shape[2])).masked_fill(later, -torch.inf).softmax(dim=-1)


@mistake("You multiply by sqrt(d_head); divide by it.")
def multiplies_by_the_root(q, k):
    scores, later = parts(q, k)
    return (scores * q.shape[-1]).masked_fill(later, -torch.inf).softmax(dim=-1)


@mistake("Your mask is transposed: it hides the past and lets queries see the future. Hide keys with key > query.")
def mask_transposed(q, k):
    scores, later = parts(q, k)
    return scores.masked_fill(later.T, -torch.inf).softmax(dim=-1)


@mistake("Your mask is the wrong way round: it hides the keys that a query may see, and shows those after it.")
def mask_inverted(q, k):
    scores, later = parts(q, k)
    return scores.masked_fill(~later, -torch.inf).softmax(dim=-1)


@mistake("Your mask is the wrong way round (with a finite value): it hides the keys that a query may see.")
def mask_inverted_softly(q, k):
    scores, later = parts(q, k)
    return scores.masked_fill(~later, -1e9).softmax(dim=-1)


@mistake("Your mask also hides the query's own position; only keys after the query are hidden (diagonal=1).")
def hides_itself(q, k):
    scores, later = parts(q, k)
    return scores.masked_fill(later.logical_or(torch.eye(len(later), dtype=torch.bool)), -torch.inf).softmax(dim=-1)


@mistake(
    "Your mask hides the query's own position and, with a finite value, leaves the first query looking at everything."
)
def hides_itself_softly(q, k):
    scores, later = parts(q, k)
    return scores.masked_fill(later.logical_or(torch.eye(len(later), dtype=torch.bool)), -1e9).softmax(dim=-1)


@mistake("Your mask also hides the query's own position, and nan_to_num covers that the first query sees nothing.")
def hides_itself_without_nan(q, k):
    scores, later = parts(q, k)
    hidden = later.logical_or(torch.eye(len(later), dtype=torch.bool))
    return scores.masked_fill(hidden, -torch.inf).softmax(dim=-1).nan_to_num(0.0)


@mistake("Your mask lets each query see one position ahead; hide every key with key > query (diagonal=1).")
def sees_one_ahead(q, k):
    scores, _ = parts(q, k)
    return scores.masked_fill(torch.ones_like(scores).triu(2).bool(), -torch.inf).softmax(dim=-1)


@mistake("There is no causal mask: queries see the future.")
def no_mask(q, k):
    return parts(q, k)[0].softmax(dim=-1)


@mistake("You mask after the softmax, so that rows no longer sum to 1. Mask the scores, then take the softmax.")
def masks_after_the_softmax(q, k):
    scores, later = parts(q, k)
    return scores.softmax(dim=-1).masked_fill(later, 0.0)


@mistake("Your mask's value is not low enough: where the scores lie below it, hidden keys win. Use -inf or -1e9.")
def masks_too_weakly(q, k):
    scores, later = parts(q, k)
    return scores.masked_fill(later, -20.0).softmax(dim=-1)


@mistake("You set masked scores to 0, but a score of 0 still has weight exp(0) = 1. Set them to -inf.")
def masks_with_zero(q, k):
    scores, later = parts(q, k)
    return scores.masked_fill(later, 0.0).softmax(dim=-1)


@mistake("You set masked scores to a large positive number. It has to be a large negative one, or -inf.")
def masks_with_the_wrong_sign(q, k):
    scores, later = parts(q, k)
    return scores.masked_fill(later, 1e9).softmax(dim=-1)


@mistake("Queries and keys have changed places: entry [query, key] holds the score of that key's query.")
def queries_and_keys_swapped(q, k):
    scores, later = parts(k, q)
    return scores.masked_fill(later, -torch.inf).softmax(dim=-1)


@mistake("The last two axes of your pattern are swapped: the query's axis comes before the key's.")
def result_transposed(q, k):
    scores, later = parts(q, k)
    return scores.masked_fill(later, -torch.inf).softmax(dim=-1).transpose(-1, -2)


@mistake("These are the masked scores; the softmax over the keys is missing.")
def no_softmax(q, k):
    scores, later = parts(q, k)
    return scores.masked_fill(later, -torch.inf)


@mistake("You take the softmax twice: mask the scores, not probabilities, and take the softmax once.")
def softmax_twice(q, k):
    scores, later = parts(q, k)
    return scores.softmax(dim=-1).masked_fill(later, -torch.inf).softmax(dim=-1)


@mistake("This is the logarithm of the pattern: use softmax, not log_softmax.")
def log_softmax(q, k):
    scores, later = parts(q, k)
    return scores.masked_fill(later, -torch.inf).log_softmax(dim=-1)


@mistake("You reshape q and k to [batch, head, pos, d_head], which mixes heads and positions; transpose the two axes.")
def reshaped_not_transposed(q, k):
    batch, n_pos, n_heads, d_head = q.shape
    swapped = (batch, n_heads, n_pos, d_head)
    scores, later = parts(q.reshape(swapped).transpose(1, 2), k.reshape(swapped).transpose(1, 2))
    return scores.masked_fill(later, -torch.inf).softmax(dim=-1)


@mistake("Your head axis comes last; the pattern is [batch, head, query, key].")
def heads_last(q, k):
    scores, later = parts(q, k)
    return scores.masked_fill(later, -torch.inf).softmax(dim=-1).permute(0, 2, 3, 1)


@mistake("You scale after the softmax; divide the scores by sqrt(d_head) before it.")
def scales_after_the_softmax(q, k):
    scores, later = parts(q, k)
    scores = scores * math.sqrt(q.shape[-1])
    return scores.masked_fill(later, -torch.inf).softmax(dim=-1) / math.sqrt(q.shape[-1])


@mistake("All heads have the same pattern: you sum over the heads. Keep the head axis on both sides of the product.")
def heads_summed(q, k):
    scores, later = parts(q, k)
    return scores.sum(dim=1, keepdim=True).expand_as(scores).masked_fill(later, -torch.inf).softmax(dim=-1)
