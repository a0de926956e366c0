"""Grades `batch_topk`. Oracle: all entries of the batch in one sorted list, put back one by one."""

import pytest
import torch
import torch.nn.functional as F

from dojo.grading import compare, mistake

WHAT, AXES = "the tensor of activations", "batch latent"


def slowly(pre, k):
    n = pre.numel() // pre.shape[-1]
    out = torch.zeros(pre.numel())
    ranked = sorted(((v, i) for i, v in enumerate(pre.flatten().tolist())), reverse=True)
    for value, place in ranked[: k * n]:
        out[place] = max(value, 0.0)
    return out.view(pre.shape)


def test_by_hand(submission):
    """The example of the text: k = 1 and two inputs, so the two largest of all; here both are the first input's."""
    pre = torch.tensor([[3.0, 2.0, -1.0], [1.0, 0.5, -2.0]])
    expected = torch.tensor([[3.0, 2.0, 0.0], [0.0, 0.0, 0.0]])
    compare(submission.batch_topk(pre, 1), expected, what=WHAT, axes=AXES)


@pytest.mark.parametrize("shape, k", [((4, 9), 3), ((5, 7), 1), ((2, 3, 8), 2), ((6,), 2)])
def test_random_batches(submission, rand, shape, k):
    """In the whole batch k * n entries stay, n being the number of inputs, whatever axes they stand in."""
    pre = rand.normal(*shape, mean=0.8)
    compare(submission.batch_topk(pre, k), slowly(pre, k), what=WHAT, axes="")


def test_loud_and_quiet_inputs(submission, rand):
    """Inputs with large pre-activations get more than k latents, quiet ones fewer."""
    pre = rand.uniform(4, 6, low=0.2, high=1.0) * torch.tensor([[0.1], [1.0], [5.0], [0.2]])
    compare(submission.batch_topk(pre, 2), slowly(pre, 2), what=WHAT, axes=AXES)


def test_few_are_positive(submission, rand):
    """Where fewer than k * n entries are above 0, only those stay."""
    pre = rand.normal(5, 8, mean=-1.2)
    compare(submission.batch_topk(pre, 4), slowly(pre, 4), what=WHAT, axes=AXES)


def test_none_is_positive(submission, rand):
    """Where no entry is above 0, the answer is 0 everywhere."""
    pre = -rand.uniform(3, 4, low=0.1, high=2.0)
    compare(submission.batch_topk(pre, 2), torch.zeros(3, 4), what=WHAT, axes=AXES)


def test_all_of_them(submission, rand):
    """With k as large as d_sae, what is left is ReLU."""
    pre = rand.normal(3, 5)
    compare(submission.batch_topk(pre, 5), pre.clamp(min=0), what=WHAT, axes=AXES)
    pre = rand.uniform(3, 4, low=0.1, high=2.0)
    compare(submission.batch_topk(pre, 4), pre, what=WHAT, axes=AXES)


def test_three_axes(submission, rand):
    """All inputs compete, on whatever axes they stand: here those of the second entry of the first axis are loud."""
    pre = rand.uniform(3, 4, 5, low=0.1, high=1.0) * torch.tensor([0.1, 10.0, 1.0])[:, None, None]
    compare(submission.batch_topk(pre, 2), slowly(pre, 2), what=WHAT, axes="batch pos latent")


def counted(out, pre, wanted):
    """At least as many entries are kept as wanted, whichever they are; a mask may keep all that are equal to the last."""
    right = isinstance(out, torch.Tensor) and out.shape == pre.shape
    kept = (out != 0) if right else torch.ones_like(pre, dtype=torch.bool)
    compare(out, torch.where(kept, pre, 0.0), what=WHAT, axes=AXES)
    assert kept.sum() >= wanted, f"Where some entries are equal, {kept.sum()} are kept: there should be {wanted}."


@pytest.mark.parametrize("rows, k", [([[1.0, 1.0], [1.0, 1.0]], 1), ([[2.0, 1.0, 1.0], [1.0, 3.0, -1.0]], 2)])
def test_equal_entries(submission, rows, k):
    """Where entries are equal there are still k * n that stay."""
    pre = torch.tensor(rows)
    counted(submission.batch_topk(pre, k), pre, k * len(rows))


def test_no_gradient_below_zero(submission, kit):
    """An entry that is chosen and below 0 is 0 after the ReLU, and gets no gradient."""
    pre = torch.tensor([[-1.0, -2.0, -3.0], [0.5, -0.5, -4.0]])
    gradient = kit.gradient_by_first(submission.batch_topk, torch.full((2, 3), 3.0), pre, 2)
    expected = torch.tensor([[0.0, 0.0, 0.0], [3.0, 0.0, 0.0]])
    compare(gradient, expected, what="the gradient by `pre`", axes=AXES)


def test_gradient(submission, kit, rand):
    """The gradient reaches the entries that are kept, with factor 1, and no other."""
    pre, weight = rand.normal(3, 7, mean=0.5), rand.normal(3, 7)
    gradient = kit.gradient_by_first(submission.batch_topk, weight, pre, 2)
    compare(gradient, weight * (slowly(pre, 2) > 0), what="the gradient by `pre`", axes=AXES)


def _inputs(pre):
    return pre.numel() // pre.shape[-1]


def _keep(flat, n, largest=True):
    return torch.zeros_like(flat, dtype=torch.bool).scatter(0, flat.topk(n, largest=largest).indices, True)


def _batch(pre, n, score=None, keep=F.relu, largest=True):
    """The reference with the number, the score and what is kept left open."""
    flat = pre.flatten()
    n = max(0, min(int(n), flat.numel()))
    kept = _keep((flat if score is None else score(flat)), n, largest)
    return torch.where(kept, keep(flat), 0.0).view(pre.shape)


# Those that are wrong in fewer places come first.


@mistake("Where entries are equal, or all should stay, too few do: a quantile or `>` leaves out the border itself.")
def no_equal_ones(pre, k):
    return F.relu(pre) * (pre > torch.quantile(pre.flatten(), 1 - k / pre.shape[-1]))


@mistake("A chosen entry below 0 gets a gradient: ReLU has none there. Let it be part of what is differentiated.")
def gradient_through_the_relu(pre, k):
    values, places = pre.flatten().topk(k * _inputs(pre))
    values = values + (F.relu(values) - values).detach()
    return torch.zeros(pre.numel()).scatter(0, places, values).view(pre.shape)


@mistake("With three axes you choose in each entry of the first axis on its own: all inputs compete in one list.")
def slice_by_slice(pre, k):
    slices = pre if pre.ndim == 3 else pre[None]
    return torch.stack([_batch(one, k * _inputs(one)) for one in slices]).view(pre.shape)


@mistake("No gradient gets through: `.detach()`, `.data`, `.tolist()` and torch.no_grad() cut it off.")
def no_gradient(pre, k):
    return _batch(pre, k * _inputs(pre)).detach()


@mistake("Only the first axis is counted as inputs: n is the product of all axes but the last.")
def first_axis_only(pre, k):
    return _batch(pre, k * (len(pre) if pre.ndim > 1 else 1))


@mistake("A single input without a batch axis is taken for d_sae inputs: then n is 1.")
def length_of_a_vector(pre, k):
    return _batch(pre, k * len(pre) if pre.ndim == 1 else k * _inputs(pre))


@mistake("Negative values get through where fewer than k * n are positive: ReLU comes after the choice.")
def no_relu(pre, k):
    return _batch(pre, k * _inputs(pre), keep=lambda flat: flat)


@mistake("Each input keeps k of its own: that is topk. Here inputs compete for k * n places.")
def topk_instead(pre, k):
    values, places = pre.topk(k, dim=-1)
    return torch.zeros_like(pre).scatter(-1, places, F.relu(values))


@mistake("k entries are kept in the whole batch: it should be k for each input on average, k * n.")
def k_in_all(pre, k):
    return _batch(pre, k)


@mistake("k times d_sae entries are kept: count inputs, not latents.")
def times_latents(pre, k):
    return _batch(pre, k * pre.shape[-1])


@mistake("You choose by absolute value: large negative pre-activations take the places of positive ones.")
def by_absolute_value(pre, k):
    return _batch(pre, k * _inputs(pre), score=torch.abs)


@mistake("The smallest are kept.")
def smallest(pre, k):
    return _batch(pre, k * _inputs(pre), largest=False)


@mistake("One is missing: with `>` the k * n-th value, that value itself is left out.")
def one_too_few(pre, k):
    return _batch(pre, k * _inputs(pre) - 1)


@mistake("One too many is kept.")
def one_too_many(pre, k):
    return _batch(pre, k * _inputs(pre) + 1)


@mistake("You scale each input to the same size before they compete: a loud input has a right to more places.")
def fair_shares(pre, k):
    flat = (pre / pre.norm(dim=-1, keepdim=True)).flatten()
    return torch.where(_keep(flat, k * _inputs(pre)), F.relu(pre.flatten()), 0.0).view(pre.shape)


@mistake("Each latent keeps its best inputs: inputs and latents compete together, in one list.")
def each_latent_its_own(pre, k):
    flat = pre.reshape(-1, pre.shape[-1])
    values, places = flat.topk(min(len(flat), max(1, k * len(flat) // flat.shape[1])), dim=0)
    return torch.zeros_like(flat).scatter(0, places, F.relu(values)).view(pre.shape)


@mistake("The answer is flat: give it the shape of `pre` again.")
def flat_answer(pre, k):
    return _batch(pre, k * _inputs(pre)).flatten()


@mistake("Kept values are 1: keep the pre-activation, not the mask.")
def only_the_mask(pre, k):
    return (_batch(pre, k * _inputs(pre)) > 0).to(pre.dtype)


@mistake("You set entries of `pre` itself to 0.")
def in_place(pre, k):
    out = _batch(pre, k * _inputs(pre))
    with torch.no_grad():
        pre.copy_(out)
    return F.relu(pre)
