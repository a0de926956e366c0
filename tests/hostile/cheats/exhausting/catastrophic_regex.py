# attacks: time, in C, inside the regular expression engine
# expect: stopped
# says: Stopped after
# endless
import re


def attention_pattern(q, k):
    return re.match(r"(a+)+$", "a" * 60 + "b")
