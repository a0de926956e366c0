"""interference: dot products worked out one pair at a time; and what a linear model hears of a feature that is alone."""

import torch
import torch.nn.functional as F

from dojo.grading import compare, mistake

WHAT, AXES = "the interference", "instance feature feature"


def by_hand(W):
    n = W.shape[-1]
    out = torch.zeros(len(W), n, n)
    for a, one in enumerate(W):
        for i in range(n):
            for j in range(n):
                if i != j:
                    out[a, i, j] = sum(float(one[h, i]) * float(one[h, j]) for h in range(len(one)))
    return out


def test_by_hand(submission):
    """Three directions in a plane: (1, 0), (0, 2) and (-1, 0.5)."""
    W = torch.tensor([[[1.0, 0.0, -1.0], [0.0, 2.0, 0.5]]])
    expected = torch.tensor([[[0.0, 0.0, -1.0], [0.0, 0.0, 1.0], [-1.0, 1.0, 0.0]]])
    compare(submission.interference(W), expected, what=WHAT, axes=AXES)


def test_drawn_directions(submission, rand):
    """Every pair of six features in four dimensions, for three models at once."""
    W = rand.normal(3, 4, 6)
    compare(submission.interference(W), by_hand(W), what=WHAT, axes=AXES)


def test_what_is_heard(submission, rand):
    """Show one feature alone to the linear model W^T W x: what the other outputs say is its row of the interference."""
    W = rand.normal(2, 3, 5)
    heard = F.linear(F.linear(torch.eye(5), W[1]), W[1].T)
    heard.fill_diagonal_(0)
    compare(submission.interference(W)[1], heard, what="the interference of instance 1", axes="feature feature")


def test_more_dimensions_than_features(submission):
    """Features with a dimension each, of any length, do not interfere at all."""
    W = torch.zeros(2, 4, 3)
    W[0, 1, 0], W[0, 3, 1], W[0, 0, 2], W[1, 2, 2] = 0.7, -1.3, 1.0, 2.0
    compare(submission.interference(W), torch.zeros(2, 3, 3), what=WHAT, axes=AXES)


def gram(W):
    return W.transpose(-1, -2) @ W


def without_diagonal(matrix):
    return matrix * (1 - torch.eye(matrix.shape[-1]))


@mistake("The diagonal is still there: how strongly a feature hears itself is no interference.")
def diagonal_kept(W):
    return gram(W)


@mistake("You subtract the identity: that empties the diagonal only where every direction has length 1.")
def minus_identity(W):
    return gram(W) - torch.eye(W.shape[-1])


@mistake("You compute W W^T, which pairs dimensions: features are columns, so W^T comes first.")
def pairs_of_dimensions(W):
    return without_diagonal(W @ W.transpose(-1, -2))


@mistake("You take cosines: long directions disturb more, so do not normalise.")
def cosines(W):
    return without_diagonal(gram(W / W.norm(dim=-2, keepdim=True).clamp(min=1e-12)))


@mistake(
    "You normalise one of the two directions: that is a step of feature_dimensionality. Here take W_i . W_j as it is."
)
def one_normalised(W):
    return without_diagonal((W / W.norm(dim=-2, keepdim=True).clamp(min=1e-12)).transpose(-1, -2) @ W)


@mistake("The sign is lost: a negative dot product is what a ReLU can wipe out, a positive one is not.")
def absolute(W):
    return without_diagonal(gram(W).abs())


@mistake("You square: return the dot products themselves.")
def squared(W):
    return without_diagonal(gram(W).pow(2))


@mistake("Negative entries are cut off: the model's ReLU would do that, but interference is measured before it.")
def cut_off(W):
    return without_diagonal(gram(W).clamp(min=0))


@mistake("Only the pairs with i < j are filled: the matrix is symmetric, so the other half is the same again.")
def one_half(W):
    return gram(W).triu(1)


@mistake("You sum over j: return the whole matrix, one number a pair.")
def summed(W):
    return without_diagonal(gram(W)).sum(dim=-1)


@mistake("All instances get the first one's interference.")
def first_instance(W):
    return without_diagonal(gram(W[:1])).expand(len(W), -1, -1)


@mistake("The instances are added up: `inst` has to be kept on the right of the arrow.")
def over_instances(W):
    return without_diagonal(torch.einsum("ahi,ahj->ij", W, W)).expand(len(W), -1, -1)


@mistake("You divide by the number of dimensions: a dot product is a sum.")
def averaged(W):
    return without_diagonal(gram(W)) / W.shape[-2]


@mistake("The sign is turned: off the diagonal you have minus W_i . W_j.")
def negated(W):
    return -without_diagonal(gram(W))


@mistake("The mean direction is taken away first: that is a covariance. Use the columns as they are.")
def centred(W):
    return without_diagonal(gram(W - W.mean(dim=-1, keepdim=True)))


@mistake("The diagonal is 1: it should be 0.")
def ones_on_the_diagonal(W):
    return without_diagonal(gram(W)) + torch.eye(W.shape[-1])
