"""train_toy_model: short trainings of tiny models. Oracle: Adam by its formulas, on each instance alone.

What is looked at is what comes back, what on_step was given, and the weights that it saw after each step.
"""

import copy

import pytest
import torch

import solutions.superposition as ref
from dojo.grading import compare, mistake

N_INSTANCES, N_FEATURES, N_HIDDEN = 3, 4, 2


def _draw(rand, steps, n_batch=5, per_instance=False):
    """Weights, importance, and one batch a step."""
    weights = {
        "W": 0.7 * rand.normal(N_INSTANCES, N_HIDDEN, N_FEATURES),
        "b": rand.uniform(N_INSTANCES, N_FEATURES, low=0.2, high=0.6),
    }
    importance = rand.uniform(*([N_INSTANCES] if per_instance else []), N_FEATURES, low=0.3, high=2.0)
    return weights, importance, rand.uniform(steps, n_batch, N_INSTANCES, N_FEATURES)


def _loss(weights, importance, batch):
    """The loss of every instance, one at a time."""
    losses = []
    for i in range(batch.shape[1]):
        W, b, x = weights["W"][i], weights["b"][i], batch[:, i]
        wrong = (x @ W.T @ W + b).clamp(min=0) - x
        losses.append(((importance[i] if importance.ndim == 2 else importance) * wrong**2).sum() / len(x))
    return torch.stack(losses)


def _by_hand(weights, importance, batches, lr):
    """Losses before each step, and the weights after it: Adam's formulas, with the rate lr (1 - s / steps) in step s."""
    weights = {name: value.double() for name, value in weights.items()}
    first = {name: torch.zeros_like(value) for name, value in weights.items()}
    second = copy.deepcopy(first)
    losses, after = [], []
    for s, batch in enumerate(batches.double()):
        leaves = {name: value.clone().requires_grad_() for name, value in weights.items()}
        loss = _loss(leaves, importance.double(), batch)
        gradients = dict(zip(leaves, torch.autograd.grad(loss.sum(), [*leaves.values()]), strict=True))
        for name, g in gradients.items():
            first[name] = 0.9 * first[name] + 0.1 * g
            second[name] = 0.999 * second[name] + 0.001 * g**2
            step = first[name] / (1 - 0.9 ** (s + 1)) / ((second[name] / (1 - 0.999 ** (s + 1))).sqrt() + 1e-8)
            weights[name] = weights[name] - lr * (1 - s / len(batches)) * step
        losses.append(loss.detach().float())
        after.append({name: value.float() for name, value in weights.items()})
    return torch.stack(losses), after


@pytest.mark.parametrize("steps", [1, 5])
def test_what_comes_back(submission, kit, rand, steps):
    """The losses come back as float [steps, instance], without gradients."""
    weights, importance, batches = _draw(rand, steps)
    found = kit.trained(submission.train_toy_model, weights, importance, batches, steps=steps, lr=0.02)
    compare(found["losses"], torch.zeros(steps, N_INSTANCES), axes="step instance", atol=torch.inf)
    assert not found["needs_grad"], "The result still has its gradients, and so every step's graph: detach the losses."


def test_a_fresh_batch_each_step(submission, kit, rand):
    """`sample` is called once a step."""
    weights, importance, batches = _draw(rand, 6)
    found = kit.trained(submission.train_toy_model, weights, importance, batches, steps=6, lr=0.02)
    compare(found["samples"], 6, what="the number of calls of `sample` in 6 steps")


def test_on_step(submission, kit, rand):
    """on_step is called after every step, with its number, from 0, and the losses [instance] before it, detached."""
    weights, importance, batches = _draw(rand, 6)
    found = kit.trained(submission.train_toy_model, weights, importance, batches, steps=6, lr=0.05)
    compare(found["steps"], [0, 1, 2, 3, 4, 5], what="the list of step numbers that on_step was given")
    compare(found["losses"], torch.zeros(6, N_INSTANCES), axes="step instance", atol=torch.inf)
    told = list(found["losses"])
    compare(found["told"], told, what="the list of losses that on_step was given", axes="instance")
    assert not found["told_needs_grad"], "on_step is given losses that still have a gradient: detach them."
    seen = found["after"]["b"]
    assert not torch.equal(seen[0], weights["b"]), "When on_step is called for step 0, the weights have not moved yet."
    compare(seen[-1], found["weights"]["b"], what="b, as on_step sees it after the last step,")


def test_instances_do_not_touch(submission, kit, rand):
    """An instance that is trained alone ends with the same weights as one that is trained beside others."""
    weights, importance, batches = _draw(rand, 6)
    found = kit.trained(submission.train_toy_model, weights, importance, batches, steps=6, lr=0.1)
    for i in range(N_INSTANCES):
        moved = not torch.equal(found["weights"]["W"][i], weights["W"][i])
        assert moved, f"Instance {i} is not trained: its W is still what it was. Every instance's loss must count."
    alone = kit.trained(
        submission.train_toy_model,
        {name: value[1:2] for name, value in weights.items()},
        importance,
        batches[:, :, 1:2],
        steps=6,
        lr=0.1,
    )
    compare(
        alone["losses"][:, 0], found["losses"][:, 1], what="the losses of an instance alone", axes="step", atol=1e-3
    )
    compare(alone["weights"]["W"][0], found["weights"]["W"][1], what="W of an instance that was alone", atol=1e-3)


def test_the_losses_before_each_step(submission, kit, rand):
    """Row s is the loss of every instance on batch s, with the weights that step s - 1 left behind."""
    weights, importance, batches = _draw(rand, 5)
    found = kit.trained(submission.train_toy_model, weights, importance, batches, steps=5, lr=0.1)
    before = [weights] + [{name: seen[s] for name, seen in found["after"].items()} for s in range(4)]
    expected = torch.stack([_loss(w, importance, batch) for w, batch in zip(before, batches, strict=True)])
    compare(found["losses"], expected, what="the tensor of losses", axes="step instance")


@pytest.mark.parametrize("steps", [3, 8])
def test_the_learning_rate_falls(submission, kit, rand, steps):
    """In step s every weight moves by about lr (1 - s / steps), while the same batch comes again and again."""
    weights, importance, batches = _draw(rand, 1)
    weights = {name: value.double() for name, value in weights.items()}
    lr = 1e-6  # so small that the gradient hardly changes: then Adam moves every weight by its learning rate
    found = kit.trained(submission.train_toy_model, weights, importance.double(), batches.double(), steps=steps, lr=lr)
    seen = [weights["W"], *found["after"]["W"]]
    compare(len(seen), steps + 1, what="the number of calls of on_step, and one,")
    for s in range(steps):
        moved = float((seen[s + 1] - seen[s]).abs().median() / lr)
        what = f"the learning rate of step {s} of {steps}, as the weights show it, in units of lr,"
        compare(moved, 1 - s / steps, what=what, rtol=0.02, atol=0.01)


def test_defaults(submission, kit, rand):
    """Without lr, it is 0.01; without steps, they are 1500."""
    weights, importance, batches = _draw(rand, 1)
    doubles = [{name: value.double() for name, value in weights.items()}, importance.double(), batches.double()]
    found = kit.trained(submission.train_toy_model, *doubles, steps=4)
    moved = float((found["after"]["W"][0] - doubles[0]["W"]).abs().median())
    compare(moved, 0.01, what="the learning rate of step 0, as the weights show it,", rtol=0.02, atol=0)
    found = kit.trained(submission.train_toy_model, *doubles, stop_after=61, lr=1e-7)
    seen = found["after"]["W"]
    compare(len(seen), 61, what="the number of steps until on_step ended the training, in the 61st,")
    moved = float((seen[60] - seen[59]).abs().median() / 1e-7)
    what = "the learning rate of step 60, as the weights show it, in units of lr, without `steps`,"
    compare(moved, 1 - 60 / 1500, what=what, rtol=0.005, atol=0)


@pytest.mark.parametrize("per_instance", [False, True], ids=["one row", "a row an instance"])
def test_adam_on_each_instance(submission, kit, rand, per_instance):
    """Losses and weights are those of Adam's formulas, worked out for each instance."""
    weights, importance, batches = _draw(rand, 8, per_instance=per_instance)
    found = kit.trained(submission.train_toy_model, weights, importance, batches, steps=8, lr=0.1)
    losses, after = _by_hand(weights, importance, batches, 0.1)
    compare(found["losses"], losses, what="the tensor of losses", axes="step instance", atol=1e-3)
    for name, value in after[-1].items():
        compare(found["weights"][name], value, what=f"{name} after 8 steps", atol=1e-3)


def test_small_gradients(submission, kit, rand):
    """With an importance near 0 too: there Adam's eps counts, so it shows what is minimised, and with which settings."""
    weights, importance, batches = _draw(rand, 12)
    weights, importance, batches = {n: v.double() for n, v in weights.items()}, importance.double(), batches.double()
    found = kit.trained(submission.train_toy_model, weights, 1e-6 * importance, batches, steps=12, lr=0.01)
    _, after = _by_hand(weights, 1e-6 * importance, batches, 0.01)
    hint = "Minimise the sum of the losses, by Adam with torch's own settings but for the learning rate."
    compare(found["weights"]["W"].float(), after[-1]["W"], what="W after 12 steps", atol=5e-4, hint=hint)


def test_gradients_from_before_do_not_count(submission, kit, rand):
    """Gradients that somebody left behind on the parameters change nothing."""
    weights, importance, batches = _draw(rand, 4)
    found = kit.trained(submission.train_toy_model, weights, importance, batches, steps=4, lr=0.1, left=3.0)
    for name, value in _by_hand(weights, importance, batches, 0.1)[1][-1].items():
        compare(found["weights"][name], value, what=f"{name} after 4 steps", atol=1e-3)


def test_without_on_step(submission, kit, rand):
    """Without an on_step the training is the same."""
    weights, importance, batches = _draw(rand, 5)
    found = kit.trained(submission.train_toy_model, weights, importance, batches, steps=5, lr=0.1, watched=False)
    losses, after = _by_hand(weights, importance, batches, 0.1)
    compare(found["losses"], losses, what="the tensor of losses", axes="step instance", atol=1e-3)
    compare(found["weights"]["W"], after[-1]["W"], what="W after 5 steps", atol=1e-3)


def test_another_module(submission, kit, rand):
    """Any module with a toy model's input and output can be trained: x' = stretch x + shift learns to copy."""
    weights = {"stretch": rand.uniform(3, 4, low=0.5, high=1.5), "shift": rand.uniform(4, low=-0.3, high=0.3)}
    batches = rand.uniform(60, 16, 3, 4)
    found = kit.trained(
        submission.train_toy_model, weights, torch.ones(4), batches, kind="stretched", steps=60, lr=0.05
    )
    compare(found["losses"][-1], torch.zeros(3), what="the losses of the last step", axes="instance", atol=0.02)
    compare(found["weights"]["stretch"], torch.ones(3, 4), what="stretch after 60 steps", atol=0.25)


def _train(
    model,
    importance,
    sample,
    steps,
    lr,
    on_step,
    *,
    make=lambda parameters, lr: torch.optim.Adam(parameters, lr=lr),
    rate=lambda lr, s, steps: lr * (1 - s / steps),
    clear=True,
    objective=torch.sum,
    kept=lambda loss: loss.detach(),
    trained=lambda model: list(model.parameters()),
    told=lambda s, loss: (s, loss.detach()),
    after=lambda model, x, loss, importance: loss,
    early=False,
    weigh=lambda importance: importance,
    gave=torch.stack,
):
    """The reference with its steps left open."""
    optimizer = make(trained(model), lr)
    losses = []
    for s in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = rate(lr, s, steps)
        x = sample()
        loss = ref.importance_loss(x, model(x), weigh(importance))
        if clear:
            optimizer.zero_grad()
        objective(loss).backward()
        if early and on_step is not None:
            on_step(*told(s, loss))
        optimizer.step()
        loss = after(model, x, loss, importance)
        losses.append(kept(loss))
        if not early and on_step is not None:
            on_step(*told(s, loss))
    return gave(losses)


@mistake("You minimise the mean of the losses: their sum gives each instance its own gradient, however many there are.")
def mean_of_the_losses(model, importance, sample, steps=1500, lr=1e-2, on_step=None):
    return _train(model, importance, sample, steps, lr, on_step, objective=torch.mean)


@mistake("Old gradients are added to the new ones: call optimizer.zero_grad() in every step, before backward().")
def never_clears_gradients(model, importance, sample, steps=1500, lr=1e-2, on_step=None):
    return _train(model, importance, sample, steps, lr, on_step, clear=False)


@mistake("The learning rate stays the same: in step s it is lr * (1 - s / steps).")
def constant_rate(model, importance, sample, steps=1500, lr=1e-2, on_step=None):
    return _train(model, importance, sample, steps, lr, on_step, rate=lambda lr, s, steps: lr)


@mistake("The learning rate falls one step early, and is 0 in the last: in step s, from 0, it is lr * (1 - s / steps).")
def rate_one_step_early(model, importance, sample, steps=1500, lr=1e-2, on_step=None):
    return _train(model, importance, sample, steps, lr, on_step, rate=lambda lr, s, steps: lr * (1 - (s + 1) / steps))


@mistake("The learning rate reaches 0 in the last step: divide by steps, not by steps - 1.")
def rate_reaches_0(model, importance, sample, steps=1500, lr=1e-2, on_step=None):
    def rate(lr, s, steps):
        return lr * (1 - s / max(1, steps - 1))

    return _train(model, importance, sample, steps, lr, on_step, rate=rate)


@mistake("The learning rate rises: it should start at lr and fall.")
def rate_rises(model, importance, sample, steps=1500, lr=1e-2, on_step=None):
    return _train(model, importance, sample, steps, lr, on_step, rate=lambda lr, s, steps: lr * (s + 1) / steps)


@mistake("The learning rate falls along a cosine: here it falls linearly, lr * (1 - s / steps).")
def cosine(model, importance, sample, steps=1500, lr=1e-2, on_step=None):
    def rate(lr, s, steps):
        return lr * float(1 + torch.cos(torch.tensor(torch.pi * s / steps))) / 2

    return _train(model, importance, sample, steps, lr, on_step, rate=rate)


@mistake("You multiply the rate of the step before: it is lr, as it was at the start, times (1 - s / steps).")
def rate_multiplied_up(model, importance, sample, steps=1500, lr=1e-2, on_step=None):
    def rate(lr, s, steps):
        for earlier in range(s + 1):
            lr *= 1 - earlier / steps
        return lr

    return _train(model, importance, sample, steps, lr, on_step, rate=rate)


@mistake("That is AdamW, which pulls every weight towards 0: take torch.optim.Adam.")
def adamw(model, importance, sample, steps=1500, lr=1e-2, on_step=None):
    return _train(model, importance, sample, steps, lr, on_step, make=lambda p, lr: torch.optim.AdamW(p, lr=lr))


@mistake("That is SGD: take torch.optim.Adam.")
def sgd(model, importance, sample, steps=1500, lr=1e-2, on_step=None):
    return _train(model, importance, sample, steps, lr, on_step, make=lambda p, lr: torch.optim.SGD(p, lr=lr))


@mistake("You make a new optimizer in every step, so that Adam forgets its averages: make it once, before the loop.")
def new_optimizer_every_step(model, importance, sample, steps=1500, lr=1e-2, on_step=None):
    losses = []
    for s in range(steps):
        x = sample()
        loss = ref.importance_loss(x, model(x), importance)
        optimizer = torch.optim.Adam(model.parameters(), lr=lr * (1 - s / steps))
        optimizer.zero_grad()
        loss.sum().backward()
        optimizer.step()
        losses.append(loss.detach())
        if on_step is not None:
            on_step(s, losses[-1])
    return torch.stack(losses)


@mistake("One batch is drawn, and used in every step: call sample() inside the loop.")
def one_batch(model, importance, sample, steps=1500, lr=1e-2, on_step=None):
    x = sample()
    return _train(model, importance, lambda: x, steps, lr, on_step)


@mistake("You draw twice a step: the model must see the very batch that its output is compared with.")
def another_batch_as_target(model, importance, sample, steps=1500, lr=1e-2, on_step=None):
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    losses = []
    for s in range(steps):
        optimizer.param_groups[0]["lr"] = lr * (1 - s / steps)
        loss = ref.importance_loss(sample(), model(sample()), importance)
        optimizer.zero_grad()
        loss.sum().backward()
        optimizer.step()
        losses.append(loss.detach())
        if on_step is not None:
            on_step(s, losses[-1])
    return torch.stack(losses)


@mistake("Importance is left out of the loss.")
def no_importance(model, importance, sample, steps=1500, lr=1e-2, on_step=None):
    return _train(model, importance, sample, steps, lr, on_step, weigh=torch.ones_like)


@mistake("The losses are those after the step: keep the loss that you took the gradient of.")
def losses_after_the_step(model, importance, sample, steps=1500, lr=1e-2, on_step=None):
    def after(model, x, loss, importance):
        return ref.importance_loss(x, model(x), importance)

    return _train(model, importance, sample, steps, lr, on_step, after=after)


@mistake("Only the first instance is trained: minimise the sum of all losses.")
def first_instance_only(model, importance, sample, steps=1500, lr=1e-2, on_step=None):
    return _train(model, importance, sample, steps, lr, on_step, objective=lambda loss: loss[0])


@mistake("Only the last parameter is trained: give the optimizer all of them, model.parameters().")
def last_parameter_only(model, importance, sample, steps=1500, lr=1e-2, on_step=None):
    return _train(model, importance, sample, steps, lr, on_step, trained=lambda model: [*model.parameters()][-1:])


@mistake("You train a copy of the model: train the one that was passed, in place.")
def trains_a_copy(model, importance, sample, steps=1500, lr=1e-2, on_step=None):
    return _train(copy.deepcopy(model), importance, sample, steps, lr, on_step)


@mistake("There is one step too many: range(steps).")
def one_step_too_many(model, importance, sample, steps=1500, lr=1e-2, on_step=None):
    return _train(
        model, importance, sample, steps + 1, lr, on_step, rate=lambda lr, s, n: lr * max(0.0, 1 - s / (n - 1))
    )


@mistake("Steps are counted from 1: the first is 0, for on_step and for the learning rate.")
def counts_from_1(model, importance, sample, steps=1500, lr=1e-2, on_step=None):
    def rate(lr, s, steps):
        return lr * (1 - (s + 1) / steps)

    return _train(model, importance, sample, steps, lr, on_step, rate=rate, told=lambda s, loss: (s + 1, loss.detach()))


@mistake("on_step is told step numbers from 1: the first is 0.")
def tells_from_1(model, importance, sample, steps=1500, lr=1e-2, on_step=None):
    return _train(model, importance, sample, steps, lr, on_step, told=lambda s, loss: (s + 1, loss.detach()))


@mistake("on_step is called before the step: it should see the weights after it.")
def on_step_too_early(model, importance, sample, steps=1500, lr=1e-2, on_step=None):
    return _train(model, importance, sample, steps, lr, on_step, early=True)


@mistake("on_step is never called.")
def on_step_never(model, importance, sample, steps=1500, lr=1e-2, on_step=None):
    return _train(model, importance, sample, steps, lr, None)


@mistake("on_step is given one number: give it the losses of all instances, [instance].")
def tells_the_sum(model, importance, sample, steps=1500, lr=1e-2, on_step=None):
    return _train(model, importance, sample, steps, lr, on_step, told=lambda s, loss: (s, loss.detach().sum()))


@mistake("on_step is given losses that still have a gradient: detach them.")
def tells_with_gradient(model, importance, sample, steps=1500, lr=1e-2, on_step=None):
    return _train(model, importance, sample, steps, lr, on_step, told=lambda s, loss: (s, loss))


@mistake("on_step is always called, even where it is None: ask `if on_step is not None`.")
def calls_none(model, importance, sample, steps=1500, lr=1e-2, on_step=None):
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    losses = []
    for s in range(steps):
        optimizer.param_groups[0]["lr"] = lr * (1 - s / steps)
        x = sample()
        loss = ref.importance_loss(x, model(x), importance)
        optimizer.zero_grad()
        loss.sum().backward()
        optimizer.step()
        losses.append(loss.detach())
        on_step(s, losses[-1])
    return torch.stack(losses)


@mistake("You return the losses with their graphs, which keeps every step in memory: detach them.")
def losses_with_gradients(model, importance, sample, steps=1500, lr=1e-2, on_step=None):
    return _train(model, importance, sample, steps, lr, on_step, kept=lambda loss: loss)


@mistake("You return one loss a step: keep those of all instances, [steps, instance].")
def returns_the_sums(model, importance, sample, steps=1500, lr=1e-2, on_step=None):
    return _train(model, importance, sample, steps, lr, on_step, kept=lambda loss: loss.detach().sum())


@mistake("You return a list: stack the losses into a tensor [steps, instance].")
def returns_a_list(model, importance, sample, steps=1500, lr=1e-2, on_step=None):
    return _train(model, importance, sample, steps, lr, on_step, gave=list)


@mistake("The axes of the result are [instance, steps]: one row a step, [steps, instance].")
def instances_first(model, importance, sample, steps=1500, lr=1e-2, on_step=None):
    return _train(model, importance, sample, steps, lr, on_step, gave=lambda losses: torch.stack(losses, dim=1))


@mistake("Only the losses of the last step come back: return those of all steps, [steps, instance].")
def last_losses_only(model, importance, sample, steps=1500, lr=1e-2, on_step=None):
    return _train(model, importance, sample, steps, lr, on_step, gave=lambda losses: losses[-1])


@mistake("Nothing is returned: return the losses, [steps, instance].")
def returns_nothing(model, importance, sample, steps=1500, lr=1e-2, on_step=None):
    _train(model, importance, sample, steps, lr, on_step)
