"""Grades `JumpReLU`. Oracle: the values and pseudo-derivatives written out entry by entry, in plain Python.

Drawn pre-activations keep away from the threshold and from the window's borders: on which side a border of the window belongs
does not matter. A pre-activation exactly at its threshold is tried on its own.
"""

import math

import pytest
import torch

import solutions.sparse_autoencoders as ref
from dojo.grading import compare, mistake

AXES = "batch d_sae"


def spread(rand, *shape, theta, eps):
    """Pre-activations far below, inside the window on either side, and far above; none near an edge."""
    places = torch.tensor([-2.2, -0.8, -0.45, -0.3, -0.1, 0.05, 0.2, 0.42, 0.7, 1.6])
    place = places[rand.integers(len(places), *shape)]
    return theta + eps * (place + rand.uniform(*shape, low=-0.02, high=0.02))


def draw_theta(rand, d_sae):
    """Thresholds on both sides of 1, each its own."""
    return rand.uniform(d_sae, low=0.3, high=2.0)


def made(submission, load_weights, theta, eps):
    layer = submission.JumpReLU(len(theta), 0.4, eps)
    load_weights(layer, {"log_threshold": theta.log()})
    return layer


def by_hand(z, theta, eps, probe):
    """The values; the derivatives of sum(values * probe) by z and by log theta; l0; its derivative by log theta."""
    d_sae = z.shape[-1]
    rows, weights = z.reshape(-1, d_sae).tolist(), probe.reshape(-1, d_sae).tolist()
    values, by_z, by_log, count, count_by_log = [], [], [0.0] * d_sae, 0, [0.0] * d_sae
    for row, weight in zip(rows, weights, strict=True):
        for i, (pre, w) in enumerate(zip(row, weight, strict=True)):
            threshold = float(theta[i])
            active = pre > threshold
            inside = abs((pre - threshold) / eps) <= 0.5
            values.append(pre if active else 0.0)
            by_z.append(w if active else 0.0)
            count += active
            if inside:  # threshold * derivative by the threshold: the chain rule of exp
                by_log[i] += threshold * w * -(threshold / eps)
                count_by_log[i] += threshold * -(1 / eps) / len(rows)
    return (
        torch.tensor(values).reshape(z.shape),
        torch.tensor(by_z).reshape(z.shape),
        torch.tensor(by_log),
        torch.tensor(count / len(rows)),
        torch.tensor(count_by_log),
    )


def gradient(found, name, what):
    """A gradient that has to be there."""
    assert isinstance(found[name], torch.Tensor), (
        f"No gradient of {what} reaches {name}: let its pseudo-derivative flow."
    )
    return found[name]


def or_zero(found, like):
    """No gradient at all is a gradient of 0."""
    return torch.zeros_like(like) if found is None else found


def test_a_case_by_hand(submission, load_weights):
    """With thresholds 0.5, 1 and 2, the row [0.4, 1.2, -3] becomes [0, 1.2, 0], and [0.6, 0.9, 5] becomes [0.6, 0, 5]."""
    layer = made(submission, load_weights, torch.tensor([0.5, 1.0, 2.0]), 0.1)
    out = layer(torch.tensor([[0.4, 1.2, -3.0], [0.6, 0.9, 5.0]]))
    compare(out, torch.tensor([[0.0, 1.2, 0.0], [0.6, 0.0, 5.0]]), what="the tensor of activations", axes=AXES)


def test_counting_by_hand(submission, load_weights):
    """With thresholds 0.5, 1 and 2, these two rows have 1 and 3 active latents: l0 is 2."""
    layer = made(submission, load_weights, torch.tensor([0.5, 1.0, 2.0]), 0.1)
    compare(layer.l0(torch.tensor([[0.4, 1.2, -3.0], [0.6, 1.3, 5.0]])), torch.tensor(2.0), what="l0")


def test_at_the_threshold(submission, load_weights):
    """A latent that is exactly at its threshold, here 1, is not active: z > theta."""
    layer, z = made(submission, load_weights, torch.ones(3), 0.1), torch.tensor([[1.0, 1.5, 1.0], [1.0, 0.5, 3.0]])
    out = layer(z)
    compare(out, torch.tensor([[0.0, 1.5, 0.0], [0.0, 0.0, 3.0]]), what="the tensor of activations", axes=AXES)
    compare(layer.l0(z), torch.tensor(1.0), what="l0")


@pytest.mark.parametrize("threshold", [0.05, 0.7])
def test_a_new_layer(submission, threshold):
    """Every threshold starts at the number given, and log_threshold, its logarithm, is what is trained."""
    layer = submission.JumpReLU(5, threshold, 0.2)
    compare(layer.log_threshold, torch.full((5,), math.log(threshold)), what="log_threshold at the start")
    z = torch.tensor([0.9, 1.1, -1.5, 2.0, 0.5]) * threshold
    compare(layer(z), z * torch.tensor([0.0, 1.0, 0.0, 1.0, 0.0]), what="the tensor of a new layer's activations")


@pytest.mark.parametrize("leading", [(), (7,), (2, 5), (2, 3, 4)])
def test_values(submission, load_weights, rand, leading):
    """Each latent is passed on unchanged above its own threshold and is 0 below, for any axes before the last."""
    theta = draw_theta(rand, 6)
    z = spread(rand, *leading, 6, theta=theta, eps=0.3)
    out = made(submission, load_weights, theta, 0.3)(z)
    compare(
        out, by_hand(z, theta, 0.3, z)[0], what=f"the tensor of activations for {len(leading)} axes before the last"
    )


@pytest.mark.parametrize("leading", [(), (7,), (2, 5), (2, 3, 4)])
def test_how_many(submission, load_weights, rand, leading):
    """l0 is the number of active latents of one input, averaged over all axes but the last."""
    theta = draw_theta(rand, 6)
    z = spread(rand, *leading, 6, theta=theta, eps=0.3)
    out = made(submission, load_weights, theta, 0.3).l0(z)
    compare(out, by_hand(z, theta, 0.3, z)[3], what=f"l0 for {len(leading)} axes before the last")


@pytest.mark.parametrize("eps", [0.3, 1.6])
def test_the_gradient_by_z(submission, load_weights, kit, rand, eps):
    """By z, the value's derivative is 1 above the threshold and 0 below: nothing of the window leaks into it."""
    theta = draw_theta(rand, 6)
    z, probe = spread(rand, 4, 6, theta=theta, eps=eps), rand.normal(4, 6)
    found = kit.jump_gradients(made(submission, load_weights, theta, eps), z, probe)
    what = "the gradient of sum(activations * probe) by z"
    compare(gradient(found, "z", "the activations"), by_hand(z, theta, eps, probe)[1], what=what, axes=AXES)


@pytest.mark.parametrize("leading, eps", [((9,), 0.3), ((3, 5), 0.3), ((2, 3, 4), 1.6)])
def test_the_gradient_by_the_threshold(submission, load_weights, kit, rand, leading, eps):
    """By theta, the value's derivative is -theta / eps inside the window; theta is exp(log_threshold), so times theta."""
    theta = draw_theta(rand, 6)
    z, probe = spread(rand, *leading, 6, theta=theta, eps=eps), rand.normal(*leading, 6)
    found = kit.jump_gradients(made(submission, load_weights, theta, eps), z, probe)
    what = "the gradient of sum(activations * probe) by log_threshold"
    expected = by_hand(z, theta, eps, probe)[2]
    compare(gradient(found, "log_threshold", "the activations"), expected, what=what, axes="d_sae")


@pytest.mark.parametrize("leading, eps", [((), 0.3), ((9,), 0.3), ((3, 5), 1.6), ((2, 3, 4), 0.3)])
def test_the_gradient_of_l0(submission, load_weights, kit, rand, leading, eps):
    """By theta, each step's derivative is -1 / eps inside the window, averaged over the inputs; times theta, once more."""
    theta = draw_theta(rand, 6)
    z = spread(rand, *leading, 6, theta=theta, eps=eps)
    z = torch.cat([z[..., :5], theta[5:].expand(*leading, 1) + 0.2 * eps], dim=-1)  # one latent is always in its window
    found = kit.l0_gradients(made(submission, load_weights, theta, eps), z)
    expected = by_hand(z, theta, eps, z)[4]
    what = "the gradient of l0 by log_threshold"
    compare(gradient(found, "log_threshold", "l0"), expected, what=what, axes="d_sae")


def test_l0_does_not_push_on_z(submission, load_weights, kit, rand):
    """l0 has no gradient by z: the price moves thresholds, and does not shrink activations."""
    theta = draw_theta(rand, 6)
    z = spread(rand, 4, 6, theta=theta, eps=0.5)
    found = kit.l0_gradients(made(submission, load_weights, theta, 0.5), z)
    compare(or_zero(found["z"], z), torch.zeros(4, 6), what="the gradient of l0 by z", axes=AXES)


@pytest.mark.parametrize("eps", [0.4, 2.0])
def test_the_edges_of_the_window(submission, load_weights, kit, rand, eps):
    """The window reaches eps / 2 to either side of the threshold: at 0.47 eps a latent is inside, at 0.53 eps outside."""
    theta = draw_theta(rand, 8)
    place = torch.tensor([-0.97, -0.53, -0.47, -0.02, 0.02, 0.47, 0.53, 0.97])
    z = (theta + eps * place)[None].repeat(3, 1)
    probe = 0.5 + rand.uniform(3, 8)
    layer = made(submission, load_weights, theta, eps)
    expected = by_hand(z, theta, eps, probe)
    found = gradient(kit.jump_gradients(layer, z, probe), "log_threshold", "the activations")
    compare(found, expected[2], what="the gradient of sum(activations * probe) by log_threshold", axes="d_sae")
    found = gradient(kit.l0_gradients(layer, z), "log_threshold", "l0")
    compare(found, expected[4], what="the gradient of l0 by log_threshold", axes="d_sae")


def test_a_window_that_reaches_below_zero(submission, load_weights, kit, rand):
    """The window does not end at 0: where the threshold is less than eps / 2, negative pre-activations lie in it too."""
    theta, probe = torch.tensor([0.2, 0.3, 0.1]), 0.5 + rand.uniform(2, 3)
    z = torch.tensor([[-0.2, -0.1, -0.6], [-0.7, 0.1, -0.35]])
    layer = made(submission, load_weights, theta, 1.0)
    values, _, by_log, count, count_by_log = by_hand(z, theta, 1.0, probe)
    compare(layer(z), values, what="the tensor of activations", axes=AXES)
    compare(layer.l0(z), count, what="l0")
    found = gradient(kit.jump_gradients(layer, z, probe), "log_threshold", "the activations")
    compare(found, by_log, what="the gradient of sum(activations * probe) by log_threshold", axes="d_sae")
    found = gradient(kit.l0_gradients(layer, z), "log_threshold", "l0")
    compare(found, count_by_log, what="the gradient of l0 by log_threshold", axes="d_sae")


def test_the_pull_in_training(submission, load_weights, kit, rand):
    """Reconstruction and price pull at the thresholds together, also when z itself needs no gradient."""
    theta, eps, price = draw_theta(rand, 6), 0.4, 0.7
    z, target = spread(rand, 5, 6, theta=theta, eps=eps), rand.normal(5, 6)
    found = kit.jump_training_gradient(made(submission, load_weights, theta, eps), z, target, price)
    error = 2 * (by_hand(z, theta, eps, z)[0] - target) / 5
    _, _, by_log, _, count_by_log = by_hand(z, theta, eps, error)
    found = gradient({"log_threshold": found}, "log_threshold", "the loss")
    compare(found, by_log + price * count_by_log, what="the gradient of the whole loss by log_threshold", axes="d_sae")


# The mistakes: `value` and `step` are the reference's formulas with one thing changed.


class variant(ref.JumpReLU):
    """The reference, taken apart. A mistake overrides one part."""

    def active(self, z):
        return z > self.threshold

    def window(self, z):
        return (z - self.threshold).abs() <= self.bandwidth / 2

    def down(self):
        return self.threshold.detach() - self.threshold

    def height(self, z):
        return self.threshold.detach() / self.bandwidth

    def step_height(self, z):
        return 1 / self.bandwidth

    def reduce(self, step):
        return step.sum(dim=-1).mean()

    def forward(self, z):
        return z * self.active(z) + self.height(z) * self.window(z) * self.down()

    def l0(self, z):
        return self.reduce(self.active(z) + self.step_height(z) * self.window(z) * self.down())


@mistake(
    "You subtract the threshold, ReLU(z - theta): that shrinks every activation. Above theta, z is passed on as it is."
)
class soft_threshold(variant):
    def forward(self, z):
        return (z - self.threshold).relu()


@mistake(
    "The values are right, but no gradient reaches the thresholds: (z > theta) has none. Add the pseudo-derivatives."
)
class no_pseudo_derivative(variant):
    def forward(self, z):
        return z * (z > self.threshold)

    def l0(self, z):
        return self.reduce((z > self.threshold).float())


@mistake("l0 has no gradient by the thresholds: the price cannot move them. Give the step its pseudo-derivative.")
class l0_only_counts(variant):
    def l0(self, z):
        return self.reduce((self.forward(z) != 0).float())


@mistake("The activations have no gradient by the thresholds, so that nothing stops the price: give them theirs too.")
class value_has_no_pseudo_derivative(variant):
    def forward(self, z):
        return z * (z > self.threshold)


@mistake(
    "You multiply the window by z / eps; the height of the jump is theta, the value at which it happens: theta / eps."
)
class z_for_theta(variant):
    def height(self, z):
        return z.detach() / self.bandwidth


@mistake("1 / eps is missing: a narrower window must be higher, so that its area stays the same.")
class not_divided_by_eps(variant):
    def height(self, z):
        return self.threshold.detach()

    def step_height(self, z):
        return 1.0


@mistake("A latent exactly at its threshold is active in yours: it is z > theta, not z >= theta.")
class at_the_threshold(variant):
    def active(self, z):
        return z >= self.threshold


@mistake(
    "The value's pseudo-derivative lacks a factor theta. By log_threshold there are two: the jump's height, theta / eps, and one "
    "of the chain rule, theta being exp(log_threshold)."
)
class value_like_the_step(variant):
    def height(self, z):
        return 1 / self.bandwidth


@mistake("The step's pseudo-derivative has a theta too many: the step jumps by 1, so -1 / eps.")
class step_like_the_value(variant):
    def step_height(self, z):
        return self.threshold.detach() / self.bandwidth


@mistake("Your window is twice too wide: it reaches eps / 2 to either side, so that eps is its whole width.")
class window_twice_too_wide(variant):
    def window(self, z):
        return (z - self.threshold).abs() <= self.bandwidth


@mistake("Your window lies above the threshold only: latents just below it have a say too, |z - theta| <= eps / 2.")
class only_above(variant):
    def window(self, z):
        return super().window(z) & self.active(z)


@mistake("Your window lies below the threshold only: latents just above it have a say too, |z - theta| <= eps / 2.")
class only_below(variant):
    def window(self, z):
        return super().window(z) & ~self.active(z)


@mistake("Your window stops at z = 0: only the distance from the threshold counts, negative z may lie in it.")
class window_of_positive_z(variant):
    def window(self, z):
        return super().window(z) & (z > 0)


@mistake("Your window stands around 0: measure the distance from the threshold, z - theta.")
class window_around_zero(variant):
    def window(self, z):
        return z.abs() <= self.bandwidth / 2


@mistake("The sign is turned round: raising a threshold takes latents away, so both derivatives by theta are negative.")
class sign_turned(variant):
    def down(self):
        return -super().down()


@mistake(
    "The derivatives by theta go to log_threshold as they are. By the chain rule they are multiplied by theta: let the "
    "gradient flow through self.threshold (autograd then does it)."
)
class no_chain_rule(variant):
    def down(self):
        return self.log_threshold.detach() - self.log_threshold


@mistake("log_threshold is used as the threshold itself: theta is its exponential, self.threshold.")
class log_as_threshold(variant):
    threshold = property(lambda self: self.log_threshold)


@mistake("The activations' window leaks a gradient to z: z gets 1 above the threshold, 0 below, and nothing else.")
class value_leaks_to_z(variant):
    def forward(self, z):
        apart = self.threshold.detach() - self.threshold + z - z.detach()
        return z * self.active(z) + self.height(z) * self.window(z) * apart


@mistake("l0's window leaks a gradient to z: the step's pseudo-derivative goes to theta alone.")
class step_leaks_to_z(variant):
    def l0(self, z):
        apart = self.threshold.detach() - self.threshold + z - z.detach()
        return self.reduce(self.active(z) + self.step_height(z) * self.window(z) * apart)


@mistake(
    "The pseudo-derivative's term changes the value: subtract its own detached copy, so that it is 0 in the forward pass."
)
class term_shows_in_the_value(variant):
    def down(self):
        return -self.threshold


@mistake("You smooth the jump with a sigmoid. The forward pass stays exact; only the derivative is an average.")
class sigmoid_step(variant):
    def forward(self, z):
        return z * torch.sigmoid((z - self.threshold) / self.bandwidth)

    def l0(self, z):
        return self.reduce(torch.sigmoid((z - self.threshold) / self.bandwidth))


@mistake("Large negative pre-activations pass: compare z with theta, not its size.")
class size_of_z(variant):
    def active(self, z):
        return z.abs() > self.threshold


@mistake("l0 counts latents above 0: a latent is active above its own threshold.")
class counts_above_zero(variant):
    def l0(self, z):
        return self.reduce((z > 0) + self.step_height(z) * self.window(z) * self.down())


@mistake("l0 is summed over the inputs: average over all axes but the last.")
class l0_summed_over_inputs(variant):
    def reduce(self, step):
        return step.sum()


@mistake("l0 is a fraction of the latents: sum over the last axis, average over the others.")
class l0_as_a_fraction(variant):
    def reduce(self, step):
        return step.mean()


@mistake("You average l0 over the first axis and sum over the rest: only the last axis holds latents.")
class l0_averaged_over_the_first_axis(variant):
    def reduce(self, step):
        return step.sum() / len(step) if step.ndim > 1 else step.sum()


@mistake("All latents share one threshold, the mean: each has its own.")
class one_threshold(variant):
    threshold = property(lambda self: self.log_threshold.exp().mean().expand_as(self.log_threshold))
