"""Grades `aux_k_loss`. Oracle: latents ranked and added up one by one in plain loops, and the derivatives by hand."""

import pytest
import torch

import solutions.sparse_autoencoders as ref
from dojo.grading import compare, mistake


def draw(rand, n=5, d_in=3, d_sae=9, n_dead=5):
    """Alive latents are the most active ones; of an input's dead latents some are above 0 and some below."""
    dead = torch.zeros(d_sae, dtype=torch.bool)
    dead[rand.permutation(d_sae)[:n_dead]] = True
    x = 1.5 * rand.normal(n, d_in)
    return {
        "x": x,
        "x_hat": x + rand.normal(n, d_in) + 0.4,
        "pre": torch.where(dead, 0.3 + rand.normal(n, d_sae), 1.0 + 2 * rand.uniform(n, d_sae)),
        "W_dec": rand.normal(d_sae, d_in),
        "dead": dead,
    }


def by_hand(x, x_hat, pre, W_dec, dead, k_aux):
    """The loss, and its derivatives by pre and W_dec."""
    total, slopes = 0.0, {"pre": torch.zeros_like(pre), "W_dec": torch.zeros_like(W_dec)}
    which = [i for i in range(len(dead)) if dead[i]]
    if not which:
        return torch.tensor(0.0), slopes
    for b in range(len(x)):
        chosen = sorted(which, key=lambda i: float(pre[b, i]), reverse=True)[:k_aux]
        chosen = [i for i in chosen if pre[b, i] > 0]
        left = x[b] - x_hat[b]
        for i in chosen:
            left = left - pre[b, i] * W_dec[i]
        total += float(left @ left) / len(x)
        for i in chosen:
            slopes["pre"][b, i] = -2 * left @ W_dec[i] / len(x)
            slopes["W_dec"][i] += -2 * pre[b, i] * left / len(x)
    return torch.tensor(total), slopes


def call(submission, inputs, k_aux):
    return submission.aux_k_loss(*(inputs[name] for name in ("x", "x_hat", "pre", "W_dec", "dead")), k_aux)


def test_a_case_by_hand(submission):
    """Error (1, 2); latents 1, 2, 3 are dead with pre-activations 0.5, -4, 1; k_aux 1 takes latent 3: 1 - 0 and 2 - 1, loss 2."""
    out = submission.aux_k_loss(
        torch.tensor([[2.0, 2.0]]),
        torch.tensor([[1.0, 0.0]]),
        torch.tensor([[9.0, 0.5, -4.0, 1.0]]),
        torch.tensor([[1.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]),
        torch.tensor([False, True, True, True]),
        1,
    )
    compare(out, torch.tensor(2.0), what="the loss")


@pytest.mark.parametrize("k_aux", [1, 2, 3])
def test_the_value(submission, rand, k_aux):
    """The k_aux most active dead latents of each input explain its error; those below 0 add nothing."""
    inputs = draw(rand)
    compare(call(submission, inputs, k_aux), by_hand(**inputs, k_aux=k_aux)[0], what="the loss")


@pytest.mark.parametrize("n_dead, k_aux", [(5, 5), (2, 4), (1, 32), (4, 9), (9, 6)])
def test_few_and_many_dead(submission, rand, n_dead, k_aux):
    """Where fewer latents are dead than k_aux, all of them are used; all may be dead, too."""
    inputs = draw(rand, n_dead=n_dead)
    expected = by_hand(**inputs, k_aux=k_aux)[0]
    compare(call(submission, inputs, k_aux), expected, what=f"the loss with {n_dead} dead latents and k_aux {k_aux}")


def test_none_is_dead(submission, rand):
    """Where no latent is dead the loss is 0."""
    compare(call(submission, draw(rand, n_dead=0), 3), 0.0, what="the loss with no dead latents")


def test_all_below_zero(submission, rand):
    """Where no dead latent is above 0, nothing of the error is explained: the loss is its mean squared length."""
    inputs = draw(rand)
    inputs["pre"] = torch.where(inputs["dead"], -0.2 - rand.uniform(5, 9), inputs["pre"])
    expected = (inputs["x"] - inputs["x_hat"]).pow(2).sum(dim=-1).mean()
    compare(call(submission, inputs, 3), expected, what="the loss with all dead latents below 0")


def test_few_above_zero(submission, rand):
    """Of the k_aux chosen ones, those below 0 count as 0, also where fewer than k_aux are above 0."""
    inputs = draw(rand, n=4)
    order = torch.tensor([1.5, -0.3, -0.6, -1.2, -2.0])
    rows = torch.stack([order[rand.permutation(5)] * (0.5 + rand.uniform(1)) for _ in range(4)])
    inputs["pre"][:, inputs["dead"]] = rows
    compare(call(submission, inputs, 3), by_hand(**inputs, k_aux=3)[0], what="the loss")


def test_another_size(submission, rand):
    """It is a sum over d_in and a mean over the batch, whatever the sizes; each input has its own choice of latents."""
    inputs = draw(rand, n=2, d_in=8, d_sae=6, n_dead=4)
    compare(call(submission, inputs, 2), by_hand(**inputs, k_aux=2)[0], what="the loss")
    twice = inputs | {name: inputs[name].repeat(3, 1) for name in ("x", "x_hat", "pre")}
    compare(call(submission, twice, 2), by_hand(**inputs, k_aux=2)[0], what="the loss of the batch thrice")


@pytest.mark.parametrize("name", ["pre", "W_dec"])
@pytest.mark.parametrize("k_aux", [2, 7])
def test_gradients(submission, kit, rand, k_aux, name):
    """The chosen dead latents are trained, encoder and decoder; alive latents are not touched."""
    inputs = draw(rand)
    wanted = {key: inputs[key] for key in ("pre", "W_dec")}
    fixed = {key: inputs[key] for key in ("x", "x_hat", "dead")} | {"k_aux": k_aux}
    found = kit.gradients_by_input(submission.aux_k_loss, wanted, fixed)[name]
    assert found is not None, f"No gradient reaches {name}: only the error is taken as it is, not e_hat."
    compare(found, by_hand(**inputs, k_aux=k_aux)[1][name], what=f"the gradient by {name}")


def test_the_error_is_taken_as_it_is(submission, kit, rand):
    """No gradient reaches x_hat: the alive latents must not change to please the dead ones."""
    inputs = draw(rand)
    wanted = {key: inputs[key] for key in ("x_hat", "pre")}
    fixed = {key: inputs[key] for key in ("x", "W_dec", "dead")} | {"k_aux": 3}
    found = kit.gradients_by_input(submission.aux_k_loss, wanted, fixed)["x_hat"]
    found = torch.zeros_like(inputs["x_hat"]) if found is None else found
    compare(found, torch.zeros_like(inputs["x_hat"]), what="the gradient by x_hat")


# The mistakes


def chosen(pre, mask, n, relu=True):
    """[batch, d_sae]: of the latents in the mask the n largest, all others 0."""
    top = pre.masked_fill(~mask, -torch.inf).topk(min(n, int(mask.sum())), dim=-1)
    return torch.zeros_like(pre).scatter(-1, top.indices, top.values.relu() if relu else top.values)


def loss(x, x_hat, e_hat):
    return ((x - x_hat).detach() - e_hat).pow(2).sum(dim=-1).mean()


@mistake(
    "The gradient flows into x_hat: the alive latents get worse so that the dead ones have it easier. Detach the error."
)
def error_not_detached(x, x_hat, pre, W_dec, dead, k_aux):
    if not dead.any():
        return x.new_zeros(())
    return (x - x_hat - chosen(pre, dead, k_aux) @ W_dec).pow(2).sum(dim=-1).mean()


@mistake("Your dead latents get no gradient: detach the error x - x_hat, not what explains it.")
def everything_detached(x, x_hat, pre, W_dec, dead, k_aux):
    return ref.aux_k_loss(x, x_hat, pre, W_dec, dead, k_aux).detach()


@mistake("W_dec is detached: the dead latents' directions are to be trained too.")
def decoder_detached(x, x_hat, pre, W_dec, dead, k_aux):
    return ref.aux_k_loss(x, x_hat, pre, W_dec.detach(), dead, k_aux)


@mistake("pre is detached: the encoder of the dead latents is to be trained too, else they stay dead.")
def encoder_detached(x, x_hat, pre, W_dec, dead, k_aux):
    return ref.aux_k_loss(x, x_hat, pre.detach(), W_dec, dead, k_aux)


@mistake("You choose the k_aux largest among ALL latents and then keep the dead ones of them: choose among the dead.")
def mask_after_the_choice(x, x_hat, pre, W_dec, dead, k_aux):
    if not dead.any():
        return x.new_zeros(())
    every = torch.ones_like(dead)
    return loss(x, x_hat, (chosen(pre, every, k_aux) * dead) @ W_dec)


@mistake("You use the alive latents: `dead` is True for the dead ones.")
def the_alive_ones(x, x_hat, pre, W_dec, dead, k_aux):
    if not dead.any():
        return x.new_zeros(())
    return loss(x, x_hat, chosen(pre, ~dead, k_aux) @ W_dec if (~dead).any() else 0)


@mistake("You use all latents, alive ones too: only dead ones explain the error here.")
def all_latents(x, x_hat, pre, W_dec, dead, k_aux):
    if not dead.any():
        return x.new_zeros(())
    return loss(x, x_hat, chosen(pre, torch.ones_like(dead), k_aux) @ W_dec)


@mistake("You use every dead latent: only each input's k_aux largest.")
def k_aux_ignored(x, x_hat, pre, W_dec, dead, k_aux):
    return ref.aux_k_loss(x, x_hat, pre, W_dec, dead, len(dead))


@mistake("Where fewer latents are dead than k_aux you crash or pick alive ones too: take min(k_aux, number of dead).")
def crashes_with_few_dead(x, x_hat, pre, W_dec, dead, k_aux):
    if not dead.any():
        return x.new_zeros(())
    values, places = pre[:, dead].topk(k_aux, dim=-1)
    return loss(x, x_hat, (values.relu()[:, :, None] * W_dec[dead][places]).sum(1))


@mistake("Where fewer latents are dead than k_aux you give up and return 0: use all of the dead.")
def zero_with_few_dead(x, x_hat, pre, W_dec, dead, k_aux):
    if int(dead.sum()) < k_aux:
        return x.new_zeros(())
    return ref.aux_k_loss(x, x_hat, pre, W_dec, dead, k_aux)


@mistake("With no dead latent you return the whole error: there is nobody to train, the loss is 0.")
def whole_error_with_none_dead(x, x_hat, pre, W_dec, dead, k_aux):
    if not dead.any():
        return (x - x_hat).detach().pow(2).sum(dim=-1).mean()
    return ref.aux_k_loss(x, x_hat, pre, W_dec, dead, k_aux)


@mistake("The ReLU is missing: a chosen pre-activation below 0 counts as 0.")
def no_relu(x, x_hat, pre, W_dec, dead, k_aux):
    if not dead.any():
        return x.new_zeros(())
    return loss(x, x_hat, chosen(pre, dead, k_aux, relu=False) @ W_dec)


@mistake("You choose by size, |pre|: choose the largest; what is below 0 adds nothing.")
def by_size(x, x_hat, pre, W_dec, dead, k_aux):
    if not dead.any():
        return x.new_zeros(())
    return loss(x, x_hat, (pre.relu() * (chosen(pre.abs(), dead, k_aux) > 0)) @ W_dec)


@mistake("You choose the same latents for the whole batch: each input has its own k_aux largest.")
def one_choice_for_the_batch(x, x_hat, pre, W_dec, dead, k_aux):
    if not dead.any():
        return x.new_zeros(())
    best = chosen(pre.mean(dim=0, keepdim=True) + 100, dead, k_aux)[0] > 0
    return loss(x, x_hat, (pre.relu() * best) @ W_dec)


@mistake("You choose k_aux latents times the batch's size over the whole batch: each input has its own k_aux.")
def over_the_whole_batch(x, x_hat, pre, W_dec, dead, k_aux):
    n = min(k_aux, int(dead.sum()))
    if n == 0:
        return x.new_zeros(())
    flat = pre.masked_fill(~dead, -torch.inf).flatten()
    top = flat.topk(n * len(pre))
    return loss(x, x_hat, torch.zeros_like(flat).scatter(0, top.indices, top.values.relu()).view_as(pre) @ W_dec)


@mistake("You let the dead latents explain x: they are to explain the error x - x_hat.")
def explains_x(x, x_hat, pre, W_dec, dead, k_aux):
    return ref.aux_k_loss(x, torch.zeros_like(x_hat), pre, W_dec, dead, k_aux)


@mistake("The error has the wrong sign: e = x - x_hat is what is missing in the reconstruction.")
def sign_turned(x, x_hat, pre, W_dec, dead, k_aux):
    return ref.aux_k_loss(x_hat, x, pre, W_dec, dead, k_aux)


@mistake("You average over d_in: sum over it, average over the batch.")
def mean_over_d_in(x, x_hat, pre, W_dec, dead, k_aux):
    return ref.aux_k_loss(x, x_hat, pre, W_dec, dead, k_aux) / x.shape[-1]


@mistake("You sum over the batch: average over it.")
def sum_over_batch(x, x_hat, pre, W_dec, dead, k_aux):
    return ref.aux_k_loss(x, x_hat, pre, W_dec, dead, k_aux) * len(x)


@mistake("You divide by the size of the error: here the squared length is asked as it is.")
def relative_error(x, x_hat, pre, W_dec, dead, k_aux):
    return ref.aux_k_loss(x, x_hat, pre, W_dec, dead, k_aux) / (x - x_hat).detach().pow(2).sum(dim=-1).mean()
