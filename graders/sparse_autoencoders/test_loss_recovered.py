"""Grades `loss_recovered`. Oracle: the model's own layers, run one after another, with the activation exchanged by hand.

The text is what the model itself would write, so that spoiling an activation costs something.
"""

from functools import lru_cache

import pytest
import torch
import torch.nn.functional as F

import solutions.sparse_autoencoders as ref
from dojo.grading import compare, mistake, raises
from dojo.transformer import Transformer, run_with_cache, run_with_hooks, token_log_probs
from graders.sparse_autoencoders import kit as here

SIZES = {"d_vocab": 13, "d_model": 6, "n_ctx": 9, "n_layers": 2, "n_heads": 2, "d_head": 3, "d_mlp": 10}
BATCH, POS = 4, 8
STREAM, MLP, MID = "blocks.1.hook_resid_pre", "blocks.0.hook_mlp_out", "blocks.0.hook_resid_mid"


@torch.no_grad()
def cost(model, tokens, site, change):
    """The mean cross-entropy of the run in which the site's activation is replaced by change(it)."""

    def at(name, activation):
        return change(activation) if name == site else activation

    stream = model.W_E[tokens] + model.W_pos[: tokens.shape[1]]
    for layer, block in enumerate(model.blocks):
        stream = at(f"blocks.{layer}.hook_resid_pre", stream)
        stream = at(f"blocks.{layer}.hook_resid_mid", stream + block.attn(block.ln1(stream)))
        stream = stream + at(f"blocks.{layer}.hook_mlp_out", block.mlp(block.ln2(stream)))
    logits = model.ln_final(stream) @ model.W_U
    return F.cross_entropy(logits[:, :-1].flatten(0, 1), tokens[:, 1:].flatten()).item()


def by_hand(model, tokens, site, reconstruct, ablation):
    ablated = cost(model, tokens, site, here.nothing if ablation == "zero" else here.middle)
    clean = cost(model, tokens, site, here.same)
    return (ablated - cost(model, tokens, site, reconstruct)) / (ablated - clean)


@lru_cache(maxsize=64)
def text(seed, site=STREAM):
    """A seed near this one, our copy of its model, and text that it wrote: one to which the site matters well."""
    for candidate in range(seed, seed + 200):
        model = here.random_transformer(candidate, **SIZES)
        tokens = here.said_by(model, candidate + 1, BATCH, POS)
        clean = cost(model, tokens, site, here.same)
        if all(cost(model, tokens, site, ablate) > clean + 0.1 for ablate in (here.middle, here.nothing)):
            return candidate, model, tokens
    raise RuntimeError(f"no model to which {site} matters")


@pytest.mark.parametrize("site, ablation", [(STREAM, "mean"), (STREAM, "zero"), (MLP, "mean"), (MID, "zero")])
def test_agrees_with_the_layers_run_by_hand(submission, kit, rand, site, ablation):
    """The fraction is right at several sites, against both ablations."""
    seed, model, tokens = text(rand.seed, site)
    theirs, shape = kit.random_transformer(seed, **SIZES), (BATCH, POS, SIZES["d_model"])
    out = submission.loss_recovered(theirs, tokens, site, kit.BentReconstruction(seed, 0.6, *shape), ablation)
    expected = by_hand(model, tokens, site, here.BentReconstruction(seed, 0.6, *shape), ablation)
    compare(out, expected, what=f"the loss recovered at {site} ({ablation})", atol=2e-3, rtol=2e-3)


def test_mean_ablation_is_the_default(submission, kit, rand):
    """Without a third word the ablation is the mean."""
    seed, model, tokens = text(rand.seed)
    out = submission.loss_recovered(
        kit.random_transformer(seed, **SIZES), tokens, STREAM, kit.SmallAutoencoder(seed, 6, 11)
    )
    with torch.no_grad():
        expected = by_hand(model, tokens, STREAM, here.SmallAutoencoder(seed, 6, 11), "mean")
    compare(out, expected, what="the loss recovered by an autoencoder", atol=2e-3, rtol=2e-3)


def test_the_fixed_points(submission, kit, rand):
    """A perfect reconstruction recovers 1, and one that does what the ablation does recovers 0."""
    seed, _, tokens = text(rand.seed)
    theirs = kit.random_transformer(seed, **SIZES)
    for ablation in ("zero", "mean"):
        out = submission.loss_recovered(theirs, tokens, STREAM, kit.same, ablation)
        compare(out, 1.0, what=f"the loss recovered by a perfect reconstruction ({ablation})", atol=1e-3)
    for ablation, reconstruct in (("zero", kit.nothing), ("mean", kit.middle)):
        out = submission.loss_recovered(theirs, tokens, STREAM, reconstruct, ablation)
        compare(out, 0.0, what=f"the loss recovered by {ablation} ablation itself", atol=1e-3)


def test_worse_than_ablation(submission, kit, rand):
    """A reconstruction that harms more than the ablation gives a negative number."""
    seed, model, tokens = text(rand.seed)
    shape = (BATCH, POS, SIZES["d_model"])
    worst = min((by_hand(model, tokens, STREAM, here.BentReconstruction(s, 4.0, *shape), "mean"), s) for s in range(4))[
        1
    ]
    out = submission.loss_recovered(
        kit.random_transformer(seed, **SIZES), tokens, STREAM, kit.BentReconstruction(worst, 4.0, *shape), "mean"
    )
    expected = by_hand(model, tokens, STREAM, here.BentReconstruction(worst, 4.0, *shape), "mean")
    compare(out, expected, what="the loss recovered by a bad reconstruction", atol=2e-3, rtol=2e-3)


def test_another_ablation(submission, kit, rand):
    """Any other ablation raises a ValueError, rather than being taken for one of the two."""
    theirs, tokens = kit.random_transformer(rand.seed, **SIZES), rand.integers(SIZES["d_vocab"], BATCH, POS)
    for ablation in ("resample", "Mean", ""):
        with raises("ValueError"):
            submission.loss_recovered(theirs, tokens, STREAM, kit.same, ablation)


def test_nothing_stays(submission, kit, rand):
    """Afterwards no hook is on the model, and its weights and logits are what they were."""
    seed, model, tokens = text(rand.seed)
    theirs = kit.random_transformer(seed, **SIZES)
    for ablation in ("zero", "mean"):
        submission.loss_recovered(
            theirs, tokens, STREAM, kit.BentReconstruction(1, 0.5, BATCH, POS, SIZES["d_model"]), ablation
        )
    compare(kit.hooks_left(theirs), [], what="the list of modules with hooks")
    with torch.no_grad():
        expected = Transformer.forward(model, tokens)
    compare(theirs(tokens), expected, what="the tensor of logits of a plain run afterwards", atol=1e-3)


# --- known mistakes ---


def costs(model, tokens, site, reconstruct, ablation, mean=None, score=None):
    """Clean, reconstructed and ablated, with the mean and the cost left open."""
    if ablation not in ("zero", "mean"):
        raise ValueError(ablation)
    mean = mean or (lambda a: a.mean(dim=(0, 1)).expand_as(a))
    score = score or (lambda logits, tokens: -token_log_probs(logits, tokens).mean().item())
    ablate = torch.zeros_like if ablation == "zero" else mean
    with torch.no_grad():
        return tuple(
            score(run_with_hooks(model, tokens, [(site, lambda a, hook, change=change: change(a))]), tokens)
            for change in (lambda a: a, reconstruct, ablate)
        )


# Those that are wrong in fewer places come first: elsewhere they look like those that are wrong in more.


@mistake("The default is zero ablation: it should be the mean.")
def default_zero(model, tokens, site, reconstruct, ablation="zero"):
    return ref.loss_recovered(model, tokens, site, reconstruct, ablation)


@mistake("Whatever is asked for, you ablate by the mean.")
def always_mean(model, tokens, site, reconstruct, ablation="mean"):
    costs(model, tokens, site, reconstruct, ablation)
    return ref.loss_recovered(model, tokens, site, reconstruct, "mean")


@mistake(
    "Asked for the mean, you ablate by zero; or your mean runs over d_model too: one number in all entries is what every "
    "LayerNorm subtracts, which leaves nothing. The mean is a vector [d_model]."
)
def always_zero(model, tokens, site, reconstruct, ablation="mean"):
    costs(model, tokens, site, reconstruct, ablation)
    return ref.loss_recovered(model, tokens, site, reconstruct, "zero")


@mistake("zero and mean are exchanged.")
def exchanged(model, tokens, site, reconstruct, ablation="mean"):
    other = {"zero": "mean", "mean": "zero"}.get(ablation, ablation)
    clean, sae, ablated = costs(model, tokens, site, reconstruct, other)
    return (ablated - sae) / (ablated - clean)


@mistake("That is the fraction lost: (CE_sae - CE_clean) / ...; 1 should mean that nothing is lost.")
def fraction_lost(model, tokens, site, reconstruct, ablation="mean"):
    clean, sae, ablated = costs(model, tokens, site, reconstruct, ablation)
    return (sae - clean) / (ablated - clean)


@mistake("You divide by the ablated loss itself: the span from ablated to clean is what counts as 1.")
def divided_by_ablated(model, tokens, site, reconstruct, ablation="mean"):
    _, sae, ablated = costs(model, tokens, site, reconstruct, ablation)
    return (ablated - sae) / ablated


@mistake(
    "You divide one loss by the other, CE_clean / CE_sae: set the two against an ablation, which is the zero point."
)
def ratio_of_losses(model, tokens, site, reconstruct, ablation="mean"):
    clean, sae, _ = costs(model, tokens, site, reconstruct, ablation)
    return clean / sae


@mistake("The denominator is CE_ablated - CE_clean; you divide by CE_sae - CE_clean, which is what was lost.")
def divided_by_what_was_lost(model, tokens, site, reconstruct, ablation="mean"):
    clean, sae, ablated = costs(model, tokens, site, reconstruct, ablation)
    return (ablated - sae) / (sae - clean if abs(sae - clean) > 1e-9 else 1e-9)


@mistake("The sign is wrong: numerator and denominator are both ablated minus something.")
def reversed_sign(model, tokens, site, reconstruct, ablation="mean"):
    clean, sae, ablated = costs(model, tokens, site, reconstruct, ablation)
    return (sae - ablated) / (ablated - clean)


@mistake("An unknown ablation is taken for a known one: raise a ValueError.")
def no_error(model, tokens, site, reconstruct, ablation="mean"):
    return ref.loss_recovered(model, tokens, site, reconstruct, "zero" if ablation == "zero" else "mean")


@mistake("The mean is taken over the batch only, one for each position: take one over all rows and positions.")
def mean_per_position(model, tokens, site, reconstruct, ablation="mean"):
    clean, sae, ablated = costs(model, tokens, site, reconstruct, ablation, mean=lambda a: a.mean(dim=0).expand_as(a))
    return (ablated - sae) / (ablated - clean)


@mistake("The mean is taken over positions only, one for each row: take one over all rows and positions.")
def mean_per_row(model, tokens, site, reconstruct, ablation="mean"):
    clean, sae, ablated = costs(
        model, tokens, site, reconstruct, ablation, mean=lambda a: a.mean(dim=1, keepdim=True).expand_as(a)
    )
    return (ablated - sae) / (ablated - clean)


@mistake("The ablation's mean is that of the reconstruction: take the mean of the true activation.")
def mean_of_the_reconstruction(model, tokens, site, reconstruct, ablation="mean"):
    clean, sae, ablated = costs(
        model, tokens, site, reconstruct, ablation, mean=lambda a: reconstruct(a).mean(dim=(0, 1)).expand_as(a)
    )
    return (ablated - sae) / (ablated - clean)


@mistake(
    "The loss is not shifted: the logits at a position are held against that position's own token, not the next one."
)
def not_shifted(model, tokens, site, reconstruct, ablation="mean"):
    def score(logits, tokens):
        return F.cross_entropy(logits.flatten(0, 1), tokens.flatten()).item()

    clean, sae, ablated = costs(model, tokens, site, reconstruct, ablation, score=score)
    return (ablated - sae) / (ablated - clean)


@mistake("Only the last prediction of each row counts: average the loss over all positions.")
def last_position_only(model, tokens, site, reconstruct, ablation="mean"):
    def score(logits, tokens):
        return -token_log_probs(logits, tokens)[:, -1].mean().item()

    clean, sae, ablated = costs(model, tokens, site, reconstruct, ablation, score=score)
    return (ablated - sae) / (ablated - clean)


@mistake("You average probabilities: cross-entropy averages log-probabilities.")
def probabilities(model, tokens, site, reconstruct, ablation="mean"):
    def score(logits, tokens):
        return -token_log_probs(logits, tokens).exp().mean().item()

    clean, sae, ablated = costs(model, tokens, site, reconstruct, ablation, score=score)
    return (ablated - sae) / (ablated - clean)


@mistake("You count right guesses: the measure is the cross-entropy.")
def accuracy(model, tokens, site, reconstruct, ablation="mean"):
    def score(logits, tokens):
        return -(logits[:, :-1].argmax(dim=-1) == tokens[:, 1:]).float().mean().item()

    clean, sae, ablated = costs(model, tokens, site, reconstruct, ablation, score=score)
    return (ablated - sae) / (ablated - clean if ablated != clean else 1.0)


@mistake("The reconstruction is added to the activation: it goes in its place.")
def added(model, tokens, site, reconstruct, ablation="mean"):
    clean, sae, ablated = costs(model, tokens, site, lambda a: a + reconstruct(a), ablation)
    return (ablated - sae) / (ablated - clean)


@mistake("The hook leaves the error a - reconstruct(a) in the model: put the reconstruction in.")
def the_error_is_put_in(model, tokens, site, reconstruct, ablation="mean"):
    clean, sae, ablated = costs(model, tokens, site, lambda a: a - reconstruct(a), ablation)
    return (ablated - sae) / (ablated - clean)


@mistake("Your hook does not return the reconstruction, so the model goes on with the true activation: always 1.")
def hook_returns_nothing(model, tokens, site, reconstruct, ablation="mean"):
    costs(model, tokens, site, reconstruct, ablation)
    return 1.0


@mistake("That is the explained variance of the activation: the question is what the model's predictions lose.")
def variance_of_the_activation(model, tokens, site, reconstruct, ablation="mean"):
    costs(model, tokens, site, reconstruct, ablation)
    with torch.no_grad():
        x = run_with_cache(model, tokens, [site])[1][site]
        return ref.explained_variance(x.flatten(0, 1), reconstruct(x).flatten(0, 1)).item()


@mistake("You cut the result off at 0: a reconstruction can be worse than the ablation, and that should be seen.")
def cut_off(model, tokens, site, reconstruct, ablation="mean"):
    return max(0.0, ref.loss_recovered(model, tokens, site, reconstruct, ablation))


@mistake("You average each row's own fraction: average the losses first, then divide once.")
def fraction_per_row(model, tokens, site, reconstruct, ablation="mean"):
    def score(logits, tokens):
        return -token_log_probs(logits, tokens).mean(dim=1)

    clean, sae, ablated = costs(model, tokens, site, reconstruct, ablation, score=score)
    return ((ablated - sae) / (ablated - clean)).mean().item()


@mistake("Your hooks stay on the model, and every later run is spoiled: remove them, or use run_with_hooks.")
def leaves_a_hook(model, tokens, site, reconstruct, ablation="mean"):
    found = ref.loss_recovered(model, tokens, site, reconstruct, ablation)
    model.get_submodule(site).register_forward_hook(lambda module, args, output: reconstruct(output))
    return found
