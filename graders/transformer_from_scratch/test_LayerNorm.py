"""Grades `LayerNorm`. The independent oracle is torch.nn.functional.layer_norm; one case is worked by hand."""

import pytest
import torch
import torch.nn.functional as F

import solutions.transformer_from_scratch as ref
from dojo.grading import compare, mistake


def uneven(rand, *shape):
    """Vectors that differ in mean and in spread, along every axis."""
    return rand.normal(*shape) * (0.3 + 2 * rand.uniform(*shape[:-1], 1)) + 3 * rand.normal(*shape[:-1], 1)


def test_keeps_the_shape(submission, rand):
    """LayerNorm returns as many numbers as it was given: [batch, pos, d_model]."""
    y = submission.LayerNorm(7)(uneven(rand, 2, 5, 7))
    compare(y, torch.zeros(2, 5, 7), what="the result", axes="batch pos d_model", atol=torch.inf)


def test_a_vector_worked_by_hand(submission, load_weights):
    """With eps 4, weight [1, 3, 6, 2] and bias [0, 1, 0.5, 10], [0, 2, 4, 6] becomes [-1, 0, 2.5, 12]."""
    layer = submission.LayerNorm(4, eps=4.0)
    load_weights(layer, {"weight": torch.tensor([1.0, 3.0, 6.0, 2.0]), "bias": torch.tensor([0.0, 1.0, 0.5, 10.0])})
    y = layer(torch.tensor([[[0.0, 2.0, 4.0, 6.0]], [[6.0, 2.0, 4.0, 0.0]]]))
    expected = torch.tensor([[[-1.0, 0.0, 2.5, 12.0]], [[1.0, 0.0, 2.5, 8.0]]])
    compare(y, expected, what="the normalised vector", axes="batch pos d_model")


def test_a_new_layer_only_normalises(submission, rand):
    """A new layer has weight 1 and bias 0: each vector comes out with mean 0 and variance 1."""
    x = uneven(rand, 3, 4, 6)
    compare(submission.LayerNorm(6)(x), F.layer_norm(x, [6]), what="a new layer's result", axes="batch pos d_model")


@pytest.mark.parametrize("eps", [1e-5, 0.2, 1.5])
def test_agrees_with_torch(submission, load_weights, rand, eps):
    """The result is that of torch.nn.LayerNorm, whatever weight, bias and eps are."""
    x, weight, bias = uneven(rand, 3, 4, 9), rand.normal(9), rand.normal(9)
    layer = submission.LayerNorm(9, eps)
    load_weights(layer, {"weight": weight, "bias": bias})
    compare(layer(x), F.layer_norm(x, [9], weight, bias, eps), what="the result", axes="batch pos d_model")


def test_small_vectors_feel_eps(submission, load_weights, rand):
    """Where the variance is as small as eps, eps counts; it stands inside the square root."""
    x, weight, bias = 0.005 * uneven(rand, 2, 5, 8), 1 + rand.uniform(8), rand.normal(8)
    layer = submission.LayerNorm(8, 4e-5)
    load_weights(layer, {"weight": weight, "bias": bias})
    compare(layer(x), F.layer_norm(x, [8], weight, bias, 4e-5), what="the result for small vectors")


def test_a_constant_vector_gives_the_bias(submission, load_weights, rand):
    """A vector of equal numbers has variance 0: eps keeps the division harmless and the bias is what is left."""
    bias = rand.normal(5)
    layer = submission.LayerNorm(5)
    load_weights(layer, {"weight": 1 + rand.uniform(5), "bias": bias})
    x = torch.tensor([2.0, 0.0, -0.5])[:, None].repeat(2, 1, 5)
    compare(layer(x), bias.expand(2, 3, 5), what="the result for constant vectors")


@pytest.mark.parametrize("leading", [(), (4,), (2, 3, 5)])
def test_any_leading_axes(submission, load_weights, rand, leading):
    """Only the last axis is normalised, however many axes stand before it."""
    x, weight, bias = uneven(rand, *leading, 6), rand.normal(6), rand.normal(6)
    layer = submission.LayerNorm(6)
    load_weights(layer, {"weight": weight, "bias": bias})
    compare(layer(x), F.layer_norm(x, [6], weight, bias), what=f"the result for {len(leading)} leading axes")


def test_gradients_flow(submission, kit, load_weights, rand):
    """Training works: gradients reach the weight, the bias and, through mean and variance, the input."""
    x, weight, bias, probe = uneven(rand, 2, 4, 5), rand.normal(5), rand.normal(5), rand.normal(2, 4, 5)
    layer = submission.LayerNorm(5)
    load_weights(layer, {"weight": weight, "bias": bias})
    to_input, to_parameters = kit.gradients(layer, probe, x)
    x.requires_grad_()
    (F.layer_norm(x, [5], weight, bias) * probe).sum().backward()
    missing = [name for name, gradient in to_parameters.items() if gradient is None]
    assert not missing, f"No gradient reaches {' and '.join(missing)}: compute with the parameters themselves."
    compare(to_input, x.grad, what="the gradient with respect to the input")


def test_the_hook_points_are_used(submission, kit, rand):
    """Each hook point that the layer has is called, once in a run."""
    calls = kit.times_called(submission.LayerNorm(7), rand.normal(2, 5, 7), ["hook_scale", "hook_normalized"])
    for name, times in calls.items():
        assert times == 1, f"{name} is called {times} times in one run; call it once, x = self.{name}(x)."


@mistake(
    "The result is right, but nothing passes through the hook points: send each activation through its own, x = hook(x)."
)
class hook_points_are_not_called(ref.LayerNorm):
    def forward(self, x):
        return F.layer_norm(x, x.shape[-1:], self.weight, self.bias, self.eps)


@mistake("Your variance divides by d_model - 1 (torch's default). LayerNorm divides by d_model: pass unbiased=False.")
class unbiased_variance(ref.LayerNorm):
    def forward(self, x):
        variance = x.var(dim=-1, keepdim=True)
        return (x - x.mean(-1, keepdim=True)) / (variance + self.eps).sqrt() * self.weight + self.bias


@mistake("You add eps to the standard deviation, outside the square root; it belongs to the variance, inside.")
class eps_outside_the_root(ref.LayerNorm):
    def forward(self, x):
        deviation = x.var(dim=-1, keepdim=True, unbiased=False).sqrt()
        return (x - x.mean(-1, keepdim=True)) / (deviation + self.eps) * self.weight + self.bias


@mistake(
    "You add eps to the unbiased standard deviation: eps goes inside the root, and the variance divides by d_model."
)
class unbiased_and_eps_outside(ref.LayerNorm):
    def forward(self, x):
        return (x - x.mean(-1, keepdim=True)) / (x.std(-1, keepdim=True) + self.eps) * self.weight + self.bias


@mistake("You leave eps out: a vector of equal numbers is divided by zero.")
class no_eps(ref.LayerNorm):
    def forward(self, x):
        centred = x - x.mean(-1, keepdim=True)
        return centred / centred.pow(2).mean(-1, keepdim=True).sqrt() * self.weight + self.bias


@mistake("Your eps is always 1e-5; use the eps that the layer was made with.")
class eps_is_hard_coded(ref.LayerNorm):
    def forward(self, x):
        return F.layer_norm(x, x.shape[-1:], self.weight, self.bias, 1e-5)


@mistake(
    "You take mean and variance along the axis before the last, over the positions. Each vector is normalised alone."
)
class normalises_over_positions(ref.LayerNorm):
    def forward(self, x):
        axis = max(x.ndim - 2, 0)
        centred = x - x.mean(axis, keepdim=True)
        return centred / (centred.pow(2).mean(axis, keepdim=True) + self.eps).sqrt() * self.weight + self.bias


@mistake("You take one mean and one variance for the whole tensor. Each vector along the last axis has its own.")
class one_mean_for_all(ref.LayerNorm):
    def forward(self, x):
        return (x - x.mean()) / (x.var(unbiased=False) + self.eps).sqrt() * self.weight + self.bias


@mistake("You take mean and variance over position and d_model together. Each position has its own.")
class one_mean_for_a_sequence(ref.LayerNorm):
    def forward(self, x):
        axes = (-2, -1) if x.ndim > 1 else -1
        centred = x - x.mean(axes, keepdim=True)
        return centred / (centred.pow(2).mean(axes, keepdim=True) + self.eps).sqrt() * self.weight + self.bias


@mistake("You do not subtract the mean: dividing by the root mean square alone is RMSNorm.")
class no_mean(ref.LayerNorm):
    def forward(self, x):
        return x / (x.pow(2).mean(-1, keepdim=True) + self.eps).sqrt() * self.weight + self.bias


@mistake("You subtract the mean but divide by the root mean square of x itself; take the variance of the centred x.")
class scale_of_the_uncentred(ref.LayerNorm):
    def forward(self, x):
        scale = (x.pow(2).mean(-1, keepdim=True) + self.eps).sqrt()
        return (x - x.mean(-1, keepdim=True)) / scale * self.weight + self.bias


@mistake("You divide by the variance; divide by its square root.")
class divides_by_the_variance(ref.LayerNorm):
    def forward(self, x):
        variance = x.var(dim=-1, keepdim=True, unbiased=False)
        return (x - x.mean(-1, keepdim=True)) / (variance + self.eps) * self.weight + self.bias


@mistake("You normalise, but the learned weight and bias are not applied.")
class no_weight_and_bias(ref.LayerNorm):
    def forward(self, x):
        return F.layer_norm(x, x.shape[-1:], eps=self.eps)


@mistake("The bias is missing: multiply by the weight, then add the bias.")
class no_bias(ref.LayerNorm):
    def forward(self, x):
        return F.layer_norm(x, x.shape[-1:], self.weight, eps=self.eps)


@mistake("You add the bias before you multiply by the weight; the weight comes first.")
class bias_before_weight(ref.LayerNorm):
    def forward(self, x):
        return (F.layer_norm(x, x.shape[-1:], eps=self.eps) + self.bias) * self.weight


@mistake("The learned weight is not applied.")
class no_weight(ref.LayerNorm):
    def forward(self, x):
        return F.layer_norm(x, x.shape[-1:], bias=self.bias, eps=self.eps)


@mistake("You divide by the length of the centred vector; divide by the root of the mean of its squares.")
class divides_by_the_length(ref.LayerNorm):
    def forward(self, x):
        centred = x - x.mean(-1, keepdim=True)
        return centred / (centred.norm(dim=-1, keepdim=True) + self.eps) * self.weight + self.bias


@mistake("Weight and bias are cut off from the graph and would not learn. Leave out detach, .data and no_grad.")
class parameters_detached(ref.LayerNorm):
    def forward(self, x):
        return F.layer_norm(x, x.shape[-1:], self.weight.detach(), self.bias.detach(), self.eps)


@mistake("Nothing here can learn: no gradient passes. Leave out no_grad.")
class no_grad(ref.LayerNorm):
    @torch.no_grad()
    def forward(self, x):
        return super().forward(x)


@mistake(
    "Mean and variance are detached from the graph: gradients to the input are wrong. Leave out detach and no_grad."
)
class detached_statistics(ref.LayerNorm):
    def forward(self, x):
        mean, variance = x.mean(-1, keepdim=True).detach(), x.var(-1, keepdim=True, unbiased=False).detach()
        return (x - mean) / (variance + self.eps).sqrt() * self.weight + self.bias
