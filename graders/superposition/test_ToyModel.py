"""Grades `ToyModel`. Oracles: one dot product at a time, in plain Python, and gradients by the chain rule, written out."""

import pytest
import torch
import torch.nn.functional as F

import solutions.superposition as ref
from dojo.grading import compare, mistake
from dojo.grading.comparison import Mismatch

AXES = "batch instance feature"


def _model(submission, load_weights, W, b):
    model = submission.ToyModel(W.shape[0], W.shape[2], W.shape[1])
    load_weights(model, {"W": W, "b": b})
    return model


def _draw(rand, n_batch, n_instances, n_features, n_hidden):
    W = 0.8 * rand.normal(n_instances, n_hidden, n_features)
    return rand.uniform(n_batch, n_instances, n_features), W, 0.5 * rand.normal(n_instances, n_features)


def _one_by_one(x, W, b):
    """x' of every batch, instance and feature, as sums of products."""
    out = torch.zeros_like(x)
    n_hidden, n_features = W.shape[1:]
    for batch, inputs in enumerate(x.tolist()):
        for instance, row in enumerate(inputs):
            w = W[instance].tolist()
            h = [sum(w[k][i] * row[i] for i in range(n_features)) for k in range(n_hidden)]
            for j in range(n_features):
                out[batch, instance, j] = max(0.0, sum(w[k][j] * h[k] for k in range(n_hidden)) + float(b[instance, j]))
    return out


@pytest.mark.parametrize("n_instances, n_features, n_hidden", [(4, 5, 3), (1, 2, 1), (3, 4, 6)])
def test_parameters(submission, n_instances, n_features, n_hidden):
    """A fresh model has W, [instance, n_hidden, n_features], drawn at random, and b, [instance, n_features], zeros."""
    model = submission.ToyModel(n_instances, n_features, n_hidden)
    own = model.state_dict()
    for name, shape in (("W", (n_instances, n_hidden, n_features)), ("b", (n_instances, n_features))):
        if name not in own:
            raise Mismatch("type", f"There is no parameter `{name}` (found: {', '.join(own) or 'none'}).")
        compare(own[name], torch.zeros(shape), what=f"the parameter `{name}`", atol=torch.inf)
    compare(own["b"], torch.zeros(n_instances, n_features), what="a fresh `b`")
    different = len(own["W"].unique())
    assert different > 0.9 * own["W"].numel(), "A fresh W holds the same numbers again and again: draw it at random."


def test_the_size_of_fresh_weights(submission):
    """A fresh W is standard normal, divided by the square root of n_features."""
    W = submission.ToyModel(40, 16, 5).state_dict()["W"]
    compare(float(W.std()), 0.25, what="the standard deviation of W with 16 features", atol=0.04)
    compare(float(W.mean()), 0.0, what="the mean of W with 16 features", atol=0.04)


def test_two_features_by_hand(submission, load_weights):
    """The example of the text: W = [[1, -1]], b = (0, 0.1); x = (0.5, 0) gives (0.5, 0), x = (0, 0.5) gives (0, 0.6)."""
    W = torch.tensor([[[1.0, -1.0]], [[0.0, 2.0]]])
    b = torch.tensor([[0.0, 0.1], [0.3, -1.0]])
    x = torch.tensor([[0.5, 0.0], [0.0, 0.5], [1.0, 0.75]])
    # the second instance has h = 2 x_1, and x' = (0.3, ReLU(4 x_1 - 1))
    expected = torch.tensor([[[0.5, 0.0], [0.3, 0.0]], [[0.0, 0.6], [0.3, 1.0]], [[0.25, 0.0], [0.3, 2.0]]])
    out = _model(submission, load_weights, W, b)(x[:, None].repeat(1, 2, 1))
    compare(out, expected, what="the output", axes=AXES)


@pytest.mark.parametrize("sizes", [(2, 4, 5, 3), (6, 3, 4, 2), (1, 2, 3, 5), (3, 1, 6, 2), (5, 3, 4, 1)])
def test_one_product_at_a_time(submission, load_weights, rand, sizes):
    """The output is ReLU(W^T W x + b), in each instance with its own W and b."""
    x, W, b = _draw(rand, *sizes)
    compare(_model(submission, load_weights, W, b)(x), _one_by_one(x, W, b), what="the output", axes=AXES)


def test_hidden_numbers_may_be_negative(submission, load_weights, rand):
    """There is no ReLU in the middle: hidden numbers below 0 count."""
    x, W, b = _draw(rand, 4, 3, 5, 2)
    W = -W.abs()  # all hidden numbers are negative, all products of two columns positive
    compare(_model(submission, load_weights, W, b)(x), _one_by_one(x, W, b), what="the output", axes=AXES)


def test_the_bias_alone(submission, load_weights, rand):
    """With W = 0 the output is ReLU(b), whatever comes in."""
    x, W, b = _draw(rand, 2, 4, 5, 3)
    expected = b.clamp(min=0).expand(2, 4, 5)
    compare(_model(submission, load_weights, 0 * W, b)(x), expected, what="the output with W = 0", axes=AXES)


def test_instances_do_not_touch(submission, load_weights, rand):
    """Another input, W and b in one instance leave the outputs of the others as they are."""
    x, W, b = _draw(rand, 2, 4, 5, 3)
    before = _model(submission, load_weights, W, b)(x)
    y, V, c = _draw(rand, 2, 4, 5, 3)
    y, V, c = (
        torch.cat([old[:, :2], new[:, 2:3], old[:, 3:]], 1)
        for old, new in ((x, y), (W[None], V[None]), (b[None], c[None]))
    )
    after = _model(submission, load_weights, V[0], c[0])(y)
    compare(before, _one_by_one(x, W, b), what="the output", axes=AXES)
    others = [0, 1, 3]
    compare(after[:, others], before[:, others], what="the output of the instances that did not change", axes=AXES)


def test_other_sizes_of_input(submission, load_weights, rand):
    """Numbers below 0 and above 1 may come in, too; the model may be called again with another batch."""
    _, W, b = _draw(rand, 1, 4, 5, 3)
    model = _model(submission, load_weights, W, b)
    for n_batch in (3, 2):
        x = 2 * rand.normal(n_batch, 4, 5)
        compare(model(x), _one_by_one(x, W, b), what="the output", axes=AXES, atol=1e-3)


def test_gradients(submission, kit, load_weights, rand):
    """Training works: both places in which W stands have their share of its gradient, and b and x have theirs."""
    x, W, b = _draw(rand, 2, 4, 5, 3)
    probe = rand.normal(2, 4, 5)
    gradients = kit.gradients_of(_model(submission, load_weights, W, b), x, probe)
    hidden = (x[:, :, None] * W).sum(-1)
    back = probe * ((hidden[..., None] * W).sum(2) + b > 0)  # what reaches the sums under the ReLU
    back_hidden = (back[:, :, None] * W).sum(-1)
    outer = hidden[..., None] * back[:, :, None] + back_hidden[..., None] * x[:, :, None]
    expected = {"W": outer.sum(0), "b": back.sum(0), "x": (back_hidden[..., None] * W).sum(2)}
    missing = [name for name, gradient in gradients.items() if gradient is None]
    assert not missing, f"No gradient reaches {' and '.join(missing)}: compute with the parameters themselves."
    for name, value in expected.items():
        compare(gradients[name], value, what=f"the gradient of {name}")


class Variant(ref.ToyModel):
    """The reference with its steps left open."""

    def hidden(self, x):
        return torch.einsum("bif,ihf->bih", x, self.W)

    def sums(self, h):
        return torch.einsum("bih,ihf->bif", h, self.W)

    def last(self, out):
        return F.relu(out + self.b)

    def forward(self, x):
        return self.last(self.sums(self.hidden(x)))


@mistake("The ReLU is missing: x' = ReLU(W^T W x + b).")
class no_relu(Variant):
    def last(self, out):
        return out + self.b


@mistake("The bias is missing: add b before the ReLU.")
class no_bias(Variant):
    def last(self, out):
        return F.relu(out)


@mistake("The bias comes after the ReLU: it belongs inside, ReLU(W^T W x + b).")
class bias_after_the_relu(Variant):
    def last(self, out):
        return F.relu(out) + self.b


@mistake("You subtract the bias: add it.")
class bias_subtracted(Variant):
    def last(self, out):
        return F.relu(out - self.b)


@mistake(
    "There is a ReLU in the middle as well. That is the model of section 5; here the hidden numbers may be negative."
)
class relu_in_the_middle(Variant):
    def hidden(self, x):
        return F.relu(super().hidden(x))


@mistake("The ReLU is in the middle and not at the end: hidden numbers may be negative, outputs may not.")
class relu_only_in_the_middle(Variant):
    def hidden(self, x):
        return F.relu(super().hidden(x))

    def last(self, out):
        return out + self.b


@mistake("That is a sigmoid at the end: take the ReLU.")
class sigmoid(Variant):
    def last(self, out):
        return torch.sigmoid(out + self.b)


@mistake("That is a GELU at the end: take the ReLU.")
class gelu(Variant):
    def last(self, out):
        return F.gelu(out + self.b)


@mistake("All instances use the first one's W: each has its own.")
class first_W_for_all(Variant):
    def hidden(self, x):
        return torch.einsum("bif,hf->bih", x, self.W[0])

    def sums(self, h):
        return torch.einsum("bih,hf->bif", h, self.W[0])


@mistake("All instances use the first one's b: each has its own.")
class first_b_for_all(Variant):
    def last(self, out):
        return F.relu(out + self.b[0])


@mistake(
    "You add the hidden numbers of all instances together. Keep the instance axis: name it in both inputs and the output."
)
class instances_summed(Variant):
    def hidden(self, x):
        h = super().hidden(x)
        return h.sum(1, keepdim=True).expand_as(h)


@mistake("You add W's instances together: an axis that is not in the einsum's output is summed over.")
class W_summed_over_instances(Variant):
    def sums(self, h):
        return torch.einsum("bih,jhf->bif", h, self.W)


@mistake("You return the hidden numbers, W x: go back to features with W^T, then add b and take the ReLU.")
class hidden_only(Variant):
    def forward(self, x):
        return self.hidden(x)


@mistake(
    "W is reshaped where it should be transposed: W^T swaps rows and columns, `reshape` and `view` cut the same numbers anew."
)
class reshaped_not_transposed(Variant):
    def sums(self, h):
        n_instances, n_hidden, n_features = self.W.shape
        return (h.transpose(0, 1) @ self.W.reshape(n_instances, n_features, n_hidden).mT).transpose(0, 1)


@mistake("The way out has weights of its own: the same W goes in and, transposed, out.")
class untied(Variant):
    def __init__(self, n_instances, n_features, n_hidden):
        super().__init__(n_instances, n_features, n_hidden)
        self.W_out = torch.ones(n_instances, n_hidden, n_features)

    def sums(self, h):
        return torch.einsum("bih,ihf->bif", h, self.W_out)


@mistake("One of the two uses of W is detached: its gradient comes from both.")
class detached_on_the_way_out(Variant):
    def sums(self, h):
        return torch.einsum("bih,ihf->bif", h, self.W.detach())


@mistake("One of the two uses of W is detached, on the way in: its gradient comes from both.")
class detached_on_the_way_in(Variant):
    def hidden(self, x):
        return torch.einsum("bif,ihf->bih", x, self.W.detach())


@mistake("The columns of W are made to have length 1 first: use W as it is.")
class unit_columns(Variant):
    def hidden(self, x):
        return torch.einsum("bif,ihf->bih", x, F.normalize(self.W, dim=1))

    def sums(self, h):
        return torch.einsum("bih,ihf->bif", h, F.normalize(self.W, dim=1))


@mistake(
    "You add the input to the output: there is no residual stream here. The features must go through the bottleneck."
)
class residual(Variant):
    def forward(self, x):
        return self.last(self.sums(self.hidden(x)) + x)


@mistake("The axes of the result are [instance, batch, feature]: swap the first two back.")
class instances_first(Variant):
    def forward(self, x):
        return super().forward(x).transpose(0, 1)
