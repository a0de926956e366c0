# attacks: the interpreter
# expect: stopped
# says: crashed
import os


def attention_pattern(q, k):
    os.abort()
