"""Grades `match_features`. Oracle: every way to pair the two sides is tried, and the best is taken."""

from itertools import permutations

import pytest
import torch
import torch.nn.functional as F
from scipy.optimize import linear_sum_assignment

from dojo.grading import compare, mistake

WHAT = "the pair (similarity, index)"


def by_trying(dictionary, truth):
    """The best of all one-to-one pairings, with cosines taken one by one."""
    n_true, d_sae = len(truth), len(dictionary)
    cosine = torch.zeros(n_true, d_sae)
    for i, t in enumerate(truth):
        for j, d in enumerate(dictionary):
            if d.norm() > 0:
                cosine[i, j] = t @ d / (t.norm() * d.norm())
    if n_true <= d_sae:
        ways = torch.tensor(list(permutations(range(d_sae), n_true)))
        pairs = [ways[cosine[torch.arange(n_true), ways].sum(dim=1).argmax()], torch.arange(n_true)]
        latents, features = pairs
    else:
        ways = torch.tensor(list(permutations(range(n_true), d_sae)))
        features = ways[cosine[ways, torch.arange(d_sae)].sum(dim=1).argmax()]
        latents = torch.arange(d_sae)
    similarity, index = torch.zeros(n_true), torch.full((n_true,), -1)
    similarity[features], index[features] = cosine[features, latents], latents
    return similarity, index


def check(submission, dictionary, truth):
    compare(submission.match_features(dictionary, truth), by_trying(dictionary, truth), what=WHAT, axes="feature")


def lengths(rand, n):
    """Lengths that are far from 1 and from each other."""
    return rand.uniform(n, 1, low=-1.5, high=1.5).exp()


def test_by_hand(submission):
    """Two features that want the same latent: (8, 6) and (3, -4) for (1, 0) and (0, 1), from the text."""
    truth, dictionary = torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.tensor([[8.0, 6.0], [3.0, -4.0]])
    expected = torch.tensor([0.6, 0.6]), torch.tensor([1, 0])
    compare(submission.match_features(dictionary, truth), expected, what=WHAT, axes="feature")


@pytest.mark.parametrize("n_true, d_sae, d_in", [(5, 7, 3), (4, 5, 2), (5, 5, 4)])
def test_random_directions(submission, rand, n_true, d_sae, d_in):
    """Random directions of all lengths: the sum over pairs is as large as it can be."""
    check(
        submission, lengths(rand, d_sae) * rand.normal(d_sae, d_in), lengths(rand, n_true) * rand.normal(n_true, d_in)
    )


def test_rivals(submission, rand):
    """Latents that all lean towards the same feature: who takes first what they like best does worse."""
    truth = F.normalize(rand.normal(5, 4), dim=-1)
    check(submission, truth[2] + 0.5 * rand.normal(6, 4), lengths(rand, 5) * (truth + truth[2]))


def test_found_and_shuffled(submission, rand):
    """A dictionary that holds the truth in another order, and some more: the similarities are 1, the index tells the order."""
    truth, order = rand.normal(5, 6), rand.permutation(7)
    dictionary = lengths(rand, 7) * torch.cat([truth, rand.normal(2, 6)])[order]
    expected = torch.ones(5), order.argsort()[:5]
    compare(submission.match_features(dictionary, truth), expected, what=WHAT, axes="feature")


def test_opposites(submission, rand):
    """A latent that points the other way has not found a feature: its similarity is -1."""
    truth = torch.eye(3)
    check(submission, -lengths(rand, 1) * truth[:1], truth[:1])
    check(submission, torch.cat([-2.0 * truth[:2], truth[1:2] + 0.3 * truth[2:]]), truth)


@pytest.mark.parametrize("n_true, d_sae", [(6, 4), (7, 3), (3, 1)])
def test_fewer_latents_than_features(submission, rand, n_true, d_sae):
    """With fewer latents than true features, those left over get similarity 0 and index -1."""
    check(submission, lengths(rand, d_sae) * rand.normal(d_sae, 5), lengths(rand, n_true) * rand.normal(n_true, 5))


def test_a_row_of_zeros(submission, rand):
    """A latent whose direction is zero has similarity 0 to everything, not nan."""
    dictionary = lengths(rand, 5) * rand.normal(5, 3)
    dictionary[1] = 0
    check(submission, dictionary, rand.normal(5, 3))


def test_a_parameter(submission, rand):
    """The dictionary may be a parameter that requires gradients."""
    truth = rand.normal(4, 3)
    dictionary = rand.normal(6, 3)
    found = submission.match_features(dictionary.clone().requires_grad_(), truth)
    compare(found, by_trying(dictionary, truth), what=WHAT, axes="feature")


def _cosine(dictionary, truth):
    return F.normalize(truth.detach(), dim=-1) @ F.normalize(dictionary.detach(), dim=-1).T


def _match(score, cosine, left_over=(0.0, -1), maximize=True):
    """The reference on any table of scores; similarities are read from `cosine`."""
    rows, columns = (torch.as_tensor(i) for i in linear_sum_assignment(score.numpy(), maximize=maximize))
    n_true = len(cosine)
    similarity, index = torch.full((n_true,), float(left_over[0])), torch.full((n_true,), left_over[1])
    similarity[rows], index[rows] = cosine[rows, columns], columns
    return similarity, index


# Those that are wrong in fewer places come first.


@mistake("A latent with direction zero gives nan: its length is 0, so its similarity is 0 to everything.")
def nan_for_zero_rows(dictionary, truth):
    d, t = dictionary.detach(), truth.detach()
    cosine = (t / t.norm(dim=-1, keepdim=True)) @ (d / d.norm(dim=-1, keepdim=True)).T
    similarity, index = _match(cosine.nan_to_num(-2.0), cosine)
    return similarity, index


@mistake("`.numpy()` fails on a parameter: call `.detach()` first, or work under `torch.no_grad()`.")
def no_detach(dictionary, truth):
    cosine = F.normalize(truth, dim=-1) @ F.normalize(dictionary, dim=-1).T
    cosine.numpy()
    return _match(cosine, cosine)


@mistake("Features without a latent of their own get index 0: where there is none, the index is -1.")
def index_0_for_none(dictionary, truth):
    cosine = _cosine(dictionary, truth)
    return _match(cosine, cosine, left_over=(0.0, 0))


@mistake("Features without a latent of their own get similarity -1: where there is none it is 0.")
def minus_1_for_none(dictionary, truth):
    cosine = _cosine(dictionary, truth)
    return _match(cosine, cosine, left_over=(-1.0, -1))


@mistake(
    "Features without a latent of their own are left out of the answer: one entry for each of the n_true features."
)
def left_out(dictionary, truth):
    cosine = _cosine(dictionary, truth)
    similarity, index = _match(cosine, cosine)
    return similarity[index >= 0], index[index >= 0]


@mistake("Lengths count: divide by the length of the latent and of the feature; only directions are compared.")
def dot_products(dictionary, truth):
    dots = truth.detach() @ dictionary.detach().T
    return _match(dots, dots)


@mistake("The true features are not scaled to length 1: a cosine divides by both lengths.")
def truth_not_normalised(dictionary, truth):
    dots = truth.detach() @ F.normalize(dictionary.detach(), dim=-1).T
    return _match(dots, dots)


@mistake("The latents are not scaled to length 1: a cosine divides by both lengths.")
def dictionary_not_normalised(dictionary, truth):
    dots = F.normalize(truth.detach(), dim=-1) @ dictionary.detach().T
    return _match(dots, dots)


@mistake("You take each feature's best latent, so one latent can serve two features: the pairing is one to one.")
def maximum_of_each(dictionary, truth):
    best = _cosine(dictionary, truth).max(dim=1)
    return best.values, best.indices


@mistake(
    "You go feature by feature, and each takes the best latent that is left: an early one may take what a later needs more."
)
def in_turn(dictionary, truth):
    cosine = _cosine(dictionary, truth)
    similarity, index = torch.zeros(len(truth)), torch.full((len(truth),), -1)
    for i in range(min(cosine.shape)):
        index[i] = cosine[i].argmax()
        similarity[i] = cosine[i, index[i]]
        cosine[:, index[i]] = -torch.inf
    return similarity, index


@mistake("You take the best pair, then the best of the rest, and so on: that is greedy, and the sum can be larger.")
def best_pair_first(dictionary, truth):
    cosine = _cosine(dictionary, truth)
    similarity, index = torch.zeros(len(truth)), torch.full((len(truth),), -1)
    for _ in range(min(cosine.shape)):
        i, j = divmod(int(cosine.argmax()), cosine.shape[1])
        similarity[i], index[i] = cosine[i, j], j
        cosine[i], cosine[:, j] = -torch.inf, -torch.inf
    return similarity, index


@mistake("You match absolute values: a latent that points the other way has not found the feature. Keep the sign.")
def absolute(dictionary, truth):
    cosine = _cosine(dictionary, truth).abs()
    return _match(cosine, cosine)


@mistake("You choose by absolute values: a latent that points the other way is a bad match, not a good one.")
def chosen_by_absolute(dictionary, truth):
    cosine = _cosine(dictionary, truth)
    return _match(cosine.abs(), cosine)


@mistake("linear_sum_assignment makes the sum as small as it can: pass maximize=True, or minus the similarities.")
def smallest(dictionary, truth):
    cosine = _cosine(dictionary, truth)
    return _match(cosine, cosine, maximize=False)


@mistake("You pass minus the similarities and return them with the minus: turn the sign back.")
def sign_left(dictionary, truth):
    cosine = _cosine(dictionary, truth)
    return _match(cosine, -cosine)


@mistake("The answer has one entry a latent: it should have one a true feature.")
def by_latent(dictionary, truth):
    cosine = _cosine(dictionary, truth).T
    return _match(cosine, cosine)


@mistake("The two are in the wrong order: first the similarity, then the index.")
def swapped(dictionary, truth):
    cosine = _cosine(dictionary, truth)
    return _match(cosine, cosine)[::-1]


@mistake("You return the mean of the similarities: each feature's own is wanted; the mean is taken later.")
def mean_only(dictionary, truth):
    cosine = _cosine(dictionary, truth)
    similarity, index = _match(cosine, cosine)
    return similarity.mean(), index


@mistake("You minimise distances between vectors, which lengths enter: compare directions only.")
def by_distance(dictionary, truth):
    cosine = _cosine(dictionary, truth)
    return _match(torch.cdist(truth.detach(), dictionary.detach()), cosine, maximize=False)
