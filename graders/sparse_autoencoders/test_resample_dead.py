"""Grades `resample_dead`. Each new direction must be that of some input; how often each input is drawn is counted."""

from copy import deepcopy

import pytest
import torch
import torch.nn as nn
import torch.nn.functional as F

from dojo.grading import compare, mistake

D_IN, D_SAE, N = 4, 9, 6
DEAD = torch.tensor([1, 4, 5, 8])


def mask(places, d_sae=D_SAE):
    dead = torch.zeros(d_sae, dtype=torch.bool)
    dead[places] = True
    return dead


def expect(before, x, W_dec, dead):
    """What the parameters should be after the call, which input was drawn being read off W_dec."""
    now = {name: value.clone() for name, value in before.items()}
    directions = torch.stack([(row - before["b_dec"]) / (row - before["b_dec"]).norm() for row in x])
    alive = [before["W_enc"][:, j].norm() for j in range(len(dead)) if not dead[j]]
    length = 0.2 * (sum(alive) / len(alive) if alive else 1.0)
    for j in dead.nonzero().flatten().tolist():
        v = directions[(directions @ W_dec[j]).argmax()]
        now["W_dec"][j], now["W_enc"][:, j], now["b_enc"][j] = v, length * v, 0.0
    return now


class Before:
    """What was there before the call."""

    def __init__(self, kit, run):
        self.weights, self.averages, self.idle = kit.values(run.sae), kit.averages(run), run.idle.clone()
        self.rest = kit.left_alone(run)


def resampled(submission, kit, rand, dead, steps=5):
    """The learner's run afterwards, what was there before, and the inputs."""
    run = kit.ResampledRun(rand.seed, D_IN, D_SAE, steps)
    before = Before(kit, run)
    x = 1.5 * rand.normal(N, D_IN) + 0.5
    submission.resample_dead(run, x, dead, kit.generator_of(rand.seed))
    return run, before, x


@pytest.mark.parametrize("places", [DEAD, torch.tensor([2])])
def test_the_new_weights(submission, kit, rand, places):
    """Decoder rows, encoder columns and biases of dead latents are as described; all the others stay."""
    dead = mask(places)
    run, before, x = resampled(submission, kit, rand, dead)
    now = kit.values(run.sae)
    for name, value in expect(before.weights, x, now["W_dec"], dead).items():
        compare(now[name], value, what=name, axes={"W_dec": "latent d_in", "W_enc": "d_in latent"}.get(name, ""))


def test_the_optimizer(submission, kit, rand):
    """Adam's averages are 0 for dead latents, in W_dec, W_enc and b_enc, and as they were everywhere else."""
    run, before, _ = resampled(submission, kit, rand, mask(DEAD))
    expected = before.averages
    for name, value in expected.items():
        if name.endswith(("W_dec", "b_enc")):
            value[DEAD] = 0
        elif name.endswith("W_enc"):
            value[:, DEAD] = 0
    now = kit.averages(run)
    compare(sorted(now), sorted(expected), what="the list of averages that Adam has")
    for name, value in expected.items():
        compare(now[name], value, what=f"`{name}`", atol=1e-7, rtol=1e-4)


def test_idle(submission, kit, rand):
    """The idle counts of dead latents are 0, those of the others as before, and the run stands at the same step."""
    run, before, _ = resampled(submission, kit, rand, mask(DEAD))
    before.idle[DEAD] = 0
    compare(run.idle, before.idle, what="state.idle", axes="latent")
    compare(run.step, 5, what="state.step")


def test_in_place(submission, kit, rand):
    """The parameters are the same objects as before, and the optimizer still trains them."""
    run, _, _ = resampled(submission, kit, rand, mask(DEAD))
    compare(kit.replaced_parameters(run), [], what="the list of parameters that are not the run's any more")


def test_nothing_else(submission, kit, rand):
    """Adam's count of steps, the gradients and the mode of the autoencoder stay as they were."""
    run, before, _ = resampled(submission, kit, rand, mask(DEAD))
    now = kit.left_alone(run)
    for name, value in before.rest.items():
        assert now[name] is not None or value is None, f"{name} is None, and was a tensor: nothing else may change."
        compare(now[name], value, what=f"{name} (which stays as it was)")


def test_nobody_dead(submission, kit, rand):
    """Where no latent is dead, nothing changes."""
    run, before, _ = resampled(submission, kit, rand, mask([]))
    weights, averages = kit.values(run.sae), kit.averages(run)
    for name, value in before.weights.items():
        compare(weights[name], value, what=name)
    for name, value in before.averages.items():
        compare(averages[name], value, what=f"`{name}`", atol=1e-7)
    compare(run.idle, before.idle, what="state.idle", axes="latent")


def test_all_dead(submission, kit, rand):
    """Where all latents are dead, encoder columns get length 0.2."""
    dead = torch.ones(D_SAE, dtype=torch.bool)
    run, before, x = resampled(submission, kit, rand, dead)
    now = kit.values(run.sae)
    for name, value in expect(before.weights, x, now["W_dec"], dead).items():
        compare(now[name], value, what=name)


def test_a_fresh_optimizer(submission, kit, rand):
    """Before the optimizer's first step there are no averages, and none are needed."""
    dead = mask(DEAD)
    run, before, x = resampled(submission, kit, rand, dead, steps=0)
    now = kit.values(run.sae)["W_dec"]
    compare(now, expect(before.weights, x, now, dead)["W_dec"], what="W_dec", axes="latent d_in")


def many(kit, seed):
    """A run with 1500 dead latents, and 4 that live."""
    return kit.silence(kit.ResampledRun(seed, 3, 1504, 0, 0.3), torch.arange(4, 1504))


def test_which_inputs_are_drawn(submission, kit, rand):
    """An input is drawn in proportion to its squared loss, again and again: 1500 latents, five inputs."""
    dead, run = mask(torch.arange(4, 1504), 1504), many(kit, rand.seed)
    w = kit.values(run.sae)
    x = F.normalize(rand.normal(5, 3), dim=-1) * torch.tensor([[1.0], [2.0], [2.5], [3.0], [3.5]])
    submission.resample_dead(run, x, dead, kit.generator_of(rand.seed))
    f = F.relu((x - w["b_dec"]) @ w["W_enc"] + w["b_enc"]) * w["activation.scale"]
    losses = (x - f @ w["W_dec"] - w["b_dec"]).pow(2).sum(dim=-1)
    directions = F.normalize(x - w["b_dec"], dim=-1)
    nearest = (F.normalize(kit.values(run.sae)["W_dec"][dead], dim=-1) @ directions.T).argmax(dim=1)
    counts = torch.bincount(nearest, minlength=5) / 1500
    what = "the fraction of latents that got each input"
    compare(counts, losses**2 / (losses**2).sum(), what=what, axes="input", atol=0.07, rtol=0)


def test_the_generator(submission, kit, rand):
    """The same generator draws the same inputs; another one draws others."""
    dead, x = mask(torch.arange(4, 1504), 1504), rand.normal(5, 3)
    found = []
    for seed in (1, 1, 2):
        run = many(kit, rand.seed)
        submission.resample_dead(run, x, dead, kit.generator_of(seed))
        found.append(kit.values(run.sae)["W_dec"])
    compare(found[1], found[0], what="W_dec from a generator of the same seed", axes="latent d_in")
    compare(torch.equal(found[2], found[0]), False, what="whether another seed gives the same W_dec")


@torch.no_grad()
def _resample(
    state,
    x,
    dead,
    generator=None,
    chance=lambda errors: errors.pow(2).sum(dim=-1).pow(2),
    drawn=None,
    direction=lambda x, b_dec: F.normalize(x - b_dec, dim=-1),
    length=None,
    bias=0.0,
    averages=("exp_avg", "exp_avg_sq"),
    parts=("W_dec", "W_enc", "b_enc"),
    cleared=None,
    idle=True,
):
    """The reference with its parts left open."""
    sae = state.sae
    if not dead.any():
        return
    n = int(dead.sum())
    weights = chance(x - sae(x))
    places = torch.multinomial(weights, n, True, generator=generator) if drawn is None else drawn(weights, n, generator)
    directions = direction(x[places], sae.b_dec)
    alive = sae.W_enc[:, ~dead].norm(dim=0)
    scale = 0.2 * (alive.mean() if len(alive) else 1.0) if length is None else length(sae, dead, alive)
    sae.W_dec[dead] = directions
    sae.W_enc[:, dead] = scale * directions.T
    if bias is not None:
        sae.b_enc[dead] = bias
    for name in parts:
        place = (slice(None), dead) if name == "W_enc" else dead
        for average in averages:
            kept = state.optimizer.state[getattr(sae, name)]
            if average in kept:
                kept[average][place if cleared is None else cleared(place)] = 0
    if idle:
        state.idle[dead] = 0


# Those that are wrong in fewer places come first.


@mistake("Where all latents are dead there is no column to take the mean of, and yours is nan: the length is then 0.2.")
def nan_when_all_are_dead(state, x, dead, generator=None):
    _resample(state, x, dead, generator, length=lambda sae, dead, alive: 0.2 * alive.mean())


@mistake("A fresh optimizer has no averages yet: look whether `exp_avg` is there before you set it to 0.")
def key_error(state, x, dead, generator=None):
    if dead.any():
        for parameter in (state.sae.W_dec, state.sae.W_enc, state.sae.b_enc):
            state.optimizer.state[parameter]["exp_avg"]
    _resample(state, x, dead, generator)


@mistake("With no latent dead there is nothing to draw, and your code raises: return at once.")
def raises_when_none_is_dead(state, x, dead, generator=None):
    if not dead.any():
        torch.multinomial(torch.ones(len(x)), 0, replacement=True)
    _resample(state, x, dead, generator)


@mistake("Inputs are drawn without replacement: two latents may start at the same input, and inputs must not run out.")
def without_replacement(state, x, dead, generator=None):
    def drawn(weights, n, generator):
        return torch.multinomial(weights, n, generator=generator)

    _resample(state, x, dead, generator, drawn=drawn)


@mistake("The chance of an input is proportional to its loss: it should be to the square of the loss.")
def by_loss(state, x, dead, generator=None):
    _resample(state, x, dead, generator, chance=lambda errors: errors.pow(2).sum(dim=-1))


@mistake(
    "The chance of an input is proportional to the length of its error: square it once for the loss, once more for this."
)
def by_length(state, x, dead, generator=None):
    _resample(state, x, dead, generator, chance=lambda errors: errors.norm(dim=-1))


@mistake("All inputs are as likely: dead latents should go where the autoencoder is bad.")
def any_input(state, x, dead, generator=None):
    _resample(state, x, dead, generator, chance=lambda errors: torch.ones(len(errors)))


@mistake("The chance of an input comes from a softmax over losses: it is proportional to the squared loss.")
def softmax_of_losses(state, x, dead, generator=None):
    _resample(state, x, dead, generator, chance=lambda errors: errors.pow(2).sum(dim=-1).softmax(dim=0))


@mistake("The worst inputs are taken, and none is drawn: that is always the same few, outliers perhaps.")
def the_worst(state, x, dead, generator=None):
    def drawn(weights, n, generator):
        return weights.argsort(descending=True).repeat(n // len(weights) + 1)[:n]

    _resample(state, x, dead, generator, drawn=drawn)


@mistake("One input is drawn for all dead latents: they would all become the same latent. Draw one for each.")
def one_for_all(state, x, dead, generator=None):
    def drawn(weights, n, generator):
        return torch.multinomial(weights, 1, generator=generator).expand(n)

    _resample(state, x, dead, generator, drawn=drawn)


@mistake("The generator is ignored: hand it to torch.multinomial.")
def generator_ignored(state, x, dead, generator=None):
    _resample(state, x, dead)


@mistake("b_dec is not subtracted: the direction is that of x - b_dec, which is what the encoder sees.")
def b_dec_forgotten(state, x, dead, generator=None):
    _resample(state, x, dead, generator, direction=lambda x, b_dec: F.normalize(x, dim=-1))


@mistake("The direction is that of the error x - x_hat: it should be the input's, x - b_dec.")
def direction_of_the_error(state, x, dead, generator=None):
    with torch.no_grad():
        x_hat = state.sae(x)

    def direction(taken, b_dec):
        places = torch.cdist(taken, x).argmin(dim=1)
        return F.normalize(taken - x_hat[places], dim=-1)

    _resample(state, x, dead, generator, direction=direction)


@mistake("The direction is not scaled to length 1.")
def not_normalised(state, x, dead, generator=None):
    _resample(state, x, dead, generator, direction=lambda x, b_dec: x - b_dec)


@mistake("The encoder's columns are too long: v times 0.2 times the mean length of the living ones'.")
def factor_forgotten(state, x, dead, generator=None):
    _resample(state, x, dead, generator, length=lambda sae, dead, alive: alive.mean() if len(alive) else 1.0)


@mistake("The encoder's columns have length 0.2: it is 0.2 times the mean length of the columns that live.")
def length_forgotten(state, x, dead, generator=None):
    _resample(state, x, dead, generator, length=lambda sae, dead, alive: 0.2)


@mistake(
    "The encoder's columns get length 1, as the decoder's rows: they should be much shorter, so as to disturb little."
)
def length_1(state, x, dead, generator=None):
    _resample(state, x, dead, generator, length=lambda sae, dead, alive: 1.0)


@mistake("The mean length is over all columns: leave the dead latents out.")
def mean_over_all(state, x, dead, generator=None):
    def length(sae, dead, alive):
        return 0.2 * (sae.W_enc.norm(dim=0).mean() if len(alive) else 1.0)

    _resample(state, x, dead, generator, length=length)


@mistake("You measure rows of W_enc: it is [d_in, d_sae], so a latent's weights are a column.")
def rows_of_the_encoder(state, x, dead, generator=None):
    def length(sae, dead, alive):
        return 0.2 * (sae.W_enc[:, ~dead].norm(dim=1).mean() if len(alive) else 1.0)

    _resample(state, x, dead, generator, length=length)


@mistake("b_enc stays: a bias far below 0 may be why the latent died. It becomes 0.")
def bias_stays(state, x, dead, generator=None):
    _resample(state, x, dead, generator, bias=None)


@mistake("Adam's averages stay: the next step would move the new latent where the old one was going.")
def averages_stay(state, x, dead, generator=None):
    _resample(state, x, dead, generator, averages=())


@mistake("Only exp_avg is set to 0: exp_avg_sq, the average of squares, belongs to the old latent too.")
def squares_stay(state, x, dead, generator=None):
    _resample(state, x, dead, generator, averages=("exp_avg",))


@mistake("The averages of b_enc stay: W_dec, W_enc and b_enc each have their own.")
def averages_of_the_bias_stay(state, x, dead, generator=None):
    _resample(state, x, dead, generator, parts=("W_dec", "W_enc"))


@mistake("The averages of W_enc stay: W_dec, W_enc and b_enc each have their own.")
def averages_of_the_encoder_stay(state, x, dead, generator=None):
    _resample(state, x, dead, generator, parts=("W_dec", "b_enc"))


@mistake("All averages are set to 0: only those of the dead latents; the others are in the middle of their work.")
def all_averages(state, x, dead, generator=None):
    _resample(state, x, dead, generator, cleared=lambda place: ...)


@mistake("The idle counts stay: a resampled latent would count as dead again at once.")
def idle_stays(state, x, dead, generator=None):
    _resample(state, x, dead, generator, idle=False)


@mistake("All idle counts are set to 0: only those of the resampled latents.")
def all_idle(state, x, dead, generator=None):
    _resample(state, x, dead, generator)
    if dead.any():
        state.idle.zero_()


@mistake(
    "You make new parameters: the optimizer goes on training the old ones. Write into them, under torch.no_grad()."
)
def new_parameters(state, x, dead, generator=None):
    twin = deepcopy(state)
    _resample(twin, x, dead, generator)
    _resample(state, x, mask([], len(dead)))
    for name in ("W_dec", "W_enc", "b_enc"):
        fresh = nn.Parameter(getattr(twin.sae, name).detach().clone())
        for average in ("exp_avg", "exp_avg_sq"):
            kept = state.optimizer.state[getattr(state.sae, name)]
            if average in kept:
                kept[average].copy_(twin.optimizer.state[getattr(twin.sae, name)][average])
        setattr(state.sae, name, fresh)
    state.idle = twin.idle


@mistake(
    "You set Adam's `step` to 0: only the two averages of the dead latents; `step` counts for the whole parameter."
)
def adam_starts_again(state, x, dead, generator=None):
    _resample(state, x, dead, generator)
    for kept in state.optimizer.state.values():
        if dead.any() and "step" in kept:
            kept["step"].zero_()


@mistake("You drop the gradients (zero_grad): the training loop does that itself, and nothing else may change here.")
def gradients_dropped(state, x, dead, generator=None):
    _resample(state, x, dead, generator)
    if dead.any():
        state.optimizer.zero_grad()


@mistake("You leave the autoencoder in evaluation mode: the training that follows would not notice.")
def in_evaluation(state, x, dead, generator=None):
    _resample(state, x, dead, generator)
    if dead.any():
        state.sae.eval()


@mistake("You leave out dead latents whose idle count is 0: `dead` alone says which are resampled.")
def dead_and_idle(state, x, dead, generator=None):
    _resample(state, x, dead & (state.idle > 0), generator)


@mistake("You go by state.idle: the latents to resample are those in `dead`.")
def by_idle(state, x, dead, generator=None):
    _resample(state, x, state.idle > 40, generator)
