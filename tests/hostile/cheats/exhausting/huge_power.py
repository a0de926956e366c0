# attacks: time, in C, inside the long integers
# expect: stopped
# says: Stopped
# endless


def attention_pattern(q, k):
    return 3 ** (2**40)
