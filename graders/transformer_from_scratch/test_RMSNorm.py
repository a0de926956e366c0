"""RMSNorm: against numbers worked by hand, a loop in double precision, and LlamaRMSNorm of transformers."""

import pytest
import torch
import torch.nn.functional as F
from transformers.models.llama.modeling_llama import LlamaRMSNorm

import solutions.transformer_from_scratch as ref
from dojo.grading import compare, mistake
from graders.transformer_from_scratch import kit as ours


def test_a_vector_worked_by_hand(submission, load_weights):
    """The vector (3, 4, 0, 0) has root mean square 2.5; with weight (1, 2, 3, 4) it becomes (1.2, 3.2, 0, 0)."""
    norm = submission.RMSNorm(4)
    load_weights(norm, {"weight": torch.tensor([1.0, 2.0, 3.0, 4.0])})
    result = norm(torch.tensor([[[3.0, 4.0, 0.0, 0.0], [1.0, -1.0, 1.0, 1.0]]]))
    expected = torch.tensor([[[1.2, 3.2, 0.0, 0.0], [1.0, -2.0, 3.0, 4.0]]])
    compare(result, expected, what="the result", axes="batch pos d_model")


@pytest.mark.parametrize("shape", [(6,), (4, 6), (2, 3, 6), (2, 3, 4, 6)])
def test_any_number_of_leading_axes(submission, load_weights, rand, shape):
    """Each vector along the last axis is normalised on its own, whatever axes stand before it."""
    x, weight = 3 * rand.normal(*shape) + 1, rand.normal(6)
    norm = submission.RMSNorm(6)
    load_weights(norm, {"weight": weight})
    expected = torch.empty(x.shape, dtype=torch.float64)
    for vector, out in zip(x.double().reshape(-1, 6), expected.view(-1, 6), strict=True):
        rms = (sum(value**2 for value in vector.tolist()) / 6 + 1e-6) ** 0.5
        out[:] = vector / rms * weight
    compare(norm(x), expected.float(), what="the result")


@pytest.mark.parametrize("eps", [1e-6, 1e-2, 3.0])
def test_equals_llama(submission, load_weights, rand, eps):
    """The result is LlamaRMSNorm's, for small and for large eps and for vectors whose mean is not 0."""
    x, weight = rand.normal(2, 3, 5) + torch.tensor([0.5, 1.0, 1.5, 2.0, 2.5]), 1 + rand.normal(5)
    x[:, -1] /= 1000  # so small that 1e-6 is not the same as nothing
    norm = submission.RMSNorm(5, eps)
    load_weights(norm, {"weight": weight})
    llama = LlamaRMSNorm(5, eps=eps)
    llama.weight.data.copy_(weight)
    compare(norm(x), llama(x).detach(), what="the result", axes="batch pos d_model")


def test_eps_is_added_to_the_mean_of_squares(submission):
    """For tiny vectors eps decides the result: (0.001, -0.001) with eps = 1e-6 becomes (0.7071, -0.7071)."""
    norm = submission.RMSNorm(2)
    result = norm(torch.tensor([[1e-3, -1e-3], [0.0, 0.0], [2e-3, 0.0]]))
    expected = torch.tensor([[0.5**0.5, -(0.5**0.5)], [0.0, 0.0], [2 / 3**0.5, 0.0]])
    compare(result, expected, what="the result", axes="pos d_model")


def test_a_new_norm_has_weight_one(submission):
    """The weight starts as ones: a new RMSNorm gives every vector the root mean square 1."""
    result = submission.RMSNorm(4)(torch.tensor([[3.0, 4.0, 0.0, 0.0], [-2.0, 2.0, 2.0, -2.0]]))
    compare(result, torch.tensor([[1.2, 1.6, 0.0, 0.0], [-1.0, 1.0, 1.0, -1.0]]), what="the result", axes="pos d_model")


def test_gradients(submission, load_weights, kit, rand):
    """Gradients reach the input and the weight, as in LlamaRMSNorm."""
    x, weight, probe = rand.normal(2, 3, 5), 1 + rand.normal(5), rand.normal(2, 3, 5)
    norm, llama = submission.RMSNorm(5), LlamaRMSNorm(5, eps=1e-6)
    load_weights(norm, {"weight": weight})
    llama.weight.data.copy_(weight)
    to_x, to_parameters = kit.gradients(norm, probe, x)
    expected_to_x, expected = ours.gradients(llama, probe, x)
    assert to_x is not None, "No gradient reaches x: compute the result from x itself, with gradients on."
    compare(to_x, expected_to_x, what="the gradient to x", axes="batch pos d_model")
    compare(
        list(to_parameters.values()),
        list(expected.values()),
        what="the list of the parameters' gradients",
        axes="d_model",
    )


def _mean_square(x):
    return x.pow(2).mean(dim=-1, keepdim=True)


@mistake("You subtract the mean first, as LayerNorm does. RMSNorm leaves it: it only divides by the root mean square.")
class SubtractsTheMean(ref.RMSNorm):
    def forward(self, x):
        return super().forward(x - x.mean(dim=-1, keepdim=True))


@mistake(
    "You divide by the standard deviation. RMSNorm takes the mean of the squares of x itself, not of x minus its mean."
)
class DividesByTheStandardDeviation(ref.RMSNorm):
    def forward(self, x):
        return x / (x.var(dim=-1, correction=0, keepdim=True) + self.eps).sqrt() * self.weight


@mistake("You divide by the vector's length: take the MEAN of the squares, not their sum.")
class SumOfSquares(ref.RMSNorm):
    def forward(self, x):
        return x / (x.pow(2).sum(dim=-1, keepdim=True) + self.eps).sqrt() * self.weight


@mistake("You make each vector's length 1. RMSNorm makes its root mean square 1: the length becomes sqrt(d_model).")
class UnitLength(ref.RMSNorm):
    def forward(self, x):
        return F.normalize(x, dim=-1) * self.weight


@mistake("Your eps is added after the square root. It belongs inside: sqrt(mean of squares + eps).")
class EpsOutsideTheRoot(ref.RMSNorm):
    def forward(self, x):
        return x / (_mean_square(x).sqrt() + self.eps) * self.weight


@mistake("You leave eps out: a vector of zeros is then divided by 0.")
class NoEps(ref.RMSNorm):
    def forward(self, x):
        return x / _mean_square(x).sqrt() * self.weight


@mistake("Your eps is a constant: use the eps that RMSNorm was made with.")
class ConstantEps(ref.RMSNorm):
    def forward(self, x):
        return x / (_mean_square(x) + 1e-6).sqrt() * self.weight


@mistake("Your result is not multiplied by the weight.")
class NoWeight(ref.RMSNorm):
    def forward(self, x):
        return x / (_mean_square(x) + self.eps).sqrt()


@mistake("You multiply by 1 + weight. Some models store it that way (Gemma does); Llama's weight is the factor itself.")
class OnePlusWeight(ref.RMSNorm):
    def forward(self, x):
        return x / (_mean_square(x) + self.eps).sqrt() * (1 + self.weight)


@mistake("You divide by the mean of the squares: take its square root first.")
class NoRoot(ref.RMSNorm):
    def forward(self, x):
        return x / (_mean_square(x) + self.eps) * self.weight


@mistake("You multiply by the weight before you take the mean of the squares: normalise first, then multiply.")
class WeightFirst(ref.RMSNorm):
    def forward(self, x):
        x = x * self.weight
        return x / (_mean_square(x) + self.eps).sqrt()


@mistake(
    "You take one mean over the whole tensor. Each vector has its own: mean over the last axis, with keepdim=True."
)
class OneMeanForAll(ref.RMSNorm):
    def forward(self, x):
        return x / (x.pow(2).mean() + self.eps).sqrt() * self.weight


@mistake("You divide by d_model - 1 somewhere: the mean of the squares divides their sum by d_model.")
class UnbiasedMean(ref.RMSNorm):
    def forward(self, x):
        return x / (x.pow(2).sum(dim=-1, keepdim=True) / (x.shape[-1] - 1) + self.eps).sqrt() * self.weight


@mistake(
    "No gradient reaches your scale (or your weight): compute it from x itself, without .detach(), .data or no_grad()."
)
class DetachesTheScale(ref.RMSNorm):
    def forward(self, x):
        return x / (_mean_square(x).detach() + self.eps).sqrt() * self.weight
