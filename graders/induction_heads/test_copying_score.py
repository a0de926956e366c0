"""Grades `copying_score`. Oracles: circuits whose eigenvalues are known, and numpy's eigenvalues of the full matrix."""

import math

import numpy as np
import pytest
import torch

from dojo.grading import compare, mistake


def _number(score, expected, **tolerance):
    assert not (torch.is_tensor(score) and score.is_complex()), (
        "The score is a complex number. The imaginary parts of the eigenvalues cancel in the sum: keep its real part."
    )
    compare(score, expected, what="the score", **tolerance)


def _by_numpy(left, right):
    eigenvalues = np.linalg.eigvals((left.double() @ right.double()).numpy())
    return float(eigenvalues.real.sum() / np.abs(eigenvalues).sum())


def _circuit(rand, d_vocab, small):
    """Factors of a random d_vocab x d_vocab matrix whose eigenvalues are those of `small`, and 0."""
    rank = len(small)
    left = rand.normal(d_vocab, rank)
    right = small @ torch.linalg.pinv(left.double()).float()
    noise = rand.normal(rank, d_vocab)
    return left, right + noise - noise @ left @ torch.linalg.pinv(left)  # the noise sees nothing of left


def test_copying(submission, rand):
    """Where all eigenvalues are positive, the score is 1, whatever their size."""
    left, right = _circuit(rand, 7, torch.diag(torch.tensor([0.5, 2.0, 9.0])))
    _number(submission.copying_score(submission.Factored(left, right)), 1.0)


def test_the_opposite_of_copying(submission, rand):
    """Where all eigenvalues are negative, the score is -1."""
    left, right = _circuit(rand, 8, torch.diag(torch.tensor([-1.0, -4.0, -0.3, -2.0])))
    _number(submission.copying_score(submission.Factored(left, right)), -1.0)


def test_eigenvalues_known(submission, rand):
    """With the eigenvalues 3, 1 and -2 the score is (3 + 1 - 2) / (3 + 1 + 2) = 1/3."""
    left, right = _circuit(rand, 9, torch.diag(torch.tensor([3.0, 1.0, -2.0])))
    _number(submission.copying_score(submission.Factored(left, right)), 1 / 3)


@pytest.mark.parametrize("degrees", [60, 90, 150])
def test_a_rotation(submission, rand, degrees):
    """A rotation has the eigenvalues cos(angle) +- i sin(angle): its score is cos(angle)."""
    angle = math.radians(degrees)
    rotation = torch.tensor([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    left, right = _circuit(rand, 6, 4 * rotation)
    _number(submission.copying_score(submission.Factored(left, right)), math.cos(angle))


@pytest.mark.parametrize("d_vocab, rank", [(7, 3), (12, 5), (5, 1), (30, 8), (4, 2)])
def test_random_circuits(submission, rand, d_vocab, rank):
    """On random factors the score agrees with numpy's eigenvalues of the full matrix."""
    left, right = rand.normal(d_vocab, rank), rand.normal(rank, d_vocab)
    right = right + 0.3 * left.T  # so that it is not near 0
    _number(submission.copying_score(submission.Factored(left, right)), _by_numpy(left, right), atol=1e-3)


def test_asymmetric_circuits(submission, rand):
    """A matrix that sends each token's share on to the next, and little back, has eigenvalues far below its size."""
    small = torch.tensor([[1.0, 8.0, 0.0], [0.0, -0.5, 8.0], [0.0, 0.0, 0.25]])
    left, right = _circuit(rand, 10, small)
    _number(submission.copying_score(submission.Factored(left, right)), 0.75 / 1.75, atol=1e-3)


def test_a_models_circuit(submission, rand):
    """The factors may hang on a model's parameters, which require gradients."""
    left, right = rand.normal(7, 3).requires_grad_(), rand.normal(3, 7).requires_grad_()
    expected = _by_numpy(left.detach(), right.detach())
    _number(submission.copying_score(submission.Factored(left, right)), expected, atol=1e-3)


def test_the_large_matrix_is_never_made(submission, kit, rand):
    """With 3000 tokens nothing as large as 3000 x 3000 is made: the eigenvalues are those of right @ left."""
    circuit = submission.Factored(rand.normal(3000, 4), rand.normal(4, 3000))
    too_large = kit.makes_a_tensor_above(3000 * 3000 // 4, submission.copying_score, circuit)
    assert not too_large, (
        "Your code makes the full matrix. Its eigenvalues that are not 0 are those of right @ left, which is only rank x rank."
    )


def _eigenvalues(circuit):
    return torch.linalg.eigvals(circuit.right @ circuit.left)


@mistake(
    "You make the full matrix; the eigenvalues of right @ left are the same, but for zeros, and it is only rank x rank."
)
def full_matrix(circuit):
    eigenvalues = torch.linalg.eigvals(circuit.full())
    return (eigenvalues.real.sum() / eigenvalues.abs().sum()).item()


@mistake("The factors require gradients where they come from a model: detach them before you hand them to numpy.")
def numpy_without_detach(circuit):
    eigenvalues = np.linalg.eigvals((circuit.right @ circuit.left).numpy())
    return float(eigenvalues.real.sum() / np.abs(eigenvalues).sum())


@mistake("Your score is a complex number with imaginary part 0: keep the real part of the sum.")
def complex_number(circuit):
    eigenvalues = _eigenvalues(circuit)
    return eigenvalues.sum() / eigenvalues.abs().sum()


@mistake(
    "You divide by the sum of the singular values; it is the absolute values of the eigenvalues that belong there."
)
def singular_values_below(circuit):
    return (_eigenvalues(circuit).real.sum() / torch.linalg.svdvals(circuit.right @ circuit.left).sum()).item()


@mistake("You use singular values, which are never negative, so that every circuit seems to copy. Use eigenvalues.")
def singular_values(circuit):
    singular = torch.linalg.svdvals(circuit.right @ circuit.left)
    return (singular.sum() / singular.abs().sum()).item()


@mistake("You divide by the matrix's Frobenius norm; divide by the sum of the eigenvalues' absolute values.")
def frobenius_norm_below(circuit):
    small = circuit.right @ circuit.left
    return (small.trace() / torch.linalg.matrix_norm(small)).item()


@mistake("You divide by the absolute value of the sum, which leaves only the sign; sum the absolute values.")
def absolute_value_of_the_sum(circuit):
    eigenvalues = _eigenvalues(circuit)
    return (eigenvalues.real.sum() / eigenvalues.real.sum().abs()).item()


@mistake("You throw the sign away: eigenvalues that are negative speak against copying.")
def no_sign(circuit):
    eigenvalues = _eigenvalues(circuit)
    return (eigenvalues.sum().abs() / eigenvalues.abs().sum()).item()


@mistake(
    "You take the absolute values of the real parts; a complex eigenvalue's absolute value has its imaginary part in it."
)
def absolute_real_parts(circuit):
    eigenvalues = _eigenvalues(circuit).real
    return (eigenvalues.sum() / eigenvalues.abs().sum()).item()


@mistake("You count the positive eigenvalues; they weigh by their size.")
def share_of_positive_eigenvalues(circuit):
    return (_eigenvalues(circuit).real > 0).float().mean().item()


@mistake("You average the signs of the eigenvalues; they weigh by their size.")
def mean_sign(circuit):
    return _eigenvalues(circuit).real.sign().mean().item()


@mistake(
    "You average real part over absolute value, eigenvalue by eigenvalue; divide the two sums, so that large ones weigh more."
)
def mean_of_the_ratios(circuit):
    eigenvalues = _eigenvalues(circuit)
    return (eigenvalues.real / eigenvalues.abs()).mean().item()


@mistake("This is the mean eigenvalue; divide the sum by the sum of the absolute values.")
def mean_eigenvalue(circuit):
    return _eigenvalues(circuit).real.mean().item()


@mistake("eigvalsh is for symmetric matrices only and reads half of yours; use eigvals.")
def as_if_symmetric(circuit):
    eigenvalues = torch.linalg.eigvalsh(circuit.right @ circuit.left)
    return (eigenvalues.sum() / eigenvalues.abs().sum()).item()


@mistake("You make the small matrix symmetric first, which changes its eigenvalues.")
def made_symmetric(circuit):
    small = circuit.right @ circuit.left
    eigenvalues = torch.linalg.eigvalsh((small + small.T) / 2)
    return (eigenvalues.sum() / eigenvalues.abs().sum()).item()


@mistake("You divide by the root of the sum of squares; divide by the sum of the absolute values.")
def root_of_squares_below(circuit):
    eigenvalues = _eigenvalues(circuit)
    return (eigenvalues.real.sum() / eigenvalues.abs().square().sum().sqrt()).item()


@mistake("You square the eigenvalues, which makes the real negative ones positive.")
def squares(circuit):
    eigenvalues = _eigenvalues(circuit).square()
    return (eigenvalues.real.sum() / eigenvalues.abs().sum()).item()


@mistake("You take the diagonal entries for the eigenvalues; that holds for triangular matrices only.")
def diagonal_of_the_small_matrix(circuit):
    diagonal = (circuit.right @ circuit.left).diagonal()
    return (diagonal.sum() / diagonal.abs().sum()).item()


@mistake("You take the full matrix's diagonal for its eigenvalues.")
def diagonal_of_the_full_matrix(circuit):
    diagonal = (circuit.left * circuit.right.T).sum(dim=1)
    return (diagonal.sum() / diagonal.abs().sum()).item()


@mistake("You return the sum of the eigenvalues, the trace; divide by the sum of their absolute values.")
def trace(circuit):
    return (circuit.right @ circuit.left).trace().item()
