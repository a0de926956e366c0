# attacks: the exit code
# expect: stopped
# says: ended its own process
import os


def attention_pattern(q, k):
    os._exit(0)
