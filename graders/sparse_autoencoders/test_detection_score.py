"""detection_score: cases counted by hand, and kinds of very different size, so that no other average gives the same."""

import pytest

from dojo.grading import compare, mistake, raises
from graders.sparse_autoencoders import kit as ours

WHAT = "the score"


def _examples(rand, n_active, n_silent):
    """Words from a small vocabulary; both kinds mixed."""
    words = [" king", " a", " sea", ".", " thy"]
    kinds = [True] * n_active + [False] * n_silent
    order = rand.permutation(len(kinds)).tolist()
    return [([rand.choice(words) for _ in range(1 + i % 4)], kinds[i]) for i in order]


def _rates(predicate, examples):
    """The fraction right on active and on silent examples."""
    active = [bool(predicate(words)) for words, kind in examples if kind]
    silent = [bool(predicate(words)) for words, kind in examples if not kind]
    return sum(active) / len(active), 1 - sum(silent) / len(silent)


def test_by_hand(submission, kit):
    """Right on 1 of 2 active examples and on 3 of 4 silent ones: (1/2 + 3/4) / 2 = 0.625."""
    examples = [([" the", " king"], True), ([" queen"], True), ([" a", " king"], False), ([" sea"], False)]
    examples += [([" king", " of"], False), ([" tree"], False)]
    compare(submission.detection_score(kit.ends_with(" king"), examples), 0.625, what=WHAT)


@pytest.mark.parametrize("n_active, n_silent", [(4, 31), (29, 5), (11, 12)])
def test_kinds_of_different_size(submission, kit, rand, n_active, n_silent):
    """Each kind counts half, however many examples it has."""
    examples = _examples(rand, n_active, n_silent)
    predicate = ours.ends_with(" king", " thy", " sea")
    score = submission.detection_score(kit.ends_with(" king", " thy", " sea"), examples)
    compare(score, sum(_rates(predicate, examples)) / 2, what=WHAT)


def test_guessing(submission, kit, rand):
    """A predicate that is always true, or always false, scores exactly one half."""
    examples = _examples(rand, 3, 17)
    compare(submission.detection_score(kit.always(True), examples), 0.5, what="the score of always true")
    compare(submission.detection_score(kit.always(False), examples), 0.5, what="the score of always false")


def test_the_ends_of_the_scale(submission, kit):
    """1 if the predicate is right everywhere, 0 if nowhere."""
    examples = [([" king"], True), ([" a"], False), ([" the", " king"], True), ([" king", "."], False), ([" b"], False)]
    compare(submission.detection_score(kit.ends_with(" king"), examples), 1.0, what=WHAT)
    compare(submission.detection_score(kit.ends_with(" king"), [(w, not a) for w, a in examples]), 0.0, what=WHAT)


def test_the_whole_context(submission, kit, rand):
    """The predicate is given all of the words, not the last alone."""
    examples = [(["."] * i + [" king", " of"], i > 1) for i in range(7)] + [([" king"], True)]
    predicate = ours.longer_than(4)
    compare(submission.detection_score(kit.longer_than(4), examples), sum(_rates(predicate, examples)) / 2, what=WHAT)


def test_truth_values(submission, kit):
    """The predicate may give anything that has a truth value: a count, or None."""
    examples = [
        ([" king", " king"], True),
        ([" king"], True),
        ([" a"], False),
        ([" b", " king"], False),
        ([" c"], True),
    ]
    compare(submission.detection_score(kit.counts(" king"), examples), (2 / 3 + 1 / 2) / 2, what="the score of a count")
    compare(submission.detection_score(kit.always(None), examples), 0.5, what="the score of None")


@pytest.mark.parametrize("kind", [True, False])
def test_one_kind_only(submission, kit, kind):
    """Without an example of either kind there is no score: ValueError."""
    with raises("ValueError"):
        submission.detection_score(kit.ends_with(" king"), [([" king"], kind), ([" a"], kind)])


def _hits(predicate, examples):
    right = {True: [], False: []}
    for words, active in examples:
        right[bool(active)].append(bool(predicate(words)) == bool(active))
    if not right[True] or not right[False]:
        raise ValueError("Both kinds are needed.")
    return right


def _mean(values):
    return sum(values) / len(values)


@mistake(
    "That is plain accuracy: where silent examples are many, saying no everywhere looks good. Average the two kinds."
)
def plain_accuracy(predicate, examples):
    right = _hits(predicate, examples)
    return _mean(right[True] + right[False])


@mistake("You count the active examples only: always true would score 1. The silent ones are the other half.")
def recall_only(predicate, examples):
    return _mean(_hits(predicate, examples)[True])


@mistake("You count the silent examples only: always false would score 1. The active ones are the other half.")
def specificity_only(predicate, examples):
    return _mean(_hits(predicate, examples)[False])


@mistake("That is precision, of the examples that were called active: balanced accuracy goes by what the examples are.")
def precision(predicate, examples):
    _hits(predicate, examples)
    called = [bool(active) for words, active in examples if predicate(words)]
    return _mean(called) if called else 0.0


@mistake("That is the F1 score, which forgets the silent examples that were rightly called silent.")
def f1(predicate, examples):
    _hits(predicate, examples)
    both = sum(bool(active) and bool(predicate(words)) for words, active in examples)
    total = sum(bool(active) for _, active in examples) + sum(bool(predicate(words)) for words, _ in examples)
    return 2 * both / total


@mistake("You add the two fractions: take their mean, so that guessing scores 1/2.")
def added(predicate, examples):
    return sum(_mean(hits) for hits in _hits(predicate, examples).values())


@mistake(
    "You add the rate of false alarms: on silent examples it is the fraction that is rightly called silent that counts."
)
def false_alarms_added(predicate, examples):
    right = _hits(predicate, examples)
    return (_mean(right[True]) + 1 - _mean(right[False])) / 2


@mistake("That is Youden's J, which is 0 for guessing: here guessing scores 1/2.")
def youden(predicate, examples):
    right = _hits(predicate, examples)
    return _mean(right[True]) + _mean(right[False]) - 1


@mistake("You take the geometric mean of the two fractions: take their plain mean.")
def geometric(predicate, examples):
    right = _hits(predicate, examples)
    return (_mean(right[True]) * _mean(right[False])) ** 0.5


@mistake("You take the smaller of the two fractions: take their mean.")
def worst_kind(predicate, examples):
    return min(_mean(hits) for hits in _hits(predicate, examples).values())


@mistake("You compare what the predicate gives with `==`: a count of 2 is true as well, so take its truth value first.")
def compared_as_it_is(predicate, examples):
    right = {True: [], False: []}
    for words, active in examples:
        right[bool(active)].append(predicate(words) == active)
    if not right[True] or not right[False]:
        raise ValueError("Both kinds are needed.")
    return sum(_mean(hits) for hits in right.values()) / 2


@mistake("You give the predicate the last word alone: what stands before it is part of the example.")
def last_word_alone(predicate, examples):
    return sum(_mean(hits) for hits in _hits(lambda words: predicate(words[-1:]), examples).values()) / 2


@mistake("Where one kind is missing you give a number; there is no score then: raise a ValueError.")
def no_error(predicate, examples):
    right = {True: [], False: []}
    for words, active in examples:
        right[bool(active)].append(bool(predicate(words)) == bool(active))
    return sum(_mean(hits) if hits else 0.0 for hits in right.values()) / 2


@mistake("You give percent: the score goes from 0 to 1.")
def percent(predicate, examples):
    return 50 * sum(_mean(hits) for hits in _hits(predicate, examples).values())
