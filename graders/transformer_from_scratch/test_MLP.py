"""Grades `MLP`. Oracles: values of GPT-2's gelu from its formula, and torch.nn.Linear with torch.nn.GELU("tanh")."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import solutions.transformer_from_scratch as ref
from dojo.grading import compare, mistake
from graders.transformer_from_scratch import kit as ours

AXES = "batch pos d_model"


def weights_for(rand, d_model, d_mlp):
    return {
        "W_in": 1.5 * rand.normal(d_model, d_mlp) / d_model**0.5,
        "b_in": rand.normal(d_mlp),
        "W_out": rand.normal(d_mlp, d_model) / d_mlp**0.5,
        "b_out": 1 + rand.uniform(d_model),
    }


def config(module, d_model, d_mlp):
    return module.Config(d_vocab=13, d_model=d_model, n_ctx=17, n_layers=2, n_heads=3, d_head=4, d_mlp=d_mlp)


def from_torch(weights):
    """Linear, GELU, Linear of torch.nn, with our weights (torch keeps them transposed)."""
    net = nn.Sequential(nn.Linear(*weights["W_in"].shape), nn.GELU("tanh"), nn.Linear(*weights["W_out"].shape))
    theirs = {"0.weight": weights["W_in"].T, "0.bias": weights["b_in"]}
    net.load_state_dict(theirs | {"2.weight": weights["W_out"].T, "2.bias": weights["b_out"]})
    return net


def test_shape(submission, rand):
    """The MLP returns a vector of d_model numbers at each position."""
    out = submission.MLP(config(submission, 5, 9))(rand.normal(2, 4, 5))
    compare(out, torch.zeros(2, 4, 5), what="the result", axes=AXES, atol=torch.inf)


def test_the_gelu_of_gpt2(submission, load_weights):
    """The activation is GPT-2's tanh gelu: 1 becomes 0.84119, not the 0.84134 of the exact one; 2.5 becomes 2.48492."""
    a = torch.tensor([-3.0, -2.3, -1.0, -0.5, 0.5, 1.0, 2.3, 2.5, 0.0])
    gelu = 0.5 * a * (1 + torch.tanh(math.sqrt(2 / math.pi) * (a + 0.044715 * a**3)))
    W_in = torch.zeros(8, 9)
    W_in[0] = a  # the first entry of the input feeds each neuron its number; a hundredfold shows the small differences
    mlp = submission.MLP(config(submission, 8, 9))
    zero_biases = {"b_in": torch.zeros(9), "b_out": torch.zeros(8)}
    load_weights(mlp, {"W_in": W_in, "W_out": 100 * torch.eye(9, 8)} | zero_biases)
    x = torch.zeros(2, 3, 8)
    x[:, :, 0] = 1.0
    compare(mlp(x), 100 * gelu[:8].expand(2, 3, 8), what="100 times the gelu", axes=AXES, atol=3e-3, rtol=0)


def test_zero_weights_leave_the_biases(submission, load_weights, rand):
    """With W_in = 0 each position gets gelu(b_in) W_out + b_out."""
    weights = weights_for(rand, 5, 9)
    weights["W_in"] = torch.zeros(5, 9)
    mlp = submission.MLP(config(submission, 5, 9))
    load_weights(mlp, weights)
    hidden = F.gelu(weights["b_in"], approximate="tanh")
    expected = (hidden @ weights["W_out"] + weights["b_out"]).expand(2, 4, 5)
    compare(mlp(rand.normal(2, 4, 5)), expected, what="the result with W_in = 0", axes=AXES)


@pytest.mark.parametrize("batch, n_pos, d_model, d_mlp", [(2, 4, 5, 9), (3, 5, 8, 7), (2, 1, 6, 11)])
def test_agrees_with_torch(submission, load_weights, rand, batch, n_pos, d_model, d_mlp):
    """The result is that of torch's Linear, GELU("tanh"), Linear with the same weights."""
    x, weights = 1.5 * rand.normal(batch, n_pos, d_model), weights_for(rand, d_model, d_mlp)
    mlp = submission.MLP(config(submission, d_model, d_mlp))
    load_weights(mlp, weights)
    expected = from_torch(weights)(x)
    compare(mlp(x), expected, what="the result", axes=AXES)


def test_exactly_the_tanh_gelu(submission, load_weights, rand):
    """With large W_out the two gelus differ by a tenth and more: yours is the tanh one."""
    x, weights = rand.normal(3, 6, 4), weights_for(rand, 4, 10)
    weights["W_out"] = 1000 * weights["W_out"]
    mlp = submission.MLP(config(submission, 4, 10))
    load_weights(mlp, weights)
    compare(mlp(x), from_torch(weights)(x), what="the result with W_out times 1000", axes=AXES, atol=0.02, rtol=0)


def test_positions_are_independent(submission, load_weights, rand):
    """Each position is computed on its own: the same vector gives the same result wherever it stands."""
    mlp = submission.MLP(config(submission, 5, 9))
    load_weights(mlp, weights_for(rand, 5, 9))
    x = rand.normal(2, 4, 5)
    compare(mlp(x.flip(1)), mlp(x).flip(1), what="the result for reversed positions", axes=AXES)


def test_gradients_flow(submission, kit, load_weights, reference, rand):
    """Training works: gradients reach the input and every weight and bias."""
    x, weights, probe = rand.normal(2, 4, 5), weights_for(rand, 5, 9), rand.normal(2, 4, 5)
    theirs, mine = (module.MLP(config(module, 5, 9)) for module in (submission, reference))
    load_weights(theirs, weights)
    mine.load_state_dict(weights)
    to_input, to_parameters = kit.gradients(theirs, probe, x)
    missing = [name for name, gradient in to_parameters.items() if gradient is None]
    assert not missing, f"No gradient reaches {' and '.join(missing)}: compute with the parameters themselves."
    compare(to_input, ours.gradients(mine, probe, x)[0], what="the gradient with respect to the input", axes=AXES)


def test_the_hook_points_are_used(submission, kit, rand):
    """Each hook point that the layer has is called, once in a run."""
    calls = kit.times_called(submission.MLP(config(submission, 5, 9)), rand.normal(2, 4, 5), ["hook_pre", "hook_post"])
    for name, times in calls.items():
        assert times == 1, f"{name} is called {times} times in one run; call it once, x = self.{name}(x)."


class Variant(ref.MLP):
    """The reference with another activation."""

    def act(self, a):
        return F.gelu(a, approximate="tanh")

    def forward(self, x):
        return self.act(x @ self.W_in + self.b_in) @ self.W_out + self.b_out


@mistake(
    "The result is right, but nothing passes through the hook points: send each activation through its own, x = hook(x)."
)
class hook_points_are_not_called(Variant):
    pass


@mistake('This is the exact GELU; GPT-2 uses the tanh approximation: F.gelu(..., approximate="tanh").')
class exact_gelu(Variant):
    def act(self, a):
        return F.gelu(a)


@mistake("This is the sigmoid approximation of the GELU, x sigmoid(1.702 x); GPT-2 uses the tanh one.")
class sigmoid_gelu(Variant):
    def act(self, a):
        return a * torch.sigmoid(1.702 * a)


@mistake("You use a ReLU; GPT-2 uses the tanh GELU.")
class relu(Variant):
    def act(self, a):
        return a.relu()


@mistake("You use a SiLU (swish); GPT-2 uses the tanh GELU.")
class silu(Variant):
    def act(self, a):
        return F.silu(a)


@mistake("You use a plain tanh; the tanh is only a part of GPT-2's GELU.")
class plain_tanh(Variant):
    def act(self, a):
        return a.tanh()


@mistake("In the tanh GELU, the term 0.044715 is multiplied by the cube of the input; you have another power.")
class gelu_with_a_square(Variant):
    def act(self, a):
        return 0.5 * a * (1 + torch.tanh(math.sqrt(2 / math.pi) * (a + 0.044715 * a**2)))


@mistake("In the tanh GELU, the factor sqrt(2 / pi) stands before the whole sum, a + 0.044715 a^3.")
class gelu_with_a_short_bracket(Variant):
    def act(self, a):
        return 0.5 * a * (1 + torch.tanh(math.sqrt(2 / math.pi) * a + 0.044715 * a**3))


@mistake("In the tanh GELU, the factor is sqrt(2 / pi); you left the root out.")
class gelu_without_the_root(Variant):
    def act(self, a):
        return 0.5 * a * (1 + torch.tanh(2 / math.pi * (a + 0.044715 * a**3)))


@mistake("In the tanh GELU, the factor 0.5 in front is missing.")
class gelu_without_the_half(Variant):
    def act(self, a):
        return 2 * super().act(a)


@mistake("There is no activation between the two matrices.")
class no_activation(Variant):
    def act(self, a):
        return a


@mistake("You apply the activation a second time, to the result; it stands between the two matrices only.")
class activation_on_the_result(Variant):
    def forward(self, x):
        return self.act(super().forward(x))


@mistake("The bias b_in is missing.")
class no_b_in(Variant):
    def forward(self, x):
        return self.act(x @ self.W_in) @ self.W_out + self.b_out


@mistake("The bias b_out is missing.")
class no_b_out(Variant):
    def forward(self, x):
        return self.act(x @ self.W_in + self.b_in) @ self.W_out


@mistake("Both biases are missing.")
class no_biases(Variant):
    def forward(self, x):
        return self.act(x @ self.W_in) @ self.W_out


@mistake("You add b_in after the activation; add it before.")
class b_in_after_the_activation(Variant):
    def forward(self, x):
        return (self.act(x @ self.W_in) + self.b_in) @ self.W_out + self.b_out


@mistake("You add the input to the result; the residual addition belongs to TransformerBlock.")
class adds_the_input(Variant):
    def forward(self, x):
        return x + super().forward(x)
