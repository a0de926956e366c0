# attacks: whoever takes KeyboardInterrupt for the teacher's Ctrl-C
# expect: failed
# says: tried to end the program


def attention_pattern(q, k):
    raise KeyboardInterrupt
