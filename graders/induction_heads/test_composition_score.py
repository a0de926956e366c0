"""Grades `composition_score`. Oracles: matrices worked by hand, and numpy on one pair of matrices at a time."""

import math

import numpy as np
import pytest
import torch

import solutions.induction_heads as ref
from dojo.grading import compare, mistake


def _one(a, b):
    """numpy's answer for two matrices."""
    return np.linalg.norm(a @ b) / (np.linalg.norm(a) * np.linalg.norm(b))


def _all(W_A, W_B):
    """numpy's answer for each pair, the leading axes broadcast by hand."""
    leading = np.broadcast_shapes(W_A.shape[:-2], W_B.shape[:-2])
    a = np.broadcast_to(W_A.double().numpy(), (*leading, *W_A.shape[-2:]))
    b = np.broadcast_to(W_B.double().numpy(), (*leading, *W_B.shape[-2:]))
    found = [_one(a[place], b[place]) for place in np.ndindex(leading)]
    return torch.tensor(found, dtype=torch.float32).reshape(leading)


def test_two_matrices(submission, rand):
    """For two matrices without leading axes the score is one number."""
    score = submission.composition_score(rand.normal(3, 5), rand.normal(5, 4))
    compare(score, torch.tensor(0.0), what="the score", atol=torch.inf)


def test_matrices_worked_by_hand(submission):
    """(1 2 2) has norm 3, and B norm 3; their product (4 4) has norm 4 sqrt 2. The score is 4 sqrt 2 / 9, about 0.63."""
    W_A, W_B = torch.tensor([[1.0, 2.0, 2.0]]), torch.tensor([[2.0, 0.0], [1.0, 0.0], [0.0, 2.0]])
    compare(submission.composition_score(W_A, W_B), torch.tensor(4 * math.sqrt(2) / 9), what="the score")


def test_from_nothing_to_everything(submission, rand):
    """1 where B reads the one direction that A writes, 0 where it reads another."""
    written, other = torch.linalg.qr(rand.normal(6, 2)).Q.T  # at right angles
    W_A = rand.normal(4, 1) * written
    same, different = written[:, None] * rand.normal(3), other[:, None] * rand.normal(3)
    compare(submission.composition_score(W_A, same), torch.tensor(1.0), what="the score of what A writes")
    compare(submission.composition_score(W_A, different), torch.tensor(0.0), what="the score of another direction")


def test_size_does_not_matter(submission, rand):
    """Multiplying either matrix by a number changes nothing."""
    W_A, W_B = rand.normal(3, 5), rand.normal(5, 4)
    expected = torch.tensor(_one(W_A.numpy(), W_B.numpy()))
    compare(submission.composition_score(40 * W_A, W_B), expected, what="the score for 40 A")
    compare(submission.composition_score(W_A, -0.02 * W_B), expected, what="the score for -0.02 B")


@pytest.mark.parametrize(
    "leading_a, leading_b",
    [((2,), (2,)), ((3, 1), (1, 4)), ((2, 3), (2, 3)), ((4,), ()), ((), (3, 2)), ((2, 1, 3), (4, 1))],
)
def test_leading_axes(submission, rand, leading_a, leading_b):
    """Each pair of matrices gets its own score; leading axes broadcast."""
    W_A, W_B = rand.normal(*leading_a, 6, 5), rand.normal(*leading_b, 5, 7)
    score = submission.composition_score(W_A, W_B)
    compare(score, _all(W_A, W_B), what="the score")


def test_agrees_with_the_reference(agree, rand):
    """The score agrees with the reference for square matrices of low rank, as those of heads are."""
    W_A = rand.normal(5, 1, 12, 3) @ rand.normal(5, 1, 3, 12)
    W_B = rand.normal(1, 4, 12, 3) @ rand.normal(1, 4, 3, 12)
    agree("composition_score", W_A, W_B, what="the score", axes="A B")


def _norm(W):
    return torch.linalg.matrix_norm(W)


@mistake(
    "You take spectral norms, the largest singular value; the Frobenius norm is the root of the sum of all squares."
)
def spectral_norms(W_A, W_B):
    def norm(W):
        return torch.linalg.matrix_norm(W, ord=2)

    return norm(W_A @ W_B) / (norm(W_A) * norm(W_B))


@mistake("You take nuclear norms, the sum of the singular values; take Frobenius norms.")
def nuclear_norms(W_A, W_B):
    def norm(W):
        return torch.linalg.matrix_norm(W, ord="nuc")

    return norm(W_A @ W_B) / (norm(W_A) * norm(W_B))


@mistake("You sum absolute values; the Frobenius norm is the root of the sum of squares.")
def sums_of_absolute_values(W_A, W_B):
    def norm(W):
        return W.abs().sum(dim=(-2, -1))

    return norm(W_A @ W_B) / (norm(W_A) * norm(W_B))


@mistake("You leave out the root: the norm is the square root of the sum of squares.")
def squares(W_A, W_B):
    return ref.composition_score(W_A, W_B).square()


@mistake("You do not divide by the norm of B.")
def not_divided_by_b(W_A, W_B):
    return _norm(W_A @ W_B) / _norm(W_A)


@mistake("You do not divide by the norm of A.")
def not_divided_by_a(W_A, W_B):
    return _norm(W_A @ W_B) / _norm(W_B)


@mistake("You do not divide by the norms of A and B, so that large weights score high.")
def not_divided(W_A, W_B):
    return _norm(W_A @ W_B)


@mistake("You divide by the sum of the two norms; divide by their product.")
def divided_by_the_sum(W_A, W_B):
    return _norm(W_A @ W_B) / (_norm(W_A) + _norm(W_B))


@mistake("a / b * c multiplies by c: put the two norms in brackets, or divide twice.")
def brackets_forgotten(W_A, W_B):
    return _norm(W_A @ W_B) / _norm(W_A) * _norm(W_B)


@mistake("You multiply in the wrong order, W_B W_A: vectors are rows, so that A comes first.")
def order_swapped(W_A, W_B):
    return _norm(W_B @ W_A) / (_norm(W_A) * _norm(W_B))


@mistake("You transpose B: what A writes (its columns) meets what B reads (its rows) without that.")
def b_transposed(W_A, W_B):
    return _norm(W_A @ W_B.mT) / (_norm(W_A) * _norm(W_B))


@mistake("norm() of the whole tensor mixes all pairs: take it over the last two axes only.")
def one_norm_for_all(W_A, W_B):
    return (W_A @ W_B).norm() / (W_A.norm() * W_B.norm())


@mistake("You average over the pairs; each pair of matrices gets its own score.")
def averaged(W_A, W_B):
    return ref.composition_score(W_A, W_B).mean()


@mistake("Only the product's norm is taken pair by pair; those of A and B are over the whole tensors.")
def norms_of_whole_tensors(W_A, W_B):
    return _norm(W_A @ W_B) / (W_A.norm() * W_B.norm())


@mistake("You take norms of vectors, over the last axis alone; the norm of a matrix is over both.")
def norms_of_rows(W_A, W_B):
    return (W_A @ W_B).norm(dim=-1).mean(dim=-1) / (W_A.norm(dim=-1).mean(dim=-1) * W_B.norm(dim=-1).mean(dim=-1))


@mistake("You multiply entry by entry; W_A @ W_B is the product of matrices.")
def entry_by_entry(W_A, W_B):
    return _norm(W_A * W_B) / (_norm(W_A) * _norm(W_B))


@mistake("You keep the two reduced axes, with size 1; the result has the leading axes only.")
def axes_kept(W_A, W_B):
    return ref.composition_score(W_A, W_B)[..., None, None]


@mistake("torch.bmm takes exactly one leading axis and does not broadcast; @ takes any.")
def bmm(W_A, W_B):
    return _norm(torch.bmm(W_A, W_B)) / (_norm(W_A) * _norm(W_B))


@mistake("You subtract what random matrices would score; here nothing is subtracted.")
def baseline_subtracted(W_A, W_B):
    return ref.composition_score(W_A, W_B) - 1 / math.sqrt(W_A.shape[-1])
