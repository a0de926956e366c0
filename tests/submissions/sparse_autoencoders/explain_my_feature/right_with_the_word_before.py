from collections import Counter
from functools import lru_cache


@lru_cache(None)
def evidence():
    pairs, singles = Counter(), Counter()
    for words, active in my_examples(800, 7):
        step = 1 if active else -1
        singles[words[-1]] += step
        pairs[tuple(words[-2:])] += step
    return pairs, singles


def explain_my_feature(words):
    pairs, singles = evidence()
    return pairs[tuple(words[-2:])] + singles[words[-1]] > 0
