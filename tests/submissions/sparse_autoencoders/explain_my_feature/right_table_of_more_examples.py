from functools import lru_cache


@lru_cache(None)
def table():
    yes, no = set(), set()
    for seed in range(3):
        for words, active in my_examples(600, seed):
            (yes if active else no).add(words[-1])
    return yes - no


def explain_my_feature(words):
    return words[-1] in table()
