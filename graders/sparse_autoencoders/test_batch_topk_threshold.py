"""Grades `batch_topk_threshold`. Oracle: sorted lists of plain numbers."""

import torch

from dojo.grading import compare, mistake
from solutions.sparse_autoencoders import batch_topk, topk

WHAT = "the threshold"


def slowly(batches, k):
    smallest = []
    for pre in batches:
        kept = sorted(pre.flatten().tolist(), reverse=True)[: k * len(pre)]
        positive = [value for value in kept if value > 0]
        if positive:
            smallest.append(positive[-1])
    return sum(smallest) / len(smallest) if smallest else 0.0


def uneven(rand):
    """Batches of different sizes and strengths."""
    return [scale * rand.normal(n, 9, mean=0.5) for n, scale in ((4, 1.0), (7, 3.0), (5, 0.3))]


def test_by_hand(submission):
    """The example of the text: the smallest survivors are 2 and 0.5, so the threshold is 1.25."""
    batches = [torch.tensor([[3.0, 2.0, -1.0], [1.0, 0.5, -2.0]]), torch.tensor([[0.5, -1.0, 0.2]])]
    compare(submission.batch_topk_threshold(batches, 1), 1.25, what=WHAT)


def test_several_batches(submission, rand):
    """The mean over batches of the smallest activation that survives, each batch counting once."""
    batches = uneven(rand)
    for k in (1, 3):
        compare(submission.batch_topk_threshold(batches, k), slowly(batches, k), what=WHAT)


def test_few_are_positive(submission, rand):
    """The smallest entry above 0 counts: zeros and negative entries do not."""
    batches = [rand.normal(6, 8, mean=-1.0), rand.normal(3, 8, mean=-0.8)]
    batches[0][0, 3] = batches[1][2, 5] = 1.7
    compare(submission.batch_topk_threshold(batches, 4), slowly(batches, 4), what=WHAT)


def test_a_batch_without_any(submission, rand):
    """A batch in which nothing is above 0 does not count."""
    first, second, third = uneven(rand)
    batches = [first, -second.abs() - 0.1, third]
    compare(submission.batch_topk_threshold(batches, 2), slowly(batches, 2), what=WHAT)


def test_nothing_at_all(submission, rand):
    """Where no batch counts the threshold is 0."""
    compare(submission.batch_topk_threshold([-rand.normal(4, 6).abs() - 0.1], 2), 0.0, what=WHAT)
    compare(submission.batch_topk_threshold([], 2), 0.0, what="the threshold of no batches")


def test_a_generator(submission, kit, rand):
    """Batches may come from a generator, which can be gone through once."""
    batches = uneven(rand)
    compare(submission.batch_topk_threshold(kit.once(batches), 2), slowly(batches, 2), what=WHAT)


def _smallest(batches, k, activation=batch_topk):
    found = []
    for pre in batches:
        f = activation(pre, k)
        if (f > 0).any():
            found.append(f[f > 0].min().item())
    return found


def _mean(values):
    return sum(values) / len(values) if values else 0.0


# Those that are wrong in fewer places come first.


@mistake("Without a batch that counts there is nothing to average, and your code fails or gives nan: return 0.0.")
def nan_for_nothing(batches, k):
    return torch.tensor(_smallest(batches, k)).mean().item()


@mistake("`len(batches)` fails for a generator, which has no length: count as you go.")
def needs_a_length(batches, k):
    len(batches)
    return _mean(_smallest(batches, k))


@mistake("The batches are gone through twice; a generator is empty the second time.")
def twice(batches, k):
    n = sum(bool((batch_topk(pre, k) > 0).any()) for pre in batches)
    return sum(_smallest(batches, k)) / n if n else 0.0


@mistake("A batch in which nothing is above 0 counts as 0: leave it out of the mean.")
def empty_batches_count(batches, k):
    found = []
    for pre in batches:
        f = batch_topk(pre, k)
        found.append(f[f > 0].min().item() if (f > 0).any() else 0.0)
    return _mean(found)


@mistake("The smallest entry of all is 0, that of a latent that was not kept: take the smallest above 0.")
def zeros_count(batches, k):
    return _mean([batch_topk(pre, k).min().item() for pre in batches])


@mistake("The smallest positive pre-activation is taken: batch_topk has to choose first.")
def all_pre_activations(batches, k):
    return _mean([pre[pre > 0].min().item() for pre in batches if (pre > 0).any()])


@mistake("The k * n-th largest entry is taken although it may be below 0: only what is above 0 is active.")
def without_relu(batches, k):
    found = []
    for pre in batches:
        kept = pre.flatten().topk(k * len(pre)).values
        if (kept > 0).any():
            found.append(kept.min().item())
    return _mean(found)


@mistake("The largest activation is taken: the threshold is set by the smallest that survives.")
def largest(batches, k):
    return _mean([f.max().item() for f in (batch_topk(pre, k) for pre in batches) if (f > 0).any()])


@mistake("The mean of all activations is taken: of each batch only the smallest one counts.")
def mean_of_all(batches, k):
    return _mean([f[f > 0].mean().item() for f in (batch_topk(pre, k) for pre in batches) if (f > 0).any()])


@mistake("The smallest of all batches is taken: average over batches.")
def smallest_of_all(batches, k):
    return min(_smallest(batches, k), default=0.0)


@mistake("You stop at a batch in which nothing is above 0: leave it out, and go on with the next.")
def stops_there(batches, k):
    found = []
    for pre in batches:
        smallest = _smallest([pre], k)
        if not smallest:
            break
        found += smallest
    return _mean(found)


@mistake("Only the last batch is in the answer: collect one number a batch.")
def last_batch(batches, k):
    return [0.0, *_smallest(batches, k)][-1]


@mistake("Only the first batch is in the answer: is the `return` inside the loop?")
def first_batch(batches, k):
    return [*_smallest(batches, k), 0.0][0]


@mistake("Larger batches count more: each batch counts once.")
def weighted(batches, k):
    total = inputs = 0.0
    for pre in batches:
        for value in _smallest([pre], k):
            total, inputs = total + value * len(pre), inputs + len(pre)
    return total / inputs if inputs else 0.0


@mistake("All batches are joined into one: the smallest survivor of each batch is wanted.")
def joined(batches, k):
    batches = list(batches)
    return _mean(_smallest([torch.cat(batches)], k)) if batches else 0.0


@mistake("`topk` chooses for each input: take `batch_topk`, whose threshold it is.")
def topk_instead(batches, k):
    return _mean(_smallest(batches, k, topk))


@mistake("The sum over batches is returned: divide by the number of batches that count.")
def summed(batches, k):
    return float(sum(_smallest(batches, k)))


@mistake("The median of the batches is returned: take the mean.")
def median(batches, k):
    found = _smallest(batches, k)
    return torch.tensor(found).median().item() if found else 0.0
