# attacks: whoever reads the answer to its end
# expect: failed
# says: expected a tensor
import itertools


def attention_pattern(q, k):
    return itertools.count()
