"""explain_my_feature: an explanation is tried on examples of the learner's own latent, from text that was never shown.

No list of words is compared: what counts is on how many of the examples the explanation is right.
"""

from functools import lru_cache
from pathlib import Path
from weakref import WeakKeyDictionary

import pytest

from dojo.grading import mistake
from dojo.grading.bench import Missing
from dojo.interpretation import feature_examples, feature_of

EXAM = Path(__file__).with_name("exam.safetensors")
N, NEEDED = 160, 0.75
asked = {"name": ""}  # whose latent it is: the known mistakes below explain the same one
answers: WeakKeyDictionary = WeakKeyDictionary()  # one set of answers a submission


@lru_cache(maxsize=8)
def _exam(name, seed):
    return feature_examples(feature_of(name), N, seed, EXAM)


@pytest.fixture
def exam(submission, bench):
    return _exam(_learner(submission), bench.test_seed("exam"))


@pytest.fixture
def judged(submission, kit, bench, exam):
    """The examples, each with what the learner's explanation says of it."""
    with bench.endpoint.untraced():
        if bench.endpoint not in answers:
            answers[bench.endpoint] = kit.answers(submission.explain_my_feature, [words for words, _ in exam])
    said = answers[bench.endpoint]
    bench.endpoint.trace.append(("call", "explain_my_feature", "value", said))
    if not isinstance(said, list) or len(said) != len(exam):
        raise AssertionError("`explain_my_feature` could not be asked about the examples one by one.")
    return [(words, active, bool(yes)) for (words, active), yes in zip(exam, said, strict=True)]


def _learner(submission):
    try:
        name = submission.LEARNER
    except Missing:
        raise AssertionError("`LEARNER` is not there: put your name into it, as the text above says.") from None
    assert isinstance(name, str) and name, "`LEARNER` must be your name, as a string."
    asked["name"] = name
    return name


def _told(judged, active, wrong):
    """How many of a kind were right, with up to three that were not."""
    kind = [(words, yes) for words, is_active, yes in judged if is_active == active]
    missed = ["".join(words[-5:]).replace("\n", " ").strip() for words, yes in kind if yes != active]
    shown = "; ".join(f"'…{text}'" for text in missed[:3])
    return (
        len(kind) - len(missed),
        len(kind),
        f" {wrong}, for instance (the last token counts): {shown}." if shown else "",
    )


def test_where_it_is_active(judged):
    """Where the latent is active, weakly or strongly, the explanation says so at least half of the time."""
    right, of, missed = _told(judged, True, "It missed")
    assert right >= of / 2, (
        f"The latent is active on {of} examples; your explanation says yes on {right} of them.{missed}"
    )


def test_where_it_is_silent(judged):
    """Where it is silent, near misses included, the explanation says no at least half of the time."""
    right, of, missed = _told(judged, False, "It said yes")
    assert right >= of / 2, (
        f"The latent is silent on {of} examples; your explanation says no on {right} of them.{missed}"
    )


def test_detection(judged):
    """Both kinds together: a detection score of at least 0.75."""
    hits, of, missed = _told(judged, True, "It missed")
    passed, others, wrong = _told(judged, False, "It said yes")
    score = (hits / of + passed / others) / 2
    assert score >= NEEDED, (
        f"The detection score is {score:.2f}, and {NEEDED} is needed: {hits} of {of} active examples and {passed} of {others} "
        f"silent ones are right.{missed}{wrong}"
    )


def _table(name=None):
    """For and against each last token, in examples to study."""
    votes = {}
    for words, active in feature_examples(feature_of(name or asked["name"]), 400):
        votes[words[-1]] = votes.get(words[-1], 0) + (1 if active else -1)
    return votes


@mistake("You say yes everywhere: that is right on all active examples and on no other. When is the latent silent?")
def always(words):
    return True


@mistake(
    "You say no everywhere: that is right on all silent examples and on no other. Mind the space that begins a word."
)
def never(words):
    return False


@mistake("You say the opposite: true where the latent is silent.")
def opposite(words):
    return _table().get(words[-1], 0) <= 0


@mistake("One word only, the commonest: the latent answers to more. Look at examples across its whole range.")
def one_word(words):
    votes = _table()
    return words[-1] == max(votes, key=votes.get)


@mistake("You look at the first of the words: the token in question is the last.")
def the_first(words):
    return _table().get(words[0], 0) > 0


@mistake("You look at the token before the last: the one in question is the last.")
def the_one_before(words):
    return _table().get(words[-2] if len(words) > 1 else "", 0) > 0


@mistake("You explain another latent: yours is the one that `my_feature()` draws from your own name.")
def another_latent(words):
    other = next(name for name in map(str, range(100)) if feature_of(name) != feature_of(asked["name"]))
    return _table(other).get(words[-1], 0) > 0
