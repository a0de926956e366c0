# attacks: the wire, by an answer of hundreds of megabytes
# expect: stopped
# says: larger than|memory
# level: 1


def attention_pattern(q, k):
    return "x" * 40_000_000
