"""Grades `noising_denoising_verdict`. Oracles: gates on paper, whose four metrics and verdicts are written down here.

The metric f is the judge's own function: it looks its answer up, and notes how it was called.
"""

import pytest

import solutions.activation_patching as ref
from dojo.grading import compare, mistake

WHAT = "the verdict"


class Metric:
    """f(a, b) from the four values [clean, only a clean, only b clean, corrupted]."""

    def __init__(self, clean, only_a, only_b, corrupted):
        self.values = {(True, True): clean, (True, False): only_a, (False, True): only_b, (False, False): corrupted}
        self.calls = []

    def __call__(self, a=None, b=None, /, *rest):
        self.calls.append((a, b, *rest))
        return self.values[bool(a), bool(b)]


def on_scale(clean, corrupted, only_a, only_b):
    """The metric whose run with only a clean has restored the share only_a of the way from corrupted to clean."""
    way = clean - corrupted
    return Metric(clean, corrupted + only_a * way, corrupted + only_b * way, corrupted)


def check(submission, f, denoising, noising, gate):
    verdict = submission.noising_denoising_verdict(f)
    assert isinstance(verdict, dict), "The result should be a dict with the keys 'denoising', 'noising' and 'gate'."
    found = verdict | {k: [*verdict[k]] for k in ("denoising", "noising") if isinstance(verdict.get(k), tuple)}
    compare(found, {"denoising": denoising, "noising": noising, "gate": gate}, what=WHAT)


def test_an_and_gate(submission):
    """The answer needs both: clean 1, else 0. Neither alone restores (0, 0); each alone breaks (-1, -1): AND."""
    check(submission, Metric(1.0, 0.0, 0.0, 0.0), [0.0, 0.0], [-1.0, -1.0], "AND")


def test_an_or_gate(submission):
    """One is enough: corrupted 0, else 1. Each alone restores (1, 1); neither alone breaks (0, 0): OR."""
    check(submission, Metric(1.0, 1.0, 1.0, 0.0), [1.0, 1.0], [0.0, 0.0], "OR")


def test_one_component_does_it_all(submission):
    """The metric follows a, or b, and the other does nothing: the gate is that one's name."""
    check(submission, Metric(1.0, 1.0, 0.0, 0.0), [1.0, 0.0], [-1.0, 0.0], "a")
    check(submission, Metric(1.0, 0.0, 1.0, 0.0), [0.0, 1.0], [0.0, -1.0], "b")


@pytest.mark.parametrize("clean, corrupted", [(3.5, -0.5), (-4.0, 4.0), (-1.0, -1.25), (20.0, 40.0)])
@pytest.mark.parametrize(
    "only_a, only_b, gate", [(0.25, 0.125, "AND"), (0.75, 1.25, "OR"), (0.875, -0.25, "a"), (0.375, 0.625, "b")]
)
def test_on_any_scale(submission, clean, corrupted, only_a, only_b, gate):
    """Effects in between, beyond the ends, and on other scales: more than half restores, less than minus a half breaks."""
    check(submission, on_scale(clean, corrupted, only_a, only_b), [only_a, only_b], [only_b - 1, only_a - 1], gate)


@pytest.mark.parametrize("only_a, only_b", [(0.5, 0.25), (0.75, 0.5), (0.5, 0.5), (0.25, 0.5), (0.5, 0.875)])
def test_exactly_half(submission, only_a, only_b):
    """Exactly 0.5 restores not yet, exactly -0.5 breaks not yet, and none of the four gates fits: "other"."""
    check(submission, on_scale(3.0, -1.0, only_a, only_b), [only_a, only_b], [only_b - 1, only_a - 1], "other")


def test_random_effects(submission, rand):
    """On random numbers each effect is the right one, of the right component."""
    clean, corrupted = float(rand.uniform(1, low=1.0, high=3.0)), float(rand.uniform(1, low=-3.0, high=-1.0))
    low, high = float(rand.uniform(1, low=0.1, high=0.4)), float(rand.uniform(1, low=0.6, high=0.9))
    for only_a, only_b, gate in ((low, low / 2, "AND"), (high, high + 0.3, "OR"), (high, low, "a"), (low, high, "b")):
        f = on_scale(clean, corrupted, only_a, only_b)
        check(submission, f, [only_a, only_b], [only_b - 1, only_a - 1], gate)


def test_how_f_is_called(submission):
    """f gets two values each time, True or False: is a clean, and is b clean?"""
    f = Metric(1.0, 0.75, 0.25, 0.0)
    submission.noising_denoising_verdict(f)
    strange = [call for call in f.calls if len(call) != 2 or not all(isinstance(value, int) for value in call)]
    assert not strange, (
        f"f was called as f({', '.join(map(repr, strange[0]))}): give it two values, each True (clean) or False (corrupted)."
    )


GATES = {
    ((False, False), (True, True)): "AND",
    ((True, True), (False, False)): "OR",
    ((True, False), (True, False)): "a",
    ((False, True), (False, True)): "b",
}


def effects(f, clean_a=(True, False), clean_b=(False, True), noised_a=(False, True), noised_b=(True, False)):
    """Both lists of effects; each argument is the call of f that stands for one of them."""
    ends = f(True, True), f(False, False)
    denoising = [ref.normalised_effect(f(*call), *ends) for call in (clean_a, clean_b)]
    noising = [ref.normalised_effect(f(*call), *ends, "noising") for call in (noised_a, noised_b)]
    return denoising, noising


def verdict(denoising, noising, restores=lambda e: e > 0.5, breaks=lambda e: e < -0.5, gates=GATES, other="other"):
    pattern = tuple(map(restores, denoising)), tuple(map(breaks, noising))
    return {"denoising": denoising, "noising": noising, "gate": gates.get(pattern, other)}


@mistake(
    "The two noising effects are swapped. To patch a's corrupted value into the clean run leaves b clean: f(False, True)."
)
def noising_swapped(f):
    return verdict(*effects(f, noised_a=(True, False), noised_b=(False, True)))


@mistake("The two denoising effects are swapped: a's clean value in the corrupted run is f(True, False).")
def denoising_swapped(f):
    return verdict(*effects(f, clean_a=(False, True), clean_b=(True, False)))


@mistake("a and b are swapped throughout: f takes a first.")
def a_and_b_swapped(f):
    return verdict(*effects(f, (False, True), (True, False), (True, False), (False, True)))


@mistake("Noising counts what is broken as positive; it is 0 for nothing and -1 for all.")
def noising_positive(f):
    denoising, noising = effects(f)
    return verdict(denoising, [-e for e in noising], breaks=lambda e: e > 0.5)


@mistake("Noising is measured from the corrupted run: nothing is broken while the metric is the clean one.")
def noising_as_denoising(f):
    denoising, noising = effects(f)
    return verdict(denoising, [e + 1 for e in noising])


@mistake("Clean and corrupted are swapped: True is the clean value.")
def clean_is_false(f):
    return verdict(*effects(lambda a, b: f(not a, not b)))


@mistake("Every effect starts from the wrong run: denoising patches one clean value into the corrupted run.")
def modes_swapped(f):
    denoising, noising = effects(f)
    return verdict(noising[::-1], denoising[::-1])


@mistake("The effects are not normalised: divide by clean - corrupted, normalised_effect does it.")
def not_normalised(f):
    clean, corrupted = f(True, True), f(False, False)
    denoising = [f(True, False) - corrupted, f(False, True) - corrupted]
    return verdict(denoising, [f(False, True) - clean, f(True, False) - clean])


@mistake("These are the metrics themselves: turn them into effects with normalised_effect.")
def metrics_for_effects(f):
    denoising, noising = effects(f)
    raw = [f(True, False), f(False, True)]
    return {"denoising": raw, "noising": raw[::-1], "gate": verdict(denoising, noising)["gate"]}


@mistake(
    "AND and OR are swapped. If one is enough (OR), each alone restores; if both are needed (AND), each alone breaks."
)
def and_or_swapped(f):
    gates = {key: {"AND": "OR", "OR": "AND"}.get(gate, gate) for key, gate in GATES.items()}
    return verdict(*effects(f), gates=gates)


@mistake("a and b are swapped in the gate: it is the one that alone restores and breaks.")
def names_swapped(f):
    gates = {key: {"a": "b", "b": "a"}.get(gate, gate) for key, gate in GATES.items()}
    return verdict(*effects(f), gates=gates)


@mistake(
    "The gate follows denoising alone, or a noising effect of exactly -0.5 counts as broken: both must fit, with > 0.5 and "
    "< -0.5, or the gate is 'other'."
)
def denoising_alone(f):
    denoising, noising = effects(f)
    gates = {(False, False): "AND", (True, True): "OR", (True, False): "a", (False, True): "b"}
    return {"denoising": denoising, "noising": noising, "gate": gates[tuple(e > 0.5 for e in denoising)]}


@mistake(
    "The gate follows noising alone, or a denoising effect of exactly 0.5 counts as restored: both must fit, with > 0.5 and "
    "< -0.5, or the gate is 'other'."
)
def noising_alone(f):
    denoising, noising = effects(f)
    gates = {(True, True): "AND", (False, False): "OR", (True, False): "a", (False, True): "b"}
    return {"denoising": denoising, "noising": noising, "gate": gates[tuple(e < -0.5 for e in noising)]}


@mistake("Your thresholds give a gate to whole effects only: to restore means above 0.5, to break below -0.5.")
def any_effect(f):
    return verdict(*effects(f), restores=lambda e: e > 0, breaks=lambda e: e < 0)


@mistake("The effects are cut off to 0 .. 1 and -1 .. 0: leave them as they are.")
def clipped(f):
    denoising, noising = effects(f)
    return verdict([min(max(e, 0.0), 1.0) for e in denoising], [min(max(e, -1.0), 0.0) for e in noising])


@mistake("Where no gate fits you return None: the gate is 'other' then.")
def no_other(f):
    return verdict(*effects(f), other=None)
