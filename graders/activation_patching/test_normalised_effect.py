"""Grades `normalised_effect`. Oracles: numbers worked by hand, and metrics made from a known effect."""

import pytest
import torch

import solutions.activation_patching as ref
from dojo.grading import compare, mistake, raises

WHAT = "the effect"


def test_denoising_by_hand(submission):
    """Clean 3, corrupted -1: a patched metric of -1 restores nothing (0), of 3 all (1), of 1 half, of 5 more than all."""
    out = submission.normalised_effect(torch.tensor([-1.0, 3.0, 1.0, 5.0, -2.0]), 3.0, -1.0)
    compare(out, torch.tensor([0.0, 1.0, 0.5, 1.5, -0.25]), what=WHAT, axes="patch")


def test_noising_by_hand(submission):
    """Clean 3, corrupted -1: a patched metric of 3 breaks nothing (0), of -1 all (-1), of 1 half, of -3 more than all."""
    out = submission.normalised_effect(torch.tensor([3.0, -1.0, 1.0, -3.0, 4.0]), 3.0, -1.0, "noising")
    compare(out, torch.tensor([0.0, -1.0, -0.5, -1.5, 0.25]), what=WHAT, axes="patch")


def test_denoising_is_the_default(submission, rand):
    """Without a mode, and with mode="denoising", clean activations went into the corrupted run."""
    effects = rand.uniform(2, 3, low=-0.5, high=1.5)
    patched = 5.0 + effects * (2.0 - 5.0)
    compare(submission.normalised_effect(patched, 2.0, 5.0), effects, what=WHAT, axes="layer head")
    compare(submission.normalised_effect(patched, 2.0, 5.0, mode="denoising"), effects, what=WHAT, axes="layer head")


@pytest.mark.parametrize("clean, corrupted", [(4.0, 1.5), (-3.0, 2.0), (0.52, 0.5), (0.0, -7.0), (-6.0, 0.0)])
@pytest.mark.parametrize("mode, nothing", [("denoising", 0), ("noising", 1)])
def test_on_any_scale(submission, rand, clean, corrupted, mode, nothing):
    """Whichever of the two ends is larger, and however near they are, a known effect is found again."""
    effects = rand.uniform(3, 2, 4, low=-0.7, high=1.4)
    ends = torch.tensor([corrupted, clean], dtype=torch.float64)
    patched = (ends[nothing] + effects * (ends[1] - ends[0])).float()
    out = submission.normalised_effect(patched, clean, corrupted, mode)
    compare(out, effects, what=WHAT, axes="input layer head", atol=1e-3)


def test_other_effects_beyond_the_ends(submission, rand):
    """Effects below 0 and above 1 are told as they are: a head can work against the answer, or overshoot."""
    effects = 4 * rand.normal(5, 3)
    out = submission.normalised_effect(1.0 + 2 * effects, 3.0, 1.0)
    compare(out, effects, what=WHAT, axes="layer head")
    out = submission.normalised_effect(3.0 + 2 * effects, 3.0, 1.0, "noising")
    compare(out, effects, what=WHAT, axes="layer head")


def test_a_number(submission):
    """A number will do for the patched metric, and gives a number."""
    compare(submission.normalised_effect(2.5, 3.0, 1.0), 0.75, what=WHAT)
    compare(submission.normalised_effect(2.5, 3.0, 1.0, "noising"), -0.25, what=WHAT)


def test_another_mode(submission):
    """Any mode but the two raises a ValueError."""
    for mode in ("noise", "Noising", ""):
        with raises("ValueError"):
            submission.normalised_effect(torch.tensor([1.0, 2.0]), 3.0, 1.0, mode)


def baseline(clean, corrupted, mode):
    return corrupted if mode == "denoising" else clean


@mistake("The effect is cut off to 0 .. 1 (or -1 .. 0). It may lie outside, and that is worth knowing: leave it.")
def clipped(patched, clean, corrupted, mode="denoising"):
    low, high = (0, 1) if mode == "denoising" else (-1, 0)
    return torch.as_tensor(ref.normalised_effect(patched, clean, corrupted, mode)).clamp(low, high)


@mistake("The mode defaults to noising: denoising is the default.")
def noising_by_default(patched, clean, corrupted, mode="noising"):
    return ref.normalised_effect(patched, clean, corrupted, mode)


@mistake(
    "Noising is measured from the corrupted run. It starts from the clean one: 0 = nothing broken, -1 = all broken."
)
def noising_from_corrupted(patched, clean, corrupted, mode="denoising"):
    ref.normalised_effect(patched, clean, corrupted, mode)
    return (patched - corrupted) / (clean - corrupted)


@mistake("Noising has the wrong sign: what breaks pulls the metric down from clean to corrupted, and all broken is -1.")
def noising_positive(patched, clean, corrupted, mode="denoising"):
    effect = ref.normalised_effect(patched, clean, corrupted, mode)
    return effect if mode == "denoising" else -effect


@mistake("Denoising is measured from the clean run: nothing is restored while the metric is the corrupted one.")
def denoising_from_clean(patched, clean, corrupted, mode="denoising"):
    effect = ref.normalised_effect(patched, clean, corrupted, mode)
    return effect - 1 if mode == "denoising" else effect


@mistake("Clean and corrupted have changed places.")
def ends_swapped(patched, clean, corrupted, mode="denoising"):
    return ref.normalised_effect(patched, corrupted, clean, mode)


@mistake("The modes are swapped: denoising puts clean activations into the corrupted run, and starts from corrupted.")
def modes_swapped(patched, clean, corrupted, mode="denoising"):
    other = {"denoising": "noising", "noising": "denoising"}.get(mode, mode)
    return ref.normalised_effect(patched, clean, corrupted, other)


@mistake("The denominator is wrong: divide by clean - corrupted, the whole way, not by clean.")
def divided_by_clean(patched, clean, corrupted, mode="denoising"):
    ref.normalised_effect(patched, clean, corrupted, mode)
    return (patched - baseline(clean, corrupted, mode)) / (clean + 1e-9)


@mistake("The denominator is missing: divide by clean - corrupted, or effects on different prompts cannot be compared.")
def not_divided(patched, clean, corrupted, mode="denoising"):
    return ref.normalised_effect(patched, clean, corrupted, mode) * (clean - corrupted)


@mistake("You divide by |clean - corrupted|: where the clean metric is the smaller one, the sign comes out wrong.")
def absolute_denominator(patched, clean, corrupted, mode="denoising"):
    ref.normalised_effect(patched, clean, corrupted, mode)
    return (patched - baseline(clean, corrupted, mode)) / abs(clean - corrupted)


@mistake("You return the size of the effect: its sign says whether the patch helps or hurts.")
def absolute_effect(patched, clean, corrupted, mode="denoising"):
    return abs(ref.normalised_effect(patched, clean, corrupted, mode))


@mistake("A mode that does not exist is taken for noising without a word: raise a ValueError.")
def any_other_mode_is_noising(patched, clean, corrupted, mode="denoising"):
    return ref.normalised_effect(patched, clean, corrupted, "denoising" if mode == "denoising" else "noising")


@mistake("A mode that does not exist is taken for denoising without a word: raise a ValueError.")
def any_other_mode_is_denoising(patched, clean, corrupted, mode="denoising"):
    return ref.normalised_effect(patched, clean, corrupted, "noising" if mode == "noising" else "denoising")


@mistake("These are percent: 1 means that all was restored.")
def percent(patched, clean, corrupted, mode="denoising"):
    return 100 * ref.normalised_effect(patched, clean, corrupted, mode)


@mistake("You return the mean effect: keep the shape of the patched metric, one effect for each patch.")
def mean_effect(patched, clean, corrupted, mode="denoising"):
    return torch.as_tensor(ref.normalised_effect(patched, clean, corrupted, mode)).mean()
