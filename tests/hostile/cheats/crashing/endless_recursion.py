# attacks: the interpreter's stack, as a beginner would
# expect: failed
# says: without end


def attention_pattern(q, k):
    return attention_pattern(q, k)
