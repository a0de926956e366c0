"""What the graders of this chapter run next to the learner's code: data and recorders, no solutions.

The graders' own side imports it too, so that both sides are treated alike.
"""


# ===== part 1 begins =====
# =====
# =====


# ===== part 1 ends =====

# ===== part 2 begins =====
# =====
# =====


# ===== part 2 ends =====

# ===== part 3 begins =====
# =====
# =====


# ===== part 3 ends =====

# ===== part 4 begins =====
# =====
# =====


# ===== part 4 ends =====

# ===== part 5 begins =====
# =====
# =====


# ===== part 5 ends =====

# ===== part 6 begins =====
# =====
# =====


def ends_with(*endings: str):
    """A predicate: the last word is one of these."""
    return lambda words: words[-1] in endings


def always(answer):
    """A predicate that says the same of everything."""
    return lambda words: answer


def longer_than(n: int):
    """A predicate: there are more than n words."""
    return lambda words: len(words) > n


def counts(word: str):
    """A predicate that gives a number: how often the word comes."""
    return lambda words: words.count(word)


def answers(explanation, contexts: list[list[str]]) -> list[bool]:
    """What an explanation says of each context, as truth values."""
    said = [explanation(list(words)) for words in contexts]
    if all(answer is None for answer in said):
        raise TypeError("explain_my_feature gave None for every example: is a `return` missing?")
    return [bool(answer) for answer in said]


# ===== part 6 ends =====
