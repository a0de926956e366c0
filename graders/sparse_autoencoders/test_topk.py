"""Grades `topk`. Oracle: each row is sorted, and entries are put back one by one."""

import pytest
import torch
import torch.nn.functional as F

from dojo.grading import compare, mistake

WHAT, AXES = "the tensor of activations", "batch latent"


def slowly(pre, k):
    out = torch.zeros_like(pre)
    for row, filled in zip(pre.reshape(-1, pre.shape[-1]), out.view(-1, pre.shape[-1]), strict=True):
        for value, place in sorted(((v, i) for i, v in enumerate(row.tolist())), reverse=True)[:k]:
            filled[place] = max(value, 0.0)
    return out


def test_by_hand(submission):
    """The example of the text: of (3, -1, 2, -4, 1) the two largest stay; of (-2, 0.5, -1, -3, -6) one is left."""
    pre = torch.tensor([[3.0, -1.0, 2.0, -4.0, 1.0], [-2.0, 0.5, -1.0, -3.0, -6.0]])
    expected = torch.tensor([[3.0, 0.0, 2.0, 0.0, 0.0], [0.0, 0.5, 0.0, 0.0, 0.0]])
    compare(submission.topk(pre, 2), expected, what=WHAT, axes=AXES)


@pytest.mark.parametrize("shape, k", [((4, 9), 3), ((3, 7), 1), ((2, 3, 8), 2), ((6,), 2)])
def test_random_rows(submission, rand, shape, k):
    """In each row the k largest stay, whatever axes stand before the last."""
    pre = rand.normal(*shape, mean=0.8)
    compare(submission.topk(pre, k), slowly(pre, k), what=WHAT, axes="")


def test_few_are_positive(submission, rand):
    """Where fewer than k entries are above 0, only those stay: ReLU comes after the choice."""
    pre = rand.normal(5, 8, mean=-1.0)
    pre[1] = -pre[1].abs() - 0.1
    compare(submission.topk(pre, 4), slowly(pre, 4), what=WHAT, axes=AXES)


def test_all_of_them(submission, rand):
    """With k as large as d_sae, what is left is ReLU."""
    pre = rand.normal(3, 5)
    compare(submission.topk(pre, 5), pre.clamp(min=0), what=WHAT, axes=AXES)


def test_rows_of_very_different_size(submission, rand):
    """Each input has its own k: a quiet row keeps as many as a loud one."""
    pre = rand.uniform(4, 6, low=0.1, high=1.0) * torch.tensor([[0.01], [1.0], [10.0], [0.1]])
    compare(submission.topk(pre, 2), slowly(pre, 2), what=WHAT, axes=AXES, atol=1e-6)


def counted(out, pre, wanted):
    """At least as many entries are kept as wanted, whichever they are; a mask may keep all that are equal to the last."""
    right = isinstance(out, torch.Tensor) and out.shape == pre.shape
    kept = (out != 0) if right else torch.ones_like(pre, dtype=torch.bool)
    compare(out, torch.where(kept, pre, 0.0), what=WHAT, axes=AXES)
    assert kept.sum() >= wanted, f"Where some entries are equal, {kept.sum()} are kept: there should be {wanted}."


@pytest.mark.parametrize("row, k", [([1.0, 1.0, 1.0], 1), ([2.0, 0.5, 2.0, 2.0, -1.0], 2), ([1.0, 3.0, 1.0, 1.0], 2)])
def test_equal_entries(submission, row, k):
    """Where entries are equal there are still k that stay."""
    pre = torch.tensor([row])
    counted(submission.topk(pre, k), pre, k)


def test_no_gradient_below_zero(submission, kit):
    """An entry that is chosen and below 0 is 0 after the ReLU, and gets no gradient."""
    pre = torch.tensor([[-1.0, -2.0], [0.5, -0.5]])
    for k, expected in ((1, [[0.0, 0.0], [3.0, 0.0]]), (2, [[0.0, 0.0], [3.0, 0.0]])):
        gradient = kit.gradient_by_first(submission.topk, torch.full((2, 2), 3.0), pre, k)
        compare(gradient, torch.tensor(expected), what="the gradient by `pre`", axes=AXES)


def test_gradient(submission, kit, rand):
    """The gradient reaches the entries that are kept, with factor 1, and no other."""
    pre, weight = rand.normal(3, 7, mean=0.5), rand.normal(3, 7)
    gradient = kit.gradient_by_first(submission.topk, weight, pre, 3)
    compare(gradient, weight * (slowly(pre, 3) > 0), what="the gradient by `pre`", axes=AXES)


def _keep(pre, k, largest=True, dim=-1):
    return torch.zeros_like(pre, dtype=torch.bool).scatter(dim, pre.topk(k, dim=dim, largest=largest).indices, True)


# Those that are wrong in fewer places come first.


@mistake(
    "Where several entries are equal, `>` the value of number k + 1 keeps too few of them: k stay, of equal ones any."
)
def no_equal_ones(pre, k):
    if k == pre.shape[-1]:
        return F.relu(pre)
    return F.relu(pre) * (pre > pre.topk(k + 1, dim=-1).values[..., -1:])


@mistake("A chosen entry below 0 gets a gradient: ReLU has none there. Let it be part of what is differentiated.")
def gradient_through_the_relu(pre, k):
    values, places = pre.topk(k, dim=-1)
    return torch.zeros_like(pre).scatter(-1, places, values + (F.relu(values) - values).detach())


@mistake("The gradient reaches every entry above 0, not only those that are kept: what is set to 0 has none.")
def gradient_to_all(pre, k):
    out = F.relu(pre)
    return out + (torch.where(_keep(pre, k), out, 0.0) - out).detach()


@mistake("No gradient gets through: `.detach()`, `.data`, `.tolist()` and torch.no_grad() cut it off.")
def no_gradient(pre, k):
    return torch.where(_keep(pre, k), F.relu(pre), 0.0).detach()


@mistake("Negative values get through where fewer than k are positive: ReLU comes after the choice.")
def no_relu(pre, k):
    return torch.where(_keep(pre, k), pre, 0.0)


@mistake("You choose by absolute value: a large negative pre-activation is a strong no, and takes the place of a yes.")
def by_absolute_value(pre, k):
    return torch.where(_keep(pre.abs(), k), F.relu(pre), 0.0)


@mistake("The k smallest are kept.")
def smallest(pre, k):
    return torch.where(_keep(pre, k, largest=False), F.relu(pre), 0.0)


@mistake("The k largest are set to 0 and the rest is kept: the other way round.")
def the_rest(pre, k):
    return torch.where(_keep(pre, k), 0.0, F.relu(pre))


@mistake(
    "The k largest are chosen in the whole batch: each input keeps k of its own. (That is batch_topk with too small a k.)"
)
def k_in_all(pre, k):
    flat = pre.flatten()
    return torch.where(_keep(flat, k), F.relu(flat), 0.0).view(pre.shape)


@mistake("You choose k times the batch over the whole batch: that is batch_topk. Here each input keeps k of its own.")
def batch_topk_instead(pre, k):
    flat = pre.flatten()
    return torch.where(_keep(flat, k * (flat.numel() // pre.shape[-1])), F.relu(flat), 0.0).view(pre.shape)


@mistake("You choose along the first axis, over inputs: choose among latents, the last axis.")
def over_inputs(pre, k):
    return torch.where(_keep(pre, min(k, len(pre)), dim=0), F.relu(pre), 0.0)


@mistake("One too many is kept: `>=` the value of number k + 1, perhaps.")
def one_too_many(pre, k):
    return torch.where(_keep(pre, min(k + 1, pre.shape[-1])), F.relu(pre), 0.0)


@mistake("One too few is kept: `>` the k-th value leaves out the k-th itself.")
def one_too_few(pre, k):
    return torch.where(_keep(pre, k - 1), F.relu(pre), 0.0)


@mistake("Kept values are 1: keep the pre-activation, not the mask.")
def only_the_mask(pre, k):
    return (_keep(pre, k) & (pre > 0)).to(pre.dtype)


@mistake("You return the k values alone: put them back in their places, in a tensor of the shape of `pre`.")
def values_only(pre, k):
    return F.relu(pre.topk(k, dim=-1).values)


@mistake("The values stand at the front of each row: put each back where it came from (scatter).")
def at_the_front(pre, k):
    values = F.relu(pre.topk(k, dim=-1).values)
    return F.pad(values, (0, pre.shape[-1] - k))


@mistake("What was kept is scaled up, as dropout does: keep the values as they are.")
def scaled_up(pre, k):
    return torch.where(_keep(pre, k), F.relu(pre), 0.0) * pre.shape[-1] / k


@mistake("The k-th value is subtracted from those that are kept: that shrinks them, which is what TopK avoids.")
def shrunk(pre, k):
    if k == pre.shape[-1]:
        return F.relu(pre)
    return F.relu(pre - pre.topk(k + 1, dim=-1).values[..., -1:].clamp(min=0))


@mistake("You set entries of `pre` itself to 0.")
def in_place(pre, k):
    with torch.no_grad():
        pre[~_keep(pre, k)] = 0
    return F.relu(pre)
