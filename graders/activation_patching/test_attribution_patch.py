"""attribution_patch: each estimate against a derivative taken by finite differences, one place at a time."""

import pytest
import torch

import solutions.activation_patching as ref
from dojo.grading import compare, mistake
from dojo.transformer import run_with_cache, run_with_hooks
from graders.activation_patching import kit as ours
from graders.activation_patching.by_hand import run_by_hand

SIZES = {"d_vocab": 11, "d_model": 10, "n_ctx": 9, "n_layers": 3, "n_heads": 2, "d_head": 4, "d_mlp": 7}
STREAMS = ["blocks.0.hook_resid_pre", "blocks.1.hook_mlp_out", "blocks.2.hook_resid_pre"]
VECTORS = ["blocks.0.attn.hook_z", "blocks.1.attn.hook_q", "blocks.1.attn.hook_k", "blocks.2.attn.hook_v"]
PATTERNS = ["blocks.0.attn.hook_pattern", "blocks.2.attn.hook_pattern"]
AXES = {"stream": "pos", "vector": "pos head", "pattern": "head query"}
STEP = 1e-4


def _axes(site):
    return AXES["pattern" if site.endswith("pattern") else "vector" if ".attn." in site else "stream"]


def _by_differences(seed, clean_tokens, corrupted_tokens, metric, site):
    """d metric / d t where the activation is corrupted + t (clean - corrupted) in one entry of the result and corrupted
    elsewhere, at t = 0. A run holds a copy of the prompts for each entry, and for a step to either side."""
    model, runs = _runs(seed, clean_tokens, corrupted_tokens)
    change = runs[0][site] - runs[1][site]
    shape, batch = change.shape[1:-1], len(change)
    one_each = torch.eye(shape.numel(), dtype=torch.double).reshape(-1, 1, *shape, 1)
    steps = torch.cat([STEP * one_each * change, -STEP * one_each * change]).flatten(0, 1)
    logits = run_by_hand(model, corrupted_tokens.repeat(len(steps) // batch, 1), {site: lambda a: a + steps})[0]
    up, down = torch.stack([metric(part) for part in logits.split(batch)]).reshape(2, *shape)
    return ((up - down) / (2 * STEP)).float()


def _runs(seed, *tokens):
    """The model in double precision, and its activations on each of these prompts."""
    model = ours.random_transformer(seed, **SIZES).double()
    return model, [run_by_hand(model, t)[1] for t in tokens]


def _tokens(rand):
    clean = rand.integers(11, 2, 5)
    corrupted = clean.clone()
    corrupted[:, 1] = (clean[:, 1] + 1 + rand.integers(9, 2)) % 11
    corrupted[:, 3] = (clean[:, 3] + 1 + rand.integers(9, 2)) % 11
    return clean, corrupted


@pytest.mark.parametrize("sites", [STREAMS, VECTORS, PATTERNS], ids=["streams", "vectors", "patterns"])
def test_the_estimates(submission, kit, rand, sites):
    """For each site: (clean - corrupted) times the derivative in the corrupted run, summed over batch and last axis."""
    clean, corrupted = _tokens(rand)
    weights = rand.normal(2, 5, 11)
    found = submission.attribution_patch(
        kit.random_transformer(rand.seed, **SIZES), clean, corrupted, kit.uneven_metric(weights), sites
    )
    compare(sorted(found), sorted(sites), what="the list of sites in the result")
    for site in sites:
        expected = _by_differences(rand.seed, clean, corrupted, ours.uneven_metric(weights), site)
        compare(found[site], expected, what=f"the estimate for {site}", axes=_axes(site), atol=2e-3, rtol=2e-3)


def test_many_sites_at_once(submission, kit, rand):
    """All sites together give what each gives alone, and the order in which they are named does not matter."""
    clean, corrupted = _tokens(rand)
    correct, wrong = rand.integers(5, 2), 5 + rand.integers(6, 2)
    sites = [*PATTERNS, *reversed(STREAMS), VECTORS[0]]
    found = submission.attribution_patch(
        kit.random_transformer(rand.seed, **SIZES), clean, corrupted, kit.difference_metric(correct, wrong), sites
    )
    for site in (PATTERNS[1], STREAMS[0], VECTORS[0]):
        expected = _by_differences(rand.seed, clean, corrupted, ours.difference_metric(correct, wrong), site)
        compare(found[site], expected, what=f"the estimate for {site}", axes=_axes(site), atol=2e-3, rtol=2e-3)


def test_equal_runs(submission, kit, rand):
    """Where clean and corrupted prompts are the same, every estimate is 0."""
    tokens = rand.integers(11, 3, 6)
    found = submission.attribution_patch(
        kit.random_transformer(rand.seed, **SIZES), tokens, tokens, kit.uneven_metric(rand.normal(3, 6, 11)), STREAMS
    )
    for site in STREAMS:
        compare(found[site], torch.zeros(6), what=f"the estimate for {site}", axes="pos")


def test_two_passes(submission, kit, rand):
    """Two forward passes serve all sites."""
    clean, corrupted = _tokens(rand)
    model = kit.random_transformer(rand.seed, **SIZES)
    submission.attribution_patch(
        model, clean, corrupted, kit.uneven_metric(rand.normal(2, 5, 11)), [*STREAMS, *VECTORS]
    )
    passes = kit.passes(model)
    assert passes <= 3, (
        f"For {len(STREAMS + VECTORS)} sites the model was run {passes} times; two passes serve them all."
    )


def test_nothing_stays(submission, kit, rand):
    """Afterwards no hook is left on the model, and its parameters have no gradients."""
    clean, corrupted = _tokens(rand)
    model = kit.random_transformer(rand.seed, **SIZES)
    found = submission.attribution_patch(model, clean, corrupted, kit.uneven_metric(rand.normal(2, 5, 11)), STREAMS)
    assert not found[STREAMS[0]].requires_grad, "The estimates still hang on a graph of gradients: detach them."
    compare(kit.hooks_left(model), {}, what="the dict of hooks on the model afterwards")
    compare(kit.gradients_left(model), [], what="the list of parameters with a gradient")
    assert model.W_U.requires_grad, (
        "The model's parameters no longer require gradients: it could not be trained on. Leave them, or set them back."
    )


def test_gradients_that_were_there(submission, kit, rand):
    """Gradients that the model's parameters had before are still there afterwards."""
    clean, corrupted = _tokens(rand)
    model = kit.random_transformer(rand.seed, **SIZES)
    kit.give_gradients(model)
    submission.attribution_patch(model, clean, corrupted, kit.uneven_metric(rand.normal(2, 5, 11)), STREAMS)
    compare(kit.gradients_changed(model), [], what="the list of parameters whose gradient is another now")


def test_sites_that_can_be_gone_through_once(submission, kit, rand):
    """`sites` may be any iterable: a generator, too, gives an estimate for each."""
    clean, corrupted = _tokens(rand)
    weights = rand.normal(2, 5, 11)
    model = kit.random_transformer(rand.seed, **SIZES)
    found = kit.with_a_generator(
        submission.attribution_patch, model, clean, corrupted, kit.uneven_metric(weights), STREAMS
    )
    compare(sorted(found), sorted(STREAMS), what="the list of sites in the result")
    expected = _by_differences(rand.seed, clean, corrupted, ours.uneven_metric(weights), STREAMS[1])
    compare(found[STREAMS[1]], expected, what="the estimate", axes="pos", atol=2e-3, rtol=2e-3)


def _estimate(model, clean_tokens, corrupted_tokens, metric, sites, combine):
    """combine(clean, corrupted, gradient at the corrupted run) for each site."""
    sites = list(sites)
    clean = run_with_cache(model, clean_tokens, sites)[1]
    kept = {}

    def keep(site):
        def hook(activation, hook):
            kept[site] = activation
            return activation

        return hook

    logits = run_with_hooks(model, corrupted_tokens, [(site, keep(site)) for site in sites])
    gradients = torch.autograd.grad(metric(logits), [kept[site] for site in sites])
    return {s: combine(clean[s], kept[s].detach(), g) for s, g in zip(sites, gradients, strict=True)}


@mistake("The sign is wrong: clean minus corrupted, since clean is what would be put in.")
def corrupted_minus_clean(model, clean_tokens, corrupted_tokens, metric, sites):
    return _estimate(
        model, clean_tokens, corrupted_tokens, metric, sites, lambda c, x, g: ((x - c) * g).sum(dim=(0, -1))
    )


@mistake("That is the gradient of the clean run: the patch goes into the corrupted run, so the slope is taken there.")
def gradient_of_the_clean_run(model, clean_tokens, corrupted_tokens, metric, sites):
    return _estimate(
        model, corrupted_tokens, clean_tokens, metric, sites, lambda x, c, g: ((c - x) * g).sum(dim=(0, -1))
    )


@mistake("That is the gradient alone: multiply it by how far the patch would move the activation.")
def gradient_alone(model, clean_tokens, corrupted_tokens, metric, sites):
    return _estimate(model, clean_tokens, corrupted_tokens, metric, sites, lambda c, x, g: g.sum(dim=(0, -1)))


@mistake("That is gradient times activation: multiply by the change, clean minus corrupted.")
def gradient_times_activation(model, clean_tokens, corrupted_tokens, metric, sites):
    return _estimate(model, clean_tokens, corrupted_tokens, metric, sites, lambda c, x, g: (c * g).sum(dim=(0, -1)))


@mistake(
    "You average over the batch: sum over it. The metric is a mean over prompts, so the gradient holds the 1 / batch."
)
def mean_over_the_batch(model, clean_tokens, corrupted_tokens, metric, sites):
    return _estimate(
        model, clean_tokens, corrupted_tokens, metric, sites, lambda c, x, g: ((c - x) * g).sum(dim=-1).mean(dim=0)
    )


@mistake("You average over the last axis: sum over it, as a dot product does.")
def mean_over_the_last_axis(model, clean_tokens, corrupted_tokens, metric, sites):
    return _estimate(
        model, clean_tokens, corrupted_tokens, metric, sites, lambda c, x, g: ((c - x) * g).mean(dim=-1).sum(dim=0)
    )


@mistake("The batch axis is still there: sum over the prompts too.")
def prompt_by_prompt(model, clean_tokens, corrupted_tokens, metric, sites):
    return _estimate(model, clean_tokens, corrupted_tokens, metric, sites, lambda c, x, g: ((c - x) * g).sum(dim=-1))


@mistake("The absolute value hides whether a patch would help or harm.")
def absolute(model, clean_tokens, corrupted_tokens, metric, sites):
    return _estimate(
        model, clean_tokens, corrupted_tokens, metric, sites, lambda c, x, g: ((c - x) * g).abs().sum(dim=(0, -1))
    )


@mistake("The change and the gradient are summed before they are multiplied: multiply entry by entry, then sum.")
def sums_multiplied(model, clean_tokens, corrupted_tokens, metric, sites):
    return _estimate(
        model,
        clean_tokens,
        corrupted_tokens,
        metric,
        sites,
        lambda c, x, g: (c - x).sum(dim=(0, -1)) * g.sum(dim=(0, -1)),
    )


@mistake(
    "That is true patching of each place. Here an estimate from one gradient is asked, for the price of two passes."
)
def true_patching(model, clean_tokens, corrupted_tokens, metric, sites):
    sites = list(sites)
    clean, result = run_with_cache(model, clean_tokens, sites)[1], {}
    with torch.no_grad():
        base = metric(model(corrupted_tokens))
        for site in sites:
            places = list(torch.ones(clean[site].shape[1:-1]).nonzero().tolist())
            found = [
                metric(
                    run_with_hooks(
                        model,
                        corrupted_tokens,
                        [(site, lambda a, hook, p=(slice(None), *place), v=clean[site]: _exchange(a, p, v))],
                    )
                )
                - base
                for place in places
            ]
            result[site] = torch.stack(found).reshape(clean[site].shape[1:-1])
    return result


def _exchange(activation, place, value):
    activation = activation.clone()
    activation[place] = value[place]
    return activation


@mistake(
    "`.backward()` leaves gradients in the model's parameters: take `torch.autograd.grad` of the activations only."
)
def leaves_gradients(model, clean_tokens, corrupted_tokens, metric, sites):
    result = ref.attribution_patch(model, clean_tokens, corrupted_tokens, metric, sites)
    metric(model(corrupted_tokens)).backward()
    return result


@mistake(
    "Each site costs a forward pass of its own: keep all activations in one run, and ask for all gradients at once."
)
def a_pass_for_each_site(model, clean_tokens, corrupted_tokens, metric, sites):
    result = {}
    for site in sites:
        result |= ref.attribution_patch(model, clean_tokens, corrupted_tokens, metric, [site])
    return result


@mistake("You wipe the parameters' gradients with `zero_grad`; somebody may still need them: never touch them.")
def wipes_gradients(model, clean_tokens, corrupted_tokens, metric, sites):
    result = ref.attribution_patch(model, clean_tokens, corrupted_tokens, metric, sites)
    model.zero_grad()
    return result


@mistake("You go through `sites` twice, and a generator is empty the second time: make a list of it first.")
def goes_through_sites_twice(model, clean_tokens, corrupted_tokens, metric, sites):
    wanted = set(sites)
    return {
        s: v
        for s, v in ref.attribution_patch(model, clean_tokens, corrupted_tokens, metric, wanted).items()
        if s in sites
    }
