"""Grades `matryoshka_loss`. Oracle: a sum over prefixes, inputs and latents in plain loops, and its derivatives by hand."""

import pytest
import torch

import solutions.sparse_autoencoders as ref
from dojo.grading import compare, mistake

PREFIXES = [[2, 4, 7], [1, 3], [5], (3, 6, 7), [1, 2, 3, 4, 5, 6, 7]]


def draw(rand, n=5, d_in=3, d_sae=7):
    """f is sparse, and neither its largest entries nor the active ones stand first."""
    f = (rand.normal(n, d_sae) + 0.3).relu() * torch.linspace(0.5, 2.0, d_sae)
    return {
        "x": 1.5 * rand.normal(n, d_in),
        "f": f,
        "W_dec": rand.normal(d_sae, d_in),
        "b_dec": 0.8 * rand.normal(d_in),
    }


def by_hand(x, f, W_dec, b_dec, prefixes):
    """The loss, and its derivatives by f, W_dec and b_dec."""
    total = 0.0
    slopes = {"f": torch.zeros_like(f), "W_dec": torch.zeros_like(W_dec), "b_dec": torch.zeros_like(b_dec)}
    for m in prefixes:
        for row, latents, slope in zip(x, f, slopes["f"], strict=True):
            x_hat = b_dec.clone()
            for i in range(m):
                x_hat += latents[i] * W_dec[i]
            error = (x_hat - row) / len(x)
            total += float((x_hat - row).pow(2).sum()) / len(x)
            slopes["b_dec"] += 2 * error
            for i in range(m):
                slope[i] += 2 * error @ W_dec[i]
                slopes["W_dec"][i] += 2 * latents[i] * error
    return torch.tensor(total), slopes


def call(submission, inputs, prefixes):
    return submission.matryoshka_loss(inputs["x"], inputs["f"], inputs["W_dec"], inputs["b_dec"], prefixes)


def test_a_case_by_hand(submission):
    """x = (1, 1), f = (0.5, 2), rows (1, 0) and (0, 1), b_dec = (0, -1): errors 0.25 + 4 and 0.25 + 0, together 4.5."""
    x, f, W_dec = torch.tensor([[1.0, 1.0]]), torch.tensor([[0.5, 2.0]]), torch.eye(2)
    out = submission.matryoshka_loss(x, f, W_dec, torch.tensor([0.0, -1.0]), [1, 2])
    compare(out, torch.tensor(4.5), what="the loss")


@pytest.mark.parametrize("prefixes", PREFIXES, ids=str)
def test_the_value(submission, rand, prefixes):
    """Each prefix reconstructs x by the first m latents and b_dec; the errors add up."""
    inputs = draw(rand)
    compare(call(submission, inputs, prefixes), by_hand(**inputs, prefixes=prefixes)[0], what="the loss")


def test_another_size(submission, rand):
    """It is a sum over d_in and a mean over the batch, whatever the sizes."""
    inputs = draw(rand, n=2, d_in=8, d_sae=4)
    compare(call(submission, inputs, [1, 4]), by_hand(**inputs, prefixes=[1, 4])[0], what="the loss")
    twice = inputs | {name: inputs[name].repeat(3, 1) for name in ("x", "f")}
    compare(call(submission, twice, [1, 4]), by_hand(**inputs, prefixes=[1, 4])[0], what="the loss of the batch thrice")


def test_perfect_from_the_first_on(submission, rand):
    """Where the first two latents explain x and the others are silent, every prefix of two or more costs nothing."""
    inputs = draw(rand)
    inputs["f"][:, 2:] = 0
    inputs["x"] = inputs["f"] @ inputs["W_dec"] + inputs["b_dec"]
    compare(call(submission, inputs, [2, 3, 7]), torch.tensor(0.0), what="the loss")


def test_latents_beyond_the_last_prefix(submission, rand):
    """Latents that are in no prefix have no say."""
    inputs = draw(rand)
    changed = inputs | {"f": inputs["f"].clone()}
    changed["f"][:, 4:] += 3.0
    expected = by_hand(**inputs, prefixes=[2, 4])[0]
    compare(call(submission, changed, [2, 4]), expected, what="the loss with prefixes 2 and 4")


@pytest.mark.parametrize("name", ["f", "W_dec", "b_dec"])
@pytest.mark.parametrize("prefixes", [[2, 4, 7], [1, 5]], ids=str)
def test_gradients(submission, kit, rand, prefixes, name):
    """A latent is pulled by every prefix that it is in: early latents by all of them; b_dec by each."""
    inputs = draw(rand)
    wanted = {key: inputs[key] for key in ("f", "W_dec", "b_dec")}
    fixed = {"x": inputs["x"], "prefixes": prefixes}
    found = kit.gradients_by_input(submission.matryoshka_loss, wanted, fixed)[name]
    assert found is not None, f"No gradient reaches {name}: leave out detach, no_grad and .item()."
    compare(found, by_hand(**inputs, prefixes=prefixes)[1][name], what=f"the gradient by {name}")


# The mistakes


def error(x, x_hat):
    return (x - x_hat).pow(2).sum(dim=-1).mean()


@mistake("Only the last prefix gets a gradient: do not detach the sum of the others.")
def only_the_last_is_trained(x, f, W_dec, b_dec, prefixes):
    others = ref.matryoshka_loss(x, f, W_dec, b_dec, prefixes[:-1]).detach() if len(prefixes) > 1 else 0
    return others + ref.matryoshka_loss(x, f, W_dec, b_dec, prefixes[-1:])


@mistake("You average over the prefixes: their errors are added up.")
def mean_over_prefixes(x, f, W_dec, b_dec, prefixes):
    return ref.matryoshka_loss(x, f, W_dec, b_dec, prefixes) / len(prefixes)


@mistake("b_dec is missing: every prefix's reconstruction adds it.")
def no_bias(x, f, W_dec, b_dec, prefixes):
    return sum(error(x, f[:, :m] @ W_dec[:m] + 0 * b_dec) for m in prefixes)


@mistake("b_dec is added in the longest prefix only: every prefix has to do with it.")
def bias_in_the_last_only(x, f, W_dec, b_dec, prefixes):
    return sum(error(x, f[:, :m] @ W_dec[:m] + (b_dec if m == prefixes[-1] else 0)) for m in prefixes)


@mistake("You reconstruct by the last prefix alone: that is an ordinary loss. Add up the errors of all of them.")
def last_prefix_only(x, f, W_dec, b_dec, prefixes):
    return ref.matryoshka_loss(x, f, W_dec, b_dec, prefixes[-1:])


@mistake("You reconstruct by the shortest prefix alone (a return inside the loop?): add up the errors of all of them.")
def first_prefix_only(x, f, W_dec, b_dec, prefixes):
    return ref.matryoshka_loss(x, f, W_dec, b_dec, prefixes[:1])


@mistake("You take the latents FROM m on: a prefix is the first m.")
def suffixes(x, f, W_dec, b_dec, prefixes):
    return sum(error(x, f[:, m:] @ W_dec[m:] + b_dec) for m in prefixes)


@mistake("You take the latents between one prefix and the next: the dictionaries are nested, each starts at latent 0.")
def slices(x, f, W_dec, b_dec, prefixes):
    starts = [0, *prefixes[:-1]]
    return sum(error(x, f[:, a:b] @ W_dec[a:b] + b_dec) for a, b in zip(starts, prefixes, strict=True))


@mistake(
    "Each part explains what the parts before have left, frozen: every prefix reconstructs x, and pulls at all of its latents."
)
def earlier_parts_frozen(x, f, W_dec, b_dec, prefixes):
    total, start, x_hat = 0, 0, b_dec
    for m in prefixes:
        x_hat = x_hat + f[:, start:m] @ W_dec[start:m]
        total, start = total + error(x, x_hat), m
        x_hat = x_hat.detach()
    return total


@mistake(
    "You take each input's m most active latents: a prefix is the first m by their index, the same for all inputs."
)
def most_active(x, f, W_dec, b_dec, prefixes):
    total = 0
    for m in prefixes:
        top = f.topk(m, dim=-1)
        total = total + error(x, torch.zeros_like(f).scatter(-1, top.indices, top.values) @ W_dec + b_dec)
    return total


@mistake("You add a prefix of all latents: only those that were asked for count.")
def whole_dictionary_too(x, f, W_dec, b_dec, prefixes):
    return ref.matryoshka_loss(x, f, W_dec, b_dec, sorted({*prefixes, f.shape[1]}))


@mistake("Your prefixes are one latent short or long: the first m are [:m].")
def one_too_many(x, f, W_dec, b_dec, prefixes):
    return ref.matryoshka_loss(x, f, W_dec, b_dec, [m + 1 for m in prefixes])


@mistake("You average over d_in: sum over it, average over the batch.")
def mean_over_d_in(x, f, W_dec, b_dec, prefixes):
    return ref.matryoshka_loss(x, f, W_dec, b_dec, prefixes) / x.shape[-1]


@mistake("You sum over the batch: average over it.")
def sum_over_batch(x, f, W_dec, b_dec, prefixes):
    return ref.matryoshka_loss(x, f, W_dec, b_dec, prefixes) * len(x)


@mistake("You add the reconstructions up and compare their sum with x: each prefix has an error of its own.")
def sum_of_reconstructions(x, f, W_dec, b_dec, prefixes):
    return error(x, sum(f[:, :m] @ W_dec[:m] + b_dec for m in prefixes))


@mistake("The number is right, but no gradient flows from it: leave out .item(), detach and no_grad.")
def no_gradient(x, f, W_dec, b_dec, prefixes):
    return ref.matryoshka_loss(x, f, W_dec, b_dec, prefixes).detach()
