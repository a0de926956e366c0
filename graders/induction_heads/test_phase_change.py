"""phase_change: curves worked out by hand, and random ones in exact fractions."""

import itertools
from fractions import Fraction

import pytest

import solutions.induction_heads as ref
from dojo.grading import compare, mistake

WHAT = "the step of the phase change"


def test_a_clear_change(submission):
    """Steps 0, 100, 200, 300, 400 with scores 0.02, 0.05, 0.6, 0.9, 0.92: between 100 and 200, so 150."""
    compare(submission.phase_change([0, 100, 200, 300, 400], [0.02, 0.05, 0.6, 0.9, 0.92]), 150.0, what=WHAT)


def test_uneven_checkpoints(submission):
    """A rise of 0.3 in 10 steps is steeper than one of 0.5 in 1000: the rise a step counts, not the rise."""
    compare(submission.phase_change([0, 1000, 1010, 1110], [0.0, 0.5, 0.8, 0.9]), 1005.0, what=WHAT)


@pytest.mark.parametrize(
    "steps, scores, expected",
    [
        ([0, 30, 100], [0.0, 0.6, 0.7], 15.0),
        ([0, 70, 100], [0.0, 0.1, 0.7], 85.0),
        ([40, 90], [0.125, 0.625], 65.0),
        ([7, 10, 15], [0.0, 0.25, 0.25], 8.5),
    ],
)
def test_first_and_last_interval(submission, steps, scores, expected):
    """The steepest interval may be the first, the last or the only one; its middle need not be a whole number."""
    compare(submission.phase_change(steps, scores), expected, what=f"{WHAT} for the scores {scores}")


def test_plateaus(submission):
    """The score stays the same for a while, rises, stays, and rises again less steeply."""
    scores = [0.25, 0.25, 0.25, 0.5, 0.5, 0.625, 0.625]
    compare(submission.phase_change([0, 10, 20, 40, 50, 70, 80], scores), 30.0, what=WHAT)


def test_negative_scores(submission):
    """Scores may be negative, as the in-context score is: from -0.9 to -0.4 is a rise."""
    compare(submission.phase_change([0, 50, 60, 200], [-0.9, -0.85, -0.4, -0.3]), 55.0, what=WHAT)


def test_a_steep_fall_is_no_rise(submission):
    """A fall is no rise, however steep it is."""
    compare(submission.phase_change([0, 100, 110, 300], [0.1, 0.5, 0.0, 0.4]), 50.0, what=WHAT)


def test_the_highest_score_need_not_be_the_last(submission):
    """The highest score counts against the first one, even if the score falls again afterwards."""
    compare(submission.phase_change([0, 100, 300, 700], [0.0, 0.5, 0.25, 0.05]), 50.0, what=WHAT)


def test_the_steepest_rise_may_come_after_the_highest_score(submission):
    """All intervals count, also those after the highest score."""
    compare(submission.phase_change([0, 100, 200, 300, 310], [0.0, 0.5, 1.0, 0.25, 0.75]), 305.0, what=WHAT)


def test_a_slow_rise(submission):
    """A rise in many small intervals is a phase change too, if the whole of it is large enough."""
    compare(submission.phase_change([0, 50, 100, 140, 200, 300], [0.0, 0.1, 0.2, 0.3, 0.4, 0.5]), 120.0, what=WHAT)


def test_of_equally_steep_intervals_the_first(submission):
    """Two intervals rise by exactly as much a step: the first counts."""
    steps, scores = [0, 64, 128, 160, 384], [0.0, 0.25, 0.25, 0.375, 0.5]
    compare(submission.phase_change(steps, scores), 32.0, what=WHAT)


def test_no_phase_change(submission):
    """Where the highest score is less than min_rise above the first, the answer is None."""
    curves = [
        [0.1, 0.15, 0.2, 0.12],  # little rise
        [0.5, 0.5, 0.5, 0.5],  # none
        [0.9, 0.6, 0.3, 0.1],  # a fall
        [0.5, 0.0, 0.6, 0.1],  # much from its lowest, but little from its first
        [-0.5, -0.45, -0.4, -0.6],
    ]
    found = [submission.phase_change([0, 10, 30, 70], scores) for scores in curves]
    for scores, answer in zip(curves, found, strict=True):
        compare(answer, None, what=f"the result for the scores {scores}")


def test_min_rise(submission):
    """min_rise may be given; a rise of exactly so much is enough."""
    steps, scores = [0, 8, 16, 32], [0.25, 0.25, 0.375, 0.375]
    expected = {0.0625: 12.0, 0.125: 12.0, 0.1875: None, 0.5: None}
    found = {min_rise: submission.phase_change(steps, scores, min_rise) for min_rise in expected}
    for min_rise, answer in found.items():
        compare(answer, expected[min_rise], what=f"the result for a rise of 0.125 and min_rise={min_rise}")


@pytest.mark.parametrize("n", [5, 9, 22])
def test_random_curves(submission, rand, n):
    """The answer is the middle of the interval with the largest rise a step, on curves that go up and down."""
    gaps = rand.integers(400, n, low=1)
    steps = (17 + gaps.cumsum(dim=0)).tolist()
    scores = [0.0, *rand.uniform(n - 2, low=-0.5, high=0.9).tolist(), 1.0]
    best, answer = Fraction(-1), None
    for i in range(n - 1):
        slope = (Fraction(scores[i + 1]) - Fraction(scores[i])) / (steps[i + 1] - steps[i])
        if slope > best:
            best, answer = slope, (steps[i] + steps[i + 1]) / 2
    compare(submission.phase_change(steps, scores), answer, what=WHAT)


def _slopes(steps, scores):
    return [(scores[i + 1] - scores[i]) / (steps[i + 1] - steps[i]) for i in range(len(steps) - 1)]


def _steepest(values):
    return values.index(max(values))


def _or_none(steps, scores, min_rise, answer):
    return None if max(scores) - scores[0] < min_rise else answer


@mistake("You take the largest rise, but checkpoints are not evenly spaced: divide by the steps between the two.")
def largest_rise(steps, scores, min_rise=0.2):
    i = _steepest([b - a for a, b in itertools.pairwise(scores)])
    return _or_none(steps, scores, min_rise, (steps[i] + steps[i + 1]) / 2)


@mistake("You return the step where the steepest interval begins: its middle is asked for.")
def beginning_of_the_interval(steps, scores, min_rise=0.2):
    return _or_none(steps, scores, min_rise, steps[_steepest(_slopes(steps, scores))])


@mistake("You return the step where the steepest interval ends: its middle is asked for.")
def end_of_the_interval(steps, scores, min_rise=0.2):
    return _or_none(steps, scores, min_rise, steps[_steepest(_slopes(steps, scores)) + 1])


@mistake("You return the number of the interval: the step is asked for, the mean of steps[i] and steps[i + 1].")
def index_instead_of_step(steps, scores, min_rise=0.2):
    return _or_none(steps, scores, min_rise, _steepest(_slopes(steps, scores)) + 0.5)


@mistake("Your interval is one too far to the left.")
def interval_to_the_left(steps, scores, min_rise=0.2):
    i = _steepest(_slopes(steps, scores))
    return _or_none(steps, scores, min_rise, (steps[max(i - 1, 0)] + steps[i]) / 2)


@mistake("You round the middle to a whole step with //: it may lie between two steps.")
def whole_steps(steps, scores, min_rise=0.2):
    answer = ref.phase_change(steps, scores, min_rise)
    return None if answer is None else int(answer)


@mistake("You look for the highest score: the phase change is where the score RISES fastest.")
def highest_score(steps, scores, min_rise=0.2):
    return _or_none(steps, scores, min_rise, float(steps[_steepest(list(scores))]))


@mistake("You look for the first step at which the score has risen by min_rise. It is where it rises fastest.")
def first_above_the_threshold(steps, scores, min_rise=0.2):
    return next((float(s) for s, score in zip(steps, scores, strict=True) if score - scores[0] >= min_rise), None)


@mistake("You take the absolute value, so that a fall counts as a rise.")
def falls_count(steps, scores, min_rise=0.2):
    i = _steepest([abs(slope) for slope in _slopes(steps, scores)])
    return _or_none(steps, scores, min_rise, (steps[i] + steps[i + 1]) / 2)


@mistake("Of equally steep intervals you take the last: the first is asked for. (`>=` in a loop does that.)")
def last_of_equals(steps, scores, min_rise=0.2):
    slopes = _slopes(steps, scores)
    i = max(range(len(slopes)), key=lambda i: (slopes[i], i))
    return _or_none(steps, scores, min_rise, (steps[i] + steps[i + 1]) / 2)


@mistake("You never return None: where the score hardly rises there is no phase change.")
def always_an_answer(steps, scores, min_rise=0.2):
    return ref.phase_change(steps, scores, -1e9)


@mistake("You hold the LAST score against the first. A score may fall again after its rise: take the highest.")
def last_against_first(steps, scores, min_rise=0.2):
    return None if scores[-1] - scores[0] < min_rise else ref.phase_change(steps, scores, -1e9)


@mistake("You hold the highest score against the lowest: what counts is how far it is above the first.")
def highest_against_lowest(steps, scores, min_rise=0.2):
    return None if max(scores) - min(scores) < min_rise else ref.phase_change(steps, scores, -1e9)


@mistake("You ask whether the highest score itself exceeds min_rise: what counts is its rise above the first score.")
def highest_score_against_min_rise(steps, scores, min_rise=0.2):
    return None if max(scores) < min_rise else ref.phase_change(steps, scores, -1e9)


@mistake("You ask for one interval that rises by min_rise: the rise of the whole curve counts, first to highest.")
def one_interval_must_rise(steps, scores, min_rise=0.2):
    rises = [b - a for a, b in itertools.pairwise(scores)]
    return None if max(rises) < min_rise else ref.phase_change(steps, scores, -1e9)


@mistake("A rise of exactly min_rise is enough: None is for less than that (<, not <=).")
def exactly_is_not_enough(steps, scores, min_rise=0.2):
    return None if max(scores) - scores[0] <= min_rise else ref.phase_change(steps, scores, -1e9)


@mistake("min_rise is not used: you always ask for a rise of 0.2.")
def min_rise_ignored(steps, scores, min_rise=0.2):
    return ref.phase_change(steps, scores)


@mistake("Where there is no phase change you return a number: return None.")
def minus_one_for_none(steps, scores, min_rise=0.2):
    answer = ref.phase_change(steps, scores, min_rise)
    return -1.0 if answer is None else answer


@mistake(
    "You take the slope around each checkpoint, from its left neighbour to its right one. Here slopes are those of intervals."
)
def central_differences(steps, scores, min_rise=0.2):
    slopes = [
        (scores[min(i + 1, len(steps) - 1)] - scores[max(i - 1, 0)])
        / (steps[min(i + 1, len(steps) - 1)] - steps[max(i - 1, 0)])
        for i in range(len(steps))
    ]
    return _or_none(steps, scores, min_rise, float(steps[_steepest(slopes)]))
