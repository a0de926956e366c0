# attacks: time, in Python
# expect: stopped
# says: Stopped after
# endless


def attention_pattern(q, k):
    while True:
        pass
